"""AC-GAN: the class head of D, and who wants it to be right."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ganeval
from reference_models import acgan
from reference_models.data.digits import digits
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.settings import with_settings
from tests.reference_models.made import data_of

SHAPE = (1, 8, 8)
SMALL = with_settings(
    acgan.RECIPE, {"generator.latent_size": 6, "generator.width": 4, "discriminator.width": 4}
)


def game(weight: float = 1.0) -> acgan.AuxiliaryClassifierGan:
    recipe = with_settings(SMALL, {"game.weight": weight})
    return acgan.make_game(recipe, data_of(SHAPE), torch.Generator().manual_seed(0))


def batch() -> Batch:
    real = torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(1)).tanh()
    return Batch({"real": real, "labels": torch.tensor([1, 7, 9, 3, 3])})


def test_both_players_have_the_losses_of_the_paper() -> None:
    played, draw, one = game(0.5).eval(), Draw(3, 5), batch()
    drawn = (draw.uniform("labels", 5) * 10).long()
    fake = played.discriminator(played.generator(draw.normal("z", 5, 6), drawn))
    real = played.discriminator(one["real"])
    log_class = [
        outputs[:, 1:].log_softmax(dim=1).gather(1, labels[:, None]).mean()
        for outputs, labels in ((real, one["labels"]), (fake, drawn))
    ]
    log_source = torch.sigmoid(real[:, 0]).log().mean() + torch.sigmoid(-fake[:, 0]).log().mean()
    # D minimises -(L_S + w L_C), G -w L_C and the non-saturating form of its part of L_S.
    torch.testing.assert_close(played("D", one, draw), -log_source - 0.5 * sum(log_class))
    of_generator = F.softplus(-fake[:, 0]).mean() - 0.5 * log_class[1]
    torch.testing.assert_close(played("G", one, draw), of_generator)


def test_a_head_that_knows_nothing_pays_the_entropy_for_each_side() -> None:
    played = game()
    played.discriminator = nn.Sequential(nn.Flatten(), nn.Linear(64, 11))
    for parameter in played.discriminator.parameters():
        nn.init.zeros_(parameter)
    classes = {player: played.loss(player, batch(), Draw(0, 0))["classes"] for player in "DG"}
    assert classes["D"].item() == pytest.approx(2 * math.log(10))
    assert classes["G"].item() == pytest.approx(math.log(10))


def test_the_class_goes_into_g_and_not_into_d() -> None:
    played = game().eval()
    z, labels = torch.zeros(2, 6), torch.tensor([0, 1])
    first, second = played.generator(z, labels)
    assert not torch.equal(first, second)
    other = Batch({"real": batch()["real"], "labels": torch.tensor([0, 0, 0, 0, 0])})
    terms = [played.loss("D", one, Draw(0, 0)) for one in (batch(), other)]
    assert torch.equal(terms[0]["adversarial"], terms[1]["adversarial"])
    assert not torch.equal(terms[0]["classes"], terms[1]["classes"])
    assert not played.reads("G")


def test_data_with_other_classes_are_refused() -> None:
    fewer = with_settings(SMALL, {"generator.num_classes": 4})
    with pytest.raises(ganeval.GanevalError, match="has 10 classes; needed: 4 classes, as many as"):
        fewer.build(digits(size=8), torch.Generator().manual_seed(0))
