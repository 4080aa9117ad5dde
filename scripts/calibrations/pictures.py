"""How honest intervals and gate are on features of real pictures.

Populations are finite (`picture_pool.py`) and draws from them independent, with replacement, so the
truth of every trial is known: the score of the populations. A regression is planted by blurring a
share of the crops, so large that the score of the populations grows by what the gate calls
detectable.
"""

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize

from calibrations.binomial import Claim
from calibrations.gates import NO_FALSE_ALARM, NO_WRONG_PASS, PASSES, POWER, OfEqualNumbers
from calibrations.picture_pool import POPULATIONS, compute_part, download, layers_of
from calibrations.tool import METRICS, answer_record, asked, score_record, scored
from calibrations.trials import PILOT, Cell, Trial, streams
from ganeval.features.moments import Moments
from ganeval.metrics.inception_score import score_of_split
from ganeval.metrics.parts.linalg import frechet_distance
from tests.summaries import InMemory

LAYERS = ("pool", "logits")
WIDTHS = {"pool": 1280, "logits": 1000}
PILOTS = 8  # trials that say what is detectable
NOTHING = "1e-9"  # tolerated: so little that chance alone decides
UNCHANGED = "unchanged, next to nothing tolerated"
DEFAULT = "unchanged, 10 % tolerated"
WORSE = "worse by the detectable, next to nothing tolerated"
AT_LIMIT = "worse by the tolerated"
Rows = npt.NDArray[np.float32]


@dataclass(frozen=True)
class World:
    """The populations, from files that all processes share."""

    folder: Path

    def rows(self, population: str, layer: str = "pool") -> Rows:
        """Return a layer of a population, memory-mapped."""
        rows: Rows = np.load(_file_of(self.folder, population, layer), mmap_mode="r")
        return rows

    def draw(
        self, rng: np.random.Generator, num: int, population: str, layer: str = "pool"
    ) -> Rows:
        """Draw independent images of a population."""
        rows = self.rows(population, layer)
        return np.asarray(rows[rng.integers(len(rows), size=num)])

    def blurred(self, rng: np.random.Generator, num: int, share: float) -> Rows:
        """Draw independent images of the model, a share of them blurred on average."""
        sharp, blurry = self.rows("model"), self.rows("blurred")
        chosen = rng.integers(len(sharp), size=num)
        return np.where(rng.random((num, 1)) < share, blurry[chosen], sharp[chosen])

    def truth(self, name: str, share: float = 0.0) -> float:
        """Return the score of the populations with a share of the model's images blurred."""
        if name == "is":
            logits = np.asarray(self.rows("model", "logits"))
            return score_of_split(logits, np.arange(len(logits)))
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


@dataclass(frozen=True, kw_only=True)
class PictureCell:
    """The interval of a sample of the model's pictures, beside a sample of the reference's.

    Attributes:
        folder: With the populations.
        metric: As in `METRICS`.
        num_sample: Images.
        num_reference: Images; None for a metric without a reference.
    """

    folder: Path = field(repr=False)
    metric: str
    num_sample: int
    num_reference: int | None
    law: str = "pictures"
    places: tuple[str, ...] = ("",)

    @property
    def layer(self) -> str:
        """Layer of the network."""
        return METRICS[self.metric].needs[0].feature.layer

    @property
    def width(self) -> int:
        """Number of dimensions, or of classes."""
        return WIDTHS[self.layer]

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"pictures-{self.metric}-{self.num_sample}-{self.num_reference or 0}"

    def prepare(self) -> Mapping[str, Any]:
        """Return the truth; of neighbour scores it is found by the trials."""
        known = self.metric in ("fid", "kid", "is")
        return {"": World(self.folder).truth(self.metric)} if known else {}

    def trial(self, number: int, prepared: Mapping[str, Any]) -> Trial:
        """Return what is said of the score."""
        first, second = streams(self, number, 2)
        world = World(self.folder)
        real = InMemory(world.draw(first, self.num_reference or 2, "reference", self.layer))
        sample = world.draw(second, self.num_sample, "model", self.layer)
        return {"": score_record(scored(sample, real, [self.metric]))}


