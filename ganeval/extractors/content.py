"""Recognising what a weight file contains, before it is parsed."""

import io
import zipfile
from pathlib import Path

from ganeval.errors import WeightsError

ZIP = b"PK\x03\x04"
HDF5 = b"\x89HDF\r\n\x1a\n"


def read_bytes(path: Path) -> bytes:
    """Return the content of a weight file.

    Raises:
        WeightsError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"{path}: cannot be read ({error.strerror})",
            "a weight file that can be read",
            "correct the path or its permissions",
        ) from error


def what_it_is(data: bytes, expected_size: int | None = None) -> str:
    """Say what is wrong with a weight file's content, as a verb phrase (`"is empty"`)."""
    if not data:
        return "is empty (0 bytes)"
    if data.startswith(b"version https://git-lfs"):
        return "is a git-lfs pointer, not the file that it stands for"
    if data[:512].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "is an HTML page, not a weight file"
    if data.startswith(HDF5):
        return "is an HDF5 file, as Keras writes"
    if expected_size is None:
        # A zip archive ends with its directory. If that is missing, the file is cut short.
        try:
            unfinished = data.startswith(ZIP) and not zipfile.is_zipfile(io.BytesIO(data))
        except zipfile.BadZipFile:  # the directory is there, but damaged
            unfinished = False
        return "is cut short" if unfinished else "is damaged, or no state dict"
    if len(data) < expected_size:
        return f"is cut short ({len(data):,} of {expected_size:,} bytes)"
    if len(data) > expected_size:
        return f"is another file ({len(data):,} bytes, not {expected_size:,})"
    return "is damaged (the size is right, the content is not)"
