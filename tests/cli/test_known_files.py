"""Commands that are given again: which pictures are read, and that the scores are the same."""

import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from tests.command import Command

FAST = ("--extractor", "random", "--json", "--trust-times")


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ten seconds pass before the first command."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10 * 10**9)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pictures that are opened."""
    names: list[str] = []
    real_open = io.open

    def spy(file: Any, *args: Any, **options: Any) -> Any:
        if str(file).endswith(".png"):
            names.append(Path(file).name)
        return real_open(file, *args, **options)

    monkeypatch.setattr(io, "open", spy)
    return names


@pytest.fixture
def score(ganeval: Command) -> Callable[..., Any]:
    """Return a function that scores two folders, and gives the rows of the report."""

    def call(*words: object) -> Any:
        found = ganeval("fid", *words)
        assert found.code == 0, found.err
        return json.loads(found.out)["scores"]

    return call


def test_the_same_command_again_reads_no_picture(
    score: Callable[..., Any], real: Path, fake: Path, opened: list[str]
) -> None:
    first = score(real, fake, *FAST)
    assert opened
    opened.clear()
    assert score(real, fake, *FAST) == first
    assert opened == []
    os.utime(fake / "00003.png")
    assert score(real, fake, *FAST) == first
    assert set(opened) == {"00003.png"}
    assert score(real, fake, *FAST, "--rehash") == first
    assert len(set(opened)) == 30
    opened.clear()
    assert score(real, fake, *FAST) == first
    assert opened == []


def test_a_change_under_old_times_changes_the_score(
    score: Callable[..., Any], real: Path, fake: Path
) -> None:
    first = score(real, fake, *FAST)
    path = fake / "00003.png"
    state = path.stat()
    PIL.Image.new("RGB", (24, 24), "red").save(path)
    with path.open("ab") as file:  # what follows the end of a PNG is no part of it
        file.write(bytes(state.st_size - path.stat().st_size))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert path.stat().st_size == state.st_size
    changed = score(real, fake, *FAST)
    assert changed == score(real, fake, *FAST, "--no-cache")
    assert changed[0]["value"] != first[0]["value"]


def test_a_known_picture_is_read_for_another_network(
    score: Callable[..., Any], real: Path, fake: Path
) -> None:
    score(real, fake, *FAST)
    other = (*FAST[2:], "--extractor", "random", "--batch-size", "3")
    assert score(real, fake, *other) == score(real, fake, *other, "--no-cache")


def test_pictures_that_are_skipped_are_told_again(ganeval: Command, real: Path, fake: Path) -> None:
    (fake / "00004.png").write_bytes(b"no picture")
    words = ("fid", real, fake, *FAST, "--on-bad-image", "skip", "--max-bad", "10%")
    first, second = ganeval(*words), ganeval(*words)
    assert json.loads(first.out)["scores"] == json.loads(second.out)["scores"]
    assert "00004.png: not a picture" in second.err
    assert "00004.png: not a picture" in ganeval("fid", real, fake, *FAST).error


def test_no_cache_keeps_nothing(
    score: Callable[..., Any], real: Path, fake: Path, own_cache: Path
) -> None:
    score(real, fake, *FAST, "--no-cache")
    assert not (own_cache / "index").exists()


def test_the_index_is_measured_pruned_and_cleared(
    ganeval: Command, score: Callable[..., Any], real: Path, fake: Path, own_cache: Path
) -> None:
    folder = own_cache / "index"
    assert f"{folder}: records of the files of 0 sources" in ganeval("cache", "info").out
    score(real, fake, *FAST)
    line = f"{folder}: records of the files of 2 sources, 0.0 MiB\n"
    assert line in ganeval("cache", "info").out
    kept = f"{folder}: removed records of the files of 0 sources"
    assert kept in ganeval("cache", "prune").out
    gone = f"{folder}: removed records of the files of 2 sources"
    assert gone in ganeval("cache", "clear").out
    assert list(folder.iterdir()) == []
