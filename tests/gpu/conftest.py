"""Sides that fill one micro-batch of the CPU, so that the suite stays fast without a GPU."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pictures import blobs


@pytest.fixture
def real(tmp_path: Path, write_pictures: Callable[..., Path]) -> Path:
    """Fourteen pictures that stand for real ones."""
    return write_pictures(tmp_path / "real", blobs(14, seed=1))


@pytest.fixture
def fake(tmp_path: Path, write_pictures: Callable[..., Path]) -> Path:
    """Twelve much brighter pictures that stand for generated ones."""
    return write_pictures(tmp_path / "fake", blobs(12, seed=2, shift=60))
