"""Random weights in the exact format of the published Inception file, for parity with the peers.

`write_random_inception(folder)` writes them under the published name, so that one folder serves
all: ours (`--weights`), torch-fidelity (`feature_extractor_weights_path`) and pytorch-fid (the
folder is `$TORCH_HOME/hub/checkpoints`).
"""

import functools
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from ganeval.extractors.inception_network import fid_inception

FILE_NAME = "pt_inception-2015-12-05-6726825d.pth"


def soft_images(num: int, *, size: int, seed: int) -> torch.Tensor:
    """Return uint8 [num, 3, size, size]: blobs of colour, of varied scale and grain."""
    generator = torch.Generator().manual_seed(seed)
    images = []
    for _ in range(num):
        cells = int(torch.randint(2, 12, (), generator=generator))
        blobs = torch.rand(1, 3, cells, cells, generator=generator)
        grain = 0.2 * torch.rand((), generator=generator)
        blobs = F.interpolate(blobs, (size, size), mode="bilinear", align_corners=False)
        noise = grain * torch.randn(1, 3, size, size, generator=generator)
        images.append((255 * (blobs + noise)).clamp(0, 255).to(torch.uint8))
    return torch.cat(images)


@functools.cache
def random_inception_state(seed: int = 0) -> dict[str, torch.Tensor]:
    """Return the 566 tensors of an Inception whose features vary between images.

    Convolutions are He-scaled; BatchNorm holds the statistics of a few images, so that activations
    keep their scale through the depth; logits spread by about 2 between images.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        network = fid_inception()
    network.to_empty(device="cpu")
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.normal_(generator=generator)
                module.weight.mul_(math.sqrt(2 / module.weight[0].numel()))
            elif isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(mean=1.0, std=0.2, generator=generator)
                module.reset_running_stats()
                module.momentum = 1.0  # the running statistics become those of the next batch
        images = (soft_images(8, size=299, seed=seed).float() - 128) / 128
        pool = network.train()[:-1](images).mean(dim=(2, 3))
        classifier = network[-1]
        classifier.weight.normal_(generator=generator)
        classifier.weight.mul_(2 / (pool @ classifier.weight.T).std(dim=0).mean())
        classifier.bias.normal_(generator=generator)
    return network.state_dict()


def write_random_inception(folder: Path, seed: int = 0) -> Path:
    """Write the weights into `folder`, once, and return the file."""
    path = folder / FILE_NAME
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(random_inception_state(seed), path)
    return path
