from pathlib import Path

import pytest
import torch
from pytorch_fid.inception import InceptionV3
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torchvision.models import inception_v3

from ganeval.errors import WeightsError
from ganeval.extractors.base import Extractor, ExtractorRequest
from ganeval.extractors.inception import Inception
from ganeval.extractors.inception_network import fid_inception
from tests.random_inception import random_inception_state, soft_images, write_random_inception

NUM_IMAGES = 4


@pytest.fixture(scope="module")
def weights_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_inception(tmp_path_factory.mktemp("torch") / "hub" / "checkpoints")


@pytest.fixture(scope="module")
def inception(weights_path: Path) -> Extractor:
    return Inception.from_request(ExtractorRequest(weights_path=weights_path))


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return soft_images(NUM_IMAGES, size=299, seed=1)  # not those that the weights were fitted to


@pytest.fixture(scope="module")
def layers(inception: Extractor, images: torch.Tensor) -> dict[str, torch.Tensor]:
    return inception(normalise(images), tuple(inception.info.layers))


def normalise(images: torch.Tensor) -> torch.Tensor:
    return (images.float() - 128) / 128


def relative_difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float((ours - theirs).norm() / theirs.norm())


def test_state_dict_has_the_format_of_the_published_file() -> None:
    # torchvision's network has other pooling, but the very names and shapes of the file.
    with torch.device("meta"):
        torchvision = inception_v3(
            weights=None, init_weights=False, num_classes=1008, aux_logits=False
        ).state_dict()
    ours = random_inception_state()
    assert len(ours) == 566
    assert sum(values.numel() for values in ours.values()) == 23_885_486
    assert {name: (values.shape, values.dtype) for name, values in ours.items()} == {
        name: (values.shape, values.dtype) for name, values in torchvision.items()
    }


def test_same_features_and_logits_as_torch_fidelity(
    layers: dict[str, torch.Tensor], images: torch.Tensor, weights_path: Path
) -> None:
    names = ["2048", "logits_unbiased", "logits"]
    peer = FeatureExtractorInceptionV3(
        "peer", names, feature_extractor_weights_path=str(weights_path)
    )
    for name, theirs in zip(("pool", "logits", "logits_biased"), peer(images), strict=True):
        assert relative_difference(layers[name], theirs) < 1e-5, name


def test_same_features_as_pytorch_fid(
    layers: dict[str, torch.Tensor],
    images: torch.Tensor,
    weights_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(weights_path.parents[2]))
    peer = InceptionV3([3], resize_input=False, normalize_input=False).eval()
    with torch.inference_mode():
        (theirs,) = peer(normalise(images))
    assert relative_difference(layers["pool"], theirs[:, :, 0, 0]) < 1e-5


def test_the_spatial_layer_is_the_first_branch_of_a_block_at_17_by_17(
    layers: dict[str, torch.Tensor], images: torch.Tensor, weights_path: Path
) -> None:
    # mixed_6/conv of the graph is Mixed_6d.branch1x1 in torch-fidelity's names; after the ReLU.
    peer = FeatureExtractorInceptionV3(
        "peer", ["2048"], feature_extractor_weights_path=str(weights_path)
    )
    kept: list[torch.Tensor] = []
    branch = peer.Mixed_6d.branch1x1
    branch.bn.register_forward_hook(lambda _module, _inputs, maps: kept.append(maps.clone()))
    peer(images)
    (maps,) = kept
    assert maps.shape == (NUM_IMAGES, 192, 17, 17)
    ours = layers["spatial"].reshape(NUM_IMAGES, 17, 17, 7)
    assert ours[2, 3, 5, 6] == pytest.approx(max(float(maps[2, 6, 3, 5]), 0.0), rel=1e-4)
    whole = maps.clamp(min=0)[:, :7].permute(0, 2, 3, 1).reshape(NUM_IMAGES, -1)
    assert relative_difference(layers["spatial"], whole) < 1e-5
    assert 0.01 < (layers["spatial"] == 0).float().mean() < 0.99


def test_layers_are_as_announced(inception: Extractor, layers: dict[str, torch.Tensor]) -> None:
    assert {name: values.shape for name, values in layers.items()} == {
        name: (NUM_IMAGES, width) for name, width in inception.info.layers.items()
    }
    assert all(
        values.dtype == torch.float32 and values.device.type == "cpu" and values.isfinite().all()
        for values in layers.values()
    )


def test_random_weights_tell_images_apart(layers: dict[str, torch.Tensor]) -> None:
    pool, logits = layers["pool"], layers["logits"]
    assert (pool.std(dim=0) / pool.mean(dim=0)).median() > 0.1
    assert logits.std(dim=0).median() > 0.5


def test_the_bias_is_the_only_difference_between_the_logits(
    layers: dict[str, torch.Tensor],
) -> None:
    bias = random_inception_state()["fc.bias"].expand(NUM_IMAGES, -1)
    torch.testing.assert_close(layers["logits_biased"] - layers["logits"], bias, atol=1e-5, rtol=0)


def test_bfloat16_is_near_float32(
    weights_path: Path, images: torch.Tensor, layers: dict[str, torch.Tensor]
) -> None:
    request = ExtractorRequest(weights_path=weights_path, precision="bfloat16")
    rough = Inception.from_request(request)(normalise(images), ["pool", "logits"])
    assert all(values.dtype == torch.float32 for values in rough.values())
    # 8 bits of mantissa: about 4e-3 a rounding, through 47 layers; not nothing, not much.
    assert 1e-3 < relative_difference(rough["pool"], layers["pool"]) < 0.1


def test_without_weights_the_request_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("GANEVAL_CACHE", str(tmp_path))
    monkeypatch.delenv("GANEVAL_WEIGHTS", raising=False)
    with pytest.raises(WeightsError, match="--extractor efficientnet-lite0"):
        Inception.from_request(ExtractorRequest(offline=True))


def test_random_weights_under_the_published_name_are_refused(
    weights_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANEVAL_WEIGHTS", str(weights_path.parent))
    with pytest.raises(WeightsError, match="is another file"):
        Inception.from_request(ExtractorRequest(offline=True))


def test_maps_before_the_mean_are_eight_by_eight() -> None:
    with torch.device("meta"):
        maps = fid_inception()[:-1](torch.zeros(2, 3, 299, 299))
    assert maps.shape == (2, 2048, 8, 8)
