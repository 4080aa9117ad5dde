"""Single cases in which an interval, an error or an answer was wrong: then, and now.

Each function simulates one case and yields lines: what is simulated and what it shows now. `THEN`
has what it showed before the case was mended.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from calibrations.coverage import MEDIUM, TINY, population_at
from calibrations.gates import AdviceCell, GateCell, PowerCell, Question
from calibrations.laws import Population, fid_between, law_of
from calibrations.pairs import PairCell
from calibrations.predictions import PREDICTIONS
from calibrations.tool import differences_of, scored
from calibrations.trials import Cell
from ganeval.errors import GanevalError
from ganeval.metrics.base import Metric
from ganeval.metrics.frechet_limit import FidDebiased, FidInfinity
from ganeval.metrics.kernel import Kid
from ganeval.metrics.neighbours import DensityCoverage, PrecisionRecall
from ganeval.report.notes import notes
from ganeval.report.table import score_grid
from ganeval.scores.difference import Difference
from tests.results.gate_runs import report
from tests.summaries import InMemory

Line = tuple[str, str]
Rngs = Iterator[np.random.Generator]


def rngs_of(case: int, num: int) -> Rngs:
    """Yield independent streams, always the same ones for one case."""
    return map(np.random.default_rng, np.random.SeedSequence(case).spawn(num))


def answers(cell: Cell, trials: int) -> dict[str, Counter[str]]:
    """Return how often each answer was given to each question of a cell."""
    prepared = cell.prepare()
    found: dict[str, Counter[str]] = {}
    for number in range(trials):
        for what, answer in cell.trial(number, prepared).items():
            found.setdefault(what, Counter())[answer["outcome"]] += 1
    return found


def shares(counted: Counter[str], *outcomes: str) -> str:
    """Return the shares of some answers as words."""
    total = counted.total()
    return ", ".join(f"{outcome} {counted[outcome] / total:.0%}" for outcome in outcomes)


def d1(trials: int) -> Iterator[Line]:
    """A generator that collapses has less bias, which hides that it is worse."""
    for law, per, spread in (("gauss", 2, 0.85), ("gauss", 5, 0.85), ("relu", 5, 0.9)):
        shift = (2.0 * law_of(law, 64).trace / 64) ** 0.5
        baseline = Population(law=law, width=64, shift=shift)
        shrunk = replace(baseline, spread=spread)
        before, after = (
            fid_between(one, Population(law=law, width=64)) for one in (baseline, shrunk)
        )
        what = f"{law}, d 64, N {per}d, spread x {spread} (FID {before:.3g} to {after:.3g}), fid=2%"
        num = per * 64
        cell = GateCell(
            subject="d1",
            baseline=baseline,
            num_reference=num,
            num_baseline=num,
            num_run=num,
            metrics=("fid",),
            questions=(Question(what=what, run=shrunk, limits=(("fid", "2%"),)),),
        )
        for counted in answers(cell, trials).values():
            yield what, shares(counted, "pass", "fail")


def d2(trials: int) -> Iterator[Line]:
    """The Inception Score has intervals from too few images."""
    law = PREDICTIONS["wavering1000"]
    for num in (10, 50, 100, 360, 1000, 2000):
        given = covered = 0
        for rng in rngs_of(2, trials):
            logits = law.draw(num, rng)
            row = scored(logits, InMemory(logits[:2]), ["is"])["is"]
            if row.interval is not None:
                given += 1
                covered += row.interval[0] <= law.score <= row.interval[1]
        covers = f"{covered / given:.0%}" if given else "none"
        yield f"is of {num:,} images, 1,000 classes", f"given {given / trials:.0%}, cover {covers}"


def d3(trials: int) -> Iterator[Line]:
    """A reference that is given as statistics counts as exact."""
    sample, plain = population_at("gauss", 64, MEDIUM), Population(law="gauss", width=64)
    truth = fid_between(sample, plain)
    for num in (100, 320, 1280):
        given = covered = 0
        for rng in rngs_of(3, trials):
            real = InMemory(plain.draw(num, rng), keeps_rows=False)
            row = scored(sample.draw(320, rng), real, ["fid"])["fid"]
            if row.interval is not None:
                given += 1
                covered += row.interval[0] <= truth <= row.interval[1]
        covers = f"{covered / given:.0%}" if given else "none"
        what = f"fid of 320 images and statistics of {num:,}, d 64"
        yield what, f"given {given / trials:.0%}, cover {covers}"


def d4(trials: int) -> Iterator[Line]:
    """The number of images that is advised does not decide."""
    baseline = population_at("relu", 16, MEDIUM)
    cell = AdviceCell(metric="kid", baseline=baseline, num=300, limit="kid=15%")
    for what, counted in answers(cell, trials).items():
        yield f"kid=15%, relu, d 16, N 300: {what}", shares(counted, "pass", "inconclusive")


def d5(trials: int) -> Iterator[Line]:
    """What is called detectable is found less often than in 80 % of runs."""
    population = population_at("gauss", 16, MEDIUM)
    for samples in (2, 3, 5):
        cell = PairCell(metric="fid", population=population, num=160, samples=samples)
        prepared = cell.prepare()
        found = np.mean([cell.trial(number, prepared)["found"] for number in range(trials)])
        pairs = samples * (samples - 1) // 2
        yield f"compare, fid, gauss, d 16, N 160, {pairs} pairs", f"found {found:.0%}"
    gate = PowerCell(metric="fid", baseline=population, num=160)
    for what, counted in answers(gate, trials).items():
        yield f"gate, fid, gauss, d 16, N 160: {what}", shares(counted, "fail")


def d6(trials: int) -> Iterator[Line]:
    """The errors of neighbour scores are too large, those of differences more so."""
    sample, plain = population_at("relu", 16, MEDIUM), Population(law="relu", width=16)
    names = {"precision": "pr", "recall": "pr", "density": "dc", "coverage": "dc"}
    single: dict[str, list[tuple[float, float | None]]] = {name: [] for name in names}
    apart: dict[str, list[tuple[float, float | None]]] = {name: [] for name in names}
    for rng in rngs_of(6, trials):
        real = InMemory(plain.draw(500, rng))
        runs = [scored(sample.draw(500, rng), real, ["pr", "dc"]) for _ in range(2)]
        for name in names:
            row, (found,) = runs[0][name], differences_of(runs, name)
            single[name].append((row.value, row.se))
            apart[name].append((found.difference, found.se))
    for title, values in (("", single), ("difference of ", apart)):
        for name, found_values in values.items():
            what = f"{title}{name}, relu, d 16, N 500 (then 400): mean error over spread"
            yield what, ratio_of(found_values)


def ratio_of(found: Sequence[tuple[float, float | None]]) -> str:
    """Return the mean error of values over their standard deviation."""
    errors = [error for _, error in found if error is not None]
    if not errors:
        return "no error"
    return f"{np.mean(errors) / np.std([value for value, _ in found], ddof=1):.2f}"


def d7(trials: int) -> Iterator[Line]:
    """The bound that lets a generator pass by KID is not one where images are few."""
    baseline = population_at("relu90", 64, TINY)
    worse = replace(baseline, share=0.1)
    for num in (5, 10, 20, 60, 200):
        what = f"kid, relu90, d 64, worse by the tolerated, {num} against 1,000"
        cell = GateCell(
            subject="d7",
            baseline=baseline,
            num_reference=1000,
            num_baseline=1000,
            num_run=num,
            metrics=("kid",),
            questions=(Question(what=what, run=worse, limits=(("kid", 1.0),)),),
        )
        for counted in answers(cell, trials).values():
            yield what, shares(counted, "pass")


def d8(trials: int) -> Iterator[Line]:
    """With guards there are more false alarms than alpha."""
    for metrics in (("fid", "is"), ("kid", "is")):
        what = f"{'+'.join(metrics)}, gauss, d 16, N 320, unchanged, alpha 5 %"
        cell = GateCell(
            subject="d8",
            baseline=population_at("gauss", 16, MEDIUM),
            num_reference=320,
            num_baseline=320,
            num_run=320,
            metrics=metrics,
            questions=(Question(what=what, limits=tuple((name, "1e-9") for name in metrics)),),
        )
        for counted in answers(cell, trials).values():
            yield what, shares(counted, "fail")


def d9(trials: int) -> Iterator[Line]:
    """Errors of neighbour scores count closed balls where the scores count open ones."""
    strict: list[Metric] = [
        PrecisionRecall(inclusion="strict"),
        DensityCoverage(inclusion="strict"),
    ]
    values: dict[str, list[tuple[float, float | None]]] = {"recall": [], "coverage": []}
    for rng in rngs_of(9, trials):
        real, sample = (np.round(rng.standard_normal((200, 2)) * 1.5) for _ in range(2))
        found = report(sample.astype(np.float32), real.astype(np.float32), strict)
        for name, kept in values.items():
            kept.append((found[name].value, found[name].se))
    for name, kept in values.items():
        yield f"{name}, strict, many ties, N 200: mean error over spread", ratio_of(kept)
    equal = np.ones((90, 2), dtype=np.float32)
    row = report(equal, equal, strict)["density"]
    error = "no error" if row.se is None else f"\u00b1 {row.se:.2g}"
    yield "density, strict, all images equal", f"{row.value:g} {error}"


def d10(trials: int) -> Iterator[Line]:
    """A score at its boundary is printed without any doubt."""
    (rng,) = rngs_of(10, 1)
    real, sample = rng.standard_normal((2, 360, 16)).astype(np.float32)
    found = report(sample + 100, real, [PrecisionRecall(), DensityCoverage()])
    grid = score_grid(found.scores, found.provenance)
    printed = dict(zip(grid.titles, grid.cells[0], strict=True))
    for row in found.scores:
        (text,) = [cell for title, cell in printed.items() if title.startswith(row.name)]
        yield f"{row.name} of 360 images, none of them near, as printed", text


def d11(trials: int) -> Iterator[Line]:
    """One paired difference lets a table say that all are."""
    (rng,) = rngs_of(11, 1)
    real, sample = rng.standard_normal((2, 100, 4)).astype(np.float32)
    rows = scored(sample, InMemory(real), ["kid"]).scores
    pairs = [
        Difference(
            label="kid",
            sample=one,
            other=other,
            difference=0.1,
            se=0.1,
            p_value=0.3,
            paired=one == "a",
            method="influence",
        )
        for one, other in (("a", "b"), ("b", "c"))
    ]
    said = notes(rows, pairs, {name: name for name in "abc"})
    what = "note where one pair of two is paired"
    yield what, "; ".join(one for one in said if "paired" in one) or "none"


def d12(trials: int) -> Iterator[Line]:
    """FID infinity of few images is not cautioned about."""
    sample, plain = (
        Population(law="gauss", width=64, shift=0.9**0.5),
        Population(law="gauss", width=64),
    )
    values, warned = [], 0
    for rng in rngs_of(12, trials):
        real = plain.draw(640, rng)
        row = report(sample.draw(80, rng), real, [FidInfinity()])["fid-infinity"]
        values.append(row.value)
        warned += bool(row.cautions)
    truth = fid_between(sample, plain)
    what = f"fid-infinity of 80 images, gauss, d 64 (truth {truth:.3g})"
    yield what, f"mean {np.mean(values):.3g}, cautioned {warned / trials:.0%}"


def d13(trials: int) -> Iterator[Line]:
    """The error of a distance without its bias: half of the derivation was wrong, not its value."""
    for law in ("gauss", "relu90"):
        sample, plain = population_at(law, 16, MEDIUM), Population(law=law, width=16)
        values = []
        for rng in rngs_of(13, trials):
            found = report(sample.draw(160, rng), plain.draw(160, rng), [FidDebiased()])
            row = found["fid-debiased"]
            values.append((row.value, row.se))
        yield f"fid-debiased, {law}, d 16, N 10d: mean error over spread", ratio_of(values)


def d14(trials: int) -> Iterator[Line]:
    """KID over subsets overflows where features are large."""
    (rng,) = rngs_of(14, 1)
    real, sample = (1e10 * rng.standard_normal((2, 100, 16))).astype(np.float32)
    try:
        with np.errstate(all="ignore"):
            value = str(report(sample, real, [Kid(subset_size=50)])["kid"].value)
    except GanevalError as error:
        value = f"refused: {error}"
    yield "kid:subset_size=50 of features of 1e10", value


CASES: Mapping[str, Callable[[int], Iterator[Line]]] = {
    one.__name__: one for one in (d1, d2, d3, d4, d5, d6, d7, d8, d9, d10, d11, d12, d13, d14)
}

THEN: Mapping[str, str] = {
    "gauss, d 64, N 2d, spread x 0.85 (FID 2 to 3.44), fid=2%": "pass 55%, fail 0%",
    "gauss, d 64, N 5d, spread x 0.85 (FID 2 to 3.44), fid=2%": "pass 0%, fail 20%",
    "relu, d 64, N 5d, spread x 0.9 (FID 2 to 2.64), fid=2%": "pass 3%, fail 3%",
    "is of 10 images, 1,000 classes": "given 100%, cover 17%",
    "is of 50 images, 1,000 classes": "given 2%, cover 0%",
    "is of 100 images, 1,000 classes": "given 12%, cover 31%",
    "is of 360 images, 1,000 classes": "given 100%, cover 92%",
    "is of 1,000 images, 1,000 classes": "given 100%, cover 93%",
    "is of 2,000 images, 1,000 classes": "given 100%, cover 97%",
    "fid of 320 images and statistics of 100, d 64": "given 100%, cover 0%",
    "fid of 320 images and statistics of 320, d 64": "given 100%, cover 0%",
    "fid of 320 images and statistics of 1,280, d 64": "given 100%, cover 22%",
    "kid=15%, relu, d 16, N 300: as many": "pass 27%, inconclusive 70%",
    "kid=15%, relu, d 16, N 300: advised for the run": "pass 24%, inconclusive 72%",
    "kid=15%, relu, d 16, N 300: advised for both": "pass 86%, inconclusive 14%",
    "compare, fid, gauss, d 16, N 160, 1 pairs": "found 61%",
    "compare, fid, gauss, d 16, N 160, 3 pairs": "found 49%",
    "compare, fid, gauss, d 16, N 160, 10 pairs": "found 38%",
    "gate, fid, gauss, d 16, N 160: worse by the detectable, 0 SE tolerated": "fail 88%",
    "gate, fid, gauss, d 16, N 160: worse by the detectable, 1 SE tolerated": "fail 87%",
    "gate, fid, gauss, d 16, N 160: worse by the detectable, 2 SE tolerated": "fail 83%",
    "gate, fid, gauss, d 16, N 160: worse by the detectable, 3 SE tolerated": "fail 41%",
    "gate, fid, gauss, d 16, N 160: worse by the detectable, 4 SE tolerated": "fail 12%",
    "precision, relu, d 16, N 500 (then 400): mean error over spread": "1.52",
    "recall, relu, d 16, N 500 (then 400): mean error over spread": "1.60",
    "density, relu, d 16, N 500 (then 400): mean error over spread": "1.22",
    "coverage, relu, d 16, N 500 (then 400): mean error over spread": "1.59",
    "difference of precision, relu, d 16, N 500 (then 400): mean error over spread": "2.20",
    "difference of recall, relu, d 16, N 500 (then 400): mean error over spread": "1.77",
    "difference of density, relu, d 16, N 500 (then 400): mean error over spread": "2.05",
    "difference of coverage, relu, d 16, N 500 (then 400): mean error over spread": "2.12",
    "kid, relu90, d 64, worse by the tolerated, 5 against 1,000": "pass 17%",
    "kid, relu90, d 64, worse by the tolerated, 10 against 1,000": "pass 11%",
    "kid, relu90, d 64, worse by the tolerated, 20 against 1,000": "pass 12%",
    "kid, relu90, d 64, worse by the tolerated, 60 against 1,000": "pass 17%",
    "kid, relu90, d 64, worse by the tolerated, 200 against 1,000": "pass 14%",
    "fid+is, gauss, d 16, N 320, unchanged, alpha 5 %": "fail 6%",
    "kid+is, gauss, d 16, N 320, unchanged, alpha 5 %": "fail 12%",
    "recall, strict, many ties, N 200: mean error over spread": "0.28",
    "coverage, strict, many ties, N 200: mean error over spread": "0.23",
    "density, strict, all images equal": "0 \u00b1 0.44",
    "precision of 360 images, none of them near, as printed": "0.0000 [0.0000, 0.0106]",
    "recall of 360 images, none of them near, as printed": "0.0000 [0.0000, 0.0106]",
    "density of 360 images, none of them near, as printed": "0",
    "coverage of 360 images, none of them near, as printed": "0",
    "note where one pair of two is paired": "paired: image i of both comes from the same latents",
    "fid-infinity of 80 images, gauss, d 64 (truth 0.9)": "mean -4.66, cautioned 0%",
    "fid-debiased, gauss, d 16, N 10d: mean error over spread": "1.00",
    "fid-debiased, relu90, d 16, N 10d: mean error over spread": "0.95",
    "kid:subset_size=50 of features of 1e10": "nan",
}
"""What each line showed in 300 trials when its case was found."""
