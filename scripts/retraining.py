"""How far scores move when a model is trained again, and what tests between training runs do.

    .venv/bin/python scripts/retraining.py --folder DIR
    .venv/bin/python scripts/retraining.py --simulate

The first trains one model with many seeds, draws images from every checkpoint several times, scores
every draw against all digits, and splits the variance of each score into that between training runs
and that within a run. It writes docs/measured/retraining.json, then does what the second does: it
simulates groups of runs from the file and writes docs/measured/retraining.md. DIR keeps
checkpoints, features and scores, so that a second call goes on; its *.jsonl with the scores has to
go where the code of a metric has changed. Needs the extra `test`.
"""

import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from ganeval.extract import features_of  # noqa: E402
from ganeval.flow.settings import Settings  # noqa: E402
from ganeval.metrics.base import Metric  # noqa: E402
from ganeval.metrics.frechet import Fid  # noqa: E402
from ganeval.metrics.kernel import Kid  # noqa: E402
from ganeval.metrics.neighbours import PrecisionRecall  # noqa: E402
from ganeval.scores.influence import mean_variance  # noqa: E402
from reference_models.engine.session import run_training  # noqa: E402
from scripts.training_runs.components import Components  # noqa: E402
from scripts.training_runs.groups import simulate  # noqa: E402
from scripts.training_runs.page import page  # noqa: E402
from tests.results.gate_runs import report  # noqa: E402
from tests.summaries import InMemory  # noqa: E402

MEASURED = ROOT / "docs" / "measured"
MODEL, DATA = "dcgan", "digits"
EXTRACTOR = "efficientnet-lite0"
REFERENCE = "data:digits,split=all,size=16"
NUM_REFERENCE = 1797
DRAWN = 720  # images of one draw; its halves are scored too
METRICS = (Fid(), Kid(), PrecisionRecall())
OF_HALVES = METRICS[1:]  # FID of so few images is mostly bias
BY_IMAGE = ("influence", "u-statistic")  # errors that come from the influence of each image
Rows = npt.NDArray[np.float32]
Record = dict[str, Any]
"""Record of one draw and score: run, draw, num (of images), score, value, se, se_of_sample."""


def train(folder: Path, seed: int, steps: int) -> Path:
    """Train the model like `ganeval train`, unless it was; return its checkpoint."""
    run = folder / f"{MODEL}-{steps}-{seed:02d}"
    if not run.exists():
        begun = folder / "begun"
        shutil.rmtree(begun, ignore_errors=True)  # of a call that was killed
        device = torch.device("cpu")
        run_training(MODEL, data=DATA, folder=begun, steps=steps, seed=seed, device=device)
        begun.rename(run)
    return run / f"{MODEL}.safetensors"


def features(source: str, settings: Settings) -> Rows:
    """Return the pooled features of a source, float32 [n, 1280]; they are computed once."""
    with features_of(source, ["pool"], settings) as found:
        return np.array(found.of("pool").rows())


def scores_of(sample: Rows, reference: InMemory, metrics: Sequence[Metric]) -> Iterator[Record]:
    """Score one draw, with the errors that the tool states.

    Yields:
        The score, its value, its standard error or None, and the part of that error which comes
        from the sample or None. The rest comes from the reference, which all draws share.
    """
    found = report(sample, reference, metrics)
    for row in found.scores:
        influence = found.influence.get(row.key)
        of_sample = None
        if row.se is not None and row.kind.error in BY_IMAGE and influence is not None:
            of_sample = mean_variance(influence.sample) ** 0.5
        yield {"score": row.name, "value": row.value, "se": row.se, "se_of_sample": of_sample}


def measure(folder: Path, num_runs: int, num_draws: int, steps: int) -> list[Record]:
    """Train, draw and score what is missing; return the records of all draws."""
    checkpoints = [train(folder, seed, steps) for seed in range(num_runs)]
    settings = Settings(extractor=EXTRACTOR, cache_dir=folder / "cache", workers=1)
    path = folder / f"{MODEL}-{steps}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    records: list[Record] = [json.loads(line) for line in lines]
    done = {(one["run"], one["draw"], one["num"], one["score"]) for one in records}
    reference = InMemory(features(REFERENCE, settings))
    assert reference.num == NUM_REFERENCE
    half = DRAWN // 2
    for draw, run in product(range(num_draws), range(num_runs)):
        seed = 1000 * (draw + 1) + run  # so that no two draws share latents
        rows = features(f"generator:{checkpoints[run]},num_images={DRAWN},seed={seed}", settings)
        for number, part, metrics in (
            (draw, rows, METRICS),
            (2 * draw, rows[:half], OF_HALVES),
            (2 * draw + 1, rows[half:], OF_HALVES),
        ):
            place = (run, number, len(part))
            missing = [
                metric
                for metric in metrics
                if any((*place, kind.name) not in done for kind in metric.kinds)
            ]
            of_part = dict(zip(("run", "draw", "num"), place, strict=True))
            new = [{**of_part, **score} for score in scores_of(part, reference, missing)]
            with path.open("a", encoding="utf-8") as file:
                file.write("".join(json.dumps(one) + "\n" for one in new))
            records += new
        print(f"draw {draw} of run {run} is scored", file=sys.stderr)
    return [
        one
        for one in records
        if one["run"] < num_runs and one["draw"] * one["num"] < num_draws * DRAWN
    ]


