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
    "flow": "reference_models.flow_gan:FLOW",
    "flow-gan": "reference_models.flow_gan:RECIPE",
    "vae": "reference_models.vae:RECIPE",
    "pixelcnn": "reference_models.pixelcnn:RECIPE",
}
"""Name -> "module:recipe" of the models that can be trained."""
