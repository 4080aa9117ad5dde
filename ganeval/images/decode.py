"""Decode the bytes of a picture file to uint8 RGB; every deviation is refused or noted."""

import contextlib
import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, cast

import numpy as np
import numpy.typing as npt
import PIL.Image
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    features,
)

from ganeval.errors import InputError
from ganeval.images.colour import to_rgb
from ganeval.images.picture import DecodePolicy, Picture
from ganeval.images.png_chunks import PixelChunks
from ganeval.images.webp_size import webp_size

# What Pillow must be built with to read a format.
_LIBRARIES = {"WEBP": "webp", "AVIF": "avif", "JPEG2000": "jpg_2000"}

FORMATS = tuple(
    plugin.format
    for plugin in (
        PngImagePlugin.PngImageFile,
        JpegImagePlugin.JpegImageFile,
        WebPImagePlugin.WebPImageFile,
        BmpImagePlugin.BmpImageFile,
        GifImagePlugin.GifImageFile,
        TiffImagePlugin.TiffImageFile,
        PpmImagePlugin.PpmImageFile,
        AvifImagePlugin.AvifImageFile,
        Jpeg2KImagePlugin.Jpeg2KImageFile,
    )
    if features.check(_LIBRARIES.get(plugin.format, "pil"))
)
"""Pillow's names of the formats that are read; no other parser (EPS, PSD, ...) is ever reached."""

MINIMUM_SIZE = 8
"""The smallest height and width of a picture."""

