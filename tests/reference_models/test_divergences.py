"""Divergences and what is made of them, against conjugates, quadrature, finite differences."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

import ganeval
from reference_models import dcgan, fgan, gan, lsgan, poole, relativistic, roth, sngan
from reference_models.data.densities import mix1d
from reference_models.data.digits import digits
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.settings import preset_of, with_settings
from reference_models.fgan import DIVERGENCES
from reference_models.nagarajan import Nagarajan
from reference_models.parts.augment import Augment
from reference_models.parts.labels import Labels
from reference_models.parts.objectives import OBJECTIVES, logistic_discriminator
from reference_models.parts.stabilise import Stabiliser
from reference_models.parts.unconditional import Unconditional
from tests.reference_models.made import data_of

EVERY = pytest.mark.parametrize("name", DIVERGENCES)
OUTPUTS = torch.linspace(-4, 4, 33, dtype=torch.float64)
RATIOS = torch.logspace(-3, 3, 61, dtype=torch.float64)
GRID = np.linspace(-6, 6, 4001)
STEP = GRID[1] - GRID[0]
REAL = torch.tensor(mix1d().density(GRID[:, None]))


def normal(mean: float, std: float) -> torch.Tensor:
    density = np.exp(-(((GRID - mean) / std) ** 2) / 2) / (std * math.sqrt(2 * math.pi))
    return torch.tensor(density)


FAKE = normal(0.2, 1.1)


def integral(values: torch.Tensor) -> float:
    return float(values.sum()) * STEP


def slope_of(function: Callable[[torch.Tensor], torch.Tensor], at: torch.Tensor) -> torch.Tensor:
    points = at.clone().requires_grad_()
    return torch.autograd.grad(function(points).sum(), points)[0]


@EVERY
def test_the_conjugate_is_the_largest_gap_between_line_and_function(name: str) -> None:
    divergence = DIVERGENCES[name]
    slopes = slope_of(divergence.f, RATIOS[10:50])
    gaps = RATIOS * slopes[:, None] - divergence.f(RATIOS)  # many ratios for each slope
    at_best = RATIOS[10:50] * slopes - divergence.f(RATIOS[10:50])
    torch.testing.assert_close(gaps.max(dim=1).values, at_best)
    torch.testing.assert_close(divergence.conjugate(slopes), at_best)


@EVERY
def test_the_activation_stays_where_the_conjugate_is_finite(name: str) -> None:
    divergence = DIVERGENCES[name]
    composed = divergence.conjugate(divergence.activation(OUTPUTS))
    torch.testing.assert_close(divergence.on_fake(OUTPUTS), composed)
    assert torch.all(slope_of(divergence.activation, OUTPUTS) > 0)
    assert divergence.on_fake(torch.tensor([-60.0, 60.0])).isfinite().all()


@EVERY
def test_the_bound_is_tight_at_the_slope_of_the_ratio_and_nowhere_above(name: str) -> None:
    divergence = DIVERGENCES[name]
    ratio = REAL / FAKE
    truth = integral(FAKE * divergence.f(ratio))
    best = slope_of(divergence.f, ratio)
    bound = integral(REAL * best - FAKE * divergence.conjugate(best))
    assert bound == pytest.approx(truth, abs=1e-9)
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        other = best * (1 + 0.2 * torch.rand(best.shape, generator=generator, dtype=best.dtype))
        gap = integral(REAL * other - FAKE * divergence.conjugate(other))
        assert not gap > truth  # outside of the domain it is not a number


def test_with_f_gan_it_is_the_gan() -> None:
    for name, non_saturating in (("minimax", False), ("non-saturating", True)):
        ours = fgan.objective_for(DIVERGENCES["gan"], non_saturating=non_saturating)
        usual = OBJECTIVES[name]
        real, fake = OUTPUTS + 1, OUTPUTS / 2 - 1  # not symmetric, so that signs count
        torch.testing.assert_close(ours.discriminator(real, fake), usual.discriminator(real, fake))
        torch.testing.assert_close(ours.generator(None, fake), usual.generator(None, fake))


@EVERY
def test_pooles_loss_is_f_minus_the_ratio_times_its_slope(name: str) -> None:
    divergence = DIVERGENCES[name]
    ratio = OUTPUTS.exp()
    slope = slope_of(divergence.f, ratio)
    loss = poole.OF_LOG_RATIO[name](OUTPUTS)
    torch.testing.assert_close(loss, divergence.f(ratio) - ratio * slope)
    torch.testing.assert_close(loss, -divergence.conjugate(slope))


@EVERY
def test_pooles_gradient_is_that_of_the_divergence(name: str) -> None:
    def divergence(mean: float) -> float:
        density = normal(mean, 1.1)
        return integral(density * DIVERGENCES[name].f(REAL / density))

    held = poole.OF_LOG_RATIO[name]((REAL / FAKE).log())
    small = 1e-5
    change = (normal(0.2 + small, 1.1) - normal(0.2 - small, 1.1)) / (2 * small)
    truth = (divergence(0.2 + small) - divergence(0.2 - small)) / (2 * small)
    assert integral(change * held) == pytest.approx(truth, rel=1e-6)


@EVERY
def test_the_ratio_put_into_the_divergence_has_that_gradient_for_its_reverse_alone(
    name: str,
) -> None:
    """E f(r), which the paper is said to have, against E [f(r) - r f'(r)]: see poole.py."""
    slopes = [
        slope_of(loss, OUTPUTS)
        for loss in (poole.OF_LOG_RATIO[name], lambda v: DIVERGENCES[name].f(v.exp()))
    ]
    assert torch.allclose(*slopes) == (name == "reverse-kl")


@pytest.mark.parametrize("module", [fgan, poole])
def test_a_divergence_that_there_is_none_of_is_named(module: object) -> None:
    recipe = with_settings(module.RECIPE, {"game.divergence": "reverse-kil"})  # type: ignore[attr-defined]
    with pytest.raises(ganeval.GanevalError, match="did you mean 'reverse-kl'"):
        recipe.build(data_of((1,)), torch.Generator())


def test_lsgan_at_its_best_discriminator_is_half_a_pearson_divergence() -> None:
    recipe = with_settings(lsgan.RECIPE, preset_of(lsgan.RECIPE, "pearson"))
    game = recipe.build(data_of((1,)), torch.Generator())
    assert isinstance(game, Unconditional)
    best = 2 * REAL / (REAL + FAKE)  # (b p + a q) / (p + q)
    points = best.clone().requires_grad_()
    each = [
        real * game.objective.discriminator(point, torch.ones(()))
        + fake * game.objective.discriminator(torch.ones(()), point)
        for real, fake, point in zip(REAL[::500], FAKE[::500], points[::500], strict=True)
    ]
    (gradient,) = torch.autograd.grad(torch.stack(each).sum(), points)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient))
    # The paper has C(G) = E_p (D* - c)^2 / 2 + E_q (D* - c)^2 / 2; the first term is added freely.
    doubled = integral((REAL + FAKE) * (best - 1).square())
    pearson = integral((2 * FAKE - (REAL + FAKE)).square() / (REAL + FAKE))
    assert doubled == pytest.approx(pearson)
    loss = torch.stack([game.objective.generator(None, point) for point in best])
    torch.testing.assert_close(loss, (best - 1).square() / 2)


