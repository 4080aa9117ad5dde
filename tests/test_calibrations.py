"""What the calibration compares with: laws whose moments are known, and counts of trials."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats

from ganeval.errors import UsageError
from ganeval.metrics.inception_score import score_of_split
from scripts.calibrations.binomial import Claim, Count, contradicted
from scripts.calibrations.laws import LAWS, Population, fid_between, kid_between
from scripts.calibrations.predictions import PREDICTIONS
from scripts.calibrations.trials import load_cell, run_cell

WIDTH, NUM, PARTS = 6, 4_000, 40


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("changed", [{}, {"spread": 0.8, "shift": 0.7, "share": 0.3}])
def test_moments_of_a_population_are_those_of_its_draws(
    law: str, changed: Mapping[str, float]
) -> None:
    population = Population(law=law, width=WIDTH, **changed)
    parts = [
        population.draw(NUM, np.random.default_rng([seed, 1])).astype(float)
        for seed in range(PARTS)
    ]
    exact = population.moments
    raw = exact.scatter + np.outer(exact.mean, exact.mean)
    for known, found in (
        (exact.mean, [part.mean(axis=0) for part in parts]),
        (raw, [part.T @ part / NUM for part in parts]),
    ):
        error = np.std(found, axis=0, ddof=1) / PARTS**0.5
        assert np.abs((np.mean(found, axis=0) - known) / error).max() < 4.5


@pytest.mark.parametrize("law", ["gauss", "skewed", "mixture", "relu", "relu90"])
def test_the_true_kid_is_that_of_all_pairs(law: str) -> None:
    plain = Population(law=law, width=WIDTH)
    other = Population(law=law, width=WIDTH, spread=0.7, shift=1.0, share=0.2)
    values = []
    for seed in range(20):
        rng = np.random.default_rng([seed, 2])
        x, y = (one.draw(400, rng).astype(float) for one in (other, plain))
        within = [(((rows @ rows.T) / WIDTH + 1) ** 3) for rows in (x, y)]
        means = [(one.sum() - np.trace(one)) / (len(one) * (len(one) - 1)) for one in within]
        values.append(sum(means) - 2 * ((x @ y.T / WIDTH + 1) ** 3).mean())
    error = np.std(values, ddof=1) / len(values) ** 0.5
    assert abs(np.mean(values) - kid_between(other, plain)) < 4 * error


def test_a_shift_adds_its_square_and_a_spread_its_part_of_the_trace_to_the_distance() -> None:
    plain = Population(law="relu90", width=WIDTH)
    other = Population(law="relu90", width=WIDTH, spread=0.9, shift=0.5)
    trace = np.trace(plain.moments.scatter)
    assert fid_between(other, plain) == pytest.approx(0.5**2 + 0.1**2 * trace, rel=1e-9)


def test_features_of_the_rectified_laws_are_as_sparse_as_they_say() -> None:
    for law, share in (("relu", 0.5), ("relu90", 0.9)):
        rows = Population(law=law, width=64).draw(2000, np.random.default_rng(0))
        assert (rows == 0).mean() == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("name", [name for name in PREDICTIONS if not name.endswith("000")])
def test_the_true_inception_score_is_that_of_many_images(name: str) -> None:
    law = PREDICTIONS[name]
    scores = []
    for seed in range(8):
        logits = law.draw(5000, np.random.default_rng(seed))
        half = np.arange(2500)
        whole = np.log(score_of_split(logits, np.arange(5000)))
        halves = [np.log(score_of_split(logits, half + start)) for start in (0, 2500)]
        scores.append(2 * whole - np.mean(halves))  # without the bias of the first order
    error = np.std(scores, ddof=1) / len(scores) ** 0.5
    assert abs(np.mean(scores) - np.log(law.score)) < 5 * error


@pytest.mark.parametrize(
    ("found", "relation"), [(0, "at least"), (37, "at most"), (90, "at least")]
)
def test_a_claim_is_contradicted_where_the_interval_of_the_count_excludes_it(
    found: int, relation: Any
) -> None:
    ends = scipy.stats.binomtest(found, 100).proportion_ci(0.99, method="exact")
    end = ends.low if relation == "at most" else ends.high
    inside, outside = (1.001, 0.999) if relation == "at most" else (0.999, 1.001)
    for factor, against in ((inside, False), (outside, True)):
        p_value = Claim("it", relation, end * factor).p_value(Count(found, 100))
        assert (p_value < 0.01) is against
    assert contradicted([0.004, 0.006]) == [True, True]
    assert contradicted([0.006, 0.9]) == [False, False]


@dataclass(frozen=True)
class Coin:
    """A cell whose trials say their number."""

    name: str = "coin"

    def prepare(self) -> Mapping[str, Any]:
        return {"weight": 2}

    def trial(self, number: int, prepared: Mapping[str, Any]) -> dict[str, Any]:
        return {"value": prepared["weight"] * number}


class Here:
    """Processes that are none."""

    def map(self, function: Any, numbers: Iterable[int], chunksize: int) -> Iterable[Any]:
        return map(function, numbers)


def test_trials_that_are_kept_are_not_run_again_and_those_of_other_code_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pool: Any = Here()
    run_cell(tmp_path, Coin(), range(3), pool, 1)
    assert "3 trials of" in capsys.readouterr().err
    run_cell(tmp_path, Coin(), range(1, 5), pool, 1)
    assert "2 trials of" in capsys.readouterr().err
    kept = load_cell(tmp_path, Coin())
    assert kept is not None
    assert kept[0] == {"weight": 2}
    assert kept[1] == [{"trial": number, "value": 2 * number} for number in range(5)]
    path = tmp_path / "coin.jsonl"
    head, *lines = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(head), "code": "other"}), *lines]))
    with pytest.raises(UsageError, match="other code"):
        run_cell(tmp_path, Coin(), range(6), pool, 1)


def test_the_true_scores_of_pictures_are_those_of_whole_populations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the images blurred is the population of all sharp and all blurred ones."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "scripts")
    from calibrations.pictures import World

    rng = np.random.default_rng(0)
    rows = {
        name: rng.standard_normal((300, 6)).astype(np.float32) + at / 3
        for at, name in enumerate(("reference", "model", "blurred"))
    }
    for name, values in rows.items():
        np.save(tmp_path / f"{name}-pool.npy", values)
    world, both = World(tmp_path), np.concatenate([rows["model"], rows["blurred"]])
    moments = [(one.mean(axis=0), np.cov(one.T, ddof=0)) for one in (both, rows["reference"])]
    (mean, covariance), (real_mean, real_covariance) = moments
    root = np.sqrt(np.linalg.eigvals(covariance @ real_covariance).real).sum()
    expected = ((mean - real_mean) ** 2).sum() + np.trace(covariance + real_covariance) - 2 * root
    assert world.truth("fid", 0.5) == pytest.approx(expected, rel=1e-4)
    kernels = [
        ((one @ other.T / 6 + 1) ** 3).mean()
        for one, other in ((both, both), (rows["reference"],) * 2, (both, rows["reference"]))
    ]
    assert world.truth("kid", 0.5) == pytest.approx(
        kernels[0] + kernels[1] - 2 * kernels[2], rel=1e-4
    )
    assert world.truth("kid", world.share_of("kid", 0.1)) - world.truth("kid") == pytest.approx(
        0.1, abs=1e-3
    )
    drawn = world.blurred(rng, 2000, 0.25)
    sharp = {tuple(one) for one in rows["model"]}
    assert np.mean([tuple(one) not in sharp for one in drawn]) == pytest.approx(0.25, abs=0.04)
