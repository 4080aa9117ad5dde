"""A chain of symbols, each of which depends on a much earlier one; its entropy is known."""

import hashlib
import json
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from reference_models.data.order import generator
from reference_models.engine.data import Batch, Kind
from reference_models.parts import mu_law

RATE = 8000  # samples per second, because clips need a rate; it has no meaning here

_STEP = 3  # the most likely e_t
_BLOCK = 256  # clips drawn at once; changing it changes every stream


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LagChain:
    """Symbols s_t = s_{t-lag} + e_t modulo their number, as the levels of a mu-law.

    The e_t are independent: 3 with probability `chance`, and each other value with an equal part of
    the rest. The first symbols are uniform, and so is every later symbol on its own. A model that
    sees fewer than `lag` symbols back cannot predict s_t at all. So it needs log(num_symbols) per
    symbol instead of the entropy of e_t.

    Attributes:
        num_symbols: Number of different symbols, at least 2.
        lag: Distance to the earlier symbol that a symbol depends on, at least 1.
        chance: Probability of the most likely e_t.
        num_samples: Symbols in a clip, more than the lag.
    """

    num_symbols: int = 8
    lag: int = 12
    chance: float = 0.65
    num_samples: int = 128

    @property
    def name(self) -> str:
        """Name of the data."""
        return "lagchain"

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the definition."""
        definition = ["lagchain", *self.chances.tolist(), self.lag, self.num_samples, _BLOCK]
        return hashlib.sha256(json.dumps(definition).encode()).hexdigest()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one clip: (1, num_samples)."""
        return (1, self.num_samples)

    @property
    def kind(self) -> Kind:
        """Clips."""
        return "clips"

    @property
    def rate(self) -> int:
        """Samples per second."""
        return RATE

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tensors in its batches: only the clips."""
        return ("real",)

    @property
    def num_classes(self) -> None:
        """No labels."""

    def source_of(self, name: str) -> None:
        """Return None: ganeval has no such source."""

    @property
    def chances(self) -> npt.NDArray[np.float64]:
        """The distribution of e_t, float64 [num_symbols]."""
        rest = (1 - self.chance) / (self.num_symbols - 1)
        chances = np.full(self.num_symbols, rest)
        chances[_STEP % self.num_symbols] = self.chance
        return chances

    @property
    def entropy(self) -> float:
        """Exact mean number of bits per symbol of a clip.

        The first `lag` symbols need log2(num_symbols) bits each, the others the entropy of e_t.
        """
        of_step = -float((self.chances * np.log2(self.chances)).sum())
        first = self.lag * math.log2(self.num_symbols)
        return (first + (self.num_samples - self.lag) * of_step) / self.num_samples

    def batch(self, seed: int, position: int, size: int) -> Batch:
        """Return a part of the stream of clips; each block has its own random generator."""
        first, last = position // _BLOCK, (position + size - 1) // _BLOCK
        steps = np.concatenate(
            [self._steps(generator(seed, "lagchain", block)) for block in range(first, last + 1)]
        )
        start = position - first * _BLOCK
        symbols = torch.from_numpy(self._summed(steps[start : start + size]))
        return Batch({"real": mu_law.decode(symbols, self.num_symbols)[:, None]})

    def _steps(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Draw the first symbols and the e_t of a block, int64 [_BLOCK, num_samples]."""
        first = rng.integers(self.num_symbols, size=(_BLOCK, self.lag))
        later = (_BLOCK, self.num_samples - self.lag)
        return np.concatenate([first, rng.choice(self.num_symbols, later, p=self.chances)], axis=1)

    def _summed(self, steps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the symbols: cumulative sums over every `lag`-th step."""
        rounds = -(-self.num_samples // self.lag)
        padded = np.pad(steps, ((0, 0), (0, rounds * self.lag - self.num_samples)))
        sums = padded.reshape(len(steps), rounds, self.lag).cumsum(axis=1)
        symbols: npt.NDArray[np.int64] = sums.reshape(len(steps), -1) % self.num_symbols
        return symbols[:, : self.num_samples]

    def bits(self, clips: Tensor) -> npt.NDArray[np.float64]:
        """Return the bits per symbol of clips [N, 1, num_samples] under the chain, float64 [N]."""
        symbols = mu_law.encode(clips[:, 0], self.num_symbols).numpy()
        steps = (symbols[:, self.lag :] - symbols[:, : -self.lag]) % self.num_symbols
        later = -np.log2(self.chances[steps]).sum(axis=1)
        bits: npt.NDArray[np.float64] = later + self.lag * math.log2(self.num_symbols)
        return bits / self.num_samples

    def scores(self, samples: Tensor) -> dict[str, tuple[float, str]]:
        """Return the scores of samples [N, 1, num_samples], each with its better direction.

        `chain_gap` is the absolute difference of their bits per symbol and the entropy.
        """
        bits = float(self.bits(samples.detach().cpu()).mean())
        return {"chain_gap": (abs(bits - self.entropy), "lower")}


def lagchain(*, size: int = 128) -> LagChain:
    """Return clips of `size` symbols, of eight kinds; each depends on the twelfth before it."""
    return LagChain(num_samples=size)
