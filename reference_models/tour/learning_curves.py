"""Learning curves as a picture: scores of several models against the images they were shown."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reference_models.engine.whole import written_whole

Row = Mapping[str, float]
"""The scores at one point of a training; "images" is the number of images seen until then."""

SHOWN = {
    "fid": "FID (lower is better)",
    "precision": "precision (higher is better)",
    "recall": "recall (higher is better)",
}
"""The scores that are drawn, with the titles of their panels."""

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe and Ito: safe for the colour-blind
_GREY = "#555555"


def write_learning_curves(
    path: Path, curves: Mapping[str, Sequence[Row]], real: Row, *, real_name: str
) -> None:
    """Write a PNG of 1000 x 400 pixels: a panel for each score, a line for each model.

    Args:
        path: Path of the picture.
        curves: The rows of each model, by its name, in the order of training; at most 4 models.
        real: Scores of real images that no model has seen, drawn as a horizontal line.
        real_name: Name of these images.
    """
    # Without pyplot, because it would choose a backend for the whole process.
    figure = Figure(figsize=(10, 4), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (score, title) in zip(figure.subplots(1, len(SHOWN)), SHOWN.items(), strict=True):
        axes.set_title(title, fontsize=12)
        _scale(axes, curves, score)
        _draw_level(axes, real[score], real_name)
        _draw_lines(axes, curves, score)
        axes.grid(color="#E5E5E5")
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel(
        "thousand training images seen, logarithmic above the first score", fontsize=11
    )
    with written_whole(path) as file:
        figure.savefig(
            file, format="png", metadata={"Software": None}
        )  # without a version: the same bytes everywhere


def _scale(axes: Axes, curves: Mapping[str, Sequence[Row]], score: str) -> None:
    """Choose the scales; the images are logarithmic, because fast models see many times more."""
    seen = sorted({row["images"] / 1000 for rows in curves.values() for row in rows})
    axes.set_xscale("symlog", base=4, linthresh=seen[1])
    axes.set_xlim(-seen[1] / 8, 5 * seen[-1])  # room for the names at the ends of the lines
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    if score == "fid":
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    else:
        axes.set_ylim(-0.1, 1.05)


def _draw_level(axes: Axes, value: float, name: str) -> None:
    """Draw the line of the real images, with their name at the left end."""
    axes.axhline(value, color=_GREY, linestyle="--", linewidth=1.5)
    place = axes.get_yaxis_transform()  # horizontally in parts of the panel
    axes.annotate(
        name,
        (0.03, value),
        xycoords=place,
        xytext=(0, 4),
        textcoords="offset points",
        color=_GREY,
        fontsize=11,
    )


def _draw_lines(axes: Axes, curves: Mapping[str, Sequence[Row]], score: str) -> None:
    """Draw one score of every model, with its name at the end of the line."""
    highest = max(curves, key=lambda model: curves[model][-1][score])
    for (model, rows), colour in zip(curves.items(), _COLOURS, strict=False):
        points = [(row["images"] / 1000, row[score]) for row in rows]
        axes.plot(*zip(*points, strict=True), color=colour, linewidth=2, marker="o", markersize=4)
        axes.annotate(
            model,
            points[-1],
            xytext=(7, 0),
            textcoords="offset points",
            va="bottom" if model == highest else "top",
            color=colour,
            fontsize=11,
            fontweight="bold",
        )
