"""SRGAN: the order of sub-pixels, the stages and their terms, what it is scored by."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ganeval
from reference_models import srgan
from reference_models.data.digits import sr
from reference_models.engine.data import Batch, open_data
from reference_models.engine.draw import Draw
from reference_models.engine.session import Watch, run_training
from reference_models.engine.settings import preset_of, with_settings
from reference_models.engine.train import train
from reference_models.experiments.translation import TRUTH, bicubic, psnr
from tests.reference_models.made import data_of
from tests.reference_models.test_streams import write

POLICY = ganeval.Settings().decode
NOTHING = Watch(grid_every=0, collapse=False, board=False)
SMALL = {
    **{"generator.width": 2, "generator.num_blocks": 1, "discriminator.width": 2},
    **{"perceiver.width": 2, "batch_size": 4},
}
SHAPE = (1, 16, 16)


def randomness(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=randomness(seed)).tanh()


BATCH = Batch({"real": pictures(6, *SHAPE, seed=1), "condition": pictures(6, 3, 4, 4, seed=2)})


def game(**changes: object) -> srgan.SuperResolution:
    recipe = with_settings(srgan.RECIPE, {**SMALL, **changes})
    return srgan.make_game(recipe, data_of(SHAPE), randomness())


def test_four_maps_are_the_four_pixels_of_each_place_row_by_row() -> None:
    # Shi et al. 2016, equation 4: out[c, 2 y + i, 2 x + j] = in[4 c + 2 i + j, y, x].
    enlarge = game().generator.enlarge[0]
    convolution = enlarge[0]
    assert isinstance(convolution, nn.Conv2d)
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.bias.copy_(torch.arange(8.0))  # type: ignore[union-attr]
    large = enlarge(torch.zeros(1, 2, 3, 3))
    assert large.shape == (1, 2, 6, 6)
    for channel in (0, 1):
        tile = 4 * channel + torch.tensor([[0.0, 1.0], [2.0, 3.0]])
        assert torch.equal(large[0, channel], tile.repeat(3, 3))


def test_the_first_stage_compares_pixels_and_teaches_phi() -> None:
    played, draw = game(**{"game.pretrain_images": 8}), Draw(0, 0)
    for seen, resting in ((0, {"D"}), (7, {"D"}), (8, {"P"}), (80, {"P"})):
        played.before_step(seen)
        assert played.resting == resting
    played.before_step(0)
    played.eval()
    fake = played.generator(BATCH["condition"])
    terms = played.loss("G", BATCH, draw)
    assert set(terms) == {"pixels"}
    torch.testing.assert_close(terms["pixels"], F.mse_loss(fake, BATCH["real"]))
    assert set(played.loss("P", BATCH, draw)) == {"turns"}


class BrightSide(nn.Module):
    """Says which side of a picture is bright: the left, or where it is after quarter turns."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sides = x[..., 0], x[..., -1, :], x[..., -1], x[..., 0, :]  # anticlockwise
        return 100 * torch.stack([side.mean(dim=(1, 2)) for side in sides], dim=1)


def test_phi_is_told_by_how_many_quarter_turns_each_picture_is_turned() -> None:
    played = game()
    played.perceiver = BrightSide()  # type: ignore[assignment]
    left = torch.zeros(3, *SHAPE)
    left[..., 0] = 1.0
    batch = Batch({"real": left, "condition": BATCH["condition"]})
    loss = played.loss("P", batch, Draw(0, 0))["turns"]
    assert float(loss) == pytest.approx(0.0, abs=1e-6)
    right = Batch({"real": left.flip(3), "condition": BATCH["condition"]})
    assert float(played.loss("P", right, Draw(0, 0))["turns"]) > 10


