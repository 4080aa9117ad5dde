"""From picture files to the network's input, without the network."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import PIL.Image
import torch
import torch.nn.functional as F
import torchvision.transforms as transforms
from pytorch_fid.fid_score import ImagePathDataset
from torch.utils.data import DataLoader

from benchmarks.timing import Figure, alternate
from ganeval.images.picture import DecodePolicy
from ganeval.images.preparation import Preparation
from ganeval.images.resize import Resize
from ganeval.machine.ahead import in_order
from ganeval.sources.base import Item
from ganeval.sources.open import open_source
from tests.pictures import blobs

SIZES = {32: 2048, 256: 512, 1024: 64}  # pixels and number of pictures
INCEPTION = Preparation(
    resize=Resize(size=299, backend="tf1", filter="bilinear", antialias=False), mean=128, std=128
)


def decoding_figures(folder: Path, rounds: int) -> Iterator[Figure]:
    """Yield the rates of each format and size."""
    for size, num in SIZES.items():
        pictures = [PIL.Image.fromarray(one) for one in blobs(num, seed=1, height=size, width=size)]
        for suffix in ("png", "jpg"):
            place = folder / f"{suffix}{size}"
            place.mkdir()
            for number, picture in enumerate(pictures):
                picture.save(place / f"{number:05}.{suffix}")
            best = alternate(
                {
                    "pytorch-fid": partial(_theirs, place, suffix),
                    "ganeval": partial(_ours, place, num),
                },
                rounds,
            )
            ours, peer = num / best["ganeval"], num / best["pytorch-fid"]
            yield Figure(
                work=f"{suffix} of {size} pixels to network input, images/s",
                ours=f"{ours:.0f}",
                other=f"pytorch-fid {peer:.0f}",
                ratio=f"{ours / peer:.2f} x",
            )


def _ours(folder: Path, num: int) -> None:
    """Read, hash, decode and resize a folder."""
    source = open_source(folder, policy=DecodePolicy())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, num, 1024):
            items = source.load(range(start, min(start + 1024, num)))
            for _ in in_order(pool, _input_of, items, ahead=64):
                pass


def _input_of(item: Item) -> torch.Tensor:
    """Return the network's input, float32 [3, 299, 299]."""
    return INCEPTION(item.content())


def _theirs(folder: Path, suffix: str) -> None:
    """Decode a folder as pytorch-fid does by default, and resize as its network does."""
    loader = DataLoader(
        ImagePathDataset(sorted(folder.glob(f"*.{suffix}")), transforms=transforms.ToTensor()),
        batch_size=50,
        num_workers=min(8, os.cpu_count() or 0),
    )
    for images in loader:
        resized: torch.Tensor = F.interpolate(images, (299, 299), mode="bilinear")
        2 * resized - 1
