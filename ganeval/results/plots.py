"""The plots of a report: they need no colour to be read, and are the same bytes each time."""

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganeval.errors import UsageError, one_line
from ganeval.files import write_whole
from ganeval.results.gallery import Curve, Gallery
from ganeval.results.row import ScoreRow
from ganeval.results.table import ARROWS, score_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1b1f23"
RULE = "#c9cfd6"
WIDTH = 4.2  # inches: what a phone shows without shrinking the letters
PNG_DPI = 200

# Okabe and Ito, "Color Universal Design" (2008); the marks and hatches say the same without them.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "++++", "----")
_LONGEST_NAME = 44

_STYLE: Any = {
    "font.size": 8.5,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "hatch.linewidth": 0.7,
    "figure.facecolor": "white",
    "svg.fonttype": "none",
    "savefig.facecolor": "auto",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A drawn plot.

    Attributes:
        name: Of its files, without a suffix.
        title: What it shows.
        description: What there is to see in it, for who does not.
        svg: An SVG file.
        png: A PNG file.
    """

    name: str
    title: str
    description: str
    svg: str
    png: bytes


def letter(at: int) -> str:
    """Return the letter that stands for a sample in plots: A to Z, then A1, B1, ..."""
    return chr(ord("A") + at % 26) + (str(at // 26) if at >= 26 else "")


def draw(rows: Sequence[ScoreRow], galleries: Sequence[Gallery]) -> tuple[Plot, ...]:
    """Draw every plot that the scores and galleries allow."""
    import matplotlib as mpl

    samples = list(dict.fromkeys(row.sample for row in rows))
    scores: dict[str, list[ScoreRow]] = {}
    for row in rows:
        scores.setdefault(score_title(row), []).append(row)
    with mpl.rc_context(_STYLE):
        plots = [_bars(name, entries, samples) for name, entries in scores.items()]
        for precision, recall in _pairs(scores):
            plots.append(_plane(scores[precision], scores[recall], samples))
        curves = {entry.sample: entry.curve for entry in galleries if entry.curve is not None}
        if curves:
            plots.append(_curves(curves, samples))
    return tuple(plots)


def save_plots(rows: Sequence[ScoreRow], galleries: Sequence[Gallery], folder: Path) -> None:
    """Write each plot as `NAME.svg` and `NAME.png` into a folder, which is made if need be.

    Raises:
        UsageError: The folder cannot be made or written to.
        ResourceError: The disk is full.
    """
    check_plots(folder)
    try:
        folder.mkdir(exist_ok=True)
        for plot in draw(rows, galleries):
            write_whole(folder / f"{plot.name}.svg", plot.svg.encode("utf-8"))
            write_whole(folder / f"{plot.name}.png", plot.png)
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be written to ({error.strerror})",
            "a folder with write access",
            "choose another with --plots",
        ) from error


def check_plots(folder: Path) -> None:
    """Refuse, before any work, a folder that plots could not be written to.

    Raises:
        UsageError: A file of that name, or no folder to make it in.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is no folder", "a folder for plots", "choose another name")
    if not folder.parent.is_dir():
        raise UsageError(
            f"{folder}: there is no folder {folder.parent}", "an existing folder", "make it first"
        )


def _pairs(scores: Mapping[str, Sequence[ScoreRow]]) -> list[tuple[str, str]]:
    """Return the titles of precision and recall that belong together."""
    return [
        (name, partner)
        for name in scores
        if name.startswith("precision")
        and (partner := "recall" + name.removeprefix("precision")) in scores
    ]


def _bars(name: str, rows: Sequence[ScoreRow], samples: Sequence[str]) -> Plot:
    """Draw a score of every sample as bars from 0, with whiskers."""
    figure, axes = _figure(0.62 + 0.46 * len(rows))
    for at, row in enumerate(rows):
        style = samples.index(row.sample)
        axes.barh(
            at,
            row.value,
            height=0.4,
            color=_COLOURS[style % len(_COLOURS)],
            hatch=_HATCHES[style % len(_HATCHES)],
            edgecolor=INK,
            linewidth=0.8,
        )
        low_high = whisker(row)
        if low_high is not None:
            axes.plot(low_high, [at, at], color=INK, linewidth=1.6, marker="|", markersize=9)
        if "debiased" in row.details:
            axes.plot(row.details["debiased"], at, "D", color="white", markeredgecolor=INK, ms=5)
        where: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "bottom"}
        axes.text(0.005, at - 0.24, _label(row.sample, samples, 34), **where)
        axes.text(0.995, at - 0.24, _value(row), ha="right", fontweight="bold", **where)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set(ylim=(len(rows) - 0.6, -0.72), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.set_title(f"{name} {ARROWS[rows[0].direction]} {rows[0].direction} is better")
    values = "; ".join(f"{_label(row.sample, samples)}: {_value(row)}{_range(row)}" for row in rows)
    return _finished(figure, f"bars-{_file_name(name)}", f"{name} of each sample", values)


def whisker(row: ScoreRow) -> tuple[float, float] | None:
    """Return the ends of a score's whisker: its interval, else one standard error each way."""
    if row.interval is not None:
        return row.interval
    return None if row.se is None else (row.value - row.se, row.value + row.se)


def _value(row: ScoreRow) -> str:
    """Return a score with its standard error, if it has one."""
    return f"{row.value:.6g}" + ("" if row.se is None else f" \u00b1 {row.se:.2g}")


def _range(row: ScoreRow) -> str:
    """Return an interval in words."""
    if row.interval is None:
        return ""
    return f" (95 % interval {row.interval[0]:.6g} to {row.interval[1]:.6g})"


def _plane(precision: Sequence[ScoreRow], recall: Sequence[ScoreRow], samples: list[str]) -> Plot:
    """Draw precision against recall, a mark for each sample."""
    figure, axes = _figure(3.7 + 0.19 * len(precision))
    recalls = {row.sample: row for row in recall}
    said = []
    for row in precision:
        other = recalls[row.sample]
        style = _mark(samples.index(row.sample))
        axes.plot(other.value, row.value, label=_label(row.sample, samples), **style)
        for ends, along in ((whisker(other), "x"), (whisker(row), "y")):
            if ends is not None:
                points = (ends, [row.value] * 2) if along == "x" else ([other.value] * 2, ends)
                axes.plot(*points, color=INK, linewidth=1)
        axes.annotate(
            letter(samples.index(row.sample)),
            (other.value, row.value),
            (7, 6),
            textcoords="offset points",
            fontweight="bold",
        )
        said.append(
            f"{_label(row.sample, samples)}: precision {_value(row)}, recall {_value(other)}"
        )
    axes.set(xlim=(-0.03, 1.06), ylim=(-0.03, 1.08), xlabel="recall \u2191: variety")
    axes.set_ylabel("precision \u2191: fidelity")
    axes.grid()
    name = score_title(precision[0])
    axes.set_title("Precision against recall" + name.removeprefix("precision"))
    _legend(figure)
    return _finished(
        figure, f"{_file_name(name)}-recall", "Precision against recall", "; ".join(said)
    )


def _curves(curves: Mapping[str, Curve], samples: list[str]) -> Plot:
    """Draw FID against the number of images on an axis of 1/N, where its bias is a line."""
    figure, axes = _figure(3.1 + 0.19 * len(curves))
    said = []
    for sample, curve in curves.items():
        style = _mark(samples.index(sample))
        inverse = [1 / size for size in curve.sizes]
        label = _label(sample, samples)
        axes.plot(inverse, curve.values, label=label, **{**style, "linestyle": "-"})
        text = ", ".join(
            f"{value:.6g} at {size:,}"
            for size, value in zip(curve.sizes, curve.values, strict=True)
        )
        end = (inverse[-1], curve.values[-1])
        if curve.limit is not None:
            axes.plot([inverse[-1], 0], [end[1], curve.limit], "--", color=style["color"])
            axes.plot(0, curve.limit, **{**style, "markerfacecolor": "none"})
            text += f"; line to {curve.limit:.6g} at infinity"
            end = (0.0, curve.limit)
        axes.annotate(
            letter(samples.index(sample)),
            end,
            (7, -3),
            textcoords="offset points",
            fontweight="bold",
        )
        said.append(f"{_label(sample, samples)}: {text}")
    longest = max(curves.values(), key=lambda curve: curve.sizes[-1])
    axes.set_xticks([1 / size for size in longest.sizes] + [0])
    axes.set_xticklabels([_count(size) for size in longest.sizes] + ["\u221e"])
    axes.tick_params(axis="x", labelsize=7.5)
    largest = max(1 / size for curve in curves.values() for size in curve.sizes)
    axes.set(xlim=(1.05 * largest, -0.07 * largest), xlabel="generated images (axis in 1/N)")
    axes.set_ylabel("FID \u2193")
    axes.grid()
    axes.set_title("FID against the number of images")
    _legend(figure)
    return _finished(figure, "fid-samples", "FID against the number of images", "; ".join(said))


def _count(num: int) -> str:
    """Return a number of images as a short label: 1,437, 12.5k, 50k."""
    return f"{num / 1000:.3g}k" if num >= 10_000 else f"{num:,}"


def _figure(height: float) -> "tuple[Figure, Axes]":
    """Return an empty figure, which pyplot knows nothing of, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.add_subplot()


def _legend(figure: "Figure") -> None:
    """Name the marks below the axes."""
    figure.legend(loc="outside lower left", frameon=False, borderaxespad=0.2, labelspacing=0.3)


def _mark(at: int) -> dict[str, Any]:
    """Return how the marks of a sample look."""
    return {
        "marker": _MARKS[at % len(_MARKS)],
        "color": _COLOURS[at % len(_COLOURS)],
        "markeredgecolor": INK,
        "markeredgewidth": 0.8,
        "markersize": 7,
        "linestyle": "none",
    }


def _label(sample: str, samples: Sequence[str], longest: int = _LONGEST_NAME) -> str:
    """Return a sample's letter and name; of a long name its end, which tells it from others."""
    name = one_line(sample)
    if len(name) > longest:
        name = "\u2026" + name[-longest + 1 :]
    return f"{letter(samples.index(sample))}  {name}"


def _file_name(name: str) -> str:
    """Return a score's title as part of a file name."""
    return "".join(char if char.isalnum() or char in "-_" else "-" for char in name)


def _finished(figure: "Figure", name: str, heading: str, description: str) -> Plot:
    """Write a figure as SVG and as PNG, without a date or a random name in them."""
    import matplotlib as mpl

    vector, raster = io.BytesIO(), io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with warnings.catch_warnings(), mpl.rc_context({"svg.hashsalt": name}):
        # A name in a script that the plot's font lacks; in an SVG the reader's font has it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(vector, format="svg", metadata=nothing, transparent=True)
        figure.savefig(raster, format="png", dpi=PNG_DPI, metadata={"Software": None})
    return Plot(
        name=name,
        title=heading,
        description=description,
        svg=vector.getvalue().decode("utf-8"),
        png=raster.getvalue(),
    )
