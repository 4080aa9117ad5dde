"""Files that are programs, TorchScript and torch.export: run only for a user who trusts them."""

import hashlib
import io
import warnings
from collections.abc import Callable
from typing import Any

import torch

from ganeval.errors import InputError, UsageError, raised, spelt
from ganeval.generators.program_kind import ProgramKind


class Program(torch.nn.Module):
    """A network from a file that is a program; its repr has the file's SHA-256."""

    def __init__(self, run: Callable[..., torch.Tensor], *, sha256: str) -> None:
        super().__init__()
        self.run = run
        self.sha256 = sha256

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Run the program."""
        return self.run(*inputs)

    def extra_repr(self) -> str:
        """Return what distinguishes this program from another."""
        return f"sha256={self.sha256}"


def open_program(
    data: bytes, kind: ProgramKind, *, name: str, trust: bool, device: torch.device
) -> Program:
    """Return the network of a program, on its device.

    Args:
        data: The bytes of the file.
        kind: See `program_kind`.
        name: Name of the file, for messages.
        trust: Whether the user vouches for it; without that nothing of it is opened.
        device: Where it runs.

    Raises:
        InputError: It is not trusted, or damaged.
        UsageError: It cannot run on the device.
    """
    if not trust:
        raise InputError(
            f"{name}: {kind}, which can do anything on this machine when it is opened",
            "tensors by name with an entry, or an ONNX file",
            f"export it as ONNX, or, if you trust its author, add {spelt(trust=True)}",
        )
    run = _load_exported if kind == "a program of torch.export (.pt2)" else _load_script
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit.load is deprecated; users cannot help it
            network = Program(run(data), sha256=hashlib.sha256(data).hexdigest())
    except Exception as error:  # a stranger's program may raise anything at all
        raise InputError(
            f"{name}: {kind} that torch {torch.__version__} cannot open ({raised(error)})",
            "a whole file, from a version of torch that fits",
            "get it again, or export it as ONNX",
        ) from error
    if kind == "a program of torch.export (.pt2)" and device.type != "cpu":
        raise not_there(name, kind, device)
    return network.to(device)


def not_there(name: str, kind: str, device: torch.device) -> UsageError:
    """Return the error for a network that runs only on the CPU."""
    return UsageError(f"{name}: {kind} on device {device}", "the CPU", "leave out device")


def _load_script(data: bytes) -> Any:
    """Return a TorchScript module."""
    return torch.jit.load(io.BytesIO(data), map_location="cpu")  # type: ignore[no-untyped-call]


def _load_exported(data: bytes) -> Callable[..., torch.Tensor]:
    """Return the function of an exported program, which was fixed in one mode when exported."""
    module = torch.export.load(io.BytesIO(data)).module()
    return module.__call__  # the module itself would be a submodule, and it refuses eval()
