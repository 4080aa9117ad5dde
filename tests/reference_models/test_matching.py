"""GMMN, energy distance and MMD-GAN: what each player minimises, and what is clipped."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import ganeval
from reference_models import energy_distance, gmmn, mmd_gan
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.settings import preset_of, with_settings
from reference_models.parts.kernels import biased_mmd2, negative_distance, unbiased_mmd2
from reference_models.parts.matching import Matching
from tests.reference_models.made import data_of

SHAPE = (1, 8, 8)
DRAW = Draw(0, 0)
BATCH = Batch({"real": torch.randn(6, *SHAPE, generator=torch.Generator().manual_seed(1)).tanh()})


def randomness() -> torch.Generator:
    return torch.Generator().manual_seed(0)


class Given(nn.Module):
    """Makes of any latents the same samples, which it owns."""

    latent_size = 3

    def __init__(self, samples: torch.Tensor) -> None:
        super().__init__()
        self.samples = nn.Parameter(samples)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.samples


def matching(module: Any, real: torch.Tensor, fake: torch.Tensor, **game: Any) -> torch.Tensor:
    """Return what a model's G minimises for given samples."""
    recipe = replace(module.RECIPE, game={**module.RECIPE.game, **game})
    made = recipe.build(data_of((real.shape[1],)), randomness())
    assert isinstance(made, Matching)
    made.generator = Given(fake)
    return made("G", Batch({"real": real}), DRAW)


def pairs(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x[:, None].astype(float) - y, axis=2)


def test_gmmn_minimises_the_root_of_all_pairs() -> None:
    rng = np.random.default_rng(0)
    real, fake = rng.standard_normal((2, 7, 2)).astype(np.float32)
    squared = 0.0
    for b in (0.5, 2.0):
        xx, yy, xy = (
            np.exp(-(pairs(one, other) ** 2) / (2 * b**2)).mean()
            for one, other in ((real, real), (fake, fake), (real, fake))
        )
        squared += xx + yy - 2 * xy
    found = matching(gmmn, *map(torch.from_numpy, (real, fake)), bandwidths=(0.5, 2.0))
    assert found.item() == pytest.approx(squared**0.5, rel=1e-5)


def test_gmmn_is_at_rest_where_both_batches_are_one() -> None:
    real = torch.from_numpy(np.random.default_rng(1).standard_normal((5, 2)))
    fake = real.flip(0).requires_grad_()
    loss = gmmn.discrepancy((1.0, 2.0))(real, fake)
    (slope,) = torch.autograd.grad(loss, fake)
    assert loss.item() < 1e-6
    assert slope.abs().max().item() < 1e-6


@pytest.mark.parametrize("unbiased", [True, False])
def test_the_energy_distance_leaves_out_pairs_of_one_item_unless_told(unbiased: bool) -> None:
    rng = np.random.default_rng(2)
    real, fake = rng.standard_normal((2, 4, 3)).astype(np.float32)
    count = 12 if unbiased else 16
    expected = 2 * pairs(real, fake).mean() - sum(
        pairs(one, one).sum() / count for one in (real, fake)
    )
    found = matching(energy_distance, *map(torch.from_numpy, (real, fake)), unbiased=unbiased)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_only_the_biased_energy_distance_rewards_a_generator_that_spreads_less() -> None:
    # The mean over all batches of two of four atoms; G makes the same atoms, scaled.
    atoms = torch.tensor([-3.0, -1.0, 1.0, 3.0], dtype=torch.float64)

    def mean_loss(estimate: Any, scale: float) -> float:
        batches = (torch.stack(four)[:, None] for four in itertools.product(atoms, repeat=4))
        losses = [estimate(negative_distance, four[:2], scale * four[2:]) for four in batches]
        return torch.stack(losses).mean().item()

    assert mean_loss(unbiased_mmd2, 1.0) == pytest.approx(0, abs=1e-12)
    assert min(mean_loss(unbiased_mmd2, scale) for scale in (0.8, 1.1)) > 0.05
    assert mean_loss(biased_mmd2, 0.8) < mean_loss(biased_mmd2, 1.0) - 0.04


class Doubling(nn.Module):
    """Takes two coordinates for codes, and decodes the double of them."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Identity(), nn.Identity()

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, (2 * x - x).square().mean()


@pytest.mark.parametrize("shift", [0.5, -0.5])
def test_players_of_mmd_gan_share_one_value_and_only_d_decodes(shift: float) -> None:
    real = torch.from_numpy(np.random.default_rng(3).standard_normal((6, 2)).astype(np.float32))
    fake = real.flip(0) * 0.5 + shift
    game = mmd_gan.RECIPE.build(data_of((2,)), randomness())
    game.generator, game.critic = Given(fake), Doubling()
    critic, generator = (game.loss(player, Batch({"real": real}), DRAW) for player in ("D", "G"))
    for name in ("distance", "hinge"):
        torch.testing.assert_close(critic[name], -generator[name])
    assert generator.keys() == {"distance", "hinge"}
    behind = (fake.mean(dim=0) - real.mean(dim=0)).clamp(min=0).mean()
    torch.testing.assert_close(critic["hinge"], 16 * behind)
    assert (behind.item() > 0) == (shift > 0)
    torch.testing.assert_close(critic["decoding_real"], 8 * real.square().mean())
    torch.testing.assert_close(critic["decoding_fake"], 8 * fake.square().mean())
    expected = gmmn.discrepancy((1.0, 2.0, 4.0, 8.0, 16.0))(real, fake)
    torch.testing.assert_close(generator["distance"], expected)


def test_mmd_gan_clips_the_encoder_alone() -> None:
    recipe = with_settings(mmd_gan.RECIPE, {"generator.width": 4, "critic.width": 4})
    game = recipe.build(data_of(SHAPE), randomness())
    optimizers = {
        player: recipe.optimizers[player].build(game.parameters_of(player).values())
        for player in game.players
    }

    def largest(network: nn.Module) -> float:
        return max(float(one.detach().abs().max()) for one in network.parameters())

    assert largest(game.critic.encoder) == pytest.approx(0.01)
    with torch.no_grad():
        for parameter in game.critic.parameters():
            parameter.mul_(3)
    free = largest(game.critic.decoder)
    recipe.solver.step(game, optimizers, lambda _: BATCH, Draw(0, 10**6))
    assert largest(game.critic.encoder) == pytest.approx(0.01)
    assert largest(game.critic.decoder) > 0.9 * free > 0.1


def test_the_critic_of_the_paper_moves_first_and_most() -> None:
    paper = with_settings(mmd_gan.RECIPE, preset_of(mmd_gan.RECIPE, "paper"))
    moves = [paper.solver.first_moves(step) for step in (0, 24, 25, 499, 500, 501)]
    assert moves == [100, 100, 5, 5, 100, 5]
    assert {spec.lr for spec in paper.optimizers.values()} == {5e-5}


def test_bandwidths_of_zero_are_refused() -> None:
    recipe = with_settings(gmmn.RECIPE, {"game.bandwidths": [0.0, 1.0, 2.0, 3.0, 4.0]})
    with pytest.raises(
        ganeval.GanevalError, match=r"bandwidths .*; needed: numbers above 0; change"
    ):
        recipe.build(data_of(SHAPE), randomness())
