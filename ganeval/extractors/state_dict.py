"""State dicts: reading them from an untrusted file, and filling a network with them."""

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import safetensors
import safetensors.torch
import torch

from ganeval.errors import WeightsError
from ganeval.extractors.content import ZIP, what_it_is

Network = TypeVar("Network", bound=torch.nn.Module)

STATE_DICT = "a state dict (tensors by name) in a .safetensors, .pth or .pt file is needed"


def parse_state_dict(data: bytes, *, path: Path, published: bool) -> dict[str, torch.Tensor]:
    """Read tensors by name out of a weight file's content; no code in it is ever run.

    The safetensors format is recognised by its content. Everything else must be a state dict that
    `torch.load(weights_only=True)` accepts.

    Args:
        data: The content.
        path: Where it came from, for messages.
        published: Whether its SHA-256 belongs to a weight file we know. Other files in torch's own
            format need torch >= 2.10.

    Raises:
        WeightsError: It is damaged, holds code, or holds something other than tensors by name.
    """
    # safetensors begins with the length of its header in 8 bytes, then the header in JSON.
    if data[8:9] == b"{":
        try:
            tensors: object = safetensors.torch.load(data)
        except safetensors.SafetensorError as error:
            raise _unreadable(path, data, error) from error
    else:
        tensors = _load_torch(data, path=path, published=published)
    if not isinstance(tensors, Mapping):
        raise _no_state_dict(path, f"a {type(tensors).__name__}")
    others = [str(name) for name, value in tensors.items() if not isinstance(value, torch.Tensor)]
    if others:
        raise _no_state_dict(path, f"entries that are not tensors ({first_few(others)})")
    return dict(tensors)


def _no_state_dict(path: Path, content: str) -> WeightsError:
    """Return the error for a readable file that holds something else."""
    return WeightsError(f"{path}: holds {content}", STATE_DICT, "save the network's state_dict()")


def _unreadable(path: Path, data: bytes, error: Exception) -> WeightsError:
    """Return the error for a file that cannot be read, with its real cause."""
    # torch's first line recommends weights_only=False, which would be unsafe.
    lines = [line for line in str(error).splitlines() if line and "weights_only" not in line]
    reason = lines[0].strip() if lines else type(error).__name__
    return WeightsError(
        f"{path}: {what_it_is(data)} ({reason})", STATE_DICT, "get the file again from its source"
    )


def _load_torch(data: bytes, *, path: Path, published: bool) -> object:
    """Load torch's own format without running code."""
    if not published and torch.__version__ < "2.10":
        raise WeightsError(
            f"{path}: not a published weight file, and a crafted .pt file can corrupt the memory "
            f"of torch {torch.__version__} even with weights_only (CVE-2026-24747)",
            "torch >= 2.10, or a .safetensors file",
            "upgrade torch, or convert the file to safetensors if you trust it",
        )
    # TorchScript's table of constants in a zip archive, which stores file names uncompressed.
    if data.startswith(ZIP) and b"/constants.pkl" in data:
        raise WeightsError(
            f"{path}: a TorchScript archive, which is a program", STATE_DICT, "give a state dict"
        )
    try:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile pickle may raise anything at all
        unsafe = unsafe_globals(data, error)
        if unsafe:
            raise WeightsError(
                f"{path}: contains Python objects, which are code ({first_few(unsafe)})",
                STATE_DICT,
                "if you trust its author, load it in Python and save state_dict() as safetensors",
            ) from error
        raise _unreadable(path, data, error) from error


def unsafe_globals(data: bytes, error: Exception) -> list[str]:
    """Return the functions and classes for which torch refused a file."""
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data)))
    except Exception:  # not a zip, or too damaged: then the error names the first of them
        return re.findall(r"GLOBAL ([\w.]+)", str(error))


def first_few(names: Iterable[str], limit: int = 5) -> str:
    """List the first few names and count the rest."""
    names = list(names)
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + rest


def told_faults(faults: Mapping[str, list[str]]) -> str:
    """Say which tensors have which faults; return "" if none has any.

    `{"missing": ["fc.bias"], "unknown": []}` is "1 tensor missing (fc.bias)".
    """
    return ", ".join(
        f"{len(names)} tensor{'s' if len(names) > 1 else ''} {fault} ({first_few(names)})"
        for fault, names in faults.items()
        if names
    )


@contextmanager
def float32_by_default() -> Iterator[None]:
    """Build networks in float32, whatever a script has chosen with `torch.set_default_dtype`.

    The default belongs to the whole process and is restored. Do not use this in several threads.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def build_from(
    build: Callable[[], Network], state: Mapping[str, torch.Tensor], *, path: Path
) -> Network:
    """Build a network on the CPU and fill it with exactly the tensors of `state`.

    BatchNorm's counters `num_batches_tracked` are not used in evaluation and may be missing.
    No random number is drawn.

    Raises:
        WeightsError: Names are missing or left over, a shape differs, or values are not finite.
    """
    with torch.device("meta"):  # torch's own initialisation would advance the global generator
        network = build()
    own = network.state_dict()
    findings = told_faults(mismatches(own, state))
    if findings:
        raise WeightsError(
            f"{path}: weights of another network: {findings}",
            f"exactly the {len(own)} tensors of this extractor",
            "give the right file, or leave out --weights",
        )
    # The tensors replace the empty ones, as copies in the network's own types.
    filled = {
        name: state[name].detach().to(empty.dtype, copy=True, memory_format=torch.contiguous_format)
        if name in state
        else torch.zeros(empty.shape, dtype=empty.dtype)
        for name, empty in own.items()
    }
    network.load_state_dict(filled, assign=True)
    return network


def mismatches(
    own: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]
) -> dict[str, list[str]]:
    """Return the faults of `given` as a network's tensors, by kind of fault."""
    shared = [name for name in own if name in given]
    return {
        "missing": [
            name for name in own if name not in given and not name.endswith("num_batches_tracked")
        ],
        "unknown": [name for name in given if name not in own],
        "of another shape": [
            f"{name} {list(given[name].shape)} instead of {list(own[name].shape)}"
            for name in shared
            if given[name].shape != own[name].shape
        ],
        "with NaN or infinity": [
            name for name in shared if not bool(torch.isfinite(given[name]).all())
        ],
    }
