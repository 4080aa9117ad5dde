"""No metric gives a number that is not finite, or an error of 0."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

import ganeval
from ganeval.errors import InputError
from ganeval.flow.checked_result import NOTHING_VARIES, checked
from ganeval.metrics.authenticity import Authenticity
from ganeval.metrics.base import Result, Score
from ganeval.metrics.frechet import Fid
from ganeval.metrics.kernel import Kid
from ganeval.metrics.parts.extrapolation import interval_of_infinitely_many, note_of_interval
from ganeval.metrics.table import METRICS
from ganeval.scores.influence import Influence
from tests.pictures import blobs
from tests.summaries import InMemory, width_of

FAST = {"extractor": "random", "device": "cpu", "cache": False}


def result(**changes: Any) -> Result:
    score = Score(kind=Kid.kinds[0], value=2.0, se=0.1, interval=(1.8, 2.2), details={"std": 0.3})
    return Result(scores=(dataclasses.replace(score, **changes),))


def test_a_sound_result_stays_as_it_is() -> None:
    sound = result(influence=Influence(sample=np.arange(3.0)))
    assert checked(sound, "kid", "fake/", "images") == sound
    assert checked(result(se=None, interval=None), "kid", "fake/", "images").scores[0].notes == ()


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("field", "named"),
    [
        ("value", "kid is"),
        ("se", "its standard error is"),
        ("low", "the lower end of its interval is"),
        ("high", "the upper end of its interval is"),
        ("details", "std is"),
        ("sample", "the influences of the sample is"),
        ("reference", "the influences of the reference is"),
    ],
)
def test_a_number_that_is_not_finite_is_refused(field: str, named: str, number: float) -> None:
    sides = {side: np.array([0.0, 1.0]) for side in ("sample", "reference")}
    changes: dict[str, Any] = {field: number}
    if field in ("low", "high"):
        changes = {"interval": (number, 2.0) if field == "low" else (2.0, number)}
    elif field == "details":
        changes = {"details": {"std": number}}
    elif field in sides:
        changes = {"influence": Influence(**{**sides, field: np.array([number, 0.0])})}
    with pytest.raises(InputError) as error:
        checked(result(**changes), "kid:degree=4", "fake/", "images")
    text = str(error.value)
    assert text.startswith(f"kid:degree=4 of fake/: {named} ")
    assert text.endswith("; look at the features for huge values, or leave out kid:degree=4")
    assert "\n" not in text


def test_an_error_of_0_is_none() -> None:
    (one,) = checked(result(se=0.0), "kid", "fake/", "images").scores
    assert (one.se, one.interval, one.notes) == (None, (1.8, 2.2), (NOTHING_VARIES,))
    said = {**interval_of_infinitely_many("images"), "another": "fact"}
    nothing = result(se=1e-13, interval=(2.0, 2.0), notes=(note_of_interval("images"), "kept"))
    nothing = dataclasses.replace(
        nothing, scores=(dataclasses.replace(nothing.scores[0], cautions=said),)
    )
    (one,) = checked(nothing, "kid", "fake/", "images").scores
    assert one.se is one.interval is None
    assert one.notes == ("kept", NOTHING_VARIES)
    assert one.cautions == {"another": "fact"}


@pytest.mark.parametrize("name", METRICS.names())
@pytest.mark.parametrize("values", [(0.1, 0.1), (0.3, 0.7), (123.4, 1e-5)])
def test_equal_features_have_no_error(name: str, values: tuple[float, float]) -> None:
    metric, num = METRICS.load(name)(), 250
    inputs = {
        need: InMemory(
            np.full((num, width_of(need, of_items=6)), values[need.role != "sample"], "f4"),
            labels=tuple("ab"[at % 2] for at in range(num)) if need.labels else None,
        )
        for need in metric.needs
    }
    found = metric.compute(inputs, np.random.default_rng(0))
    for one in checked(found, name, "fake/", "images").scores:
        assert one.se is None or one.se > 1e-3  # of density the blocks say something else
        assert one.interval is None or one.interval[0] < one.interval[1]


def test_a_fraction_at_the_boundary_keeps_its_interval() -> None:
    rows = np.random.default_rng(1).standard_normal((360, 6)).astype(np.float32)
    sample, train = InMemory(rows), InMemory(rows + 100)
    metric = Authenticity()
    needed = {need: sample if need.role == "sample" else train for need in metric.needs}
    found = metric.compute(needed, np.random.default_rng(0))
    assert found.scores[0].se == 0
    (one,) = checked(found, "authenticity", "fake/", "images").scores
    assert one.se is None
    assert one.notes[-1] == NOTHING_VARIES
    assert one.interval == pytest.approx((0.9894, 1.0), abs=1e-4)  # Wilson's of 360 of 360
    assert one.interval is not None
    assert one.interval[1] == 1.0


def test_evaluations_and_streams_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    grey = np.full((330, 3, 8, 8), 99, np.uint8)
    report = ganeval.evaluate(sample=grey, reference=grey, metrics=["fid", "kid"], **FAST)
    assert [row.se for row in report.scores] == [None, None]
    assert all(NOTHING_VARIES in row.notes for row in report.scores)
    monkeypatch.setattr(Fid, "compute", lambda *args: result(value=math.nan))
    refused = r"fid of .*: kid is nan; needed: finite numbers"
    with pytest.raises(InputError, match=refused):
        ganeval.evaluate(sample=blobs(9, seed=1), reference=grey, metrics=["fid"], **FAST)
    with ganeval.Accumulator(reference=grey, metrics=["fid"], **FAST) as stream:
        stream.update(grey[:9])
        with pytest.raises(InputError, match=refused):
            stream.compute()


def test_subsets_of_huge_features_are_an_error_of_one_line() -> None:
    rows = np.random.default_rng(2).standard_normal((60, 8)).astype(np.float32)
    metric = Kid(subset_size=50, num_subsets=2)
    needed = {
        need: InMemory(rows * np.float32(1e10 if need.role == "sample" else 1))
        for need in metric.needs
    }
    found = metric.compute(needed, np.random.default_rng(0))
    with pytest.raises(InputError, match="kid:subset_size=50 of fake/: kid is nan"):
        checked(found, "kid:subset_size=50", "fake/", "images")
