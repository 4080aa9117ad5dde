"""Small runs that show of each system what it is for, each with a control that must fail."""

EXPERIMENTS: dict[str, str] = {
    "gan": "reference_models.experiments.ring:GAN",
    "gan-minimax": "reference_models.experiments.ring:GAN_MINIMAX",
    "dcgan": "reference_models.experiments.digits:DCGAN",
    "wgan": "reference_models.experiments.digits:WGAN",
    "wgan-lines": "reference_models.experiments.distance:WGAN",
    "wgan-gp": "reference_models.experiments.ring:WGAN_GP",
    "sngan": "reference_models.experiments.ring:SNGAN",
    "projection": "reference_models.experiments.classes:PROJECTION",
    "infogan": "reference_models.experiments.codes:INFOGAN",
    "bigan": "reference_models.experiments.codes:BIGAN",
    "ali": "reference_models.experiments.codes:ALI",
    "pix2pix": "reference_models.experiments.digits:PIX2PIX",
    "unrolled": "reference_models.experiments.ring:UNROLLED",
    "consensus": "reference_models.experiments.ring:CONSENSUS",
    "progan": "reference_models.experiments.digits:PROGAN",
}
"""Name of the experiment, which is its model's where it is the model's first -> "module:value"."""
