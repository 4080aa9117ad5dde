"""Reference implementations of generative models, one paper per file."""

MODELS: dict[str, str] = {
    "gan": "reference_models.gan:RECIPE",
    "gan-minimax": "reference_models.gan:MINIMAX",
    "dcgan": "reference_models.dcgan:RECIPE",
    "wgan": "reference_models.wgan:RECIPE",
    "wgan-gp": "reference_models.wgan_gp:RECIPE",
    "sngan": "reference_models.sngan:RECIPE",
    "projection": "reference_models.projection:RECIPE",
    "acgan": "reference_models.acgan:RECIPE",
    "feature-matching": "reference_models.feature_matching:RECIPE",
    "minibatch": "reference_models.minibatch_discrimination:RECIPE",
    "semi-supervised": "reference_models.semi_supervised:RECIPE",
    "infogan": "reference_models.infogan:RECIPE",
    "bigan": "reference_models.bigan:RECIPE",
    "ali": "reference_models.bigan:ALI",
    "pix2pix": "reference_models.pix2pix:RECIPE",
    "cyclegan": "reference_models.cyclegan:RECIPE",
    "srgan": "reference_models.srgan:RECIPE",
    "unrolled": "reference_models.unrolled:RECIPE",
    "consensus": "reference_models.consensus:RECIPE",
    "progan": "reference_models.progan:RECIPE",
    "optimal-d": "reference_models.optimal_discriminator:RECIPE",
    "gmmn": "reference_models.gmmn:RECIPE",
    "energy-distance": "reference_models.energy_distance:RECIPE",
    "mmd-gan": "reference_models.mmd_gan:RECIPE",
}
"""Name -> "module:recipe" of the models that can be trained."""
