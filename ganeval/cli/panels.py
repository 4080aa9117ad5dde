"""Show the help of commands in panels of one order, with the options that every command has.

An option names its panel where it is declared: `click.option("--seed", panel=SCORING, ...)`.
"""

import difflib
import inspect
import logging
from typing import Any

import rich_click as click

from ganeval.cli.call import LOG
from ganeval.errors import UsageError

TRAINING = "Training"
GATE = "Gate"
SCORING = "Scoring"
OUTPUT = "Output"
PICTURES = "Pictures"
SOURCES = "Sources and cache"
MACHINE = "Machine"
GENERATOR = "Generator files"
PANELS = (TRAINING, GATE, SCORING, OUTPUT, PICTURES, SOURCES, MACHINE, GENERATOR)
"""The panels in the order of the help; what most people need fits on the first screen."""

HELP = {
    "theme": "slim",
    "enable_theme_env_var": False,
    "text_markup": None,
    "max_width": 110,
    "force_terminal": None,  # a pipe gets no colour, not even on a CI server
    "options_table_column_types": ["opt_all_metavar", "help"],
    "append_metavars_help_string": "{}",
    "options_table_help_sections": ["help", "required", "default"],
    "default_string": "(default: {})",
    "required_long_string": "(required)",
}
"""The settings of rich-click."""


class OptionPanel(click.RichOptionPanel):
    """A panel whose columns line up with those of the other panels."""

    def get_table(self, *args: Any) -> Any:
        """Return its rows."""
        return _aligned(super().get_table(*args), 23)


class CommandPanel(click.RichCommandPanel):
    """A panel whose columns line up with those of the other panels."""

    def get_table(self, *args: Any) -> Any:
        """Return its rows."""
        return _aligned(super().get_table(*args), 10)


def _aligned(table: Any, width: int) -> Any:
    """Return a table whose first column has this width."""
    if table.columns:
        table.columns[0].width = width
    return table


def _set_level(context: click.Context, parameter: click.Parameter, given: bool) -> None:
    """Set the level of messages: errors only (`--quiet`), or details too (`--verbose`)."""
    if not given:
        return
    if context.meta.setdefault("ganeval.level", parameter.name) != parameter.name:
        raise UsageError("--quiet and --verbose", "one of them", "drop the other")
    if parameter.name == "quiet":
        LOG.setLevel(logging.ERROR)
    elif context.obj.team.leads:
        LOG.setLevel(logging.INFO)


def _everywhere() -> list[click.Parameter]:
    """Return the options of every command, which need no argument of its function."""
    return [
        click.RichOption(
            ["--quiet"],
            is_flag=True,
            expose_value=False,
            callback=_set_level,
            panel=OUTPUT,
            help="Write only errors to stderr: no progress, no warnings",
        ),
        click.RichOption(
            ["-v", "--verbose"],
            is_flag=True,
            expose_value=False,
            callback=_set_level,
            panel=OUTPUT,
            help="Write to stderr what was tried, computed and found",
        ),
        click.RichOption(
            ["--traceback"],
            is_flag=True,
            expose_value=False,
            panel=OUTPUT,
            help="Add the place in the code to an error",
        ),
    ]


class _Told(click.RichCommand):
    """Shows its help as paragraphs, with examples indented."""

    def get_help_option(self, ctx: Any) -> click.Option | None:
        """Return the option that shows the help."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = "Display this help and exit"
        return option

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write the docstring; a paragraph after click's mark for verbatim text is an example."""
        from rich.padding import Padding
        from rich.text import Text

        for paragraph in inspect.cleandoc(self.help or "").split("\n\n"):
            example = paragraph.startswith("\b")
            text = paragraph[2:] if example else paragraph.replace("\n", " ")
            shown = formatter.highlighter(Text(text))
            formatter.write(Padding(shown, (0, 0, 1, 2 if example else 0)))


class Command(_Told):
    """A command with panels, and with the options that every command has."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, panels=[OptionPanel(name) for name in PANELS], **kwargs)
        self.params += _everywhere()
        # The panel of `--help`, which no declaration can set.
        self.context_settings["rich_help_config"] = {"options_panel_title": OUTPUT}


class Group(_Told, click.RichGroup):  # type: ignore[misc]  # rich_click declares other types
    """A group that shows its help when it is called alone, and the nearest name when misspelt."""

    command_class = Command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Return what is left for the command."""
        return super().parse_args(ctx, args or ["--help"])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names; fail with the nearest one if none does."""
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], known, n=1)
            ctx.fail(
                f"No such command '{args[0]}'" + "".join(f"; did you mean '{n}'?" for n in near)
            )
        return super().resolve_command(ctx, args)
