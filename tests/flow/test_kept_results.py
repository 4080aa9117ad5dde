"""Results that are kept: the same command computes nothing, and nothing else is served."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ganeval
from ganeval.features.shards import ShardStore
from ganeval.flow import kept_results
from ganeval.flow.kept_results import find_result, keep_result
from ganeval.metrics.authenticity import Authenticity
from ganeval.metrics.base import Each, Evidence, Metric, Pairs, Result, Score
from ganeval.metrics.frechet import Fid
from ganeval.metrics.kernel import Kid
from ganeval.scores.influence import Influence
from tests.pictures import blobs
from tests.summaries import InMemory, inputs

FAST = {"extractor": "random", "device": "cpu"}
ROWS = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)


@pytest.fixture
def store(tmp_path: Path) -> ShardStore:
    return ShardStore(tmp_path / "shards")


def sides(**labels: Any) -> dict[str, InMemory]:
    return {"sample": InMemory(ROWS[:20], **labels), "reference": InMemory(ROWS[20:])}


def full(metric: Metric) -> Result:
    """A result with something in every field."""
    (kind,) = metric.kinds
    score = Score(
        kind=kind,
        value=1 / 3,
        se=0.1,
        interval=(0.1, 0.7),
        details={"b": 2.0, "a": 1e-17},
        notes=("one; two", "\u0394"),
        cautions={"few": "add"},
        influence=Influence(sample=np.arange(3.0), reference=np.arange(4.0)),
    )
    return Result(
        scores=(score,),
        curves={"by number": np.eye(2)},
        per_item={"distance": np.array([1.0, np.nan])},
        evidence={
            "pairs": Evidence(
                roles=("sample", "train"),
                rows=np.array([[0, 1]]),
                values=np.array([0.5]),
                title="near",
            ),
            "worst": Evidence(
                roles=("sample", "reference"),
                rows=np.array([[1, 1]]),
                values=np.array([0.5]),
                title="far",
                view=Pairs(to="reference"),
            ),
        },
    )


def test_what_was_kept_is_found_in_every_field(store: ShardStore) -> None:
    metric = Kid()
    given, result = inputs(metric, sides()), full(metric)
    assert find_result(store, metric, given, 0) is None
    keep_result(store, metric, given, 0, result)
    found = find_result(store, metric, given, 0)
    assert found is not None
    assert found.scores == result.scores
    assert list(found.scores[0].details) == ["b", "a"]
    ours, theirs = found.scores[0].influence, result.scores[0].influence
    assert ours is not None
    assert theirs is not None
    np.testing.assert_array_equal(ours.sample, theirs.sample)
    assert ours.reference is not None
    np.testing.assert_array_equal(ours.reference, np.arange(4.0))
    np.testing.assert_array_equal(found.curves["by number"], np.eye(2))
    np.testing.assert_array_equal(found.per_item["distance"], [1.0, np.nan])
    assert found.evidence["worst"].view == Pairs(to="reference")
    pairs = found.evidence["pairs"]
    assert pairs.view == Each()
    assert (pairs.roles, pairs.title, pairs.rows.tolist()) == (
        ("sample", "train"),
        "near",
        [[0, 1]],
    )
    assert {one.name for one in dataclasses.fields(Result)} == {
        *("scores", "curves", "per_item", "evidence"),
    }


def test_nothing_else_is_served(store: ShardStore, monkeypatch: pytest.MonkeyPatch) -> None:
    metric = Kid()
    given = inputs(metric, sides())
    keep_result(store, metric, given, 0, full(metric))
    swapped = dict(zip(sides(), reversed(sides().values()), strict=True))
    others: list[tuple[Metric, Any, int]] = [
        (metric, given, 1),
        (Kid(degree=2), inputs(Kid(degree=2), sides()), 0),
        (Fid(), inputs(Fid(), sides()), 0),
        (metric, inputs(metric, swapped), 0),
        (metric, inputs(metric, sides(labels=("a",) * 20)), 0),
        (metric, inputs(metric, sides(noun="clips")), 0),
    ]
    for other, its_inputs, seed in others:
        assert find_result(store, other, its_inputs, seed) is None
    assert find_result(store, metric, given, 0) is not None
    monkeypatch.setattr(kept_results, "_code", lambda folder: b"changed")
    assert find_result(store, metric, given, 0) is None


def test_the_code_is_all_that_is_in_the_package(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    digests = set()
    for name, text in (("a.py", "1"), ("inner/b.py", "1"), ("inner/b.py", "2"), ("c.py", "")):
        (tmp_path / name).write_text(text)
        kept_results._code.cache_clear()
        digests.add(kept_results._code(tmp_path))
    assert len(digests) == 4
    kept_results._code.cache_clear()


def test_a_metric_of_another_package_is_computed_each_time(store: ShardStore) -> None:
    class Foreign(Kid):
        """One whose libraries no key covers."""

    metric = Foreign()
    given = inputs(metric, sides())
    keep_result(store, metric, given, 0, full(metric))
    assert find_result(store, metric, given, 0) is None
    assert not (store.folder / "derived").exists()


def test_a_result_of_another_form_is_computed_again(
    store: ShardStore, caplog: pytest.LogCaptureFixture
) -> None:
    metric = Authenticity()
    given = inputs(metric, {"sample": InMemory(ROWS[:20]), "train": InMemory(ROWS[20:])})
    keep_result(store, metric, given, 0, full(metric))
    (path,) = (store.folder / "derived").iterdir()
    store.write_derived(path.stem, {"result": np.frombuffer(b"{}", np.uint8)})
    assert find_result(store, metric, given, 0) is None
    assert "a kept result of Authenticity" in caplog.text


def test_the_same_command_computes_no_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    sample, reference = (blobs(30, seed=seed, height=8, width=8) for seed in (1, 2))
    first = ganeval.evaluate(sample=sample, reference=reference, metrics=["fid", "pr"], **FAST)

    def never(*_: object) -> Any:
        raise AssertionError

    monkeypatch.setattr(Fid, "compute", never)
    again = ganeval.evaluate(sample=sample, reference=reference, metrics=["fid", "pr"], **FAST)
    assert again.to_json() == first.to_json()
    assert again.influence.keys() == first.influence.keys()
    for key, influence in first.influence.items():
        np.testing.assert_array_equal(again.influence[key].sample, influence.sample)
    with pytest.raises(AssertionError):
        ganeval.evaluate(sample=sample, reference=reference, metrics=["fid"], cache=False, **FAST)
