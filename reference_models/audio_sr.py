"""Audio super-resolution: a sound with few samples per second becomes one with many.

Kuleshov, Enam and Ermon, "Audio Super-Resolution using Neural Nets", ICLR 2017 (workshop track),
section 3. y are sounds, and x are the same sounds at a fraction of the rate. There is only one
player, the generator. It minimises

    E |y - G(x)|^2                  G(x) = s(x) + U(s(x)),  s(x): the cubic spline through x

What is special: a spline has no higher frequencies than x. But the missing frequencies can be
guessed from the lower ones, because instruments and voices have typical spectra. So the network U
adds what the spline lacks. U is a one-dimensional U-Net: each stage down is a convolution of stride
2, which halves the length. Each stage up doubles the length by sub-pixel shuffling: two channels
become the even and the odd samples of one channel. A skip connection carries the output of each
stage down to the stage up with the same length.

Two numbers measure how near G(x) is to y (section 4, `parts/spectra.py`). The signal-to-noise ratio
(SNR) is good for a spline already. The log-spectral distance (LSD) is sensitive to missing
frequencies.

Differs from the paper: there is no dropout; the first weights are uniform, where the authors' code
has orthogonal ones; three stages have 16 to 64 channels, where it has four of 128 to 512 (`--preset
paper`).
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import ganeval
from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.spline import spline
from reference_models.parts.weights import init_uniform

SHORTEST_KERNEL = 9
_FIRST_STD = 1e-3  # of the last layer's weights, so that training begins at the spline


def shuffled(x: Tensor) -> Tensor:
    """Return maps [B, C, 2 T] from maps [B, 2 C, T]: out[c, 2 t + j] = in[2 c + j, t]."""
    num, channels, length = x.shape
    return x.reshape(num, channels // 2, 2, length).mT.reshape(num, channels // 2, 2 * length)


class Generator(nn.Module):
    """The spline, plus a U-Net that adds what it lacks; it takes sounds of any length."""

    latent_size = None

    def __init__(
        self, *, channels: int, factor: int, width: int, num_stages: int, kernel: int
    ) -> None:
        """Build the stages down, the bottom, and the stages up.

        Args:
            channels: Number of channels of the sounds.
            factor: How many output samples there are for each input sample.
            width: Channels of the first stage; they double with each stage, up to 4 times.
            num_stages: Number of stages down, before the bottom, which halves the length too.
            kernel: Kernel size of the first convolution; it halves with each stage.
        """
        super().__init__()
        self.factor = factor
        widths = [width * min(2**stage, 4) for stage in range(num_stages)]
        kernels = [max(kernel // 2**stage | 1, SHORTEST_KERNEL) for stage in range(num_stages)]
        befores = [channels, *widths]
        self.down = nn.ModuleList(
            _convolution(before, after, size, stride=2)
            for before, after, size in zip(befores, widths, kernels, strict=False)
        )
        self.bottom = _convolution(widths[-1], widths[-1], SHORTEST_KERNEL, stride=2)
        belows = [*(2 * one for one in widths[1:]), widths[-1]]  # a doubled map beside a skip
        self.up = nn.ModuleList(
            _convolution(below, 2 * own, size)
            for below, own, size in zip(belows, widths, kernels, strict=True)
        )
        self.last = _convolution(2 * width, 2 * channels, SHORTEST_KERNEL)

    def forward(self, condition: Tensor) -> Tensor:
        """Return sounds [B, C, factor n] in [-1, 1] for sounds [B, C, n]."""
        return self.completed(condition).clamp(-1, 1)

    def completed(self, condition: Tensor) -> Tensor:
        """Return the output before clipping to [-1, 1]; training uses it."""
        smooth = spline(condition, self.factor)
        length, whole = smooth.shape[-1], 2 ** (len(self.down) + 1)
        x = F.pad(smooth, (0, -length % whole))  # so that every stage can halve it
        skips = []
        for stage in self.down:
            x = F.leaky_relu(stage(x), 0.2)
            skips.append(x)
        x = F.leaky_relu(self.bottom(x), 0.2)
        for stage, skip in zip(reversed(self.up), reversed(skips), strict=True):
            x = torch.cat([shuffled(F.relu(stage(x))), skip], dim=1)
        return smooth + shuffled(self.last(x))[..., :length]


def _convolution(before: int, after: int, kernel: int, *, stride: int = 1) -> nn.Conv1d:
    """Return a convolution of odd kernel that keeps the length, or halves it."""
    return nn.Conv1d(before, after, kernel, stride, padding=kernel // 2)


class AudioSuperResolution(Game):
    """The game of one player, who minimises the mean squared error of samples."""

    players: Mapping[str, tuple[str, ...]] = {"G": ("generator",)}

    def __init__(self, generator: Generator) -> None:
        """Take the network."""
        super().__init__()
        self.generator = generator

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the mean squared error."""
        made = self.generator.completed(batch["condition"])
        return {"error": (made - batch["real"]).square().mean()}


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> AudioSuperResolution:
    """Return the game with its first weights.

    Raises:
        GanevalError: The lengths of clips and conditions do not have the ratio `factor`.
    """
    game = AudioSuperResolution(Generator(**recipe.generator_options(data.shape)))
    factor = recipe.networks["generator"]["factor"]
    if "condition" in data.names:
        found = data.batch(0, 0, 1)["condition"].shape[-1]
        if factor * found != data.shape[-1]:
            raise ganeval.GanevalError(
                f"conditions of {found} samples for clips of {data.shape[-1]}",
                f"clips with {factor} (generator.factor) times the samples of their conditions",
                "change generator.factor or the data",
            )
    init_uniform(game, randomness)
    nn.init.normal_(game.generator.last.weight, std=_FIRST_STD, generator=randomness)
    nn.init.zeros_(game.generator.last.bias)  # type: ignore[arg-type]
    return game


RECIPE = Recipe(
    name="audio-sr",
    make_game=make_game,
    exported={"generator": Exported("reference_models.audio_sr:Generator", condition="condition")},
    of_shape=lambda shape: {"channels": shape[0]},
    networks={"generator": {"factor": 4, "width": 16, "num_stages": 3, "kernel": 65}},
    solver=Alternating(),
    optimizers={"G": OptimizerSpec(lr=1e-3, betas=(0.9, 0.999), decay="linear")},
    batch_size=16,
    data="tones",
    reads=("real", "condition"),
    kinds=("clips",),
    presets={
        "paper": {
            "generator.width": 128,
            "generator.num_stages": 4,
            "batch_size": 64,
            "optimizers.G.lr": 3e-4,
        }
    },
)
