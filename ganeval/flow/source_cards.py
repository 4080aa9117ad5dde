"""What a report says about its sources, and the warnings for its reader."""

import hashlib
import math
import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganeval.errors import one_line
from ganeval.features.collected import Features
from ganeval.features.stats import Stats
from ganeval.flow.clusters import clusters_digest
from ganeval.flow.independence import MANY_COPIES
from ganeval.flow.sides import Side
from ganeval.images.colour import FLOATS_CLIPPED, LOW_16_BITS
from ganeval.images.seen import Seen
from ganeval.scores.noun import common_noun
from ganeval.sources.base import plural
from ganeval.sources.clusters import ClusterBy
from ganeval.sources.files.chosen import MAYBE_ITEMS
from ganeval.sources.paths import exists

_LEFT_ALONE_WORTH_A_WARNING = 0.01  # share of the images
_OTHER_LENGTH = 1.25  # ratio above which clips of two sources differ in length
_OTHER_SIZE = 1.25  # ratio of median sides above which sources of mixed sizes differ
_SIZES_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedSource:
    """A source after the run.

    Attributes:
        location: Its name in the report.
        kind: Kind of source; "stats" for statistics alone, "stream" for an accumulator.
        item: What each item is; see `SourceInfo.content`.
        noun: What several items are called.
        count: Number of images it has; None if a statistics file does not say.
        features: What was computed of it; None if only its statistics were used.
        skipped: Reasons for pictures that were left out.
        ignored: Number of files that were left alone, by reason.
        sizes: Number of images by (width, height).
        settings: Options that change pixels.
        found: What headers or a trial of the source have shown.
        chosen: "all", or the digest of the numbers of the images that were used; None for
            statistics.
        notes: Number of images for each note about their names.
        stats: The stored statistics that were used.
        used_for: The scores that they were used for.
        cluster_by: What items of one cluster have in common; None if clusters were not asked for.
        seen: The values of the images, for a source of arrays.
    """

    location: str
    kind: str
    item: str
    noun: str
    count: int | None
    features: Features | None
    skipped: Sequence[str]
    ignored: Mapping[str, int]
    sizes: Mapping[tuple[int, int], int]
    settings: Mapping[str, object]
    found: Mapping[str, object]
    chosen: str | None
    notes: Mapping[str, int]
    stats: Stats | None
    seen: Seen | None = None
    used_for: tuple[str, ...] = ()
    cluster_by: ClusterBy | None = None

    @property
    def digests(self) -> Sequence[bytes]:
        """Content digests of the images that were used."""
        return self.features.digests if self.features else ()

    @property
    def num_duplicates(self) -> int:
        """Number of images with the same content as an earlier one."""
        return len(self.digests) - len(set(self.digests))

    @property
    def size(self) -> tuple[int, int] | None:
        """The median width and the median height that the extractor's resize gets.

        None if they are not known.
        """
        wanted = self.settings.get("size")
        if isinstance(wanted, int):
            return wanted, wanted
        if not self.sizes:
            return None
        counts = Counter(self.sizes)
        return (
            statistics.median_low(width for width, _ in counts.elements()),
            statistics.median_low(height for _, height in counts.elements()),
        )

    @property
    def rates(self) -> tuple[str, ...]:
        """The rates that limit the frequencies of clips, as text; empty if they are not known.

        A clip that its source resamples is limited by the lower of its two rates.
        """
        native, wanted = self.found.get("native_rates", {}), self.settings.get("rate")
        if not isinstance(native, Mapping):
            return ()
        most = wanted if isinstance(wanted, int) else math.inf
        return tuple(map(str, sorted({min(int(rate), most) for rate in native})))

    @property
    def seconds(self) -> tuple[float, float] | None:
        """The lengths of the shortest and the longest clip; None if they are not known."""
        wanted, native = self.settings.get("seconds"), self.found.get("native_seconds")
        if isinstance(wanted, int | float):
            return wanted, wanted
        return (native[0], native[1]) if isinstance(native, list) else None

    @property
    def is_of_one_size(self) -> bool:
        """Whether all images have the same size."""
        return len(self.sizes) == 1 or isinstance(self.settings.get("size"), int)

    def card(self) -> dict[str, Any]:
        """Return the source's provenance, JSON values only."""
        card: dict[str, Any] = {
            "kind": self.kind,
            "item": self.item,
            "noun": self.noun,
            "count": self.count,
            "digest": None,
        }
        if self.features is not None:
            card["digest"] = f"sha256:{self.features.digest}"
            # The images in any order, so that a folder with other names has the same.
            card["content"] = f"sha256:{self.features.content}"
            card["used"] = self.features.num
            card["duplicates"] = self.num_duplicates
            card["notes"] = {**self.notes, **self.features.notes}
            if self.features.clusters is not None:
                card["clusters"] = {
                    "by": self.cluster_by,
                    "count": int(self.features.clusters.max()) + 1,
                    "digest": f"sha256:{clusters_digest(self.features.clusters)}",
                }
        card["skipped"] = list(self.skipped)
        card["ignored"] = dict(self.ignored)
        frequent = sorted(self.sizes.items(), key=lambda entry: (-entry[1], entry[0]))
        card["sizes"] = {f"{w}x{h}": num for (w, h), num in frequent[:_SIZES_SHOWN]}
        found = {**self.found, **(self.seen.facts() if self.seen else {})}
        card["settings"] = {**self.settings, **found}
        card["found"] = list(found)
        card["chosen"] = self.chosen
        if self.stats is not None:
            card["stats"] = {
                "path": one_line(str(self.stats.path)),
                "digest": f"sha256:{self.stats.digest}",
                "count": self.stats.num,
                "content": self.stats.content,
                "parts": self.stats.quarters is not None,
                "verified": self.stats.card is not None,
                "used_for": list(self.used_for),
                "settings": _settings_of(self.stats),
            }
        return card


