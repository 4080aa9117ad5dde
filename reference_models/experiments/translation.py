"""Image-to-image models, scored by pairs of made and true pictures."""

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
from reference_models.experiments.measure import trained

NUM_IMAGES = 360  # as many as there are held-out digits
TRANSLATED_STEPS = 800
ENLARGED_STEPS = 400


def _made(steps: int, seed: int, recipe: Recipe) -> ganeval.Generator:
    """Return a trained model's pictures for the held-out conditions."""
    data = training_data(recipe)
    run = trained(recipe, data, steps=steps, seed=seed)
    return as_source(run.average, recipe, data, num_images=NUM_IMAGES, seed=seed)


def psnr(sample: Any, reference: str) -> float:
    """Return the mean peak signal-to-noise ratio of pairs of made and true pictures."""
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
    """Return CycleGAN's recipe without the cycle term: two independent GANs."""
    return with_settings(cyclegan.RECIPE, {"game.cycle_weight": 0.0})


def translated(make_recipe: Callable[[], Recipe]) -> Callable[[int], float]:
    """Return a function that trains and compares translations with the true ones."""
    truth = "data:tint,split=test,size=16"
    return lambda seed: psnr(_made(TRANSLATED_STEPS, seed, make_recipe()), truth)


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
    """Return SRGAN's recipe with half of the steps in each stage."""
    images = ENLARGED_STEPS // 2 * srgan.RECIPE.batch_size
    return with_settings(srgan.RECIPE, {"steps": ENLARGED_STEPS, "game.pretrain_images": images})


def _srresnet() -> Recipe:
    """Return SRGAN's recipe with all steps in the first stage."""
    images = ENLARGED_STEPS * srgan.RECIPE.batch_size
    return with_settings(srgan.RECIPE, {"steps": ENLARGED_STEPS, "game.pretrain_images": images})


def bicubic() -> ganeval.Images:
    """Return the small held-out digits, enlarged without a model."""
    condition = sr(split="test").condition
    assert condition is not None
    large = F.interpolate(torch.from_numpy(condition), scale_factor=4, mode="bicubic")
    return ganeval.Images(large.clamp(-1, 1), value_range=(-1, 1))


def steepness(make_recipe: Callable[[], Recipe]) -> Callable[[int], float]:
    """Return a function that measures the steepness of edges of enlarged held-out digits.

    It is the mean squared difference of neighbouring pixels, divided by that of the real digits.
    The mean of all large pictures with the same small picture has flatter edges than each of them.
    """
    held_out = sr(split="test")
    batch = held_out.batch(0, 0, len(held_out))

    def measure(seed: int) -> float:
        recipe = make_recipe()
        run = trained(recipe, training_data(recipe), steps=ENLARGED_STEPS, seed=seed)
        with torch.inference_mode():
            return float(_slope(run.average.eval()(batch["condition"])) / _slope(batch["real"]))

    return measure


def _slope(x: torch.Tensor) -> torch.Tensor:
    """Return the mean squared difference of horizontal plus that of vertical neighbours."""
    return x.diff(dim=2).square().mean() + x.diff(dim=3).square().mean()


SRGAN = Experiment(
    model="srgan",
    criterion="steepness of edges of enlarged held-out digits, divided by that of the real ones",
    better="higher",
    threshold=0.91,
    control_is="SRResNet, with the same number of steps",
    system=steepness(_srgan),
    control=steepness(_srresnet),
)

SRRESNET = Experiment(
    model="srgan",
    criterion="PSNR of SRResNet to held-out digits, from a quarter of the size, in dB",
    better="higher",
    threshold=18.0,
    control_is="bicubic",
    system=lambda seed: psnr(_made(ENLARGED_STEPS, seed, _srresnet()), TRUTH),
    control=lambda seed: psnr(bicubic(), TRUTH),
)
