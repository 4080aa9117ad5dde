"""Salimans et al. 2016: features, batch mates, K + 1 classes, history, virtual batch norm."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ganeval
from reference_models import feature_matching, minibatch_discrimination, semi_supervised
from reference_models.data.pictures import Pictures
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.settings import with_settings
from reference_models.engine.solvers import Simultaneous
from reference_models.minibatch_discrimination import Closeness, MinibatchDiscriminator
from reference_models.parts.classes import known_labels
from reference_models.parts.history import History
from reference_models.parts.networks import discriminator_for, generator_for
from reference_models.parts.virtual_batch_norm import VirtualBatchNorm, VirtuallyNormalised
from tests.reference_models.made import data_of

SHAPE = (1, 8, 8)
NARROW = {"generator.latent_size": 6, "generator.width": 4, "discriminator.width": 4}
MATCHING = with_settings(feature_matching.RECIPE, NARROW)
MINIBATCH = with_settings(minibatch_discrimination.RECIPE, {**NARROW, "generator.num_reference": 5})
SEMI = with_settings(semi_supervised.RECIPE, {**NARROW, "discriminator.num_classes": 3})


def randomness(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(num: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(num, *SHAPE, generator=randomness(seed)).tanh()


# Feature matching


def test_features_of_equal_batches_match_and_move_nothing() -> None:
    judge = discriminator_for(SHAPE, 4)
    generated = pictures(6).requires_grad_()
    other_order = generated.detach().flip(0)
    loss = feature_matching.matching(judge, other_order, generated)
    assert loss.item() == pytest.approx(0.0, abs=1e-12)
    (gradient,) = torch.autograd.grad(loss, generated)
    assert gradient.abs().max().item() < 1e-6


def test_the_distance_is_that_of_the_means_and_its_gradient_is_the_papers() -> None:
    # With f(x) = x: |mean(real) - mean(fake)|^2, whose slope at a sample is 2 (fake - real) / n.
    judge = discriminator_for((3,), 4).double()
    judge.features = lambda x: x  # type: ignore[method-assign]
    real, fake = (torch.randn(4, 3, generator=randomness(seed)).double() for seed in (2, 3))
    fake.requires_grad_()
    loss = feature_matching.matching(judge, real, fake)
    apart = fake.mean(dim=0) - real.mean(dim=0)
    torch.testing.assert_close(loss, (apart**2).sum())
    (gradient,) = torch.autograd.grad(loss, fake)
    torch.testing.assert_close(gradient, (2 * apart / 4).expand(4, 3).detach())


def test_the_generator_matches_and_the_discriminator_discriminates() -> None:
    game = MATCHING.build(data_of(SHAPE), randomness()).eval()
    batch, draw = Batch({"real": pictures(4)}), Draw(0, 0)
    assert set(game.loss("D", batch, draw)) == {"adversarial"}
    found = game.loss("G", batch, draw)
    assert isinstance(game, feature_matching.FeatureMatching)
    expected = feature_matching.matching(game.discriminator, batch["real"], game.sample(4, draw))
    assert set(found) == {"matching"}
    assert torch.equal(found["matching"], expected)
    assert game.reads("G")


# Minibatch discrimination


def test_the_closeness_is_the_sum_of_the_paper_over_the_others() -> None:
    layer = Closeness(5, 3, 2).double()
    features = torch.randn(4, 5, generator=randomness()).double()
    matrices = (features @ layer.tensor.weight.detach().T).reshape(4, 3, 2)
    found = layer(features)
    for i in range(4):
        for b in range(3):
            others = [
                math.exp(-float((matrices[i, b] - matrices[j, b]).abs().sum()))
                for j in range(4)
                if j != i
            ]
            assert found[i, b].item() == pytest.approx(sum(others))


def test_a_collapsed_batch_has_as_many_mates_and_order_does_not_matter() -> None:
    layer = Closeness(5, 3, 2)
    features = torch.randn(7, 5, generator=randomness())
    torch.testing.assert_close(layer(features[:1].expand(7, 5)), torch.full((7, 3), 6.0))
    order = torch.randperm(7, generator=randomness())
    torch.testing.assert_close(layer(features[order]), layer(features)[order])


def test_the_last_layer_takes_features_and_closeness_together() -> None:
    judge = MinibatchDiscriminator(discriminator_for((2,), 4), num_rows=3, num_columns=2)
    x = torch.randn(6, 2, generator=randomness())
    both = torch.cat([judge.features(x), judge.closeness(judge.features(x))], dim=1)
    last = judge.get_submodule("body.layers")[-1]  # type: ignore[index]
    weight = torch.cat([last.weight, judge.weights.weight], dim=1)
    torch.testing.assert_close(judge(x), F.linear(both, weight, last.bias).squeeze(1))


def test_real_and_generated_samples_are_in_batches_of_their_own() -> None:
    game = MINIBATCH.build(data_of(SHAPE), randomness())
    seen: list[int] = []
    game.get_submodule("discriminator.closeness").register_forward_hook(
        lambda _, inputs, output: seen.append(len(inputs[0]))
    )
    game.loss("D", Batch({"real": pictures(4)}), Draw(0, 0))
    assert seen == [4, 4]


# K + 1 classes


def test_the_class_of_generated_samples_has_what_z_leaves() -> None:
    logits = torch.randn(5, 3, generator=randomness()).double()
    softmax = torch.cat([logits, torch.zeros(5, 1).double()], dim=1).softmax(dim=1)
    log_z = logits.logsumexp(dim=1)
    torch.testing.assert_close(torch.sigmoid(log_z), 1 - softmax[:, -1])  # D = Z / (Z + 1)
    game = SEMI.build(labelled_data(), randomness())
    assert isinstance(game, semi_supervised.SemiSupervised)
    game.judged = lambda samples, draw, purpose: samples  # type: ignore[method-assign]
    game.sample = lambda num, draw: logits[:2]  # type: ignore[method-assign]
    game.labelled = logits[torch.arange(30) % 5]
    loss = game.loss("D", Batch({"real": logits[2:]}), Draw(0, 0))["unlabelled"]
    expected = -(1 - softmax[2:, -1]).log().mean() - softmax[:2, -1].log().mean()
    torch.testing.assert_close(loss, 0.5 * expected)
    # p(y | x, y <= K) is the softmax of the K logits.
    torch.testing.assert_close(softmax[:, :3] / softmax[:, :3].sum(1, True), logits.softmax(1))


def labelled_data(num_of_each: int = 12) -> Pictures:
    """Pictures of three classes, each of them of one colour that says which it is."""
    labels = np.arange(3).repeat(num_of_each)
    colours = np.arange(len(labels)).astype(np.uint8)
    return Pictures(
        name="three", pixels=np.tile(colours[:, None, None, None], (1, *SHAPE)), labels=labels
    )


def test_the_labels_known_are_the_first_of_each_class_in_one_order() -> None:
    data = labelled_data()
    known = [known_labels(data, num_classes=3, per_class=4, subset=subset) for subset in (1, 1, 2)]
    places = [((shown[:, 0, 0, 0] + 1) * 127.5).round().long() for shown, _ in known]
    for place, (_, labels) in zip(places, known, strict=True):
        assert labels.tolist() == np.arange(3).repeat(4).tolist()
        assert (place // 12).tolist() == labels.tolist()
        assert len(set(place.tolist())) == 12
    assert torch.equal(places[0], places[1])
    assert not torch.equal(places[0], places[2])
    with pytest.raises(
        ganeval.GanevalError, match="12 pictures of class 0; needed: 13 labelled pictures"
    ):
        known_labels(data, num_classes=3, per_class=13, subset=1)


def test_no_other_label_is_looked_at() -> None:
    game = with_settings(SEMI, {"game.per_class": 4}).build(labelled_data(), randomness())
    real, draw = pictures(8), Draw(0, 0)
    losses = [
        game("D", Batch({"real": real, "labels": torch.full((8,), label)}), draw)
        for label in (0, 2)
    ]
    assert torch.equal(losses[0], losses[1])
    assert game.labelled.shape == (12, *SHAPE)


def test_without_weight_the_unlabelled_pictures_teach_nothing() -> None:
    alone = with_settings(SEMI, {"game.unlabelled_weight": 0.0, "game.per_class": 4})
    game = alone.build(labelled_data(), randomness())
    first, second = (game.loss("D", Batch({"real": pictures(8, s)}), Draw(0, 0)) for s in (1, 2))
    assert set(first) == {"labelled"}
    assert torch.equal(first["labelled"], second["labelled"])


def test_noise_comes_before_every_layer_and_only_while_d_learns() -> None:
    game = SEMI.build(labelled_data(), randomness())
    assert isinstance(game, semi_supervised.SemiSupervised)
    x, judge = pictures(4), game.discriminator
    seen: dict[int, torch.Tensor] = {}

    def remembered(number: int, h: torch.Tensor) -> torch.Tensor:
        seen[number] = h
        return h

    assert torch.equal(judge(x, remembered), judge(x))
    assert {number: h.shape[1] for number, h in seen.items()} == {0: 64, 1: 4, 2: 4, 3: 4}
    noisy = game.judged(x, Draw(0, 0), "real")
    assert torch.equal(noisy, game.judged(x, Draw(0, 0), "real"))
    assert not torch.equal(noisy, game.judged(x, Draw(0, 1), "real"))
    silent = with_settings(SEMI, {"game.noise_of_input": 0.0, "game.noise_of_layers": 0.0})
    quiet = silent.build(labelled_data(), randomness())
    torch.testing.assert_close(quiet.judged(x, Draw(0, 0), "real"), judge(x))
    assert set(game.averaged) == {"generator", "discriminator"}


def test_data_with_other_classes_are_refused() -> None:
    with pytest.raises(ganeval.GanevalError, match=r"--set discriminator.num_classes=3"):
        semi_supervised.RECIPE.build(labelled_data(), randomness())


# Historical averaging


class Product(Game):
    """min_x max_y xy, from (1, 1)."""

    players: Mapping[str, tuple[str, ...]] = {"X": ("x",), "Y": ("y",)}

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.x, self.y = (nn.ParameterList([nn.Parameter(torch.ones(()))]) for _ in range(2))
        self.double()
        self.history = History(self, weight)

    def before_step(self, num_images: int) -> None:
        self.history.remember(self)

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        product = self.x[0] * self.y[0]
        value = product if player == "X" else -product
        return {"product": value, **self.history.terms(self, player)}


def distance_after(steps: int, weight: float) -> float:
    """How far from the equilibrium plain simultaneous gradients of rate 0.05 end."""
    game, batch = Product(weight), Batch({}, size=1)
    optimizers = {
        player: torch.optim.SGD(game.parameters_of(player).values(), lr=0.05)
        for player in game.players
    }
    for step in range(steps):
        game.before_step(step)
        Simultaneous().step(game, optimizers, lambda _: batch, Draw(0, step))
    return math.hypot(game.x[0].item(), game.y[0].item())


def test_plain_gradients_spiral_outwards() -> None:
    # Each step multiplies the distance by sqrt(1 + 0.05^2).
    assert distance_after(100, 0.0) == pytest.approx(math.sqrt(2) * (1 + 0.05**2) ** 50)


def test_history_stops_the_spiral() -> None:
    # The figures of the same recursion in plain numbers; a large weight holds it where it began.
    assert distance_after(1000, 0.1) == pytest.approx(0.008638353485858083)
    assert distance_after(100, 1.0) == pytest.approx(1.0651799989425523)


def test_the_term_is_the_distance_to_the_mean_of_all_steps() -> None:
    game = Product(0.5)
    values = [1.0, 4.0, 2.0]
    for value in values:
        with torch.no_grad():
            game.x[0].fill_(value)
        game.before_step(0)
    found = game.loss("X", Batch({}, size=1), Draw(0, 0))["history"]
    assert found.item() == pytest.approx(0.5 * (2.0 - np.mean(values)) ** 2)
    assert "history" not in Product(0.0).loss("X", Batch({}, size=1), Draw(0, 0))


def test_the_history_of_a_model_is_a_setting_and_part_of_its_state() -> None:
    game = with_settings(MINIBATCH, {"game.history_weight": 0.1}).build(
        data_of(SHAPE), randomness()
    )
    game.before_step(0)
    batch = Batch({"real": pictures(4)})
    for player in ("D", "G"):
        terms = game.loss(player, batch, Draw(0, 0))
        assert set(terms) == {"adversarial", "history"}
        assert terms["history"].item() == 0.0
    assert torch.equal(game.state_dict()["history.steps"], torch.ones(()))
    plain = MINIBATCH.build(data_of(SHAPE), randomness())
    assert set(plain.loss("G", batch, Draw(0, 0))) == {"adversarial"}


# Virtual batch norm


def test_a_row_does_not_depend_on_its_batch_mates() -> None:
    z = torch.randn(6, 4, generator=randomness(2))
    plain = generator_for(SHAPE, latent_size=4, width=4)
    assert not torch.allclose(plain(z)[:1], plain(torch.cat([z[:1], 2 * z[1:]]))[:1])
    virtual = VirtuallyNormalised(plain, latent_size=4, num_reference=5)
    virtual.choose(randomness())
    alone = virtual(z[:1])
    torch.testing.assert_close(virtual(z)[:1], alone)
    torch.testing.assert_close(virtual(torch.cat([z[:1], 2 * z[1:]]))[:1], alone)
    assert not any(isinstance(one, nn.BatchNorm2d) for one in virtual.modules())
    torch.testing.assert_close(virtual.eval()(z)[:1], alone)


def test_the_statistics_are_those_of_the_reference_and_the_sample_itself() -> None:
    norm = nn.BatchNorm2d(3)
    with torch.no_grad():
        norm.weight.uniform_(generator=randomness(1))
        norm.bias.uniform_(generator=randomness(2))
    maps = torch.randn(7, 3, 2, 2, generator=randomness(3))
    found = VirtualBatchNorm(norm, 5)(maps)
    torch.testing.assert_close(found[:5], norm(maps[:5]))
    for row in (5, 6):
        with_reference = torch.cat([maps[:5], maps[row : row + 1]])
        torch.testing.assert_close(found[row], norm(with_reference)[-1])


def test_the_norm_is_a_setting_of_pictures() -> None:
    virtual = with_settings(MINIBATCH, {"generator.norm": "virtual"})
    game = virtual.build(data_of(SHAPE), randomness())
    reference = game.get_buffer("generator.reference")
    assert reference.shape == (5, 6)
    assert reference.std().item() > 0.5
    assert game.get_submodule("generator")(torch.zeros(2, 6)).shape == (2, *SHAPE)
    with pytest.raises(ganeval.GanevalError, match=r"leave generator\.norm at batch"):
        virtual.build(data_of((2,)), randomness())
    with pytest.raises(ganeval.GanevalError, match="unknown norm 'vitual'"):
        with_settings(MINIBATCH, {"generator.norm": "vitual"}).build(data_of(SHAPE), randomness())
    assert replace(virtual).name == "minibatch"
