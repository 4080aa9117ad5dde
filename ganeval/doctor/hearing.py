"""One pass over a source of clips: what each of them sounds like, in a few numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from ganeval.audio.clip import Clip
from ganeval.audio.decode import ClipHeader
from ganeval.doctor.inventory import load_each, refusal_of
from ganeval.doctor.look import Refusal
from ganeval.errors import InputError
from ganeval.machine.progress import Progress
from ganeval.sources.base import Item, Source
from ganeval.sources.files.encoded import EncodedSource

_BLOCK = 64  # clips that are read at once
_MOST = 2**18  # samples whose spectrum tells enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What there is to say of a clip once its samples are gone.

    Attributes:
        name: Its name in messages.
        digest: Digest of its content; see `Item`.
        rate: As it is scored.
        channels: As it is scored.
        seconds: As it is scored.
        header: What its file says of it; None if it is no file.
        notes: What decoding found or changed.
        peak: Largest absolute value.
        level: Root mean square, as a part of full scale.
        offset: Mean over the samples of the channel where it is farthest from 0.
        upper: Which part of its energy lies in the upper half of the frequencies that its rate
            allows; NaN for a clip that is silent or too short to tell.
    """

    name: str
    digest: bytes
    rate: int
    channels: int
    seconds: float
    header: ClipHeader | None
    notes: tuple[str, ...]
    peak: float
    level: float
    offset: float
    upper: float

    @property
    def true_rate(self) -> int:
        """Samples in a second that say what it may hold: those of its file, if these are fewer."""
        return self.rate if self.header is None else min(self.rate, self.header.rate)

    @property
    def codec(self) -> str:
        """Format and subtype of its file; empty if it is no file."""
        return "" if self.header is None else f"{self.header.format} {self.header.subtype}"


@dataclass(frozen=True, kw_only=True)
class ClipInventory:
    """What there is to know of a source of clips; see `Inventory`."""

    location: str
    kind: str
    count: int
    looks: Sequence[Heard] = ()
    refusals: Sequence[Refusal] = ()
    ignored: Mapping[str, int]
    extractor: str
    num_features: int
    num_wanted: int | None = None
    num_skippable: int = 0
    item: str = "clip"
    noun: str = "clips"

    @cached_property
    def digests(self) -> Counter[bytes]:
        """Number of clips by content."""
        return Counter(heard.digest for heard in self.looks)

    @cached_property
    def rates(self) -> Counter[int]:
        """Number of clips by the rate that says what they may hold."""
        return Counter(heard.true_rate for heard in self.looks)

    @cached_property
    def channels(self) -> Counter[int]:
        """Number of clips by their channels as they are scored."""
        return Counter(heard.channels for heard in self.looks)

    @cached_property
    def codecs(self) -> Counter[str]:
        """Number of clips by what their files are; empty if they are not files."""
        return Counter(heard.codec for heard in self.looks if heard.codec)


def hear_over(
    source: Source, indices: Sequence[int], *, pool: Executor, progress: Progress
) -> tuple[list[Heard], list[Refusal]]:
    """Listen to the clips of a source at `indices`, once each."""
    looks: list[Heard] = []
    refusals: list[Refusal] = []
    label, total = source.info.location, len(indices)
    progress(label, 0, total, source.info.noun)
    for start in range(0, total, _BLOCK):
        block = indices[start : start + _BLOCK]
        hear = partial(_hear, source)
        for found in pool.map(hear, block, load_each(source, block)):
            if isinstance(found, Heard):
                looks.append(found)
            else:
                refusals.append(found)
        progress(label, start + len(block), total, source.info.noun)
    return looks, refusals


def _hear(source: Source, index: int, item: Item | Refusal) -> Heard | Refusal:
    """Return what a clip sounds like, or why scoring would refuse it."""
    if isinstance(item, Refusal):
        return item
    try:
        clip = item.clip()
        header = source.header(index) if isinstance(source, EncodedSource) else None
    except InputError as error:
        return refusal_of(error, item.name)
    samples = clip.samples
    means = samples.mean(axis=1, dtype=np.float64)
    return Heard(
        name=item.name,
        digest=item.digest,
        rate=clip.rate,
        channels=len(samples),
        seconds=clip.seconds,
        header=header,
        notes=clip.notes,
        peak=float(np.abs(samples).max()),
        level=float(np.sqrt(np.square(samples, dtype=np.float64).mean())),
        offset=float(means[np.abs(means).argmax()]),
        upper=upper_share(clip),
    )


def upper_share(clip: Clip) -> float:
    """Return which part of a clip's energy lies above a quarter of its rate, from 0 to 1."""
    samples = clip.samples[:, :_MOST].mean(axis=0, dtype=np.float64)
    if len(samples) < 64 or not samples.any():
        return float("nan")
    power = np.square(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))))
    half = len(power) // 2
    # The filter of a resampler needs some room above the highest frequency that it lets through.
    return float(power[half + half // 10 :].sum() / power.sum())
