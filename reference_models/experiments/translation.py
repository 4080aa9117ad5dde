"""Pictures from pictures, scored by ganeval's metrics of pairs: how near each is to the truth."""

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

import ganeval
from reference_models import cyclegan, srgan
from reference_models.data.digits import sr
from reference_models.engine.data import training_data
from reference_models.engine.kinds.pictures import as_source
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import with_settings
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import fid_of_digits, trained

NUM_IMAGES = 360  # as many as there are held-out digits
TRANSLATED_STEPS = 800
ENLARGED_STEPS = 400


@functools.lru_cache(maxsize=2)
def _made(steps: int, seed: int, make_recipe: Callable[[], Recipe]) -> ganeval.Generator:
    """Return what a trained model makes of the held-out conditions; several criteria ask for it."""
    recipe = make_recipe()
    data = training_data(recipe)
    run = trained(recipe, data, steps=steps, seed=seed)
    return as_source(run.average, recipe, data, num_images=NUM_IMAGES, seed=seed)


def psnr(sample: Any, reference: str) -> float:
    """Return the mean peak signal-to-noise ratio of pictures and the truth of the same number."""
    report = ganeval.evaluate(
        sample=sample,
        reference=reference,
        metrics=["psnr"],
        pair_by="index",
        device="cpu",
        cache=False,
    )
    return float(report["psnr"].value)


def _without_cycle() -> Recipe:
    """Return the recipe of two GANs side by side."""
    return with_settings(cyclegan.RECIPE, {"game.cycle_weight": 0.0})


def translated(make_recipe: Callable[[], Recipe]) -> Callable[[int], float]:
    """Return what trains and compares the translation with the hidden one."""
    truth = "data:tint,split=test,size=16"
    return lambda seed: psnr(_made(TRANSLATED_STEPS, seed, make_recipe), truth)


CYCLEGAN = Experiment(
    model="cyclegan",
    criterion="PSNR of translated held-out digits to the hidden translation, in dB",
    better="higher",
    threshold=18.0,
    control_is="lambda 0",
    system=translated(lambda: cyclegan.RECIPE),
    control=translated(_without_cycle),
)

TRUTH = "data:digits,split=test,size=16"


def _srgan() -> Recipe:
    """Return the recipe with half of the steps in each stage."""
    images = ENLARGED_STEPS // 2 * srgan.RECIPE.batch_size
    return with_settings(srgan.RECIPE, {"steps": ENLARGED_STEPS, "game.pretrain_images": images})


def _srresnet() -> Recipe:
    """Return the recipe that stays in the first stage."""
    images = ENLARGED_STEPS * srgan.RECIPE.batch_size
    return with_settings(srgan.RECIPE, {"steps": ENLARGED_STEPS, "game.pretrain_images": images})


def bicubic() -> ganeval.Images:
    """Return the small held-out digits, enlarged without a model."""
    condition = sr(split="test").condition
    assert condition is not None
    large = F.interpolate(torch.from_numpy(condition), scale_factor=4, mode="bicubic")
    return ganeval.Images(large.clamp(-1, 1), value_range=(-1, 1))


SRGAN = Experiment(
    model="srgan",
    criterion="FID to held-out digits of what is made of them at a quarter of the size",
    better="lower",
    threshold=0.057,
    control_is="SRResNet, as many steps on pixels",
    system=lambda seed: fid_of_digits(_made(ENLARGED_STEPS, seed, _srgan)),
    control=lambda seed: fid_of_digits(_made(ENLARGED_STEPS, seed, _srresnet)),
)

SRRESNET = Experiment(
    model="srgan",
    criterion="PSNR of SRResNet to held-out digits, from a quarter of the size, in dB",
    better="higher",
    threshold=18.0,
    control_is="bicubic",
    system=lambda seed: psnr(_made(ENLARGED_STEPS, seed, _srresnet), TRUTH),
    control=lambda seed: psnr(bicubic(), TRUTH),
)
