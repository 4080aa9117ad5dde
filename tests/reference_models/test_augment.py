"""Augmentation: what each change does to known pictures, and ADA's p against a simulation."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

import ganeval
from reference_models import dcgan, gan
from reference_models.data.densities import ring8
from reference_models.data.digits import digits
from reference_models.engine.draw import Draw
from reference_models.engine.settings import with_settings
from reference_models.engine.train import train
from reference_models.parts.augment import Augment, ada, diffaugment

DRAW = Draw(1, 2)


def pictures(channels: int = 3, size: int = 16, num: int = 6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(num, channels, size, size, generator=generator) * 2 - 1


@pytest.mark.parametrize("channels", [1, 3])
def test_diffaugment_is_a_literal_rewrite(channels: int) -> None:
    x = pictures(channels)
    u = DRAW.uniform("augment real", 6, 7).double().numpy()
    expected = np.zeros(x.shape)
    for at, picture in enumerate(x.double().numpy()):
        picture = picture + u[at, 0] - 0.5
        mean = picture.mean(axis=0, keepdims=True)
        picture = (picture - mean) * 2 * u[at, 1] + mean
        picture = (picture - picture.mean()) * (u[at, 2] + 0.5) + picture.mean()
        down, right = (math.floor(u[at, k] * 5) - 2 for k in (3, 4))  # a side of 16 / 8 is 2
        moved = np.zeros_like(picture)
        for row in range(16):
            for column in range(16):
                if 0 <= row + down < 16 and 0 <= column + right < 16:
                    moved[:, row, column] = picture[:, row + down, column + right]
        top, left = (math.floor(u[at, k] * 17) - 4 for k in (5, 6))  # the middle from 0 to 16
        moved[:, max(top, 0) : top + 8, max(left, 0) : left + 8] = 0
        expected[at] = moved
    np.testing.assert_allclose(diffaugment(x, DRAW, "real").numpy(), expected, atol=1e-6)


def test_ada_does_nothing_at_probability_0() -> None:
    x = pictures()
    torch.testing.assert_close(ada(x, DRAW, "real", 0.0), x, atol=1e-5, rtol=0)


def test_ada_is_exact_within_low_precision_too() -> None:
    """Where nothing is changed, every pixel stays, whatever the networks compute in."""
    x = pictures(size=64)
    changes = Augment("ada", target=0.6, images=1000)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(changes(x, DRAW, "real"), x, atol=1e-4, rtol=0)


def test_ada_turns_and_flips_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one change at a time, pictures come out as torch's own flip and turn make them."""
    x = pictures()
    columns = {"flip": 0, "turn": 1}
    for name, column in columns.items():

        class One(Draw):
            def uniform(
                self, purpose: str, num: int, *shape: int, like: torch.Tensor | None = None
            ) -> torch.Tensor:
                if " if " in purpose:
                    on = torch.ones(num, *shape)
                    on[:, column] = 0  # noqa: B023 (used within the turn of the loop)
                    return on
                values = torch.full((num, *shape), 0.3)
                values[:, 6:8] = 1.0  # neither of the two free turns
                return values

        made = ada(x, One(0, 0), "real", 0.5)
        wanted = x.flip(3) if name == "flip" else torch.rot90(x, 1, (2, 3))
        other = torch.rot90(x, -1, (2, 3))
        near = min((made - one).abs().max().item() for one in (wanted, other))
        assert near < 1e-5, name


def test_colour_keeps_greys_grey_and_luma_flip_is_its_own_inverse() -> None:
    grey = pictures(1).expand(-1, 3, -1, -1)
    made = ada(grey, DRAW, "real", 1.0)
    torch.testing.assert_close(made[:, 0], made[:, 1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["diffaugment", "ada"])
def test_gradients_reach_the_pictures_and_draws_repeat(kind: str) -> None:
    x = pictures().requires_grad_()
    changes = Augment(kind, target=0.6, images=1000)
    changes.probability.fill_(0.8)
    made = changes(x, DRAW, "fake")
    (gradient,) = torch.autograd.grad(made.square().sum(), x)
    assert (gradient.flatten(1).abs().sum(1) > 0).all()
    assert torch.equal(made, changes(x, DRAW, "fake"))
    assert not torch.equal(made, changes(x, DRAW, "real"))
    parts = [changes(x[3 * at : 3 * at + 3], DRAW.share(at, 2), "fake") for at in (0, 1)]
    torch.testing.assert_close(torch.cat(parts), made)


def test_p_follows_how_sure_d_is() -> None:
    """Against a simulation in plain numbers: a step every four batches, towards the target."""
    changes = Augment("ada", target=0.6, images=1000)
    rng = np.random.default_rng(0)
    expected, signs = 0.0, []
    for batch in range(200):
        sure = 0.9 if batch < 120 else 0.1
        logits = rng.normal(loc=3 * (sure - 0.5), size=8)
        signs += np.sign(logits).tolist()
        changes.watch(torch.tensor(logits), Draw(0, batch))
        changes.watch(-torch.tensor(logits), Draw(0, batch))  # looked ahead: not counted
        changes.adapt(1)
        if batch % 4 == 3:
            rise = 1 if np.mean(signs) > 0.6 else -1
            expected = min(max(expected + rise * len(signs) / 1000, 0.0), 1.0)
            signs = []
        assert float(changes.probability) == pytest.approx(expected, abs=1e-5)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ganeval.GanevalError, match="did you mean 'ada'"):
        Augment("adaa", target=0.6, images=1)
    points = with_settings(gan.RECIPE, {"game.augment": "ada"})
    with pytest.raises(ganeval.GanevalError, match="ada for points; needed: pictures"):
        points.build(ring8(), torch.Generator())


@pytest.mark.parametrize("kind", ["diffaugment", "ada"])
def test_a_resumed_run_is_the_same_to_the_bit(kind: str, tmp_path: Path) -> None:
    recipe = with_settings(
        dcgan.RECIPE,
        {"game.augment": kind, "game.augment_images": 200, "batch_size": 8, "generator.width": 4},
    )
    data = digits()
    whole = train(recipe, data, tmp_path / "whole", steps=9)
    train(recipe, data, tmp_path / "cut", steps=5)
    again = train(recipe, data, tmp_path / "cut", steps=9, resume=True)
    for name, value in whole.game.state_dict().items():
        assert torch.equal(value, again.game.state_dict()[name]), name
    if kind == "ada":
        assert float(whole.game.get_submodule("augment").probability) > 0
    state = torch.load(tmp_path / "cut" / "state.pt", weights_only=True)
    assert state["position"] == 9 * 8  # D's batches alone


def test_d_sees_changed_pictures_and_g_is_scored_on_its_own() -> None:
    recipe = with_settings(dcgan.RECIPE, {"game.augment": "diffaugment", "generator.width": 4})
    game = recipe.build(digits(), torch.Generator().manual_seed(0))
    seen: list[torch.Tensor] = []
    game.get_submodule("discriminator").register_forward_pre_hook(
        lambda module, given: seen.append(given[0])
    )
    batch = digits().batch(0, 0, 4)
    game.terms("D", batch, DRAW)
    torch.testing.assert_close(seen[0], diffaugment(batch["real"], DRAW, "real"))
