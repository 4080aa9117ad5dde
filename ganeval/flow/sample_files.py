"""The files that samples are written as: a PNG for a picture, a WAV for a clip."""

import io
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import PIL.Image
from PIL.PngImagePlugin import PngInfo

from ganeval.audio.wav import comment_of, encode_wav
from ganeval.sources.base import Item

MARK = "ganeval"  # the name of a text in each PNG


class SampleFiles(Protocol):
    """How samples of a kind become files."""

    suffix: str

    def encode(self, item: Item, mark: str) -> bytes:
        """Return the file of a sample, which carries a mark."""

    def mark_of(self, file: Path | io.BytesIO) -> str | None:
        """Return the mark of a file, None if it has none."""

    def rows(self, items: list[Item]) -> npt.NDArray[np.generic]:
        """Return samples as an array of an npz."""


class PictureFiles:
    """Pictures as PNG, which loses nothing."""

    suffix = ".png"

    def encode(self, item: Item, mark: str) -> bytes:
        """Return a PNG with the mark as a text chunk."""
        text, buffer = PngInfo(), io.BytesIO()
        text.add_text(MARK, mark)
        pixels = np.ascontiguousarray(item.picture().pixels.transpose(1, 2, 0))
        PIL.Image.fromarray(pixels).save(buffer, "PNG", pnginfo=text)
        return buffer.getvalue()

    def mark_of(self, file: Path | io.BytesIO) -> str | None:
        """Return the mark of a picture, None if it has none."""
        try:
            with PIL.Image.open(file, formats=["PNG"]) as picture:
                return picture.info.get(MARK)
        except (OSError, ValueError, SyntaxError):  # what Pillow raises on what is not a PNG
            return None

    def rows(self, items: list[Item]) -> npt.NDArray[np.generic]:
        """Return pictures as uint8 [N, H, W, 3]."""
        return np.stack([item.picture().pixels for item in items]).transpose(0, 2, 3, 1)


class ClipFiles:
    """Clips as WAV files of floats, which lose nothing."""

    suffix = ".wav"

    def encode(self, item: Item, mark: str) -> bytes:
        """Return a WAV file with the mark as its comment."""
        return encode_wav(item.clip(), comment=mark)

    def mark_of(self, file: Path | io.BytesIO) -> str | None:
        """Return the mark of a clip, None if it has none."""
        try:
            content = file.read_bytes() if isinstance(file, Path) else file.getvalue()
        except OSError:
            return None
        return comment_of(content)

    def rows(self, items: list[Item]) -> npt.NDArray[np.generic]:
        """Return clips as float32 [N, channels, samples]."""
        return np.stack([item.clip().samples for item in items])


FILES: dict[str, SampleFiles] = {"picture": PictureFiles(), "clip": ClipFiles()}
"""The kinds of files, by what each sample is; see `SourceInfo.content`."""
