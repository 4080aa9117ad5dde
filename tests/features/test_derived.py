"""Values derived from whole sources: computed once, read afterwards, never wrong."""

import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import PIL.Image
import pytest

import ganeval
from ganeval.errors import ResourceError
from ganeval.features import upkeep
from ganeval.features.derived import Arrays, Summary, derived_key
from ganeval.features.shards import ShardStore
from ganeval.flow import compute as flow_compute
from ganeval.metrics.parts import discrepancy, frechet_error, neighbourhood
from tests.features.damage import DAMAGES, damaged
from tests.pictures import blobs
from tests.summaries import InMemory

FAST = {"extractor": "random", "device": "cpu"}
SUMMARY = "a" * 64


@dataclasses.dataclass(frozen=True)
class Sums:
    """A derivation with fields of every kind that a key is made of."""

    version: ClassVar[int] = 1
    keep: ClassVar[bool] = True
    num: int = 1
    power: float = 1.0
    name: str | None = None
    parts: tuple[Any, ...] = ()
    other: Any = None

    def __call__(self, summary: Summary) -> Arrays:
        return {"sums": np.zeros(1)}


class Later(Sums):
    """The same of another version."""

    version: ClassVar[int] = 2


class Other(Sums):
    """Another one of the same fields."""

    version: ClassVar[int] = 1


class Forgetful(Sums):
    """One that declares no version of its own."""


class Mutable:
    """One that could change after its key was made."""

    version = 1
    keep = True

    def __call__(self, summary: Summary) -> Arrays:
        return {}


KEY = derived_key(Sums(), SUMMARY)
ARRAYS = {"sums": np.arange(5.0), "indices": np.array([[3, 1]], np.int32)}


@pytest.fixture
def store(tmp_path: Path) -> ShardStore:
    store = ShardStore(tmp_path / "shards")
    store.write_derived(KEY, ARRAYS)
    return store