@pytest.mark.parametrize("content", ["features", "pixels"])
def test_the_second_stage_has_the_two_terms_of_the_perceptual_loss(content: str) -> None:
    played, draw = game(**{"game.content": content, "game.content_weight": 2.0}), Draw(0, 0)
    played.before_step(10**9)
    played.eval()  # BatchNorm counts what it sees
    fake = played.generator(BATCH["condition"])
    terms = played.loss("G", BATCH, draw)
    assert set(terms) == {content, "adversarial"}
    logits = played.discriminator(fake)
    torch.testing.assert_close(terms["adversarial"], -1e-3 * torch.sigmoid(logits).log().mean())
    expected = F.mse_loss(fake, BATCH["real"])
    if content == "features":  # |a - b|^2 of vectors of unit length
        real, made = (played.perceiver.maps(x) for x in (BATCH["real"], fake))
        expected = (2 - 2 * F.cosine_similarity(real, made, dim=1)).mean()
    torch.testing.assert_close(terms[content], 2 * expected)
    real_logits = played.discriminator(BATCH["real"])
    expected = -(torch.sigmoid(real_logits).log() + torch.sigmoid(-logits).log()).mean()
    torch.testing.assert_close(played("D", BATCH, draw), expected)


def test_a_run_that_is_cut_at_the_change_of_stages_is_the_same_run(tmp_path: Path) -> None:
    recipe = with_settings(srgan.RECIPE, {**SMALL, "game.pretrain_images": 8})
    data, logs = sr(), []
    train(recipe, data, tmp_path / "parts", steps=2)
    pretrained = torch.load(tmp_path / "parts" / "state.pt", weights_only=True)["game"]
    parts = train(recipe, data, tmp_path / "parts", steps=4, resume=True)
    whole = train(
        recipe,
        data,
        tmp_path / "whole",
        steps=4,
        observers=[lambda run, log: logs.append(sorted(log))],
    )
    first = ["G/pixels", "P/turns"]
    second = ["D/adversarial", "G/adversarial", "G/features"]
    assert logs == [[], first, first, second, second]
    for name, value in whole.game.state_dict().items():
        assert torch.equal(value, parts.game.state_dict()[name]), name
        if name.startswith("perceiver"):
            assert torch.equal(value, pretrained[name]), name


def test_sizes_that_do_not_belong_together_are_refused() -> None:
    for data, text in (
        (
            open_data("edges"),
            "conditions of 16 pixels for pictures of 16; needed: conditions of 4; .*size=4",
        ),
        (data_of((1, 18, 18)), "pictures of 18 pixels; needed: a multiple of 4"),
    ):
        with pytest.raises(ganeval.GanevalError, match=text):
            srgan.make_game(srgan.RECIPE, data, randomness())
    with pytest.raises(ganeval.GanevalError, match=r"unknown content 'feature'.*'features'"):
        game(**{"game.content": "feature"})
    assert preset_of(srgan.RECIPE, "pixels") == {"game.content": "pixels"}


def test_psnr_is_that_of_a_computation_by_hand() -> None:
    truth = sr(split="test").pixels.astype(np.float64)
    large = bicubic()
    made = np.stack(
        [
            item.picture().pixels
            for item in ganeval.open_source(large, policy=POLICY).load(range(360))
        ]
    )
    errors = ((made[:, :1] - truth) ** 2).mean(axis=(1, 2, 3))
    assert psnr(large, TRUTH) == pytest.approx((10 * np.log10(255**2 / errors)).mean())


def test_a_folder_makes_its_own_conditions_and_another_is_enlarged(tmp_path: Path) -> None:
    large = write(tmp_path / "large", [f"{number}.png" for number in range(6)], seed=0)
    others = write(tmp_path / "others", ["a.png", "b.png"], seed=1, size=8)
    settings = {**SMALL, "data_b": f"folder:{large},size=4"}
    path = run_training(
        "srgan", folder=tmp_path / "run", data=str(large), settings=settings, steps=1, watch=NOTHING
    )
    assert ganeval.read_card(path).condition == f"folder:{large},size=4"  # type: ignore[arg-type]
    for options, shape in (({}, (3, 16, 16)), ({"condition": str(others)}, (3, 32, 32))):
        given = {"num_images": 2, **options}
        sample = ganeval.open_source(str(path), policy=POLICY, generator=given)
        assert sample.load([1])[0].picture().pixels.shape == shape
    report = ganeval.evaluate(
        sample=f"generator:{path},num_images=6",
        reference=str(large),
        metrics=["psnr", "ssim"],
        pair_by="index",
        device="cpu",
        cache=False,
    )
    assert report["psnr"].num_sample == 6
