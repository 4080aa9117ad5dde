"""Packed convolutions give the bits of plain ones, for every convolution of both networks."""

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from ganeval.extractors.base import EXTRACTORS, ExtractorRequest, Precision
from ganeval.extractors.inference import DTYPES
from ganeval.extractors.packed import PackedConv, can_pack, pack_convolutions
from ganeval.machine.devices import inference
from tests.random_inception import write_random_inception

CPU = torch.device("cpu")
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")


def packs(precision: Precision) -> None:
    """Skip what this build of torch or this processor cannot do."""
    if not can_pack(DTYPES[precision]):
        pytest.skip(f"oneDNN packs no {precision} convolutions here")


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_inception(tmp_path_factory.mktemp("weights"))


def small_network() -> nn.Sequential:
    """Return a network with every kind of convolution that is packed."""
    generator = torch.Generator().manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1),
        nn.Identity(),
        nn.ReLU6(),
        nn.Conv2d(16, 16, 5, groups=16, padding=2),
        nn.ReLU(inplace=True),
        nn.Conv2d(16, 8, 1, dilation=2),
        nn.Conv2d(8, 8, (1, 7), padding=(0, 3)),
        nn.Sigmoid(),
    )
    with torch.no_grad():
        for values in network.parameters():
            values.normal_(generator=generator)
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_packed_network_gives_the_same_bits(precision: Precision) -> None:
    packs(precision)
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    images = images.to(DTYPES[precision], memory_format=torch.channels_last)
    network = small_network().to(DTYPES[precision]).to(memory_format=torch.channels_last)
    packed = copy.deepcopy(network)
    pack_convolutions(packed)
    assert [type(module) for module in packed] == [
        *(PackedConv, nn.Identity, nn.Identity, PackedConv, nn.Identity),
        *(PackedConv, PackedConv, nn.Sigmoid),
    ]
    with inference(CPU):
        expected = network(images)
        assert expected.std() > 0
        for _ in range(2):  # the first call packs
            assert torch.equal(packed(images), expected)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", ["inception", "efficientnet-lite0"])
def test_an_extractor_gives_the_same_bits_without_packing(
    name: str, precision: Precision, random_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packs(precision)
    request = ExtractorRequest(
        weights_path=random_weights if name == "inception" else None,
        device="cpu",
        precision=precision,
        offline=True,
    )
    packed = EXTRACTORS.load(name).from_request(request)
    monkeypatch.setattr("ganeval.extractors.inference.can_pack", lambda _: False)
    plain = EXTRACTORS.load(name).from_request(request)
    size = packed.info.input.resize.size
    # With fewer, torch takes another convolution than that of oneDNN on one thread.
    images = torch.randn(16, 3, size, size, generator=torch.Generator().manual_seed(2))
    layers = tuple(packed.info.layers)
    rows = packed(images, layers)
    for layer, values in plain(images, layers).items():
        assert values.std() > 0
        assert torch.equal(rows[layer], values)


def test_bfloat16_works_on_a_processor_for_which_it_is_not_packed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    assert [can_pack(dtype) for dtype in (torch.float32, torch.bfloat16)] == [True, False]
    extractors = {
        precision: EXTRACTORS.load("efficientnet-lite0").from_request(
            ExtractorRequest(weights_path=None, device="cpu", precision=precision, offline=True)
        )
        for precision in PRECISIONS
    }
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(3))
    exact, rough = (extractors[precision](images, ["pool"])["pool"] for precision in PRECISIONS)
    assert not torch.equal(exact, rough)
    torch.testing.assert_close(rough, exact, rtol=0.1, atol=0.1)
