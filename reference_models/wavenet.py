"""WaveNet: the probability of each sample of a sound is computed from those before it.

Van den Oord et al., "WaveNet: A Generative Model for Raw Audio", 2016 (arXiv 1609.03499). There is
one player, the generator, and no D. It minimises -E log p(x | h), where (equations 1 and 5)

    log p(x | h) = sum_t log p(x_t | x_1, ..., x_{t-1}, h)
    z = tanh(W_f * u + V_f h) . sigmoid(W_g * u + V_g h)        a layer; * is a convolution
    u' = u + R z                                                the input of the next layer
    log p(x_t | ...) = log softmax(B relu(A relu(sum S z)))     the sum is over all layers

What is special: the convolutions are causal, so one pass gives the factors of all samples, and
dilated: layer i looks back 2^i samples, so their field doubles with each. A stack with dilations
1, 2, 4, ..., 512 sees 1,024 samples; several stacks follow each other. Samples are cut into 256
levels by the mu-law (section 2.2, `parts/mu_law.py`).

Conditions h (section 2.5) are global or local. `generator.num_classes` takes the class of a clip,
the same h for all samples. `generator.condition_channels` takes a sound of a lower rate, each
sample of which is h for as many of the clip (`LOCAL` is the recipe for that).

Sampling goes sample by sample. Each layer keeps its inputs as far back as it looks, so that nothing
is computed twice. Samples are a function of latents, as those of every model here: x_t gets the
level at which the distribution function of p(x_t | ...) passes a uniform number u_t.

Published, in the opinion of people of read English from 1 to 5: 4.21, beside 3.86 for speech put
together from recordings and 3.67 for a recurrent network (table 1).

Differs from the paper: clips are short, and what lies before their beginning is an input of zeros;
one layer turns the levels into channels, without a look back; conditions of a lower rate are
repeated, where the paper learns to interpolate them; two stacks of 5 layers of 32 channels
(`--preset paper`: the three stacks of 10 of section 2.1).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import ganeval
from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts import mu_law
from reference_models.parts.classes import check_classes
from reference_models.parts.weights import init_uniform


class Layer(nn.Module):
    """A gated layer that looks back at `kernel` inputs, each `dilation` before the next."""

    def __init__(
        self, width: int, num_skips: int, kernel: int, dilation: int, num_given: int
    ) -> None:
        """Build W_f and W_g as one convolution, V_f and V_g as another, R and S as a third."""
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.dilation, self.width = dilation, width
        self.gates = nn.Conv1d(width, 2 * width, kernel, dilation=dilation)
        self.given = nn.Conv1d(num_given, 2 * width, 1, bias=False) if num_given else None
        self.output = nn.Conv1d(width, width + num_skips, 1)

    def forward(self, u: Tensor, h: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return u' [B, width, T] and S z [B, num_skips, T] of inputs u and conditions h."""
        gates = self.gates(F.pad(u, (self.reach, 0)))
        if self.given is not None:
            gates = gates + self.given(h)
        signal, gate = gates.chunk(2, dim=1)
        out = self.output(signal.tanh() * gate.sigmoid())
        return u + out[:, : self.width], out[:, self.width :]

    def one(self, u: Tensor, given: Tensor | None, kept: Tensor, t: int) -> tuple[Tensor, Tensor]:
        """Return u' [B, width] and S z [B, num_skips] of sample t alone.

        Args:
            u: The layer's input at t, [B, width].
            given: V h at t, [B, 2 width].
            kept: Its inputs of the last `reach` samples, and of this one, in a ring
                [B, width, reach + 1]; changed here.
            t: Number of the sample.
        """
        size = self.reach + 1
        kept[:, :, t % size] = u
        places = [(t - back) % size for back in range(self.reach, -1, -self.dilation)]
        gates = F.linear(kept[:, :, places].flatten(1), *_flat(self.gates))
        if given is not None:
            gates = gates + given
        signal, gate = gates.chunk(2, dim=1)
        out = F.linear(signal.tanh() * gate.sigmoid(), *_flat(self.output))
        return u + out[:, : self.width], out[:, self.width :]


