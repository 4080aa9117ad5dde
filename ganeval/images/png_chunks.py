"""Read PNG files without their texts and colour profiles, which the pixels do not need."""

import io
import zlib
from typing import IO, Any, NamedTuple

from PIL import PngImagePlugin

_SIGNATURE_BYTES = 8
_FRAME_BYTES = 12  # of a chunk: length, type and checksum
_MAX_KEYWORD_BYTES = 80  # with the zero behind it
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_PROFILE = b"iCCP"

# Texts in which Pillow finds an EXIF orientation.
_ORIENTED = (b"XML:com.adobe.xmp", b"Raw profile type exif")


class _Piece(NamedTuple):
    """A part of the file that is shown."""

    start: int  # where it is shown
    source: int  # where it lies in the file
    num_bytes: int


class PixelChunks(io.RawIOBase):
    """A PNG file without its texts and colour profile, which are never unpacked.

    Programs that draw pictures store whole workflows there, and Pillow refuses a picture if a text
    is above its limit. Texts that may tell an EXIF orientation are shown up to that limit. Chunks
    are found only as far as the file is read.

    Attributes:
        has_profile: Whether a colour profile was left out so far.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self.has_profile = False
        self._file = file
        self._at = 0
        self._pieces = [_Piece(0, 0, _SIGNATURE_BYTES)]
        self._next: int | None = _SIGNATURE_BYTES  # where the next chunk lies; None: all are known
        self._oriented: set[bytes] = set()

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place in the file as it is shown, counted from its start or from here."""
        assert whence in (io.SEEK_SET, io.SEEK_CUR)  # Pillow does not seek from the end
        self._at = max(offset + (self._at if whence == io.SEEK_CUR else 0), 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as one piece goes."""
        view = memoryview(buffer).cast("B")
        while self._at >= self._end and self._next is not None:
            self._look_further(self._next)
        for piece in reversed(self._pieces):
            inside = self._at - piece.start
            if inside >= 0:
                self._file.seek(piece.source + inside)
                content = self._file.read(min(len(view), max(piece.num_bytes - inside, 0)))
                view[: len(content)] = content
                self._at += len(content)
                return len(content)
        raise AssertionError("the first piece starts at 0")

    def read(self, size: int = -1, /) -> bytes:
        """Return `size` bytes; fewer only at the end of the file."""
        parts = []
        while size and (part := super().read(size if size > 0 else 2**16)):
            parts.append(part)
            size -= len(part) if size > 0 else 0
        return b"".join(parts)

    @property
    def _end(self) -> int:
        """The end of the known part of the file as it is shown."""
        return self._pieces[-1].start + self._pieces[-1].num_bytes

    def _look_further(self, start: int) -> None:
        """Look at the chunk that lies at `start` of the file."""
        self._file.seek(start)
        head = self._file.read(8)
        num_bytes = int.from_bytes(head[:4], "big") + _FRAME_BYTES
        kind = head[4:]
        self._next = start + num_bytes
        if len(head) < 8 or kind == b"IEND":
            self._next = None
        if kind == _PROFILE or (kind in _TEXTS and not self._tells_orientation(kind, num_bytes)):
            self.has_profile |= kind == _PROFILE
            return
        last = self._pieces[-1]
        if last.source + last.num_bytes == start:
            self._pieces[-1] = last._replace(num_bytes=last.num_bytes + num_bytes)
        else:
            self._pieces.append(_Piece(self._end, start, num_bytes))

    def _tells_orientation(self, kind: bytes, num_bytes: int) -> bool:
        """Tell whether the text at the current place may tell one, and is not too large."""
        limit = PngImagePlugin.MAX_TEXT_CHUNK
        if num_bytes > limit:
            return False
        keyword, _, rest = self._file.read(_MAX_KEYWORD_BYTES).partition(b"\0")
        if keyword not in _ORIENTED or keyword in self._oriented:
            return False
        self._oriented.add(keyword)
        if kind == b"tEXt" or (kind == b"iTXt" and rest[:1] == b"\0"):
            return True
        content = rest + self._file.read(num_bytes - _FRAME_BYTES - len(keyword) - 1 - len(rest))
        if kind == b"iTXt":  # flag, method, language, translated keyword, text
            content = content[1:2] + content[2:].split(b"\0", 2)[-1]
        try:
            return len(zlib.decompressobj().decompress(content[1:], limit)) < limit
        except zlib.error:
            return False
