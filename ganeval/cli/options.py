"""The options that every scoring command shares, and the settings they make."""

import functools
import math
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click
from click import get_current_context

from ganeval.cli.call import current_call
from ganeval.cli.generator_options import GENERATOR_OPTIONS
from ganeval.cli.panels import MACHINE, OUTPUT, PICTURES, SCORING, SOURCES
from ganeval.cli.progress import terminal_progress
from ganeval.cli.prose import terminal_width
from ganeval.errors import UsageError
from ganeval.progress import Progress

if TYPE_CHECKING:
    from ganeval.results.digits import Digits
    from ganeval.results.formats import Notes
    from ganeval.results.report import Report
    from ganeval.settings import Settings

METRICS_OPTION = click.option(
    "-m",
    "--metrics",
    metavar="METRICS",
    panel=SCORING,
    help="Metrics, as fid,kid:subset_size=500,pr:k=5; `ganeval list metrics` names them "
    "(default: those of the protocol)",
)

_RUN_OPTIONS = (
    click.option(
        "--extractor",
        default="inception",
        show_default=True,
        metavar="NAME",
        panel=SCORING,
        help="Network that makes the features: inception, efficientnet-lite0, random",
    ),
    click.option(
        "--num-images",
        type=int,
        metavar="N",
        panel=SCORING,
        help="Number of images of each side, a seeded random subset (default: all)",
    ),
    click.option(
        "--protocol",
        default="standard",
        show_default=True,
        metavar="NAME",
        panel=SCORING,
        help="Conventions of the scores: standard, torch-fidelity, pytorch-fid, clean-fid, "
        "torchmetrics",
    ),
    click.option(
        "--seed",
        type=int,
        default=0,
        show_default=True,
        metavar="N",
        panel=SCORING,
        help="Seed of every random choice",
    ),
    click.option(
        "--weights",
        type=click.Path(path_type=Path),
        metavar="FILE",
        panel=SCORING,
        help="Weight file of your own for the network",
    ),
    click.option(
        "--transparency",
        type=click.Choice(["drop", "white", "black"]),
        metavar="NAME",
        panel=PICTURES,
        help="Background of transparent pictures: white, black, or drop for none (default: an "
        "error)",
    ),
    click.option(
        "--animated",
        type=click.Choice(["first"]),
        metavar="NAME",
        panel=PICTURES,
        help="Treatment of animations: first, for the first frame (default: an error)",
    ),
    click.option(
        "--exif",
        type=click.Choice(["ignore", "apply"]),
        default="ignore",
        show_default=True,
        metavar="NAME",
        panel=PICTURES,
        help="Treatment of the EXIF orientation: ignore, apply",
    ),
    click.option(
        "--float-range",
        metavar="LOW,HIGH",
        panel=PICTURES,
        help="Range of the values of float pictures, as 0,1 (default: an error)",
    ),
    click.option(
        "--max-pixels",
        type=int,
        metavar="N",
        panel=PICTURES,
        help="Largest number of pixels of a picture (default: 64,000,000)",
    ),
    click.option(
        "--on-bad-image",
        type=click.Choice(["error", "skip"]),
        default="error",
        show_default=True,
        metavar="NAME",
        panel=PICTURES,
        help="Treatment of pictures that cannot be used: error, skip (and name them in the report)",
    ),
    click.option(
        "--max-bad",
        default="1%",
        show_default=True,
        metavar="SHARE",
        panel=PICTURES,
        help="Largest share of pictures that may be skipped",
    ),
    click.option(
        "--cache-dir",
        type=click.Path(),
        metavar="PLACE",
        panel=SOURCES,
        help="Place of the features: a folder, or a URL (s3://bucket/cache) that machines share",
    ),
    click.option("--no-cache", is_flag=True, panel=SOURCES, help="Features kept for this run only"),
    click.option("--offline", is_flag=True, panel=SOURCES, help="No network connection at all"),
    click.option(
        "--device",
        default="auto",
        show_default=True,
        metavar="NAME",
        panel=MACHINE,
        help="Device of the network: auto, cpu, cuda, cuda:1, mps",
    ),
    click.option(
        "--batch-size",
        type=int,
        metavar="N",
        panel=MACHINE,
        help="Number of images in one pass of the network (default: the device's own)",
    ),
    click.option(
        "--precision",
        type=click.Choice(["float32", "bfloat16"]),
        default="float32",
        show_default=True,
        metavar="NAME",
        panel=MACHINE,
        help="Arithmetic of the network: float32, bfloat16",
    ),
    click.option(
        "--workers",
        type=int,
        metavar="N",
        panel=MACHINE,
        help="Number of decoding threads (default: one per core)",
    ),
    click.option(
        "--memory",
        default="1GB",
        show_default=True,
        metavar="SIZE",
        panel=MACHINE,
        help="Memory for metrics beside the features, which are mapped from disk if they are "
        "larger than a quarter of it",
    ),
    click.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        metavar="NAME",
        panel=MACHINE,
        help="Place where features are computed: local, ray (a Ray cluster); torchrun needs "
        "no option",
    ),
    *GENERATOR_OPTIONS,
)

