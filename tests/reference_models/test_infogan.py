"""InfoGAN: the bound on the information, its two players, and the codes."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
import torch.nn.functional as F

from reference_models import infogan
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.settings import with_settings
from tests.reference_models.made import data_of

SHAPE = (1, 16, 16)
BATCH = Batch({"real": torch.randn(6, *SHAPE, generator=torch.Generator().manual_seed(1)).tanh()})
CLASSES, CODES = 10, 2


def game(weight: float = 1.0) -> infogan.InfoGan:
    recipe = with_settings(infogan.RECIPE, {"game.weight": weight})
    return infogan.make_game(recipe, data_of(SHAPE), torch.Generator().manual_seed(0))


def information_of_labels(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """L_I of the categorical code: the Gaussian's part, constant at its mean, taken off."""
    codes = torch.zeros(len(labels), CODES)
    outputs = torch.cat([torch.zeros(len(labels), 1), logits, codes], dim=1)
    gaussian = -0.5 * CODES * math.log(2 * math.pi)
    return game().information(outputs, labels, codes).item() - gaussian


def test_the_bound_is_the_entropy_for_a_perfect_head_and_nothing_for_a_blind_one() -> None:
    labels = torch.arange(200) % CLASSES
    entropy = math.log(CLASSES)
    assert information_of_labels(100.0 * F.one_hot(labels, CLASSES), labels) == pytest.approx(
        entropy
    )
    assert information_of_labels(torch.zeros(200, CLASSES), labels) == pytest.approx(0.0, abs=1e-5)
    random = torch.randn(200, CLASSES, generator=torch.Generator().manual_seed(2))
    assert information_of_labels(random, labels) < entropy


def test_the_continuous_part_is_the_log_density_of_a_gaussian() -> None:
    stream = torch.Generator().manual_seed(3)
    means, codes = (torch.randn(50, CODES, generator=stream) for _ in range(2))
    labels = torch.zeros(50, dtype=torch.int64)
    perfect = 100.0 * F.one_hot(labels, CLASSES)
    outputs = torch.cat([torch.zeros(50, 1), perfect, means], dim=1)
    expected = scipy.stats.norm.logpdf(codes.numpy(), means.numpy()).sum(axis=1).mean()
    found = game().information(outputs, labels, codes).item() - math.log(CLASSES)
    assert found == pytest.approx(expected, rel=1e-5)


def test_both_players_have_the_term_and_it_moves_generator_trunk_and_head() -> None:
    played = game()
    for player, networks in (("D", ["discriminator"]), ("G", ["generator", "discriminator"])):
        terms = played.loss(player, BATCH, Draw(0, 0))
        assert set(terms) == {"adversarial", "information"}
        parameters = [p for name in networks for p in played.get_submodule(name).parameters()]
        gradients = torch.autograd.grad(terms["information"], parameters)
        assert all(bool(gradient.any()) for gradient in gradients)
    # The head of D itself (output 0) takes no part in it.
    (head,) = torch.autograd.grad(
        played.loss("D", BATCH, Draw(0, 0))["information"], [played.discriminator.layers[-1].bias]
    )
    assert head[0] == 0
    assert bool(head[1:].any())


def test_the_weight_is_lambda() -> None:
    once, thrice = (game(weight).loss("G", BATCH, Draw(0, 0)) for weight in (1.0, 3.0))
    torch.testing.assert_close(thrice["information"], 3 * once["information"])
    assert torch.equal(thrice["adversarial"], once["adversarial"])


def test_the_codes_are_uniform_and_reach_the_image() -> None:
    generator = game().generator.eval()
    z = torch.randn(4000, 64, generator=torch.Generator().manual_seed(4))
    codes = generator.codes(z)
    assert codes.shape == (4000, CODES)
    expected = 2 * scipy.stats.norm.cdf(z[:, -CODES:].numpy()) - 1
    np.testing.assert_allclose(codes.numpy(), expected, atol=1e-6)
    labels = torch.zeros(2, dtype=torch.int64)
    with torch.inference_mode():
        first, second = generator(z[:1].repeat(2, 1), torch.tensor([0, 1]))
        assert not torch.equal(first, second)
        changed = z[:1].repeat(2, 1)
        changed[1, -1] += 1
        first, second = generator(changed, labels)
        assert not torch.equal(first, second)
