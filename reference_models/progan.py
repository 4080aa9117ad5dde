"""Progressive growing: both networks start at 4 x 4 pixels and gain layers while they train.

Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation", ICLR
2018. The losses are those of `wgan_gp.py`, plus a drift term for the critic f (appendix A.1):

    D minimises   E f(G(z)) - E f(x) + 10 E (|grad f(xhat)|_2 - 1)^2 + 0.001 E f(x)^2
    G minimises   -E f(G(z))

where xhat lies on the line between a real and a generated image.

What is special: a new resolution is faded in. Its image is mixed with the enlarged image of the
previous resolution, with a weight that grows from 0 to 1 (section 2, figure 2); D does the same
with its input. The growth is a function of the number of images seen, so no stage has to be saved.
D gets one more map, the standard deviation over a group of the batch (section 3). Weights are drawn
from N(0, 1) and scaled by He's constant in every pass, so that all weights learn at the same speed
(section 4.1). In G's maps each pixel is scaled to mean square 1 over its channels (section 4.2).

Differs from the paper: 16 channels at full size and 64 latents, where the paper has 16 channels at
1,024 pixels and 512 latents; 12,800 images for each resolution and each fading, where it has
800,000; unlike in the official code, Adam keeps its moments when the networks grow.
"""

import itertools
import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn

from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import (
    Exported,
    OptimizerSpec,
    Options,
    Recipe,
    image_options,
)
from reference_models.engine.solvers import Alternating
from reference_models.parts.objectives import Objective, objective_of
from reference_models.parts.penalties import gradient_penalty
from reference_models.parts.sizes import doublings

GROUP_SIZE = 4
SMALLEST = 4


def growth_after(num_images: int, *, stable: int, fade: int) -> float:
    """Return the growth after this many images, without an upper limit.

    An integer k stands for the resolution 4 * 2**k. Between k and k + 1, resolution k + 1 is being
    faded in. Each resolution is trained for `stable` images, then the next one is faded in over
    `fade` images.
    """
    level, into = divmod(num_images, stable + fade)
    return level + max(0, into - stable) / fade


class EqualisedConv(nn.Module):
    """A convolution whose weights start as N(0, 1) and are scaled in every pass: section 4.1."""

    def __init__(
        self, before: int, after: int, size: int = 3, *, padding: int = 1, gain: float = 2**0.5
    ) -> None:
        """Take numbers of channels and kernel size; `gain` is sqrt(2) before a leaky ReLU."""
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(after, before, size, size))
        self.bias = nn.Parameter(torch.zeros(after))
        self.scale, self.padding = gain / math.sqrt(before * size**2), padding

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the convolution of maps [B, C, H, W]."""
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)


class PixelNorm(nn.Module):
    """Scales every pixel to mean square 1 over its channels: section 4.2."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the normalised maps [B, C, H, W]."""
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


class GroupDeviation(nn.Module):
    """Adds one map: the standard deviation over a group of samples, averaged (section 3)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return [B, C + 1, H, W]; a group is 4 samples in a row, or all if 4 does not divide B."""
        num, channels, height, width = x.shape
        size = GROUP_SIZE if num % GROUP_SIZE == 0 else num
        groups = x.reshape(-1, size, channels, height, width)
        deviation = (groups.var(dim=1, correction=0) + 1e-8).sqrt().mean(dim=(1, 2, 3))
        per_sample = deviation.repeat_interleave(size)[:, None, None, None]
        return torch.cat([x, per_sample.expand(-1, 1, height, width)], dim=1)


