"""Train without files, and measure with the toolkit's own metrics."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import ganeval
from reference_models.engine.data import Data
from reference_models.engine.draw import Draw
from reference_models.engine.export import as_source
from reference_models.engine.recipe import Recipe
from reference_models.engine.train import Run, begin, one_step

CPU = torch.device("cpu")


def trained(recipe: Recipe, data: Data, *, steps: int, seed: int) -> Run:
    """Return a run of so many steps on the CPU; nothing is written."""
    run = begin(recipe, data, seed=seed, device=CPU)
    for _ in range(steps):
        one_step(run, recipe, data, seed=seed, device=CPU)
    return run


@torch.inference_mode()
def points(run: Run, num: int, *, seed: int = 0) -> Tensor:
    """Return samples of a generator of points from normal latents, float32 [num, d]."""
    latent_size = int(getattr(run.average, "latent_size"))  # noqa: B009 (mypy)
    samples: Tensor = run.average(Draw(seed, 0).normal("measure", num, latent_size))
    return samples


def score(
    run: Run,
    recipe: Recipe,
    data: Data,
    *,
    metric: str,
    reference: str = "data:digits,split=test,size=16",
    num_images: int = 360,
    extractor: str = "efficientnet-lite0",
) -> float:
    """Return the first score of a metric for the averaged generator of images."""
    report = ganeval.evaluate(
        sample=as_source(run.average, recipe, data, num_images=num_images),
        reference=reference,
        metrics=[metric],
        settings=ganeval.Settings(
            extractor=extractor, offline=True, device="cpu", command="experiment"
        ),
    )
    return float(report.scores[0].value)


def shares(labels: npt.NDArray[np.int64], num_classes: int) -> npt.NDArray[np.float64]:
    """Return the share of each class among labels int64 [N], float64 [num_classes]."""
    return np.bincount(labels, minlength=num_classes) / len(labels)
