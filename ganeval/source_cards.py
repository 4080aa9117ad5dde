"""What a report says of its sources, and what a reader should be warned of."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganeval.features.collect import Features
from ganeval.features.stats import Stats
from ganeval.plan import Side

_DUPLICATES_WORTH_A_WARNING = 0.01  # of the images
_SIZES_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedSource:
    """A source after the run.

    Attributes:
        location: How the report calls it.
        kind: Of source; "stats" for statistics alone, "stream" for an accumulator.
        count: Number of images it has; None if a statistics file does not say.
        features: What was computed of it; None if only its statistics were used.
        skipped: Reasons for pictures that were left out.
        ignored: What was counted and left alone.
        sizes: Number of images by (width, height).
        settings: Options that change pixels.
        found: What trying the source out has shown.
        chosen: "all", or the digest of the numbers of the images that were used; None for
            statistics.
        notes: Number of images by what there is to say of their names.
        stats: The stored statistics that were used.
    """

    location: str
    kind: str
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

    @property
    def digests(self) -> Sequence[bytes]:
        """Content digests of the images that were used."""
        return self.features.digests if self.features else ()

    @property
    def num_duplicates(self) -> int:
        """Number of images whose content an earlier one has too."""
        return len(self.digests) - len(set(self.digests))

    @property
    def size(self) -> tuple[int, int] | None:
        """The one (width, height) that all images have when the extractor's resize gets them."""
        wanted = self.settings.get("size")
        if isinstance(wanted, int):
            return wanted, wanted
        return next(iter(self.sizes)) if len(self.sizes) == 1 else None

    def card(self) -> dict[str, Any]:
        """Return the source's provenance, JSON values only."""
        card: dict[str, Any] = {"kind": self.kind, "count": self.count, "digest": None}
        if self.features is not None:
            card["digest"] = f"sha256:{self.features.digest}"
            # The images whatever their order, as a folder with other names has them.
            content = hashlib.sha256(b"".join(sorted(self.digests))).hexdigest()
            card["content"] = f"sha256:{content}"
            card["used"] = self.features.num
            card["duplicates"] = self.num_duplicates
            card["notes"] = {**self.notes, **self.features.notes}
        card["skipped"] = list(self.skipped)
        card["ignored"] = dict(self.ignored)
        frequent = sorted(self.sizes.items(), key=lambda entry: (-entry[1], entry[0]))
        card["sizes"] = {f"{w}x{h}": num for (w, h), num in frequent[:_SIZES_SHOWN]}
        card["settings"] = {**self.settings, **self.found}
        card["found"] = list(self.found)
        card["chosen"] = self.chosen
        if self.stats is not None:
            card["stats"] = {
                "path": str(self.stats.path),
                "digest": f"sha256:{self.stats.digest}",
                "count": self.stats.num,
                "verified": self.stats.card is not None,
                "used_for": ["fid"],
                "settings": _settings_of(self.stats),
            }
        return card


def describe(side: Side, features: Features | None, stats: Stats | None) -> DescribedSource:
    """Return what is known of a side after the run."""
    info = side.source.info if side.source is not None else None
    return DescribedSource(
        location=side.location,
        kind="stats" if info is None else info.kind,
        count=stats.num if info is None and stats is not None else len(side.indices),
        features=features,
        skipped=[*side.skipped, *(features.skipped if features else ())],
        ignored={} if info is None else info.ignored,
        sizes={} if info is None else info.sizes,
        settings=_settings_of(stats) if info is None else info.settings,
        found={} if info is None else info.found,
        chosen=_chosen(side),
        notes={} if info is None else info.notes,
        stats=stats,
    )


def _settings_of(stats: Stats | None) -> Mapping[str, object]:
    """Return the settings of the source that statistics were made of, as far as they are told."""
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


def describe_stream(name: str, features: Features, step: int | None) -> DescribedSource:
    """Return what is known of an accumulated stream, at a step of a training if that is told."""
    return DescribedSource(
        location=name,
        kind="stream",
        count=features.num,
        features=features,
        skipped=(),
        ignored={},
        sizes={},
        settings={} if step is None else {"step": step},
        found={},
        chosen="all",
        notes={},
        stats=None,
    )


def source_warnings(
    samples: Sequence[DescribedSource], reference: DescribedSource | None
) -> tuple[str, ...]:
    """Return what a reader should know about the sources themselves, a line each."""
    lines: list[str] = []
    for source in [*samples, *([reference] if reference else [])]:
        total = len(source.digests)
        if source.num_duplicates > _DUPLICATES_WORTH_A_WARNING * total:
            lines.append(
                f"{source.location}: {source.num_duplicates:,} of {total:,} images are exact "
                "duplicates of others in it"
            )
        if len(source.sizes) > 1:
            lines.append(
                f"{source.location}: images of {len(source.sizes)} sizes; each is resized by itself"
            )
    if reference is not None:
        for sample in samples:
            lines += _pair_warnings(sample, reference)
    return tuple(lines)


def _pair_warnings(sample: DescribedSource, reference: DescribedSource) -> list[str]:
    """Return what a reader should know about a sample beside its reference."""
    pair = f"{sample.location} and {reference.location}"
    if sample.digests and sample.digests == reference.digests:
        return [f"{pair} are the same images"]
    lines = []
    real = Counter(reference.digests)
    shared = sum(digest in real for digest in sample.digests)
    if shared:
        lines.append(f"{pair} share {shared:,} images")
    if sample.size and reference.size and sample.size != reference.size:
        (width, height), (other_width, other_height) = sample.size, reference.size
        lines.append(
            f"{pair} differ in size ({width}x{height} and {other_width}x{other_height}), and so "
            "does what the resize does to them; `folder:PATH,size=N` brings both to one size"
        )
    return lines
