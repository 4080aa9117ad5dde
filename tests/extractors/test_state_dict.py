import contextlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.torch_version import TorchVersion
from torchvision.models import inception_v3

from ganeval.errors import WeightsError
from ganeval.extractors.content import read_bytes
from ganeval.extractors.inception_network import fid_inception
from ganeval.extractors.state_dict import build_from, parse_state_dict

STATE = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([1.0, -1.0])}
PATH = Path("some/mine.pt")


def saved(content: object, *, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


class Hostile:
    """Unpickling this leaves a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize(
    "data", [safetensors.torch.save(STATE), saved(STATE), saved(STATE, zipped=False)]
)
def test_each_format_is_recognised_by_content(data: bytes) -> None:
    state = parse_state_dict(data, path=PATH, published=False)
    assert state.keys() == STATE.keys()
    assert all(torch.equal(state[name], STATE[name]) for name in STATE)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_is_refused_by_name_and_does_not_run(tmp_path: Path, zipped: bool) -> None:
    mark = tmp_path / "ran"
    data = saved({"weight": STATE["weight"], "x": Hostile(mark)}, zipped=zipped)
    with pytest.raises(WeightsError, match=r"mine\.pt: .*code \((posix|nt)\.mkdir\)"):
        parse_state_dict(data, path=PATH, published=False)
    assert not mark.exists()
    # The file would do harm: torch runs it when it is allowed to.
    torch.load(io.BytesIO(data), weights_only=False)
    assert mark.exists()


@pytest.mark.parametrize(
    ("data", "finding"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a git-lfs pointer"),
        (b"<html><head>404</head></html>", "is an HTML page"),
        (saved(STATE)[:-40], "is cut short"),
        (saved(STATE, zipped=False)[:-4], "is damaged, or no state dict"),
        (safetensors.torch.save(STATE)[:-4], "is damaged, or no state dict"),
        (b"some text that is no weights at all", "is damaged, or no state dict"),
        (saved(STATE["weight"]), "holds a Tensor"),
        (saved({"epoch": 3, "state": STATE}), r"entries that are not tensors \(epoch, state\)"),
        (saved({"a": np.float64(3.0)}), "contains Python objects"),
    ],
)
def test_other_content_is_named_for_what_it_is(data: bytes, finding: str) -> None:
    with pytest.raises(WeightsError, match=f"mine.pt: .*{finding}") as error:
        parse_state_dict(data, path=PATH, published=False)
    assert "weights_only" not in str(error.value)  # torch's advice to switch it off


@pytest.mark.filterwarnings("ignore:.torch.jit.:FutureWarning")
def test_torchscript_is_named(tmp_path: Path) -> None:
    path = tmp_path / "script.pt"
    torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)), path)
    with pytest.raises(WeightsError, match="a TorchScript archive, which is a program"):
        parse_state_dict(path.read_bytes(), path=path, published=False)


@given(position=st.integers(0, 10**6), value=st.integers(0, 255), base=st.sampled_from([0, 1, 2]))
def test_damage_is_one_kind_of_error(position: int, value: int, base: int) -> None:
    intact = [saved(STATE), saved(STATE, zipped=False), safetensors.torch.save(STATE)][base]
    data = bytearray(intact)
    data[position % len(data)] = value
    with contextlib.suppress(WeightsError):
        parse_state_dict(bytes(data), path=PATH, published=False)


def test_old_torch_reads_only_published_files_and_safetensors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch, "__version__", TorchVersion("2.9.1+cpu"))
    with pytest.raises(WeightsError, match=r"CVE-2026-24747.*torch >= 2\.10.*safetensors"):
        parse_state_dict(saved(STATE), path=PATH, published=False)
    parse_state_dict(saved(STATE), path=PATH, published=True)
    parse_state_dict(safetensors.torch.save(STATE), path=PATH, published=False)
    monkeypatch.setattr(torch, "__version__", TorchVersion("2.10.0"))
    parse_state_dict(saved(STATE), path=PATH, published=False)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.pt: cannot be read \(No such file"):
        read_bytes(tmp_path / "none.pt")
    with pytest.raises(WeightsError, match="cannot be read"):
        read_bytes(tmp_path)


def small() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def test_build_fills_every_tensor_and_draws_nothing() -> None:
    state = small().state_dict()
    random_state = torch.get_rng_state()
    network = build_from(small, state, path=PATH)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    without_counter = {name: value for name, value in state.items() if "num_batches" not in name}
    assert len(without_counter) == len(state) - 1
    network = build_from(small, without_counter, path=PATH)
    assert torch.equal(network[1].running_var, state["1.running_var"])


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"0.bias": None}, r"1 tensor missing \(0\.bias\)"),
        ({"2.weight": torch.zeros(1)}, r"1 tensor unknown \(2\.weight\)"),
        ({"0.weight": torch.zeros(2, 4)}, r"shape \(0\.weight \[2, 4\] instead of \[2, 3\]\)"),
        ({"1.running_mean": torch.tensor([0, torch.nan])}, r"infinity \(1\.running_mean\)"),
    ],
)
def test_weights_that_do_not_fit_are_listed(
    change: dict[str, torch.Tensor | None], finding: str
) -> None:
    state = {**small().state_dict(), **change}
    state = {name: value for name, value in state.items() if value is not None}
    with pytest.raises(WeightsError, match=finding):
        build_from(small, state, path=PATH)


def test_torchvision_inception_is_another_network() -> None:
    with torch.device("meta"):
        network = inception_v3(weights=None, init_weights=False)
    state = {
        name: torch.zeros_like(value, device="cpu") for name, value in network.state_dict().items()
    }
    pattern = r"mine\.pt: .*AuxLogits.* and 9 more\).*fc\.weight \[1000, 2048\] instead of \[1008,"
    with pytest.raises(WeightsError, match=pattern):
        build_from(fid_inception, state, path=PATH)


def test_a_network_is_filled_alike_however_its_tensors_were_kept() -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    given = {
        # A column after the other, and a buffer that was saved as a parameter.
        name: nn.Parameter(value.T.contiguous().T if value.ndim == 2 else value.clone())
        if value.is_floating_point()
        else value
        for name, value in network.state_dict().items()
    }
    filled = build_from(lambda: nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)), given, path=PATH)
    for name, value in filled.state_dict(keep_vars=True).items():
        assert value.is_contiguous()
        assert value.is_leaf
        assert value.requires_grad == (name in dict(filled.named_parameters()))
        assert torch.equal(value, given[name])
        assert value.data_ptr() != given[name].data_ptr()
