"""Every cell of the calibration with laws."""

from collections.abc import Iterator

from calibrations.baselines import BaselineCell
from calibrations.coverage import (
    EQUAL,
    FAR,
    MEDIUM,
    TINY,
    FeatureCell,
    PredictionCell,
    population_at,
)
from calibrations.gates import (
    NO_FALSE_ALARM,
    NO_WRONG_PASS,
    PASSES,
    AdviceCell,
    GateCell,
    Gated,
    PowerCell,
    Question,
)
from calibrations.laws import LAWS, Population, law_of
from calibrations.pairs import PairCell
from calibrations.tool import DEFAULT_LIMITS, METRICS
from calibrations.trials import Cell

NOTHING = "1e-9"  # tolerated: so little that chance alone decides
WIDE = 1280
RECOMMENDED = 50  # images per dimension from which an unchanged generator passes under the default
UNCHANGED = "unchanged, next to nothing tolerated"


def all_cells() -> tuple[Cell, ...]:
    """Return every cell, in the order of the tables."""
    return (
        *_intervals(),
        *_predictions(),
        *_unchanged(),
        *_guarded(),
        *_shrunk(),
        *_boundary(),
        *_power(),
        *_advice(),
        *_repeated(),
        *_baselines(),
        *_pairs(),
    )