def enlarge(x: torch.Tensor) -> torch.Tensor:
    """Return maps of twice the height and width, by repeating every pixel."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


class Growing(nn.Module):
    """A network that knows its growth.

    Attributes:
        growth: Buffer, float32 scalar: see `growth_after`. Because it is a buffer, the averaged
            network, the training state and the checkpoint contain it.
    """

    growth: torch.Tensor

    def __init__(self, *, image_size: int, width: int) -> None:
        """Compute the levels and their widths: `width` at full size, doubled with each halving."""
        super().__init__()
        self.num_levels = 1 + doublings(image_size, smallest=SMALLEST)
        self.widths = [width * min(2**level, 8) for level in range(self.num_levels)][::-1]
        self.register_buffer("growth", torch.zeros((), dtype=torch.float32))

    def position(self) -> tuple[int, float]:
        """Return the highest level in use, and its weight, which is below 1 while it fades in."""
        growth = float(self.growth)
        level = math.ceil(growth)
        return level, 1.0 - (level - growth)


def _synthesis(first: EqualisedConv, width: int) -> nn.Sequential:
    """Return the two layers of a level of G."""
    return nn.Sequential(
        first,
        nn.LeakyReLU(0.2),
        PixelNorm(),
        EqualisedConv(width, width),
        nn.LeakyReLU(0.2),
        PixelNorm(),
    )


class Generator(Growing):
    """Maps latents to images of the full size, enlarged if lower levels are in use."""

    def __init__(self, *, latent_size: int, image_size: int, channels: int, width: int) -> None:
        """Build all levels; levels that are not reached yet do not affect the image."""
        super().__init__(image_size=image_size, width=width)
        self.latent_size = latent_size
        # On a map of one pixel this convolution is a linear layer to 4 x 4 pixels.
        first = EqualisedConv(latent_size, self.widths[0], SMALLEST, padding=SMALLEST - 1)
        self.normalise = PixelNorm()
        self.levels = nn.ModuleList([_synthesis(first, self.widths[0])])
        for before, after in itertools.pairwise(self.widths):
            self.levels.append(_synthesis(EqualisedConv(before, after), after))
        self.to_image = nn.ModuleList(
            EqualisedConv(width, channels, 1, padding=0, gain=1.0) for width in self.widths
        )

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return images float32 [B, C, H, W]; in evaluation they are clipped to [-1, 1].

        In training they are not clipped, because clipped values would have no gradient.
        """
        images = self.grown(z, *self.position())
        return images if self.training else images.clamp(-1, 1)

    def grown(self, z: torch.Tensor, level: int, weight: float) -> torch.Tensor:
        """Return images of a given level, which has a weight above 0 and at most 1."""
        x = before = self.normalise(z[:, :, None, None])
        for number in range(level + 1):
            before = x
            x = self.levels[number](enlarge(x) if number else x)
        images: torch.Tensor = self.to_image[level](x)
        if weight < 1:
            images = torch.lerp(enlarge(self.to_image[level - 1](before)), images, weight)
        for _ in range(self.num_levels - 1 - level):
            images = enlarge(images)
        return images