_SHOW_OPTIONS = (
    click.option(
        "--digits",
        type=click.Choice(["error", "full"]),
        default="error",
        show_default=True,
        metavar="NAME",
        panel=OUTPUT,
        help="Digits in tables: error (to the second one of the standard error), full",
    ),
    click.option(
        "--notes",
        type=click.Choice(["few", "all"]),
        default="few",
        show_default=True,
        metavar="NAME",
        panel=OUTPUT,
        help="Notes on the terminal: few (those that change what you may do), all",
    ),
)

_OUTPUT_OPTIONS = (
    click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="FILE",
        panel=OUTPUT,
        help="File for the report: .json, .csv, .md, .tex (needs booktabs) or .html; may be "
        "repeated",
    ),
    click.option(
        "--json",
        "as_json",
        is_flag=True,
        panel=OUTPUT,
        help="The report as JSON on stdout, in place of the table",
    ),
    *_SHOW_OPTIONS,
    click.option(
        "--plots",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        panel=OUTPUT,
        help="Folder for the plots of the HTML page, as PNG and SVG",
    ),
)


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the shared options; it gets them as one `settings` argument."""
    names = [param.name for param in _parameters(_RUN_OPTIONS)]

    @functools.wraps(command)
    def wrapper(**values: Any) -> Any:
        given = {name: values.pop(name) for name in names if name is not None}
        with terminal_progress() as progress:
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
        digits: "Digits",
        notes: "Notes",
        **values: Any,
    ) -> None:
        from ganeval.results.output import check_output
        from ganeval.results.plots import check_plots
        from ganeval.results.report import SUFFIXES

        for path in output:
            check_output(path, SUFFIXES)
        if plots is not None:
            check_plots(plots)
        report: Report = command(**values)
        for path in output:
            report.save(path, digits=digits)
        if plots is not None:
            report.save_plots(plots)
        show(report, as_json=as_json, digits=digits, notes=notes)

    return _decorate(wrapper, _OUTPUT_OPTIONS)


def _shows_pictures(words: Mapping[str, Any]) -> bool:
    """Return whether what a command writes has pictures of the samples in it."""
    if "plots" not in words:
        return False
    return words["plots"] is not None or any(
        path.suffix.lower() == ".html" for path in words["output"]
    )


def show_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--digits` and `--notes`, for `show`."""
    return _decorate(command, _SHOW_OPTIONS)


def show(report: "Report", *, as_json: bool, digits: "Digits", notes: "Notes") -> None:
    """Print a report to stdout: JSON, or the table, which fits a terminal of any width."""
    if as_json:
        click.echo(report.to_json(), nl=False)
        return
    from rich.console import Console

    from ganeval.results.formats import terminal

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


def _settings(given: dict[str, Any], progress: Progress) -> "Settings":
    """Return settings from the values of the shared options."""
    from ganeval.settings import build_settings

    given["gallery"] = _shows_pictures(get_current_context().params)
    given["cache"] = not given.pop("no_cache")
    given["max_bad"] = _share(given["max_bad"])
    given["memory"] = _size(given["memory"])
    given["float_range"] = _range(given["float_range"])
    options = {name: value for name, value in given.items() if value is not None}
    call = current_call()
    command = shlex.join(["ganeval", *call.words])
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
