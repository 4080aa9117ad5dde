"""Gather what the HTML report shows of each sample: items, neighbours and FID by size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ganeval.audio.windows import Windows
from ganeval.features.collected import Features, LayerFeatures
from ganeval.features.derived import Summary
from ganeval.features.moments import Moments
from ganeval.flow.collect import Collected, gallery_place
from ganeval.flow.plan import Plan
from ganeval.flow.sides import Side
from ganeval.flow.streams import derive_rng
from ganeval.flow.thumbnails import Indices, is_seen, pictures_of, pictures_of_pairs
from ganeval.machine.progress import REPORT_PICTURES
from ganeval.metrics.base import Each, Pairs
from ganeval.metrics.parts.extrapolation import intercept_of_line
from ganeval.metrics.parts.linalg import frechet_distance
from ganeval.report.gallery import Curve, Gallery, Neighbours, Picture
from ganeval.scores.influence import Influence
from ganeval.scores.row import Key, ScoreRow

CURVE_OF = "fid"  # the score whose influences and curve are shown
NUM_PICTURES = 24
NUM_EXTREMES = 8
NUM_NEIGHBOURHOODS = 8
NUM_NEAREST = 3
NUM_USUAL = 256  # pictures of the reference whose nearest neighbours give the usual distance
FEWER_CLIPS = 3  # so many times fewer clips than pictures, since they take more space

_BLOCK = 4096  # rows compared at a time
_PARTS = (8, 4, 2)
_PER_DIMENSION = 2  # images for each dimension; with fewer, FID is not linear in 1/N

Rows = npt.NDArray[np.float32]
Distances = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Real:
    """The reference, if its images were needed.

    Attributes:
        side: Its images.
        items: What was collected of them.
        features: Their features.
        usual_distance: As in `Gallery`.
    """

    side: Side
    items: Features
    features: LayerFeatures
    usual_distance: float | None


def gather_galleries(
    plan: Plan,
    collected: Collected,
    rows: Sequence[ScoreRow],
    influences: Mapping[Key, Influence],
) -> tuple[Gallery, ...]:
    """Return the gallery of each sample.

    Where no metric looks at each item by itself, but at windows or pairs, that is a random choice.

    Args:
        plan: The plan of the run.
        collected: The features.
        rows: The scores.
        influences: Influences of the items, by score.

    Raises:
        UnstableError: A picture has changed since it was scored.
        InputError: A picture cannot be read any more.
    """
    fids = {row.sample: row for row in rows if row.label == CURVE_OF}
    place = gallery_place(plan)
    of_reference = collected.others.get("reference")
    real = None
    if place is not None and of_reference is not None:
        real = _real(plan, of_reference[Each()], of_reference[Each()].of(place))
    reference: Summary | None = None if real is None else real.features
    if place is not None and real is None:
        reference = collected.stats.get(place[0])
    galleries = []
    for done, side in enumerate(plan.samples):
        plan.settings.progress(REPORT_PICTURES, done, len(plan.samples))
        rng = derive_rng(plan.settings.seed, f"gallery/{side.location}")
        items = collected.samples[side.location][Each()]
        features = None if place is None else items.of(place)
        if features is None:
            galleries.append(_of_parts(plan, side, collected, rng))
            continue
        fid = fids.get(side.location)
        influence = None if fid is None else influences.get(fid.key)
        gallery = _gallery(side, items, features, real, influence, rng)
        if fid is not None and reference is not None:
            curve = _curve(features.rows(), reference, fid.value, rng)
            gallery = replace(gallery, score=CURVE_OF, curve=curve)
        galleries.append(gallery)
    plan.settings.progress(REPORT_PICTURES, len(plan.samples), len(plan.samples))
    return tuple(galleries)


def _gallery(
    side: Side,
    items: Features,
    features: LayerFeatures,
    real: _Real | None,
    influence: Influence | None,
    rng: np.random.Generator,
) -> Gallery:
    """Return the gallery of one sample; empty if its items are neither pictures nor clips."""
    if not is_seen(side, items):
        return Gallery(sample=side.location, pictures=())
    assert side.source is not None
    raising, lowering = _extremes(side, items, influence)
    num = NUM_PICTURES // fewer(side)
    return Gallery(
        sample=side.location,
        item=side.source.info.content,
        pictures=pictures_of(side, items, _choose(items.num, num, rng)),
        score=CURVE_OF if raising else None,
        raising=raising,
        lowering=lowering,
        neighbours=() if real is None else _neighbours(side, items, features, real, rng),
        usual_distance=None if real is None else real.usual_distance,
    )


def _of_parts(plan: Plan, side: Side, collected: Collected, rng: np.random.Generator) -> Gallery:
    """Return a random choice of what was scored, where no metric looks at items by themselves.

    That is windows of clips, or items that have partners. Others were perhaps never decoded.
    """
    found = Gallery(sample=side.location, pictures=())
    for (location, role, view), viewed in plan.viewed.items():
        if (location, role) != (side.location, "sample") or not isinstance(view, Pairs | Windows):
            continue
        features = collected.samples[location][view]
        if not is_seen(viewed, features):
            continue
        rows = _choose(features.num, NUM_PICTURES // fewer(side), rng)
        if isinstance(view, Pairs):
            pictures = tuple(one for one, _ in pictures_of_pairs(viewed, features, rows))
        else:
            pictures = pictures_of(viewed, features, rows)
        assert side.source is not None
        return replace(found, item=side.source.info.content, pictures=pictures)
    return found


def _real(plan: Plan, items: Features, features: LayerFeatures) -> _Real:
    """Return the reference with the usual distance between its neighbours."""
    rows = features.rows()
    usual = None
    if len(rows) > 1:
        some = _choose(len(rows), NUM_USUAL, derive_rng(plan.settings.seed, "gallery/usual"))
        usual = float(np.median(_nearest(rows[some], rows, 2)[1][:, 1]))
    return _Real(
        side=plan.others["reference"], items=items, features=features, usual_distance=usual
    )


def _extremes(
    side: Side, items: Features, influence: Influence | None
) -> tuple[tuple[Picture, ...], tuple[Picture, ...]]:
    """Return the pictures that raise a score most and those that lower it most.

    The value of each is what it adds to the score: its influence divided by the number of images.
    """
    if influence is None or influence.sample.shape != (len(items.places()),):
        return (), ()  # an image has no influence by itself
    order = np.argsort(influence.sample, kind="stable")
    num = min(NUM_EXTREMES // fewer(side), len(order) // 2)
    share = influence.sample / len(order)
    lowest, highest = order[:num], order[::-1][:num]
    raising = pictures_of(side, items, highest, share[highest].tolist())
    return raising, pictures_of(side, items, lowest, share[lowest].tolist())


def _choose(num: int, wanted: int, rng: np.random.Generator) -> Indices:
    """Return `wanted` of `num` rows, or all if there are fewer, in random order."""
    return rng.permutation(num)[:wanted]


def fewer(side: Side) -> int:
    """Return how many times fewer items of a side are shown than pictures would be."""
    assert side.source is not None
    return FEWER_CLIPS if side.source.info.content == "clip" else 1


def _neighbours(
    side: Side, items: Features, features: LayerFeatures, real: _Real, rng: np.random.Generator
) -> tuple[Neighbours, ...]:
    """Return a random choice of generated items, each with the nearest items of the reference."""
    chosen = _choose(features.num, NUM_NEIGHBOURHOODS // fewer(side), rng)
    columns, distances = _nearest(features.some(chosen.tolist()), real.features.rows(), NUM_NEAREST)
    return tuple(
        Neighbours(
            picture=picture,
            nearest=pictures_of(real.side, real.items, columns[at], distances[at].tolist()),
        )
        for at, picture in enumerate(pictures_of(side, items, chosen))
    )


def _nearest(queries: Rows, rows: Rows, wanted: int) -> tuple[Indices, Distances]:
    """Return indices and distances of the nearest rows of each query, both [q, wanted], ascending.

    Products in float32 find the candidates; differences in float64 give distances and order.
    """
    wanted = min(wanted, len(rows))
    kept = min(wanted + 8, len(rows))  # more than wanted, since float32 may confuse the order
    squared = np.empty((len(queries), len(rows)), np.float32)
    centre = rows[:_BLOCK].mean(axis=0)
    centred = queries - centre
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK] - centre
        norms = np.einsum("ij,ij->i", block, block)
        squared[:, start : start + _BLOCK] = norms - 2 * (centred @ block.T)
    candidates = np.argpartition(squared, kept - 1, axis=1)[:, :kept]
    difference = rows[candidates].astype(np.float64) - queries[:, None, :]
    distances = np.sqrt(np.einsum("qkd,qkd->qk", difference, difference))
    order = np.lexsort((candidates, distances))[:, :wanted]
    return (
        np.take_along_axis(candidates, order, axis=1),
        np.take_along_axis(distances, order, axis=1),
    )


def _curve(rows: Rows, reference: Summary, whole: float, rng: np.random.Generator) -> Curve:
    """Return FID of an eighth, a quarter, a half and all of the sample.

    The value of a part is the mean over two parts of its size that share no image. The line in 1/N
    is from Chong and Forsyth, "Effectively Unbiased FID and Inception Score and where to find them"
    (CVPR 2020).
    """
    order = rng.permutation(len(rows))
    width = rows.shape[1]
    moments = reference.moments()
    few = reference.rows() if reference.num is not None and reference.num <= width else None
    sizes, values = [], []
    for count in _PARTS:
        size = len(rows) // count
        if size < 2:
            continue
        parts = [rows[np.sort(order[at * size : (at + 1) * size])] for at in range(2)]
        distances = [
            frechet_distance(Moments.of(part), moments, part if size <= width else None, few)
            for part in parts
        ]
        sizes.append(size)
        values.append(float(np.mean(distances)))
    sizes.append(len(rows))
    values.append(whole)
    return Curve(sizes=tuple(sizes), values=tuple(values), limit=_limit(sizes, values, width))


def _limit(sizes: Sequence[int], values: Sequence[float], width: int) -> float | None:
    """Return the intercept of the least-squares line in 1/N; None if too few parts are large."""
    enough = [at for at, size in enumerate(sizes) if size >= _PER_DIMENSION * width]
    if len(enough) < 3:
        return None
    inverse = 1 / np.array([sizes[at] for at in enough])
    return intercept_of_line(inverse, np.array([values[at] for at in enough]))[0]
