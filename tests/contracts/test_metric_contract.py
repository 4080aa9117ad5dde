"""What every metric of the table keeps: a new entry is tested without a test of its own."""

import copy
import dataclasses
import math
import re
from typing import Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest

from ganeval.audio.windows import Windows
from ganeval.metrics.base import (
    ROLES,
    Each,
    Inputs,
    Metric,
    Need,
    Result,
    Score,
    has_error_over_clusters,
    roles_of,
)
from ganeval.metrics.protocols import PROTOCOLS
from ganeval.metrics.table import METRICS
from ganeval.scores.kind import ScoreKind
from tests.summaries import InMemory, width_of

MORE = 5  # items of every other role than the sample


def summary(need: Need, num: int) -> InMemory:
    """What fits a need: a comparer says one number of a pair, and classes are on every side."""
    generator = np.random.default_rng(ROLES.index(need.role) + 1)
    num += 0 if need.role == "sample" else MORE
    is_each = isinstance(need.view, Each | Windows)
    values = generator.normal(0.2, 1, (num, width_of(need, of_items=16)))
    return InMemory(
        np.maximum(values, 0 if is_each else 0.01).astype(np.float32),
        labels=tuple("ab"[at % 2 if num >= 20 else 0] for at in range(num))
        if need.labels
        else None,
        noun="images" if is_each else "pairs",
    )


def needed(metric: Metric, num: int = 60) -> Inputs:
    return {need: summary(need, num) for need in metric.needs}


def result_of(metric: Metric, num: int = 60, seed: int = 0) -> Result:
    return metric.compute(needed(metric, num), np.random.default_rng(seed))


def compute(metric: Metric, num: int = 60, seed: int = 0) -> tuple[Score, ...]:
    return result_of(metric, num, seed).scores


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


@METRIC
def test_it_declares_what_its_scores_mean(name: str) -> None:
    kinds = METRICS.load(name).kinds
    assert kinds
    assert len({kind.stream for kind in kinds}) == 1, "one stream, which deals all of them alike"
    for kind in kinds:
        hints = get_type_hints(ScoreKind)
        assert {one.name for one in dataclasses.fields(kind)} == hints.keys()
        for field in dataclasses.fields(kind):
            allowed = get_args(hints[field.name])
            if get_origin(hints[field.name]) is Literal:
                assert getattr(kind, field.name) in allowed, field.name
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", kind.name)
        if kind.stands_in is not None:
            assert KINDS[kind.stands_in].bias == "none", "what decides has no bias of its own"


KINDS = {kind.name: kind for name in METRICS.names() for kind in METRICS.load(name).kinds}


def test_no_two_scores_have_one_name() -> None:
    assert len(KINDS) == sum(len(METRICS.load(name).kinds) for name in METRICS.names())


@METRIC
def test_it_has_what_a_listing_shows(name: str) -> None:
    metric = METRICS.load(name)
    assert metric.common_name.strip() == metric.common_name != ""
    needs = metric().needs
    assert needs
    assert "sample" in roles_of(metric())
    assert len(set(needs)) == len(needs)


@INSTANCES
def test_it_returns_the_scores_it_announces(metric: Metric) -> None:
    scores = compute(metric)
    assert tuple(score.kind for score in scores) == metric.kinds
    for score in scores:
        assert math.isfinite(score.value)
        assert score.se is None or (math.isfinite(score.se) and score.se >= 0)
        assert score.kind.error != "none" or score.se is None
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
    if score.kind.error == "blocks":
        assert score.influence.se == score.se
        sides = [(one, 2) for one in score.influence.sample]
    if score.influence.reference is not None:
        sides.append((score.influence.reference, num + MORE))
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
def test_what_it_says_of_items_fits_the_items(metric: Metric) -> None:
    result = result_of(metric)
    for values in result.per_item.values():
        assert values.shape == (60,)
        assert values.dtype == np.float64
        assert not np.isinf(values).any()
    for evidence in result.evidence.values():
        num = len(evidence.values)
        assert evidence.rows.shape == (num, 2)
        assert np.isfinite(evidence.values).all()
        assert set(evidence.roles) <= set(roles_of(metric))
        for role, rows in zip(evidence.roles, evidence.rows.T, strict=True):
            assert ((rows >= 0) & (rows < (60 if role == "sample" else 60 + MORE))).all()
    for points in result.curves.values():
        assert points.shape[1:] == (2,)
        assert np.isfinite(points).all()


@INSTANCES
def test_inputs_stay_as_they_are(metric: Metric) -> None:
    summaries = needed(metric, 40)
    before = {need: one.rows().copy() for need, one in summaries.items()}  # type: ignore[union-attr]
    metric.compute(summaries, np.random.default_rng(0))
    for need, rows in before.items():
        np.testing.assert_array_equal(summaries[need].rows(), rows)


def repeated(summary: InMemory, times: int) -> InMemory:
    """Each item several times, as crops of one picture, in clusters of their own."""
    num = len(summary.array)
    labels = None if summary.labels is None else summary.labels * times
    return dataclasses.replace(
        summary,
        array=np.tile(summary.array, (times, 1)),
        labels=labels,
        clusters=np.tile(np.arange(num), times),
        known={},
    )


@METRIC
def test_one_with_an_error_over_clusters_takes_the_clusters_into_account(name: str) -> None:
    """What says that it does must do so: repeats of the same items tell it nothing new."""
    metric = METRICS.load(name)()
    if not has_error_over_clusters(metric):
        return
    given = needed(metric, 400)
    clustered, naive = (
        {
            need: one if need.role == "train" else dataclasses.replace(repeated(one, 5), **change)
            for need, one in given.items()
        }
        for change in ({}, {"clusters": None})
    )
    found, blind, once = (
        metric.compute(inputs, np.random.default_rng(0)).scores
        for inputs in (clustered, naive, given)
    )
    for score, other, alone in zip(found, blind, once, strict=True):
        assert (score.se is None) is (other.se is None)
        if score.kind.bias == "removed":
            # Its bias is that of as few images as there are clusters, so that repeats have it too.
            assert score.se is not None
            # Their parts are dealt otherwise, the noise of which is within the error.
            assert score.value == pytest.approx(alone.value, abs=score.se)
            assert abs(other.value - alone.value) > 3 * score.se
        else:
            assert score.value == pytest.approx(other.value)
        if score.se is not None and other.se is not None:
            assert score.se > 1.7 * other.se
            assert alone.se is not None
            # That of KID keeps its second order here, which is much of it for laws so much alike.
            assert 0.85 * alone.se < score.se < (1.5 if name in ("kid", "kad") else 1.15) * alone.se
