"""What is scored: digits as PNG files, and random weights of Inception's topology."""

import itertools
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from torch import nn
from torchvision.models import inception_v3

import ganeval

SEED = 0


@dataclass
class Pictures:
    """Folders and weights, each made when it is first asked for.

    Attributes:
        scratch: Folder to make them in.
        small: Whether there are to be few of them.
    """

    scratch: Path
    small: bool

    @cached_property
    def real(self) -> Path:
        """Training digits of 32 pixels, as the quickstart's reference has them."""
        return write_digits(self.scratch / "real", "train", num=16 if self.small else 360, size=32)

    @cached_property
    def fake(self) -> Path:
        """Held-out digits of 32 pixels."""
        return write_digits(self.scratch / "fake", "test", num=16 if self.small else 360, size=32)

    @cached_property
    def large(self) -> Path:
        """Digits of 256 pixels with noise, so that decoding one takes as long as usual."""
        folder, num = self.scratch / "large", 16 if self.small else 4096
        return write_digits(folder, "train", num=num, size=256, noise=32)

    @cached_property
    def extractors(self) -> Mapping[str, Path | None]:
        """Networks to look at, each with a weight file if it needs one."""
        return {
            "efficientnet-lite0": None,
            "inception": write_random_inception(self.scratch / "random-inception.pth"),
        }


def write_digits(folder: Path, split: str, *, num: int, size: int, noise: int = 0) -> Path:
    """Write embedded digits as PNG files and return their folder.

    Args:
        folder: Made here.
        split: "train" or "test".
        num: So many, from the first on; after the last the first comes again.
        size: Height and width in pixels.
        noise: Grey levels of seeded uniform noise, added.
    """
    folder.mkdir()
    source = ganeval.open_source(
        f"data:digits,split={split},size={size}", policy=ganeval.Settings().decode
    )
    items = itertools.cycle(source.load(range(min(num, len(source)))))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(partial(_write, folder, noise), range(num), items))
    return folder


def _write(folder: Path, noise: int, number: int, item: Any) -> None:
    """Write one picture."""
    pixels = item.picture().pixels.transpose(1, 2, 0)
    grain = np.random.default_rng([SEED, number]).integers(0, noise + 1, pixels.shape)
    picture = PIL.Image.fromarray(np.minimum(pixels + grain, 255).astype(np.uint8))
    picture.save(folder / f"{number:05}.png", compress_level=1)


def write_random_inception(path: Path) -> Path:
    """Write random weights in the format of the published Inception file, and return the path.

    They cost what the published ones cost, and the published ones cannot be had without a network.
    torchvision's Inception has the same tensors under the same names. Convolutions are He-scaled,
    and BatchNorm holds the statistics of a few images, so that activations keep their scale.
    """
    generator = torch.Generator().manual_seed(SEED)
    with torch.device("meta"):
        network = inception_v3(
            weights=None, init_weights=False, num_classes=1008, aux_logits=False, dropout=0.0
        )
    network.to_empty(device="cpu").train()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                deviation = (2 / module.weight[0].numel()) ** 0.5
                module.weight.normal_(std=deviation, generator=generator)
            if isinstance(module, nn.Linear):
                module.bias.zero_()
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(mean=1.0, std=0.2, generator=generator)
                module.reset_running_stats()
                module.momentum = 1.0  # the running statistics become those of the next batch
        coarse = torch.rand(4, 3, 9, 9, generator=generator) * 2 - 1
        network(nn.functional.interpolate(coarse, size=(299, 299), mode="bilinear"))
    torch.save(network.state_dict(), path)
    return path
