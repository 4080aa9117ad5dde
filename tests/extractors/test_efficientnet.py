import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from sklearn.datasets import load_sample_image

from ganeval.extractors.base import Extractor, ExtractorRequest
from ganeval.extractors.efficientnet import EfficientNetLite0
from ganeval.extractors.weights import find
from tests.random_inception import soft_images


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return EfficientNetLite0.from_request(ExtractorRequest(offline=True))


def preprocess(extractor: Extractor, name: str) -> torch.Tensor:
    """Follow the extractor's own description, with Pillow called directly."""
    description = extractor.info.input
    resize = description.resize
    assert (resize.backend, resize.filter, resize.antialias) == ("pil", "bicubic", True)
    size = (resize.size, resize.size)
    channels = Image.fromarray(load_sample_image(name)).split()
    pixels = np.stack(
        [np.asarray(c.convert("F").resize(size, Image.Resampling.BICUBIC)) for c in channels]
    )
    return (torch.from_numpy(pixels.clip(0, 255)) - description.mean) / description.std


def test_same_features_and_logits_as_the_package_it_comes_from(
    extractor: Extractor,
) -> None:
    peer = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=str(find("efficientnet-lite0"))
    ).eval()
    photographs = [preprocess(extractor, name) for name in ("china.jpg", "flower.jpg")]
    soft = (soft_images(2, size=224, seed=1).float() - 127) / 128
    images = torch.stack([*photographs, *soft, torch.randn(3, 224, 224, generator=seeded(2))])
    ours = extractor(images, tuple(extractor.info.layers))
    with torch.inference_mode():
        inner: list[torch.Tensor] = []
        peer._blocks[10].register_forward_hook(lambda _module, _inputs, maps: inner.append(maps))
        theirs = {
            "pool": peer.extract_features(images).mean(dim=(2, 3)),
            "logits": peer(images),
        }
        assert inner[0].shape[2:] == (14, 14)
        theirs["spatial"] = inner[0][:, :7].permute(0, 2, 3, 1).reshape(len(images), -1)
    for layer, width in extractor.info.layers.items():
        assert ours[layer].shape == (len(images), width)
        assert ours[layer].dtype == torch.float32
        for row, peer_row in zip(ours[layer], theirs[layer], strict=True):
            assert (row - peer_row).norm() / peer_row.norm() < 1e-5


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        # ImageNet: 442 bell cote, 483 castle, 663 monastery, 698 palace; 985 daisy.
        ("china.jpg", {442, 483, 663, 698}),
        ("flower.jpg", {985}),
    ],
)
def test_photographs_are_recognised(extractor: Extractor, name: str, classes: set[int]) -> None:
    logits = extractor(preprocess(extractor, name)[None], ["logits"])["logits"][0]
    assert int(logits.argmax()) in classes
    assert classes <= set(logits.topk(5).indices.tolist())


def test_bfloat16_is_near_float32(extractor: Extractor) -> None:
    images = preprocess(extractor, "flower.jpg")[None]
    network = EfficientNetLite0.from_request(ExtractorRequest(precision="bfloat16"))
    rough = network(images, ["pool"])["pool"]
    exact = extractor(images, ["pool"])["pool"]
    assert rough.dtype == torch.float32
    assert 1e-3 < (rough - exact).norm() / exact.norm() < 0.1
