"""The plots of a report."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganeval.errors import UsageError
from ganeval.machine.files import write_whole
from ganeval.report.digits import Shown, show_column, significant
from ganeval.report.drawing import (
    INK,
    MARK,
    Plot,
    add_legend,
    bar_style,
    finished,
    house_style,
    label,
    mark_style,
    new_figure,
)
from ganeval.report.gallery import Curve, Gallery
from ganeval.report.items import MetricItems, Values
from ganeval.report.names import letter
from ganeval.report.table import ARROWS, by_title
from ganeval.scores.label import label_of
from ganeval.scores.row import Key, ScoreRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMES = ("bars-*", "*-samples", "curve-*")  # patterns of the names of most plots
_SMALLEST_RANGE = 0.3  # of both axes of a plane, whose scores are shares
_BETTER = {"lower": "lower is better", "higher": "higher is better", "zero": "near 0 is better"}
_LOG_FROM = 20  # times the smallest value: from there on the small ones would all look like 0


def draw(
    rows: Sequence[ScoreRow],
    galleries: Sequence[Gallery],
    items: Mapping[Key, MetricItems],
    noun: str,
) -> tuple[Plot, ...]:
    """Draw every plot that the scores, the galleries and the curves of metrics allow.

    Args:
        rows: The scores.
        galleries: Pictures of the samples.
        items: Further results of metrics.
        noun: Plural noun of the items of the samples.
    """
    samples = list(dict.fromkeys(row.sample for row in rows))
    scores = by_title(rows)
    with house_style():
        plots = [_bars(name, entries, samples) for name, entries in scores.items()]
        for upward, across in _pairs(scores):
            plots.append(_plane(upward, across, samples))
        for score in dict.fromkeys(entry.score for entry in galleries if entry.score):
            found = {entry.sample: entry.curve for entry in galleries if entry.score == score}
            curves = {sample: curve for sample in samples if (curve := found.get(sample))}
            if curves:
                plots.append(_curves(score, curves, samples, noun))
        points: dict[tuple[str, str], dict[str, Values]] = {}
        for key, found_items in items.items():
            for name, line in found_items.curves.items():
                points.setdefault((key.label, name), {})[key.sample] = line
        plots += [_lines(*names, lines, samples) for names, lines in points.items()]
    return tuple(plots)


def save_plots(
    rows: Sequence[ScoreRow],
    galleries: Sequence[Gallery],
    items: Mapping[Key, MetricItems],
    folder: Path,
    *,
    noun: str,
) -> None:
    """Write each plot as `NAME.svg` and `NAME.png` into a folder, which is made if needed.

    Raises:
        UsageError: The folder cannot be made or written to, or has foreign files with the names of
            plots.
        ResourceError: The disk is full.
    """
    drawn = draw(rows, galleries, items, noun)
    check_plots(folder, [plot.name for plot in drawn])
    try:
        folder.mkdir(exist_ok=True)
        for plot in drawn:
            svg = f"{plot.svg}<!-- {MARK} -->\n"
            write_whole(folder / f"{plot.name}.svg", svg.encode("utf-8", "backslashreplace"))
            write_whole(folder / f"{plot.name}.png", plot.png)
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be written to ({error.strerror})",
            "a folder with write access",
            "choose another with --plots",
        ) from error


def check_plots(folder: Path, names: Sequence[str] = _NAMES) -> None:
    """Refuse, before any work, a folder that plots could not be written to.

    Args:
        folder: Folder for the plots.
        names: Names of the plots, or patterns of them.

    Raises:
        UsageError: The name is that of a file, its parent folder is missing, or it has foreign
            files with the names of plots.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is not a folder", "a folder for plots", "choose another name")
    if not folder.parent.is_dir():
        raise UsageError(
            f"{folder}: there is no folder {folder.parent}", "an existing folder", "make it first"
        )
    for stem in names:
        for path in (*folder.glob(f"{stem}.svg"), *folder.glob(f"{stem}.png")):
            if not path.is_file() or MARK.encode("ascii") not in path.read_bytes():
                raise UsageError(
                    f"{path}: exists already, and was not drawn by this version",
                    "a free name",
                    "move it away, or choose another folder with --plots",
                )


