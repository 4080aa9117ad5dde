"""What a metric looks at: each item of a side, or pairs, paths or windows made from sides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ganeval.audio.windows import Windows
from ganeval.errors import InputError, UsageError, one_line
from ganeval.extractors.base import extractors_of
from ganeval.features.jobs import Opens
from ganeval.flow.clusters import Clusters, clusters_of_pairs, clusters_of_parts
from ganeval.flow.settings import PairBy, Settings
from ganeval.flow.sides import Side
from ganeval.flow.streams import derive_rng
from ganeval.metrics.base import Each, Pairs, Paths, RandomPairs, Role, View
from ganeval.sources.base import Source, plural
from ganeval.sources.views.pairs import Pairing, pair_up, pairs_of
from ganeval.sources.views.random_pairs import random_pairs
from ganeval.sources.views.windows import windows_of

_NAMES_SHOWN = 3
_FOR_CLIPS = ", for example `-m kad,pr --extractor log-mel`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewed:
    """The items that a view makes from a side.

    Attributes:
        source: Where they are.
        indices: The items to use, in order.
        opens: Opens the source in another process; None for one in memory.
        pairing: Which names belong together, and which have no partner; None for other views.
        clusters: The cluster of each of `indices`, int64; None if items are independent.
    """

    source: Source
    indices: tuple[int, ...]
    opens: Opens | None
    pairing: Pairing | None = None
    clusters: Clusters | None = None

    @property
    def noun(self) -> str:
        """Plural noun of the items in messages."""
        return self.source.info.noun


def view_of(side: Side, view: View, others: Mapping[Role, Side], settings: Settings) -> Viewed:
    """Return the items that a view makes from a side.

    Raises:
        InputError: Nothing pairs, or the view cannot be made from this kind of source.
        UsageError: An option has no meaning for it.
    """
    source = side.source
    if source is None:
        raise _no_items(side)
    opens: Opens | None = None
    match view:
        case Pairs(to=role):
            return _paired(side, source, others[role], settings)
        case RandomPairs(num=num):
            of_random = random_pairs(source, num=num, seed=settings.seed)
            if side.opens is not None:
                opens = _OpensRandom(side.opens, num, settings.seed)
            linked = clusters_of_pairs(of_random.places, side.clusters, side.clusters, same=True)
            return Viewed(source=of_random, indices=tuple(range(num)), opens=opens, clusters=linked)
        case Paths():
            from ganeval.sources.views.paths import paths_of  # with torch

            of_paths = paths_of(
                source,
                num=view.num,
                seed=settings.seed,
                epsilon=view.epsilon,
                places=view.places,
            )
            if side.opens is not None:
                opens = _OpensPaths(side.opens, view, settings.seed)
            return Viewed(source=of_paths, indices=tuple(range(view.num)), opens=opens)
        case Windows():
            of_windows = windows_of(source, view, side.indices)
            if side.opens is not None:
                opens = _OpensWindows(side.opens, view, side.indices)
            return Viewed(
                source=of_windows,
                indices=tuple(range(len(of_windows))),
                opens=opens,
                clusters=clusters_of_parts(of_windows.places[:, 0], side.clusters),
            )
        case Each():
            own = None if side.clusters is None else side.clusters[list(side.indices)]
            return Viewed(source=source, indices=side.indices, opens=side.opens, clusters=own)


def check_content(location: str, content: str, network: str, takes: str) -> None:
    """Refuse a network that takes another kind of content than a source has.

    Args:
        location: Name of the source in messages.
        content: What each of its items is; see `SourceInfo.content`.
        network: The network's name.
        takes: What its input takes; see `Input.takes`.

    Raises:
        UsageError: Names both.
    """
    if content != takes:
        others = ", ".join(extractors_of(content))
        raise UsageError(
            f"{location}: has {plural(content)}, but the network {network} takes {plural(takes)}",
            "a network and sources of one kind",
            "name another network (--extractor, or METRIC@NETWORK"
            f"{f': {others}' if others else ''}) or another source"
            f"{_FOR_CLIPS if content == 'clip' else ''}",
        )


def _no_items(side: Side) -> InputError:
    """Return the error for a side that has only statistics."""
    noun = side.stats.noun if side.stats is not None else "items"
    return InputError(
        f"{side.location}: holds statistics, not {noun}", noun, f"name the {noun[:-1]} source"
    )


def _paired(side: Side, source: Source, other: Side, settings: Settings) -> Viewed:
    """Return the pairs of two sides; with `num_images`, a seeded random subset of them."""
    if other.source is None:
        raise _no_items(other)
    pairing = pair_up(source, other.source, by=settings.pair_by)
    view = pairs_of(source, other.source, pairing)
    bad = view.unusable()
    indices = [index for index in range(len(view)) if index not in bad]
    wanted = settings.num_images
    if wanted is not None and wanted > len(indices):
        raise UsageError(
            f"{side.location} and {other.location}: {len(indices):,} pairs, --num-images asks for "
            f"{wanted:,}",
            "at least as many pairs as are asked for",
            "lower num_images (--num-images) or add partners",
        )
    if wanted is not None:
        rng = derive_rng(settings.seed, "num-images/pairs")
        chosen = rng.choice(len(indices), size=wanted, replace=False)
        indices = [indices[at] for at in sorted(chosen.tolist())]
    opens = None
    if side.opens is not None and other.opens is not None:
        opens = _OpensPairs(side.opens, other.opens, settings.pair_by)
    linked = clusters_of_pairs(view.places[indices], side.clusters, other.clusters, same=False)
    return Viewed(
        source=view, indices=tuple(indices), opens=opens, pairing=pairing, clusters=linked
    )


def lonely_items(viewed: Viewed, side: Side, other: Side) -> list[str]:
    """Return a line for each of two sides that has items without a partner in the other.

    Args:
        viewed: The pairs of both; other views have no partners.
        side: The first side.
        other: The other side.
    """
    pairing = viewed.pairing
    if pairing is None:
        return []
    lines = []
    for one, names in ((side, pairing.only_one), (other, pairing.only_other)):
        if names and one.source is not None:
            count = f"{len(names):,} of {len(names) + pairing.num:,} {one.source.info.noun}"
            lines.append(
                f"{one.location}: {count} have no partner of the same name, so scores of pairs "
                f"leave them out: {_few(names)}"
            )
    return lines


def pairing_card(pairing: Pairing, skipped: Sequence[str]) -> dict[str, object]:
    """Return what a report says about a pairing, JSON values.

    Args:
        pairing: It names every item without a partner.
        skipped: The reasons why pairs were skipped, each beginning with their names.
    """
    return {
        "pairs": pairing.num,
        "only_sample": list(pairing.only_one),
        "only_other": list(pairing.only_other),
        "skipped": list(skipped),
    }


def _few(names: Sequence[str]) -> str:
    """Return the first few names as text, and how many more there are."""
    more = len(names) - _NAMES_SHOWN
    shown = ", ".join(one_line(name) for name in names[:_NAMES_SHOWN])
    return f"{shown}, and {more:,} more" if more > 0 else shown


@dataclass(frozen=True, slots=True)
class _OpensPairs:
    """Opens the pairs of two sources."""

    one: Opens
    other: Opens
    by: PairBy

    def __call__(self) -> Source:
        one, other = self.one(), self.other()
        return pairs_of(one, other, pair_up(one, other, by=self.by))


@dataclass(frozen=True, slots=True)
class _OpensRandom:
    """Opens random pairs of a source."""

    source: Opens
    num: int
    seed: int

    def __call__(self) -> Source:
        return random_pairs(self.source(), num=self.num, seed=self.seed)


@dataclass(frozen=True, slots=True)
class _OpensPaths:
    """Opens a generator's paths."""

    source: Opens
    view: Paths
    seed: int

    def __call__(self) -> Source:
        from ganeval.sources.views.paths import paths_of  # with torch

        view = self.view
        return paths_of(
            self.source(), num=view.num, seed=self.seed, epsilon=view.epsilon, places=view.places
        )


@dataclass(frozen=True, slots=True)
class _OpensWindows:
    """Opens the windows of a source's clips."""

    source: Opens
    view: Windows
    indices: tuple[int, ...]

    def __call__(self) -> Source:
        return windows_of(self.source(), self.view, self.indices)
