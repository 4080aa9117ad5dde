"""A network whose images depend on a helper and a number of its module."""

from typing import Any

import torch

from tests.generators.feeds import Plain

STRENGTH = 1.0


def helper(images: torch.Tensor) -> torch.Tensor:
    return images * STRENGTH


class Helped(Plain):
    def forward(self, z: torch.Tensor) -> Any:
        return helper(super().forward(z))
