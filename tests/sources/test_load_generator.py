"""A generator's file as a network: its samples are those of `ganeval sample`, or as one says."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

import ganeval as toolkit
from ganeval.images.quantise import quantise
from reference_models.engine.session import Watch, run_training
from tests.command import Command
from tests.generators.networks import Example, seeded

WATCH = Watch(grid_every=0, collapse=False, board=False)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = run_training("infogan", folder=tmp_path_factory.mktemp("infogan"), steps=1, watch=WATCH)
    assert path is not None
    return path


def test_samples_are_those_of_the_command(labelled: Path, tmp_path: Path, ganeval: Command) -> None:
    words = ("sample", labelled, "-n", 20, "--seed", 3, "-o", tmp_path / "out")
    assert ganeval(*words).code == 0
    generator = toolkit.load_generator(labelled)
    images = generator.sample(20, seed=3)
    assert (images.shape, images.dtype) == ((20, 1, 16, 16), torch.float32)
    pixels = quantise(images, value_range=generator.value_range).numpy()
    for at in range(20):
        with PIL.Image.open(tmp_path / "out" / f"{at:05}.png") as picture:
            np.testing.assert_array_equal(np.asarray(picture)[..., 0], pixels[at, 0])
    assert torch.equal(generator.sample(7, seed=3), images[:7])
    assert not torch.equal(generator.sample(7, seed=4), images[:7])


def test_labels_and_latents_may_be_chosen(labelled: Path) -> None:
    generator = toolkit.load_generator(labelled)
    z = torch.randn(20, 64, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(20) % 10
    images = generator.sample(20, labels=labels, z=z)
    with torch.inference_mode():
        expected = generator.network.eval()(z, labels)
    torch.testing.assert_close(images, expected, atol=1e-5, rtol=0)
    same = generator.sample(20, labels=[4] * 20, z=z[:1].repeat(20, 1))
    torch.testing.assert_close(same, same[:1].expand_as(same), atol=1e-6, rtol=0)
    drawn = generator.sample(20, labels=labels, seed=1)
    assert not torch.equal(drawn, images)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"num": 0}, "num is 0"),
        ({"num": 3, "labels": [1, 2]}, "2 labels for 3 samples"),
        ({"num": 2, "labels": [1, 10]}, "labels from 1 to 10; needed: 0 to 9"),
        ({"num": 2, "labels": [-1, 1]}, "labels from -1 to 1"),
        ({"num": 3, "z": torch.zeros(2, 64)}, "2 z for 3 samples"),
        ({"num": 2, "z": torch.zeros(2, 8)}, r"z of shape \[2, 8\]; needed: \[2, 64\]"),
        ({"num": 2, "seed": -1}, "seed"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, object], said: str, labelled: Path) -> None:
    generator = toolkit.load_generator(labelled)
    with pytest.raises(toolkit.GanevalError, match=said):
        generator.sample(**given)  # type: ignore[arg-type]


def test_files_of_others_need_their_options(tmp_path: Path) -> None:
    network = seeded(Example()).eval()
    torch.save({"g_ema": network.state_dict()}, tmp_path / "g.pt")
    options = {"latent_size": 8, "latent_layout": "map", "value_range": (-1, 1)}
    generator = toolkit.load_generator(
        tmp_path / "g.pt", entry="tests.generators.networks:Example", **options
    )
    z = torch.randn(3, 8)
    with torch.inference_mode():
        torch.testing.assert_close(generator.sample(3, z=z), network(z[:, :, None, None]))
    with pytest.raises(toolkit.GanevalError, match="labels for a network that takes none"):
        generator.sample(3, labels=[0, 1, 2])
    with pytest.raises(toolkit.GanevalError, match="no card that says its"):
        toolkit.load_generator(tmp_path / "g.pt")
    with pytest.raises(toolkit.GanevalError, match="unknown option entri; needed: one of entry, "):
        toolkit.load_generator(tmp_path / "g.pt", entri="x")
