"""What the README promises, run."""

import re
from pathlib import Path

import pytest

from ganeval.metrics import protocols
from ganeval.metrics.table import METRICS
from tests.command import Command

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


SOUND = (Path(__file__).parents[1] / "docs" / "sound.md").read_text(encoding="utf-8")
OF_PICTURES = [name for name, one in protocols.PROTOCOLS.items() if "fad" not in one.metrics]


@pytest.mark.parametrize("name", sorted(OF_PICTURES))
def test_the_table_of_protocols_is_that_of_the_code(name: str) -> None:
    (row,) = re.findall(rf"^\| `{re.escape(name)}`.*$", README, re.MULTILINE)
    cells = [cell.strip() for cell in row.strip("|").split("|")][3:]
    defined = [cell != "-" for cell in cells]
    metrics = protocols.PROTOCOLS[name].metrics
    assert defined == [metric in metrics for metric in ("fid", "is", "kid", "pr", "dc")]


def test_the_protocols_of_sound_are_on_its_page() -> None:
    for name in set(protocols.PROTOCOLS) - {*OF_PICTURES}:
        (convention,) = re.findall(rf"^\| `{re.escape(name)}`, `(\w+)`", SOUND, re.MULTILINE)
        assert protocols.PROTOCOLS[name].metrics["fad"].convention == convention


def test_every_command_that_is_shown_exists(ganeval: Command) -> None:
    from ganeval.cli.main import COMMANDS

    shown = set(re.findall(r"^ganeval ([a-z-]+)", README, re.MULTILINE))
    assert shown
    assert shown <= {*COMMANDS, *METRICS.names()}
