"""What every extractor of the table keeps."""

from pathlib import Path

import pytest
import torch

from ganeval.extractors.base import EXTRACTORS, Extractor, ExtractorRequest
from tests.random_inception import write_random_inception


@pytest.fixture(scope="module", params=EXTRACTORS.names())
def extractor(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Extractor:
    path: Path | None = None
    if request.param == "inception":
        path = write_random_inception(tmp_path_factory.mktemp("weights"))
    kind = EXTRACTORS.load(request.param)
    loaded: Extractor = kind.from_request(ExtractorRequest(weights_path=path, offline=True))
    return loaded


@pytest.fixture(scope="module")
def images(extractor: Extractor) -> torch.Tensor:
    size = extractor.info.preprocess.resize.size
    return torch.randn(3, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_layers_are_as_announced(extractor: Extractor, images: torch.Tensor) -> None:
    outputs = extractor(images, tuple(extractor.info.layers))
    assert {layer: rows.shape[1] for layer, rows in outputs.items()} == extractor.info.layers
    assert set(extractor.info.default_layers) <= set(outputs)
    for rows in outputs.values():
        assert rows.dtype == torch.float32
        assert rows.shape[0] == len(images)
        assert rows.device.type == "cpu"
        assert not rows.requires_grad
        assert torch.isfinite(rows).all()


def test_a_layer_has_the_same_bits_whatever_else_is_asked_for(
    extractor: Extractor, images: torch.Tensor
) -> None:
    together = extractor(images, tuple(extractor.info.layers))
    for layer, rows in together.items():
        alone = extractor(images, [layer])
        assert alone.keys() == {layer}
        assert torch.equal(alone[layer], rows)
    backwards = tuple(reversed(extractor.info.layers))
    assert tuple(extractor(images, backwards)) == backwards
    assert extractor(images, ()) == {}


def test_it_repeats_itself_and_changes_no_input(extractor: Extractor, images: torch.Tensor) -> None:
    before, layers = images.clone(), tuple(extractor.info.layers)
    first, second = extractor(images, layers), extractor(images, layers)
    assert torch.equal(images, before)
    for layer, rows in first.items():
        assert torch.equal(rows, second[layer])


def test_batch_mates_do_not_matter(extractor: Extractor, images: torch.Tensor) -> None:
    layers = tuple(extractor.info.layers)
    alone = extractor(torch.cat([images[:1], torch.zeros_like(images[1:])]), layers)
    together = extractor(images, layers)
    for layer, rows in together.items():
        torch.testing.assert_close(alone[layer][0], rows[0], rtol=1e-5, atol=1e-5)


def test_its_identity_is_complete(extractor: Extractor) -> None:
    info = extractor.info
    assert info.name in EXTRACTORS.names()
    assert info.version >= 1
    assert len(bytes.fromhex(info.weights_sha256)) == 32
