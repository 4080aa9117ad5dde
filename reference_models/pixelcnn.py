"""PixelCNN: the probability of each pixel depends on the pixels above it and to its left.

Van den Oord, Kalchbrenner and Kavukcuoglu, "Pixel Recurrent Neural Networks", ICML 2016, with the
gated layers of van den Oord et al., "Conditional Image Generation with PixelCNN Decoders", NeurIPS
2016 (section "Gated Convolutional Layers"). There is only one player, the generator. It minimises
-E log p(x), where

    log p(x) = sum_i log p(x_i | x_1, ..., x_{i-1})       pixels row by row
    y = tanh(W_f * h) . sigmoid(W_g * h)                  a layer; * is a convolution

What is special: every factor is a softmax over the levels of a pixel, and one pass of convolutions
computes all factors at once. For this the kernels are masked. With mask A (the first layer) a place
sees the pixels above and to the left; with mask B (the other layers) it also sees itself. Sampling
goes pixel by pixel. In each step a layer computes its value only at the new place; it has stored
the values at the earlier ones.

As for every model here, samples are a function of latents. There is one uniform latent u for each
pixel. Pixel i gets the level at which the distribution function of p(x_i | ...) passes u. Red,
green and blue of a pixel are three neighbours in a row, in this order. A point is a picture of one
row. Each of its coordinates is rounded to a level, and its density is constant within a level.

Differs from the papers: a learned map of places is added to the first layer; one stack of
convolutions, which does not see some pixels above to the right, where the second paper has two; few
and narrow layers (the first paper has 15 for CIFAR-10, 128 wide: `--preset paper`).
"""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn

from reference_models.engine.data import Data
from reference_models.engine.game import Game
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.levels import check_prior, level_at
from reference_models.parts.likelihood import MaximumLikelihood
from reference_models.parts.weights import init_uniform


class MaskedConvolution(nn.Conv2d):
    """A convolution that sees `reach` rows above and `reach` columns to either side.

    In its own row it sees only places to the left. Its input is padded with `reach` rows above and
    `reach` columns on either side.
    """

    mask: torch.Tensor

    def __init__(self, inputs: int, outputs: int, reach: int, *, sees_itself: bool) -> None:
        """Build it with mask B if a place sees itself, with mask A if not."""
        super().__init__(inputs, outputs, (reach + 1, 2 * reach + 1))
        mask = torch.ones(reach + 1, 2 * reach + 1)
        mask[-1, reach + sees_itself :] = 0
        self.reach = reach
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return float32 [B, outputs, H, W] for [B, inputs, H + reach, W + 2 reach]."""
        return F.conv2d(x, self.weight * self.mask, self.bias)

    def padded(self, x: torch.Tensor) -> torch.Tensor:
        """Return maps [B, C, H, W] padded with zeros, for `forward`."""
        return F.pad(x, (self.reach, self.reach, self.reach, 0))


class Gated(nn.Module):
    """Computes y and a 1 x 1 convolution of y, which the generator adds to the layer's input."""

    def __init__(self, width: int, reach: int) -> None:
        """Build W_f and W_g as one convolution."""
        super().__init__()
        self.gates = MaskedConvolution(width, 2 * width, reach, sees_itself=True)
        self.output = nn.Conv2d(width, width, 1)

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        """Return float32 [B, width, H, W] for padded maps."""
        signal, gate = self.gates(h).chunk(2, dim=1)
        added: torch.Tensor = self.output(signal.tanh() * gate.sigmoid())
        return added


