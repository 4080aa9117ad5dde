"""Our own checkpoint: a generator's tensors with a card that says what they are."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from ganeval.errors import InputError
from ganeval.machine.files import write_whole
from ganeval.machine.json_text import parse_json

SCHEMA = "ganeval.card/3"
METADATA_KEY = "ganeval.card"

_UNSEALED = "ganeval.card/1"  # cards of the first version had no seal
_WITHOUT_SETTINGS = "ganeval.card/2"

_ANEW = "make or download it again"
_NORM_MODES = ("running", "none")
_LENGTH_BYTES = 8  # a safetensors file: the header's length, the header as JSON, the tensors

_TYPES: Mapping[str, tuple[type, ...]] = {
    "model": (str,),
    "entry": (str,),
    "kwargs": (dict,),
    "prior": (str,),
    "latent_size": (int, type(None)),
    "num_classes": (int, type(None)),
    "condition": (str, type(None)),
    "value_range": (list,),
    "image_size": (int,),
    "channels": (int,),
    "rate": (int, type(None)),
    "norm_mode": (str,),
    "ema": (bool,),
    "step": (int,),
    "seed": (int,),
    "data": (dict,),
    "settings": (dict,),
    "versions": (dict,),
    "sha256": (str,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a generator checkpoint is and how to build and feed its network.

    Attributes:
        model: Name of the reference model (`"dcgan"`).
        entry: What builds the network, `"package.module:callable"`.
        kwargs: Keyword arguments of the entry, JSON values.
        prior: Distribution of the latents: "normal", or "uniform" from -1 to 1.
        latent_size: Length of a latent vector; None for a network that takes only conditions.
        num_classes: Number of classes, None for an unconditional network.
        condition: The source of the conditions that it makes images from, as on the command line;
            None for an unpaired network.
        value_range: The output values (low, high) that become 0 and 255; for clips, -1 and 1.
        image_size: Height and width of its images; for clips, the number of samples.
        channels: 1 (grey) or 3 (RGB); for clips, the number of channels.
        norm_mode: What its normalisation layers use: "running" statistics, or "none" if no layer
            depends on the batch.
        ema: Whether the weights are a moving average.
        step: Training steps behind it.
        seed: Seed of the training.
        data: Name and digest of the training data.
        settings: The training's settings, JSON values by dotted name; empty if they are not known.
        rate: Samples per second of its clips; None: it makes images.
        versions: Versions of the libraries that trained it.
        sha256: Digest of the tensors (see `tensors_sha256`); `write_checkpoint` fills it in.
    """

    model: str
    entry: str
    kwargs: Mapping[str, Any]
    prior: str
    latent_size: int | None
    num_classes: int | None
    value_range: tuple[float, float]
    image_size: int
    channels: int
    norm_mode: str
    ema: bool
    step: int
    seed: int
    data: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""
    condition: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    rate: int | None = None

    def text(self) -> str:
        """Return the card as JSON, the same text for the same card.

        The field `seal` is the SHA-256 of the text without it, so that a change is noticed.
        """
        fields = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        fields["schema"] = SCHEMA
        if self.rate is None:  # as cards were written before there were clips
            del fields["rate"]
        if not self.settings:  # as cards of the second version are written
            del fields["settings"]
            fields["schema"] = _WITHOUT_SETTINGS
        seal = hashlib.sha256(json.dumps(fields, sort_keys=True, default=dict).encode())
        return json.dumps(fields | {"seal": seal.hexdigest()}, sort_keys=True, default=dict)


