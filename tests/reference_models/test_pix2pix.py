"""pix2pix: the U-Net, its dropout, the patches, and the terms of the objective."""

from dataclasses import replace

import pytest
import torch
from torch import nn

import ganeval
from reference_models import pix2pix
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.parts.patches import PatchDiscriminator
from tests.reference_models.made import data_of

SHAPE = (1, 16, 16)


def randomness(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=randomness(seed)).tanh()


BATCH = Batch({"real": pictures(6, *SHAPE, seed=1), "condition": pictures(6, 3, 16, 16, seed=2)})


def game() -> pix2pix.Paired:
    return pix2pix.make_game(pix2pix.RECIPE, data_of(SHAPE), randomness())


def test_the_distance_is_weighted_by_lambda_and_d_learns_at_half_speed() -> None:
    played, draw = game(), Draw(0, 0)
    terms = played.loss("G", BATCH, draw)
    z = draw.normal("z", 6, played.generator.latent_size)
    fake = played.generator(z, BATCH["condition"])
    torch.testing.assert_close(terms["l1"], 100 * (fake - BATCH["real"]).abs().mean())
    logits = played.discriminator(BATCH["condition"], fake)
    torch.testing.assert_close(terms["adversarial"], -torch.sigmoid(logits).log().mean())
    real = played.discriminator(BATCH["condition"], BATCH["real"])
    expected = -(torch.sigmoid(real).log().mean() + torch.sigmoid(-logits).log().mean()) / 2
    torch.testing.assert_close(played("D", BATCH, draw), expected)


def test_a_logit_sees_sixteen_pixels_of_condition_and_picture() -> None:
    judge = PatchDiscriminator(channels=4, width=4, num_halvings=1)
    for layer in judge.layers:
        if isinstance(layer, nn.InstanceNorm2d):  # its statistics see the whole map
            layer.forward = lambda x: x  # type: ignore[method-assign]
    condition = pictures(1, 3, 64, 64, seed=3).requires_grad_()
    picture = pictures(1, 1, 64, 64, seed=4).requires_grad_()
    logits = judge(condition, picture)
    assert logits.shape == (1, 1, 30, 30)
    for gradient in torch.autograd.grad(logits[0, 0, 15, 15], [condition, picture]):
        rows, columns = gradient[0].abs().sum(dim=0).nonzero().T
        assert [int(x.max() - x.min()) + 1 for x in (rows, columns)] == [16, 16]


def test_latents_are_the_dropout_masks() -> None:
    network = game().generator
    condition = BATCH["condition"][:1]
    z = torch.randn(1, network.latent_size, generator=randomness(5))
    with torch.inference_mode():
        image = network(z, condition)
        assert torch.equal(network(3 * z, condition), image)
        assert not torch.equal(network(-z, condition), image)
        assert network.dropped == [64, 32]

    # Half of the channels are kept, so those that are count twice: the expectation stays.
    maps = []
    network.up[0].register_forward_hook(lambda *args: maps.append(args[2]))
    network.up[1].register_forward_pre_hook(lambda _, inputs: maps.append(inputs[0]))
    with torch.inference_mode():
        network(z, condition)
    kept = (z[0, :64] > 0)[:, None, None]
    torch.testing.assert_close(maps[1][0, :64], torch.where(kept, 2 * maps[0][0], 0).relu())


def test_a_picture_does_not_depend_on_its_batch() -> None:
    network = game().generator  # in training mode too: no statistics of the batch anywhere
    z = torch.randn(6, network.latent_size, generator=randomness(7))
    with torch.inference_mode():
        together = network(z, BATCH["condition"])
        alone = torch.cat([network(z[i : i + 1], BATCH["condition"][i : i + 1]) for i in range(6)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [8, 32, 64])
def test_resolution_is_a_parameter(size: int) -> None:
    network = pix2pix.Generator(shape=(3, size, size), width=4)
    condition = pictures(2, 3, size, size, seed=8)
    image = network(torch.ones(2, network.latent_size), condition)
    assert image.shape == (2, 3, size, size)
    with pytest.raises(ganeval.GanevalError, match="images of 20 pixels"):
        pix2pix.Generator(shape=(3, 20, 20), width=4)


def test_skips_carry_the_condition_past_the_bottom() -> None:
    network = pix2pix.Generator(shape=SHAPE, width=4)
    with torch.no_grad():
        for parameter in network.up.parameters():  # nothing comes up from below
            parameter.zero_()
    z = torch.ones(2, network.latent_size)
    with torch.inference_mode():
        first, second = network(z, BATCH["condition"][:2])
    assert not torch.allclose(first, second)


def test_pictures_that_do_not_belong_together_are_refused() -> None:
    recipe = replace(pix2pix.RECIPE, pair_by="none")
    with pytest.raises(ganeval.GanevalError, match="pair_by none for pix2pix; needed: pairs; use"):
        pix2pix.make_game(recipe, data_of(SHAPE), randomness())
