"""The projection GAN: the class in D and in G, and whose labels they see."""

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
import torch.nn.functional as F

import ganeval
from reference_models import projection
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.session import Watch, run_training
from reference_models.engine.settings import with_settings
from reference_models.parts.residual import ConditionalBatchNorm, init_residual
from tests.reference_models.made import data_of

SHAPE = (1, 8, 8)
SMALL = with_settings(
    projection.RECIPE,
    {"generator.latent_size": 6, "generator.width": 4, "discriminator.width": 4},
)
WATCH = Watch(grid_every=0, collapse=False, board=False)


def randomness() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def batch(*labels: int) -> Batch:
    real = torch.randn(len(labels), *SHAPE, generator=randomness()).tanh()
    return Batch({"real": real, "labels": torch.tensor(labels)})


def test_the_logit_is_an_inner_product_with_the_class_and_a_linear_map() -> None:
    # f(x, y), one image at a time.
    judge = projection.ProjectionDiscriminator(image_size=8, channels=1, width=4, num_classes=3)
    init_residual(judge, randomness())
    one = batch(2, 0, 1)
    found = judge(one["real"], one["labels"])
    for x, label, logit in zip(one["real"], one["labels"], found, strict=True):
        features = judge.body.blocks(x[None]).relu().sum(dim=(2, 3))[0]
        own = judge.classes.weight[label]
        expected = sum(a * b for a, b in zip(own, features, strict=True))
        expected = expected + judge.body.last.weight[0] @ features + judge.body.last.bias[0]
        torch.testing.assert_close(logit, expected)


def test_both_players_have_the_hinge_with_the_labels_of_their_images() -> None:
    game = SMALL.build(data_of(SHAPE), randomness()).eval()
    draw, one = Draw(3, 5), batch(1, 7, 9, 3)
    z = draw.normal("z", 4, 6)
    drawn = (draw.uniform("labels", 4) * 10).long()
    fake = game.discriminator(game.generator(z, drawn), drawn)
    real = game.discriminator(one["real"], one["labels"])
    torch.testing.assert_close(
        game("D", one, draw), F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    )
    torch.testing.assert_close(game("G", one, draw), -fake.mean())
    others = batch(1, 7, 9, 4)  # another class of the last one, the same images
    assert not torch.equal(game("D", others, draw), game("D", one, draw))
    assert torch.equal(game("G", others, draw), game("G", one, draw))


def test_labels_of_generated_images_are_uniform() -> None:
    game = SMALL.build(data_of(SHAPE), randomness())
    seen: list[Any] = []
    game.generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[1]))
    with torch.no_grad():
        game.loss("G", Batch({}, size=2000), Draw(0, 0))
    counts = torch.bincount(seen[0], minlength=10)
    assert len(counts) == 10
    assert counts.min() > 150  # 200 +- 13


def test_every_weight_of_the_discriminator_has_spectral_norm_one_and_every_block_a_class() -> None:
    game = SMALL.build(data_of(SHAPE), randomness())
    names = {name.rpartition(".parametrizations")[0] for name, _ in game.named_buffers()}
    judged = {f"discriminator.{name}" for name in ("body.last", "classes", "body.blocks.0.conv1")}
    assert judged <= names
    for _ in range(100):
        _ = game.discriminator.classes.weight
    norms = torch.linalg.svdvals(game.discriminator.eval().classes.weight.detach())
    assert norms[0].item() == pytest.approx(1.0, abs=1e-3)
    conditional = [m for m in game.generator.modules() if isinstance(m, ConditionalBatchNorm)]
    assert len(conditional) == 2  # one block from 4 x 4 to 8 x 8


def test_data_without_classes_or_with_too_many_are_refused_in_a_line(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(2):
        PIL.Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(pictures / f"{number}.png")
    with pytest.raises(
        ganeval.GanevalError, match="has no classes; needed: data with classes, for projection; put"
    ):
        run_training("projection", folder=tmp_path / "a", data=str(pictures), watch=WATCH)
    with pytest.raises(ganeval.GanevalError, match="has 10 classes; needed: 4 classes, as many as"):
        run_training(
            "projection",
            folder=tmp_path / "b",
            settings={"generator.num_classes": 4},
            watch=WATCH,
        )
    assert not (tmp_path / "a").exists()


def test_a_checkpoint_makes_the_class_that_it_is_asked_for(tmp_path: Path) -> None:
    path = run_training(
        "projection",
        folder=tmp_path,
        steps=1,
        settings={"generator.width": 4, "discriminator.width": 4, "batch_size": 8},
        watch=WATCH,
    )
    assert path is not None
    assert ganeval.read_card(path).num_classes == 10
