"""Settings to start with for your own folder of faces or other photographs at 64 pixels.

They are not from one paper. Widths and batch are those of DCGAN and Miyato et al. 2018. Mirrored
pictures, and an average of G with a half-life of 10,000 images, are from Karras et al., "Training
Generative Adversarial Networks with Limited Data", NeurIPS 2020. Nobody has trained with these
settings here.
"""

from typing import Any

FFHQ64: dict[str, Any] = {
    "image_size": 64,
    "channels": 3,
    "flip": True,
    "batch_size": 64,
    "steps": 100_000,
    "ema_half_life": 10_000.0,
    "ema_ramp_up": 0.05,
    "generator.latent_size": 128,
    "generator.width": 64,
    "discriminator.width": 64,
}
