"""The table of source kinds, and how a path or a text with options becomes a source."""

import re
from collections.abc import Mapping
from typing import Any

from ganeval.errors import UsageError, one_line
from ganeval.images.picture import DecodePolicy
from ganeval.machine.remote import is_remote, refuse_offline
from ganeval.packages import Outside
from ganeval.registry import Registry, parse_options, unknown
from ganeval.sources.base import Source
from ganeval.sources.braces import expand_braces
from ganeval.sources.files.encoded import EncodedSource
from ganeval.sources.files.index import Index
from ganeval.sources.paths import exists, kind_of, missing

SOURCES = Registry(
    "source kind",
    {
        "folder": "ganeval.sources.files.folder:Folder",
        "zip": "ganeval.sources.files.zip:Zip",
        "tar": "ganeval.sources.files.tar:Tar",
        "npz": "ganeval.sources.arrays.numpy_files:Npz",
        "npy": "ganeval.sources.arrays.numpy_files:Npy",
        "tensor": "ganeval.sources.arrays.tensor_file:TensorFile",
        "data": "ganeval.sources.arrays.datasets:Data",
        "generator": "ganeval.sources.checkpoint:GeneratorFile",
    },
    Outside(group="ganeval.sources", members=("location", "open"), required=("location",)),
)
"""Every entry is a frozen dataclass: `location` is positional, the other fields are its options.

Its method `open(policy, *, offline=False, written=None)` returns a `Source`. `written` is what the
user wrote, made printable (a path may not be UTF-8); the report names the source by it.
"""

# At least two letters: a single one is a drive of Windows.
_KIND = re.compile(r"(?P<kind>[A-Za-z][A-Za-z0-9_-]+):(?P<rest>.*)", re.DOTALL)
_GENERATOR = "generator"
_OPTION = re.compile(r",(?=[A-Za-z_]+=)")


def open_text(
    text: str,
    policy: DecodePolicy,
    *,
    offline: bool = False,
    generator: Mapping[str, Any] | None = None,
    index: Index | None = None,
) -> Source:
    """Open a path, or a text that begins with a kind.

    Args:
        text: A path, or `kind:location,option=value,...`.
        policy: How pictures become 8-bit RGB.
        offline: Download nothing.
        generator: Options of a generator's checkpoint that the text does not give.
        index: What is known of local files; None reads them all.

    Raises:
        InputError: There is nothing, or nothing usable, under that name.
        UsageError: A kind or option is unknown, or a value does not fit it.
        ResourceError: A data set cannot be downloaded.
    """
    refuse_offline(text, offline=offline)
    is_row = _is_row_of_tars(text)
    if is_row or exists(text):
        kind = "tar" if is_row else kind_of(text)
        if kind == _GENERATOR:
            from ganeval.sources.arrays.tensor_file import (
                holds_images,  # torch, which few sources need
            )

            kind = "tensor" if holds_images(text) else kind
        given = dict(generator or {}) if kind == _GENERATOR else {}
        source: Source = SOURCES.load(kind)(text, **given).open(
            policy, offline=offline, written=one_line(text)
        )
        return _knowing(source, text, index)
    match = _KIND.fullmatch(text)
    if match is None:
        raise missing(text)
    kind, (location, *options) = match["kind"], _OPTION.split(match["rest"])
    entry = SOURCES.load(kind)
    where = f"source {kind}"
    if not location:
        raise UsageError(f"'{text}' names nothing", f"{kind}:LOCATION", "add the location")
    refuse_offline(location, offline=offline)
    values = parse_options(entry, options, where=where)
    if "location" in values:  # a field of the entry, but not an option
        names = [name for name in entry.__dataclass_fields__ if name != "location"]
        raise unknown(f"option of {where}", "location", names)
    if kind == _GENERATOR:
        values = dict(generator or {}) | values
    source = entry(location, **values).open(policy, offline=offline, written=one_line(text))
    return _knowing(source, location, index)


def _knowing(source: Source, location: str, index: Index | None) -> Source:
    """Return the source, which now reads no file that the index knows."""
    if index is None or is_remote(location) or not isinstance(source, EncodedSource):
        return source
    return source.knowing(index, location)


def _is_row_of_tars(text: str) -> bool:
    """Tell whether a text without a kind names several archives by braces."""
    first, *others = expand_braces(text)
    if not others or (not is_remote(text) and exists(text)):
        return False
    return exists(first)