def _pairs(
    scores: Mapping[str, Sequence[ScoreRow]],
) -> list[tuple[Sequence[ScoreRow], Sequence[ScoreRow]]]:
    """Return the columns that are drawn against each other, the vertical one first."""
    return [
        (rows, scores[partner])
        for rows in scores.values()
        if (other := rows[0].kind.plotted_against) is not None
        and (partner := label_of(other, rows[0].network, rows[0].options)) in scores
    ]


def _bars(name: str, rows: Sequence[ScoreRow], samples: Sequence[str]) -> Plot:
    """Draw a score of every sample as bars from 0, with whiskers."""
    figure, axes = new_figure(0.62 + 0.46 * len(rows))
    column = show_column(rows)
    for at, (row, shown) in enumerate(zip(rows, column, strict=True)):
        axes.barh(
            at,
            row.value,
            height=0.4,
            **bar_style(samples.index(row.sample)),
        )
        low_high = whisker(row)
        if low_high is not None:
            axes.plot(low_high, [at, at], color=INK, linewidth=1.6, marker="|", markersize=9)
        if "debiased" in row.details:
            axes.plot(row.details["debiased"], at, "D", color="white", markeredgecolor=INK, ms=5)
        where: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "bottom"}
        axes.text(0.005, at - 0.24, label(row.sample, samples, 32), **where)
        axes.text(0.995, at - 0.24, _value(shown), ha="right", fontweight="bold", **where)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set(ylim=(len(rows) - 0.6, -0.72), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.set_title(
        f"{name} {ARROWS[rows[0].direction]} {_BETTER.get(rows[0].direction, '')}".strip()
    )
    values = "; ".join(
        f"{label(row.sample, samples)}: {_value(shown)}{_range(shown)}"
        for row, shown in zip(rows, column, strict=True)
    )
    return finished(figure, f"bars-{_file_name(name)}", f"{name} of each sample", values)


def whisker(row: ScoreRow) -> tuple[float, float] | None:
    """Return the ends of a score's whisker: its interval, else one standard error each way."""
    if row.interval is not None:
        return row.interval
    return None if row.se is None else (row.value - row.se, row.value + row.se)


def _value(shown: Shown) -> str:
    """Return a score with its standard error, if it has one; the whisker shows its interval."""
    return shown.value if shown.error is None else f"{shown.value} \u00b1 {shown.error}"


def _range(shown: Shown) -> str:
    """Return an interval in words."""
    return f" (95 % interval {' to '.join(shown.ends)})" if shown.ends else ""


def _plane(upward: Sequence[ScoreRow], across: Sequence[ScoreRow], samples: list[str]) -> Plot:
    """Draw one score against another, a mark for each sample."""
    figure, axes = new_figure(3.7 + 0.19 * len(upward))
    partners = {row.sample: row for row in across}
    said = []
    values = [
        dict(zip((row.sample for row in column), show_column(column), strict=True))
        for column in (upward, across)
    ]
    for row in upward:
        other = partners.get(row.sample)
        if other is None:
            continue
        style = mark_style(samples.index(row.sample))
        axes.plot(other.value, row.value, label=label(row.sample, samples), **style)
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
            f"{label(row.sample, samples)}: {row.name} {_value(values[0][row.sample])}, "
            f"{other.name} {_value(values[1][row.sample])}"
        )
    axes.margins(0.12)
    axes.set(xlim=_at_least(axes.get_xlim()), ylim=_at_least(axes.get_ylim()))
    above, beside = upward[0], across[0]
    axes.set(
        xlabel=f"{beside.name} {ARROWS[beside.direction]}",
        ylabel=f"{above.name} {ARROWS[above.direction]}",
    )
    axes.grid()
    heading = f"{above.name.capitalize()} against {beside.name}"
    axes.set_title(heading + above.label.removeprefix(above.name))
    add_legend(figure)
    name = f"{_file_name(above.label)}-{beside.name}"
    return finished(figure, name, heading, "; ".join(said))


