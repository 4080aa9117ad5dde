"""What README and the pages promise; their blocks are run in `tests/docs`."""

import re
from pathlib import Path

import pytest

import ganeval as package
from ganeval import extend
from ganeval.metrics import protocols
from ganeval.metrics.table import METRICS
from tests.docs.blocks import blocks_of, pages

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
OF_PICTURES = [name for name, one in protocols.PROTOCOLS.items() if "fad" not in one.metrics]


@pytest.mark.parametrize("name", sorted(OF_PICTURES))
def test_the_table_of_protocols_is_that_of_the_code(name: str) -> None:
    page = (ROOT / "docs" / "protocols.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{re.escape(name)}`.*$", page, re.MULTILINE)
    cells = [cell.strip() for cell in row.strip("|").split("|")][3:]
    defined = [cell != "-" for cell in cells]
    metrics = protocols.PROTOCOLS[name].metrics
    assert defined == [metric in metrics for metric in ("fid", "is", "kid", "pr", "dc")]


def test_the_protocols_of_sound_are_on_its_page() -> None:
    page = (ROOT / "docs" / "sound.md").read_text(encoding="utf-8")
    for name in {*protocols.PROTOCOLS} - {*OF_PICTURES}:
        (convention,) = re.findall(rf"^\| `{re.escape(name)}`, `(\w+)`", page, re.MULTILINE)
        assert protocols.PROTOCOLS[name].metrics["fad"].convention == convention


def test_every_command_that_is_shown_exists() -> None:
    from ganeval.cli.main import COMMANDS

    shown = {
        command
        for page in pages()
        for block in blocks_of(page)
        if block.language in ("console", "bash")
        for command in re.findall(r"^(?:\$ )?ganeval ([a-z-]+)", block.text, re.MULTILINE)
    }
    added = {"spread"}  # by the package of docs/extending.md
    assert shown >= {"fid", "eval", "compare", "train"}
    assert shown <= {*COMMANDS, *METRICS.names(), *added}


def test_readme_is_one_page_of_eighty_columns() -> None:
    lines = README.splitlines()
    assert len(lines) <= 150
    assert [line for line in lines if len(line) > 80] == []


def test_readme_names_every_metric() -> None:
    families = README[README.index("## What it scores") : README.index("## Documentation")]
    assert {*METRICS.entries} - {"fid-infinity"} <= {*re.findall(r"`([a-z-]+)`", families)}


@pytest.mark.parametrize(
    "link", re.findall(r"\]\(([^)]+)\)", README), ids=lambda link: link.replace("/", "-")
)
def test_the_links_of_readme_lead_to_files(link: str) -> None:
    assert (ROOT / link).is_file()


def test_every_public_name_is_in_the_reference() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    described = re.findall(r"^\.\. auto\w+:: ganeval\.(\w+)", page, re.MULTILINE)
    assert sorted(described) == package.__all__
    assert "automodule:: ganeval.extend" in (ROOT / "docs" / "api-extend.md").read_text()
    assert extend.__all__
