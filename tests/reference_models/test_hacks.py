"""The tips of soumith/ganhacks, each as a setting that does what it says."""

import pytest
import torch
from torch import nn

import ganeval
from reference_models import dcgan, gan
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.settings import with_settings
from reference_models.parts.labels import HARD, LABELS, Labels
from reference_models.parts.objectives import logistic_discriminator
from reference_models.parts.unconditional import Unconditional
from tests.reference_models.made import data_of

SHAPE = (1, 16, 16)
NUM = 6
BATCH = Batch({"real": torch.rand(NUM, *SHAPE, generator=torch.Generator().manual_seed(1)) * 2 - 1})
SMALL = {"generator.width": 4, "discriminator.width": 4, "generator.latent_size": 5}
MANY = 20_000


def built(**changes: object) -> Unconditional:
    settings = {name.replace("__", "."): value for name, value in changes.items()}
    recipe = with_settings(dcgan.RECIPE, {**SMALL, **settings})
    game = recipe.build(data_of(SHAPE), torch.Generator().manual_seed(0))
    assert isinstance(game, Unconditional)
    return game


def labels_of(labels: Labels, purpose: str) -> torch.Tensor:
    return labels.of(MANY, Draw(0, 0), purpose, torch.zeros(()))


def test_labels_make_the_cross_entropy_of_their_values() -> None:
    labels = Labels(label_smoothing=0.1, fake_label=0.2, label_noise=0.05, label_flips=0.3)
    draw, generator = Draw(0, 3), torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 50, generator=generator)
    found = logistic_discriminator(real, fake) + labels.terms(real, fake, draw)["labels"]
    cross_entropy = nn.functional.binary_cross_entropy_with_logits
    expected = sum(
        cross_entropy(logits, labels.of(50, draw, purpose, logits))
        for logits, purpose in ((real, "real"), (fake, "fake"))
    )
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("purpose", "own", "other"), [("real", 0.9, 0.2), ("fake", 0.2, 0.9)])
def test_labels_are_smooth_noisy_and_flipped_as_asked(
    purpose: str, own: float, other: float
) -> None:
    smooth = Labels(label_smoothing=0.1, fake_label=0.2)
    torch.testing.assert_close(labels_of(smooth, purpose), torch.full((MANY,), own))
    noisy = labels_of(Labels(label_smoothing=0.1, fake_label=0.2, label_noise=0.05), purpose)
    assert (noisy - own).abs().max() <= 0.05 + 1e-6
    assert noisy.std().item() == pytest.approx(0.05 / 3**0.5, rel=0.02)
    flipped = labels_of(Labels(label_smoothing=0.1, fake_label=0.2, label_flips=0.25), purpose)
    is_other = torch.isclose(flipped, torch.tensor(other))
    assert torch.isclose(flipped[~is_other], torch.tensor(own)).all()
    assert is_other.float().mean().item() == pytest.approx(0.25, abs=0.01)


def test_flips_are_on_average_smoothing_of_both_labels() -> None:
    for purpose, mean in (("real", 0.9), ("fake", 0.1)):
        assert labels_of(Labels(label_flips=0.1), purpose).mean().item() == pytest.approx(
            mean, abs=0.01
        )


def test_labels_are_settings_of_games_that_have_them() -> None:
    assert dict.fromkeys(LABELS, 0.0) == LABELS
    assert HARD.terms(torch.zeros(2), torch.zeros(2), Draw(0, 0)) == {}
    for name in LABELS:
        game, usual = built(**{f"game__{name}": 0.25}), built()
        terms = game.loss("D", BATCH, Draw(0, 0))
        assert set(terms) == {"adversarial", "labels"}
        assert terms["labels"] != 0
        assert torch.equal(terms["adversarial"], usual("D", BATCH, Draw(0, 0)))
        assert torch.equal(game("G", BATCH, Draw(0, 0)), usual("G", BATCH, Draw(0, 0)))
    with pytest.raises(
        ganeval.GanevalError,
        match=r"^game\.label_flips 0\.5; needed: labels of real samples that are higher",
    ):
        built(game__label_flips=0.5)
    with pytest.raises(ganeval.GanevalError, match=r"label_smoothing 0\.6 and game\.fake_label"):
        built(game__label_smoothing=0.6, game__fake_label=0.4)


