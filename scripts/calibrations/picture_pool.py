"""Populations of real pictures for `scripts/calibration.py`: crops and flips of Debian's clip art.

The pictures of the package openclipart-png are dealt to two halves, of which one is the population
of the reference and the other that of a generator; a third population is the second one blurred,
crop by crop.
"""

import hashlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageFilter
import torch
from torch.utils.data import Dataset, Subset

from ganeval import Images
from ganeval.extract import extract_part, features_of
from ganeval.flow.settings import Settings

PIXELS = 224  # of a crop, as the extractor takes it
SMALLEST = 64  # pixels of the shorter side of a picture that is used
LARGEST = 16_000_000  # pixels of such a picture
CROPS = 7  # of each picture
POPULATIONS = ("reference", "model", "blurred")
PIL.Image.MAX_IMAGE_PIXELS = None  # sizes are looked at before anything is decoded
Layers = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Crops(Dataset[torch.Tensor]):
    """Seeded crops of pictures, every second one mirrored on average.

    Attributes:
        paths: The pictures.
        blur: Radius of a Gaussian blur, in pixels; 0 for none.
    """

    paths: Sequence[Path]
    blur: float

    def __len__(self) -> int:
        return len(self.paths) * CROPS

    def __getitem__(self, index: int) -> torch.Tensor:
        """Return a crop, uint8 [3, PIXELS, PIXELS]."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        path = self.paths[index // CROPS]
        rng = np.random.default_rng([index, *path.name.encode()])
        with PIL.Image.open(path) as file:
            picture = file.convert("RGBA")
        share = np.sqrt(rng.uniform(0.5, 1))
        width, height = (max(1, round(side * share)) for side in picture.size)
        left = rng.integers(picture.width - width + 1)
        top = rng.integers(picture.height - height + 1)
        white = PIL.Image.new("RGBA", picture.size, "white")
        white.alpha_composite(picture)
        crop = white.convert("RGB").resize(
            (PIXELS, PIXELS),
            PIL.Image.Resampling.BICUBIC,
            box=(left, top, left + width, top + height),
        )
        if rng.random() < 0.5:
            crop = crop.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
        if self.blur:
            crop = crop.filter(PIL.ImageFilter.GaussianBlur(self.blur))
        return torch.from_numpy(np.array(crop)).movedim(2, 0)


def download(folder: Path) -> Path:
    """Return the folder with the pictures of Debian's package, below `folder`; get them once."""
    pictures = folder / "pictures"
    if not pictures.exists():
        subprocess.run(["apt-get", "download", "openclipart-png"], cwd=folder, check=True)
        package = next(folder.glob("openclipart-png_*.deb"))
        subprocess.run(["dpkg", "-x", package.name, pictures.name], cwd=folder, check=True)
    return pictures


def crops_of(folder: Path, population: str) -> Images:
    """Return the crops of a population as a source."""
    return Images(_crops(folder, population), name=population)


def single_crops_of(folder: Path, population: str, num: int) -> Images:
    """Return one crop each of some pictures of a population, as a source."""
    return Images(Subset(_crops(folder, population), range(0, num * CROPS, CROPS)), name=population)


def _crops(folder: Path, population: str) -> Crops:
    """Return all crops of a population."""
    halves: tuple[list[Path], list[Path]] = ([], [])
    for path in sorted(folder.rglob("*.png")):
        if not path.is_symlink() and _is_usable(path):
            halves[hashlib.sha256(path.name.encode()).digest()[0] % 2].append(path)
    paths = halves[population != "reference"]
    return Crops(paths, 1.0 if population == "blurred" else 0.0)


def _is_usable(path: Path) -> bool:
    """Tell whether a picture is neither tiny nor huge."""
    with PIL.Image.open(path) as file:
        return min(file.size) >= SMALLEST and file.width * file.height <= LARGEST


def settings_for(cache: Path) -> Settings:
    """Return how features are computed."""
    return Settings(extractor="efficientnet-lite0", cache_dir=cache, workers=1)


def compute_part(folder: Path, cache: Path, population: str, part: int, num_parts: int) -> int:
    """Put the features of a part of a population into the cache; return how many are new."""
    torch.set_num_threads(1)
    crops = crops_of(folder, population)
    return extract_part(crops, part, num_parts, settings_for(cache)).num_computed


def layers_of(folder: Path, cache: Path, population: str) -> Layers:
    """Return the features of a population, `pool` [n, 1280] and `logits` [n, 1000]."""
    crops = crops_of(folder, population)
    with features_of(crops, ["pool", "logits"], settings_for(cache)) as found:
        return {layer: np.array(found.of(layer).rows()) for layer in ("pool", "logits")}
