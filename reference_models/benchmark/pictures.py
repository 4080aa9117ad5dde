"""Pictures of a benchmark: the curves of all trainings, and samples of every trial."""

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import ganeval
from reference_models.benchmark.trials import Trial
from reference_models.engine.curve import CURVE
from reference_models.engine.whole import written_whole
from reference_models.tour.sheet import write_sheet

Rows = Sequence[Mapping[str, Any]]

_PICTURES = 12  # in a row of samples
_COLUMNS = 2
_STYLES = [
    (colour, line)
    for line in ("-", "--", ":")
    # Okabe and Ito: safe for the colour-blind.
    for colour in ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
]


def write_samples(
    path: Path, trials: Sequence[Trial], sources: Sequence[str], *, reference: str, seed: int
) -> None:
    """Write a PNG with a row of pictures for the reference and for each trial.

    Args:
        path: Path of the picture.
        trials: The trials.
        sources: Sources of their samples.
        reference: Source of the real images.
        seed: Seed of the samples.
    """
    options = {"num_images": _PICTURES, "seed": seed}
    named = {"reference": reference}
    for trial, samples in zip(trials, sources, strict=True):
        named[trial.model if trial.seed is None else f"{trial.model} {trial.seed}"] = samples
    rows = {}
    for name, place in named.items():
        source = ganeval.open_source(place, policy=ganeval.Settings().decode, generator=options)
        items = source.load(range(min(_PICTURES, len(source))))
        rows[name] = [item.picture().pixels for item in items]
    write_sheet(path, rows)


def curves_of(trials: Sequence[Trial]) -> dict[str, list[Rows]]:
    """Return the scores of each model's runs, with the number of images seen."""
    curves: dict[str, list[Rows]] = {}
    for trial in trials:
        path = trial.folder / CURVE
        if path.exists():
            lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
            size = trial.recipe.batch_size
            rows = [{**row, "images": row["step"] * size} for row in lines]
            curves.setdefault(trial.model, []).append(rows)
    return curves


def draw_curves(
    curves: Mapping[str, Sequence[Rows]], directions: Mapping[str, str], title: str
) -> Figure:
    """Draw a panel for each score with a line for each run; runs of a model have one colour.

    Args:
        curves: The rows of every run, by its model; rows may lack some scores.
        directions: "lower" or "higher", whichever is better, for each score to draw.
        title: Title of the picture.
    """
    columns = min(_COLUMNS, len(directions))
    lines = -(-len(directions) // columns)
    # Without pyplot, because it would choose a backend for the whole process.
    figure = Figure(figsize=(max(5 * columns, 6), 3.6 * lines + 1), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    handles = {}
    panels = figure.subplots(lines, columns, squeeze=False).flat
    for axes, (score, direction) in zip(panels, directions.items(), strict=False):
        for (model, runs), (colour, line) in zip(
            curves.items(), itertools.cycle(_STYLES), strict=False
        ):
            for rows in runs:
                points = [(row["images"] / 1000, row[score]) for row in rows if score in row]
                if points:
                    (handles[model],) = axes.plot(
                        *zip(*points, strict=True),
                        color=colour,
                        linestyle=line,
                        linewidth=1.3,
                        marker="o",
                        markersize=3.5,
                    )
        axes.set_title(f"{score} ({direction} is better)", fontsize=10, loc="left")
        axes.set_xlim(left=0)
        axes.grid(color="#E5E5E5")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels:
        axes.set_axis_off()
    figure.suptitle(title, fontsize=11, parse_math=False)
    figure.supxlabel("thousand training images seen", fontsize=10)
    figure.legend(
        handles.values(), handles.keys(), loc="outside right upper", frameon=False, fontsize=10
    )
    return figure


def write_curves(
    path: Path, curves: Mapping[str, Sequence[Rows]], directions: Mapping[str, str], title: str
) -> None:
    """Write the figure of `draw_curves` as a PNG."""
    figure = draw_curves(curves, directions, title)
    with written_whole(path) as file:
        figure.savefig(
            file, format="png", metadata={"Software": None}
        )  # without a version: the same bytes everywhere
