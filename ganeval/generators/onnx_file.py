"""Read facts from the protobuf of an ONNX file before anything in it is run.

onnxruntime itself refuses files from elsewhere and unknown operators, but only while it builds a
session. It accepts operators of its own that are not ONNX's. It does not say which other files it
reads, although they are part of the network. The package onnx would tell both, but it makes a
second copy of all weights, and needs a newer protobuf than onnxruntime and others work with.

The messages and their field numbers come from `onnx/onnx.proto` (github.com/onnx/onnx). The
encoding is https://protobuf.dev/programming-guides/encoding/.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ganeval.errors import InputError

# The first bytes: ir_version (3 and later), then any other field of the model.
_IR_VERSIONS = range(3, 64)
_SECOND_TAGS = frozenset(b"\x12\x1a\x22\x28\x32\x3a\x42\x72")

_STANDARD = frozenset(("", "ai.onnx", "ai.onnx.ml"))
_MAX_DEPTH = 40  # of graphs in the attributes of nodes

# Message -> field -> message, for all ways that lead to an operator, a domain or a tensor.
MESSAGES = {
    "ModelProto": {
        7: "GraphProto",
        8: "OperatorSetIdProto",
        20: "TrainingInfoProto",
        25: "FunctionProto",
    },
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "FunctionProto": {7: "NodeProto", 9: "OperatorSetIdProto", 11: "AttributeProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto",
        6: "GraphProto",
        10: "TensorProto",
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
    "TensorProto": {13: "StringStringEntryProto"},
    "OperatorSetIdProto": {},
    "StringStringEntryProto": {},
}
# The field of a message that holds a domain.
DOMAINS = {"OperatorSetIdProto": 1, "NodeProto": 7, "FunctionProto": 10}

Value = int | memoryview


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxFacts:
    """The facts that decide whether a file may be run.

    Attributes:
        domains: Domains of operators that are neither ONNX's own nor functions in the file.
        external: Locations of tensors in other files, as the file gives them.
    """

    domains: tuple[str, ...]
    external: tuple[str, ...]


def is_onnx(beginning: bytes) -> bool:
    """Tell whether a file with this beginning (at least 9 bytes) is an ONNX model."""
    return (
        len(beginning) > 8
        and beginning[0] == 0x08
        and beginning[1] in _IR_VERSIONS
        and beginning[2] in _SECOND_TAGS
        and beginning[8:9] != b"{"  # safetensors
    )


def read_facts(data: bytes, *, name: str) -> OnnxFacts:
    """Return what an ONNX file says about its operators and about other files.

    Args:
        data: The bytes of the file.
        name: Name of the file, for messages.

    Raises:
        InputError: It is damaged or truncated.
    """
    used: set[str] = set()
    own: set[str] = set()
    external: set[str] = set()
    try:
        for message, content in _walk("ModelProto", memoryview(data), 0):
            if message == "StringStringEntryProto" and _text(content.get(1)) == "location":
                external.add(_text(content.get(2)))
            elif message in DOMAINS:
                domain = _text(content.get(DOMAINS[message]))
                (own if message == "FunctionProto" else used).add(domain)
    except ValueError as error:  # UnicodeDecodeError too
        raise InputError(
            f"{name}: a damaged or truncated ONNX file ({error})",
            "a whole file",
            "get it again from its source, or export it again",
        ) from error
    return OnnxFacts(
        domains=tuple(sorted(used - own - _STANDARD)), external=tuple(sorted(external))
    )


def read_external(facts: OnnxFacts, path: Path, *, name: str) -> dict[str, bytes]:
    """Return the other files of an ONNX file by where it says they are.

    Raises:
        InputError: One is not in the folder of the file, or cannot be read.
    """
    folder = path.resolve().parent
    files = {}
    for location in facts.external:
        try:
            place = (folder / location).resolve()
            if not place.is_relative_to(folder) or not place.is_file():
                raise ValueError
            files[location] = place.read_bytes()
        except (OSError, ValueError) as error:
            raise InputError(
                f"{name}: has tensors in '{location}', which is not a readable file in its folder",
                "external data beside the ONNX file",
                "copy that file there too, or export the network again into a folder of its own",
            ) from error
    return files


def _walk(message: str, data: memoryview, depth: int) -> Iterator[tuple[str, Mapping[int, Value]]]:
    """Yield the fields of a message and of all messages in it that the table leads to."""
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    content = list(_fields(data))
    yield message, dict(content)  # if a field is repeated, the last one counts
    for number, value in content:
        if number in MESSAGES[message]:
            if isinstance(value, int):
                raise ValueError(f"field {number} of {message} is a number")
            yield from _walk(MESSAGES[message][number], value, depth + 1)


def _fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    """Yield the numbered fields of an encoded message."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            number, at = _varint(data, at)
            yield tag >> 3, number
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"not protobuf at byte {at}")
        if at + size > len(data):
            raise ValueError(f"{at + size - len(data):,} bytes are missing")
        yield tag >> 3, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Return a number of variable length, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at == len(data):
            raise ValueError("a number is cut short")
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
    raise ValueError("a number is too long")


def _text(value: Value | None) -> str:
    """Return a field as text."""
    return bytes(value).decode() if isinstance(value, memoryview) else ""
