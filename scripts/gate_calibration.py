"""Count how often the gate errs, on skewed features with a known Frechet distance.

    .venv/bin/python scripts/gate_calibration.py --trials 400

Baseline and run are independent samples of one law, shifted against that of the reference, so that
the squared shift is the distance. "Any increase", "2 %" and "5 %" fail by the values alone. The
planted regression is the one that the gate itself calls detectable. Needs the extra `test`.
"""

import sys
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from ganeval.gate.gate import Verdict, check  # noqa: E402
from ganeval.gate.limits import Limit  # noqa: E402
from ganeval.metrics.base import Metric  # noqa: E402
from ganeval.metrics.frechet import Fid  # noqa: E402
from ganeval.metrics.kernel import Kid  # noqa: E402
from tests.results.gate_runs import report  # noqa: E402

WIDTH, DISTANCE = 16, 4.0
ALPHA = 0.05
SMALL = 0.001  # tolerated share: so little that chance alone decides
Rows = npt.NDArray[np.float32]


@click.command()
@click.option("--trials", default=400, show_default=True)
def calibrate(trials: int) -> None:
    """Print a line for each score and numbers of images."""
    print(f"{WIDTH} dimensions, {trials} trials each, alpha {ALPHA}; shares of runs that fail:")
    print("| score | baseline | run | any increase | 2 % | 5 % | gate | gate, planted |")
    print("|---|---|---|---|---|---|---|---|")
    for metric, num_baseline, num in (
        (Fid(), 2 * WIDTH, 2 * WIDTH),
        (Fid(), 10 * WIDTH, 10 * WIDTH),
        (Fid(), 50 * WIDTH, 10 * WIDTH),
        (Fid(), 50 * WIDTH, 50 * WIDTH),
        (Kid(), 10 * WIDTH, 2 * WIDTH),
        (Kid(), 10 * WIDTH, 10 * WIDTH),
    ):
        name = metric.kinds[0].name
        unchanged = [pair(metric, num_baseline, num, trial, 0.0) for trial in range(trials)]
        detectable = float(np.mean([one.decisions[0].detectable for one in unchanged]))
        # KID is not the distance: the shift that moves it so far is found along its slope.
        slope = 1.0 if name == "fid" else kid_slope()
        planted = [
            pair(metric, num_baseline, num, trials + trial, detectable / slope)
            for trial in range(trials)
        ]
        shares = [
            np.mean(
                [one.run[name].value > (1 + more) * one.baseline[name].value for one in unchanged]
            )
            for more in (0.0, 0.02, 0.05)
        ]
        shares += [
            np.mean([one.outcome == "fail" for one in runs]) for runs in (unchanged, planted)
        ]
        cells = [name, f"{num_baseline:,}", f"{num:,}", *(f"{share:.1%}" for share in shares)]
        print(f"| {' | '.join(cells)} |", flush=True)


def pair(metric: Metric, num_baseline: int, num: int, trial: int, increase: float) -> Verdict:
    """Return the gate's answer for a run whose distance is larger by `increase`."""
    streams = np.random.SeedSequence([num_baseline, num, trial]).spawn(3)
    reference, before, after = (np.random.default_rng(stream) for stream in streams)
    real = draw(max(num_baseline, num), reference, 0.0)
    limit = Limit(name=metric.kinds[0].name, amount=SMALL, relative=False)
    return check(
        report(draw(num, after, DISTANCE + increase), real, [metric]),
        report(draw(num_baseline, before, DISTANCE), real, [metric]),
        [limit],
        ALPHA,
    )


def draw(num: int, rng: np.random.Generator, distance: float) -> Rows:
    """Draw skewed, dependent features, float32 [num, WIDTH], shifted by the root of `distance`."""
    mixing = np.random.default_rng(WIDTH).standard_normal((WIDTH, WIDTH)) / WIDTH**0.5
    rows = np.maximum(rng.standard_normal((num, WIDTH)) @ mixing, 0) ** 1.5
    rows[:, 0] += distance**0.5
    narrow: Rows = rows.astype(np.float32)
    return narrow


def kid_slope() -> float:
    """Return how much KID grows with the distance, from many images."""
    real = draw(4000, np.random.default_rng(0), 0.0)
    values = [
        report(draw(4000, np.random.default_rng(1), distance), real, [Kid()])["kid"].value
        for distance in (DISTANCE, DISTANCE + 0.5)
    ]
    return (values[1] - values[0]) / 0.5


if __name__ == "__main__":
    calibrate()
