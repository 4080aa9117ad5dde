"""What every metric of the table keeps: a new entry is tested without a test of its own."""

import copy
import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from ganeval.metrics.base import Metric, Score
from ganeval.metrics.protocols import PROTOCOLS
from ganeval.metrics.table import METRICS
from tests.summaries import InMemory, inputs


def rows(num: int, seed: int) -> InMemory:
    generator = np.random.default_rng(seed)
    return InMemory(np.maximum(generator.normal(0.2, 1, (num, 16)), 0).astype(np.float32))


def compute(metric: Metric, num: int = 60, seed: int = 0) -> Any:
    summaries: dict[Any, Any] = {"sample": rows(num, 1), "reference": rows(num + 5, 2)}
    return metric.compute(inputs(metric, summaries), np.random.default_rng(seed)).scores


METRIC = pytest.mark.parametrize("name", METRICS.names())
INSTANCES = pytest.mark.parametrize(
    "metric",
    [
        pytest.param(protocol.metric(name), id=f"{protocol.name}-{name}")
        for protocol in PROTOCOLS.values()
        for name in protocol.names()
        if getattr(protocol.metric(name), "subset_size", None) is None
    ],
)


@METRIC
def test_it_is_a_value_whose_fields_are_its_options(name: str) -> None:
    kind = METRICS.load(name)
    assert dataclasses.is_dataclass(kind)
    metric = kind()
    assert metric == kind()
    assert hash(metric) == hash(kind())
    for field in dataclasses.fields(kind):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(metric, field.name, None)


@METRIC
def test_its_docstring_says_what_it_estimates(name: str) -> None:
    text = METRICS.load(name).__doc__
    for part in ("Estimand", "Reference:", "Bias:", "Direction:"):
        assert part in text, part
    assert METRICS.summary(name).endswith(".")


@INSTANCES
def test_it_returns_the_scores_it_announces(metric: Metric) -> None:
    scores = compute(metric)
    assert tuple(score.kind for score in scores) == metric.kinds
    for score in scores:
        assert math.isfinite(score.value)
        assert score.se is None or (math.isfinite(score.se) and score.se >= 0)
        assert all(math.isfinite(value) for value in score.details.values())
        if score.interval is None:
            assert any("no interval" in note for note in score.notes), "a note says why"
        else:
            assert score.interval[0] <= score.interval[1]
            if not score.interval[0] <= score.value <= score.interval[1]:
                assert any("without its bias" in note for note in score.notes), "a note says why"
        if score.influence is not None:
            check_influence(score, num=60)


def check_influence(score: Score, num: int) -> None:
    """Influences have mean 0, and the standard error follows from them where there is one."""
    sides = [(score.influence.sample, num)]
    if score.influence.reference is not None:
        sides.append((score.influence.reference, num + 5))
    for values, expected in sides:
        assert values.shape == (expected,)
        assert np.isfinite(values).all()
        assert abs(values.mean()) < 1e-12 * max(abs(values).max(), 1)


@INSTANCES
def test_the_same_stream_gives_the_same_digits(metric: Metric) -> None:
    assert compute(metric) == compute(metric)
    state = copy.deepcopy(np.random.get_state()[1])  # noqa: NPY002 (the global one, unchanged)
    compute(metric)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


@INSTANCES
def test_the_announced_minimum_is_enough(metric: Metric) -> None:
    minimum = max(need.minimum for need in metric.needs)
    assert all(math.isfinite(score.value) for score in compute(metric, minimum))
    assert all(need.why for need in metric.needs)


@INSTANCES
def test_inputs_stay_as_they_are(metric: Metric) -> None:
    sample, reference = rows(40, 3), rows(45, 4)
    before = sample.array.copy(), reference.array.copy()
    summaries: dict[Any, Any] = {"sample": sample, "reference": reference}
    metric.compute(inputs(metric, summaries), np.random.default_rng(0))
    np.testing.assert_array_equal(sample.array, before[0])
    np.testing.assert_array_equal(reference.array, before[1])