def scores_from(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return the values [runs, draws] and the mean errors of each score and number of images.

    Numbers of images of which each run has a single draw are left out.
    """
    found = []
    several = {one["num"] for one in records if one["draw"] > 0}
    for num, name in dict.fromkeys((one["num"], one["score"]) for one in records):
        if num not in several:
            continue
        chosen = sorted(
            (one for one in records if (one["num"], one["score"]) == (num, name)),
            key=lambda one: (one["run"], one["draw"]),
        )
        num_runs = len({one["run"] for one in chosen})
        values = np.reshape([one["value"] for one in chosen], (num_runs, -1))
        parts = Components.of(values)
        found.append(
            {
                "score": name,
                "images": num,
                "mean": parts.mean,
                "between": parts.between,
                "between_interval": parts.between_interval,
                "within": parts.within,
                "mean_se": mean_of([one["se"] for one in chosen]),
                "mean_se_of_sample": mean_of([one["se_of_sample"] for one in chosen]),
                "values": values.tolist(),
            }
        )
    return sorted(found, key=lambda one: -one["images"])


def mean_of(errors: Sequence[float | None]) -> float | None:
    """Return the mean of standard errors, or None if one lacks."""
    known = [one for one in errors if one is not None]
    return float(np.mean(known)) if len(known) == len(errors) else None


def simulated(scores: Sequence[dict[str, Any]], trials: int) -> list[dict[str, Any]]:
    """Return the false alarms for the scores of the largest draws.

    Scores that are 0 in most draws are left out, whose variance says little.
    """
    worse = {
        kind.name: 1 if kind.direction == "lower" else -1
        for metric in METRICS
        for kind in metric.kinds
    }
    found = []
    for number, one in enumerate(scores):
        values = worse[one["score"]] * np.array(one["values"])
        if one["images"] < scores[0]["images"] or np.median(values) == 0:
            continue
        lines = simulate(Components.of(values), trials, np.random.default_rng(number))
        found += [{"score": one["score"], **line} for line in lines]
    return found


def conditions(command: str, num_runs: int, steps: int) -> dict[str, Any]:
    """Return what the values depend on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    libraries = ("ganeval", "torch", "numpy", "scipy", "scikit-learn")
    return {
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"cpu": next(iter(models), platform.machine()), "cores": os.cpu_count()},
        "versions": {
            "Python": platform.python_version(),
            **{name: version(name) for name in libraries},
        },
        "model": MODEL,
        "data": DATA,
        "steps": steps,
        "runs": num_runs,
        "extractor": EXTRACTOR,
        "reference": REFERENCE,
        "reference_images": NUM_REFERENCE,
    }


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), help="Kept files.")
@click.option("--simulate", "only_simulate", is_flag=True, help="From the values that are there.")
@click.option("--runs", "num_runs", type=click.IntRange(min=2), default=32, show_default=True)
@click.option(
    "--draws",
    "num_draws",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Of images from each run.",
)
@click.option("--steps", default=300, show_default=True, help="Of each training run.")
@click.option("--trials", default=1000, show_default=True, help="Of each simulation.")
@click.option("--out", type=click.Path(path_type=Path), default=MEASURED, help="For the results.")
def retraining(
    *,
    folder: Path | None,
    only_simulate: bool,
    num_runs: int,
    num_draws: int,
    steps: int,
    trials: int,
    out: Path,
) -> None:
    """Measure unless only the simulation is wanted; write and print what was found."""
    path = out / "retraining.json"
    if not only_simulate:
        if folder is None:
            raise click.UsageError("no folder for checkpoints and features; give --folder DIR")
        folder.mkdir(parents=True, exist_ok=True)
        records = measure(folder, num_runs, num_draws, steps)
        command = f"./scripts/retraining --folder DIR --runs {num_runs} --draws {num_draws}"
        measured = {
            **conditions(f"{command} --steps {steps}", num_runs, steps),
            "scores": scores_from(records),
        }
        path.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    measured = json.loads(path.read_text(encoding="utf-8"))
    text = page(measured, simulated(measured["scores"], trials), trials)
    (out / "retraining.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    retraining()
