"""Networks run in the same way whatever a script has set, and the settings are put back."""

import threading
from collections.abc import Iterator

import pytest
import torch

from ganeval.machine.devices import inference

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
