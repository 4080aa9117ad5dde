"""Checkpoints of others: what a file is, told by its content, and its tensors; no code is run."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import safetensors
import safetensors.torch
import torch

from ganeval.errors import InputError
from ganeval.extractors.state_dict import ZIP, first_few, unsafe_globals, what_it_is

LEGACY_TORCH = b"\x80\x02\x8a\x0a"  # torch.save before 1.6: its magic number as a pickle
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_NEEDED = "tensors by name (a state dict) in a .safetensors, .pth or .pt file"
_CONVERT = (
    "if you trust its author, open it in the environment it is from and save the generator's "
    "state_dict(), or write its samples to a folder (of statistics: mu and sigma to an .npz)"
)


def read_content(data: bytes, *, name: str) -> Mapping[str, Any]:
    """Return what a checkpoint holds: tensors by name, possibly in nested mappings.

    Args:
        data: The bytes of the file.
        name: Of the file, for messages.

    Raises:
        InputError: It holds code, is damaged, or is no checkpoint; the message says which.
    """
    if data[8:9] == b"{":
        try:
            tensors: dict[str, torch.Tensor] = safetensors.torch.load(data)
        except safetensors.SafetensorError as error:
            raise _unusable(name, f"{what_it_is(data)} ({error})") from error
        return tensors
    code = _code_in(data)
    if code is not None:
        raise InputError(f"{name}: {code}", _NEEDED, _CONVERT)
    if not data.startswith((ZIP, LEGACY_TORCH)):
        raise _unusable(name, what_it_is(data))
    return _load(data, name)


def _code_in(data: bytes) -> str | None:
    """Return what a file is that runs code when it is opened, None for any other."""
    if data.startswith(_PICKLES) and not data.startswith(LEGACY_TORCH):
        if b"_reconstruct_persistent_obj" in data:
            return "a pickle of StyleGAN's kind, which executes Python code that it brings along"
        return "a Python pickle, which can execute any code when it is opened"
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.namelist()
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError):
        return None
    if any("/code/" in member or member.endswith("/constants.pkl") for member in members):
        return "a TorchScript archive, which is a program"
    if any(member.endswith("/models/model.json") for member in members):
        return "a program of torch.export (.pt2)"
    return None


def _load(data: bytes, name: str) -> Mapping[str, Any]:
    """Load torch's own format without running code."""
    if torch.__version__ < "2.10":
        raise InputError(
            f"{name}: torch {torch.__version__} can be made to corrupt its memory by a crafted "
            "file even with weights_only (CVE-2026-24747)",
            "torch >= 2.10, or a .safetensors file",
            "upgrade torch, or convert the file where you trust it",
        )
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile pickle may raise anything at all
        unsafe = unsafe_globals(data, error)
        if any(one.startswith("torch.nn.modules.") for one in unsafe):
            found = "a whole pickled network, whose classes are code"
        elif unsafe:
            found = "contains Python objects, which are code"
        else:
            raise _unusable(name, what_it_is(data)) from error
        raise InputError(f"{name}: {found} ({first_few(unsafe)})", _NEEDED, _CONVERT) from error
    if not isinstance(content, Mapping):
        raise _unusable(name, f"holds a {type(content).__name__}")
    return content


def _unusable(name: str, found: str) -> InputError:
    """Return the error for a file that is damaged or something else."""
    remedy = "get the file again from its source"
    if "git-lfs" in found:
        remedy = "run `git lfs pull`"
    return InputError(f"{name}: {found}", _NEEDED, remedy)
