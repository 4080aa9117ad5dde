"""Random weights for the networks that LPIPS listens to, in the names of torchvision's files."""

import math
from pathlib import Path

import torch

from ganeval.extractors.lpips_network import build_trunk


def random_trunk_state(name: str) -> dict[str, torch.Tensor]:
    """Return He-scaled tensors of the convolutions."""
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = {key: values.shape for key, values in build_trunk(name).state_dict().items()}
    return {
        key: torch.randn(shape, generator=generator)
        * (math.sqrt(2 / math.prod(shape[1:])) if len(shape) > 1 else 0.1)
        for key, shape in shapes.items()
    }


def write_random_trunk(name: str, folder: Path) -> Path:
    """Write the tensors and one of a classifier, as torchvision's files hold them."""
    path = folder / f"{name}.pth"
    torch.save({**random_trunk_state(name), "classifier.1.weight": torch.zeros(2, 3)}, path)
    return path