def _flat(convolution: nn.Conv1d) -> tuple[Tensor, Tensor | None]:
    """Return weight and bias of a convolution for one place, as those of a linear map."""
    return convolution.weight.flatten(1), convolution.bias


class Generator(nn.Module):
    """The distribution of the levels of a clip, in the order of time."""

    def __init__(  # noqa: PLR0913 (keyword-only, each is plain)
        self,
        *,
        num_samples: int,
        num_levels: int,
        width: int,
        num_skips: int,
        kernel: int,
        num_stacks: int,
        layers_per_stack: int,
        num_classes: int,
        condition_channels: int,
    ) -> None:
        """Build the layers; 0 classes or channels of a condition: none."""
        super().__init__()
        self.latent_size, self.num_levels = num_samples, num_levels
        self.num_classes, self.condition_channels = num_classes, condition_channels
        self.first = nn.Embedding(num_levels, width)
        self.layers = nn.ModuleList(
            Layer(width, num_skips, kernel, 2**number, num_classes + condition_channels)
            for _ in range(num_stacks)
            for number in range(layers_per_stack)
        )
        self.head = nn.Sequential(
            nn.ReLU(),
            nn.Conv1d(num_skips, num_skips, 1),
            nn.ReLU(),
            nn.Conv1d(num_skips, num_levels, 1),
        )

    @property
    def gated(self) -> list[Layer]:
        """All gated layers."""
        return [layer for layer in self.layers if isinstance(layer, Layer)]

    @property
    def receptive_field(self) -> int:
        """How many samples back the last one is that p(x_t | ...) depends on."""
        return 1 + sum(layer.reach for layer in self.gated)

    def given(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return what of a batch the network takes beside the clips: labels, condition."""
        names = ("labels",) * bool(self.num_classes) + ("condition",) * bool(
            self.condition_channels
        )
        return tuple(batch[name] for name in names)

    def conditions(self, given: tuple[Tensor, ...]) -> Tensor | None:
        """Return h, [B, num_classes + condition_channels, T], of labels [B] and a condition.

        A condition is float [B, condition_channels, T / r] and each value of it stands r times.
        """
        parts = []
        for one in given:
            if one.ndim == 1:
                hot = F.one_hot(one, self.num_classes).to(self.first.weight.dtype)
                parts.append(hot[:, :, None].expand(-1, -1, self.latent_size))
            else:
                parts.append(one.repeat_interleave(self.latent_size // one.shape[-1], dim=-1))
        return torch.cat(parts, dim=1) if parts else None

    def logits(self, levels: Tensor, *given: Tensor) -> Tensor:
        """Return logits [B, num_levels, T] of the levels int64 [B, T], each of those before it."""
        u = F.pad(self.first(levels[:, :-1]).movedim(-1, 1), (1, 0))
        h = self.conditions(given)
        skips: Tensor | int = 0
        for layer in self.gated:
            u, skip = layer(u, h)
            skips = skips + skip
        logits: Tensor = self.head(skips)
        return logits

    def log_prob(self, x: Tensor, *given: Tensor) -> Tensor:
        """Return the logarithm of the probability of the levels of clips, in nats, [B].

        Args:
            x: Floats [B, 1, T] in [-1, 1].
            *given: Labels int64 [B] if there are classes, then the condition if there is one.
        """
        levels = mu_law.encode(x[:, 0], self.num_levels)
        return -F.cross_entropy(self.logits(levels, *given), levels, reduction="none").sum(dim=1)

    @torch.no_grad()
    def forward(self, z: Tensor, *given: Tensor) -> Tensor:
        """Return clips float32 [B, 1, T] of latents [B, T], uniform in [-1, 1)."""
        levels = [level for level, _ in self.drawn((z + 1) / 2, *given)]
        return mu_law.decode(torch.stack(levels, dim=1), self.num_levels)[:, None].to(z.dtype)

    def drawn(self, uniform: Tensor, *given: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the level of each sample, int64 [B], and the logits [B, num_levels] behind it.

        Args:
            uniform: [B, T], in [0, 1).
            *given: As of `log_prob`.
        """
        h, like = self.conditions(given), self.first.weight
        kept = [like.new_zeros(len(uniform), u.width, u.reach + 1) for u in self.gated]
        known = [None if layer.given is None else layer.given(h) for layer in self.gated]
        u = like.new_zeros(len(uniform), like.shape[1])
        for t in range(self.latent_size):
            skips: Tensor | int = 0
            for layer, ring, of_layer in zip(self.gated, kept, known, strict=True):
                u, skip = layer.one(u, None if of_layer is None else of_layer[:, :, t], ring, t)
                skips = skips + skip
            logits = self.head(skips[:, :, None])[:, :, 0]  # type: ignore[index]
            passed = logits.double().softmax(dim=1).cumsum(dim=1)
            level = (passed <= uniform[:, t, None]).sum(dim=1).clamp(max=self.num_levels - 1)
            yield level, logits
            u = self.first(level)


class WaveNet(Game):
    """One player, who minimises the bits that a sample takes."""

    players: Mapping[str, tuple[str, ...]] = {"G": ("generator",)}

    def __init__(self, generator: Generator) -> None:
        """Take the network."""
        super().__init__()
        self.generator = generator

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the bits that a sample takes in the mean."""
        x, given = batch["real"], self.generator.given(batch)
        nats = -self.generator.log_prob(x, *given).mean() / self.generator.latent_size
        return {"bits": nats / math.log(2)}


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> WaveNet:
    """Return the game with its first weights.

    Raises:
        GanevalError: Clips of several channels, classes or a condition that the data do not have,
            or a prior other than the uniform one, of which samples are made.
    """
    game = WaveNet(Generator(**recipe.generator_options(data.shape)))
    num_classes, condition = game.generator.num_classes, recipe.exported["generator"].condition
    if data.shape[0] != 1 or recipe.prior != "uniform":
        raise ganeval.GanevalError(
            f"{data.shape[0]} channels and prior {recipe.prior} for {recipe.name}",
            "clips of one channel, and uniform latents, which choose their levels",
            "mix the channels down, and leave the prior",
        )
    if num_classes:
        check_classes(data, num_classes, setting="generator.num_classes")
    for name, is_wanted in (("labels", num_classes > 0), ("condition", condition is not None)):
        if is_wanted and name not in data.names:
            raise ganeval.GanevalError(
                f"data '{data.name}' without {name} for {recipe.name} with them",
                "data that have them, such as tones",
                "change data, or leave them out",
            )
    if (game.generator.condition_channels > 0) != (condition is not None):
        raise ganeval.GanevalError(
            f"{game.generator.condition_channels} channels of a condition for {recipe.name}",
            "some for the recipe LOCAL, and none for others",
            "change generator.condition_channels",
        )
    init_uniform(game, randomness)
    nn.init.normal_(game.generator.first.weight, generator=randomness)
    return game


RECIPE = Recipe(
    name="wavenet",
    make_game=make_game,
    exported={"generator": Exported("reference_models.wavenet:Generator")},
    of_shape=lambda shape: {"num_samples": shape[1]},
    networks={
        "generator": {
            "num_levels": 256,
            "width": 32,
            "num_skips": 32,
            "kernel": 2,
            "num_stacks": 2,
            "layers_per_stack": 5,
            "num_classes": 0,
            "condition_channels": 0,
        }
    },
    solver=Alternating(),
    optimizers={"G": OptimizerSpec(lr=2e-3, betas=(0.9, 0.999))},
    batch_size=16,
    prior="uniform",
    data="tones",
    kinds=("clips",),
    presets={"paper": {"generator.num_stacks": 3, "generator.layers_per_stack": 10}},
)
LOCAL = replace(
    RECIPE,
    exported={"generator": replace(RECIPE.exported["generator"], condition="condition")},
    networks={"generator": {**RECIPE.networks["generator"], "condition_channels": 1}},
    reads=("real", "condition"),
)
