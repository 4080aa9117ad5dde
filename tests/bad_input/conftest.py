"""Folders with something wrong in them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bad_input.outcomes import JSON, values
from tests.command import Command


@pytest.fixture
def write_files(tmp_path: Path) -> Callable[..., Path]:
    """Write encoded pictures as numbered files into a new folder."""

    def write(name: str, contents: list[bytes], suffix: str = "png") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for number, content in enumerate(contents):
            (folder / f"{number:05}.{suffix}").write_bytes(content)
        return folder

    return write


@pytest.fixture
def scores(ganeval: Command, real: Path) -> Callable[..., dict[str, float]]:
    """Score pictures against the thirty ones by two metrics."""

    def score(folder: Path, *options: object) -> dict[str, float]:
        return values(ganeval("eval", real, folder, "-m", "fid,kid", *JSON, *options))

    return score
