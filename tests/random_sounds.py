"""Weight files of networks of sound, with random values."""

from pathlib import Path

import torch
from torch import nn

from ganeval.extractors.crepe_network import Crepe
from ganeval.extractors.vggish_network import Vgg

NETWORKS: dict[str, type[nn.Module]] = {"crepe-tiny": Crepe, "vggish": Vgg}


def write_random_sounds(name: str, folder: Path) -> Path:
    """Write weights of `crepe-tiny` or `vggish` that keep what goes through at its size."""
    generator = torch.Generator().manual_seed(0)
    network = NETWORKS[name]()
    state = {}
    for key, values in network.state_dict().items():
        if key.endswith("num_batches_tracked"):
            continue
        if key.endswith("running_var") or (key.endswith("weight") and values.ndim == 1):
            state[key] = 0.5 + torch.rand(values.shape, generator=generator)
        else:
            scale = (2 / max(values[0].numel(), 1)) ** 0.5 if values.ndim > 1 else 0.1
            state[key] = scale * torch.randn(values.shape, generator=generator)
    torch.save(state, folder / f"{name}.pth")
    return folder / f"{name}.pth"
