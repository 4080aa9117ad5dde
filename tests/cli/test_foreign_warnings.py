"""Warnings of other libraries on stderr: a tidy line each, and never a thousand."""

import logging
import warnings
from pathlib import Path

import PIL.Image
import pytest
import torch

from ganeval.cli.foreign_warnings import foreign_warnings_as_lines
from tests.command import Command
from tests.pictures import blobs

pytestmark = pytest.mark.filterwarnings("always")


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A folder of pictures whose EXIF blocks are cut at four places, and their pixels whole."""
    folder = tmp_path / "damaged"
    folder.mkdir()
    exif = PIL.Image.Exif()
    exif[0x010F] = "a maker"
    for number, picture in enumerate(blobs(24, seed=1)):
        block = exif.tobytes()[: 16 + number % 4]
        PIL.Image.fromarray(picture).save(folder / f"{number}.jpg", exif=block)
    return folder


def test_damage_beside_the_pixels_is_told_once(ganeval: Command, damaged: Path) -> None:
    before = warnings.showwarning, logging.lastResort
    command = ("is", damaged, "--extractor", "random", "--workers", "4")
    found = ganeval(*command)
    assert found.code == 0, found.err
    line = "ganeval: warning: Corrupt EXIF data. Expecting to read 12 bytes but only got "
    lines = found.err.splitlines()
    assert [one for one in lines if not one.startswith("ganeval: ")] == []
    told = [one for one in lines if one.startswith(line)]
    assert len(told) == 1
    assert told[0].endswith(" (UserWarning in PIL/TiffImagePlugin.py)")
    quiet = ganeval(*command, "--quiet", "--no-cache")
    assert (quiet.code, quiet.err) == (0, "")
    assert (warnings.showwarning, logging.lastResort) == before


def test_what_torch_says_of_a_checkpoint_is_one_line(ganeval: Command, tmp_path: Path) -> None:
    entry = ("--entry", "torch.nn:Linear", "--kwargs", '{"in_features": 2, "out_features": 2}')
    torch.save({"a": torch.eye(3).to_sparse()}, tmp_path / "g.pt")
    found = ganeval("sample", tmp_path / "g.pt", "-n", "10", "-o", tmp_path / "out", *entry)
    assert found.code == 2
    first, last = found.err.splitlines()
    assert first.startswith("ganeval: warning: Validating sparse tensor invariants because")
    assert last.startswith("ganeval: error: ")


def test_every_kind_of_warning_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    apart = logging.getLogger("somebody.else")
    apart.propagate = False  # pytest has handlers at the root, users have none
    with foreign_warnings_as_lines():
        for number in range(3):
            warnings.warn(f"file {number}\n  is\tbad", UserWarning, stacklevel=1)
        warnings.warn("file 3 is worse", UserWarning, stacklevel=1)
        warnings.warn_explicit("old", RuntimeWarning, "<string>", 1)
        apart.error("it is %s\nbroken", 7)
        apart.info("nobody asked for this")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(UserWarning, match="as an error"):
                warnings.warn("as an error", UserWarning, stacklevel=1)
    here = "(UserWarning in tests/cli/test_foreign_warnings.py)"
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", f"file 0 is bad {here}"),
        ("WARNING", f"file 3 is worse {here}"),
        ("WARNING", "old (RuntimeWarning in <string>)"),
        ("ERROR", "it is 7 broken (somebody.else)"),
    ]
