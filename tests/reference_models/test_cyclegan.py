"""CycleGAN: the pool, the terms against a computation by hand, two generators, two folders."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import ganeval
from reference_models import cyclegan
from reference_models.data.digits import tint
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.game import Terms
from reference_models.engine.session import Watch, run_training
from reference_models.engine.settings import with_settings
from reference_models.engine.train import train
from reference_models.parts.patches import PatchDiscriminator
from reference_models.parts.pool import Pool
from tests.reference_models.made import data_of
from tests.reference_models.test_streams import write

POLICY = ganeval.Settings().decode
NOTHING = Watch(grid_every=0, collapse=False, board=False)
SMALL = {"generator.width": 2, "inverse.width": 2, "discriminator.width": 2, "batch_size": 4}


def randomness(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbered(first: int, num: int) -> torch.Tensor:
    """Pictures of one pixel, which say their number."""
    return torch.arange(first, first + num, dtype=torch.float32)[:, None, None, None]


def filled_pool(swap: float = 0.5) -> Pool:
    pool = Pool(shape=(1, 1, 1), size=50, swap=swap)
    for first in (0, 40):  # the second batch is cut to the ten places that are left
        made = numbered(first, 40)
        assert torch.equal(pool.shown(made, Draw(0, first), "x"), made)
        pool.keep(made, Draw(0, first), "x")
    assert int(pool.filled) == 50
    assert torch.equal(pool.pictures, numbered(0, 50))
    return pool


def test_half_of_the_new_pictures_give_way_to_older_ones_and_take_their_places() -> None:
    pool = filled_pool()
    made = numbered(1000, 4000)
    shown = pool.shown(made, Draw(7, 3), "x")
    assert torch.equal(shown, pool.shown(made, Draw(7, 3), "x"))  # it changes nothing
    is_old = (shown != made).flatten()
    assert is_old.float().mean().item() == pytest.approx(0.5, abs=0.03)
    counts = torch.bincount(shown.flatten()[is_old].long(), minlength=50)
    assert len(counts) == 50  # every older one, of which there is no other
    assert counts.min() > 15
    before = pool.pictures.clone()
    pool.keep(made, Draw(7, 3), "x")
    expected = before.clone()
    for new, old in zip(made[is_old].flatten(), shown[is_old].flatten(), strict=True):
        expected[int(old)] = new  # the last one that was drawn to a place stays
    assert torch.equal(pool.pictures, expected)


def test_the_swaps_are_a_function_of_seed_step_move_and_purpose() -> None:
    pool, made = filled_pool(), numbered(1000, 100)
    first = pool.shown(made, Draw(7, 3), "x")
    assert torch.equal(first, filled_pool().shown(made, Draw(7, 3), "x"))
    others = [(Draw(8, 3), "x"), (Draw(7, 4), "x"), (Draw(7, 3, part=1), "x"), (Draw(7, 3), "y")]
    for draw, purpose in others:
        assert not torch.equal(first, pool.shown(made, draw, purpose))
    halves = [
        pool.shown(part, Draw(7, 3).share(number, 2), "x")
        for number, part in enumerate(made.chunk(2))
    ]
    assert torch.equal(torch.cat(halves), first)
    assert torch.equal(filled_pool(swap=0.0).shown(made, Draw(7, 3), "x"), made)


class Shift(nn.Module):
    """Adds a constant."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.by


