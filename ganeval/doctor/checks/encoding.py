"""Check how the pictures are stored: formats, colours, what decoding ignored."""

from collections.abc import Mapping
from dataclasses import dataclass

from ganeval.doctor.finding import Finding, Severity, first_names, of
from ganeval.doctor.inventory import Inventory
from ganeval.images.colour import LOW_16_BITS
from ganeval.sources.files.pictures import JPEG_NOTE, is_misnamed_jpeg

LOSSY = {"JPEG", "WEBP"}
"""Formats that lose detail (WebP may)."""


@dataclass(frozen=True, slots=True)
class _Remark:
    """The meaning of a decoder's note for a score: severity, what is needed, what to do."""

    severity: Severity
    needed: str
    remedy: str


_REMARKS: Mapping[str, _Remark] = {
    "EXIF orientation ignored": _Remark(
        "warning",
        "upright pictures; every tool scores them as they are stored",
        "rotate the files, or score with --exif apply",
    ),
    "unreadable EXIF ignored": _Remark(
        "note", "readable EXIF, if it says how to rotate them", "write the files again"
    ),
    "16-bit grey scaled to 8 bits": _Remark(
        "warning",
        "8 bits, since other tools clip such pictures to white",
        "convert the files to 8 bits",
    ),
    LOW_16_BITS: _Remark(
        "warning",
        "values up to 65,535 in 16 bits, or 8 bits",
        "multiply the values by 16 if they have 12 bits, and write the files again",
    ),
    "float grey scaled to 8 bits": _Remark("note", "8 bits", "convert the files to 8 bits"),
    "CMYK converted without a colour profile": _Remark(
        "warning", "RGB, since the colours are only nearly those meant", "convert the files to RGB"
    ),
    "YCbCr to RGB": _Remark("note", "RGB", "convert the files to RGB"),
    "HSV to RGB": _Remark("note", "RGB", "convert the files to RGB"),
    "LAB to RGB": _Remark("note", "RGB", "convert the files to RGB"),
    "1-bit to RGB": _Remark(
        "note", "the same number of colours on both sides", "check the other side"
    ),
    "palette to RGB": _Remark(
        "note", "the same number of colours on both sides", "write them in full colour"
    ),
    "ICC profile ignored": _Remark(
        "note",
        "sRGB, since every tool takes the values as sRGB",
        "convert the files to sRGB if they have another profile",
    ),
    "opaque alpha dropped": _Remark(
        "note", "three channels; nothing is lost", "write them without alpha if you like"
    ),
    "first picture of a multi-picture JPEG": _Remark(
        "note", "one picture", "check that it is the right one"
    ),
}


def decoding(inventory: Inventory) -> list[Finding]:
    """Find what decoding ignored or converted."""
    names: dict[str, list[str]] = {note: [] for note in _REMARKS}
    for look in inventory.looks:
        for note in look.notes:
            if note in names:
                names[note].append(look.name)
    return [
        Finding(
            check="decoding",
            severity=remark.severity,
            source=inventory.location,
            what=f"{note}: {of(len(names[note]), len(inventory.looks))}",
            needed=remark.needed,
            remedy=remark.remedy,
            examples=first_names(names[note]),
        )
        for note, remark in _REMARKS.items()
        if names[note]
    ]


def mixed_formats(inventory: Inventory) -> list[Finding]:
    """Find a mix of pictures with and without compression artefacts."""
    formats = inventory.formats
    if len(formats) < 2:
        return []
    counts = ", ".join(f"{kind}: {num:,}" for kind, num in formats.most_common())
    odd = min(formats, key=lambda kind: formats[kind])
    names = [look.name for look in inventory.looks if look.header and look.header.format == odd]
    return [
        Finding(
            check="mixed-formats",
            severity="warning" if LOSSY & formats.keys() else "note",
            source=inventory.location,
            what=f"files of {len(formats)} formats ({counts})",
            needed="one format, since a score sees the traces of compression",
            remedy="make all of them again from the same kind of original",
            examples=first_names(names),
        )
    ]


def misnamed_jpeg(inventory: Inventory) -> list[Finding]:
    """Find JPEG data in files named like a lossless format."""
    names = [
        look.name
        for look in inventory.looks
        if look.header and is_misnamed_jpeg(look.header, look.name)
    ]
    if not names:
        return []
    return [
        Finding(
            check="misnamed-jpeg",
            severity="warning",
            source=inventory.location,
            what=f"{JPEG_NOTE}: {of(len(names), len(inventory.looks))}",
            needed="pictures without loss, as their names say",
            remedy="make them again from the originals, or rename them to .jpg",
            examples=first_names(names),
        )
    ]


def mixed_colours(inventory: Inventory) -> list[Finding]:
    """Find grey pictures among coloured ones."""
    names = [look.name for look in inventory.looks if look.is_grey]
    if not 0 < len(names) < len(inventory.looks):
        return []
    return [
        Finding(
            check="grey-among-colour",
            severity="warning",
            source=inventory.location,
            what=f"grey among coloured ones: {of(len(names), len(inventory.looks))}",
            needed="the same kind of picture on both sides",
            remedy="remove them, or check that the other side has the same share",
            examples=first_names(names),
        )
    ]
