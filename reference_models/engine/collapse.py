"""A warning on the terminal when all samples of a generator become alike."""

import logging

import torch

from reference_models.engine.data import Data
from reference_models.engine.inputs import inputs_of
from reference_models.engine.observe import is_due
from reference_models.engine.recipe import Recipe
from reference_models.engine.run import Observer, Run
from reference_models.engine.solvers import Log

logger = logging.getLogger("ganeval.training")

EVERY = 50  # steps
NUM = 64  # samples, and training images to compare with
LEAST = 0.1  # of the data's spread, below which samples are alike in any case
FALL = 1 / 3  # of the widest spread so far, below which they have become alike
PATIENCE = 3  # times that they are alike before anything is said


def spread(images: torch.Tensor) -> float:
    """Return the root mean square distance between two images of a batch [N, ...], N > 1.

    Over all pairs of different images the mean squared distance is twice the sum of the variances
    of the pixels.
    """
    return float((2 * images.float().flatten(1).var(dim=0).sum()).sqrt())


def collapse_warning(recipe: Recipe, data: Data, *, seed: int) -> Observer:
    """Return an observer that warns once for each time that the samples collapse.

    Every 50 steps the averaged generator's samples of 64 fixed inputs are compared with as many
    training images. They are alike if their spread is below a tenth of that of the images, or below
    a third of the widest that it was so far (and of that of the images); found alike three times,
    with no recovery to twice that limit between, they have collapsed. The next warning comes only
    after such a recovery.

    The limits were set on digits: from step 50 on the share of the healthy systems is above 0.13
    and most rise (dcgan from 0.23 to 0.95; progan falls from 1.2 to 0.57 before it rises), while it
    is below 0.01 for gan when G has 40 times its learning rate and momentum 0.9. Samples of a few
    kinds that are far from each other are not seen: recall or coverage in the curve shows these.
    Where all training images are the same, samples that are alike are right.
    """
    real = data.batch(seed, 0, NUM)["real"]
    whole, varied = spread(real), not bool((real == real[:1]).all())
    inputs: list[tuple[torch.Tensor, ...]] = []
    alike, widest = 0, 0.0

    def observe(run: Run, log: Log) -> None:
        nonlocal alike, widest
        if not is_due(run.step, EVERY) or not varied:
            return
        if not inputs:
            inputs.append(inputs_of(run.average, recipe, data, NUM, seed=seed, name=recipe.main))
        with torch.inference_mode():
            share = spread(run.average(*inputs[0])) / whole
        widest = max(widest, min(share, 1.0))  # wider than the data is no virtue
        limit = max(LEAST, FALL * widest)
        if share < limit:
            alike += 1
        elif share > 2 * limit:
            alike = 0
        if alike == PATIENCE:
            logger.warning(
                "step %d: the samples collapse: they differ from each other %.0f %% as much as "
                "training images do; see the losses, and lower the learning rate",
                run.step,
                100 * share,
            )

    return observe
