"""Settings to begin with on faces or other photographs at 64 pixels, of a folder of one's own.

No paper's: widths and batch of DCGAN and Miyato et al. 2018, mirrored pictures and an average of G
with a half-life of 10,000 images, as Karras et al., "Training Generative Adversarial Networks with
Limited Data", NeurIPS 2020, have them. Nobody has trained them here.
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
