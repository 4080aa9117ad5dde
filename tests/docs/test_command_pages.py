"""The page of the commands has every command with every option."""

import re
import sys
from pathlib import Path

import pytest
import rich_click as click

from ganeval.cli.main import cli
from ganeval.metrics.table import METRICS
from tests.docs.blocks import ROOT


@pytest.fixture
def text(monkeypatch: pytest.MonkeyPatch) -> str:
    """What the page includes."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    for name in ("command_pages", "metric_pages"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import command_pages  # type: ignore[import-not-found]

    return str(command_pages.text())


def leaves(command: click.Command, words: str = "ganeval") -> dict[str, click.Command]:
    if not isinstance(command, click.Group):
        return {words: command}
    context = click.Context(command)
    return {
        path: leaf
        for name in command.list_commands(context)
        for path, leaf in leaves(command.get_command(context, name), f"{words} {name}").items()
    }


def sections(text: str) -> dict[str, str]:
    return dict(re.findall(r"^### (.*?)\n(.*?)(?=^###? |\Z)", text, re.MULTILINE | re.DOTALL))


def test_every_command_has_a_section_with_all_its_options(text: str) -> None:
    found = sections(text)
    everywhere = found["Options of every command"]
    for words, command in leaves(cli).items():
        is_metric = words.split()[1] in METRICS.names()
        section = found["One metric" if is_metric else words]
        links = re.findall(r"\[([^\]]*)\]\(#[a-z-]*-options\)", section)
        shown = section + everywhere + "".join(found[f"{panel} options"] for panel in links)
        for option in command.params:
            if isinstance(option, click.Option):
                for written in option.opts:
                    assert re.search(rf"[` ]{written}[`, ]|{written} ", shown), (words, written)


def test_defaults_are_those_of_the_commands(text: str) -> None:
    found = sections(text)
    assert (
        "| `--precision NAME` | Arithmetic of the network: float32, bfloat16 | `float32` |"
        in (found["Machine options"])
    )
    assert "| `--part I/N` | Part I of N, counted from 0 | `0/1` |" in found["ganeval extract"]
    assert "| none: it has to be given |" in found["ganeval sample"]


def test_links_lead_to_headings(text: str) -> None:
    headings = {name.lower().replace(" ", "-") for name in sections(text)}
    assert {*re.findall(r"\(#([a-z-]*)\)", text)} <= headings
    for page in re.findall(r"\((metrics/[a-z-]*)\.md\)", text):
        assert Path(page).name in METRICS.names()
