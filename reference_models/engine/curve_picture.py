"""The scores of a training as a picture: a panel for each score, with its errors."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reference_models.engine.whole import written_whole

_COLUMNS = 3
_COLOUR, _RULE = "#0072B2", "#E5E5E5"


def write_curve(
    path: Path, rows: Sequence[Mapping[str, Any]], directions: Mapping[str, str], model: str
) -> None:
    """Write the figure of `draw_curve` as a PNG."""
    figure = draw_curve(rows, directions, model)
    with written_whole(path) as file, warnings.catch_warnings():
        # The font may lack the characters of a name.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(
            file, format="png", metadata={"Software": None}
        )  # without a version: the same bytes everywhere


def draw_curve(
    rows: Sequence[Mapping[str, Any]], directions: Mapping[str, str], model: str
) -> Figure:
    """Draw a panel for each score, against the training step.

    Bars are 95 % intervals. The value of a biased score such as FID may lie outside its interval.

    Args:
        rows: As in `curve.jsonl`: "step", and the scores with their intervals; rows may lack some.
        directions: "lower" or "higher", whichever is better, for each score to draw.
        model: Name of the model, for the title.
    """
    columns = min(_COLUMNS, len(directions))
    lines = -(-len(directions) // columns)
    # Without pyplot, because it would choose a backend for the whole process.
    figure = Figure(figsize=(max(4 * columns, 5), 3.2 * lines + 0.5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(lines, columns, squeeze=False).flat
    for axes, (score, direction) in zip(panels, directions.items(), strict=False):
        points = [row for row in rows if score in row]
        steps = [row["step"] for row in points]
        axes.plot(steps, [row[score] for row in points], "o-", color=_COLOUR, markersize=4)
        bars = [(row["step"], *ends) for row in points if (ends := row.get(f"{score}_interval"))]
        for step, low, high in bars:
            axes.plot([step, step], [low, high], "_-", color=_COLOUR, linewidth=1, markersize=8)
        errors = "bars: 95 % intervals" if bars else "no intervals"
        axes.set_title(f"{score} ({direction} is better; {errors})", fontsize=10, loc="left")
        axes.set_xlim(0, 1.05 * steps[-1])
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        axes.grid(color=_RULE)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels:
        axes.set_axis_off()
    last = rows[-1]
    title = f"{model}: {last['num_images']:,} samples against {last['reference']}" + (
        f", {last['extractor']}" if "extractor" in last else ""
    )
    drawable = "".join(char if char.isprintable() else "?" for char in title)  # from a file's name
    figure.suptitle(drawable, fontsize=11, parse_math=False)
    figure.supxlabel("training step", fontsize=10)
    return figure
