"""Flow, VAE and PixelCNN: what they call log p(x) is the density of what they sample."""

import itertools
import math
from pathlib import Path
from typing import TypeVar

import pytest
import torch
from torch import nn

import ganeval
from reference_models import flow_gan, pixelcnn, vae
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import with_settings
from reference_models.parts.likelihood import (
    LEVEL_WIDTH,
    MaximumLikelihood,
    bits_per_dimension,
    dequantise,
)
from tests.reference_models.made import data_of

DRAW = Draw(0, 0)
Network = TypeVar("Network", bound=nn.Module)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def flow(shape: tuple[int, ...], *, num_couplings: int = 4) -> flow_gan.Generator:
    """A flow in float64, wilder than at its first weights."""
    network = flow_gan.Generator(
        shape=shape, num_couplings=num_couplings, width=8, depth=1, limit=2.0
    )
    return wild(network, std=0.3 if len(shape) == 1 else 0.15)


def wild(network: Network, std: float = 0.5) -> Network:
    network.double()
    with torch.no_grad():
        for number, parameter in enumerate(network.parameters()):
            parameter.copy_(std * random(*parameter.shape, seed=number))
    return network


# Dequantisation and the game of one player


def test_spread_bytes_fill_the_range_and_round_to_themselves() -> None:
    levels = torch.arange(256.0).reshape(1, 1, 16, 16) / 127.5 - 1
    uniform = torch.linspace(0, 1 - 2**-24, 999).reshape(-1, 1, 1, 1).expand(-1, 1, 16, 16)
    spread = dequantise(levels, uniform)
    rounded = torch.floor((spread + 1) * 127.5 + 0.5)  # as ganeval rounds
    assert (rounded == torch.arange(256.0).reshape(1, 16, 16)).all()
    assert spread.abs().max() < 256 / 255
    assert spread.abs().max() > 256 / 255 * (1 - 1e-5)
    points = random(4, 2)
    assert torch.equal(dequantise(points, torch.rand(4, 2)), points)


def test_the_uniform_density_takes_eight_bits() -> None:
    log_prob = torch.tensor(-30 * math.log(256 * LEVEL_WIDTH))  # of 30 bytes
    assert bits_per_dimension(log_prob, 30).item() == pytest.approx(8.0)


def test_one_player_fits_with_the_mean_of_log_p() -> None:
    game = flow_gan.FLOW.build(data_of((1, 8, 8)), torch.Generator().manual_seed(0))
    assert isinstance(game, MaximumLikelihood)
    batch = Batch({"real": random(5, 1, 8, 8).float().tanh()})
    uniform = DRAW.uniform("dequantise", 5, 1, 8, 8)
    expected = -game.generator.log_prob(dequantise(batch["real"], uniform)).mean()
    torch.testing.assert_close(game("G", batch, DRAW), expected)


# Flow


@pytest.mark.parametrize("shape", [(2,), (3,), (1, 4, 4), (3, 2, 2)])
def test_the_inverse_of_the_flow_is_its_inverse(shape: tuple[int, ...]) -> None:
    network = flow(shape)
    z = random(7, network.latent_size)
    back, _ = network.inverse(network(z))
    torch.testing.assert_close(back, z)
    with torch.no_grad():
        first = network.couplings[0]
        kept = first.mask.bool()
        assert torch.equal(first(z)[:, kept], z[:, kept])
        assert not (first(z) == z)[:, ~kept].any()


@pytest.mark.parametrize("shape", [(2,), (3,), (1, 4, 4)])
def test_its_log_determinant_is_that_of_the_jacobian(shape: tuple[int, ...]) -> None:
    network = flow(shape)
    z = random(3, network.latent_size)
    _, log_det = network.inverse(network(z))
    for one, found in zip(z, log_det, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda x: network(x[None]).flatten(), one)
        torch.testing.assert_close(found, torch.linalg.slogdet(jacobian)[1])


