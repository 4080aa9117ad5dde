"""A network out of an ONNX file, run by onnxruntime on the CPU."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ganeval.errors import InputError, ResourceError
from ganeval.generators.onnx_file import read_external, read_facts

_REEXPORT = "export it again with latents [batch, n] and a dynamic first axis"
_FLOAT, _INT = "tensor(float)", "tensor(int64)"


class OnnxNetwork(torch.nn.Module):
    """Runs a session of onnxruntime on tensors; the SHA-256 of all its files is in how it prints.

    Attributes:
        sha256: Of the file and its external data.
        latent_size: What its first input says, None if nothing.
        is_map: Whether that input is [B, n, 1, 1].
    """

    def __init__(self, session: Any, *, sha256: str) -> None:
        super().__init__()
        self._session = session
        self._inputs = [one.name for one in session.get_inputs()]
        self.sha256 = sha256
        shape = session.get_inputs()[0].shape
        self.latent_size: int | None = shape[1] if isinstance(shape[1], int) else None
        self.is_map = len(shape) == 4

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Run the session."""
        feeds = {name: one.numpy() for name, one in zip(self._inputs, inputs, strict=True)}
        (images,) = self._session.run(None, feeds)
        return torch.from_numpy(images)

    def extra_repr(self) -> str:
        """Return what tells this network from another."""
        return f"sha256={self.sha256}"

    def check_inputs(self, wanted: Sequence[str], *, name: str) -> None:
        """Refuse inputs other than those that will be fed.

        Args:
            wanted: What they are, out of "latents", "labels" and "conditions".
            name: Of the file, for messages.

        Raises:
            InputError: Another number or type of inputs.
        """
        given = self._session.get_inputs()
        types = [_INT if what == "labels" else _FLOAT for what in wanted]
        if [one.type for one in given] != types:
            found = ", ".join(f"{one.name} {one.type}" for one in given)
            needed = [f"{what} {kind}" for what, kind in zip(wanted, types, strict=True)]
            raise InputError(
                f"{name}: takes {found}",
                "a network that takes " + " and ".join(needed),
                "give num_classes if it takes labels, or export it again with these inputs",
            )


def open_onnx(data: bytes, path: Path, *, name: str) -> OnnxNetwork:
    """Return the network of an ONNX file.

    Only what the file itself and files in its folder hold is used; the session sees the very bytes
    that were checked and hashed.

    Args:
        data: The bytes of the file.
        path: Where it is; external data lie beside it.
        name: What messages call it.

    Raises:
        InputError: It is damaged, wants operators that ONNX does not define or files from
            elsewhere, or is no generator.
        ResourceError: onnxruntime is not installed.
    """
    facts = read_facts(data, name=name)
    if facts.domains:
        raise InputError(
            f"{name}: wants operators of {', '.join(facts.domains)}, which are code from elsewhere",
            "ONNX's own operators",
            "export it again without custom operators",
        )
    external = read_external(facts, path, name=name)
    session = _session(data, external, name=name)
    digest = hashlib.sha256(data)
    for location in sorted(external):
        digest.update(hashlib.sha256(external[location]).digest())
    _check_signature(session, name=name)
    return OnnxNetwork(session, sha256=digest.hexdigest())


def _session(data: bytes, external: Mapping[str, bytes], *, name: str) -> Any:
    """Return a session of onnxruntime on the CPU."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ResourceError(
            f"{name}: an ONNX file, and onnxruntime is not installed",
            "the extra 'onnx'",
            "pip install 'ganeval[onnx]'",
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised too
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        if external:
            options.add_external_initializers_from_files_in_memory(
                list(external), list(external.values()), [len(one) for one in external.values()]
            )
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common class but this
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{name}: onnxruntime {onnxruntime.__version__} cannot run it ({reason})",
            "a whole ONNX file of an opset that it knows",
            "get it again, or export it anew",
        ) from error


def _check_signature(session: Any, *, name: str) -> None:
    """Refuse a network that does not make images of a batch of latents of any size."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(outputs) != 1 or outputs[0].type != _FLOAT:
        found = ", ".join(f"{one.name} {one.type}" for one in outputs)
        raise InputError(f"{name}: returns {found}", "images as one tensor(float)", _REEXPORT)
    latents = inputs[0] if inputs else None
    if latents is None or latents.type != _FLOAT or len(latents.shape) not in (2, 4):
        found = "nothing" if latents is None else f"{latents.name} {latents.type} {latents.shape}"
        raise InputError(
            f"{name}: takes {found} first", "latents tensor(float) [batch, n]", _REEXPORT
        )
    for one in inputs:
        if one.shape and isinstance(one.shape[0], int):
            raise InputError(
                f"{name}: input {one.name} {one.shape} is fixed to batches of {one.shape[0]}",
                "a first axis of any length",
                "export it again with dynamic_shapes (or dynamic_axes) for that axis",
            )
