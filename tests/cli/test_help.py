"""The help: every option in a panel with its names, readable in any window, and at no cost."""

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import pytest

from ganeval.cli.generator_options import GENERATOR_OPTIONS
from ganeval.cli.main import COMMANDS, SECTIONS, cli
from ganeval.cli.panels import PANELS
from ganeval.extractors.base import EXTRACTORS
from ganeval.generators import drawing, outputs
from ganeval.metrics.protocols import PROTOCOLS
from ganeval.metrics.table import METRICS
from tests.command import Command
from tests.screen import run_in_terminal

WIDTHS = (60, 80, 110)
HEAVY = ("torch", "numpy", "pandas", "PIL", "scipy", "rich.progress")


def commands(group: click.Group, *before: str) -> Iterator[tuple[str, click.Command]]:
    """Every command by the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)
        else:
            yield " ".join((*before, name)), command


def options(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option)]


LEAVES = dict(commands(cli))


@pytest.mark.parametrize("name", LEAVES)
def test_every_option_has_a_panel_and_says_what_it_is(name: str) -> None:
    for option in options(LEAVES[name]):
        said = f"{option.opts[-1]} of `ganeval {name}`"
        assert getattr(option, "panel", None) in PANELS, f"{said} has no panel"
        assert option.help, f"{said} has no help"
        assert option.help[0].isupper() or option.help[0] == "`", said
        assert not option.help.endswith("."), f"{said}: a noun phrase, no sentence"
        assert not option.help.startswith(("Of ", "Show ", "Print ", "Whether or")), said
        if isinstance(option.type, click.Choice):
            missing = [
                one for one in option.type.choices if not re.search(rf"\b{one}\b", option.help)
            ]
            assert not missing, f"{said} does not name {missing}"
        if not option.is_flag:
            assert option.metavar, f"{said} has no metavar"
            assert len(f"{', '.join(option.opts)} {option.metavar}") <= 23, said


@pytest.mark.parametrize("name", LEAVES)
def test_every_parameter_is_shown_once(name: str, ganeval: Command) -> None:
    shown = ganeval(*name.split(), "--help").out
    for option in options(LEAVES[name]):
        rows = re.findall(rf"^  (?:-\w, )?{option.opts[-1]}(?![\w-])(?! *$)", shown, re.MULTILINE)
        assert len(rows) == 1, option.opts


def test_the_names_in_the_help_are_those_of_the_tables() -> None:
    said = {option.opts[-1]: str(option.help) for option in options(LEAVES["eval"])}
    # A comparer is chosen by the metrics of pairs, and is no network of a run.
    networks = ", ".join(itertools.takewhile(lambda name: name != "pixels", EXTRACTORS.names()))
    assert networks in said["--extractor"]
    assert ", ".join(PROTOCOLS) in said["--protocol"]
    assert networks in str(
        next(one.help for one in options(LEAVES["train"]) if "--eval-extractor" in one.opts)
    )


def test_the_choices_are_those_of_the_library() -> None:
    @click.command()
    def bare() -> None: ...

    for option in GENERATOR_OPTIONS:
        option(bare)
    choices = {
        one.name: one.type.choices for one in bare.params if isinstance(one.type, click.Choice)
    }
    assert {name: tuple(found) for name, found in choices.items()} == {
        "latent_layout": get_args(drawing.LatentLayout),
        "prior": get_args(drawing.Prior),
        "label_policy": get_args(drawing.LabelPolicy),
        "label_form": get_args(drawing.LabelForm),
        "noise": get_args(drawing.Noise),
        "image_layout": get_args(outputs.ImageLayout),
    }


@pytest.mark.parametrize("width", WIDTHS)
def test_the_help_fits_a_terminal(width: int, tmp_path: Path) -> None:
    code, lines = run_in_terminal("fid", "--help", width=width, cwd=tmp_path)
    assert code == 0
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    assert "\u2026" not in text
    for option in options(LEAVES["fid"]):
        assert " ".join(str(option.help).split()) in text, option.opts
    titles = [line[:-1] for line in lines if line and line[:-1] in PANELS]
    assert titles == [
        *("Scoring", "Output", "Pictures", "Sources and cache", "Machine", "Generator files")
    ]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (110, 30)])
def test_the_first_screen_has_what_most_people_need(
    width: int, height: int, tmp_path: Path
) -> None:
    _, lines = run_in_terminal("fid", "--help", width=width, cwd=tmp_path)
    first = "\n".join(lines[:height])
    wanted = ("Usage: ganeval fid", "  ganeval fid real/ fake/", "--extractor", "--num-images")
    for words in (*wanted, "--protocol", "--seed", "-o, --output", "--json"):
        assert words in first


@pytest.mark.parametrize("words", [(), ("fid",), ("cache",)])
def test_a_pipe_gets_plain_text(words: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "ganeval", *words, "--help"]
    environment = {**os.environ, "GITHUB_ACTIONS": "true"}
    environment.pop("FORCE_COLOR", None)
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("Usage: ganeval")
    assert shown.stdout.isascii()
    assert "\x1b" not in shown.stdout


def test_the_main_help_groups_the_commands(tmp_path: Path) -> None:
    for width in WIDTHS:
        _, lines = run_in_terminal("--help", width=width, cwd=tmp_path)
        titles = [line[:-1] for line in lines if re.fullmatch(r"[A-Z]\w+:", line)]
        assert titles == ["Score", "Compare", "Gate", "Generators", "Upkeep", "Options"]
        assert titles[:-1] == list(SECTIONS)
        below = lines[lines.index("Score:") :]
        found = [line.split()[0] for line in below if re.match(r"  [a-z]", line)]
        assert found == list(COMMANDS)


def test_help_and_errors_of_spelling_import_nothing_heavy() -> None:
    metrics = METRICS.names()
    leaves = sorted(LEAVES, key=lambda name: name in metrics)  # what is imported stays so
    calls = [
        *([], ["--help"], ["fdi"], ["--version"], ["eval", "a", "b", "--quiet", "-v"]),
        *(["eval", "a"], ["train"], ["sample", "x"], ["check", "run.json"]),
        *([*name.split(), end] for name in leaves for end in ("--help", "--no-such-option")),
        ["fid"],
    ]
    code = f"""
import sys
from ganeval.cli.main import main
for words in {calls!r}:
    try:
        main(words)
    except SystemExit as end:
        # What a metric looks at is in its class, which computes with numpy.
        allowed = {{"numpy"}} if words and words[0] in {metrics!r} else set()
        found = sorted(({{*{HEAVY!r}}} - allowed) & {{*sys.modules}})
        assert not found, f"{{words}} imports {{found}}"
        assert end.code == 2 * (words != [] and words[-1] not in ("--help", "--version")), words
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("ganeval: error: ") == len(done.stderr.splitlines())


@pytest.mark.parametrize("words", [("train", "dcgn"), ("list", "modelz")])
def test_errors_break_at_words_in_a_terminal_alone(
    words: tuple[str, ...], tmp_path: Path, ganeval: Command
) -> None:
    (line,) = ganeval(*words).err.splitlines()
    code, lines = run_in_terminal(*words, width=60, cwd=tmp_path, stream="stderr")
    assert code == 2
    assert len(lines) > 1
    assert max(map(len, lines)) <= 60
    assert "".join(lines[:1] + [f" {one.strip()}" for one in lines[1:]]) == line
