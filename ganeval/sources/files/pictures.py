"""Files of pictures."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import IO, ClassVar

from ganeval.images.decode import Header, check_header, decode, read_header
from ganeval.images.picture import SUFFIXES, DecodePolicy, Picture
from ganeval.sources.files.medium import Overview
from ganeval.sources.fit import Fit

JPEG_NOTE = "JPEG data under another suffix"
_JPEG_ENDINGS = (".jpg", ".jpeg", ".jfif")

# Endings of other picture formats, and of arrays of pixels. Such files are left alone.
_ALIKE = frozenset(
    [
        "apng",
        "arw",
        "cr2",
        "cr3",
        "dds",
        "dng",
        "exr",
        "hdr",
        "icns",
        "ico",
        "j2c",
        "j2k",
        "jfi",
        "jif",
        "jpe",
        "jpf",
        "jpx",
        "nef",
        "npy",
        "orf",
        "pbm",
        "pcx",
        "pfm",
        "pnm",
        "psd",
        "qoi",
        "raf",
        "raw",
        "rw2",
        "svg",
        "tga",
        "xcf",
    ]
)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Files of pictures, decoded under a policy and brought to a size."""

    policy: DecodePolicy
    fit: Fit

    content: ClassVar[str] = "picture"
    noun: ClassVar[str] = "images"
    suffixes: ClassVar[tuple[str, ...]] = SUFFIXES
    alike: ClassVar[frozenset[str]] = _ALIKE
    left_alone: ClassVar[str] = "files of other picture formats"

    def settings(self) -> dict[str, object]:
        """Return the decode policy and the size."""
        return policy_settings(self.policy) | self.fit.settings()

    def read_header(self, stream: IO[bytes], *, name: str) -> Header:
        """Return the header of a picture's file."""
        return read_header(stream, name=name, policy=self.policy)

    def check_header(self, header: Header, *, name: str) -> None:
        """Raise InputError if a header shows that its picture is unusable."""
        check_header(header, name=name, policy=self.policy)

    def decode(self, content: bytes, name: str) -> Picture:
        """Return the picture in a file's bytes."""
        return self.fit(decode(content, name=name, policy=self.policy))

    def overview(self, headers: Iterable[tuple[str, Header]]) -> Overview:
        """Return the sizes, and how many files are JPEG under another ending."""
        sizes: Counter[tuple[int, int]] = Counter()
        notes: Counter[str] = Counter()
        for name, header in headers:
            sizes[header.width, header.height] += 1
            notes[JPEG_NOTE] += is_misnamed_jpeg(header, name)
        return Overview(sizes=dict(sorted(sizes.items())), notes=dict(+notes))

    def length(self, header: Header) -> None:
        """Return None: pictures have no length."""

    def lenient(self) -> "Pictures | None":
        """Return a medium that takes the first of several frames, which may hide another fault."""
        if self.policy.animated != "error":
            return None
        return replace(self, policy=replace(self.policy, animated="first"))


def policy_settings(policy: DecodePolicy) -> dict[str, object]:
    """Return the decode policy as JSON values, without `max_pixels`, which changes no pixel."""
    return {
        "transparency": policy.transparency,
        "animated": policy.animated,
        "exif": policy.exif,
        "float_range": list(policy.float_range) if policy.float_range else None,
    }


def is_misnamed_jpeg(header: Header, name: str) -> bool:
    """Tell whether a file is a JPEG, which has lost detail, under another ending."""
    return header.format == "JPEG" and not name.lower().endswith(_JPEG_ENDINGS)
