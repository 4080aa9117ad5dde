"""Points: a file of samples, a scatter plot over the data, and scores against the truth."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import nn

from reference_models.engine.data import Data, unknown
from reference_models.engine.inputs import inputs_of
from reference_models.engine.kinds import Score, Scoring, known_names, known_scores
from reference_models.engine.recipe import Recipe
from reference_models.engine.whole import written_whole

NUM_EXPORTED = 10_000
NUM_SCORED = 2000
_NUM_SHOWN = 2000  # of the data
_BINS = 60


class Points:
    """How points are exported, shown and scored."""

    suffix = ".npz"

    def export(
        self,
        network: nn.Module,
        name: str,
        recipe: Recipe,
        data: Data,
        path: Path,
        *,
        step: int,
        seed: int,
    ) -> None:
        """Write 10,000 samples as `arr_0`, float32 [10000, d], with step and seed (as text)."""
        samples = _samples(network, name, recipe, data, NUM_EXPORTED, seed=seed)
        with written_whole(path) as file:
            np.savez(file, arr_0=samples.numpy(), step=np.int64(step), seed=np.array(str(seed)))

    def step_of(self, path: Path) -> int:
        """Return the step in the file."""
        with np.load(path, allow_pickle=False) as arrays:
            return int(arrays["step"])

    def write_preview(self, samples: torch.Tensor, data: Data, path: Path) -> None:
        """Draw the first two coordinates of samples over the data, or histograms of one."""
        real = data.batch(0, 0, _NUM_SHOWN)["real"].numpy()
        made = samples.float().cpu().numpy()
        figure = Figure(figsize=(6, 6), dpi=100, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        if real.shape[1] == 1:
            ends = np.concatenate([real, made])
            bins = np.linspace(float(ends.min()), float(ends.max()), _BINS).tolist()
            axes.hist(real[:, 0], bins=bins, density=True, color="#BBBBBB", label="data")
            axes.hist(made[:, 0], bins=bins, density=True, color="#0072B2", alpha=0.6)
        else:
            axes.scatter(real[:, 0], real[:, 1], s=4, color="#BBBBBB", label="data")
            axes.scatter(made[:, 0], made[:, 1], s=9, color="#0072B2", label="samples")
            axes.set_aspect("equal")
        axes.set_title(data.name)
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        with written_whole(path) as file:
            figure.savefig(file, format="png", metadata={"Software": None})

    @contextmanager
    def scorer(
        self, scoring: Scoring, recipe: Recipe, data: Data, *, seed: int, device: torch.device
    ) -> Iterator["PointScorer"]:
        """Yield a scorer that compares samples with the truth.

        Raises:
            GanevalError: There is no such metric for points.
        """
        names = known_names(data)
        for metric in scoring.metrics or ():
            if metric not in names:
                raise unknown(f"metric of data '{data.name}'", metric, names)
        conditions = {"num_images": NUM_SCORED, "reference": data.name}
        yield PointScorer(conditions, scoring.metrics or names, recipe, data, seed)


POINTS = Points()


@dataclass(frozen=True, slots=True, eq=False)
class PointScorer:
    """Scores generators of points against the known truth of the data.

    Attributes:
        conditions: The conditions that comparable scores share.
        metrics: Names of the scores.
        recipe: Recipe of the run.
        data: Data of the run.
        seed: Seed of the samples.
    """

    conditions: Mapping[str, Any]
    metrics: tuple[str, ...]
    recipe: Recipe
    data: Data
    seed: int

    def score(self, generator: nn.Module, step: int) -> Sequence[Score]:
        """Return the scores of a generator."""
        recipe, data = self.recipe, self.data
        samples = _samples(generator, recipe.main, recipe, data, NUM_SCORED, seed=self.seed)
        return known_scores(data, samples, self.metrics)


@torch.inference_mode()
def _samples(
    network: nn.Module, name: str, recipe: Recipe, data: Data, num: int, *, seed: int
) -> torch.Tensor:
    """Return samples of a network on the CPU, float32 [num, d]."""
    samples: torch.Tensor = network(*inputs_of(network, recipe, data, num, seed=seed, name=name))
    return samples.float().cpu()