def tensors_sha256(tensors: Mapping[str, torch.Tensor]) -> str:
    """Return the hex SHA-256 over each tensor by sorted name: name, dtype, shape, bytes."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu()
        shape = ",".join(str(extent) for extent in value.shape)
        digest.update(f"{name}\n{str(value.dtype).removeprefix('torch.')}\n{shape}\n".encode())
        digest.update(value.reshape(-1).contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def write_checkpoint(path: Path, state_dict: Mapping[str, torch.Tensor], card: Card) -> None:
    """Write tensors and their card as one safetensors file, whole or not at all.

    Args:
        path: Ends in `.safetensors`.
        state_dict: Tensors by name, any device.
        card: Its `sha256` is computed here.

    Raises:
        ResourceError: The disk is full.
    """
    # Copies: safetensors does not store tensors that share memory.
    tensors = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in state_dict.items()
    }
    card = dataclasses.replace(card, sha256=tensors_sha256(tensors))
    # A single key: safetensors writes several in random order.
    write_whole(path, safetensors.torch.save(tensors, metadata={METADATA_KEY: card.text()}))


def parse_checkpoint(data: bytes, *, name: str) -> tuple[Card, dict[str, torch.Tensor]]:
    """Return card and tensors from the bytes of a checkpoint, and verify them.

    Raises:
        InputError: It has no card, the card has another schema or was changed, or the tensors are
            not those that the card was written for.
    """
    text = card_text(data)
    if text is None:
        raise InputError(f"{name}: no card of ganeval in it", "a checkpoint of ours", _ANEW)
    card = parse_card(text, name=name)
    try:
        tensors: dict[str, torch.Tensor] = safetensors.torch.load(data)
    except Exception as error:  # a hostile header may raise more than SafetensorError
        raise InputError(
            f"{name}: damaged or truncated ({error})", "a whole file", _ANEW
        ) from error
    if tensors_sha256(tensors) != card.sha256:
        raise InputError(
            f"{name}: its tensors are not those its card was written for (SHA-256 differs)",
            "an unchanged checkpoint",
            _ANEW,
        )
    return card, tensors


def read_card(path: str | os.PathLike[str]) -> Card:
    """Return the card of a checkpoint of ours; its tensors are not read.

    Raises:
        InputError: There is no such file, it has no card, or the card was changed.
    """
    name = os.fspath(path)
    try:
        with Path(name).open("rb") as file:
            length = file.read(_LENGTH_BYTES)
            header = file.read(int.from_bytes(length, "little"))
    except (OSError, MemoryError, OverflowError) as error:
        raise InputError(f"{name}: cannot be read ({error})", "a checkpoint", "check it") from error
    text = card_text(length + header)
    if text is None:
        raise InputError(f"{name}: no card of ganeval in it", "a checkpoint of ours", _ANEW)
    return parse_card(text, name=name)


def card_text(data: bytes) -> str | None:
    """Return the card in the header of a safetensors file's bytes, None if there is none."""
    end = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
    if len(data) < end or data[_LENGTH_BYTES : _LENGTH_BYTES + 1] != b"{":
        return None
    try:
        metadata = parse_json(data[_LENGTH_BYTES:end]).get("__metadata__")
    except ValueError:
        return None
    text = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    return text if isinstance(text, str) else None


def parse_card(text: str, *, name: str) -> Card:
    """Return a card from its JSON text; `name` is the name of its file, for messages.

    Raises:
        InputError: It is not JSON, has another schema, has a missing or wrong field, or was
            changed.
    """
    try:
        fields = parse_json(text)
    except ValueError as error:
        raise InputError(
            f"{name}: its card is not JSON ({error})", "a whole card", _ANEW
        ) from error
    schema = fields.pop("schema", None) if isinstance(fields, dict) else None
    if schema not in (SCHEMA, _WITHOUT_SETTINGS, _UNSEALED):
        raise InputError(
            f"{name}: a card of schema {schema!r}",
            f"schema {SCHEMA}",
            "use the version of ganeval that wrote it",
        )
    fields = {"condition": None, "settings": {}, "rate": None} | fields  # older cards have none
    fields.pop("seal", None)
    wrong = [key for key, types in _TYPES.items() if not _fits(fields.get(key, ...), types)]
    wrong += sorted(set(fields) - set(_TYPES))
    if not wrong and not _is_range(fields["value_range"]):
        wrong = ["value_range"]
    if not wrong and fields["prior"] not in ("normal", "uniform"):
        wrong = ["prior"]
    if wrong:
        raise InputError(
            f"{name}: its card has wrong, missing or unknown fields: {', '.join(wrong)}",
            f"the fields of schema {SCHEMA}",
            _ANEW,
        )
    if fields["norm_mode"] not in _NORM_MODES:
        raise InputError(
            f"{name}: its card says norm_mode '{fields['norm_mode']}'",
            f"one of {', '.join(_NORM_MODES)}: images that do not depend on their batch",
            "write its samples to a folder and score that",
        )
    low, high = fields.pop("value_range")
    card = Card(value_range=(low, high), **fields)
    if schema != _UNSEALED and card.text() != text:
        raise InputError(
            f"{name}: its card was changed (SHA-256 differs)",
            "an unchanged checkpoint",
            _ANEW,
        )
    return card


def _fits(value: Any, types: tuple[type, ...]) -> bool:
    """Tell whether a JSON value has one of the types; true and false are not numbers."""
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _is_range(value: list[Any]) -> bool:
    """Tell whether a JSON list is a low and a high number."""
    return (
        len(value) == 2 and all(_fits(one, (int, float)) for one in value) and value[0] < value[1]
    )
