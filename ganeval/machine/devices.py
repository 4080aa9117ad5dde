"""The devices that networks run on, by torch's names, and the settings that they run with.

torch is loaded only where it is needed.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganeval.errors import ResourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch

KINDS = ("cpu", "cuda", "mps")
# Paths that exist if there is a device with a driver of NVIDIA, AMD or Windows.
_TRACES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")


def device_type(name: str) -> str:
    """Return the type of a device: "auto" is CUDA, then MPS, then the CPU.

    torch is loaded only for "auto", and only if there may be more than a CPU: a Linux machine
    without any trace of a driver has only a CPU.

    Raises:
        UsageError: No such name.
    """
    if name == "auto":
        if sys.platform == "linux" and not any(Path(trace).exists() for trace in _TRACES):
            return "cpu"
        return _best_type()
    kind, _, index = name.partition(":")
    if kind not in KINDS or (index and not index.isdigit()):
        raise UsageError(f"unknown device '{name}'", "auto, cpu, cuda, cuda:1 or mps", "change it")
    return kind


def resolve_device(name: str) -> torch.device:
    """Return the device called `name`; see `device_type`.

    If there are several CUDA devices, "cuda" means the current one of this thread. Its number is
    returned too, since another thread may have another current device.

    Raises:
        UsageError: No such name.
        ResourceError: This machine has no such device.
    """
    import torch

    kind = _best_type() if name == "auto" else device_type(name)
    index = name.partition(":")[2]
    count = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }[kind]
    if int(index or 0) >= count:
        raise ResourceError(
            f"device '{name}' is not there (torch sees {count} of its kind)",
            "a device of this machine",
            f"use auto instead of {name}",
        )
    if kind == "cuda" and not index:
        return torch.device(kind, torch.cuda.current_device())
    return torch.device(kind if name == "auto" else name)


def _best_type() -> str:
    """Return the type of device that torch prefers on this machine."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def gpu_of(name: str) -> str | None:
    """Return model, capability and cuDNN version of a CUDA device; None for other devices.

    The last bits of a network's output depend on both. torch is loaded only for CUDA.

    Raises:
        UsageError: No such name.
        ResourceError: This machine has no such device.
    """
    if device_type(name) != "cuda":
        return None
    import torch

    device = resolve_device(name)
    major, minor = torch.cuda.get_device_capability(device)
    model, cudnn = torch.cuda.get_device_name(device), torch.backends.cudnn
    return f"{model} (capability {major}.{minor}) with cuDNN {cudnn.version()}"  # type: ignore[no-untyped-call]


def num_threads() -> int:
    """Return how many threads torch computes with, or would compute with if it were loaded."""
    torch = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    named = os.environ.get("OMP_NUM_THREADS", "")
    if named.isdigit() and int(named) > 0:
        return int(named)
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@contextmanager
def tensors_on_the_cpu() -> Iterator[None]:
    """Make tensors on the CPU if no device is named, whatever `torch.set_default_device` says.

    That default belongs to this thread. If torch is not loaded, nobody has set it.
    """
    torch = sys.modules.get("torch")
    if torch is None or torch.get_default_device().type == "cpu":
        yield
        return
    with torch.device("cpu"):
        yield


_switches = threading.Lock()
_num_inside = 0  # threads that are running a network
_put_back: Callable[[], None]  # restores the settings that the first of them changed


@contextmanager
def inference(device: torch.device) -> Iterator[None]:
    """Run a network in the same way, whatever settings a script has made.

    There are no gradients. float32 stays float32: no TF32, no bfloat16, no autocast. cuDNN does
    not choose its kernels by timing. Tensors made without naming a device are made on the
    network's device. Networks may run in several threads at once: the process-wide settings are
    restored when the last one is done.
    """
    import torch

    global _num_inside, _put_back
    with _switches:
        if _num_inside == 0:
            _put_back = _set_switches()
        _num_inside += 1
    try:
        with ExitStack() as own:  # settings of this thread
            own.enter_context(torch.inference_mode())
            own.enter_context(torch.autocast(device.type, enabled=False))
            if device.type != "cpu":  # operations on the CPU have an autocast of their own
                own.enter_context(torch.autocast("cpu", enabled=False))
            if torch.get_default_device() != device:
                own.enter_context(device)
            yield
    finally:
        with _switches:
            _num_inside -= 1
            if _num_inside == 0:
                _put_back()


def _set_switches() -> Callable[[], None]:
    """Change the process-wide settings, and return a function that restores them."""
    import torch

    backends: Any = torch.backends  # its switches are made at run time
    cudnn = backends.cudnn
    operations = (
        *(cudnn.conv, cudnn.rnn, backends.cuda.matmul),
        *(backends.mkldnn.conv, backends.mkldnn.matmul),
    )
    precisions = [operation.fp32_precision for operation in operations]
    matmul = torch.get_float32_matmul_precision()
    kernels = cudnn.benchmark, cudnn.deterministic
    try:
        tf32 = cudnn.allow_tf32
    except RuntimeError:  # it cannot be read while it contradicts the newer switches
        tf32 = None

    def put_back() -> None:
        cudnn.benchmark, cudnn.deterministic = kernels
        torch.set_float32_matmul_precision(matmul)
        if tf32 is not None:
            cudnn.allow_tf32 = tf32
        for operation, precision in zip(operations, precisions, strict=True):
            operation.fp32_precision = precision

    cudnn.benchmark, cudnn.deterministic = False, True
    # The older and the newer switches are set together. While they contradict each other, CUDA
    # refuses to multiply, and networks that use `torch.backends.cudnn.flags` fail.
    torch.set_float32_matmul_precision("highest")
    if tf32 is not None:
        cudnn.allow_tf32 = False
    for operation in operations:
        operation.fp32_precision = "ieee"
    return put_back
