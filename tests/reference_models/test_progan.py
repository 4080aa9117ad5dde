"""Progressive growing: the schedule, the fading at both ends, and the layers of the paper."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ganeval
from reference_models import progan
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from tests.reference_models.made import data_of

SHAPE = (1, 32, 32)


def randomness(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


BATCH = Batch({"real": torch.randn(8, *SHAPE, generator=randomness(1)).tanh()})
Z = torch.randn(3, 64, generator=randomness(2))


def game(growth: float = 3.0) -> progan.Progressive:
    played = progan.make_game(progan.RECIPE, data_of(SHAPE), randomness())
    played.generator.growth.fill_(growth)
    played.discriminator.growth.fill_(growth)
    return played


def test_growth_is_a_function_of_the_images_seen() -> None:
    def at(images: int) -> float:
        return progan.growth_after(images, stable=100, fade=50)

    assert [at(n) for n in (0, 99, 100, 125, 150, 249, 250, 260, 300, 301)] == (
        pytest.approx([0, 0, 0, 0.5, 1, 1, 1, 1.2, 2, 2])
    )
    played = game(0.0)
    played.before_step(12_800 + 12_800 // 4)
    assert played.generator.growth.item() == played.discriminator.growth.item() == 0.25
    played.before_step(10**9)
    assert played.generator.growth.item() == 3


def test_images_of_every_stage_have_full_size_and_the_detail_of_their_own() -> None:
    for growth, side in ((0.0, 4), (0.5, 8), (1.0, 8), (2.0, 16), (3.0, 32)):
        generator = game(growth).generator
        images = generator(Z)
        assert images.shape == (3, *SHAPE)
        coarse = F.avg_pool2d(images, 32 // side)
        repeated = F.interpolate(coarse, size=32, mode="nearest")
        torch.testing.assert_close(repeated, images, atol=1e-5, rtol=1e-5)
        assert game(growth).discriminator(images).shape == (3,)


def test_at_weight_zero_the_new_network_is_the_old_one_to_the_bit() -> None:
    generator, judge = game().generator, game().discriminator
    for level in (1, 2, 3):
        old = generator.grown(Z, level - 1, 1.0)
        assert torch.equal(generator.grown(Z, level, 0.0), old)
    x = progan.enlarge(F.avg_pool2d(BATCH["real"], 2))  # nothing at full resolution to lose
    judge.growth.fill_(2.0)
    old = judge(x)
    judge.position = lambda: (3, 0.0)  # type: ignore[method-assign]
    torch.testing.assert_close(judge(x), old)


def test_at_weight_one_the_old_output_has_no_part() -> None:
    generator = game().generator
    for level in (1, 2, 3):
        total = generator.grown(Z, level, 1.0).sum()
        (old,) = torch.autograd.grad(
            total, [generator.to_image[level - 1].weight], allow_unused=True
        )
        assert old is None
    faded = generator.grown(Z, 2, 0.5).sum()
    gradients = torch.autograd.grad(faded, [generator.to_image[n].weight for n in (1, 2)])
    assert all(bool(gradient.any()) for gradient in gradients)


def test_real_images_are_faded_like_generated_ones() -> None:
    half = game(2.5).at_resolution(BATCH["real"])
    coarse = progan.enlarge(F.avg_pool2d(BATCH["real"], 2))
    torch.testing.assert_close(half, (coarse + BATCH["real"]) / 2)
    torch.testing.assert_close(game(2.0).at_resolution(BATCH["real"]), coarse)
    assert torch.equal(game(3.0).at_resolution(BATCH["real"]), BATCH["real"])


def test_weights_are_standard_normal_and_scaled_by_he() -> None:
    played = game()
    convolutions = [m for m in played.modules() if isinstance(m, progan.EqualisedConv)]
    weights = torch.cat([m.weight.detach().flatten() for m in convolutions])
    assert weights.std().item() == pytest.approx(1.0, abs=0.01)
    assert weights.mean().item() == pytest.approx(0.0, abs=0.01)
    layer = progan.EqualisedConv(64, 64)
    with torch.no_grad():
        layer.weight.normal_(generator=randomness(3))
        x = torch.randn(16, 64, 16, 16, generator=randomness(4))
        out = F.relu(layer(x))[:, :, 1:-1, 1:-1]
    # He et al. 2015: after a ReLU the mean square equals that of the input.
    assert out.square().mean().item() == pytest.approx(1.0, rel=0.05)


def test_pixels_have_unit_length() -> None:
    x = 7 * torch.randn(2, 16, 4, 4, generator=randomness(5))
    squares = progan.PixelNorm()(x).square().mean(dim=1)
    torch.testing.assert_close(squares, torch.ones_like(squares))


def test_the_deviation_of_a_group_is_its_own_and_nothing_for_a_collapsed_one() -> None:
    layer = progan.GroupDeviation()
    x = torch.randn(8, 5, 4, 4, generator=randomness(6))
    extra = layer(x)[:, -1]
    for group in (slice(0, 4), slice(4, 8)):
        expected = x[group].double().std(dim=0, correction=0).mean().item()
        assert extra[group].unique().tolist() == pytest.approx([expected], rel=1e-5)
    collapsed = layer(x[:1].repeat(4, 1, 1, 1))[:, -1]
    assert collapsed.max() < 1e-3
    assert layer(x[:3]).shape == (3, 6, 4, 4)  # 4 do not divide 3: one group


def test_the_critic_has_penalty_and_drift_at_every_stage() -> None:
    for growth in (0.0, 0.5, 3.0):
        played = game(growth)
        terms = played.loss("D", BATCH, Draw(0, 0))
        assert set(terms) == {"adversarial", "gradient_penalty", "drift"}
        logits = played.discriminator(played.at_resolution(BATCH["real"]))
        torch.testing.assert_close(1e3 * terms["drift"], logits.square().mean())
        assert all(bool(value.isfinite()) for value in terms.values())
    assert not any(isinstance(m, nn.BatchNorm2d) for m in game().modules())


@pytest.mark.parametrize("size", [8, 64])
def test_resolution_is_a_parameter(size: int) -> None:
    generator = progan.Generator(latent_size=8, image_size=size, channels=3, width=4)
    generator.growth.fill_(generator.num_levels - 1)
    assert generator.eval()(torch.ones(2, 8)).shape == (2, 3, size, size)
    with pytest.raises(ganeval.GanevalError, match="images of 20 pixels"):
        progan.Generator(latent_size=8, image_size=20, channels=3, width=4)
