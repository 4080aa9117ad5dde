"""The devices that networks run on, as torch names them; which they are is told without torch."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ganeval.errors import ResourceError, UsageError, spelt

if TYPE_CHECKING:
    import torch

KINDS = ("cpu", "cuda", "mps")
# What the drivers of NVIDIA, of AMD and of Windows leave where there is a device of theirs.
_TRACES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")


def device_type(name: str) -> str:
    """Return the type of a device: "auto" is CUDA, then MPS, then the CPU.

    torch is loaded for "auto" alone, and only where there may be more than a CPU: on Linux, a
    machine without a trace of a driver has none.

    Raises:
        UsageError: No such name.
    """
    if name == "auto":
        if sys.platform == "linux" and not any(Path(trace).exists() for trace in _TRACES):
            return "cpu"
        return resolve_device(name).type
    kind, _, index = name.partition(":")
    if kind not in KINDS or (index and not index.isdigit()):
        raise UsageError(f"unknown device '{name}'", "auto, cpu, cuda, cuda:1 or mps", "change it")
    return kind


def resolve_device(name: str) -> torch.device:
    """Return the device called `name`; see `device_type`.

    Raises:
        UsageError: No such name.
        ResourceError: This machine has no such device.
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind = device_type(name)
    count = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }[kind]
    if int(name.partition(":")[2] or 0) >= count:
        raise ResourceError(
            f"device '{name}' is not there (torch sees {count} of its kind)",
            "a device of this machine",
            f"use {spelt(device='auto')}",
        )
    return torch.device(name)


def num_threads() -> int:
    """Return how many threads torch computes with, or would if it were loaded."""
    torch = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    named = os.environ.get("OMP_NUM_THREADS", "")
    if named.isdigit() and int(named) > 0:
        return int(named)
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
