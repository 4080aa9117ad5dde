"""A pool of generated pictures, so that D also sees pictures of an earlier G.

Shrivastava et al., "Learning from Simulated and Unsupervised Images through Adversarial Training",
CVPR 2017, section 2.3; as implemented in CycleGAN's code, `image_pool.py`.
"""

import torch
from torch import nn

from reference_models.engine.draw import Draw


class Pool(nn.Module):
    """Pictures that were generated earlier; some of them replace new ones.

    A game calls `shown` in D's loss, and `keep` after D's move with the same new pictures and draw.
    So `shown` changes nothing, and the loss can be computed several times. The pictures and their
    number are buffers, so a resumed run continues with the same pool.

    Attributes:
        pictures: float32 [size, *shape].
        filled: int64, the number of pictures in the pool.
        swap: Probability that a full pool shows an older picture.
    """

    pictures: torch.Tensor
    filled: torch.Tensor

    def __init__(self, *, shape: tuple[int, ...], size: int, swap: float) -> None:
        """Start with an empty pool."""
        super().__init__()
        self.swap = swap
        self.register_buffer("pictures", torch.zeros(size, *shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    def shown(self, made: torch.Tensor, draw: Draw, purpose: str) -> torch.Tensor:
        """Return the pictures for D: the new ones, some of them replaced by older ones.

        Args:
            made: float32 [B, *shape].
            draw: The random numbers of the move.
            purpose: Tells the random numbers of several pools in one move apart.
        """
        if int(self.filled) < len(self.pictures):
            return made
        is_old, slots = self._chosen(len(made), draw, purpose)
        return torch.where(is_old[:, None, None, None], self.pictures[slots], made)

    @torch.no_grad()
    def keep(self, made: torch.Tensor, draw: Draw, purpose: str) -> None:
        """Fill the pool; if it is full, put new pictures in place of the older ones just shown.

        The arguments are the same as for `shown`.
        """
        filled = int(self.filled)
        if filled < len(self.pictures):
            added = made[: len(self.pictures) - filled]
            self.pictures[filled : filled + len(added)] = added
            self.filled += len(added)
            return
        is_old, slots = self._chosen(len(made), draw, purpose)
        # One after the other, because two pictures may have the same slot.
        for place in is_old.nonzero().flatten().tolist():
            self.pictures[slots[place]] = made[place]

    def _chosen(self, num: int, draw: Draw, purpose: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return for each new picture whether an older one replaces it, and which one."""
        coins, places = draw.uniform(f"pool {purpose}", num, 2, like=self.pictures).unbind(1)
        return coins < self.swap, (places * len(self.pictures)).long()
