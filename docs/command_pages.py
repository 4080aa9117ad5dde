"""Write what the page of the commands includes: each command's usage and options.

The text is made of the commands themselves and lies in `docs/commands.txt`, which git ignores.
"""

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import rich_click as click
from metric_pages import command_of, escaped, write_if_changed

from ganeval.cli.main import SECTIONS, cli
from ganeval.cli.panels import PANELS
from ganeval.metrics.table import METRICS

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MANY = 20
"""From so many commands on, an option stands under the options that many commands have."""


class Row(NamedTuple):
    """An option: the panel of the help that it stands in, and its row in a table."""

    panel: str
    text: str


def commands() -> dict[str, click.Command]:
    """Return every command by the words that call it, without the groups of commands."""
    return dict(_below(cli, "ganeval"))


def _below(command: click.Command, words: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield words, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _below(found, f"{words} {name}")


def row_of(option: click.Option) -> str:
    """Return an option as a row: how it is written, what it is, and its default."""
    context = click.Context(click.Command("any"))
    takes = "" if option.is_flag else f" {option.make_metavar(context)}"
    written = ", ".join((*option.opts, *option.secondary_opts)) + takes
    said, _, inside = str(option.help).partition(" (default: ")
    default = inside.rstrip(")")
    if option.required:
        default = "none: it has to be given"
    elif option.show_default:
        value = option.get_default(context)
        default = f"`{', '.join(value) if isinstance(value, (list, tuple)) else value}`"
    cells = (f"`{written}`", marked(said), default if "`" in default else marked(default))
    return "| " + " | ".join(cell.replace("\\|", "|").replace("|", "\\|") for cell in cells) + " |"


def marked(text: str) -> str:
    """Return a help text as Markdown, options as code: Sphinx would make a dash of `--`."""
    pieces = re.split("(`[^`]*`)", text)
    pieces[::2] = [re.sub(r"(?<![\w-])--[a-z][a-z-]*", r"`\g<0>`", piece) for piece in pieces[::2]]
    return escaped("".join(pieces))


def rows_of(command: click.Command) -> list[Row]:
    """Return the rows of a command's options, in the order of its help."""
    rows = [
        Row(str(one.panel), row_of(one))
        for one in command.params
        if isinstance(one, click.RichOption)
    ]
    return sorted(rows, key=lambda row: PANELS.index(row.panel))


def table(rows: list[Row]) -> list[str]:
    """Return a table of options."""
    head = ["", "| option | what it is | default |", "|---|---|---|"]
    return [*head, *(row.text for row in rows)] if rows else []


def help_of(command: click.Command) -> Iterator[str]:
    """Yield the lines of a command's help; what stands after click's mark is an example."""
    for paragraph in inspect.cleandoc(str(command.help)).split("\n\n"):
        example = paragraph.startswith("\b")
        yield from ["", *(("```bash", paragraph[2:], "```") if example else (marked(paragraph),))]


def text() -> str:
    """Return the sections of all commands, and the options that many have, as Markdown."""
    rows = {words: rows_of(command) for words, command in commands().items()}
    count = Counter(row for some in rows.values() for row in some)
    every = [row for row in count if count[row] == len(rows)]
    common = {
        panel: [row for row in count if row.panel == panel and MANY <= count[row] < len(rows)]
        for panel in PANELS
    }
    common = {panel: some for panel, some in common.items() if some}
    lines = []
    for section, names in SECTIONS.items():
        lines += ["", f"## {section}"]
        for words, command in commands().items():
            name = words.split()[1]
            if name in names and name not in METRICS.names():
                lines += section_of(words, command, common, every)
        if section == "Score":
            lines += [*of_metrics(), *also([*common])]
    lines += ["", "## Options that many commands have"]
    for panel, some in common.items():
        lines += ["", f"### {heading_of(panel)}", *table(some)]
    return "\n".join([*lines, "", "### Options of every command", *table(every)]) + "\n"


def section_of(
    words: str, command: click.Command, common: dict[str, list[Row]], every: list[Row]
) -> list[str]:
    """Return the section of a command: its usage, its help, and the options that few have."""
    rows = rows_of(command)
    taken = [panel for panel, some in common.items() if {*some} <= {*rows}]
    elsewhere = {*every, *(row for panel in taken for row in common[panel])}
    usage = " ".join([words, *command.collect_usage_pieces(click.Context(command))])
    lines = ["", f"### {words}", "", "```text", usage, "```", *help_of(command)]
    return [*lines, *table([row for row in rows if row not in elsewhere]), *also(taken)]


def of_metrics() -> list[str]:
    """Return the section of the metrics, each of which is a command."""
    lines = ["", "### One metric", "", "Every metric is a command.", ""]
    lines += ["| command | page of the metric |", "|---|---|"]
    for name in METRICS.names():
        kind = METRICS.load(name)
        call = f"`ganeval {command_of(name, kind())}`"
        lines.append(f"| {call} | [{kind.common_name}](metrics/{name}.md) |")
    return lines


def also(panels: list[str]) -> list[str]:
    """Return the sentence that links to the options which a command has in common with many."""
    links = [f"[{panel}](#{heading_of(panel).lower().replace(' ', '-')})" for panel in panels]
    return ["", f"Further options: {', '.join(links)}."] if links else []


def heading_of(panel: str) -> str:
    """Return the heading above the options of a panel that many commands have."""
    return f"{panel} options"


def setup(app: "Sphinx") -> dict[str, bool]:
    """Tell Sphinx to write the text before it reads."""
    app.connect(
        "builder-inited",
        lambda app: write_if_changed(Path(app.srcdir) / "commands.txt", text()),
    )
    return {"parallel_read_safe": True}
