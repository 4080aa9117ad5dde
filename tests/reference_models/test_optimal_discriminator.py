"""The optimal discriminator against quadrature, and what the ratio makes of its candidates."""

import math

import numpy as np
import pytest
import torch

import ganeval
from reference_models import optimal_discriminator
from reference_models.data.densities import mix1d
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.settings import with_settings
from reference_models.experiments.ratio import LINE, STEP, jensen_shannon, value
from reference_models.optimal_discriminator import Generator
from tests.reference_models.made import data_of


def known(**options: int) -> Generator:
    """q and a small D, q fitted to mix1d."""
    changes = {f"generator.{name}": number for name, number in options.items()}
    recipe = with_settings(optimal_discriminator.RECIPE, changes)
    generator = recipe.build(mix1d(), torch.Generator().manual_seed(0)).generator
    assert isinstance(generator, Generator)
    return generator


def log_densities() -> tuple[np.ndarray, np.ndarray]:
    generator = known().double()
    points = LINE[:, None]
    return mix1d().log_density(points), generator.log_density(torch.from_numpy(points)).numpy()


def test_the_value_of_the_optimal_discriminator_is_the_divergence() -> None:
    log_p, log_q = log_densities()
    p, q = np.exp(log_p), np.exp(log_q)
    assert p.sum() * STEP == pytest.approx(1, abs=1e-9)
    assert q.sum() * STEP == pytest.approx(1, abs=1e-9)
    log_middle = np.logaddexp(log_p, log_q) - math.log(2)
    divergence = (p * (log_p - log_middle) + q * (log_q - log_middle)).sum() * STEP / 2
    best = value(log_p - log_q, log_p, log_q)
    assert best == pytest.approx(2 * divergence - math.log(4), abs=1e-6)
    assert jensen_shannon(best) == pytest.approx(divergence, abs=1e-6)
    assert 0.05 < divergence < 0.15  # neither alike nor disjoint, so the test can fail


@pytest.mark.parametrize("change", [np.sin, np.ones_like, lambda x: -(x**2) / 20])
def test_no_other_logit_has_a_greater_value(change: np.ufunc) -> None:
    log_p, log_q = log_densities()
    ratio = log_p - log_q
    values = [value(ratio + size * change(LINE), log_p, log_q) for size in (-0.1, 0, 0.1)]
    assert values[1] > max(values[0], values[2])
    slope = (
        value(ratio + 1e-4 * change(LINE), log_p, log_q)
        - value(ratio - 1e-4 * change(LINE), log_p, log_q)
    ) / 2e-4
    assert slope == pytest.approx(0, abs=1e-8)


def test_d_minimises_minus_the_value() -> None:
    game = optimal_discriminator.RECIPE.build(mix1d(), torch.Generator().manual_seed(0))
    batch, draw = mix1d().batch(0, 0, 4000), Draw(0, 0)
    generator = game.generator
    fake = generator.known(draw.normal("known", 4000, 1))
    with torch.no_grad():
        real, made = (torch.sigmoid(generator.discriminator(x)) for x in (batch["real"], fake))
    expected = -(real.log().mean() + (1 - made).log().mean())
    torch.testing.assert_close(game("D", batch, draw).detach(), expected)
    assert fake.mean().item() == pytest.approx(-1 / 6, abs=0.1)
    assert fake.std().item() == pytest.approx(math.sqrt(0.25 + 2.5**2 * 2 / 9), abs=0.1)


def test_a_candidate_is_kept_as_often_as_its_ratio_says() -> None:
    generator = known(num_candidates=4)
    noise = torch.tensor([-1.0, 0.0, 0.5, 2.0])
    levels = torch.special.ndtri((torch.arange(1000) + 0.5) / 1000)
    z = torch.cat([levels[:, None], noise.expand(1000, 4)], dim=1)
    with torch.no_grad():
        candidates = generator.known(noise[:, None])
        shares = generator.discriminator(candidates).exp()
        kept = generator(z)
    counts = (kept == candidates.T).sum(dim=0) / 1000
    torch.testing.assert_close(counts, shares / shares.sum(), rtol=0, atol=1.1e-3)
    assert counts.min() > 0.1  # all of them are in the game


def test_with_the_true_ratio_the_samples_are_those_of_the_data() -> None:
    generator = known(num_candidates=128).double()
    data = mix1d()

    class Exact(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.from_numpy(data.log_density(x.numpy())) - generator.log_density(x)

    generator.discriminator = Exact()
    z = Draw(0, 0).normal("z", 1000, generator.latent_size).double()
    samples = generator(z)[:, 0].numpy()
    grid = np.linspace(-3, 3.5, 27)
    found = (samples[:, None] <= grid).mean(axis=0)
    cumulative = np.cumsum(data.density(LINE[:, None])) * STEP
    assert abs(found - np.interp(grid, LINE, cumulative)).max() < 1.63 / math.sqrt(1000)  # at 1 %


def test_a_flat_picture_has_a_density_too_and_samples_stay_in_range() -> None:
    game = optimal_discriminator.RECIPE.build(data_of((1, 4, 4)), torch.Generator())
    assert game.generator.std.unique().tolist() == [pytest.approx(0.05)]
    samples = game.generator.known(Draw(0, 0).normal("z", 50, 1, 4, 4))
    assert samples.abs().max() == 1
    assert game("D", Batch({"real": samples}), Draw(0, 0)).isfinite()


def test_another_prior_is_refused() -> None:
    recipe = with_settings(optimal_discriminator.RECIPE, {"prior": "uniform"})
    with pytest.raises(
        ganeval.GanevalError, match="prior uniform for optimal-d; needed: normal latents"
    ):
        recipe.build(mix1d(), torch.Generator())
