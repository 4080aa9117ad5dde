"""The shard store: whole, own and undamaged files, or none."""

import errno
import os
import stat
import time
from pathlib import Path

import numpy as np
import pytest

from ganeval.errors import CacheError, ResourceError
from ganeval.features import upkeep
from ganeval.features.shards import ShardInfo, ShardStore, shard_key
from tests.features.damage import DAMAGES, damaged

KEY = shard_key({"a": 1}, [b"x" * 32])
OTHER = shard_key({"a": 2}, [b"x" * 32])
ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)
INFO = ShardInfo(num=4, notes={"grey to RGB": 3}, skipped={4: "x.png: truncated; ..."})


@pytest.fixture
def store(tmp_path: Path) -> ShardStore:
    store = ShardStore(tmp_path / "shards")
    store.write(KEY, ROWS, INFO)
    return store


def test_what_was_written_is_found(store: ShardStore) -> None:
    assert store.find(KEY) == INFO
    np.testing.assert_array_equal(store.rows(KEY), ROWS)
    assert store.find(OTHER) is None
    assert (store.has(KEY), store.has(OTHER)) == (True, False)


def test_the_same_shard_has_the_same_bytes(store: ShardStore) -> None:
    before = store.path(KEY).read_bytes()
    store.write(KEY, np.array(ROWS, order="F"), INFO)
    assert store.path(KEY).read_bytes() == before


def test_keys_depend_on_everything_and_its_order() -> None:
    keys = {
        shard_key({"a": 1, "b": 2}, [b"x" * 32, b"y" * 32]),
        shard_key({"a": 1, "b": 3}, [b"x" * 32, b"y" * 32]),
        shard_key({"a": 1, "b": 2}, [b"y" * 32, b"x" * 32]),
        shard_key({"a": 1, "b": 2}, [b"x" * 32]),
    }
    assert len(keys) == 4
    assert shard_key({"b": 2, "a": 1}, [b"x" * 32, b"y" * 32]) in keys


@pytest.mark.parametrize("damage", [*DAMAGES, "foreign"])
def test_a_damaged_file_is_noticed(
    store: ShardStore, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = store.path(KEY)
    if damage == "foreign":
        store.write(OTHER, ROWS, INFO)
        path.write_bytes(store.path(OTHER).read_bytes())
    else:
        path.write_bytes(damaged(path.read_bytes(), damage))
    assert store.find(KEY) is None
    assert "damaged cache file" in caplog.text
    with pytest.raises(CacheError, match=r"run the same command again"):
        store.rows(KEY)


def test_only_the_owner_may_enter(store: ShardStore) -> None:
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700


def test_a_cache_open_to_all_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    ShardStore(folder)
    assert "anyone can write" in caplog.text


def test_disk_full_leaves_nothing(store: ShardStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        ResourceError, match=r"the disk is full; needed: [\d,]+ bytes, and [\d,]+ are free"
    ):
        store.write(OTHER, ROWS, INFO)
    files = [path for path in store.folder.rglob("*") if path.is_file()]
    assert files == [store.path(KEY)]


def test_stale_scratch_files_are_swept(store: ShardStore) -> None:
    old, new = store.folder / "tmp" / "old", store.folder / "tmp" / "new"
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (0, time.time() - 2 * 86_400))
    ShardStore(store.folder)
    assert not old.exists()
    assert new.exists()


def test_scratch_rows_vanish(store: ShardStore) -> None:
    rows = store.scratch_rows(3, 2)
    rows[:] = 7
    assert rows.sum() == 42
    assert list((store.folder / "tmp").iterdir()) == []


def test_upkeep_counts_and_removes(store: ShardStore) -> None:
    size = upkeep.measure(store.folder)
    assert size == upkeep.CacheSize(1, 0, store.path(KEY).stat().st_size)
    assert upkeep.prune(store.folder, older_than_days=1) == upkeep.CacheSize(0, 0, 0)
    os.utime(store.path(KEY), (0, time.time() - 2 * 86_400))
    store.find(KEY)  # a use makes it young again
    assert upkeep.prune(store.folder, older_than_days=1) == upkeep.CacheSize(0, 0, 0)
    os.utime(store.path(KEY), (0, time.time() - 2 * 86_400))
    assert upkeep.prune(store.folder, older_than_days=1) == size
    assert upkeep.measure(store.folder) == upkeep.CacheSize(0, 0, 0)
    assert upkeep.measure(store.folder / "absent") == upkeep.CacheSize(0, 0, 0)