class Mean(nn.Module):
    """The mean of a picture, times a factor, as its logit."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.factor * x.mean(dim=(1, 2, 3))


def cycle_of(there: float, back: float, **options: float) -> cyclegan.Cycle:
    pools = (Pool(shape=(3, 2, 2), size=50, swap=0.5), Pool(shape=(3, 2, 2), size=50, swap=0.5))
    given = {"cycle_weight": 10.0, "identity_weight": 5.0, **options}
    return cyclegan.Cycle((Shift(there), Shift(back)), (Mean(1.0), Mean(2.0)), pools, given)


# Every pixel of the condition is 0.1 and of the picture 0.3; grey ones, which become RGB.
FLAT = Batch({"condition": torch.full((4, 1, 2, 2), 0.1), "real": torch.full((4, 1, 2, 2), 0.3)})


def values(terms: Terms) -> dict[str, float]:
    return {name: round(float(term), 6) for name, term in terms.items()}


def test_the_terms_are_those_of_a_computation_by_hand() -> None:
    game = cycle_of(0.4, -0.1)  # G(x) = 0.5, F(y) = 0.2; both ways round, 0.3 are left over
    assert values(game.loss("G", FLAT, Draw(0, 0))) == {
        "adversarial": 0.25,  # (0.5 - 1)^2
        "inverse_adversarial": 0.36,  # (2 * 0.2 - 1)^2
        "cycle": 6.0,  # 10 (0.3 + 0.3)
        "identity": 2.5,  # 5 (0.4 + 0.1)
    }
    assert values(game.loss("D", FLAT, Draw(0, 0))) == {
        "adversarial": 0.37,  # ((0.3 - 1)^2 + 0.5^2) / 2
        "inverse_adversarial": 0.4,  # ((2 * 0.1 - 1)^2 + (2 * 0.2)^2) / 2
    }
    assert "identity" not in cycle_of(0.4, -0.1, identity_weight=0.0).loss("G", FLAT, Draw(0, 0))


def test_maps_that_undo_each_other_have_no_cycle_loss() -> None:
    for there, back in ((0.0, 0.0), (0.4, -0.4)):
        terms = cycle_of(there, back).loss("G", FLAT, Draw(0, 0))
        assert float(terms["cycle"]) == pytest.approx(0.0, abs=1e-6)
    assert float(cycle_of(0.0, 0.0).loss("G", FLAT, Draw(0, 0))["identity"]) == 0


def test_d_is_shown_older_pictures_once_the_pool_is_full() -> None:
    game = cycle_of(0.4, -0.1)
    game.pool.pictures.fill_(-1.0)
    game.pool.filled.fill_(50)
    terms = game.loss("D", FLAT, Draw(0, 0))
    coins = Draw(0, 0).uniform("pool real", 4, 2)[:, 0] < 0.5
    assert 0 < coins.sum() < 4
    made = torch.where(coins, 1.0, 0.25).mean()  # squared logits
    assert float(terms["adversarial"]) == pytest.approx(float(0.49 + made) / 2)
    assert game.loss("G", FLAT, Draw(0, 0))["adversarial"].item() == pytest.approx(0.25)
    game.after_step("G", FLAT, Draw(0, 0))
    assert bool((game.pool.pictures == -1).all())
    game.after_step("D", FLAT, Draw(0, 0))
    assert bool((game.pool.pictures == 0.5).any())
    assert int(game.inverse_pool.filled) == 4


def test_a_resumed_run_has_the_pool_that_it_had(tmp_path: Path) -> None:
    changes = {**SMALL, "game.pool_size": 6}  # full after two of six steps
    recipe, data = with_settings(cyclegan.RECIPE, changes), tint()
    whole = train(recipe, data, tmp_path / "whole", steps=6)
    train(recipe, data, tmp_path / "parts", steps=4)
    parts = train(recipe, data, tmp_path / "parts", steps=6, resume=True)
    for name, value in whole.game.state_dict().items():
        assert torch.equal(value, parts.game.state_dict()[name]), name
    pool = parts.game.get_submodule("pool")
    assert isinstance(pool, Pool)
    assert (int(pool.filled), pool.pictures.shape) == (6, (6, 3, 16, 16))


@pytest.mark.parametrize(("halvings", "pixels"), [(1, 16), (3, 70)])
def test_a_logit_sees_as_many_pixels_as_in_the_paper(halvings: int, pixels: int) -> None:
    judge = PatchDiscriminator(channels=3, width=1, num_halvings=halvings)
    for layer in judge.layers:
        if isinstance(layer, nn.InstanceNorm2d):  # its statistics see the whole map
            layer.forward = lambda x: x  # type: ignore[method-assign]
    picture = torch.randn(1, 3, 128, 128, generator=randomness()).requires_grad_()
    logits = judge(picture)
    middle = logits.shape[-1] // 2
    (gradient,) = torch.autograd.grad(logits[0, 0, middle, middle], picture)
    rows, columns = gradient[0].abs().sum(dim=0).nonzero().T
    assert [int(x.max() - x.min()) + 1 for x in (rows, columns)] == [pixels, pixels]


def test_pictures_that_come_back_in_another_size_are_refused() -> None:
    assert cyclegan.Generator(width=1, num_blocks=1)(torch.zeros(1, 1, 20, 20)).shape[2:] == (
        20,
        20,
    )
    with pytest.raises(
        ganeval.GanevalError, match=r"18 pixels .*; needed: a multiple of 4; .*size=16"
    ):
        cyclegan.make_game(cyclegan.RECIPE, data_of((3, 18, 18)), randomness())


def test_two_folders_of_a_user_give_two_checkpoints_that_are_sampled(tmp_path: Path) -> None:
    horses = write(tmp_path / "horses", [f"{number}.png" for number in range(5)], seed=0)
    zebras = write(tmp_path / "zebras", [f"{number}.png" for number in range(7)], seed=1)
    path = run_training(
        "cyclegan",
        folder=tmp_path / "run",
        data=str(zebras),
        settings={**SMALL, "data_b": str(horses)},
        steps=2,
        watch=NOTHING,
    )
    assert path == tmp_path / "run" / "cyclegan.safetensors"
    inverse = tmp_path / "run" / "cyclegan-inverse.safetensors"
    for checkpoint, folder in ((path, horses), (inverse, zebras)):
        assert ganeval.read_card(checkpoint).condition == str(folder)
        given = ganeval.open_source(str(folder), policy=POLICY).load([3])[0].picture().pixels
        network = ganeval.load_generator(checkpoint).network
        with torch.inference_mode():
            made = network(torch.from_numpy(given)[None] / 127.5 - 1)[0].numpy()
        sample = ganeval.open_source(str(checkpoint), policy=POLICY, generator={"num_images": 5})
        pixels = sample.load([3])[0].picture().pixels
        np.testing.assert_allclose(pixels, (made + 1) * 127.5, atol=1)
