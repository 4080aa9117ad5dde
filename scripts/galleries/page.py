"""The page of the gallery: tables, curves and samples of its panels."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import ganeval
from galleries.panels import Panel, System
from galleries.trainings import EXTRACTOR, NUM, Training
from ratios import Values, ratio
from reference_models.tour.sheet import write_sheet
from suite import when_and_where

COLOURS = ("#0072B2", "#D55E00")  # Okabe and Ito: safe for the colour-blind
NUM_SHOWN = 12  # samples of each run
NUM_PICTURES = 3752
Scores = Mapping[str, Any]
"""By the system: its `steps`, a list, and its `fid`, a list of one value a step for each run."""


def interval(values: Values) -> tuple[float, float]:
    """Return the 95 % interval of a mean over training runs, by Student's t."""
    half = scipy.stats.t.ppf(0.975, len(values) - 1) * scipy.stats.sem(values)
    return values.mean() - half, values.mean() + half


def draw_curves(path: Path, scores: Scores) -> None:
    """Draw the mean FID of each system by the step, with its interval, and each run."""
    figure = Figure(figsize=(7, 4), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for number, (name, system) in enumerate(scores.items()):
        at, runs = np.array(system["steps"]), np.array(system["fid"])
        places = at + (number - (len(scores) - 1) / 2) * at[0] / 30
        colour = COLOURS[number]
        axes.plot(places, runs.T, color=colour, linewidth=0.6, alpha=0.5)
        ends = np.array([interval(column) for column in runs.T])
        mean = runs.mean(axis=0)
        axes.errorbar(
            places,
            mean,
            yerr=np.abs(ends.T - mean),
            color=colour,
            marker="o",
            markersize=4,
            capsize=3,
            label=f"{name}: mean of {len(runs)} runs, 95 % interval",
        )
        axes.set_xticks(at)
    axes.set_xlabel("training step")
    axes.set_ylabel(f"FID ({EXTRACTOR}; lower is better)")
    axes.set_ylim(bottom=0)
    axes.grid(color="#E5E5E5")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Software": None})


def draw_samples(path: Path, trainings: Mapping[str, Sequence[Training]]) -> None:
    """Write a row of real pictures and one of each run."""
    first = next(iter(trainings.values()))[0]
    places = {"real": first.recipe.data}
    for name, runs in trainings.items():
        for one in runs:
            places[f"{name} {one.seed}"] = one.samples(one.recipe.steps, NUM_SHOWN)
    rows = {}
    for name, place in places.items():
        source = ganeval.open_source(place, policy=ganeval.Settings().decode, generator={})
        chosen = np.random.default_rng(0).permutation(len(source))[:NUM_SHOWN].tolist()
        rows[name] = [item.picture().pixels for item in source.load(chosen)]
    write_sheet(path, rows)


def section(panel: Panel, scores: Scores) -> str:
    """Return a panel's part of the page."""
    table = ["| system | seeds | step | FID |", "|---|---|---:|---:|"]
    single = []
    for name, system in scores.items():
        runs = np.array(system["fid"])
        for column, step in enumerate(system["steps"]):
            low, high = interval(runs[:, column])
            mean = runs[:, column].mean()
            seeds = f"{panel.seeds[0]} to {panel.seeds[-1]}"
            table.append(f"| `{name}` | {seeds} | {step:,} | {mean:.1f} [{low:.1f}, {high:.1f}] |")
        last = ", ".join(f"{value:.1f}" for value in runs[:, -1])
        single.append(f"`{name}` {last}")
    parts = [
        f"## {panel.title}",
        f"`./scripts/gallery {panel.name}`, {when_and_where()}",
        panel.text,
        "\n".join(f"* `{name}`: {recipe(system)}" for name, system in panel.systems.items()),
        "\n".join(table),
        f"Each run after its last step: {'; '.join(single)}.",
    ]
    if panel.points > 1:
        parts.append(f"![FID by step](gallery-{panel.name}-curves.png)")
    if len(scores) == 2:
        first, second = scores
        found = ratio(*(np.array(scores[name]["fid"])[:, -1] for name in scores))
        verdict = "not told apart" if found.low <= 1 <= found.high else "told apart"
        parts.append(
            f"Ratio of the mean FIDs after the last step, `{first}` by `{second}`: "
            f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]. The two are {verdict}."
        )
    parts.append(f"![Samples](gallery-{panel.name}-samples.png)")
    return "\n\n".join([*parts, panel.finding])


def recipe(system: System) -> str:
    """Return in words what is trained."""
    settings = ", ".join(f"`{name}={json.dumps(value)}`" for name, value in system.settings.items())
    preset = f" --preset {system.preset}" if system.preset else ""
    by = "mimicry with the settings of " if system.theirs else ""
    return f"{by}`{system.model}{preset}` with {settings}"


def sections_of(text: str) -> dict[str, str]:
    """Return the parts of a page by their titles, without the blank lines around them."""
    parts = text.split("\n## ")[1:]
    return {part.partition("\n")[0]: f"## {part.strip()}" for part in parts}


def page(sections: Iterable[str]) -> str:
    """Return the page of the panels' parts."""
    head = [
        "# Reference models on real colour pictures",
        f"The pictures are {NUM_PICTURES:,} of Twemoji (CC-BY 4.0, `./scripts/emoji emoji --tones`)"
        f", on white. FID is that of {EXTRACTOR}, {NUM:,} generated pictures against all "
        f"{NUM_PICTURES:,}. It is not that of the Inception network: compare it within a table "
        "only. Intervals are of 95 %, by Student's t over the training runs; that of a ratio is by "
        "the delta method on its logarithm, with Welch's degrees of freedom.",
        "On each sheet the first row is real; then there are 12 samples of each run after its last "
        "step, with the first latents of its seed, chosen by nobody.",
        "Other models on these pictures: [benchmark-colour.md](benchmark-colour.md).",
    ]
    return "\n\n".join([*head, *sections]) + "\n"
