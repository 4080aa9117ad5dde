"""BiGAN and ALI: pairs, swapped labels, the two encoders, and the optimum on which E inverts G."""

import pytest
import torch
from torch import nn

from reference_models import bigan
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.parts.objectives import OBJECTIVES
from tests.reference_models.made import data_of

SHAPE = (1, 16, 16)
BATCH = Batch({"real": torch.randn(6, *SHAPE, generator=torch.Generator().manual_seed(1)).tanh()})
SIZE = 8


def game(*, stochastic: bool = False) -> bigan.Bidirectional:
    recipe = bigan.ALI if stochastic else bigan.RECIPE
    return bigan.make_game(recipe, data_of(SHAPE), torch.Generator().manual_seed(0))


def test_the_second_player_has_the_labels_swapped() -> None:
    played = game()
    real, fake = torch.tensor([0.3, -1.0]), torch.tensor([2.0, 0.7])
    played.discriminator = nn.Identity()  # type: ignore[assignment]
    logits = iter([real, fake, real, fake])
    played.discriminator.forward = lambda *_: next(logits)
    first, second = (played("D", BATCH, Draw(0, 0)), played("G", BATCH, Draw(0, 0)))
    loss = OBJECTIVES["minimax"].discriminator
    torch.testing.assert_close(first, loss(real, fake))
    torch.testing.assert_close(second, loss(fake, real))


@pytest.mark.parametrize("stochastic", [False, True])
def test_generator_and_encoder_are_one_player(stochastic: bool) -> None:
    played = game(stochastic=stochastic)
    owned = played.parameters_of("G")
    assert {name.partition(".")[0] for name in owned} == {"generator", "encoder"}
    gradients = torch.autograd.grad(played("G", BATCH, Draw(0, 0)), list(owned.values()))
    assert all(bool(gradient.any()) for gradient in gradients)


def test_the_discriminator_judges_pairs() -> None:
    played = game()
    z = torch.randn(6, SIZE, generator=torch.Generator().manual_seed(2))
    logits = played.discriminator(BATCH["real"], z)
    order = torch.tensor([5, 4, 3, 2, 1, 0])
    torch.testing.assert_close(played.discriminator(BATCH["real"][order], z[order]), logits[order])
    assert not torch.allclose(played.discriminator(BATCH["real"], z[order]), logits)


def test_the_encoder_of_ali_is_a_gaussian_and_that_of_bigan_a_function() -> None:
    one = BATCH["real"][:1].repeat(20_000, 1, 1, 1)[:, :, :8, :8]
    noise = torch.randn(20_000, SIZE, generator=torch.Generator().manual_seed(3))
    build = {"shape": (1, 8, 8), "latent_size": SIZE, "width": 4}
    with torch.inference_mode():
        ali = bigan.Encoder(**build, stochastic=True)
        mean, log_variance = ali.network(one[:1]).tensor_split(2, dim=1)
        torch.testing.assert_close(ali(one[:1]), mean)
        codes = ali(one, noise)
        spread = (0.5 * log_variance).exp()
        off = (codes.mean(dim=0) - mean[0]) / spread[0] * 20_000**0.5
        assert off.abs().max() < 4.5
        torch.testing.assert_close(codes.std(dim=0), spread[0], rtol=0.03, atol=0)
        plain = bigan.Encoder(**build, stochastic=False)
        assert torch.equal(plain(one[:1], noise[:1]), plain(one[:1]))


def test_where_the_encoder_inverts_the_generator_nobody_can_gain() -> None:
    # Theorem 2 of BiGAN: with G a bijection that maps the prior to the data and E its inverse, the
    # pairs have one distribution, so D = 1/2 is its best answer and gives no slope to G and E.
    angle = torch.tensor(0.7)
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()]).reshape(2, 2)
    played = game()
    played.generator, played.encoder = nn.Linear(2, 2), nn.Linear(2, 2)  # type: ignore[assignment]
    with torch.no_grad():
        for network, matrix in ((played.generator, turn), (played.encoder, turn.T)):
            network.weight.copy_(matrix)
            network.bias.zero_()
    z = torch.randn(50_000, 2, generator=torch.Generator().manual_seed(4))
    x = z @ turn.T
    pairs = [torch.cat([x, played.encoder(x)], 1), torch.cat([played.generator(z), z], 1)]
    torch.testing.assert_close(pairs[0], pairs[1], atol=1e-5, rtol=0)
    # A linear discriminator around D = 1/2 has no slope to climb: the means of the pairs are one.
    weight = torch.zeros(4, requires_grad=True)
    value = OBJECTIVES["minimax"].discriminator(*(pair.detach() @ weight for pair in pairs))
    (slope,) = torch.autograd.grad(value, weight)
    assert slope.abs().max() < 1e-5
