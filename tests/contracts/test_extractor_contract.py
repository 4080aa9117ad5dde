"""What every extractor of the table keeps."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganeval.audio.clip import Clip
from ganeval.errors import InputError
from ganeval.extractors.base import EXTRACTORS, Extractor, ExtractorRequest, find_extractor
from ganeval.images.picture import Picture
from tests.random_inception import write_random_inception
from tests.random_sounds import NETWORKS, write_random_sounds
from tests.random_trunks import write_random_trunk

NUM_ITEMS = 3


@pytest.fixture(scope="module", params=EXTRACTORS.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def asked(name: str, tmp_path_factory: pytest.TempPathFactory) -> ExtractorRequest:
    path: Path | None = None
    if name == "inception":
        path = write_random_inception(tmp_path_factory.mktemp("weights"))
    elif name in NETWORKS:
        path = write_random_sounds(name, tmp_path_factory.mktemp("weights"))
    elif name.startswith("lpips-"):
        path = write_random_trunk(name.removeprefix("lpips-"), tmp_path_factory.mktemp("weights"))
    return ExtractorRequest(weights_path=path, offline=True)


@pytest.fixture(scope="module")
def extractor(name: str, asked: ExtractorRequest) -> Extractor:
    return find_extractor(name).from_request(asked)


@pytest.fixture(scope="module")
def contents(extractor: Extractor) -> list[Any]:
    """A few items of the kind that the extractor takes."""
    rng = np.random.default_rng(0)
    pictures = [
        Picture(rng.integers(0, 256, (3, 40, 56), dtype=np.uint8)) for _ in range(2 * NUM_ITEMS)
    ]
    noise = rng.uniform(-0.5, 0.5, (NUM_ITEMS, 2, 17_000)).astype(np.float32)
    clips = [Clip(samples, rate=16_000) for samples in noise]
    return {
        "picture": pictures[:NUM_ITEMS],
        "pair of pictures": list(zip(pictures[::2], pictures[1::2], strict=True)),
        "clip": clips,
        "pair of clips": list(zip(clips, clips[::-1], strict=True)),
    }[extractor.info.input.takes]


@pytest.fixture(scope="module")
def batches(extractor: Extractor, contents: list[Any]) -> list[torch.Tensor]:
    """The items as the network sees them: together, or one at a time."""
    inputs = torch.stack([extractor.info.input(content) for content in contents])
    return list(inputs.split(1)) if extractor.info.one_by_one else [inputs]


def test_inputs_are_new_float32(extractor: Extractor, contents: list[Any]) -> None:
    first, second = (extractor.info.input(contents[0]) for _ in range(2))
    assert first.dtype == torch.float32
    assert first.device.type == "cpu"
    assert torch.equal(first, second)
    first.zero_()
    assert torch.equal(extractor.info.input(contents[0]), second)


def test_content_of_another_kind_is_refused(extractor: Extractor, contents: list[Any]) -> None:
    for content in ("a text", (contents[0], contents[0], contents[0]), None):
        with pytest.raises(InputError, match=r"not a (pair of )?(picture|clip)"):
            extractor.info.input(content)


def test_layers_are_as_announced(extractor: Extractor, batches: list[torch.Tensor]) -> None:
    for batch in batches:
        outputs = extractor(batch, tuple(extractor.info.layers))
        assert {layer: rows.shape[1] for layer, rows in outputs.items()} == extractor.info.layers
        assert set(extractor.info.default_layers) <= set(outputs)
        for rows in outputs.values():
            assert rows.dtype == torch.float32
            assert rows.shape[0] == len(batch)
            assert rows.device.type == "cpu"
            assert not rows.requires_grad
            assert torch.isfinite(rows).all()


def test_a_layer_has_the_same_bits_whatever_else_is_asked_for(
    extractor: Extractor, batches: list[torch.Tensor]
) -> None:
    together = extractor(batches[0], tuple(extractor.info.layers))
    for layer, rows in together.items():
        alone = extractor(batches[0], [layer])
        assert alone.keys() == {layer}
        assert torch.equal(alone[layer], rows)
    backwards = tuple(reversed(extractor.info.layers))
    assert tuple(extractor(batches[0], backwards)) == backwards
    assert extractor(batches[0], ()) == {}


def test_it_repeats_itself_and_changes_no_input(
    extractor: Extractor, batches: list[torch.Tensor]
) -> None:
    before, layers = batches[0].clone(), tuple(extractor.info.layers)
    first, second = extractor(batches[0], layers), extractor(batches[0], layers)
    assert torch.equal(batches[0], before)
    for layer, rows in first.items():
        assert torch.equal(rows, second[layer])


def test_batch_mates_do_not_matter(extractor: Extractor, batches: list[torch.Tensor]) -> None:
    layers = tuple(extractor.info.layers)
    together = torch.cat(batches)
    alone = extractor(torch.cat([together[:1], torch.zeros_like(together[1:])]), layers)
    for layer, rows in extractor(together, layers).items():
        torch.testing.assert_close(alone[layer][0], rows[0], rtol=1e-5, atol=1e-5)


def test_its_identity_is_complete(extractor: Extractor) -> None:
    info = extractor.info
    assert info.name in EXTRACTORS.names()
    assert info.version >= 1
    assert len(bytes.fromhex(info.weights_sha256)) == 32


def test_it_is_described_without_being_built(
    name: str, asked: ExtractorRequest, extractor: Extractor
) -> None:
    chosen = find_extractor(name)
    assert chosen.describe(asked) == extractor.info
    assert chosen.layers(asked) == extractor.info.layers


def test_its_input_is_a_value_that_json_holds(name: str, asked: ExtractorRequest) -> None:
    one, other = (find_extractor(name).describe(asked).input for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    said = one.to_json()
    assert json.loads(json.dumps(said)) == said
    for field in dataclasses.fields(one):
        assert field.name in said or getattr(one, field.name) == field.default


def test_to_describe_it_loads_no_torch(name: str, asked: ExtractorRequest) -> None:
    code = f"""
import sys
from pathlib import Path
from ganeval.extractors.base import ExtractorRequest, find_extractor
path = {str(asked.weights_path)!r}
request = ExtractorRequest(weights_path=None if path == "None" else Path(path), offline=True)
info = find_extractor({name!r}).describe(request)
print(info.weights_sha256, info.input.to_json(), "torch" in sys.modules)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    info = find_extractor(name).describe(asked)
    assert out.stdout == f"{info.weights_sha256} {info.input.to_json()} False\n"
