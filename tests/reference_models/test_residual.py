"""Residual networks beside a rewrite in functions, and their first weights beside formulas."""

import math

import pytest
import torch
import torch.nn.functional as F

import ganeval
from reference_models import dcgan, sngan, wgan_gp
from reference_models.engine.draw import Draw
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import preset_of, with_settings
from reference_models.engine.solvers import Alternating
from reference_models.parts.residual import (
    ConditionalBatchNorm,
    FirstBlock,
    GeneratorBlock,
    ResidualDiscriminator,
    ResidualGenerator,
    init_residual,
)
from tests.reference_models.made import data_of

Weights = dict[str, torch.Tensor]


def randomness(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=randomness(seed), dtype=torch.float64)


def conv(x: torch.Tensor, weights: Weights, name: str) -> torch.Tensor:
    weight = weights[f"{name}.weight"]
    return F.conv2d(x, weight, weights[f"{name}.bias"], padding=weight.shape[-1] // 2)


def normed(x: torch.Tensor, weights: Weights, name: str) -> torch.Tensor:
    mean = x.mean(dim=(0, 2, 3), keepdim=True)
    variance = x.var(dim=(0, 2, 3), keepdim=True, unbiased=False)
    scale, shift = (weights[f"{name}.{one}"][None, :, None, None] for one in ("weight", "bias"))
    return (x - mean) / (variance + 1e-5).sqrt() * scale + shift


def doubled(x: torch.Tensor) -> torch.Tensor:
    """Bilinear: each new pixel lies a quarter of a pixel from its nearest one."""
    for axis in (2, 3):
        size = x.shape[axis]
        before = x.index_select(axis, (torch.arange(size) - 1).clamp(min=0))
        behind = x.index_select(axis, (torch.arange(size) + 1).clamp(max=size - 1))
        pairs = torch.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * behind], dim=axis + 1)
        x = pairs.flatten(axis, axis + 1)
    return x


def halved(x: torch.Tensor) -> torch.Tensor:
    return (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]) / 4


def generated(z: torch.Tensor, weights: Weights, num_blocks: int) -> torch.Tensor:
    x = (z @ weights["first.weight"].T + weights["first.bias"]).reshape(len(z), -1, 4, 4)
    for number in range(num_blocks):
        name = f"blocks.{number}"
        h = doubled(normed(x, weights, f"{name}.norm1").relu())
        h = normed(conv(h, weights, f"{name}.conv1"), weights, f"{name}.norm2").relu()
        x = conv(h, weights, f"{name}.conv2") + conv(doubled(x), weights, f"{name}.shortcut")
    return conv(normed(x, weights, "norm").relu(), weights, "last")


def judged(x: torch.Tensor, weights: Weights, halve: list[bool], *, mean: bool) -> torch.Tensor:
    h = halved(conv(conv(x, weights, "blocks.0.conv1").relu(), weights, "blocks.0.conv2"))
    x = h + conv(halved(x), weights, "blocks.0.shortcut")
    for number, half in enumerate(halve, 1):
        name = f"blocks.{number}"
        x = x.relu()  # the shortcut's too
        h = conv(conv(x, weights, f"{name}.conv1").relu(), weights, f"{name}.conv2")
        x = conv(x, weights, f"{name}.shortcut") if f"{name}.shortcut.bias" in weights else x
        x = halved(h) + halved(x) if half else h + x
    pooled = x.relu().mean(dim=(2, 3)) if mean else x.relu().sum(dim=(2, 3))
    return pooled @ weights["last.weight"].T + weights["last.bias"]


@pytest.mark.parametrize(("size", "num_blocks", "widest"), [(16, 2, 3), (32, 3, 3), (64, 4, 48)])
def test_the_generator_is_that_of_the_docstring(size: int, num_blocks: int, widest: int) -> None:
    net = ResidualGenerator(latent_size=5, image_size=size, channels=3, width=3).double()
    init_residual(net, randomness())
    assert net.first.out_features == 16 * widest
    assert net.blocks[-1].conv2.out_channels == 3
    expected = generated(noise(2, 5), dict(net.named_parameters()), num_blocks).tanh()
    torch.testing.assert_close(net(noise(2, 5)), expected)


@pytest.mark.parametrize(
    ("size", "halve", "widest"),
    [
        (16, [True, False, False], 4),
        (32, [True, False, False], 4),
        (64, [True, True, True, True], 64),
    ],
)
def test_the_discriminator_is_that_of_the_docstring(
    size: int, halve: list[bool], widest: int
) -> None:
    x = noise(2, 3, size, size).tanh()
    for pooling in ("sum", "mean"):
        net = ResidualDiscriminator(image_size=size, channels=3, width=4, pooling=pooling).double()
        init_residual(net, randomness())
        assert net.last.in_features == widest
        weights = dict(net.named_parameters())
        expected = judged(x, weights, halve, mean=pooling == "mean").squeeze(1)
        torch.testing.assert_close(net(x), expected)