def test_the_density_of_the_flow_integrates_to_one() -> None:
    network = flow((2,), num_couplings=3)
    line = torch.linspace(-12, 12, 401, dtype=torch.float64)
    grid = torch.cartesian_prod(line, line)
    with torch.inference_mode():
        z, _ = network.inverse(grid)
        density = network.log_prob(grid).exp()
    total = density.sum() * (line[1] - line[0]) ** 2
    assert total.item() == pytest.approx(1.0, abs=0.01)
    assert density.max() / density.median() > 1e3  # no Gaussian that is merely wide
    assert z.norm(dim=1).min() < 0.5


def test_pictures_beyond_the_range_have_no_density() -> None:
    network = flow((1, 2, 2))
    x = torch.zeros(3, 1, 2, 2, dtype=torch.float64)
    x[1, 0, 0, 0], x[2, 0, 1, 1] = 1.0, 256 / 255
    found = network.log_prob(x)
    assert found[:2].isfinite().all()
    assert found[2] == -math.inf


def test_flow_gan_is_wgan_gp_with_a_weighted_likelihood() -> None:
    data = data_of((2,))
    batch = Batch({"real": random(6, 2).float()})
    hybrid = flow_gan.RECIPE.build(data, torch.Generator().manual_seed(0))
    terms = hybrid.loss("G", batch, DRAW)
    torch.testing.assert_close(
        terms["likelihood"], -hybrid.generator.log_prob(batch["real"]).mean()
    )
    heavier = with_settings(flow_gan.RECIPE, {"game.likelihood_weight": 3.0})
    more = heavier.build(data, torch.Generator().manual_seed(0)).loss("G", batch, DRAW)
    torch.testing.assert_close(more["likelihood"], 3 * terms["likelihood"])
    assert torch.equal(more["adversarial"], terms["adversarial"])
    alone = with_settings(flow_gan.RECIPE, {"game.likelihood_weight": 0.0})
    adversarial = alone.build(data, torch.Generator().manual_seed(0))
    assert set(adversarial.loss("G", Batch({}, size=6), DRAW)) == {"adversarial"}
    assert set(hybrid.loss("D", batch, DRAW)) == {"adversarial", "gradient_penalty"}
    assert [game.reads("G") for game in (hybrid, adversarial)] == [True, False]


# VAE


def linear_vae(*, best: bool) -> tuple[vae.Generator, torch.distributions.MultivariateNormal]:
    """A VAE x = W z + b + s noise, its exact log p, and with `best` the true posterior as q.

    W has orthogonal columns, so that the posterior is a Gaussian with independent coordinates:
    variances 1 / (1 + |w_k|^2 / s^2), means W^T (x - b) / s^2 times these.
    """
    network = vae.Generator(shape=(4,), latent_size=2, width=1, depth=1, std=0.3).double()
    weight = torch.linalg.qr(random(4, 2))[0] * torch.tensor([1.5, 0.7])
    bias = random(4, seed=1)
    std = network.std.detach()
    variance = 1 / (1 + weight.square().sum(dim=0) / std**2)
    mean = variance[:, None] * weight.T / std**2
    network.decoder, network.encoder = nn.Linear(2, 4), nn.Linear(4, 4)
    wild(network.encoder, std=0.2)
    with torch.no_grad():
        network.decoder.weight.copy_(weight)
        network.decoder.bias.copy_(bias)
        network.decoder.double()
        if best:
            network.encoder.weight.copy_(torch.cat([mean, torch.zeros(2, 4)]))
            network.encoder.bias.copy_(torch.cat([-mean @ bias, variance.log()]))
    covariance = weight @ weight.T + std**2 * torch.eye(4)
    return network, torch.distributions.MultivariateNormal(bias, covariance)


def expected_elbo(network: vae.Generator, x: torch.Tensor) -> torch.Tensor:
    """The mean over the noise, exact: a Gaussian rule of two nodes is so for squares."""
    nodes = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=2)), dtype=torch.float64)
    return torch.stack([network.elbo(x, node.expand(len(x), 2)) for node in nodes]).mean(dim=0)


