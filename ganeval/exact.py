"""Float32 that is float32: neither TF32 nor bfloat16 stands in for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

_LOCK = threading.Lock()
_INSIDE: list[Callable[[], None]] = []  # for each that is inside, what the last one calls


@contextmanager
def exact_float32(device: torch.device) -> Iterator[None]:
    """Compute in float32 alone, whatever torch's settings and an autocast around say.

    The settings are the whole process's. A pool may run a generator while a network runs elsewhere:
    the first to come in sets them, the last to leave puts them back.
    """
    with ExitStack() as stack:
        with _LOCK:
            _INSIDE.append(_INSIDE[-1] if _INSIDE else _set())
        stack.callback(_leave)
        stack.enter_context(torch.autocast(device.type, enabled=False))
        yield


def _leave() -> None:
    """Put torch's settings back if nobody needs them any more."""
    with _LOCK:
        put_back = _INSIDE.pop()
        if not _INSIDE:
            put_back()


def _set() -> Callable[[], None]:
    """Set torch's switches, and return what puts them back."""
    backends: Any = torch.backends  # its switches are made at run time
    operations = (
        backends.cudnn.conv,
        backends.cuda.matmul,
        backends.mkldnn.conv,
        backends.mkldnn.matmul,
    )
    before = [operation.fp32_precision for operation in operations]
    matmul_before = torch.get_float32_matmul_precision()
    # Sets the older and the newer switch for products of matrices together: CUDA refuses to
    # multiply while they contradict each other.
    torch.set_float32_matmul_precision("highest")
    for operation in operations:
        operation.fp32_precision = "ieee"

    def put_back() -> None:
        torch.set_float32_matmul_precision(matmul_before)
        for operation, precision in zip(operations, before, strict=True):
            operation.fp32_precision = precision

    return put_back