class Discriminator(Growing):
    """Maps images of the full size to logits; reduces them to its present resolution first."""

    def __init__(self, *, image_size: int, channels: int, width: int) -> None:
        """Build all levels."""
        super().__init__(image_size=image_size, width=width)
        self.from_image = nn.ModuleList(
            nn.Sequential(EqualisedConv(channels, width, 1, padding=0), nn.LeakyReLU(0.2))
            for width in self.widths
        )
        last = self.widths[0]
        self.levels = nn.ModuleList(
            [
                nn.Sequential(
                    GroupDeviation(),
                    EqualisedConv(last + 1, last),
                    nn.LeakyReLU(0.2),
                    EqualisedConv(last, last, SMALLEST, padding=0),
                    nn.LeakyReLU(0.2),
                )
            ]
        )
        for after, before in itertools.pairwise(self.widths):
            self.levels.append(
                nn.Sequential(
                    EqualisedConv(before, before),
                    nn.LeakyReLU(0.2),
                    EqualisedConv(before, after),
                    nn.LeakyReLU(0.2),
                    nn.AvgPool2d(2),
                )
            )
        self.output = EqualisedConv(last, 1, 1, padding=0, gain=1.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits float32 [B] for images [B, C, H, W]."""
        level, weight = self.position()
        for _ in range(self.num_levels - 1 - level):
            x = F.avg_pool2d(x, 2)
        maps = self.levels[level](self.from_image[level](x))
        if weight < 1:
            maps = torch.lerp(self.from_image[level - 1](F.avg_pool2d(x, 2)), maps, weight)
        for number in range(level - 1, -1, -1):
            maps = self.levels[number](maps)
        logits: torch.Tensor = self.output(maps)
        return logits.flatten()


class Progressive(Game):
    """The game in which the networks grow with the images seen.

    Attributes:
        last: The growth at full size, where the networks stop growing.
    """

    players: Mapping[str, tuple[str, ...]] = {"D": ("discriminator",), "G": ("generator",)}

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        objective: Objective,
        options: Options,
    ) -> None:
        """Take the two networks, the objective, and the settings of the recipe's game."""
        super().__init__()
        self.generator, self.discriminator, self.objective = generator, discriminator, objective
        self.options = options
        self.last = generator.num_levels - 1.0

    def before_step(self, num_images: int) -> None:
        """Set the growth of both networks from the images seen."""
        stable, fade = self.options["stable_images"], self.options["fade_images"]
        growth = min(growth_after(num_images, stable=stable, fade=fade), self.last)
        self.generator.growth.fill_(growth)
        self.discriminator.growth.fill_(growth)

    def at_resolution(self, real: torch.Tensor) -> torch.Tensor:
        """Return real images at the present resolution, faded and enlarged like generated ones."""
        level, weight = self.generator.position()
        shown = F.adaptive_avg_pool2d(real, SMALLEST * 2**level)
        if weight < 1:
            shown = torch.lerp(enlarge(F.avg_pool2d(shown, 2)), shown, weight)
        for _ in range(self.generator.num_levels - 1 - level):
            shown = enlarge(shown)
        return shown

    def reads(self, player: str) -> bool:
        """Return whether a player uses real samples; only D does."""
        return player == "D"

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the three terms of D, or the term of G."""
        num, size, like = batch.size, self.generator.latent_size, self.generator.growth
        z = draw.latents("z", num, size, prior=self.prior, like=like)
        fake = self.generator(z)
        fake_logits = self.discriminator(fake)
        if player == "G":
            return {"adversarial": self.objective.generator(None, fake_logits)}
        real = self.at_resolution(batch["real"])
        real_logits = self.discriminator(real)
        mix = draw.uniform("mix", num, like=real)
        penalty = gradient_penalty(self.discriminator, real, fake.detach(), mix)
        return {
            "adversarial": self.objective.discriminator(real_logits, fake_logits),
            "gradient_penalty": self.options["penalty_weight"] * penalty,
            "drift": self.options["drift_weight"] * real_logits.square().mean(),
        }


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Progressive:
    """Return the game with its first weights."""
    game = Progressive(
        Generator(**recipe.generator_options(data.shape)),
        Discriminator(**image_options(data.shape), **recipe.networks["discriminator"]),
        objective_of(recipe),
        recipe.game,
    )
    with torch.no_grad():
        for module in game.modules():
            if isinstance(module, EqualisedConv):
                module.weight.normal_(generator=randomness)
    return game


RECIPE = Recipe(
    name="progan",
    make_game=make_game,
    exported={"generator": Exported("reference_models.progan:Generator")},
    of_shape=image_options,
    kinds=("pictures",),
    networks={"generator": {"latent_size": 64, "width": 16}, "discriminator": {"width": 16}},
    game={
        "objective": "wasserstein",
        "penalty_weight": 10.0,
        "drift_weight": 1e-3,
        "stable_images": 12_800,
        "fade_images": 12_800,
    },
    solver=Alternating(),
    optimizers={player: OptimizerSpec(lr=1e-3, betas=(0.0, 0.99)) for player in ("D", "G")},
    batch_size=32,
    steps=3000,
)