def describe(
    side: Side,
    features: Features | None,
    stats: Stats | None,
    used_for: tuple[str, ...] = (),
    *,
    cluster_by: ClusterBy | None = None,
) -> DescribedSource:
    """Return what is known of a side after the run; `used_for` names the scores of statistics."""
    info = side.source.info if side.source is not None else None
    item, noun = "picture", "items"
    if info is not None:
        item, noun = info.content, info.noun
    elif side.stats is not None:
        item, noun = side.stats.item, side.stats.noun
    return DescribedSource(
        location=side.location,
        kind="stats" if info is None else info.kind,
        item=item,
        noun=noun,
        count=stats.num if info is None and stats is not None else len(side.indices),
        features=features,
        skipped=[*side.skipped, *(features.skipped if features else ())],
        ignored={} if info is None else info.ignored,
        sizes={} if info is None else info.sizes or (info.seen.sizes if info.seen else {}),
        settings=_settings_of(stats) if info is None else info.settings,
        found={} if info is None else info.found,
        chosen=_chosen(side),
        notes={} if info is None else info.notes,
        stats=stats,
        seen=None if info is None else info.seen,
        used_for=used_for,
        cluster_by=cluster_by,
    )


def _settings_of(stats: Stats | None) -> Mapping[str, object]:
    """Return the settings of the source that statistics were made from; empty if unknown."""
    settings: Mapping[str, object] = {}
    if stats is not None and stats.card is not None:
        settings = stats.card.get("settings", {})
    return settings


def _chosen(side: Side) -> str | None:
    """Return which of a side's images were used: "all" or a digest of numbers."""
    if side.source is None:
        return None
    if side.indices == tuple(range(len(side.source))):
        return "all"
    return f"sha256:{hashlib.sha256(repr(side.indices).encode('ascii')).hexdigest()}"


def describe_stream(
    name: str, features: Features, step: int | None, seen: Seen | None
) -> DescribedSource:
    """Return what is known of an accumulated stream, at a training step if that is given."""
    return DescribedSource(
        location=name,
        kind="stream",
        item="clip" if features.noun == "clips" else "picture",
        noun=features.noun,
        count=features.num,
        features=features,
        skipped=(),
        ignored={},
        sizes={} if seen is None else seen.sizes,
        settings={} if step is None else {"step": step},
        found={},
        chosen="all",
        notes={},
        stats=None,
        seen=seen,
    )


def source_warnings(
    samples: Sequence[DescribedSource], reference: DescribedSource | None, *, whole_clips: bool
) -> tuple[str, ...]:
    """Return the warnings about sources, a line each.

    Args:
        samples: The samples.
        reference: What they are compared with, if anything.
        whole_clips: Whether a network looks at whole clips, not at windows of them.
    """
    lines = [
        line
        for source in [*samples, *([reference] if reference else [])]
        for line in _own_warnings(source)
    ]
    if reference is not None:
        for sample in samples:
            lines += _pair_warnings(sample, reference, whole_clips=whole_clips)
    return tuple(lines)


