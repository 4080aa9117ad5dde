"""Write the samples of a generator as PNG files, into a folder or a zip."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image

from ganeval.errors import UsageError
from ganeval.files import write_whole
from ganeval.images.image import DecodePolicy
from ganeval.progress import Progress, silent
from ganeval.sources.base import Source
from ganeval.sources.open import open_source

_AT_ONCE = 256
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # the same samples make the same zip


def write_samples(
    checkpoint: str, num: int, target: Path, *, seed: int = 0, progress: Progress = silent
) -> None:
    """Write `num` samples of a checkpoint, numbered from 0.

    A folder is resumable: pictures that are there stay as they are, and every file is whole. A zip
    gets its name when it is complete.

    Args:
        checkpoint: A path, or a source text with options (`"generator:g.pt,entry=..."`).
        num: Number of samples, at least 1.
        target: A folder, made if need be, or a file ending in .zip.
        seed: Of the samples.
        progress: Told how far the work is.

    Raises:
        InputError: The checkpoint cannot be used.
        UsageError: `num` is below 1, or the folder holds other files.
        ResourceError: The disk is full.
    """
    if num < 1:
        raise UsageError(f"-n {num}", "at least 1", "change it")
    text = checkpoint if checkpoint.startswith("generator:") else f"generator:{checkpoint}"
    source = open_source(f"{text},num_images={num},seed={seed}", policy=DecodePolicy())
    digits = max(5, len(str(num - 1)))
    names = [f"{number:0{digits}}.png" for number in range(num)]
    if target.suffix.lower() == ".zip":
        _write_zip(source, names, target, progress)
    else:
        _write_folder(source, names, target, progress)


def _write_folder(source: Source, names: list[str], folder: Path, progress: Progress) -> None:
    """Write the missing pictures of a folder that holds nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    present = {path.name for path in folder.iterdir() if not path.name.endswith(".tmp")}
    others = sorted(present - set(names))
    if others:
        raise UsageError(
            f"{folder}: holds other files, such as {others[0]}",
            "a folder for exactly these samples",
            "choose another with -o",
        )
    missing = [at for at, name in enumerate(names) if name not in present]
    for done, (at, content) in enumerate(_pictures(source, missing)):
        progress(str(folder), len(names) - len(missing) + done, len(names))
        write_whole(folder / names[at], content)
    progress(str(folder), len(names), len(names))


def _write_zip(source: Source, names: list[str], path: Path, progress: Progress) -> None:
    """Write all pictures into one zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for at, content in _pictures(source, list(range(len(names)))):
            progress(str(path), at, len(names))
            archive.writestr(zipfile.ZipInfo(names[at], _FIXED_DATE), content)
    write_whole(path, buffer.getvalue())
    progress(str(path), len(names), len(names))


def _pictures(source: Source, indices: list[int]) -> Iterator[tuple[int, bytes]]:
    """Yield each sample's index and its PNG."""
    for start in range(0, len(indices), _AT_ONCE):
        chosen = indices[start : start + _AT_ONCE]
        for at, item in zip(chosen, source.load(chosen), strict=True):
            buffer = io.BytesIO()
            pixels = np.ascontiguousarray(item.image().pixels.transpose(1, 2, 0))
            PIL.Image.fromarray(pixels).save(buffer, "PNG")
            yield at, buffer.getvalue()