def test_relativistic_losses_compare_with_the_average_of_the_others() -> None:
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([-1.0, 0.0, 2.5])
    discriminator, generator = (
        relativistic.OBJECTIVE.discriminator,
        relativistic.OBJECTIVE.generator,
    )
    d_real, d_fake = torch.sigmoid(real - 0.5), torch.sigmoid(fake - 2.0)
    expected = -d_real.log().mean() - (1 - d_fake).log().mean()
    torch.testing.assert_close(discriminator(real, fake), expected)
    expected = -d_fake.log().mean() - (1 - d_real).log().mean()
    torch.testing.assert_close(generator(real, fake), expected)
    torch.testing.assert_close(discriminator(real + 7, fake + 7), discriminator(real, fake))
    game = relativistic.RECIPE.build(data_of((1,)), torch.Generator())
    assert game.reads("G")


def test_smoothed_labels_pull_the_best_discriminator_to_nine_tenths() -> None:
    best = torch.logit(0.9 * REAL / (REAL + FAKE))[::100]
    points, zero = best.clone().requires_grad_(), torch.zeros(())

    def smooth(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return Labels(label_smoothing=0.1).terms(real, fake, Draw(0, 0))["labels"]

    each = [
        real * (logistic_discriminator(point, zero) + smooth(point[None], zero[None]))
        + fake * (logistic_discriminator(zero, point) + smooth(zero[None], point[None]))
        for real, fake, point in zip(REAL[::100], FAKE[::100], points, strict=True)
    ]
    (gradient,) = torch.autograd.grad(torch.stack(each).sum(), points)
    # Labels are float32.
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), atol=2e-8, rtol=0)


def test_labels_are_smoothed_by_a_setting_where_there_are_labels() -> None:
    smoothed = with_settings(gan.RECIPE, {"game.label_smoothing": 0.1})
    game, usual = (
        recipe.build(data_of((1,)), torch.Generator().manual_seed(0))
        for recipe in (smoothed, gan.RECIPE)
    )
    batch, draw = Batch({"real": torch.linspace(-1, 1, 8)[:, None]}), Draw(0, 0)
    logits = usual.get_submodule("discriminator")(batch["real"])
    torch.testing.assert_close(
        game("D", batch, draw) - usual("D", batch, draw), 0.1 * logits.mean()
    )
    assert torch.equal(game("G", batch, draw), usual("G", batch, draw))
    hinge = with_settings(sngan.RECIPE, {"game.label_smoothing": 0.1})
    with pytest.raises(ganeval.GanevalError, match=r"label_smoothing 0\.1 with objective hinge"):
        hinge.build(data_of((1,)), torch.Generator())
    for recipe in (fgan.RECIPE, poole.RECIPE, lsgan.RECIPE, relativistic.RECIPE, roth.RECIPE):
        with pytest.raises(ganeval.GanevalError, match="unknown setting"):
            with_settings(recipe, {"game.label_smoothing": 0.1})


