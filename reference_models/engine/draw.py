"""Counter-based randomness: every number is a function of (seed, purpose, step)."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

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
        rank: Of the process, if several share a batch: numbers for B samples are then the rows of
            rank's part in those that one process would draw for all of them.
        size: How many processes there are.
    """

    seed: int
    step: int
    part: int = 0
    rank: int = 0
    size: int = 1

    def generator(self, purpose: str) -> torch.Generator:
        """Return a CPU generator for `purpose`, fresh in every call, the same in all processes."""
        word = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")
        sequence = np.random.SeedSequence([self.seed, self.step, self.part, word])
        (state,) = sequence.generate_state(1, np.uint64)
        return torch.Generator().manual_seed(int(state >> np.uint64(1)))

    def normal(
        self, purpose: str, num: int, *shape: int, like: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return standard normal numbers, float32 [num, *shape], on the device of `like`."""
        return self._rows(torch.randn, purpose, (num, *shape), like)

    def uniform(
        self, purpose: str, num: int, *shape: int, like: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return numbers uniform on [0, 1), float32 [num, *shape], on the device of `like`."""
        return self._rows(torch.rand, purpose, (num, *shape), like)

    def latents(
        self, purpose: str, num: int, size: int, *, prior: str, like: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return latent vectors of a prior, "normal" or "uniform" from -1 to 1, [num, size]."""
        if prior == "normal":
            return self.normal(purpose, num, size, like=like)
        return 2 * self.uniform(purpose, num, size, like=like) - 1

    def move(self, part: int) -> "Draw":
        """Return the draw of another move within the step."""
        return replace(self, part=part)

    def _rows(
        self,
        draw: Callable[..., torch.Tensor],
        purpose: str,
        shape: tuple[int, ...],
        like: torch.Tensor | None,
    ) -> torch.Tensor:
        """Return this process's rows; drawn on the CPU, so that every device sees the same."""
        num, *rest = shape
        values = draw((num * self.size, *rest), generator=self.generator(purpose))
        rows = values[self.rank * num : (self.rank + 1) * num]
        return rows if like is None else rows.to(like.device)
