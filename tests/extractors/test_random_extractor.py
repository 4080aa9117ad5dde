import hashlib
from pathlib import Path

import pytest
import torch

from ganeval.errors import UsageError
from ganeval.extractors.base import ExtractorRequest
from ganeval.extractors.random import Random
from ganeval.extractors.random_network import SEED, Tiny
from tests.random_inception import soft_images

LAYERS = ("pool", "logits")


def images(num: int) -> torch.Tensor:
    return (soft_images(num, size=32, seed=1).float() - 127.5) / 127.5


def test_same_features_every_time_and_no_global_randomness() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = Random.from_request(ExtractorRequest())
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    second = Random.from_request(ExtractorRequest())
    assert first.info == second.info
    ours, again = first(images(8), LAYERS), second(images(8), LAYERS)
    assert all(torch.equal(ours[layer], again[layer]) for layer in LAYERS)


def test_layers_are_as_announced_and_tell_images_apart() -> None:
    extractor = Random.from_request(ExtractorRequest())
    layers = extractor(images(64), tuple(extractor.info.layers))
    assert {name: values.shape for name, values in layers.items()} == {
        name: (64, width) for name, width in extractor.info.layers.items()
    }
    assert all(values.dtype == torch.float32 for values in layers.values())
    pool, logits = layers["pool"], layers["logits"]
    assert (pool >= 0).all()
    maps = layers["spatial"].reshape(64, 6, 6, 7)
    torch.testing.assert_close(maps.mean(dim=(1, 2)), pool[:, :7])
    assert maps.std(dim=(1, 2)).mean() > 0.1
    assert torch.linalg.matrix_rank(pool) > 32
    probabilities = logits.softmax(dim=1)
    marginal = probabilities.mean(dim=0)
    score = (probabilities * (probabilities / marginal).log()).sum(dim=1).mean().exp()
    assert 1.05 < score < 5


def test_an_autocast_around_it_changes_nothing() -> None:
    extractor = Random.from_request(ExtractorRequest())
    expected = extractor(images(8), LAYERS)
    with torch.autocast("cpu", torch.bfloat16):
        layers = extractor(images(8), LAYERS)
        assert torch.is_autocast_enabled("cpu")
    assert all(torch.equal(layers[name], expected[name]) for name in expected)


@pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"),
    reason="torch rounds a few of the weights otherwise on this processor",
)
def test_the_digest_is_that_of_its_tensors() -> None:
    digest = hashlib.sha256()
    for name, values in Tiny(SEED).state_dict().items():
        digest.update(f"{name} {list(values.shape)} ".encode() + values.numpy().tobytes())
    assert Random.describe(ExtractorRequest()).weights_sha256 == digest.hexdigest()


def test_weights_of_its_own_are_bad_usage() -> None:
    with pytest.raises(UsageError, match="no --weights, since random makes its own"):
        Random.from_request(ExtractorRequest(weights_path=Path("mine.pt")))