def test_the_bound_is_below_log_p_and_meets_it_where_q_is_the_posterior() -> None:
    x = random(50, 4, seed=2)
    with torch.no_grad():
        loose, truth = linear_vae(best=False)
        assert (expected_elbo(loose, x) < truth.log_prob(x)).all()
        tight, truth = linear_vae(best=True)
        torch.testing.assert_close(expected_elbo(tight, x), truth.log_prob(x))


def test_the_divergence_is_that_of_two_gaussians() -> None:
    network, _ = linear_vae(best=False)
    x = random(5, 4, seed=3)
    mean, log_variance = network.encoder(x).chunk(2, dim=1)
    own = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    prior = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    _, divergence = network.terms(x, torch.zeros(5, 2, dtype=torch.float64))
    expected = torch.distributions.kl_divergence(own, prior).sum(dim=1)
    torch.testing.assert_close(divergence, expected)


def test_the_game_of_the_vae_is_its_bound_with_a_weight() -> None:
    batch = Batch({"real": random(6, 2).float()})
    recipe = with_settings(vae.RECIPE, {"generator.latent_size": 2})
    game = recipe.build(data_of((2,)), torch.Generator().manual_seed(0))
    bound = game.generator.elbo(batch["real"], DRAW.normal("noise", 6, 2))
    torch.testing.assert_close(game("G", batch, DRAW), -bound.mean())
    recipe = with_settings(recipe, {"game.divergence_weight": 0.5})
    half = recipe.build(data_of((2,)), torch.Generator().manual_seed(0)).loss("G", batch, DRAW)
    whole = game.loss("G", batch, DRAW)
    torch.testing.assert_close(half["divergence"], whole["divergence"] / 2)


# PixelCNN


def pixels(shape: tuple[int, ...], *, num_levels: int = 4) -> pixelcnn.Generator:
    """A PixelCNN in float64 of which no two pixels are alike."""
    network = pixelcnn.Generator(
        shape=shape,
        num_levels=num_levels,
        width=6,
        num_layers=2,
        first_reach=2,
        reach=1,
        extent=3.0,
    )
    return wild(network)


@pytest.mark.parametrize("shape", [(1, 5, 4), (3, 3, 2), (5,)])
def test_no_pixel_depends_on_itself_or_a_later_one(shape: tuple[int, ...]) -> None:
    network = pixels(shape)
    height, columns = network.size
    rows = random(1, 1, height, columns).clamp(-1, 1)
    before = network.logits(rows).flatten(2)
    seen = torch.zeros(height * columns, dtype=torch.bool)
    for place in range(height * columns):
        other = rows.clone()
        other.view(-1)[place] *= -1
        same = (network.logits(other).flatten(2) == before).all(dim=1)[0]
        assert same[: place + 1].all()
        seen |= ~same
    assert seen[1:].all()  # and each but the first depends on some


@pytest.mark.parametrize(("shape", "num_levels"), [((1, 2, 2), 3), ((3, 1, 1), 4), ((2,), 5)])
def test_the_chances_of_all_pictures_sum_to_one(shape: tuple[int, ...], num_levels: int) -> None:
    network = pixels(shape, num_levels=num_levels)
    size, last = network.latent_size, num_levels - 1
    values = network.extent * (2 * torch.arange(num_levels, dtype=torch.float64) / last - 1)
    every = torch.cartesian_prod(*[values] * size).reshape(-1, *shape)
    volume = (2 * network.extent / last) ** size
    with torch.inference_mode():
        chances = network.log_prob(every).exp() * volume
    assert len(chances) == num_levels**size
    assert chances.sum().item() == pytest.approx(1.0)
    assert chances.max() > 3 * chances.min()


