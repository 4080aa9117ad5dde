"""Counter-based randomness: every number is a function of (seed, purpose, step)."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True, slots=True)
class Draw:
    """Hands out a generator for each purpose of one step.

    Nothing remembers a position, so a resumed run draws what an uninterrupted one would have drawn,
    and no state is saved. A purpose that is asked for twice in a step gives the same numbers twice:
    players that must not share them ask by different names.

    Attributes:
        seed: Of the run.
        step: Counted from 0.
        part: Which move within the step, for solvers that make several.
    """

    seed: int
    step: int
    part: int = 0

    def generator(self, purpose: str) -> torch.Generator:
        """Return a CPU generator for `purpose`, fresh in every call."""
        word = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")
        sequence = np.random.SeedSequence([self.seed, self.step, self.part, word])
        (state,) = sequence.generate_state(1, np.uint64)
        return torch.Generator().manual_seed(int(state >> np.uint64(1)))

    def normal(self, purpose: str, *shape: int, like: torch.Tensor | None = None) -> torch.Tensor:
        """Return standard normal numbers, float32 of `shape`, on the device of `like`."""
        return _place(torch.randn(shape, generator=self.generator(purpose)), like)

    def uniform(self, purpose: str, *shape: int, like: torch.Tensor | None = None) -> torch.Tensor:
        """Return numbers uniform on [0, 1), float32 of `shape`, on the device of `like`."""
        return _place(torch.rand(shape, generator=self.generator(purpose)), like)

    def move(self, part: int) -> "Draw":
        """Return the draw of another move within the step."""
        return Draw(self.seed, self.step, part)


def _place(values: torch.Tensor, like: torch.Tensor | None) -> torch.Tensor:
    """Drawn on the CPU, so that every device sees the same numbers."""
    return values if like is None else values.to(like.device)
