"""Whether the errors of precision, recall, density and coverage are the spread of the scores.

    .venv/bin/python scripts/simulations/neighbour_errors.py --trials 200

In each trial one reference is drawn, two samples of one law near to it and one of a law that is
farther away. "error" is the root mean square standard error divided by the standard deviation over
the trials; "missed" the share of intervals that lie below and above the mean over the trials, in
percent. A difference has the normal interval around it, of block values that are subtracted block
by block. 200 trials know a ratio to 5 % and a share of 5 % to 1.5.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

from ganeval.metrics.base import Score  # noqa: E402
from ganeval.metrics.neighbours import DensityCoverage, PrecisionRecall  # noqa: E402
from ganeval.scores.influence import Influence  # noqa: E402
from tests.summaries import InMemory, inputs  # noqa: E402

Rows = npt.NDArray[np.float32]
NEAR, FAR = (0.1, 1.0), (0.4, 0.8)  # shift and spread of a sample before the law bends them
CELLS = (
    ("gauss", 16), ("gauss", 64), ("t4", 16), ("t4", 64), ("relu", 16), ("relu", 64),
    ("relu90", 16), ("relu90", 64), ("mixture", 16), ("decay", 64), ("lognormal", 16),
)  # fmt: skip


def draw(
    law: str, width: int, num: int, rng: np.random.Generator, how: tuple[float, float]
) -> Rows:
    """Return rows of a law, float32 [num, width].

    "t4" is Student's with 4 degrees of freedom; "relu" and "relu90" have a half and nine tenths of
    zeros; "mixture" has 20 unequal parts, "decay" few large directions.
    """
    shift, spread = how
    rows = rng.standard_normal((num, width))
    if law == "t4":
        rows /= np.sqrt(rng.chisquare(4, (num, 1)) / 4)
    rows = rows * spread + shift
    fixed = np.random.default_rng(width)
    mixed = rows @ (fixed.standard_normal((width, width)) / np.sqrt(width))
    if law == "relu":
        rows = np.maximum(mixed, 0)
    elif law == "relu90":
        rows = np.maximum(mixed + rows.mean(axis=1, keepdims=True) - 1.28, 0) ** 1.5
    elif law == "mixture":
        weights = 1 / np.arange(1, 21)
        centres = 2 * fixed.standard_normal((20, width))
        rows = mixed + centres[rng.choice(20, num, p=weights / weights.sum())]
    elif law == "decay":
        rows *= np.arange(1, width + 1) ** -0.75
    elif law == "lognormal":
        rows = np.exp(0.8 * mixed)
    return rows.astype(np.float32)


def scores_of(sample: Rows, reference: InMemory, seed: int) -> dict[str, Score]:
    """Return the four scores of a sample."""
    sides = {"sample": InMemory(sample), "reference": reference}
    return {
        score.name: score
        for metric in (PrecisionRecall(), DensityCoverage())
        for score in metric.compute(inputs(metric, sides), np.random.default_rng(seed)).scores
    }


def cells_of(trials: list[list[Mapping[str, Score]]], name: str) -> list[str]:
    """Return what the table says of one score: near, far, near less near, near less far."""
    found = []
    for one, other in ((0, None), (2, None), (0, 1), (0, 2)):
        values, errors, ends = [], [], []
        for samples in trials:
            score = samples[one][name]
            value, se, interval = score.value, score.se or 0.0, score.interval
            if other is not None:
                less = samples[other][name]
                value -= less.value
                blocks = [0.0 if each.influence is None else each.influence.sample
                          for each in (score, less)]  # fmt: skip
                se = Influence(sample=np.atleast_2d(blocks[0] - blocks[1])).se
                interval = (value - 1.96 * se, value + 1.96 * se)
            values.append(value)
            errors.append(se)
            ends.append((np.nan, np.nan) if interval is None else interval)
        truth, (low, high) = np.mean(values), np.array(ends).T
        ratio = np.sqrt(np.mean(np.square(errors))) / np.std(values, ddof=1)
        above, below = 100 * np.nanmean(low > truth), 100 * np.nanmean(high < truth)
        found.append(f"{ratio:.2f}, {below:.0f} + {above:.0f}")
    return found


@click.command()
@click.option("--trials", default=200, show_default=True, help="Draws of each line.")
@click.option("--numbers", default="100,200,400", show_default=True, help="Images a side.")
@click.option("--laws", default="", help="Only these laws, with commas between.")
@click.option("--reference", type=int, help="Images of the reference, if not as many.")
@click.option("--seed", default=0, show_default=True, help="Of all draws.")
def main(trials: int, numbers: str, laws: str, reference: int | None, seed: int) -> None:
    """Print the table in Markdown."""
    began = time.monotonic()
    click.echo(
        "| law | d | images | score | near | far | error, missed: near | far | near - near | "
        "near - far |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    for num in map(int, numbers.split(",")):
        for law, width in CELLS:
            if laws and law not in laws.split(","):
                continue
            rng = np.random.default_rng([seed, num, width, len(law)])
            found = []
            for trial in range(trials):
                real = InMemory(draw(law, width, reference or num, rng, (0.0, 1.0)))
                samples = [draw(law, width, num, rng, how) for how in (NEAR, NEAR, FAR)]
                found.append([scores_of(sample, real, trial) for sample in samples])
            for name in found[0][0]:
                near, far = (np.mean([one[at][name].value for one in found]) for at in (0, 2))
                cells = " | ".join(cells_of(found, name))
                click.echo(
                    f"| {law} | {width} | {num} | {name} | {near:.3f} | {far:.3f} | {cells} |"
                )
    click.echo(f"\n{trials} trials of each line; {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
