"""Reference implementations of generative models, one paper per file."""

MODELS: dict[str, str] = {
    "gan": "reference_models.gan:RECIPE",
    "gan-minimax": "reference_models.gan:MINIMAX",
    "dcgan": "reference_models.dcgan:RECIPE",
    "wgan": "reference_models.wgan:RECIPE",
    "wgan-gp": "reference_models.wgan_gp:RECIPE",
    "sngan": "reference_models.sngan:RECIPE",
    "projection": "reference_models.projection:RECIPE",
    "infogan": "reference_models.infogan:RECIPE",
    "bigan": "reference_models.bigan:RECIPE",
    "ali": "reference_models.bigan:ALI",
    "pix2pix": "reference_models.pix2pix:RECIPE",
    "unrolled": "reference_models.unrolled:RECIPE",
    "consensus": "reference_models.consensus:RECIPE",
    "progan": "reference_models.progan:RECIPE",
    "f-gan": "reference_models.fgan:RECIPE",
    "poole": "reference_models.poole:RECIPE",
    "lsgan": "reference_models.lsgan:RECIPE",
    "relativistic": "reference_models.relativistic:RECIPE",
    "roth": "reference_models.roth:RECIPE",
    "nagarajan": "reference_models.nagarajan:RECIPE",
}
"""Name -> "module:recipe" of the models that can be trained."""
