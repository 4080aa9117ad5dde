"""Identify the pictures of a source, without decoding them."""

import hashlib
import json
from typing import Any

from reference_models.data.fitted import Fitted
from reference_models.data.news import News

PART = 256  # pictures that are prepared and identified together
BLOCK = 32  # pictures in memory at once


def contents_of(fitted: Fitted) -> list[str]:
    """Return the identity of a source's content: first of the whole, then of each part.

    Local files and arrays are identified by their SHA-256; ganeval's index of files stores it for
    files that did not change. For data sets of torchvision and remote files this would mean
    decoding or downloading every picture. So they are identified by facts that are cheap to find:
    the names and states of files, the number of pictures, and the first part.
    """
    source, count = fitted.source, len(fitted.source)
    info = source.info
    is_told_before = info.kind == "data" or fitted.is_remote
    whole: list[str] = []
    if is_told_before:
        names = hashlib.sha256("\n".join(map(ascii, source.names())).encode()).hexdigest()
        whole = [info.kind, info.location, info.fingerprint, names]
    parts = []
    news = News(fitted.text, count, what="looked at")
    for first in range(0, min(count, PART) if is_told_before else count, PART):
        stop = min(first + PART, count)
        sha256 = hashlib.sha256()
        for start in range(first, stop, BLOCK):
            items = source.load(range(start, min(start + BLOCK, stop)))
            sha256.update(b"".join(item.digest for item in items))
        parts.append(sha256.hexdigest())
        news.tell(stop)
    return [json_digest([count, *whole]), *parts]


def json_digest(content: Any) -> str:
    """Return the hex SHA-256 of JSON values."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
