"""How honest intervals and gate are on features of real pictures.

    .venv/bin/python scripts/calibration.py pictures --folder DIR --trials 100

Populations are finite (`picture_pool.py`) and draws from them independent, with
replacement, so the truth of every trial is known: the score of the populations. A regression is
planted by blurring a share of the crops, so large that the score of the populations grows by what
the gate calls detectable. DIR keeps the features and every trial, so that a second call goes on.
"""

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import scipy.optimize

from calibrations.picture_pool import POPULATIONS, compute_part, download, layers_of
from ganeval.features.moments import Moments
from ganeval.gate.gate import check
from ganeval.gate.limits import Limit
from ganeval.metrics.base import Metric
from ganeval.metrics.frechet import Fid
from ganeval.metrics.inception_score import InceptionScore, score_of_split
from ganeval.metrics.kernel import Kid
from ganeval.metrics.neighbours import PrecisionRecall
from ganeval.metrics.parts.distances import on_common_centre
from ganeval.metrics.parts.linalg import frechet_distance
from ganeval.metrics.parts.nearest import nearest
from ganeval.metrics.parts.pairs import memberships, pairs_within
from tests.results.gate_runs import report
from tests.summaries import InMemory

ALPHA = 0.05
NO_MARGIN = 1e-9  # tolerated, so little that chance alone decides
LAYERS = ("pool", "logits")
PILOTS = 8  # trials that say what is detectable
Rows = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Case:
    """One line of the tables.

    Attributes:
        metric: What is computed.
        num_reference: Images drawn of the reference.
        num_baseline: Images of the baseline, whose interval is looked at.
        num_run: Images of the run; None where the gate is not asked.
    """

    metric: Metric
    num_reference: int
    num_baseline: int
    num_run: int | None = None

    @property
    def name(self) -> str:
        """How the file of trials calls it."""
        numbers = (self.num_reference, self.num_baseline, self.num_run or 0)
        return "-".join([self.metric.kinds[0].name, *map(str, numbers)])


CASES = (
    Case(Fid(), 2560, 2560, 2560),
    Case(Fid(), 6400, 6400, 6400),
    Case(Fid(), 12800, 12800, 6400),
    Case(Kid(), 1000, 1000, 1000),
    Case(Kid(), 6400, 6400, 1000),
    Case(InceptionScore(), 0, 1000),
    Case(InceptionScore(), 0, 6400),
    Case(InceptionScore(), 0, 12800),
    Case(PrecisionRecall(), 1000, 1000),
    Case(PrecisionRecall(), 2560, 2560),
)


@dataclass(frozen=True)
class World:
    """The populations, from files that all processes share."""

    folder: Path

    def rows(self, population: str, layer: str = "pool") -> Rows:
        """Return a layer of a population, memory-mapped."""
        rows: Rows = np.load(_file_of(self.folder, population, layer), mmap_mode="r")
        return rows

    def draw(self, rng: np.random.Generator, num: int, population: str, layer: str) -> Rows:
        """Draw independent images of a population."""
        rows = self.rows(population, layer)
        return np.asarray(rows[rng.integers(len(rows), size=num)])

    def mixture(self, indices: npt.NDArray[np.int64], blurred: npt.NDArray[np.bool_]) -> Rows:
        """Return images of the model, some of them blurred."""
        sharp, blurry = self.rows("model"), self.rows("blurred")
        return np.where(blurred[:, None], blurry[indices], sharp[indices])

    def truth(self, name: str, share: float = 0.0) -> float:
        """Return the score of the populations with a share of the model's images blurred."""
        if name == "is":
            return score_of_split(
                np.asarray(self.rows("model", "logits")), np.arange(len(self.rows("model")))
            )
        if name == "fid":
            reference, sharp, blurry = moments_of(self.folder)
            mean = (1 - share) * sharp.mean + share * blurry.mean
            between = share * (1 - share) * np.outer(*[blurry.mean - sharp.mean] * 2)
            covariance = (1 - share) * sharp.scatter + share * blurry.scatter + between
            return frechet_distance(Moments(2, mean, covariance), reference)
        kernel = kernels_of(self.folder)
        weights = np.array([-1, 1 - share, share])
        return float(weights @ kernel @ weights)

    def share_of(self, name: str, increase: float) -> float:
        """Return the share of blurred images that raises the score of the populations so far."""
        start = self.truth(name)
        share = scipy.optimize.brentq(
            lambda share: self.truth(name, share) - start - increase, 0, 1, xtol=1e-4
        )
        return float(share)


@cache
def moments_of(folder: Path) -> tuple[Moments, ...]:
    """Return the moments of the populations; `scatter` is their covariance."""
    found = [Moments.of(np.asarray(World(folder).rows(name))) for name in POPULATIONS]
    return tuple(Moments(2, one.mean, one.scatter / one.num) for one in found)


