"""Train without writing files, and measure with the toolkit's own metrics."""

from typing import Any

import torch
from torch import Tensor

import ganeval
from reference_models.engine.data import Data
from reference_models.engine.draw import Draw
from reference_models.engine.inputs import latent_size_of
from reference_models.engine.recipe import Recipe
from reference_models.engine.run import Run
from reference_models.engine.train import begin, one_step

CPU = torch.device("cpu")


def trained(recipe: Recipe, data: Data, *, steps: int, seed: int) -> Run:
    """Return a trained run on the CPU; nothing is written."""
    run = begin(recipe, data, seed=seed, device=CPU)
    for _ in range(steps):
        one_step(run, recipe, data, seed=seed, device=CPU)
    return run


@torch.inference_mode()
def points(run: Run, num: int) -> Tensor:
    """Return samples of the averaged generator of points, float32 [num, d]."""
    size = latent_size_of(run.average)
    assert size is not None, "generators of points take latents"
    samples: Tensor = run.average(Draw(0, 0).normal("measure", num, size))
    return samples


def fid_of_digits(sample: Any, *, size: int = 16) -> float:
    """Return the FID to the held-out digits with ganeval's smallest extractor, `random`.

    Its features come from a random network. They take milliseconds and are good enough to compare
    digits with digits. The values cannot be compared with those of another extractor.
    """
    report = ganeval.evaluate(
        sample=sample,
        reference=f"data:digits,split=test,size={size}",
        metrics=["fid"],
        extractor="random",
        device="cpu",
        cache=False,
    )
    return float(report["fid"].value)
