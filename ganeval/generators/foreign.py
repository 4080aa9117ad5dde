"""Checkpoints of others: recognise a file by its content, and read its tensors; no code is run."""

import io
import json
import shlex
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors.torch
import torch

from ganeval.errors import InputError
from ganeval.extractors.content import ZIP, what_it_is
from ganeval.extractors.state_dict import first_few, unsafe_globals

LEGACY_TORCH = b"\x80\x02\x8a\x0a"  # torch.save before 1.6: its magic number as a pickle
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
# Protocols 0 and 1 have no mark of their own: an opening opcode, and STOP at the end.
_TEXT_PICKLES = (b"(", b"c", b"]", b"}")
_PICKLE_END = b"."
_NEEDED = "tensors by name (a state dict) in a .safetensors, .pth or .pt file, or an ONNX file"
_SAVE_ANEW = (
    "open it in the environment it is from and save the generator's state_dict(), or write its "
    "samples to a folder (for statistics: mu and sigma to an .npz)"
)
# Python code for all tensors of a checkpoint in their places, also in an average that is an object.
_TENSORS_OF = (
    "f = lambda v: v if isinstance(v, torch.Tensor) "
    "else {str(k): f(w) for k, w in v.items()} if isinstance(v, dict) "
    "else [f(w) for w in v] if isinstance(v, (list, tuple)) "
    'else f(v.state_dict()) if hasattr(v, "state_dict") '
    'else f(vars(v)) if hasattr(v, "__dict__") else None'
)


def read_content(data: bytes, *, name: str) -> Mapping[str, Any] | list[Any] | tuple[Any, ...]:
    """Return what a checkpoint holds: tensors by name or in lists, nested in any way.

    Args:
        data: The bytes of the file.
        name: Name of the file, for messages.

    Raises:
        InputError: It holds code, is damaged, or is not a checkpoint; the message says which.
    """
    if data[8:9] == b"{":
        try:
            tensors: dict[str, torch.Tensor] = safetensors.torch.load(data)
        except Exception as error:  # a hostile header may raise more than SafetensorError
            raise _unusable(name, f"{what_it_is(data)} ({error})") from error
        return tensors
    _check_no_pickle(data, name)
    if _is_npz(data):
        return _load_arrays(data, name)
    if not data.startswith((ZIP, LEGACY_TORCH)):
        raise _unusable(name, what_it_is(data))
    return _load(data, name)


def _load_arrays(data: bytes, name: str) -> dict[str, torch.Tensor]:
    """Return the arrays of an npz file, none of them of Python objects."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {key: torch.from_numpy(arrays[key]) for key in arrays.files}
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{name}: an npz file with arrays of objects or text, which are pickles",
            "arrays of numbers",
            f"if you trust its author, {_SAVE_ANEW}",
        ) from error
    except Exception as error:  # zipfile and numpy raise many kinds on a damaged file
        raise _unusable(name, f"a damaged npz file ({error})") from error


def _is_npz(data: bytes) -> bool:
    """Tell whether a file's bytes are a zip of .npy members alone."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.namelist()
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError):
        return False
    return bool(members) and all(member.endswith(".npy") for member in members)


def _check_no_pickle(data: bytes, name: str) -> None:
    """Refuse a bare pickle, which runs code when it is opened."""
    textual = data[:1] in _TEXT_PICKLES and data[-1:] == _PICKLE_END
    if data.startswith(LEGACY_TORCH) or not (textual or data.startswith(_PICKLES)):
        return
    if b"_reconstruct_persistent_obj" in data or b"dnnlib" in data:
        load = f'pickle.load(open({json.dumps(name)}, "rb"))["G_ema"]'
        command = _python(f'import pickle, torch; torch.save({load}.state_dict(), "G_ema.pt")')
        raise InputError(
            f"{name}: a pickle of StyleGAN's kind, which executes Python code that it contains",
            _NEEDED,
            f"if you trust its author, in the repository it is from: {command}, or export it as "
            "ONNX, or write its images to a folder and score that",
        )
    raise InputError(
        f"{name}: a Python pickle, which can execute any code when it is opened",
        _NEEDED,
        f"if you trust its author, {_SAVE_ANEW}",
    )


def _python(code: str) -> str:
    """Return a command that a user can paste, whatever is in a file's name."""
    return f"`python -c {shlex.quote(code)}`"


def _load(data: bytes, name: str) -> Mapping[str, Any] | list[Any] | tuple[Any, ...]:
    """Load torch's own format without running code."""
    if torch.__version__ < "2.10":
        raise InputError(
            f"{name}: torch {torch.__version__} can be made to corrupt its memory by a crafted "
            "file even with weights_only (CVE-2026-24747)",
            "torch >= 2.10, or a .safetensors file",
            "upgrade torch, or convert the file where you trust it",
        )
    changed = _changed_record(data)
    if changed is not None:
        raise _unusable(name, f"is damaged: {changed} in it does not match its checksum")
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile pickle may raise anything at all
        unsafe = unsafe_globals(data, error)
        if not unsafe:
            raise _unusable(name, what_it_is(data)) from error
        raise _of_objects(name, unsafe) from error
    if isinstance(content, list | tuple):
        is_set = any(isinstance(one, Mapping | list | tuple | torch.Tensor) for one in content)
    else:
        is_set = isinstance(content, Mapping)
    if not is_set:
        raise InputError(
            f"{name}: holds a {type(content).__name__}",
            _NEEDED,
            "save the network's state_dict()",
        )
    found: Mapping[str, Any] | list[Any] | tuple[Any, ...] = content
    return found


def _changed_record(data: bytes) -> str | None:
    """Return the first record of a zip of torch.save that does not match its checksum.

    torch does not look at the checksums, and would take a changed byte for a weight.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.testzip()
    except Exception:  # another format, or damage that torch describes better
        return None


def _of_objects(name: str, unsafe: list[str]) -> InputError:
    """Return the error for a file of torch.save that holds more than tensors, numbers and texts."""
    is_network = any(one.startswith("torch.nn.modules.") for one in unsafe)
    found = (
        "a whole pickled network, whose classes are code"
        if is_network
        else "contains Python objects, which are code"
    )
    load = f"torch.load({json.dumps(name)}, weights_only=False)"
    return InputError(
        f"{name}: {found} ({first_few(unsafe)})",
        _NEEDED,
        "if you trust its author, where its code is installed: "
        + _python(f'import torch; {_TENSORS_OF}; torch.save(f({load}), "state.pt")'),
    )


def _unusable(name: str, found: str) -> InputError:
    """Return the error for a file that is damaged or something else."""
    remedy = "get the file again from its source"
    if "git-lfs" in found:
        remedy = "run `git lfs pull`"
    elif "HDF5" in found:
        remedy = "export the network as ONNX, or write its samples to a folder and score that"
    return InputError(f"{name}: {found}", _NEEDED, remedy)