@cache
def kernels_of(folder: Path) -> npt.NDArray[np.float64]:
    """Return the mean cubic kernel between the populations, float64 [3, 3]."""
    sides = [np.asarray(World(folder).rows(name)) for name in POPULATIONS]
    means = np.empty((3, 3))
    for at, one in enumerate(sides):
        for to, other in enumerate(sides[: at + 1]):
            total = 0.0
            for start in range(0, len(one), 512):
                values = (one[start : start + 512] @ other.T).astype(np.float64)
                total += float(((values / one.shape[1] + 1) ** 3).sum())
            means[at, to] = means[to, at] = total / len(one) / len(other)
    return means


def trial_of(folder: Path, case: Case, number: int, share: float | None) -> dict[str, Any]:
    """Return what one trial found; `share` of the images are blurred in the planted runs."""
    seeds = [case.num_reference, case.num_baseline, case.num_run or 0, number]
    rng = np.random.default_rng(seeds)
    world, metric = World(folder), case.metric
    layer = metric.needs[0].feature.layer
    num_reference = case.num_reference or 2
    real = world.draw(rng, num_reference, "reference", layer)
    num_model = len(world.rows("model"))
    indices = rng.integers(num_model, size=case.num_baseline)
    before_rows = np.asarray(world.rows("model", layer)[indices])
    known = InMemory(real)  # so that what is derived of the reference is derived once
    before = report(before_rows, known, [metric], kind="generator")
    found: dict[str, Any] = {"case": case.name, "trial": number, "scores": {}}
    for row in before.scores:
        found["scores"][row.name] = {
            "value": row.value,
            "centre": row.details.get("debiased", row.value),
            "se": row.se,
            "interval": row.interval,
        }
    if isinstance(metric, PrecisionRecall):
        truths = conditional_truths(world, metric.k, before_rows, real)
        for name, truth in truths.items():
            found["scores"][name]["truth"] = truth
    if case.num_run is None:
        return found
    limit = Limit(name=metric.kinds[0].name, amount=NO_MARGIN, relative=False)
    fresh = rng.integers(num_model, size=case.num_run)
    runs = {"unchanged": (fresh, np.zeros(case.num_run, dtype=bool), "folder")}
    if share is not None:
        more, blurred = rng.integers(num_model, size=case.num_run), rng.random(case.num_run) < share
        runs["planted"] = (more, blurred, "folder")
        if case.num_run == case.num_baseline:
            runs["paired"] = (indices, blurred, "generator")
    for what, (chosen, blurred, kind) in runs.items():
        after = report(world.mixture(chosen, blurred), known, [metric], kind=kind)
        decision = check(after, before, [limit], ALPHA).decisions[0]
        found[what] = {
            "outcome": str(decision.outcome),
            "detectable": decision.detectable,
            "difference": decision.evidence.difference,
            "se": decision.evidence.se,
        }
    return found


