"""A generator that takes pictures and no latents: trained, written, sampled and scored as any."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import ganeval
from reference_models import pix2pix
from reference_models.data.digits import edges
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.export import export
from reference_models.engine.game import Game, Terms
from reference_models.engine.inputs import inputs_of
from reference_models.engine.kinds.pictures import PICTURES, as_source
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Simultaneous
from reference_models.engine.train import train

HERE = "tests.reference_models.test_translation"
POLICY = ganeval.Settings().decode


class Translator(nn.Module):
    """One convolution of the condition."""

    latent_size = None

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 1, 3, padding=1)

    def forward(self, condition: torch.Tensor) -> torch.Tensor:
        pictures: torch.Tensor = self.layer(condition).tanh()
        return pictures


class Regression(Game):
    players = {"G": ("generator",)}  # noqa: RUF012 (as in every game)

    def __init__(self) -> None:
        super().__init__()
        self.generator = Translator()

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        return {"l1": (self.generator(batch["condition"]) - batch["real"]).abs().mean()}


RECIPE = Recipe(
    name="translation",
    make_game=lambda recipe, shape, randomness: Regression(),
    exported={"generator": Exported(f"{HERE}:Translator", condition="condition")},
    of_shape=lambda shape: {},
    networks={"generator": {}},
    solver=Simultaneous(),
    optimizers={"G": OptimizerSpec()},
    batch_size=4,
    data="edges",
    reads=("real", "condition"),
)


def test_a_generator_without_latents_is_a_source_as_it_is_and_from_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reference_models.MODELS", {"x": f"{HERE}:RECIPE"})
    data = edges()
    run = train(RECIPE, data, tmp_path, steps=2)
    path = tmp_path / "it.safetensors"
    export(run, RECIPE, data, [path], seed=0)
    conditions = ganeval.open_source(str(data.source_of("condition")), policy=POLICY)
    given = np.stack([item.picture().pixels for item in conditions.load(range(10))])
    with torch.inference_mode():
        made = run.average(torch.from_numpy(given) / 127.5 - 1)
    expected = np.floor((made.numpy() + 1) * 127.5 + 0.5).clip(0, 255).repeat(3, axis=1)
    for thing in (
        f"generator:{path},num_images=10",
        as_source(run.average, RECIPE, data, num_images=10),
    ):
        source = ganeval.open_source(thing, policy=POLICY)
        pixels = np.stack([item.picture().pixels for item in source.load(range(10))])
        # The source may run its samples in other company: one level at most.
        np.testing.assert_allclose(pixels, expected, atol=1)
        assert np.ptp(pixels) > 9


def test_the_inputs_of_a_run_are_those_that_the_generator_takes() -> None:
    data, network = edges(), Translator()
    (condition,) = inputs_of(network, RECIPE, data, 5, seed=0)
    torch.testing.assert_close(condition, data.batch(0, 0, 5)["condition"])
    with_latents = pix2pix.Generator(**pix2pix.RECIPE.generator_options(data.shape))
    latents, beside = inputs_of(with_latents, RECIPE, data, 5, seed=0)
    assert latents.shape == (5, with_latents.latent_size)
    torch.testing.assert_close(beside, condition)


def test_a_card_without_latents_and_conditions_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reference_models.MODELS", {"x": f"{HERE}:RECIPE"})
    unpaired = replace(RECIPE, exported={"generator": Exported(f"{HERE}:Translator")})
    path = tmp_path / "it.safetensors"
    PICTURES.export(Translator(), "generator", unpaired, edges(), path, step=1, seed=0)
    with pytest.raises(ganeval.GanevalError, match=r"--condition"):
        ganeval.open_source(str(path), policy=POLICY)
