"""A network from an ONNX file, run by onnxruntime on the CPU."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ganeval.errors import InputError, ResourceError
from ganeval.generators.inputs import parse_inputs
from ganeval.generators.onnx_file import read_external, read_facts
from ganeval.generators.terms import LabelForm

_REEXPORT = "export it again with latents [batch, n] and a dynamic first axis"
_FLOAT, _INT = "tensor(float)", "tensor(int64)"


class OnnxNetwork(torch.nn.Module):
    """Runs a session of onnxruntime on tensors; its repr has the SHA-256 of all its files.

    Attributes:
        sha256: SHA-256 of the file and its external data.
        num_inputs: Number of inputs.
        batch: The only number of samples that the inputs take, None for any number.
    """

    def __init__(self, session: Any, *, sha256: str) -> None:
        super().__init__()
        self._session = session
        self._inputs = [one.name for one in session.get_inputs()]
        self._outputs = [one.name for one in session.get_outputs()]
        self.sha256 = sha256
        self.num_inputs = len(self._inputs)
        firsts = [one.shape[0] for one in session.get_inputs() if one.shape]
        self.batch: int | None = next((one for one in firsts if isinstance(one, int)), None)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
        """Run the session; several outputs come by name."""
        feeds = {name: one.numpy() for name, one in zip(self._inputs, inputs, strict=True)}
        made = zip(self._outputs, self._session.run(None, feeds), strict=True)
        arrays = {name: torch.from_numpy(one) for name, one in made if hasattr(one, "dtype")}
        return next(iter(arrays.values())) if len(self._outputs) == 1 else arrays

    def extra_repr(self) -> str:
        """Return what distinguishes this network from another."""
        return f"sha256={self.sha256}"

    def says(self, inputs: str, label_form: LabelForm | None, *, name: str) -> dict[str, Any]:
        """Return what its inputs say about how it is fed; refuse inputs that do not match.

        Args:
            inputs: Its arguments, as `parse_inputs` reads them.
            label_form: Form of the labels, if the user says it.
            name: Name of the file, for messages.

        Raises:
            InputError: The number or type of its inputs is wrong, or its latents have another
                shape.
        """
        given = self._session.get_inputs()
        found = ", ".join(f"{one.name} {one.type}" for one in given)
        wanted = parse_inputs(inputs)
        index = label_form in (None, "index")
        types = [_INT if one.what == "label" and index else _FLOAT for one in wanted]
        latents = [one for one, fed in zip(given, wanted, strict=False) if fed.what == "latent"]
        if [one.type for one in given] != types or any(fed.is_list for fed in wanted):
            needed = [f"{fed.what} {kind}" for fed, kind in zip(wanted, types, strict=True)]
            raise InputError(
                f"{name}: takes {found}",
                "a network that takes " + " and ".join(needed),
                "give num_classes if it takes labels, label_form if they are floats, inputs for "
                "another order, or export it again with these inputs",
            )
        if any(len(one.shape) not in (2, 4) for one in latents):
            shapes = " and ".join(f"{one.name} {one.shape}" for one in latents)
            raise InputError(f"{name}: takes {shapes}", "latents [batch, n]", _REEXPORT)
        if not latents:
            return {}
        shape = latents[0].shape
        says: dict[str, Any] = {"latent_layout": "map" if len(shape) == 4 else "vector"}
        return says | ({"latent_size": shape[1]} if isinstance(shape[1], int) else {})


def open_onnx(data: bytes, path: Path, *, name: str) -> OnnxNetwork:
    """Return the network of an ONNX file.

    Only the file itself and files in its folder are used. The session gets exactly the bytes that
    were checked and hashed.

    Args:
        data: The bytes of the file.
        path: Where it is; external data lie beside it.
        name: Its name in messages.

    Raises:
        InputError: It is damaged, wants operators that ONNX does not define or files from
            elsewhere, or is not a generator.
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
    options.log_severity_level = 4  # errors are raised anyway
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        if external:
            options.add_external_initializers_from_files_in_memory(
                list(external), list(external.values()), [len(one) for one in external.values()]
            )
        # The fallback would be the same provider again, and prints to stdout.
        return onnxruntime.InferenceSession(
            data, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except Exception as error:  # onnxruntime's errors have no common class but this
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{name}: onnxruntime {onnxruntime.__version__} cannot run it ({reason})",
            "a whole ONNX file with an opset that it knows",
            "get it again, or export it again",
        ) from error


def _check_signature(session: Any, *, name: str) -> None:
    """Refuse a network that is not a generator, or whose inputs have different batch sizes.

    A generator has a float input for latents and a float output for images.
    """
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if not any(one.type == _FLOAT for one in outputs):
        found = ", ".join(f"{one.name} {one.type}" for one in outputs)
        raise InputError(f"{name}: returns {found}", "images as one tensor(float)", _REEXPORT)
    if not any(one.type == _FLOAT for one in inputs):
        found = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs) or "nothing"
        raise InputError(f"{name}: takes {found}", "latents tensor(float) [batch, n]", _REEXPORT)
    batches = {one.shape[0] for one in inputs if one.shape and isinstance(one.shape[0], int)}
    if len(batches) > 1:
        found = ", ".join(f"{one.name} {one.shape}" for one in inputs)
        raise InputError(
            f"{name}: inputs {found} are fixed to batches of different sizes",
            "one first axis for all inputs, of any length",
            "export it again with dynamic_shapes (or dynamic_axes) for that axis",
        )