def conditional_truths(world: World, k: int, sample: Rows, real: Rows) -> dict[str, float]:
    """Return which share of the populations lies in the balls of a trial, precision and recall."""
    shares = {}
    for name, population, balls in (("precision", "model", real), ("recall", "reference", sample)):
        points, centres = on_common_centre(np.asarray(world.rows(population)), balls)
        radii = nearest(centres, k).squared[:, -1]
        pairs = pairs_within(centres, points, radii)
        inside, _ = memberships(centres, radii, points, pairs=pairs, closed=True)
        shares[name] = float((inside > 0).mean())
    return shares


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="Kept files.")
@click.option("--trials", default=100, show_default=True)
@click.option(
    "--first", default=0, help="Number of the first trial, to add to those made elsewhere."
)
@click.option("--workers", default=1, show_default=True, help="Processes.")
@click.option("--only", default="", help="Cases whose name begins so.")
def calibrate(folder: Path, trials: int, first: int, workers: int, only: str) -> None:
    """Get the pictures and their features once, run the trials that are missing, print tables."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        make_populations(folder, pool, workers)
        chosen = [case for case in CASES if case.name.startswith(only)]
        for case in chosen:
            run_case(folder, case, range(first, first + trials), pool)
    world = World(folder)
    done = {case: load_trials(folder, case) for case in chosen}
    print_coverage(world, done)
    print_gate(world, done)


def make_populations(folder: Path, pool: ProcessPoolExecutor, workers: int) -> None:
    """Write the features of the populations, if they are not there."""
    missing = [name for name in POPULATIONS if not _file_of(folder, name, LAYERS[-1]).exists()]
    if not missing:
        return
    pictures = download(folder)
    parts = {
        name: [
            pool.submit(compute_part, pictures, folder / "cache", name, part, workers)
            for part in range(workers)
        ]
        for name in missing
    }
    saved = []
    for name in missing:
        num_new = sum(part.result() for part in parts[name])
        print(f"{name}: {num_new} crops went through the network", file=sys.stderr)
        saved.append(pool.submit(save_features, folder, pictures, name))
    for one in saved:
        one.result()


def save_features(folder: Path, pictures: Path, population: str) -> None:
    """Write the features of a population, which are in the cache, as arrays."""
    layers = layers_of(pictures, folder / "cache", population)
    for layer in LAYERS:
        np.save(_file_of(folder, population, layer), layers[layer])


def _file_of(folder: Path, population: str, layer: str) -> Path:
    """Return the file with a layer of a population."""
    return folder / f"{population}-{layer}.npy"


def run_case(folder: Path, case: Case, wanted: range, pool: ProcessPoolExecutor) -> None:
    """Run the wanted trials of a case that are missing; each is one line of its file."""
    path = folder / f"{case.name}.jsonl"
    have = {one["trial"] for one in load_trials(folder, case)}
    missing = [number for number in wanted if number not in have]
    if not missing:
        return
    share = None
    if case.num_run is not None:
        pilots = pool.map(
            trial_of, *zip(*[(folder, case, 10**6 + at, None) for at in range(PILOTS)], strict=True)
        )
        detectable = float(np.mean([one["unchanged"]["detectable"] for one in pilots]))
        share = World(folder).share_of(case.metric.kinds[0].name, detectable)
        print(f"{case.name}: detectable {detectable:.4g}, {share:.2%} blurred", file=sys.stderr)
    jobs = [pool.submit(trial_of, folder, case, number, share) for number in missing]
    with path.open("a", encoding="utf-8") as file:
        for job in jobs:
            file.write(json.dumps(job.result()) + "\n")
            file.flush()


def load_trials(folder: Path, case: Case) -> list[dict[str, Any]]:
    """Return the trials of a case that are done, in order."""
    path = folder / f"{case.name}.jsonl"
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return sorted((json.loads(line) for line in lines), key=lambda one: one["trial"])


def print_coverage(world: World, done: dict[Case, list[dict[str, Any]]]) -> None:
    """Print how far scores are from the truth, and how often intervals hold it."""
    print(
        "| score | sample | reference | trials | truth | value | centre | SD | mean SE "
        "| with interval | of these cover |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for case, trials in done.items():
        for name in [kind.name for kind in case.metric.kinds] if trials else ():
            scores = [one["scores"][name] for one in trials]
            conditional = "truth" in scores[0]
            fixed = float("nan") if conditional else world.truth(name)
            truths = [one.get("truth", fixed) for one in scores]
            with_interval = [
                low <= truth <= high
                for one, truth in zip(scores, truths, strict=True)
                for low, high in ([one["interval"]] if one["interval"] else [])
            ]
            errors = [one["se"] for one in scores if one["se"] is not None]
            cells = [
                name,
                f"{case.num_baseline:,}",
                f"{case.num_reference:,}" if case.num_reference else "-",
                str(len(trials)),
                f"{np.mean(truths):.4g}",
                f"{np.mean([one['value'] for one in scores]):.4g}",
                f"{np.mean([one['centre'] for one in scores]):.4g}",
                f"{np.std([one['centre'] for one in scores], ddof=1):.2g}",
                f"{np.mean(errors):.2g}" if errors else "-",
                f"{len(with_interval) / len(scores):.0%}",
                f"{np.mean(with_interval):.1%}" if with_interval else "-",
            ]
            print(f"| {' | '.join(cells)} |")


def print_gate(world: World, done: dict[Case, list[dict[str, Any]]]) -> None:
    """Print how often the gate errs, and what pairing gains."""
    print(
        "\n| score | reference | baseline | run | trials | detectable | false alarms "
        "| planted found | SD of difference (mean SE) | paired (mean SE) |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for case, trials in done.items():
        if not trials or case.num_run is None:
            continue
        cells = [
            case.metric.kinds[0].name,
            *(f"{num:,}" for num in (case.num_reference, case.num_baseline, case.num_run)),
            str(len(trials)),
            f"{np.mean([one['unchanged']['detectable'] for one in trials]):.3g}",
            *(
                f"{np.mean([one[what]['outcome'] == 'fail' for one in trials]):.1%}"
                for what in ("unchanged", "planted")
            ),
            *(
                spread([one[what] for one in trials if what in one])
                for what in ("planted", "paired")
            ),
        ]
        print(f"| {' | '.join(cells)} |")


def spread(differences: list[dict[str, Any]]) -> str:
    """Return the standard deviation of differences, and the mean of their standard errors."""
    if not differences:
        return "-"
    deviation = np.std([one["difference"] for one in differences], ddof=1)
    return f"{deviation:.2g} ({np.mean([one['se'] for one in differences]):.2g})"