def test_images_from_0_to_1_are_stretched() -> None:
    nets = [
        ResidualGenerator(latent_size=5, image_size=8, channels=1, width=3, unit=unit).double()
        for unit in (False, True)
    ]
    for net in nets:
        init_residual(net, randomness())
    plain, unit = (net(noise(4, 5)) for net in nets)
    torch.testing.assert_close((unit + 1) / 2, plain.atanh().sigmoid())
    judges = [
        ResidualDiscriminator(image_size=8, channels=1, width=3, unit=unit).double()
        for unit in (False, True)
    ]
    judges[1].load_state_dict(judges[0].state_dict())
    torch.testing.assert_close(judges[1](unit), judges[0]((unit + 1) / 2))


def test_conditional_batch_norm_is_batch_norm_with_the_scale_of_each_class() -> None:
    norm = ConditionalBatchNorm(4, num_classes=3).double()
    init_residual(norm, randomness())
    assert norm.scale.weight.std() < 0.05
    assert torch.equal(norm.shift.weight, torch.zeros(3, 4, dtype=torch.float64))
    with torch.no_grad():
        norm.shift.weight.normal_(generator=randomness(2))
    x, labels = noise(6, 4, 5, 5), torch.tensor([0, 2, 1, 1, 2, 0])
    plain = torch.nn.BatchNorm2d(4).double()
    found = norm(x, labels)
    for label in range(3):
        plain.load_state_dict(
            {
                **plain.state_dict(),
                "weight": norm.scale.weight[label],
                "bias": norm.shift.weight[label],
            }
        )
        torch.testing.assert_close(found[labels == label], plain(x)[labels == label])


def bound(weight: torch.Tensor, gain: float) -> float:
    """The bound of Glorot and Bengio 2010, equation 16."""
    field = weight[0, 0].numel()
    return gain * math.sqrt(6 / (field * (weight.shape[0] + weight.shape[1])))


@pytest.mark.parametrize("only_main", [False, True])
def test_first_weights_have_the_bounds_of_mimicry(only_main: bool) -> None:
    nets = (
        ResidualGenerator(latent_size=32, image_size=16, channels=3, width=32),
        ResidualDiscriminator(image_size=16, channels=3, width=32),
    )
    for net in nets:
        init_residual(net, randomness(), only_main=only_main)
        for name, weight in net.named_parameters():
            if name.endswith(("norm.weight", "norm1.weight", "norm2.weight")):
                assert (weight == 1).all()
                continue
            if not name.endswith("weight"):
                continue
            gain = math.sqrt(2) if "conv" in name else 1.0
            as_torch = "shortcut" in name or (name == "last.weight" and net is nets[0])
            most = (
                1 / math.sqrt(weight[0].numel()) if only_main and as_torch else bound(weight, gain)
            )
            largest = weight.detach().abs().max().item()
            assert most * (1 - 10 / weight.numel()) < largest <= most * (1 + 1e-6), name


@pytest.mark.parametrize("recipe", [sngan.RECIPE, wgan_gp.RECIPE, dcgan.RECIPE])
def test_the_preset_of_cifar10_has_residual_bodies(recipe: Recipe) -> None:
    preset = {**preset_of(recipe, "cifar10"), "generator.width": 4, "discriminator.width": 4}
    changed = with_settings(recipe, preset)
    assert (changed.batch_size, changed.ema_half_life) == (64, 0.0)
    assert changed.solver == Alternating(5)
    last_rate = changed.optimizers["D"].rate_at(99_999, changed.steps)
    assert last_rate == pytest.approx(2e-4 if recipe is dcgan.RECIPE else 2e-9)
    game = changed.build(data_of((3, 32, 32)), randomness())
    judge = game.get_submodule("discriminator")
    assert isinstance(judge, ResidualDiscriminator)
    assert judge.pooling == ("mean" if recipe is wgan_gp.RECIPE else "sum")
    assert game.sample(2, Draw(0, 0)).shape == (2, 3, 32, 32)
    kinds = [type(one) for one in game.generator.blocks]
    assert kinds == [GeneratorBlock] * 3
    assert isinstance(judge.blocks[0], FirstBlock)
    wrong = with_settings(recipe, {"generator.body": "residaul"})
    with pytest.raises(ganeval.GanevalError, match="did you mean 'residual'"):
        wrong.build(data_of((3, 32, 32)), randomness())


def test_algorithm_1_of_spectral_norm_is_that_of_torch() -> None:
    torch.manual_seed(0)
    plain, ours = torch.nn.Linear(7, 5), torch.nn.Linear(7, 5)
    ours.load_state_dict(plain.state_dict())
    sngan.normalise(ours, refine=False)
    peer = torch.nn.utils.spectral_norm(plain).double()
    norm = ours.double().parametrizations.weight[0]
    norm.left.copy_(peer.weight_u)
    x = noise(2, 7)
    for _ in range(3):
        torch.testing.assert_close(ours(x), peer(x))
    torch.testing.assert_close(norm.left, peer.weight_u)
    norm.refine = True
    assert not torch.allclose(ours(x), peer(x), rtol=1e-6)
