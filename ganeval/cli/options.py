"""The options that every scoring command shares, and the settings they make."""

import functools
import math
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ganeval.cli.call import current_call
from ganeval.cli.generator_options import GENERATOR_OPTIONS
from ganeval.cli.progress import terminal_progress
from ganeval.cli.prose import terminal_width
from ganeval.errors import UsageError, one_line
from ganeval.results.digits import Digits
from ganeval.results.formats import Notes, terminal
from ganeval.results.output import check_output
from ganeval.results.plots import check_plots
from ganeval.results.report import SUFFIXES, Report
from ganeval.settings import Settings, build_settings

METRICS_OPTION = click.option(
    "-m",
    "--metrics",
    metavar="NAMES",
    help="Metrics, separated by commas, with options after colons: "
    "fid,kid:subset_size=500,pr:k=5. Default: all that the protocol defines.",
)

_RUN_OPTIONS = (
    click.option("--extractor", default="inception", show_default=True, metavar="NAME"),
    click.option("--weights", type=click.Path(path_type=Path), help="Your own weight file for it."),
    click.option("--protocol", default="standard", show_default=True, metavar="NAME"),
    click.option(
        "--num-images",
        type=int,
        help="A seeded random subset of so many of each side; a generator makes so many.",
    ),
    click.option("--batch-size", type=int, help="Images in one pass of the network."),
    click.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        help="Where features are computed; torchrun is noticed without it.",
    ),
    click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|cuda:1|mps"),
    click.option(
        "--precision",
        type=click.Choice(["float32", "bfloat16"]),
        default="float32",
        show_default=True,
    ),
    click.option("--workers", type=int, help="Decoding threads; default: one per core."),
    click.option("--seed", type=int, default=0, show_default=True),
    click.option(
        "--memory",
        default="1GB",
        show_default=True,
        metavar="SIZE",
        help="For metrics, beyond the features, which are mapped from disk above a quarter of it.",
    ),
    click.option(
        "--transparency",
        type=click.Choice(["drop", "white", "black"]),
        help="What to do with transparent pictures; default: refuse them.",
    ),
    click.option(
        "--animated", type=click.Choice(["first"]), help="Take the first frame; default: refuse."
    ),
    click.option(
        "--exif",
        type=click.Choice(["ignore", "apply"]),
        default="ignore",
        show_default=True,
        help="EXIF orientation.",
    ),
    click.option("--float-range", metavar="LOW,HIGH", help="What float pictures span."),
    click.option("--max-pixels", type=int, help="Refuse larger pictures; default: 64,000,000."),
    click.option(
        "--on-bad-image",
        type=click.Choice(["error", "skip"]),
        default="error",
        show_default=True,
        help="Skipped pictures are named and counted in the report.",
    ),
    click.option(
        "--max-bad", default="1%", show_default=True, metavar="SHARE", help="Most to skip."
    ),
    *GENERATOR_OPTIONS,
    click.option(
        "--cache-dir",
        type=click.Path(),
        help="Where features are kept: a folder, or a URL (s3://bucket/cache) that machines share.",
    ),
    click.option("--no-cache", is_flag=True, help="Keep features for this run only."),
    click.option("--offline", is_flag=True, help="Never open a network connection."),
    click.option("--quiet", is_flag=True, help="No progress and no warnings."),
    click.option("--traceback", is_flag=True, help="Show where in the code an error arose."),
)

_SHOW_OPTIONS = (
    click.option(
        "--digits",
        type=click.Choice(["error", "full"]),
        default="error",
        show_default=True,
        help="Digits in tables: to the second one of the standard error, or all.",
    ),
    click.option(
        "--notes",
        type=click.Choice(["few", "all"]),
        default="few",
        show_default=True,
        help="Notes on the terminal: those that change what you may do, or all.",
    ),
)

_OUTPUT_OPTIONS = (
    click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
    click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        multiple=True,
        help="Also write .json, .csv, .md, .tex (needs booktabs) or .html; may be repeated.",
    ),
    *_SHOW_OPTIONS,
    click.option(
        "--plots",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Also write each plot of the .html there, as PNG and SVG.",
    ),
)

# Tells the options of the run that an output shows pictures.
_GALLERY = "ganeval.gallery"


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the shared options; it gets them as one `settings` argument."""
    names = [param.name for param in _parameters(_RUN_OPTIONS)]

    @functools.wraps(command)
    def wrapper(**values: Any) -> Any:
        given = {name: values.pop(name) for name in names if name is not None}
        given["gallery"] = click.get_current_context().meta.get(_GALLERY, False)
        quiet = given["quiet"] or not current_call().team.leads
        with terminal_progress(quiet=quiet) as progress:
            settings = _settings(given, progress)
            result = command(settings=settings, **values)
        return result

    return _decorate(wrapper, _RUN_OPTIONS)


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--json`, `-o` and `--plots`, checked first; it returns a report."""

    @functools.wraps(command)
    def wrapper(
        *,
        as_json: bool,
        output: tuple[Path, ...],
        plots: Path | None,
        digits: Digits,
        notes: Notes,
        **values: Any,
    ) -> None:
        for path in output:
            check_output(path, SUFFIXES)
        if plots is not None:
            check_plots(plots)
        shown = plots is not None or any(path.suffix.lower() == ".html" for path in output)
        click.get_current_context().meta[_GALLERY] = shown
        report: Report = command(**values)
        for path in output:
            report.save(path, digits=digits)
        if plots is not None:
            report.save_plots(plots)
        show(report, as_json=as_json, digits=digits, notes=notes)

    return _decorate(wrapper, _OUTPUT_OPTIONS)


def show_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--digits` and `--notes`, for `show`."""
    return _decorate(command, _SHOW_OPTIONS)


def show(report: Report, *, as_json: bool, digits: Digits, notes: Notes) -> None:
    """Print a report to stdout: JSON, or the table, which fits a terminal of any width."""
    if as_json:
        click.echo(report.to_json(), nl=False)
        return
    from rich.console import Console

    table = terminal(
        report.ranked,
        report.provenance,
        report.pairs,
        width=terminal_width(),
        digits=digits,
        which=notes,
    )
    Console(highlight=False).print(table, soft_wrap=True)


def split_metrics(text: str | None) -> list[str] | None:
    """Return the metrics of a comma-separated text."""
    return None if text is None else [part.strip() for part in text.split(",")]


def _settings(given: dict[str, Any], progress: Any) -> Settings:
    """Return settings from the values of the shared options."""
    del given["quiet"], given["traceback"]
    given["cache"] = not given.pop("no_cache")
    given["max_bad"] = _share(given["max_bad"])
    given["memory"] = _size(given["memory"])
    given["float_range"] = _range(given["float_range"])
    options = {name: value for name, value in given.items() if value is not None}
    call = current_call()
    command = one_line(shlex.join(["ganeval", *call.words]))
    options |= {"progress": progress, "command": command, "team": call.team}
    return build_settings(options)


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
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?)b?|b)?", text.strip(), re.IGNORECASE)
    if match is None:
        raise UsageError(f"--memory {text}", "a size such as 500MB or 2GB", "change it")
    number, prefix, binary = match.groups()
    power = "kmgt".index(prefix.lower()) + 1 if prefix else 0
    return int(float(number) * (1024 if binary else 1000) ** power)


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


def _parameters(options: tuple[Any, ...]) -> list[click.Parameter]:
    """Return the parameters that click options make."""

    @click.command()
    def bare() -> None: ...

    for option in reversed(options):
        option(bare)
    return bare.params
