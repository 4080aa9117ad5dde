"""Recover the code or the latent from a sample."""

import functools
from collections.abc import Callable

import torch
from sklearn.metrics import normalized_mutual_info_score

from reference_models import bigan, infogan
from reference_models.data.densities import nearest_modes, ring8
from reference_models.data.digits import digits
from reference_models.engine.draw import Draw
from reference_models.engine.recipe import Recipe
from reference_models.engine.run import Run
from reference_models.engine.settings import with_settings
from reference_models.engine.train import begin
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import CPU, trained

NUM_POINTS = 2000
NUM_MODES = 8


def code_and_mode(weight: float) -> Callable[[int], float]:
    """Return a function that trains InfoGAN with eight codes and compares codes with modes."""
    recipe = with_settings(
        infogan.RECIPE,
        {
            "generator.num_classes": NUM_MODES,
            "generator.num_continuous": 0,
            "game.weight": weight,
        },
    )
    latent_size = recipe.networks["generator"]["latent_size"]

    def measure(seed: int) -> float:
        data = ring8()
        run = trained(recipe, data, steps=4000, seed=seed)
        codes = torch.arange(NUM_POINTS) % NUM_MODES
        z = Draw(0, 0).normal("measure", NUM_POINTS, latent_size)
        with torch.inference_mode():
            samples = run.average(z, codes)
        return float(normalized_mutual_info_score(codes.numpy(), nearest_modes(samples, data)))

    return measure


INFOGAN = Experiment(
    model="infogan",
    criterion="normalised mutual information of code and mode of ring8",
    better="higher",
    threshold=0.8,
    control_is="lambda 0",
    system=code_and_mode(1.0),
    control=code_and_mode(0.0),
)


@functools.lru_cache(maxsize=1)
def _trained(name: str, seed: int) -> Run:
    """Return a trained run; cached, because system and control use the same one."""
    recipe = {"bigan": bigan.RECIPE, "ali": bigan.ALI}[name]
    return trained(recipe, digits(), steps=500, seed=seed)


def reconstruction(recipe: Recipe, *, encoder_learns: bool) -> Callable[[int], float]:
    """Return a function that trains, and divides |x - G(E(x))| by |x - G(E(y))|, y another digit.

    If the encoder does not learn, the encoder of step 0 is used.
    """

    def measure(seed: int) -> float:
        data, held_out = digits(), digits(split="test")
        run = _trained(recipe.name, seed)
        asked = run if encoder_learns else begin(recipe, data, seed=seed, device=CPU)
        x = held_out.batch(0, 0, len(held_out))["real"]
        with torch.inference_mode():
            made = run.average(asked.game.get_submodule("encoder")(x))
        ratio = (x - made).abs().mean() / (x - made.roll(1, 0)).abs().mean()
        return float(ratio)

    return measure


def _inverting(recipe: Recipe) -> Experiment:
    """Return the experiment in which a model's encoder must learn to invert the generator."""
    return Experiment(
        model=recipe.name,
        criterion="error of reconstructing held-out digits, divided by the error for another digit",
        better="lower",
        threshold=0.8,
        control_is="the encoder before the first step",
        system=reconstruction(recipe, encoder_learns=True),
        control=reconstruction(recipe, encoder_learns=False),
    )


BIGAN = _inverting(bigan.RECIPE)
ALI = _inverting(bigan.ALI)