def num_trials(cell: Cell, trials: int) -> int:
    """Return how many trials of a cell there are where others have `trials`.

    A trial of FID in 1,280 dimensions takes 7 seconds, of the gate 20, one of KID up to 5, and a
    baseline has many checks.
    """
    metric, width = getattr(cell, "metric", None), getattr(cell, "width", 0)
    if metric == "fid" and width >= WIDE:
        return max(trials // 10 if isinstance(cell, Gated) else trials * 3 // 20, 2)
    few = isinstance(cell, BaselineCell) or (metric in ("kid", "pr", "dc") and width >= WIDE)
    return max(trials // 4, 2) if few else trials


def _intervals() -> Iterator[Cell]:
    """Yield the intervals of every score, at numbers from which there are any."""
    everywhere = (EQUAL, TINY, MEDIUM, FAR)
    few = [(width, *per) for width in (16, 64) for per in ((5, 5), (10, 10), (10, 5))]
    for law in LAWS:
        for width, sample, reference in few:
            yield _cover("fid", law, width, sample * width, reference * width, everywhere)
        yield _cover("fid", law, 256, 5 * 256, 5 * 256, (TINY, MEDIUM))
        for width, num in ((16, 200), (64, 200), (64, 1000)):
            yield _cover("kid", law, width, num, num, (EQUAL, MEDIUM, FAR))
    for law in ("gauss", "relu90", "mixture"):
        for metric in ("pr", "dc"):
            for width, num in ((16, 500), (64, 1000)):
                yield _cover(metric, law, width, num, num, (EQUAL, MEDIUM))
    for law in ("gauss", "relu"):
        yield _cover("fid", law, WIDE, 5 * WIDE, 5 * WIDE, (MEDIUM,))


def _predictions() -> Iterator[Cell]:
    """Yield the intervals of the Inception Score."""
    for name in ("confident", "diffuse", "wavering", "collapsed"):
        for classes, nums in ((10, (50, 200, 1000)), (100, (200, 1000)), (1000, (360, 2000))):
            for num in nums:
                yield PredictionCell(law=f"{name}{classes}", num_sample=num)
    yield PredictionCell(law="confident1000", num_sample=5000)


def _cover(
    metric: str, law: str, width: int, num: int, num_reference: int, places: tuple[str, ...]
) -> FeatureCell:
    return FeatureCell(
        metric=metric,
        law=law,
        width=width,
        num_sample=num,
        num_reference=num_reference,
        places=places,
    )


def _unchanged() -> Iterator[Cell]:
    """Yield unchanged generators, at equal and unequal numbers."""
    pairs = (one.split("=", 1) for one in DEFAULT_LIMITS.split(","))
    default = tuple((name, amount) for name, amount in pairs)
    metrics = tuple(name for name, _ in default)
    for law in LAWS:
        for width in (16, 64):
            for reference, baseline, run in ((5, 5, 5), (10, 10, 10), (10, 10, 5), (50, 50, 50)):
                if run * width > 1000 and law not in ("gauss", "relu90"):
                    continue  # to save time
                passes = PASSES if run >= RECOMMENDED and width >= 64 else None
                yield GateCell(
                    subject="unchanged",
                    baseline=population_at(law, width, MEDIUM),
                    num_reference=reference * width,
                    num_baseline=baseline * width,
                    num_run=run * width,
                    metrics=metrics,
                    questions=(
                        Question(
                            what=UNCHANGED, limits=((metrics[0], NOTHING),), claim=NO_FALSE_ALARM
                        ),
                        Question(
                            what="unchanged, the default tolerated", limits=default, claim=passes
                        ),
                    ),
                )
        for num, run in ((200, 200), (1000, 200)):
            yield _alarms("unchanged", law, ("kid",), num, run)


def _alarms(
    subject: str, law: str, metrics: tuple[str, ...], num: int, num_run: int, repeats: int = 1
) -> GateCell:
    """Return a cell of unchanged generators in 16 dimensions with next to nothing tolerated."""
    return GateCell(
        subject=subject,
        baseline=population_at(law, 16, MEDIUM),
        num_reference=num,
        num_baseline=num,
        num_run=num_run,
        metrics=metrics,
        questions=(
            Question(
                what=UNCHANGED if repeats == 1 else f"{UNCHANGED}, each image {repeats} times",
                limits=tuple(
                    (kind.name, NOTHING) for one in metrics for kind in METRICS[one].kinds
                ),
                claim=NO_FALSE_ALARM if repeats == 1 else None,
            ),
        ),
        repeats=repeats,
    )


def _guarded() -> Iterator[Cell]:
    """Yield unchanged generators with guards beside the primary score; features serve as logits."""
    for law in ("gauss", "relu90", "mixture"):
        for metrics in (("fid", "is"), ("kid", "is"), ("fid", "kid", "is", "pr")):
            yield _alarms("guards", law, metrics, 320, 320)


def _repeated() -> Iterator[Cell]:
    """Yield unchanged generators whose images are no independent draws."""
    for law in ("gauss", "relu90"):
        for metric in ("fid", "kid"):
            for repeats in (2, 5):
                yield _alarms("repeats", law, (metric,), 320, 320, repeats)


def _shrunk() -> Iterator[Cell]:
    """Yield generators that collapse, so that the bias of their distance becomes less."""
    for law, width in (("gauss", 64), ("relu", 16), ("relu90", 16)):
        shift = (0.03 * law_of(law, width).trace) ** 0.5
        baseline = Population(law=law, width=width, shift=shift)
        for per in (2, 5, 10):
            for metrics in (("fid",), ("kid",), ("fid", "kid")):
                yield GateCell(
                    subject="shrunk",
                    baseline=baseline,
                    num_reference=per * width,
                    num_baseline=per * width,
                    num_run=per * width,
                    metrics=metrics,
                    questions=tuple(
                        Question(
                            what=f"spread x {spread:g}, {tolerated} tolerated",
                            run=Population(law=law, width=width, shift=shift, spread=spread),
                            limits=tuple((metric, amount) for metric in metrics),
                            claim=NO_WRONG_PASS,
                        )
                        for spread, tolerated, amount in (
                            (0.85, "2 %", "2%"),
                            (0.85, "half of the change", 0.5),
                            (0.9, "2 %", "2%"),
                            (0.9, "half of the change", 0.5),
                            (0.9, "the change", 1.0),
                        )
                    ),
                )


def _boundary() -> Iterator[Cell]:
    """Yield runs that are worse by just what is tolerated, which should seldom pass."""
    for law in LAWS:
        for per in (5, 10):
            yield _at_boundary("fid", law, per * 16, per * 16)
    for law in ("skewed", "mixture", "relu90"):
        for run in (50, 200, 500, 1000):
            yield _at_boundary("kid", law, 1000, run)


def _at_boundary(metric: str, law: str, num: int, num_run: int) -> GateCell:
    """Return a cell of runs in 16 dimensions that are shifted twice as far as the baseline."""
    baseline = population_at(law, 16, MEDIUM)
    worse = Population(law=law, width=16, spread=baseline.spread, shift=2 * baseline.shift)
    return GateCell(
        subject="boundary",
        baseline=baseline,
        num_reference=num,
        num_baseline=num,
        num_run=num_run,
        metrics=(metric,),
        questions=(
            Question(
                what="worse by the tolerated",
                run=worse,
                limits=((metric, 1.0),),
                claim=NO_WRONG_PASS,
            ),
        ),
    )


def _power() -> Iterator[Cell]:
    """Yield runs that are worse by what the gate calls detectable."""
    for metric, law, width, num in (
        *(("fid", "gauss", 64, 320), ("fid", "gauss", 64, 640), ("fid", "mixture", 16, 160)),
        *(("fid", "relu90", 16, 160), ("fid", "relu90", 64, 640)),
        *(("kid", "gauss", 16, 400), ("kid", "mixture", 16, 400), ("kid", "relu90", 64, 400)),
    ):
        yield PowerCell(metric=metric, baseline=population_at(law, width, MEDIUM), num=num)


def _advice() -> Iterator[Cell]:
    """Yield unchanged generators that are checked again with the advised number of images."""
    for law in ("gauss", "mixture", "relu90"):
        for metric, num, share in (("fid", 160, "30%"), ("kid", 300, "50%")):
            yield AdviceCell(
                metric=metric,
                baseline=population_at(law, 16, MEDIUM),
                num=num,
                limit=f"{metric}={share}",
            )


def _baselines() -> Iterator[Cell]:
    """Yield baselines that many runs are checked against."""
    for law in ("gauss", "relu90"):
        for metric in ("fid", "kid"):
            yield BaselineCell(
                metric=metric, population=population_at(law, 16, MEDIUM), num=320, num_run=320
            )


def _pairs() -> Iterator[Cell]:
    """Yield comparisons of several samples; one is worse by what is called detectable."""
    # 16 sparse features give KID no error, 64 of 400 images do not always.
    for law, width, enough in (("gauss", 16, 400), ("relu90", 64, 1000)):
        for metric, num in (("fid", 10 * width), ("kid", enough)):
            for samples in (2, 3, 5):
                population = population_at(law, width, MEDIUM)
                yield PairCell(metric=metric, population=population, num=num, samples=samples)