@dataclass(frozen=True, kw_only=True)
class PictureGate(OfEqualNumbers):
    """Runs beside one baseline of the model's pictures.

    Attributes:
        folder: With the populations.
        metric: The one score.
        default: Whether an unchanged model is also checked with 10 % tolerated.
    """

    folder: Path = field(repr=False)
    metric: str
    default: bool = False
    law: str = "pictures"
    width: int = WIDTHS["pool"]

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"picturegate-{self.metric}-{self.num}"

    def prepare(self) -> Mapping[str, Any]:
        """Return the loss that is called detectable, and how many blurred images make it."""
        pilots = []
        for at in range(PILOTS):
            real, before, rng, _ = self._start(PILOT + at)
            run = World(self.folder).draw(rng, self.num_run, "model")
            found = answer_record(asked(scored(run, real, [self.metric]), before, self._nothing))
            pilots.append(found["detectable"])
        detectable = float(np.mean(pilots))
        share = World(self.folder).share_of(self.metric, detectable)
        return {"detectable": detectable, "share": share}

    def trial(self, number: int, prepared: Mapping[str, Any]) -> Trial:
        """Return the answer for an unchanged model and for a worse one."""
        real, before, first, second = self._start(number)
        world = World(self.folder)
        same = scored(world.draw(first, self.num_run, "model"), real, [self.metric])
        worse_rows = world.blurred(second, self.num_run, prepared["share"])
        worse = scored(worse_rows, real, [self.metric])
        return {
            what: answer_record(asked(worse if what in (WORSE, AT_LIMIT) else same, before, limits))
            for what in self.claims()
            for limits in [self.tolerated(what, prepared)]
        }

    def _start(self, number: int) -> tuple[InMemory, Any, np.random.Generator, np.random.Generator]:
        """Return the reference and the baseline of a trial, and streams for two runs."""
        rngs = streams(self, number, 4)
        world = World(self.folder)
        real = InMemory(world.draw(rngs[0], self.num_reference, "reference"))
        before = scored(world.draw(rngs[1], self.num_baseline, "model"), real, [self.metric])
        return real, before, rngs[2], rngs[3]

    def claims(self) -> dict[str, Claim | None]:
        """Return what should be seen of each kind of run."""
        default: dict[str, Claim | None] = {DEFAULT: PASSES} if self.default else {}
        return {UNCHANGED: NO_FALSE_ALARM, **default, WORSE: POWER, AT_LIMIT: NO_WRONG_PASS}

    def tolerated(self, what: str, prepared: Mapping[str, Any]) -> str:
        """Return the limit of a kind of run."""
        if what == DEFAULT:
            return f"{self.metric}=10%"
        return f"{self.metric}={prepared['detectable']:.3g}" if what == AT_LIMIT else self._nothing

    @property
    def _nothing(self) -> str:
        return f"{self.metric}={NOTHING}"


def picture_cells(folder: Path) -> Iterator[Cell]:
    """Yield every cell, in the order of the tables."""
    for metric, num, num_reference in (
        *(("fid", 6400, 6400), ("fid", 12800, 12800), ("fid", 6400, 12800)),
        *(("kid", 1000, 1000), ("kid", 6400, 6400), ("is", 2000, None), ("is", 6400, None)),
        *(("is", 12800, None), ("pr", 1000, 1000), ("pr", 2560, 2560), ("dc", 1000, 1000)),
    ):
        yield PictureCell(folder=folder, metric=metric, num_sample=num, num_reference=num_reference)
    for metric, num in (("fid", 6400), ("kid", 1000)):
        yield PictureGate(folder=folder, metric=metric, num=num, default=metric == "fid")


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