def _own_warnings(source: DescribedSource) -> list[str]:
    """Return the warnings about one source."""
    lines: list[str] = []
    total = len(source.digests)
    if source.seen is not None:
        lines += [f"{source.location}: {doubt}" for doubt in source.seen.doubts(total)]
    clipped = source.features.notes.get(FLOATS_CLIPPED, 0) if source.features else 0
    if clipped:
        lines.append(
            f"{source.location}: {clipped:,} of {total:,} images have values beyond the "
            "declared float range, which were clipped; correct the range if that is not meant"
        )
    low = source.features.notes.get(LOW_16_BITS, 0) if source.features else 0
    if low and low == total:
        lines.append(
            f"{source.location}: no value of its pictures of 16-bit grey is above 4,095, so "
            "they are scored almost black; if they have 12 bits, multiply the values by 16 and "
            "write the files again"
        )
    if source.num_duplicates > MANY_COPIES * total:
        lines.append(
            f"{source.location}: {source.num_duplicates:,} of {total:,} {source.noun} are "
            "exact duplicates of others in it"
        )
    maybe = {reason: source.ignored.get(reason, 0) for reason in MAYBE_ITEMS}
    if sum(maybe.values()) > _LEFT_ALONE_WORTH_A_WARNING * (source.count or 0):
        kinds = ", ".join(f"{num:,} {reason}" for reason, num in maybe.items() if num)
        items = plural(source.item)
        lines.append(
            f"{source.location}: {kinds} were left alone beside {source.count or 0:,} {items};"
            f" convert them or put the files there if they are {items} too"
        )
    if len(source.sizes) > 1:
        lines.append(
            f"{source.location}: {source.noun} of {len(source.sizes)} sizes; each is resized "
            "by itself"
        )
    if len(source.rates) > 1:
        lines.append(
            f"{source.location}: {source.noun} of {len(source.rates)} rates "
            f"({', '.join(source.rates)} Hz); each is resampled by itself, and the lower ones "
            "lack high frequencies"
        )
    return lines


def _differ(size: tuple[int, int], other: tuple[int, int], *, exactly: bool) -> bool:
    """Tell whether sizes differ: at all if `exactly`, else by more than sets of pictures may."""
    if exactly:
        return size != other
    ratios = [max(a, b) / min(a, b) for a, b in zip(size, other, strict=True)]
    return max(ratios) > _OTHER_SIZE


def _brought_to_one_size(*sources: DescribedSource) -> str:
    """Return what to do so that all images become squares of the shortest side of these."""
    sides = [side for source in sources for side in source.size or ()]
    size = min(sides)
    larger = [one for one in sources if not (one.is_of_one_size and one.size == (size, size))]
    typed, elsewhere = [], []
    for source in larger:
        written = re.sub(r",size=[0-9]+", "", source.location)
        if exists(written):
            written = f"{source.kind}:{written}"
        if written.startswith(f"{source.kind}:"):
            typed.append(f"`{written},size={size}`")
        else:
            elsewhere.append(source.location)
    advice = [f"write {' and '.join(typed)}"] if typed else []
    if elsewhere:
        advice.append(f"resize the images of {' and '.join(elsewhere)} yourself")
    return f"{' and '.join(advice)} for {size}x{size} pixels on both sides"


def _span(seconds: tuple[float, float]) -> str:
    """Return the lengths of clips as text."""
    shortest, longest = (f"{one:.4g}" for one in seconds)
    return f"{shortest} s" if shortest == longest else f"{shortest} to {longest} s"


def _pair_warnings(
    sample: DescribedSource, reference: DescribedSource, *, whole_clips: bool
) -> list[str]:
    """Return the warnings about a sample compared with its reference."""
    pair = f"{sample.location} and {reference.location}"
    noun = common_noun((sample.noun, reference.noun))
    if sample.digests and sample.digests == reference.digests:
        return [f"{pair} are the same {noun}"]
    lines = []
    real = Counter(reference.digests)
    shared = sum(digest in real for digest in sample.digests)
    if shared:
        lines.append(f"{pair} share {shared:,} {noun}")
    if len(sample.rates) == len(reference.rates) == 1 and sample.rates != reference.rates:
        lines.append(
            f"{pair} differ in their rate ({sample.rates[0]} and {reference.rates[0]} Hz), and so "
            "in their highest frequencies; score both at the lower rate, as in "
            f"folder:PATH,rate={min(sample.rates[0], reference.rates[0], key=int)}"
        )
    if whole_clips and sample.seconds is not None and reference.seconds is not None:
        lengths = sorted((sample.seconds, reference.seconds))
        if lengths[0][1] * _OTHER_LENGTH < lengths[1][0]:
            both = " and ".join(map(_span, (sample.seconds, reference.seconds)))
            lines.append(
                f"{pair} differ in the length of their clips ({both}), which changes the features "
                "of whole clips; cut the longer ones, as in "
                f"folder:PATH,seconds={lengths[0][0]:.4g}"
            )
    alike = sample.is_of_one_size and reference.is_of_one_size
    if sample.size and reference.size and _differ(sample.size, reference.size, exactly=alike):
        (width, height), (other_width, other_height) = sample.size, reference.size
        lines.append(
            f"{pair} differ in size ({'' if alike else 'medians '}{width}x{height} and "
            f"{other_width}x{other_height}), so "
            f"the resize changes them differently; {_brought_to_one_size(sample, reference)}"
        )
    return lines