@pytest.fixture
def no_kept_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every metric compute, so that what it derives is asked for."""
    monkeypatch.setattr(flow_compute, "find_result", lambda *_: None)
    monkeypatch.setattr(flow_compute, "keep_result", lambda *_: None)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """For how many images each derived value is computed, in the order of the calls."""
    counted: dict[str, list[int]] = {}

    def count(module: Any, name: str, size: Callable[..., int]) -> None:
        function = getattr(module, name)
        counted[name] = []

        def call(*args: Any) -> Any:
            counted[name].append(size(*args))
            return function(*args)

        monkeypatch.setattr(module, name, call)

    count(discrepancy, "within_sums", lambda rows, *rest: len(rows))
    count(neighbourhood, "nearest", lambda points, *rest: len(points))
    count(neighbourhood, "near_pairs", lambda reference, sample, *rest: len(sample))
    count(frechet_error, "_moments_of", lambda rows, part: len(part))
    return counted


def derived_files(cache: Path) -> dict[str, bytes]:
    folder = cache / "shards" / "derived"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_was_written_is_found(store: ShardStore) -> None:
    found = store.find_derived(KEY)
    assert found is not None
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    assert store.find_derived("0" * 64) is None


@pytest.mark.parametrize(
    "array",
    [
        np.array(2.5),
        np.zeros((0, 3)),
        np.arange(12).reshape(3, 4).T,
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(12, dtype=np.float32)[::3],
        np.array([True, False]),
    ],
    ids=["number", "empty", "transposed", "by columns", "every third", "truth"],
)
def test_arrays_of_any_shape_and_order_are_found(store: ShardStore, array: Any) -> None:
    store.write_derived("1" * 64, {"array": array})
    found = store.find_derived("1" * 64)
    assert found is not None
    np.testing.assert_array_equal(found["array"], array, strict=True)


def test_the_same_value_has_the_same_bytes(store: ShardStore) -> None:
    before = store.derived_path(KEY).read_bytes()
    store.write_derived(KEY, dict(reversed(ARRAYS.items())))
    assert store.derived_path(KEY).read_bytes() == before


def test_keys_depend_on_everything() -> None:
    rows = np.arange(6.0)
    summary = InMemory(np.ones((2, 2), np.float32))
    derivations = [
        *(Sums(), Later(), Other(), Sums(num=2), Sums(power=1.5), Sums(name="1"), Sums(num=True)),
        *(Sums(parts=(1, 2)), Sums(parts=(2, 1)), Sums(parts=((1, 2),)), Sums(parts=(1.0, 2))),
        *(Sums(parts=(rows,)), Sums(parts=(rows + 1,)), Sums(parts=(rows.reshape(2, 3),))),
        *(Sums(parts=(rows.astype(np.float32),)), Sums(other=b"1"), Sums(other="1")),
        *(Sums(other=Sums()), Sums(other=Sums(num=2)), Sums(other=summary)),
        Sums(other=InMemory(np.zeros((2, 2), np.float32))),
        Sums(other=InMemory(np.ones((2, 2), np.float32), labels=("a", "b"))),
    ]
    keys = [derived_key(one, SUMMARY) for one in derivations]
    keys.append(derived_key(Sums(), "b" * 64))
    assert len(set(keys)) == len(derivations) + 1
    again = InMemory(np.ones((2, 2), np.float32))
    assert derived_key(Sums(parts=(rows.copy(),)), SUMMARY) == derived_key(
        Sums(parts=(rows,)), SUMMARY
    )
    assert derived_key(Sums(other=again), SUMMARY) == derived_key(Sums(other=summary), SUMMARY)


def test_what_a_key_cannot_cover_is_refused() -> None:
    @dataclasses.dataclass(frozen=True)
    class Closure:
        version: ClassVar[int] = 1
        keep: ClassVar[bool] = True

        def __call__(self, summary: Summary) -> Arrays:
            return {"sums": np.full(1, Sums.version)}

    for derivation, reason in (
        (Closure(), "defined in a function"),
        (Forgetful(), "declares no version of its own"),
        (Mutable(), "neither a frozen dataclass nor a plain value"),
        (Sums(other=[1]), "neither a frozen dataclass nor a plain value"),
        (Sums(other=lambda: 1), "neither a frozen dataclass|defined in a function"),
    ):
        with pytest.raises(TypeError, match=reason):
            derived_key(derivation, SUMMARY)


@pytest.mark.parametrize("damage", [*DAMAGES, "foreign", "type"])
def test_a_damaged_file_is_noticed(
    store: ShardStore, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = store.derived_path(KEY)
    if damage == "foreign":
        store.write_derived("0" * 64, ARRAYS)
        path.write_bytes(store.derived_path("0" * 64).read_bytes())
    elif damage == "type":
        assert b'"dtype":"F64"' in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(b'"dtype":"F64"', b'"dtype":"I64"'))
    else:
        path.write_bytes(damaged(path.read_bytes(), damage))
    assert store.find_derived(KEY) is None
    assert "damaged cache file" in caplog.text


def test_upkeep_counts_and_removes(store: ShardStore) -> None:
    path = store.derived_path(KEY)
    size = upkeep.CacheSize(0, 1, path.stat().st_size)
    assert upkeep.measure(store.folder) == size
    os.utime(path, (0, time.time() - 2 * 86_400))
    store.find_derived(KEY)  # a use makes it young again
    assert upkeep.prune(store.folder, older_than_days=1) == upkeep.CacheSize(0, 0, 0)
    os.utime(path, (0, time.time() - 2 * 86_400))
    assert upkeep.prune(store.folder, older_than_days=1) == size
    assert not path.exists()


@pytest.mark.usefixtures("no_kept_results")
@pytest.mark.parametrize("cache", [True, False])
def test_a_comparison_pays_for_the_reference_once(
    counts: dict[str, list[int]], cache: bool
) -> None:
    """Enough images that all of the scores have an error, so that they want the same neighbours."""
    reference = blobs(540, seed=1, height=8, width=8)
    samples = [
        ganeval.Images(blobs(num, seed=num, height=8, width=8, shift=9), name=str(num))
        for num in (530, 531, 532)
    ]
    options = {"metrics": ["fid", "kid", "dc", "pr"], "cache": cache, **FAST}
    ganeval.compare(samples=samples, reference=reference, **options)
    assert sorted(counts["within_sums"]) == [530, 531, 532, 540]
    assert sorted(counts["nearest"]) == [530, 531, 532, 540]
    assert counts["near_pairs"] == [530, 531, 532]
    assert counts["_moments_of"].count(135) == 4  # quarters of the reference
    assert len(counts["_moments_of"]) == 4 + 3 * 4
    for calls in counts.values():
        calls.clear()
    ganeval.evaluate(sample=samples[0], reference=reference, **options)
    if cache:
        assert counts["within_sums"] == []
        assert counts["_moments_of"].count(135) == 0
        # What is larger than the features, of 64 numbers here, is not kept.
        assert sorted(counts["nearest"]) == [530, 540]
    else:
        assert sorted(counts["within_sums"]) == [530, 540]


@pytest.mark.usefixtures("no_kept_results")
def test_reading_gives_what_computing_gives(real: Path, fake: Path, own_cache: Path) -> None:
    def score() -> ganeval.Report:
        return ganeval.evaluate(sample=fake, reference=real, **FAST)

    report = score()
    files = derived_files(own_cache)
    assert len(files) == 4  # the neighbours and kernel sums of two sides
    assert score() == report
    for name in files:
        (own_cache / "shards" / "derived" / name).unlink()
    assert score() == report
    assert derived_files(own_cache) == files


@pytest.mark.usefixtures("no_kept_results")
def test_a_matrix_is_read_once(real: Path, fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ganeval.evaluate(sample=fake, reference=real, metrics=["is", "kid", "pr", "dc"], **FAST)
    read: list[int] = []
    rows = ShardStore.rows

    def counted(store: ShardStore, key: str) -> Any:
        found = rows(store, key)
        read.append(found.shape[1])
        return found

    monkeypatch.setattr(ShardStore, "rows", counted)
    ganeval.evaluate(sample=fake, reference=real, metrics=["is", "kid", "pr", "dc"], **FAST)
    assert sorted(read) == [10, 64, 64]  # the logits of one side, the features of two


@pytest.mark.usefixtures("no_kept_results")
def test_a_damaged_value_is_computed_again(
    real: Path, fake: Path, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = ganeval.evaluate(sample=fake, reference=real, metrics=["kid", "pr"], **FAST)
    files = derived_files(own_cache)
    for path in (own_cache / "shards" / "derived").iterdir():
        content = bytearray(path.read_bytes())
        content[-1] ^= 64
        path.write_bytes(content)
    again = ganeval.evaluate(sample=fake, reference=real, metrics=["kid", "pr"], **FAST)
    assert again == first
    assert caplog.text.count("damaged cache file") == 4
    assert derived_files(own_cache) == files


def test_a_changed_image_changes_the_value(
    real: Path, fake: Path, counts: dict[str, list[int]]
) -> None:
    ganeval.evaluate(sample=fake, reference=real, metrics=["kid"], **FAST)
    PIL.Image.fromarray(blobs(1, seed=9)[0]).save(real / "00029.png")
    cached = ganeval.evaluate(sample=fake, reference=real, metrics=["kid"], **FAST)
    assert counts["within_sums"] == [25, 30, 30]
    fresh = ganeval.evaluate(sample=fake, reference=real, metrics=["kid"], cache=False, **FAST)
    assert cached.scores == fresh.scores


@pytest.mark.usefixtures("no_kept_results")
def test_moments_are_kept_where_they_are_smaller_than_the_features(own_cache: Path) -> None:
    few, many = (blobs(num, seed=num, height=8, width=8) for num in (100, 200))
    ganeval.evaluate(sample=few, reference=many, metrics=["fid"], **FAST)
    files = derived_files(own_cache)
    assert len(files) == 1
    assert 64 * 65 * 8 < len(next(iter(files.values()))) < 64 * 65 * 8 + 2000


def test_a_value_that_cannot_be_kept_is_no_error(
    real: Path,
    fake: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(store: ShardStore, key: str, arrays: Any) -> None:
        raise ResourceError(f"{key}: the disk is full", "1 byte needed, 0 free", "free some")

    expected = ganeval.evaluate(sample=fake, reference=real, metrics=["kid"], cache=False, **FAST)
    monkeypatch.setattr(ShardStore, "write_derived", full)
    report = ganeval.evaluate(sample=fake, reference=real, metrics=["kid"], **FAST)
    assert report.scores == expected.scores
    assert (
        "the disk is full; needed: 1 byte needed, 0 free; free some; it will be computed"
        in caplog.text
    )
