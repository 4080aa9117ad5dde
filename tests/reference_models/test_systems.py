"""What is special about each system, checked exactly."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

import ganeval
from reference_models import consensus, dcgan, gan, sngan, unrolled, wgan, wgan_gp
from reference_models.data.densities import ring8
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import preset_of, with_settings
from reference_models.engine.solvers import Alternating
from reference_models.experiments.measure import points, trained
from reference_models.experiments.ring import UNROLLED_RECIPE
from reference_models.parts.augment import Augment
from reference_models.parts.objectives import OBJECTIVES
from tests.reference_models.made import data_of

SHAPE = (1, 16, 16)
BATCH = Batch({"real": torch.randn(6, *SHAPE, generator=torch.Generator().manual_seed(1)).tanh()})


def randomness(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_minimax_and_non_saturating_share_the_discriminator_and_differ_in_the_generator() -> None:
    draw = Draw(0, 0)
    minimax, usual = (
        recipe.build(data_of(SHAPE), randomness()) for recipe in (gan.MINIMAX, gan.RECIPE)
    )
    assert torch.equal(minimax("D", BATCH, draw), usual("D", BATCH, draw))
    logits = usual.discriminator(usual.sample(6, draw))
    torch.testing.assert_close(minimax("G", BATCH, draw), torch.sigmoid(-logits).log().mean())
    torch.testing.assert_close(usual("G", BATCH, draw), -torch.sigmoid(logits).log().mean())


def test_minimax_gradients_vanish_where_the_discriminator_is_sure() -> None:
    # Arjovsky and Bottou 2017: with samples far away and D sure, equation 1 teaches G nothing.
    norms = {}
    for recipe in (gan.MINIMAX, gan.RECIPE):
        game = recipe.build(data_of(SHAPE), randomness())
        with torch.no_grad():
            game.discriminator.layers[-1].bias.fill_(-12.0)
        loss = game("G", BATCH, Draw(0, 0))
        gradients = torch.autograd.grad(loss, list(game.parameters_of("G").values()))
        norms[recipe.name] = math.sqrt(sum(float(g.square().sum()) for g in gradients))
    assert norms["gan-minimax"] < 1e-2 * norms["gan"]


def test_dcgan_has_the_layers_and_weights_of_the_paper() -> None:
    game = dcgan.RECIPE.build(data_of((3, 32, 32)), randomness())
    kinds = {type(module) for module in game.modules()}
    assert not kinds & {nn.MaxPool2d, nn.AvgPool2d, nn.Linear, nn.Upsample}
    weights = torch.cat(
        [
            module.weight.flatten()
            for module in game.modules()
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
        ]
    )
    assert weights.std().item() == pytest.approx(0.02, rel=0.01)
    assert weights.mean().item() == pytest.approx(0.0, abs=1e-4)
    assert isinstance(game.generator.layers[-1], nn.Tanh)
    assert isinstance(game.discriminator.layers[1], nn.LeakyReLU)
    for network in (game.generator, game.discriminator):
        assert any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert game.generator(torch.zeros(2, 64)).shape == (2, 3, 32, 32)


@pytest.mark.parametrize("size", [8, 16, 64])
def test_resolution_is_a_parameter(size: int) -> None:
    game = dcgan.RECIPE.build(data_of((3, size, size)), randomness())
    assert game.discriminator(game.sample(2, Draw(0, 0))).shape == (2,)
    with pytest.raises(ganeval.GanevalError, match="images of 20 pixels"):
        dcgan.RECIPE.build(data_of((3, 20, 20)), randomness())


def test_wgan_clips_the_critic_after_every_step_of_it() -> None:
    game = wgan.RECIPE.build(data_of(SHAPE), randomness())
    optimizers = {
        player: wgan.RECIPE.optimizers[player].build(game.parameters_of(player).values())
        for player in game.players
    }
    with torch.no_grad():
        for parameter in game.discriminator.parameters():
            parameter.mul_(100)
    wgan.RECIPE.solver.step(game, optimizers, lambda _: BATCH, Draw(0, 0))
    largest = max(float(p.detach().abs().max()) for p in game.discriminator.parameters())
    assert largest == pytest.approx(0.01)
    assert max(float(p.detach().abs().max()) for p in game.generator.parameters()) > 0.01
    assert wgan.RECIPE.solver == Alternating(5)


def test_the_distance_of_parallel_lines_is_their_shift() -> None:
    # Example 1 of the paper: W1 of two parallel lines is their distance, JSD is log 2 for any.
    unchanged = Augment("none", target=0.6, images=1)
    networks = nn.Identity(), nn.Identity()
    game = wgan.WassersteinGan(*networks, OBJECTIVES["wasserstein"], unchanged)
    line = torch.stack([torch.zeros(50), torch.linspace(0, 1, 50)], dim=1)
    for shift in (0.5, 1.0, 3.0):
        # The best 1-Lipschitz critic of a shift along the first axis is minus that coordinate.
        real, fake = -line[:, 0], -(line[:, 0] + shift)
        assert -game.objective.discriminator(real, fake).item() == pytest.approx(shift)


def test_wgan_gp_adds_its_weighted_penalty_to_the_critic_alone() -> None:
    game = wgan_gp.RECIPE.build(data_of(SHAPE), randomness())
    terms = game.loss("D", BATCH, Draw(0, 0))
    assert set(terms) == {"adversarial", "gradient_penalty"}
    assert set(game.loss("G", BATCH, Draw(0, 0))) == {"adversarial"}
    heavier = with_settings(wgan_gp.RECIPE, {"game.penalty_weight": 30.0})
    more = heavier.build(data_of(SHAPE), randomness()).loss("D", BATCH, Draw(0, 0))
    torch.testing.assert_close(more["gradient_penalty"], 3 * terms["gradient_penalty"])
    points = with_settings(wgan_gp.RECIPE, preset_of(wgan_gp.RECIPE, "points"))
    assert points.build(data_of((2,)), randomness()).options["penalty_weight"] == 0.1
    assert not any(isinstance(m, nn.BatchNorm2d) for m in game.discriminator.modules())


def test_spectral_norms_are_one_and_stay_in_evaluation() -> None:
    game = sngan.RECIPE.build(data_of(SHAPE), randomness())
    layers = [m for m in game.discriminator.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == 3
    for _ in range(200):
        game.discriminator(BATCH["real"])
    game.discriminator.eval()
    for layer in layers:
        values = torch.linalg.svdvals(layer.weight.detach().flatten(1))
        assert values[0].item() == pytest.approx(1.0, abs=1e-3)
    before = [layer.parametrizations.weight[0].left.clone() for layer in layers]
    game.discriminator(BATCH["real"])
    after = [layer.parametrizations.weight[0].left for layer in layers]
    assert all(torch.equal(x, y) for x, y in zip(before, after, strict=True))


def test_the_gradient_of_a_normalised_weight_is_that_of_the_paper() -> None:
    # Equation 12: dL/dW = (dL/dW_sn - <dL/dW_sn, W_sn> u v^T) / sigma at the singular vectors.
    torch.manual_seed(0)
    weight = torch.randn(5, 7, dtype=torch.float64)
    left, values, right = torch.linalg.svd(weight, full_matrices=False)
    norm = sngan.SpectralNorm(weight).double().eval()
    norm.left.copy_(left[:, 0])
    weight.requires_grad_()
    direction = torch.randn(5, 7, dtype=torch.float64)
    (gradient,) = torch.autograd.grad((norm(weight) * direction).sum(), weight)
    normalised = (weight / values[0]).detach()
    rank_one = torch.outer(left[:, 0], right[0])
    expected = (direction - (direction * normalised).sum() * rank_one) / values[0]
    torch.testing.assert_close(gradient, expected)


def test_the_discriminator_of_points_is_lipschitz() -> None:
    game = sngan.RECIPE.build(data_of((2,)), randomness())
    for _ in range(200):
        game.discriminator(torch.zeros(1, 2))
    game.discriminator.eval()
    first, second = (torch.randn(500, 2, generator=randomness(seed)) for seed in (1, 2))
    rise = (game.discriminator(first) - game.discriminator(second)).abs()
    assert (rise / (first - second).norm(dim=1)).max().item() <= 1 + 1e-3


def test_unrolled_and_consensus_play_the_game_of_gan_with_their_own_solvers() -> None:
    assert unrolled.RECIPE.solver == unrolled.Unrolled(num_steps=5, lr=3e-2)
    assert consensus.RECIPE.solver == consensus.Consensus(gamma=1.0)
    draw = Draw(0, 0)
    games = [
        recipe.build(data_of(SHAPE), randomness()) for recipe in (unrolled.RECIPE, gan.MINIMAX)
    ]
    assert torch.equal(games[0]("G", BATCH, draw), games[1]("G", BATCH, draw))
    assert {spec.name for spec in consensus.RECIPE.optimizers.values()} == {"rmsprop"}


def test_unrolled_finds_the_middle_of_a_ring_that_is_not_at_zero() -> None:
    # Without the real term in f_K it comes to rest on the near side, at 2.5 after as many steps.
    ring = replace(ring8(), modes=ring8().modes + 3)
    run = trained(UNROLLED_RECIPE, ring, steps=200, seed=0)
    middle = points(run, 2000).mean(dim=0)
    torch.testing.assert_close(middle, torch.full((2,), 3.0), rtol=0, atol=0.2)


@pytest.mark.parametrize("recipe", [dcgan.RECIPE, sngan.RECIPE, wgan_gp.RECIPE])
def test_no_graph_is_built_that_no_move_asks_for(recipe: Recipe) -> None:
    game = recipe.build(data_of(SHAPE), randomness())
    optimizers = {
        player: recipe.optimizers[player].build(game.parameters_of(player).values())
        for player in game.players
    }
    graphs: list[bool] = []
    calls: list[int] = []
    game.discriminator.register_forward_pre_hook(
        lambda _, inputs: graphs.append(inputs[0].grad_fn is not None)
    )
    game.generator.register_forward_hook(lambda *_: calls.append(1))
    weights = list(game.parameters_of("D").values())
    asked: list[bool] = []
    game.generator.register_forward_hook(lambda *_: asked.append(weights[0].requires_grad))
    Alternating(1).step(game, optimizers, lambda _: BATCH, Draw(0, 0))
    # Real, generated and, for a penalty, mixed samples without a graph; then the generator's own.
    assert graphs == [False] * (len(graphs) - 1) + [True]
    assert len(calls) == 2
    assert asked == [True, False]
    assert all(one.requires_grad for one in game.parameters())