def test_batches_may_be_mixed_where_batch_norm_sees_it() -> None:
    apart, mixed = built(), built(game__mixed_batches=True)
    real, fake = BATCH["real"], -BATCH["real"] / 2
    together = mixed.discriminator(torch.cat([real, fake]))
    torch.testing.assert_close(torch.cat(mixed.logits_of_both(real, fake)), together)
    assert not torch.allclose(apart.logits_of_both(real, fake)[0], together[:NUM], atol=1e-4)
    without = built(game__mixed_batches=True, discriminator__batch_norm=False)
    torch.testing.assert_close(without.logits_of_both(real, fake)[0], without.discriminator(real))


def test_rectified_units_have_their_slope() -> None:
    kinds = {
        slope: [
            module
            for module in built(generator__slope=slope, discriminator__slope=slope).modules()
            if isinstance(module, nn.ReLU | nn.LeakyReLU)
        ]
        for slope in (0.0, 0.3)
    }
    assert len(kinds[0.3]) == 4  # at 16 pixels each network has two
    line = torch.linspace(-1, 1, 5)
    for slope, modules in kinds.items():
        for module in modules:
            torch.testing.assert_close(module(line), line.clamp(min=0) + slope * line.clamp(max=0))


@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_batch_norm_of_each_network_is_a_setting(name: str) -> None:
    game = built(**{f"{name}__batch_norm": False})
    for one in ("generator", "discriminator"):
        modules = list(game.get_submodule(one).modules())
        assert any(isinstance(module, nn.BatchNorm2d) for module in modules) == (one != name)
    convolutions = [
        module
        for module in game.get_submodule(name).modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
    ]
    assert all(module.bias is not None for module in convolutions)


def test_dropout_is_decided_by_latents_in_training_and_in_sampling() -> None:
    assert built().generator.latent_size == 5
    network = built(generator__dropout=True).generator.eval()
    assert isinstance(network, dcgan.ConvGenerator)
    assert network.latent_size == 5 + 8 + 4
    z, masks = Draw(0, 0).normal("z", 3, network.latent_size).split([5, 12], dim=1)
    with torch.inference_mode():
        images = network(torch.cat([z, masks], dim=1))
        assert torch.equal(images, network(torch.cat([z, 7 * masks], dim=1)))  # signs decide
        assert not torch.allclose(images, network(torch.cat([z, -masks], dim=1)))
        x = z[:, :, None, None]
        for stage, mask in ((slice(3), masks[:, :8]), (slice(3, 6), masks[:, 8:])):
            x = network.layers[stage](x) * 2 * (mask > 0)[:, :, None, None]
        assert torch.equal(images, network.layers[6:](x))


@pytest.mark.parametrize(
    "changes", [{"dropout": True}, {"slope": 0.2}, {"batch_norm": False}], ids=str
)
def test_a_residual_generator_refuses_what_it_cannot_have(changes: dict[str, object]) -> None:
    with pytest.raises(ganeval.GanevalError, match="a residual generator with"):
        dcgan.Generator(latent_size=4, image_size=32, channels=3, body="residual", **changes)  # type: ignore[arg-type]


def test_replay_shows_d_what_g_made_earlier_and_g_nothing_else() -> None:
    assert built().replay is None
    game = built(game__replay=1.0, game__replay_size=NUM)
    assert game.replay is not None
    draw, later = Draw(0, 0), Draw(0, 1)
    usual = built()
    assert torch.equal(game("D", BATCH, draw), usual("D", BATCH, draw))  # the pool is empty
    first = game.sample(NUM, draw).detach()
    game.after_step("G", BATCH, draw)
    assert int(game.replay.filled) == 0
    game.after_step("D", BATCH, draw)
    assert torch.equal(game.replay.pictures, first)
    seen: list[torch.Tensor] = []
    game.discriminator.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    game.loss("D", BATCH, later)
    rows = {row.tobytes() for row in first.numpy()}
    assert {row.tobytes() for row in seen[1].detach().numpy()} <= rows
    game.loss("G", BATCH, later)
    assert not {row.tobytes() for row in seen[2].detach().numpy()} & rows


def test_d_may_have_another_optimizer_than_g() -> None:
    recipe = with_settings(gan.RECIPE, {"optimizers.D.name": "sgd", "optimizers.D.lr": 0.05})
    weights = [nn.Parameter(torch.zeros(1))]
    kinds = {player: type(spec.build(weights)) for player, spec in recipe.optimizers.items()}
    assert kinds == {"D": torch.optim.SGD, "G": torch.optim.Adam}
