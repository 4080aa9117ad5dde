"""A folder without a fault, and a way to look sources over."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from ganeval.doctor.examine import examine
from ganeval.doctor.finding import Finding
from ganeval.flow.settings import build_settings
from tests.doctor.sharp import sharp

Look = Callable[..., list[Finding]]
NUM = 130  # more than twice the features of `random`, and less than five times


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sharp")
    for number, picture in enumerate(sharp(NUM, seed=1)):
        PIL.Image.fromarray(picture).save(folder / f"{number:04}.png", compress_level=1)
    return folder


@pytest.fixture
def clean(stored: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(stored, tmp_path / "clean"))


@pytest.fixture
def look() -> Look:
    """Return all findings on sources except the note on their number."""

    def call(*sources: object, **options: Any) -> list[Finding]:
        settings = build_settings({"extractor": "random", **options})
        found = examine([str(source) for source in sources], settings).findings
        return [finding for finding in found if finding.check != "few-images"]

    return call
