"""Networks for points or images, as the shape of a sample asks for.

Generators map latents float32 [B, latent_size] to samples, discriminators samples to logits [B], or
to [B, num_outputs] where a head has more to say (an encoder, a second head). Images are in [-1, 1].
"""

from torch import nn

from reference_models.dcgan import ConvDiscriminator, ConvGenerator
from reference_models.gan import MlpDiscriminator, MlpGenerator


def generator_for(shape: tuple[int, ...], *, latent_size: int, width: int) -> nn.Module:
    """Return an MLP for points, transposed convolutions for images."""
    if len(shape) == 3:
        return ConvGenerator(
            latent_size=latent_size, image_size=shape[1], channels=shape[0], width=width
        )
    return MlpGenerator(latent_size=latent_size, shape=shape, width=4 * width)


def discriminator_for(
    shape: tuple[int, ...], width: int, *, num_outputs: int = 1, batch_norm: bool = False
) -> nn.Module:
    """Return an MLP for points, convolutions for images."""
    if len(shape) == 3:
        return ConvDiscriminator(
            image_size=shape[1],
            channels=shape[0],
            width=width,
            num_outputs=num_outputs,
            batch_norm=batch_norm,
        )
    return MlpDiscriminator(shape=shape, width=4 * width, num_outputs=num_outputs)
