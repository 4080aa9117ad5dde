"""WaveNet: the probability of each sample of a sound depends on the samples before it.

Van den Oord et al., "WaveNet: A Generative Model for Raw Audio", 2016 (arXiv 1609.03499). There is
only one player, the generator. It minimises -E log p(x | h), where (equations 1 and 5)

    log p(x | h) = sum_t log p(x_t | x_1, ..., x_{t-1}, h)
    z = tanh(W_f * u + V_f h) . sigmoid(W_g * u + V_g h)        a layer; * is a convolution
    u' = u + R z                                                the input of the next layer
    log p(x_t | ...) = log softmax(B relu(A relu(sum S z)))     the sum is over all layers

What is special: the convolutions are causal, so one pass gives the factors of all samples. They are
also dilated: layer i looks back 2^i samples, so the receptive field doubles with each layer. A
stack with dilations 1, 2, 4, ..., 512 sees 1,024 samples, and there are several stacks. Samples are
rounded to 256 levels by the mu-law (section 2.2, `parts/mu_law.py`).

Conditions h (section 2.5) are global or local. With `generator.num_classes` h is the class of a
clip, the same for all samples. With `generator.condition_channels` h is a sound at a lower rate;
each of its samples is the condition of several samples of the clip (recipe `LOCAL`).

Sampling goes sample by sample. Each layer keeps the inputs that it still needs, so that nothing is
computed twice (`parts/causal.py`). As for every model here, samples are a function of latents: x_t
gets the level at which the distribution function of p(x_t | ...) passes a uniform u_t.

Published (table 1): a mean opinion score of 4.21 of 5 for read English, where speech concatenated
from recordings has 3.86 and a recurrent network has 3.67.

Differs from the paper: clips are short, and the inputs before their beginning are zeros; the layer
that maps levels to channels does not look back; conditions of a lower rate are repeated, where the
paper learns to interpolate them; two stacks of 5 layers of 32 channels (`--preset paper`: three
stacks of 10 as in section 2.1).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reference_models.engine.data import Batch, Data
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts import mu_law
from reference_models.parts.causal import CausalConvolution, Past, Pointwise
from reference_models.parts.conditions import at_each_sample, check_clips
from reference_models.parts.levels import level_at
from reference_models.parts.likelihood import BitsOfSamples
from reference_models.parts.weights import init_uniform


class Layer(nn.Module):
    """A gated layer that sees `kernel` inputs, which are `dilation` samples apart."""

    def __init__(
        self, width: int, num_skips: int, kernel: int, dilation: int, num_given: int
    ) -> None:
        """Build W_f and W_g as one convolution, V_f and V_g as another, R and S as a third."""
        super().__init__()
        self.width = width
        self.gates = CausalConvolution(width, 2 * width, kernel, dilation)
        self.given = Pointwise(num_given, 2 * width, bias=False) if num_given else None
        self.output = Pointwise(width, width + num_skips)

    def forward(
        self, u: Tensor, given: Tensor | None, past: Past | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return u' and S z for inputs u and V h.

        All are float [B, channels, T]; with a `past` they are [B, channels], for the next sample.
        """
        gates = self.gates(u) if past is None else self.gates.step(u, past)
        if given is not None:
            gates = gates + given
        signal, gate = gates.chunk(2, dim=1)
        out = self.output(signal.tanh() * gate.sigmoid())
        return u + out[:, : self.width], out[:, self.width :]


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
        """Build the layers; 0 classes or 0 channels of a condition mean that there are none."""
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
            nn.ReLU(), Pointwise(num_skips, num_skips), nn.ReLU(), Pointwise(num_skips, num_levels)
        )

    @property
    def gated(self) -> list[Layer]:
        """All gated layers."""
        return [layer for layer in self.layers if isinstance(layer, Layer)]

    @property
    def receptive_field(self) -> int:
        """How many samples before x_t p(x_t | ...) depends on."""
        return 1 + sum(layer.gates.reach for layer in self.gated)

    def given(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return the tensors of a batch that the network takes beside the clips."""
        wanted = {"labels": self.num_classes, "condition": self.condition_channels}
        return tuple(batch[name] for name, number in wanted.items() if number)

    def known(self, *given: Tensor) -> list[Tensor | None]:
        """Return V h of each layer, [B, 2 width, T]; None without labels and condition."""
        h = at_each_sample(given, self.num_classes, self.first.weight.new_zeros(self.latent_size))
        return [None if layer.given is None else layer.given(h) for layer in self.gated]

    def predicted(
        self, u: Tensor, known: Sequence[Tensor | None], pasts: Sequence[Past | None]
    ) -> Tensor:
        """Return the logits of the levels of all samples, or of the next sample; see `Layer`."""
        skips: Tensor | int = 0
        for layer, of_layer, past in zip(self.gated, known, pasts, strict=True):
            u, skip = layer(u, of_layer, past)
            skips = skips + skip
        logits: Tensor = self.head(skips)
        return logits

    def logits(self, levels: Tensor, *given: Tensor) -> Tensor:
        """Return logits [B, num_levels, T] of levels int64 [B, T], each from the levels before."""
        u = F.pad(self.first(levels[:, :-1]).movedim(-1, 1), (1, 0))
        return self.predicted(u, self.known(*given), [None] * len(self.layers))

    def log_prob(self, x: Tensor, *given: Tensor) -> Tensor:
        """Return the log-probability of the levels of clips, in nats, [B].

        Args:
            x: Floats [B, 1, T] in [-1, 1].
            *given: Labels int64 [B] if there are classes, then the condition if there is one.
        """
        levels = mu_law.encode(x[:, 0], self.num_levels)
        return -F.cross_entropy(self.logits(levels, *given), levels, reduction="none").sum(dim=1)

    @torch.no_grad()
    def forward(self, z: Tensor, *given: Tensor) -> Tensor:
        """Return clips float32 [B, 1, T] for latents [B, T], uniform in [-1, 1)."""
        levels = [level for level, _ in self.drawn((z + 1) / 2, *given)]
        return mu_law.decode(torch.stack(levels, dim=1), self.num_levels)[:, None].to(z.dtype)

    def drawn(self, uniform: Tensor, *given: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the level of each sample, int64 [B], and its logits [B, num_levels].

        Args:
            uniform: [B, T], in [0, 1).
            *given: As for `log_prob`.
        """
        known, pasts = self.known(*given), [u.gates.start(len(uniform)) for u in self.gated]
        u = self.first.weight.new_zeros(len(uniform), self.first.embedding_dim)
        for t in range(self.latent_size):
            now = [None if of_layer is None else of_layer[:, :, t] for of_layer in known]
            logits = self.predicted(u, now, pasts)
            level, _ = level_at(logits, uniform[:, t])
            yield level, logits
            u = self.first(level)


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> BitsOfSamples:
    """Return the game with its first weights.

    Raises:
        GanevalError: See `check_clips`.
    """
    generator = Generator(**recipe.generator_options(data.shape))
    check_clips(recipe, data)
    init_uniform(generator, randomness)
    nn.init.normal_(generator.first.weight, generator=randomness)
    return BitsOfSamples(generator)


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