@pytest.mark.parametrize("shape", [(1, 3, 4), (3, 2, 2), (3,)])
def test_sampling_place_by_place_is_what_the_whole_network_says(shape: tuple[int, ...]) -> None:
    network = pixels(shape)
    z = 2 * torch.rand(20, network.latent_size, generator=torch.Generator().manual_seed(1)) - 1
    z = z.double()
    samples = network(z)
    rows = samples.movedim(1, -1) if len(shape) == 3 else samples
    last = network.num_levels - 1
    levels = ((rows.reshape(20, 1, *network.size) / network.extent + 1) * last / 2).round()
    chances = network.logits(2 * levels / last - 1).softmax(dim=1)
    passed = torch.cat([torch.zeros_like(chances[:, :1]), chances.cumsum(dim=1)], dim=1)
    uniform = ((z + 1) / 2).reshape(20, 1, *network.size)
    assert (passed.gather(1, levels.long()) <= uniform).all()
    assert (uniform < passed.gather(1, levels.long() + 1)).all()


def test_points_are_even_within_a_level_and_the_density_is_what_is_sampled() -> None:
    network = pixels((1,), num_levels=4)
    z = torch.linspace(-1, 1, 8001, dtype=torch.float64)[:-1, None]
    samples = network(z)[:, 0]  # the inverse of the distribution function
    assert (samples.diff() > 0).all()
    # Where the function rises by du over dx, the density is du / dx.
    slope = (1 / 8000) / samples.diff()
    middle = (samples[1:] + samples[:-1]) / 2
    found = network.log_prob(middle[:, None]).exp()
    inside = ((samples[1:] / 6 + 0.5) * 3 + 0.5).floor() == (
        (samples[:-1] / 6 + 0.5) * 3 + 0.5
    ).floor()
    torch.testing.assert_close(found[inside], slope[inside])
    ends = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    assert network.log_prob(4.01 * ends).tolist() == [-math.inf] * 2
    assert network.log_prob(3.99 * ends).isfinite().all()


def test_dequantised_pictures_have_the_density_of_their_bytes() -> None:
    network = pixels((1, 4, 4), num_levels=256)
    x = torch.randint(256, (3, 1, 4, 4), generator=torch.Generator().manual_seed(0)) / 127.5 - 1
    spread = dequantise(x, DRAW.uniform("dequantise", 3, 1, 4, 4)).double()
    assert not torch.equal(spread, x)
    assert torch.equal(network.log_prob(spread), network.log_prob(x.double()))


# Checkpoints


@pytest.mark.parametrize(
    ("recipe", "changes"),
    [
        (flow_gan.FLOW, {"prior": "uniform"}),
        (flow_gan.RECIPE, {"prior": "uniform"}),
        (pixelcnn.RECIPE, {"prior": "normal"}),
    ],
)
def test_another_prior_is_refused(recipe: Recipe, changes: dict[str, str]) -> None:
    with pytest.raises(ganeval.GanevalError, match=f"prior {changes['prior']} for {recipe.name}"):
        with_settings(recipe, changes).build(data_of((2,)), torch.Generator())


@pytest.mark.parametrize("recipe", [flow_gan.FLOW, vae.RECIPE, pixelcnn.RECIPE])
def test_a_checkpoint_is_sampled_and_asked_for_its_likelihood(
    recipe: Recipe, tmp_path: Path
) -> None:
    from reference_models.engine.kinds.pictures import PICTURES

    data = data_of((1, 8, 8))
    game = recipe.build(data, torch.Generator().manual_seed(0))
    path = tmp_path / "g.safetensors"
    network = game.get_submodule("generator").eval()
    PICTURES.export(network, "generator", recipe, data, path, step=0, seed=0)
    loaded = ganeval.load_generator(path)
    assert torch.equal(loaded.sample(5, seed=3)[:2], loaded.sample(2, seed=3))
    assert not torch.equal(loaded.sample(2, seed=4), loaded.sample(2, seed=3))
    x = dequantise(torch.zeros(2, 1, 8, 8), DRAW.uniform("dequantise", 2, 1, 8, 8))
    given = (x,) if recipe is not vae.RECIPE else (x, DRAW.normal("noise", 2, 16))
    method = "log_prob" if recipe is not vae.RECIPE else "elbo"
    with torch.inference_mode():
        found = getattr(loaded.network, method)(*given)
        assert torch.equal(found, getattr(network, method)(*given))
    assert (found.shape, found.dtype) == ((2,), torch.float32)
