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
"""Which windows there are, [N, 2]: the index of the clip and the sample where it begins."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowView:
    """Windows of the clips of a source.

    Attributes:
        info: What it is.
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

        A window's digest is that of its clip, of how it is cut and of where it begins. A clip is
        decoded once for all its windows among these.
        """
        chosen = self.places[np.asarray(indices, np.int64)].tolist()
        clips = sorted({clip for clip, _ in chosen})
        nums = Counter(clip for clip, _ in chosen)
        loaded = {
            clip: _Prepared(item, self.how, nums[clip])
            for clip, item in zip(clips, self.source.load(clips), strict=True)
        }
        how = json.dumps(self.how.to_json(), sort_keys=True)
        return [self._item(loaded[clip], start, how) for clip, start in chosen]

    def unusable(self) -> Mapping[int, str]:
        """Return nothing: clips that cannot be used have no windows."""
        return {}

    def names(self) -> Sequence[str]:
        """Return the name of each window: that of its clip, and the second where it begins."""
        names = self.source.names()
        return [self._name(names[clip], start) for clip, start in self.places.tolist()]

    def labels(self) -> tuple[str, ...] | None:
        """Return the class of each window, which is that of its clip."""
        labels = self.source.labels()
        return None if labels is None else tuple(labels[clip] for clip in self.places[:, 0])

    def _name(self, clip: str, start: int) -> str:
        """Return how messages call a window."""
        return f"{clip}@{start / self.how.rate:g}s"

    def _item(self, clip: "_Prepared", start: int, how: str) -> Item:
        """Return a window."""
        text = f"window\n{how}\n{start}\n".encode()
        return Item(
            self._name(clip.item.name, start),
            hashlib.sha256(text + clip.item.digest).digest(),
            partial(clip.window, start),
        )


class _Prepared:
    """A clip that is decoded on first use, and kept until each of its windows was taken."""

    def __init__(self, item: Item, how: Windows, num: int) -> None:
        self.item = item
        self._how, self._num = how, num
        self._lock = Lock()
        self._clip: Clip | None = None
        self._left = num

    def window(self, start: int) -> Clip:
        """Return one window."""
        with self._lock:
            if self._clip is None:
                self._clip, self._left = self._how.prepare(self.item.clip()), self._num
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
            "clips of sound, for windows of them",
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
        name, seconds = short[0]
        more = "" if len(short) == 1 else f" and {len(short) - 1:,} more"
        raise InputError(
            f"{source.info.location}: '{name}' of {seconds:.4g} s{more}",
            f"windows of {how.seconds:g} s",
            f"leave short clips out, or pad them, as in folder:PATH,seconds={how.seconds:g},"
            "pad=zeros",
        )
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


def _lengths(source: Source, indices: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the number of samples and the rate of clips; one that does not say is decoded."""
    lengths: Any = getattr(source, "lengths", None)
    known = None if lengths is None else lengths()
    if known is not None:
        yield from (known[index] for index in indices)
        return
    for index in indices:
        clip = source.load([index])[0].clip()
        yield clip.samples.shape[1], clip.rate
