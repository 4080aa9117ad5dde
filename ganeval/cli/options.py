"""Turn the options of scoring commands into settings, and print reports to stdout."""

import functools
import inspect
import math
import re
import shlex
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from ganeval.cli.call import current_call
from ganeval.cli.progress import terminal_progress
from ganeval.cli.prose import say_text, terminal_width
from ganeval.cli.shared_options import OUTPUT_OPTIONS, RUN_OPTIONS, SHOW_OPTIONS
from ganeval.errors import UsageError, one_line
from ganeval.machine.progress import Progress

if TYPE_CHECKING:
    from ganeval.flow.settings import Settings
    from ganeval.report.digits import Digits
    from ganeval.report.formats import Notes
    from ganeval.report.report import Report


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the shared options; it gets them as one `settings` argument."""
    own = inspect.signature(command).parameters

    @functools.wraps(command)
    def wrapper(**values: Any) -> Any:
        shared = {name: values.pop(name) for name in list(values) if name not in own}
        with terminal_progress() as progress:
            return command(settings=_settings(shared, progress), **values)

    return _decorate(wrapper, RUN_OPTIONS)


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that returns a report `--json`, `-o` and `--plots`, which are checked first.

    A command with `run_options` is told whether its report is shown with pictures.
    """
    has_run = "settings" in inspect.signature(command).parameters

    @functools.wraps(command)
    def wrapper(
        *,
        as_json: bool,
        output: tuple[Path, ...],
        plots: Path | None,
        digits: "Digits",
        notes: "Notes",
        **values: Any,
    ) -> None:
        from ganeval.report.output import check_output
        from ganeval.report.plots import check_plots
        from ganeval.report.report import SUFFIXES
        from ganeval.report.report_file import check_beside

        for path in output:
            check_output(path, SUFFIXES)
            check_beside(path)
        if plots is not None:
            check_plots(plots)
        if has_run:
            is_page = [path.suffix.lower() == ".html" for path in output]
            values["gallery"] = plots is not None or any(is_page)
        report: Report = command(**values)
        for path in output:
            report.save(path, digits=digits)
        if plots is not None:
            report.save_plots(plots)
        show(report, as_json=as_json, digits=digits, notes=notes)

    return _decorate(wrapper, OUTPUT_OPTIONS)


def show_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--digits` and `--notes`, for `show`."""
    return _decorate(command, SHOW_OPTIONS)


def show(report: "Report", *, as_json: bool, digits: "Digits", notes: "Notes") -> None:
    """Print a report to stdout: JSON, or the table, which fits a terminal of any width."""
    if as_json:
        click.echo(report.to_json(), nl=False)
        return

    from ganeval.report.formats import terminal

    table = terminal(
        report.ranked,
        report.provenance,
        report.pairs,
        width=terminal_width(),
        digits=digits,
        which=notes,
    )
    say_text(table)


def split_metrics(text: str | None) -> list[str] | None:
    """Return the metrics of a comma-separated text."""
    return None if text is None else [part.strip() for part in text.split(",")]


def _settings(given: dict[str, Any], progress: Progress) -> "Settings":
    """Return settings from the values of the shared options."""
    from ganeval.flow.settings import build_settings

    given["networks"] = _networks(given["networks"])
    given["cache"] = not given.pop("no_cache")
    given["max_bad"] = _share(given["max_bad"])
    given["memory"] = _size(given["memory"])
    given["float_range"] = _range(given["float_range"])
    options = {name: value for name, value in given.items() if value is not None}
    call = current_call()
    command = one_line(shlex.join(["ganeval", *call.words]))
    options |= {"progress": progress, "command": command, "team": call.team}
    return build_settings(options)


def _networks(texts: Sequence[str]) -> dict[str, str]:
    """Return `SHORT=SPEC` texts as networks by their short names."""
    found: dict[str, str] = {}
    for text in texts:
        short, equals, spec = text.partition("=")
        if not equals or not spec or re.fullmatch(r"[^\s:,@=]+", short) is None:
            raise UsageError(
                f"--network {text}",
                "SHORT=SPEC, where the short name has no `:`, `,` or `@`",
                "write it as mine=efficientnet-lite0",
            )
        if short in found:
            raise UsageError(f"--network names '{short}' twice", "each once", "rename one")
        found[short] = spec
    return found


def _share(text: str) -> float:
    """Return `1%` or `0.01` as a fraction."""
    number = text.removesuffix("%")
    try:
        value = float(number) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(f"--max-bad {text}", "a share such as 1% or 0.01", "change it")
    return value


def _size(text: str) -> int:
    """Return `2GB`, `1.5GiB` or a number of bytes as bytes."""
    match = re.fullmatch(
        r"([0-9]{1,20}(?:\.[0-9]{1,20})?)\s*(?:([kmgt])(i?)b?|b)?", text.strip(), re.IGNORECASE
    )
    if match is None:
        raise UsageError(f"--memory {text}", "a size such as 500MB or 2GB", "change it")
    number, prefix, binary = match.groups()
    power = "kmgt".index(prefix.lower()) + 1 if prefix else 0
    return int(Fraction(number) * (1024 if binary else 1000) ** power)


def _range(text: str | None) -> tuple[float, float] | None:
    """Return `0,1` as two numbers."""
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low, high = 0.0, 0.0
    if not low < high or math.isinf(high - low):
        raise UsageError(f"--float-range {text}", "LOW,HIGH with LOW < HIGH", "change it")
    return low, high


def _decorate(command: Callable[..., Any], options: tuple[Any, ...]) -> Callable[..., Any]:
    """Apply click options so that the help shows them in their order."""
    for option in reversed(options):
        command = option(command)
    return command
