"""Counter-based random numbers: each is a function of seed, step and purpose."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import torch


@dataclass(frozen=True, slots=True)
class Draw:
    """The random numbers of one step, for any purpose.

    There is no state to save: a resumed run draws the same numbers as an uninterrupted one. Within
    a step the same purpose always gives the same numbers. Players that must not share numbers use
    different purposes.

    Attributes:
        seed: Seed of the run.
        step: Number of the step, from 0.
        part: Number of the move within the step, for solvers that make several.
        rank: Rank of the process, if several share a batch. Its numbers are the rows of its part,
            out of the numbers that a single process would draw for the whole batch. If a process
            computes a batch in parts, each part has its own rank.
        size: Number of ranks.
    """

    seed: int
    step: int
    part: int = 0
    rank: int = 0
    size: int = 1

    def stream(self, purpose: str) -> np.random.Generator:
        """Return the random stream of `purpose`, from its beginning, the same in all processes.

        It is Philox, which has a key of 128 bits. Torch's generator on the CPU has a seed of only
        32 bits, so some of the many streams of a long run would be equal.
        """
        return np.random.Generator(np.random.Philox(self._sequence(purpose)))

    def generator(self, purpose: str) -> torch.Generator:
        """Return a generator for torch's initialisers, with a seed of 32 bits."""
        (state,) = self._sequence(purpose).generate_state(1, np.uint32)
        return torch.Generator().manual_seed(int(state))

    def normal(
        self, purpose: str, num: int, *shape: int, like: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return standard normal numbers, float32 [num, *shape], on the device of `like`."""
        return self._rows("standard_normal", purpose, (num, *shape), like)

    def uniform(
        self, purpose: str, num: int, *shape: int, like: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return numbers uniform on [0, 1), float32 [num, *shape], on the device of `like`."""
        return self._rows("random", purpose, (num, *shape), like)

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

    def share(self, number: int, parts: int) -> "Draw":
        """Return the draw of part `number`, from 0, of `parts` equal parts of this batch."""
        return replace(self, rank=self.rank * parts + number, size=self.size * parts)

    def _sequence(self, purpose: str) -> np.random.SeedSequence:
        """Return the seed of a stream."""
        word = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")
        return np.random.SeedSequence([self.seed, self.step, self.part, word])

    def _rows(
        self, draw: str, purpose: str, shape: tuple[int, ...], like: torch.Tensor | None
    ) -> torch.Tensor:
        """Return this process's rows, drawn on the CPU so that all devices get the same numbers."""
        num, *rest = shape
        values = getattr(self.stream(purpose), draw)((num * self.size, *rest), dtype=np.float32)
        rows = torch.from_numpy(values[self.rank * num : (self.rank + 1) * num])
        return rows if like is None else rows.to(like.device, non_blocking=True)
