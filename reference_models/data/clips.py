"""Clips in memory, in epochs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from reference_models.data.memory import Array, InMemory
from reference_models.data.order import Indices
from reference_models.engine.data import Kind


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Clips(InMemory):
    """A finite set of clips of one length and rate.

    Attributes:
        samples: float32 [N, C, T] in -1 to 1, N at least 1.
        rate: Samples per second.
        condition: float32 [N, C, T / r], the input from which each clip is to be made; or None.
    """

    samples: npt.NDArray[np.float32]
    rate: int

    @property
    def kind(self) -> Kind:
        """Clips."""
        return "clips"

    def arrays(self) -> tuple[Array | None, ...]:
        """Return the samples, their rate, labels and conditions."""
        return self.samples, np.array(self.rate, np.int64), self.labels, self.condition

    def real(self, chosen: Indices) -> Tensor:
        """Return some of the clips, float32 [B, C, T]."""
        return torch.from_numpy(self.samples[chosen])
