"""The windows of the clips of a source."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from ganeval.audio.clip import Clip
from ganeval.audio.windows import Windows
from ganeval.errors import InputError, UsageError
from ganeval.sources.base import Item, Source, SourceInfo, plural

Places = npt.NDArray[np.int64]
"""Which windows there are, [N, 2]: the index of the clip, and the sample where a window begins."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowView:
    """Windows of the clips of a source.

    Attributes:
        info: Facts about it.
        source: Where the clips are.
        how: How they are cut.
        places: Which windows there are.
    """

    info: SourceInfo
    source: Source
    how: Windows
    places: Places

    def __len__(self) -> int:
        return len(self.places)

    def load(self, indices: Sequence[int]) -> list[Item]:
        """Read and hash the clips of the windows at `indices`; see `Source.load`.

        A window's digest is made from its clip's digest, how it is cut and where it begins. A clip
        is decoded once for all its windows in this call.
        """
        chosen = self.places[np.asarray(indices, np.int64)].tolist()
        clips = sorted({clip for clip, _ in chosen})
        nums = Counter(clip for clip, _ in chosen)
        loaded = {
            clip: _Prepared(item, self.how, nums[clip])
            for clip, item in zip(clips, self.source.load(clips), strict=True)
        }
        return [loaded[clip].item_at(start) for clip, start in chosen]

    def unusable(self) -> Mapping[int, str]:
        """Return nothing: clips that cannot be used have no windows."""
        return {}

    def names(self) -> Sequence[str]:
        """Return the name of each window: its clip's name, and the second where it begins."""
        names = self.source.names()
        return [_name(names[clip], start, self.how) for clip, start in self.places.tolist()]

    def labels(self) -> tuple[str, ...] | None:
        """Return the class of each window, which is that of its clip."""
        labels = self.source.labels()
        return None if labels is None else tuple(labels[clip] for clip in self.places[:, 0])


class _Prepared:
    """A clip that is decoded on first use, and kept until each of its windows was taken."""

    def __init__(self, item: Item, how: Windows, num: int) -> None:
        self._item = item
        self._how, self._num = how, num
        self._lock = Lock()
        self._clip: Clip | None = None
        self._left = num

    def item_at(self, start: int) -> Item:
        """Return the window that begins at a sample."""
        how = json.dumps(self._how.to_json(), sort_keys=True)
        text = f"window\n{how}\n{start}\n".encode()
        return Item(
            _name(self._item.name, start, self._how),
            hashlib.sha256(text + self._item.digest).digest(),
            partial(self._window, start),
        )

    def _window(self, start: int) -> Clip:
        """Cut one window."""
        with self._lock:
            if self._clip is None:
                self._clip, self._left = self._how.prepare(self._item.clip()), self._num
            clip = self._clip
            self._left -= 1
            if self._left <= 0:
                self._clip = None
        return self._how.window(clip, start)


def windows_of(source: Source, how: Windows, indices: Sequence[int]) -> WindowView:
    """Return the windows of the clips at `indices`, as a source.

    Raises:
        UsageError: The source has no clips.
        InputError: A clip is shorter than a window.
    """
    if source.info.content != "clip":
        raise UsageError(
            f"{source.info.location}: has {plural(source.info.content)}",
            "clips of sound, to cut windows from them",
            "name a source of clips, or another metric",
        )
    places: list[tuple[int, int]] = []
    short: list[tuple[str, float]] = []
    for index, (num, rate) in zip(indices, _lengths(source, indices), strict=True):
        starts = how.starts(num, rate)
        if not starts:
            short.append((source.names()[index], num / rate))
        places += [(index, start) for start in starts]
    if short:
        raise _too_short(source.info.location, short, how)
    array = np.array(places, np.int64).reshape(-1, 2)
    said = json.dumps(how.to_json(), sort_keys=True).encode()
    known = source.info.fingerprint.encode() + said + array.tobytes()
    return WindowView(
        info=replace(
            source.info,
            kind="windows",
            noun="windows",
            location=f"windows of {source.info.location}",
            count=len(array),
            notes={},
            found={},
            settings={
                **source.info.settings,
                **{f"window_{key}": value for key, value in how.to_json().items()},
            },
            fingerprint=hashlib.sha256(known).hexdigest(),
        ),
        source=source,
        how=how,
        places=array,
    )


def windows_of_items(
    items: Sequence[Item], how: Windows, location: str
) -> tuple[list[Item], list[int]]:
    """Return the windows of clips, and for each window the place of its clip among these.

    Args:
        items: The clips.
        how: How they are cut.
        location: The name of their source in messages.

    Raises:
        InputError: A clip cannot be used, or is shorter than a window.
    """
    windows: list[Item] = []
    wholes: list[int] = []
    short: list[tuple[str, float]] = []
    for place, item in enumerate(items):
        clip = item.clip()
        starts = how.starts(clip.samples.shape[1], clip.rate)
        if not starts:
            short.append((item.name, clip.seconds))
        prepared = _Prepared(item, how, len(starts))
        windows += [prepared.item_at(start) for start in starts]
        wholes += [place] * len(starts)
    if short:
        raise _too_short(location, short, how)
    return windows, wholes


def _too_short(location: str, short: Sequence[tuple[str, float]], how: Windows) -> InputError:
    """Return the error for clips, by their names and seconds, that are shorter than a window."""
    name, seconds = short[0]
    more = "" if len(short) == 1 else f" and {len(short) - 1:,} more"
    return InputError(
        f"{location}: '{name}' of {seconds:.4g} s{more}",
        f"at least {how.seconds:g} s, the length of a window",
        f"leave short clips out, or pad them, as in folder:PATH,seconds={how.seconds:g},pad=zeros",
    )


def _name(clip: str, start: int, how: Windows) -> str:
    """Return the name of a window in messages."""
    return f"{clip}@{start / how.rate:g}s"


def _lengths(source: Source, indices: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the number of samples and the rate of clips; they are decoded if nothing else tells."""
    lengths: Any = getattr(source, "lengths", None)
    known = None if lengths is None else lengths()
    if known is not None:
        yield from (known[index] for index in indices)
        return
    for index in indices:
        clip = source.load([index])[0].clip()
        yield clip.samples.shape[1], clip.rate
