"""Generators and discriminators that several papers share; resolution and channels are parameters.

Generators map latents float32 [B, latent_size] to samples, discriminators samples to logits [B], or
to [B, num_outputs] where a head has more to say (an encoder, a second head). Images are in [-1, 1].
"""

import itertools
import math

import torch
from torch import nn

import ganeval


class MlpGenerator(nn.Module):
    """A multi-layer perceptron from latents to points or small images."""

    def __init__(
        self, *, latent_size: int, shape: tuple[int, ...], width: int = 128, depth: int = 2
    ) -> None:
        """Build `depth` hidden layers; images (three axes) end in tanh, points in nothing."""
        super().__init__()
        self.latent_size, self.shape = latent_size, tuple(shape)
        sizes = [latent_size, *[width] * depth]
        self.hidden = nn.Sequential(
            *(
                layer
                for before, after in itertools.pairwise(sizes)
                for layer in (nn.Linear(before, after), nn.ReLU())
            )
        )
        self.output = nn.Linear(width, math.prod(self.shape))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return samples float32 [B, *shape]."""
        flat: torch.Tensor = self.output(self.hidden(z))
        samples = flat.reshape(len(z), *self.shape)
        return samples.tanh() if len(self.shape) == 3 else samples


class MlpDiscriminator(nn.Module):
    """A multi-layer perceptron from points or small images to one logit."""

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        width: int = 128,
        depth: int = 2,
        num_outputs: int = 1,
    ) -> None:
        """Build `depth` hidden layers."""
        super().__init__()
        sizes = [math.prod(shape), *[width] * depth]
        self.layers = nn.Sequential(
            nn.Flatten(),
            *(
                layer
                for before, after in itertools.pairwise(sizes)
                for layer in (nn.Linear(before, after), nn.LeakyReLU(0.2))
            ),
            nn.Linear(width, num_outputs),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits float32 [B], or [B, num_outputs] if there are several."""
        logits: torch.Tensor = self.layers(x)
        return logits.squeeze(1)


class ConvGenerator(nn.Module):
    """Strided transposed convolutions from a 4 x 4 map upwards: Radford et al. 2016, section 3."""

    def __init__(
        self, *, latent_size: int, image_size: int, channels: int, width: int = 64
    ) -> None:
        """Build a stage for every doubling; `width` channels before the last one."""
        super().__init__()
        num = doublings(image_size)
        self.latent_size, self.shape = latent_size, (channels, image_size, image_size)
        widths = [width * 2 ** (num - 1 - stage) for stage in range(num)]
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(latent_size, widths[0], 4, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        ]
        for before, after in itertools.pairwise(widths):
            layers += [
                nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        layers += [nn.ConvTranspose2d(widths[-1], channels, 4, stride=2, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return images float32 [B, C, H, W] in [-1, 1]."""
        images: torch.Tensor = self.layers(z[:, :, None, None])
        return images


class ConvDiscriminator(nn.Module):
    """Strided convolutions down to a 4 x 4 map and one logit: Radford et al. 2016, section 3."""

    def __init__(
        self,
        *,
        image_size: int,
        channels: int,
        width: int = 64,
        num_outputs: int = 1,
        batch_norm: bool = True,
    ) -> None:
        """Build a stage for every halving; no BatchNorm on the input stage, as the paper says."""
        super().__init__()
        num = doublings(image_size)
        layers: list[nn.Module] = []
        before = channels
        for stage in range(num):
            after = width * 2**stage
            normed = batch_norm and stage > 0
            layers.append(nn.Conv2d(before, after, 4, stride=2, padding=1, bias=not normed))
            layers += [nn.BatchNorm2d(after)] if normed else []
            layers.append(nn.LeakyReLU(0.2))
            before = after
        self.layers = nn.Sequential(*layers, nn.Conv2d(before, num_outputs, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits float32 [B], or [B, num_outputs] if there are several."""
        logits: torch.Tensor = self.layers(x)
        return logits.flatten(1).squeeze(1)


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


@torch.no_grad()
def init_dcgan(network: nn.Module, generator: torch.Generator) -> None:
    """Draw weights from N(0, 0.02), BatchNorm scales from N(1, 0.02): Radford et al. 2016, 4."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            module.weight.normal_(0.0, 0.02, generator=generator)
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, nn.BatchNorm2d):
            module.weight.normal_(1.0, 0.02, generator=generator)
            module.bias.zero_()


@torch.no_grad()
def init_uniform(network: nn.Module, generator: torch.Generator) -> None:
    """Draw weights as torch's layers do by default, from a generator of one's own."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            fan_in = module.weight[0].numel()
            if isinstance(module, nn.ConvTranspose2d):
                fan_in = module.weight[:, 0].numel()
            bound = 1 / math.sqrt(fan_in)
            module.weight.uniform_(-bound, bound, generator=generator)
            if module.bias is not None:
                module.bias.uniform_(-bound, bound, generator=generator)


def doublings(image_size: int, *, smallest: int = 4) -> int:
    """Return how often `smallest` doubles to the image size.

    Raises:
        GanevalError: It does not.
    """
    number = (image_size // smallest).bit_length() - 1
    if image_size < 8 or smallest * 2**number != image_size:
        raise ganeval.GanevalError(
            f"images of {image_size} pixels",
            "8, 16, 32, 64, ...",
            "add size=32 (and crop=center to keep proportions) to the data",
        )
    return number
