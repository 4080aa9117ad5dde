"""Warn on the terminal if all samples of a generator become alike."""

import logging

import torch
import torch.nn.functional as F

from reference_models.engine.data import Data
from reference_models.engine.inputs import inputs_of
from reference_models.engine.observe import is_due
from reference_models.engine.recipe import Recipe
from reference_models.engine.run import Observer, Run
from reference_models.engine.solvers import Log

logger = logging.getLogger("ganeval.training")

EVERY = 50  # steps
NUM = 64  # samples, and as many training images to compare them with
WIDE = 0.4  # of the data's spread; a generator with this spread has learned something
LEAST = 0.1  # of the data's spread; below it samples always count as alike
FALL = (
    1 / 3
)  # of the widest spread so far, and of the data's variety; below it samples count as alike
PATIENCE = 3  # how often samples must be alike before the warning
START = 1000  # steps after which there is a warning if samples have never differed


def spread(samples: torch.Tensor) -> float:
    """Return the root mean square distance between two samples of a batch [N, ...], N > 1.

    The mean squared distance over all pairs of different samples is twice the sum of the variances
    of the coordinates.
    """
    return float((2 * samples.float().flatten(1).var(dim=0).sum()).sqrt())


def variety(images: torch.Tensor) -> float:
    """Return 1 minus the mean correlation of two images of a batch [N, C, H, W], N > 1.

    Copies of one picture with different brightness have spread but no variety.
    """
    flat = images.float().flatten(1)
    unit = F.normalize(flat - flat.mean(dim=1, keepdim=True), dim=1)
    num = len(unit)
    pairs = unit.sum(dim=0).square().sum() - unit.square().sum()
    return float(1 - pairs / (num * (num - 1)))


def collapse_warning(recipe: Recipe, data: Data, *, seed: int) -> Observer:
    """Return an observer that warns once each time the samples collapse.

    Every 50 steps it compares the averaged generator's samples for 64 fixed inputs with 64 training
    images. At the start of a training all samples are alike. So the generator is judged only after
    the spread of its samples has reached 0.4 of the images' spread. From then on the samples count
    as alike in three cases: their spread is below a tenth of the images' spread, or below a third
    of their widest spread so far, or (for pictures) their variety is below a third of the images'
    variety. They have collapsed if they are alike three times without reaching twice that limit in
    between. The next warning comes only after such a recovery. There is also one warning if the
    spread has not reached a tenth of the images' in the first 1,000 steps.

    The limits were set on digits with seed 0. Once judged, no healthy run of ten models fell below
    0.5 of its widest spread or 0.37 of the images' variety; before that, gan's variety was 0.08 for
    a while. Then G's learning rate was raised to 0.05 with momentum 0.9 in the middle of a run. gan
    fell to 0.2 of its spread and to a variety of 0.01. dcgan fell to 0.12 of its spread within 150
    steps. sngan recovered before the next comparison. The observer does not notice a collapse to a
    few kinds of samples that are far from each other; recall or coverage in the curve shows it. If
    all training images are the same, there is no warning.
    """
    real = data.batch(seed, 0, NUM)["real"]
    whole, varied = spread(real), not bool((real == real[:1]).all())
    pictures = data.kind == "pictures"
    inputs: list[tuple[torch.Tensor, ...]] = []
    alike, widest, named = 0, 0.0, False

    def observe(run: Run, log: Log) -> None:
        nonlocal alike, widest, named
        if not is_due(run.step, EVERY) or not varied:
            return
        if not inputs:
            made = inputs_of(run.average, recipe, data, NUM, seed=seed, name=recipe.main)
            inputs.append(made)
        with torch.inference_mode():
            samples = run.average(*inputs[0]).float().cpu()
        share = spread(samples) / whole
        widest = max(widest, min(share, 1.0))  # being wider than the data does not count
        if widest < WIDE:
            if run.step >= START and widest < LEAST and not named:
                named = True
                logger.warning(
                    "step %d: the samples have not begun to differ from each other (%.1f %% as "
                    "much as training images do); see the losses, and change the learning rates",
                    *(run.step, 100 * share),
                )
            return
        found = share / max(LEAST, FALL * widest)
        if pictures:
            found = min(found, variety(samples) / variety(real) / FALL)
        if found < 1:
            alike += 1
        elif found > 2:
            alike = 0
        if alike == PATIENCE:
            logger.warning(
                "step %d: the samples collapse: they differ from each other %.0f %% as much as "
                "training images do; see the losses, and lower the learning rate",
                run.step,
                100 * share,
            )

    return observe