class Generator(nn.Module):
    """The distribution of the numbers of a picture or a point, row by row."""

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        num_levels: int,
        width: int,
        num_layers: int,
        first_reach: int,
        reach: int,
        extent: float,
    ) -> None:
        """Build the layers; points lie between -extent and extent, pictures between -1 and 1."""
        super().__init__()
        self.shape, self.latent_size = tuple(shape), math.prod(shape)
        self.num_levels, self.is_picture = num_levels, len(shape) == 3
        self.extent = 1.0 if self.is_picture else extent
        channels, height, columns = shape if self.is_picture else (1, 1, math.prod(shape))
        self.size = height, columns * channels  # the channels of a pixel are neighbours
        self.first = MaskedConvolution(1, width, first_reach, sees_itself=False)
        self.place = nn.Parameter(torch.zeros(width, *self.size))
        self.layers = nn.ModuleList(Gated(width, reach) for _ in range(num_layers))
        self.head = nn.Sequential(nn.ReLU(), nn.Conv2d(width, num_levels, 1))

    @property
    def gated(self) -> list[Gated]:
        """All layers but the first."""
        return [layer for layer in self.layers if isinstance(layer, Gated)]

    def logits(self, values: torch.Tensor) -> torch.Tensor:
        """Return logits of the levels [B, num_levels, H, W] for values [B, 1, H, W] in [-1, 1]."""
        h = self.first(self.first.padded(values)) + self.place
        for layer in self.gated:
            h = h + layer(layer.gates.padded(h))
        logits: torch.Tensor = self.head(h)
        return logits

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """Return log p(x) in nats, float32 [B]; -inf beyond the levels.

        Args:
            x: float32 [B, *shape]. Pictures may be dequantised or not, because the density is
                constant within a level.
        """
        values = x.movedim(1, -1) if self.is_picture else x
        values = values.reshape(len(x), 1, *self.size) / self.extent
        last = self.num_levels - 1
        levels = ((values + 1) * last / 2 + 0.5).floor().long().squeeze(1)
        beyond = ((levels < 0) | (levels > last)).flatten(1).any(dim=1)
        levels = levels.clamp(0, last)
        # The network sees the middle of each level, as it does when it samples.
        logits = self.logits(2 * levels[:, None].to(values.dtype) / last - 1)
        log_prob = -F.cross_entropy(logits, levels, reduction="none").flatten(1).sum(dim=1)
        width_of_level = 2 * self.extent / last
        log_density = log_prob - self.latent_size * math.log(width_of_level)
        return log_density.masked_fill(beyond, -math.inf)

    @torch.no_grad()
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return samples float32 [B, *shape] for latents [B, latent_size], uniform in [-1, 1)."""
        height, columns = self.size
        uniform = ((z + 1) / 2).reshape(len(z), height, columns)
        samples = torch.zeros(len(z), 1, height, columns, dtype=z.dtype, device=z.device)
        # The padded inputs of the first layer and of each gated layer; filled pixel by pixel.
        seen = self.first.padded(samples)
        inputs = [
            layer.gates.padded(samples.expand(-1, len(self.place), -1, -1)) for layer in self.gated
        ]
        for row, column in itertools.product(range(height), range(columns)):
            h = self.first(_around(seen, row, column, self.first.reach))
            h = h + self.place[:, row, column, None, None]
            for layer, maps in zip(self.gated, inputs, strict=True):
                reach = layer.gates.reach
                maps[:, :, row + reach, column + reach] = h[:, :, 0, 0]
                h = h + layer(_around(maps, row, column, reach))
            level, within = level_at(self.head(h)[:, :, 0, 0], uniform[:, row, column])
            level = level.to(within.dtype)
            reach = self.first.reach
            seen[:, 0, row + reach, column + reach] = 2 * level / (self.num_levels - 1) - 1
            samples[:, 0, row, column] = level if self.is_picture else level + within - 0.5
        samples = self.extent * (2 * samples / (self.num_levels - 1) - 1)
        if not self.is_picture:
            return samples.reshape(len(z), *self.shape)
        channels, height, columns = self.shape
        return samples.reshape(len(z), height, columns, channels).movedim(-1, 1)


def _around(padded: torch.Tensor, row: int, column: int, reach: int) -> torch.Tensor:
    """Return the part of its padded input that a masked convolution sees at one place."""
    return padded[:, :, row : row + reach + 1, column : column + 2 * reach + 1]


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights.

    Raises:
        GanevalError: The prior is not uniform.
    """
    check_prior(recipe)
    game = MaximumLikelihood(Generator(**recipe.generator_options(data.shape)))
    init_uniform(game, randomness)
    return game


RECIPE = Recipe(
    name="pixelcnn",
    make_game=make_game,
    exported={"generator": Exported("reference_models.pixelcnn:Generator")},
    networks={
        "generator": {
            "num_levels": 256,
            "width": 32,
            "num_layers": 4,
            "first_reach": 3,
            "reach": 1,
            "extent": 5.0,
        }
    },
    solver=Alternating(),
    optimizers={"G": OptimizerSpec(lr=2e-3, betas=(0.9, 0.999))},
    batch_size=32,
    prior="uniform",
    presets={"paper": {"generator.width": 128, "generator.num_layers": 15}},
)