# What Pillow raises on damaged data. MemoryError is not listed: there it is the machine's fault.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    EOFError,
    RuntimeError,  # the AVIF plugin raises it
    struct.error,
    zlib.error,
    Warning,  # if the caller has turned warnings into errors
)
_TRUNCATED = ("truncated", "incomplete", "eof", "unexpected end", "end of file")
_ORIENTATION = 0x0112  # the EXIF tag


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a picture file.

    Attributes:
        width: As stored, before any EXIF orientation.
        height: As stored.
        mode: Pillow's name of the pixel format.
        format: One of `FORMATS`.
        frames: Number of frames or pages. The extra pictures that cameras append to a JPEG (MPO)
            are not frames.
        has_profile: Whether a colour profile lies beside the pixels.
    """

    width: int
    height: int
    mode: str
    format: str
    frames: int
    has_profile: bool = False


def read_header(content: IO[bytes] | bytes, *, name: str, policy: DecodePolicy) -> Header:
    """Read a picture's header, and refuse a picture that it shows to be unusable.

    No pixel is decoded. Only the needed part of a seekable file is read (all of a WebP). Only
    `decode` notices truncation and other damage of the pixels, transparency and float values.

    Args:
        content: The file, opened for reading from its start, or its bytes.
        name: Its name in messages.
        policy: `max_pixels` and `animated` matter here.

    Raises:
        InputError: Not a picture in one of `FORMATS`, a damaged header, more than `max_pixels`
            pixels, fewer than 8 pixels on a side, or several frames though the policy says "error".
            The text begins with `name`.
    """
    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    return _open(stream, name, policy)[1]


def check_header(header: Header, *, name: str, policy: DecodePolicy) -> None:
    """Refuse a picture that its header shows to be unusable under a policy.

    Raises:
        InputError: As in `read_header`, for `max_pixels` and `animated`.
    """
    _check_size(header.width, header.height, name, policy)
    if header.frames > 1 and policy.animated == "error":
        raise InputError(f"{name}: {header.frames} frames", "one frame", "add `--animated first`")


def decode(content: bytes, *, name: str, policy: DecodePolicy) -> Picture:
    """Decode a picture file to RGB. Safe to call from any thread.

    Args:
        content: The bytes of the file.
        name: Its name in messages; the picture does not depend on it.
        policy: What to do with pictures that are not plain 8-bit RGB.

    Returns:
        uint8 [3, H, W] RGB, C-contiguous, at native size, and notes on each thing that was ignored
        or converted. (TIFF's orientation tag is always applied: Pillow does so itself.)

    Raises:
        InputError: As in `read_header`; or the data are damaged or truncated, the policy does not
            allow transparency, or the pixel format has no clear meaning in 8 bits. The text begins
            with `name`.
    """
    picture, header = _open(io.BytesIO(content), name, policy)
    with _damage_refused(name, policy):
        rgb, colour_notes = to_rgb(picture, name=name, policy=policy)
    orientation, exif_notes = _orientation(picture)
    notes = [*_header_notes(picture, header), *colour_notes, *exif_notes]
    pixels = rgb.transpose(2, 0, 1)
    if orientation != 1 and policy.exif == "apply":
        pixels = _upright(pixels, orientation)
        notes.append("EXIF orientation applied")
    elif orientation != 1:
        notes.append("EXIF orientation ignored")
    return Picture(np.ascontiguousarray(pixels), tuple(notes))


def _open(stream: IO[bytes], name: str, policy: DecodePolicy) -> tuple[ImageFile.ImageFile, Header]:
    """Open a picture without reading its pixels, and check what its header says."""
    with _damage_refused(name, policy):
        start = stream.read(512)
        kind = _identify(start)
        if kind is None:
            raise _no_picture(name, start)
        if kind == WebPImagePlugin.WebPImageFile.format:
            size = webp_size(start)
            if size is not None:
                _check_size(*size, name, policy)
        stream.seek(0)
        chunks = PixelChunks(stream) if kind == PngImagePlugin.PngImageFile.format else None
        # Image.open would do the same, but it warns or refuses by its own limits, which can only be
        # changed for the whole process. Ours is checked below, before anything is allocated: only
        # the decoder of WebP allocates when it is made.
        picture = PIL.Image.OPEN[kind][0](cast(IO[bytes], chunks or stream), "")
        width, height = picture.size
        _check_size(width, height, name, policy)  # before its frames are counted
        multi_picture_jpeg = isinstance(picture, MpoImagePlugin.MpoImageFile)
        frames = 1 if multi_picture_jpeg else int(getattr(picture, "n_frames", 1))
    has_profile = bool(picture.info.get("icc_profile")) if chunks is None else chunks.has_profile
    header = Header(width, height, picture.mode, kind, frames, has_profile)
    check_header(header, name=name, policy=policy)
    return picture, header


def _check_size(width: int, height: int, name: str, policy: DecodePolicy) -> None:
    """Refuse pictures that are too large to decode or too small to mean anything."""
    if width * height > policy.max_pixels:
        size = f"{width} x {height} = {width * height} pixels"
        raise _too_large(name, size, policy.max_pixels)
    if min(width, height) < MINIMUM_SIZE:
        raise InputError(
            f"{name}: {width} x {height} pixels",
            f"at least {MINIMUM_SIZE} pixels on each side",
            "replace or remove the file",
        )


def _too_large(name: str, size: str, limit: int) -> InputError:
    """Return the error for a picture that could be a decompression bomb."""
    return InputError(
        f"{name}: {size}",
        f"at most {limit} pixels",
        "if the file is as it should be, add `--max-pixels 1000000000`",
    )


def _identify(start: bytes) -> str | None:
    """Return the format of a file by its first bytes; None if it is not one of `FORMATS`."""
    for kind in FORMATS:
        accept = PIL.Image.OPEN[kind][1]
        if accept is not None and accept(start[:16]) is True:
            # HEIF files have the same container as AVIF, but another codec.
            return None if kind == "AVIF" and _iso_brand(start) != "avif" else kind
    return None


def _no_picture(name: str, start: bytes) -> InputError:
    """Return the error for a file in none of the formats."""
    needed = f"a file in one of the formats {', '.join(FORMATS)}"
    unread = _unread_format(start)
    if unread is not None:
        ending = PurePosixPath(name).suffix.lower() or ".*"
        return InputError(
            f"{name}: a picture in the format {unread}, which this installation cannot decode",
            needed,
            f"convert it (`magick mogrify -format png *{ending}` in its folder) and remove it",
        )
    return InputError(
        f"{name}: not a picture but {_looks_like(start)}",
        needed,
        "run `git lfs pull`" if _is_lfs_pointer(start) else "replace or remove the file",
    )


def _unread_format(start: bytes) -> str | None:
    """Return the name of the format of a file, if it is one that Pillow may lack."""
    if start.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")):
        return "JPEG XL"
    if start.startswith((b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n")):
        return "JPEG 2000"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    return {"avif": "AVIF", "heif": "HEIF"}.get(_iso_brand(start) or "")


def _iso_brand(start: bytes) -> str | None:
    """Return "avif" or "heif" if a file is an ISO container of such pictures."""
    if start[4:8] != b"ftyp":
        return None
    brands = start[8 : int.from_bytes(start[:4], "big")]
    found = [brands[at : at + 4] for at in range(0, len(brands), 4)]
    if b"avif" in found or b"avis" in found:
        return "avif"
    heif = (b"mif1", b"msf1", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")
    return "heif" if any(brand in heif for brand in found) else None


def _is_lfs_pointer(start: bytes) -> bool:
    """Tell whether a file is the pointer that git-lfs leaves in place of a large file."""
    return start.startswith(b"version https://git-lfs")


def _looks_like(start: bytes) -> str:
    """Say in plain words what a file that is not a picture looks like."""
    text = start.lstrip().lower()
    if not start:
        return "an empty file"
    if _is_lfs_pointer(start):
        return "a git-lfs pointer"
    if text.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    # A multi-byte character may be cut at the end, hence "ignore"; zeros mark binary data.
    if b"\0" not in start and len(start.decode("utf-8", "ignore").encode()) > len(start) - 4:
        return "text"
    return "data in an unknown format"


@contextlib.contextmanager
def _damage_refused(name: str, policy: DecodePolicy) -> Iterator[None]:
    """Turn what Pillow raises on damaged data into an InputError that begins with `name`."""
    try:
        yield
    except PIL.Image.DecompressionBombError as error:  # some plugins check by themselves
        raise _too_large(name, "more pixels than Pillow takes", policy.max_pixels) from error
    except _DAMAGE as error:
        reason = str(error) or type(error).__name__
        truncated = isinstance(error, EOFError) or any(
            word in reason.lower() for word in _TRUNCATED
        )
        raise InputError(
            f"{name}: {'truncated' if truncated else 'damaged'} ({reason})",
            "a complete picture file",
            "replace or remove the file",
        ) from error


def _header_notes(picture: ImageFile.ImageFile, header: Header) -> Iterator[str]:
    """Yield notes on the other content of the file."""
    if isinstance(picture, MpoImagePlugin.MpoImageFile):
        yield "first picture of a multi-picture JPEG"
    if header.frames > 1:
        yield "first frame of several"
    if header.has_profile:
        yield "ICC profile ignored"


def _orientation(picture: ImageFile.ImageFile) -> tuple[int, list[str]]:
    """Return the EXIF orientation, 1 to 8, and a note if the EXIF block can't be read."""
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
    except _DAMAGE:  # the pixels are fine, and no tool refuses them
        return 1, ["unreadable EXIF ignored"]
    return (value if value in range(1, 9) else 1), []


def _upright(pixels: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """Turn and mirror [3, H, W] pixels by an EXIF orientation (EXIF 2.3, tag 0x0112)."""
    if orientation >= 5:
        pixels = pixels.transpose(0, 2, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, :, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[:, ::-1]
    return pixels
