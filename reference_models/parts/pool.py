"""A pool of generated pictures that D sees again after G has moved on.

Shrivastava et al., "Learning from Simulated and Unsupervised Images through Adversarial Training",
CVPR 2017, section 2.3; in the form of CycleGAN's code, `image_pool.py`.
"""

import torch
from torch import nn

from reference_models.engine.draw import Draw


class Pool(nn.Module):
    """Pictures that were generated earlier, some of which replace new ones.

    A game asks for `shown` in D's loss and calls `keep` after D's move, with the same new pictures
    and draw: what is shown is a function of the state, however often the loss is computed. The
    pictures and their number are buffers, so that a resumed run goes on with the pool that it had.

    Attributes:
        pictures: float32 [size, *shape].
        filled: int64, the number of pictures in the pool.
        swap: Probability that a full pool shows an older picture.
    """

    pictures: torch.Tensor
    filled: torch.Tensor

    def __init__(self, *, shape: tuple[int, ...], size: int, swap: float) -> None:
        """Begin empty."""
        super().__init__()
        self.swap = swap
        self.register_buffer("pictures", torch.zeros(size, *shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    def shown(self, made: torch.Tensor, draw: Draw, purpose: str) -> torch.Tensor:
        """Return what D is to see: the new pictures, some replaced by older ones.

        Args:
            made: float32 [B, *shape].
            draw: Draw of the move.
            purpose: Distinguishes the draws of several pools in one move.
        """
        if int(self.filled) < len(self.pictures):
            return made
        is_old, slots = self._chosen(len(made), draw, purpose)
        return torch.where(is_old[:, None, None, None], self.pictures[slots], made)

    @torch.no_grad()
    def keep(self, made: torch.Tensor, draw: Draw, purpose: str) -> None:
        """Fill the pool; or, when it is full, put new pictures where the shown ones were.

        Arguments are those of `shown`.
        """
        filled = int(self.filled)
        if filled < len(self.pictures):
            added = made[: len(self.pictures) - filled]
            self.pictures[filled : filled + len(added)] = added
            self.filled += len(added)
            return
        is_old, slots = self._chosen(len(made), draw, purpose)
        for place in is_old.nonzero().flatten().tolist():  # in order, as two may have one slot
            self.pictures[slots[place]] = made[place]

    def _chosen(self, num: int, draw: Draw, purpose: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return for each new picture whether an old one takes its place, and which."""
        coins, places = draw.uniform(f"pool {purpose}", num, 2, like=self.pictures).unbind(1)
        return coins < self.swap, (places * len(self.pictures)).long()
