"""Networks for points or images, chosen by the shape of a sample.

Generators map latents float32 [B, latent_size] to samples. Discriminators map samples to logits
[B]. An encoder or a second head needs several numbers: then they return [B, num_outputs]. See
`discriminator.py` for their features. Images are in [-1, 1]. The body of a network for images is
"plain", as in `dcgan.py`, or "residual", as in `residual.py`.
"""

from torch import nn

from reference_models.dcgan import ConvDiscriminator, ConvGenerator
from reference_models.gan import MlpDiscriminator, MlpGenerator
from reference_models.parts.discriminator import Discriminator
from reference_models.parts.residual import (
    Pooling,
    ResidualDiscriminator,
    ResidualGenerator,
    is_residual,
)


def generator_for(
    shape: tuple[int, ...], *, latent_size: int, width: int, body: str = "plain"
) -> nn.Module:
    """Return an MLP for points, or transposed convolutions or residual blocks for images.

    Raises:
        GanevalError: There is no such body.
    """
    if len(shape) == 3:
        make = ResidualGenerator if is_residual(body) else ConvGenerator
        return make(latent_size=latent_size, image_size=shape[1], channels=shape[0], width=width)
    return MlpGenerator(latent_size=latent_size, shape=shape, width=4 * width)


def discriminator_for(
    shape: tuple[int, ...],
    width: int,
    *,
    num_outputs: int = 1,
    batch_norm: bool = False,
    body: str = "plain",
    pooling: Pooling = "sum",
) -> Discriminator:
    """Return an MLP for points, or convolutions or residual blocks for images.

    `batch_norm` is for plain bodies, `pooling` for residual ones.

    Raises:
        GanevalError: There is no such body.
    """
    if len(shape) == 3:
        if is_residual(body):
            return ResidualDiscriminator(
                image_size=shape[1],
                channels=shape[0],
                width=width,
                num_outputs=num_outputs,
                pooling=pooling,
            )
        return ConvDiscriminator(
            image_size=shape[1],
            channels=shape[0],
            width=width,
            num_outputs=num_outputs,
            batch_norm=batch_norm,
        )
    return MlpDiscriminator(shape=shape, width=4 * width, num_outputs=num_outputs)