def _at_least(ends: tuple[float, float]) -> tuple[float, float]:
    """Return the ends of an axis, so far apart that a hundredth does not look like a gulf."""
    spare = max(_SMALLEST_RANGE - (ends[1] - ends[0]), 0) / 2
    return ends[0] - spare, ends[1] + spare


def _curves(score: str, curves: Mapping[str, Curve], samples: list[str], noun: str) -> Plot:
    """Draw a score against the number of items on an axis of 1/N, where its bias is a line."""
    figure, axes = new_figure(3.1 + 0.19 * len(curves))
    for sample, curve in curves.items():
        style = mark_style(samples.index(sample))
        inverse = [1 / size for size in curve.sizes]
        line = {**style, "linestyle": "-"}
        axes.plot(inverse, curve.values, label=label(sample, samples), **line)
        end = (inverse[-1], curve.values[-1])
        if curve.limit is not None:
            axes.plot([end[0], 0], [end[1], curve.limit], "--", color=style["color"])
            axes.plot(0, curve.limit, **{**style, "markerfacecolor": "none"})
            end = (0.0, curve.limit)
        name = letter(samples.index(sample))
        axes.annotate(name, end, (7, -3), textcoords="offset points", fontweight="bold")
    _scale(axes, curves.values())
    axes.set(xlabel=f"generated {noun} (axis in 1/N)", ylabel=score)
    axes.grid()
    heading = f"{score} against the number of {noun}"
    axes.set_title(heading)
    add_legend(figure)
    said = "; ".join(
        f"{label(sample, samples)}: {_in_words(curve)}" for sample, curve in curves.items()
    )
    return finished(figure, f"{_file_name(score)}-samples", heading, said)


def _lines(metric: str, name: str, lines: Mapping[str, Values], samples: list[str]) -> Plot:
    """Draw a curve that a metric found, a line for each sample."""
    figure, axes = new_figure(3.1 + 0.19 * len(lines))
    for sample, points in lines.items():
        style = {**mark_style(samples.index(sample)), "linestyle": "-"}
        axes.plot(points[:, 0], points[:, 1], label=label(sample, samples), **style)
    axes.grid()
    axes.set_title(f"{metric}: {name}")
    add_legend(figure)
    said = "; ".join(
        f"{label(sample, samples)}: {len(points):,} points from ({significant(points[0, 0])}, "
        f"{significant(points[0, 1])}) to ({significant(points[-1, 0])}, "
        f"{significant(points[-1, 1])})"
        for sample, points in lines.items()
    )
    return finished(figure, f"curve-{_file_name(f'{metric}-{name}')}", f"{metric}: {name}", said)


def _in_words(curve: Curve) -> str:
    """Return the points of a curve as text."""
    points = zip(curve.sizes, curve.values, strict=True)
    text = ", ".join(f"{significant(value)} at {size:,}" for size, value in points)
    return (
        text if curve.limit is None else f"{text}; line to {significant(curve.limit)} at infinity"
    )


def _scale(axes: "Axes", curves: Collection[Curve]) -> None:
    """Scale the axes of a score against 1/N, more items to the right."""
    from matplotlib.ticker import LogLocator

    longest = max(curves, key=lambda curve: curve.sizes[-1])
    axes.set_xticks([1 / size for size in longest.sizes] + [0])
    axes.set_xticklabels([_count(size) for size in longest.sizes] + ["\u221e"])
    axes.tick_params(axis="x", labelsize=7.5)
    largest = max(1 / size for curve in curves for size in curve.sizes)
    axes.set_xlim(1.05 * largest, -0.07 * largest)
    drawn = [end for curve in curves for end in (*curve.values, curve.limit) if end is not None]
    if min(drawn) > 0 and max(drawn) > _LOG_FROM * min(drawn):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")


def _count(num: int) -> str:
    """Return a number of items as a short label: 1,437, 12.5k, 50k."""
    return f"{num / 1000:.3g}k" if num >= 10_000 else f"{num:,}"


def _file_name(name: str) -> str:
    """Return a score's title as part of a file name."""
    return "".join(char if char.isalnum() or char in "-_" else "-" for char in name)