def test_instance_noise_falls_to_nothing_for_real_and_generated_samples_alike() -> None:
    stabiliser = Stabiliser(noise_std=2.0, noise_images=1000)
    still = torch.zeros(50, 40)
    stds = [
        stabiliser.noisy(still, Draw(0, step, size=size), purpose).std().item()
        for step, size, purpose in ((0, 1, "real"), (0, 1, "fake"), (10, 1, "real"), (5, 2, "real"))
    ]
    assert stds == pytest.approx([2, 2, 1, 1], rel=0.05)
    assert stabiliser.noisy(still, Draw(0, 20), "real") is still
    noises = [stabiliser.noisy(still, Draw(0, 0), purpose) for purpose in ("real", "fake")]
    assert not torch.equal(*noises)


def test_penalties_need_slopes_that_are_each_samples_own() -> None:
    r1 = {"game.r1_weight": 10.0}
    with pytest.raises(ganeval.GanevalError, match=r"has BatchNorm.*--set discriminator"):
        with_settings(dcgan.RECIPE, r1).build(digits(), torch.Generator())
    recipe = with_settings(dcgan.RECIPE, preset_of(dcgan.RECIPE, "r1"))
    game = recipe.build(digits(), torch.Generator())
    assert set(game.loss("D", digits().batch(0, 0, 4), Draw(0, 0))) == {"adversarial", "r1"}


def test_roths_regulariser_of_a_linear_logit() -> None:
    weight = torch.tensor([3.0, -4.0], dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(6, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    errors = torch.sigmoid(-real @ weight), torch.sigmoid(fake @ weight)
    expected = 25 * sum(error.square().mean() for error in errors)
    torch.testing.assert_close(roth.js_regulariser(lambda x: x @ weight, real, fake), expected)


def test_roths_gamma_falls_by_its_factor() -> None:
    recipe = with_settings(roth.RECIPE, {"game.anneal_images": 800})
    game = recipe.build(data_of((1,)), torch.Generator().manual_seed(0))
    batch = Batch({"real": torch.linspace(-1, 1, 8)[:, None]})
    critic, draw = game.get_submodule("discriminator"), Draw(0, 0)
    for step, gamma in ((0, 2.0), (50, 0.2), (100, 0.02), (900, 0.02)):
        draw = Draw(0, step)
        fake = game.sample(8, draw)  # type: ignore[operator]
        expected = gamma / 2 * roth.js_regulariser(critic, batch["real"], fake)
        torch.testing.assert_close(game.loss("D", batch, draw)["regulariser"], expected)


def test_nagarajans_term_moves_the_generator_as_finite_differences_say() -> None:
    torch.manual_seed(0)
    networks = (
        gan.MlpGenerator(latent_size=2, shape=(1,), width=3, depth=1).double(),
        gan.MlpDiscriminator(shape=(1,), width=3, depth=1).double(),
    )
    unchanged = Augment("none", target=0.6, images=1)
    game = Nagarajan(*networks, OBJECTIVES["minimax"], unchanged, options={"weight": 0.7})
    latents = torch.randn(5, 2, dtype=torch.float64)
    real = torch.randn(5, 1, dtype=torch.float64)

    def square_norm() -> torch.Tensor:
        logits = [networks[1](x) for x in (real, networks[0](latents))]
        value = OBJECTIVES["minimax"].discriminator(*logits)
        gradients = torch.autograd.grad(value, list(networks[1].parameters()))
        return torch.stack([one.square().sum() for one in gradients]).sum().detach()

    term = game.gradient_of_d(real, networks[0](latents))
    torch.testing.assert_close(term.detach(), square_norm())
    weights = networks[0].output.weight
    (gradient,) = torch.autograd.grad(term, weights)
    small = 1e-6
    for column in range(3):
        values = []
        for shift in (small, -small):
            weights.data[0, column] += shift
            values.append(square_norm())
            weights.data[0, column] -= shift
        expected = (values[0] - values[1]) / (2 * small)
        torch.testing.assert_close(gradient[0, column], expected, rtol=1e-6, atol=1e-9)
    batch = Batch({"real": real.float()})
    game.float()
    terms = game.loss("G", batch, Draw(0, 0))
    fake = game.sample(5, Draw(0, 0))
    torch.testing.assert_close(terms["gradient_of_d"], 0.7 * game.gradient_of_d(real.float(), fake))
