"""Which device a name means, and that networks run there in the same way whatever a script sets."""

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import ganeval as package
from ganeval.errors import ResourceError
from ganeval.features.extraction import Extraction
from ganeval.flow.choose import find_protocol
from ganeval.flow.settings import Settings
from ganeval.flow.workspace import open_workspace
from ganeval.machine.devices import device_type, gpu_of, inference, resolve_device
from tests.command import Command
from tests.generators.networks import Example, seeded
from tests.pictures import blobs

CPU = torch.device("cpu")
INSIDE = [*["ieee"] * 5, False, False, "highest", False, True]


def settings() -> list[object]:
    """Return torch's switches, in the newer reading and in the older one."""
    backends = torch.backends
    return [
        backends.cudnn.conv.fp32_precision,
        backends.cudnn.rnn.fp32_precision,
        backends.cuda.matmul.fp32_precision,
        backends.mkldnn.conv.fp32_precision,
        backends.mkldnn.matmul.fp32_precision,
        backends.cuda.matmul.allow_tf32,
        backends.cudnn.allow_tf32,
        torch.get_float32_matmul_precision(),
        backends.cudnn.benchmark,
        backends.cudnn.deterministic,
    ]


@pytest.fixture(params=["highest", "high", "medium"])
def outside(request: pytest.FixtureRequest) -> Iterator[list[object]]:
    """Set what a training script may, and return all switches as they are then."""
    before, cudnn = torch.get_float32_matmul_precision(), torch.backends.cudnn
    kernels = cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32
    torch.set_float32_matmul_precision(request.param)
    cudnn.benchmark, cudnn.deterministic = True, False
    cudnn.allow_tf32 = request.param == "medium"
    yield settings()
    torch.set_float32_matmul_precision(before)
    cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32 = kernels


def test_settings_are_exact_inside_and_restored_after(outside: list[object]) -> None:
    with inference(CPU):
        assert settings() == INSIDE
        assert torch.is_inference_mode_enabled()
    assert settings() == outside
    assert not torch.is_inference_mode_enabled()


def test_settings_are_restored_after_an_error(outside: list[object]) -> None:
    with pytest.raises(RuntimeError, match="shapes"), inference(CPU):
        torch.zeros(2, 3) @ torch.zeros(2, 3)
    assert settings() == outside


def test_switches_that_contradict_each_other_are_restored(outside: list[object]) -> None:
    conv = torch.backends.cudnn.conv
    before = conv.fp32_precision
    conv.fp32_precision = "ieee" if torch.backends.cudnn.allow_tf32 else "tf32"
    chosen = conv.fp32_precision
    with inference(CPU):
        assert conv.fp32_precision == "ieee"
    assert conv.fp32_precision == chosen
    conv.fp32_precision = before
    assert settings() == outside


def test_a_network_may_change_cudnns_flags_for_itself(outside: list[object]) -> None:
    with inference(CPU):
        with torch.backends.cudnn.flags(enabled=False):
            assert not torch.backends.cudnn.enabled
        assert "tf32" not in settings()
    assert settings() == outside


def test_threads_that_overlap_keep_the_settings_until_the_last_is_done(
    outside: list[object],
) -> None:
    entered, left = threading.Event(), threading.Event()
    seen: list[list[object]] = []

    def other() -> None:
        with inference(CPU):
            entered.set()
            assert left.wait(60)
            seen.append(settings())

    thread = threading.Thread(target=other)
    with inference(CPU):
        thread.start()
        assert entered.wait(60)
    assert settings() == INSIDE
    left.set()
    thread.join()
    assert seen == [INSIDE]
    assert settings() == outside


def test_autocast_and_default_device_of_a_script_stay_outside() -> None:
    with torch.device("meta"), torch.autocast("cpu", torch.bfloat16):
        with inference(CPU):
            product = torch.ones(2, 2) @ torch.ones(2, 2)
            assert not torch.is_autocast_enabled("cpu")
        assert torch.empty(1).is_meta
        assert torch.is_autocast_enabled("cpu")
    assert product.dtype == torch.float32
    assert product.device == CPU


@pytest.mark.usefixtures("seeming_cuda")
def test_cuda_is_the_current_device_with_its_number() -> None:
    assert resolve_device("cuda") == resolve_device("auto") == torch.device("cuda:1")
    assert resolve_device("cuda:0") == torch.device("cuda:0")
    assert device_type("cuda") == "cuda"
    assert resolve_device("cpu") == CPU
    with pytest.raises(ResourceError, match="'cuda:2' is not there"):
        resolve_device("cuda:2")


def network(device: str) -> Extraction:
    """Return a network that is not built yet."""
    settings = Settings(device=device, cache=False)
    layers = {"random": ["pool"]}
    with open_workspace(settings, find_protocol("standard"), layers) as workspace:
        return workspace.networks["random"]


@pytest.mark.usefixtures("seeming_cuda")
def test_a_key_says_which_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    key = network("cuda").identity()
    assert key["gpu"] == gpu_of("cuda") == "Seeming GPU (capability 9.0) with cuDNN 91002"
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Another GPU")
    assert network("cuda").identity() != key
    monkeypatch.undo()
    # Nothing but that is said again: a key for the CPU is the one that it was.
    bare = dataclasses.replace(network("cpu"), device_type="cuda", micro_batch=64)
    assert bare.identity() == {name: one for name, one in key.items() if name != "gpu"}


def test_a_device_that_is_not_there_is_one_line(
    ganeval: Command, real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    torch.save(seeded(Example()).state_dict(), tmp_path / "g.pt")
    options = (
        *("--entry", "tests.generators.networks:Example", "--latent-size", 8),
        *("--latent-layout", "map", "--value-range", "-1,1", "--extractor", "random"),
    )
    generator = f"generator:{tmp_path / 'g.pt'},device=cuda"
    for words in (
        ("fid", real, generator, *options, "--device", "cpu"),
        ("fid", real, real, "--extractor", "random", "--device", "cuda"),
    ):
        done = ganeval(*words)
        assert done.code == 4
        assert done.error == (
            "ganeval: error: device 'cuda' is not there (torch sees 0 of its kind); "
            "needed: a device of this machine; use auto instead of cuda"
        )


def test_the_default_device_of_a_script_reaches_no_score(real: Path, tmp_path: Path) -> None:
    torch.save(seeded(Example()).state_dict(), tmp_path / "g.pt")
    options = {"metrics": ["fid"], "extractor": "random", "device": "cpu", "cache": False}
    fake = torch.from_numpy(blobs(20, seed=1).transpose(0, 3, 1, 2).copy())
    generator = f"generator:{tmp_path / 'g.pt'},num_images=20"
    of_generator = {
        "entry": "tests.generators.networks:Example",
        **{"latent_size": 8, "latent_layout": "map", "value_range": (-1, 1)},
    }

    def scores() -> list[float]:
        made = package.evaluate(sample=generator, reference=real, **of_generator, **options)
        with package.Accumulator(reference=real, **options) as metric:
            metric.update(fake)
            streamed = metric.compute()
        several = package.compare(samples=[fake, real], reference=real, **options)
        return [row.value for report in (made, streamed, several) for row in report.scores]

    expected = scores()
    with torch.device("meta"):
        np.testing.assert_array_equal(scores(), expected)
