"""From the file of a generator, whatever its kind, to a network and how it wants to be fed."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ganeval.errors import InputError
from ganeval.generators.card import Card, card_text, parse_checkpoint, tensors_sha256
from ganeval.generators.drawing import LabelPolicy, LatentLayout, Prior
from ganeval.generators.entries import build, check_listed
from ganeval.generators.foreign import read_content
from ganeval.generators.nesting import fill
from ganeval.generators.onnx_file import is_onnx
from ganeval.generators.onnx_network import open_onnx
from ganeval.generators.options import GeneratorOptions, parse_kwargs, parse_range
from ganeval.generators.programs import not_there, open_program, program_kind
from ganeval.generators.sampler import ImageLayout, ValueRange

log = logging.getLogger(__name__)

_OF_TENSORS = ("entry", "kwargs", "key")
_BEGINNING = 64  # bytes that tell the kinds apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """How a network is fed, and what its output is; the fields are those of `GeneratorOptions`."""

    latent_size: int
    value_range: ValueRange
    latent_layout: LatentLayout = "vector"
    prior: Prior = "normal"
    truncation: float | None = None
    num_classes: int | None = None
    label_policy: LabelPolicy = "uniform"
    image_layout: ImageLayout = "nchw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A network out of a file.

    Attributes:
        network: On its device.
        feed: By the options, or else by the file.
        condition: The source of conditions that the file names.
        origin: What the report says of the file, JSON values.
    """

    network: torch.nn.Module
    feed: Feed
    condition: str | None
    origin: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """A network and what its file alone says."""

    network: torch.nn.Module
    says: Mapping[str, Any]
    origin: Mapping[str, object]
    condition: str | None = None


def load_network(
    data: bytes, path: Path, options: GeneratorOptions, *, device: torch.device, paired: bool
) -> Loaded:
    """Return the network of a file, told by its content, and how to feed it.

    Args:
        data: The bytes of the file.
        path: Where it is.
        options: What the user says.
        device: Where the network is to run.
        paired: Whether the user names conditions.

    Raises:
        InputError: The file is damaged, holds code, or does not fit its network.
        UsageError: An option is missing or does not fit.
    """
    name = str(path)
    program = program_kind(data)
    if is_onnx(data[:_BEGINNING]):
        content = _read_onnx(data, path, options, device=device, paired=paired)
    elif program is not None:
        network = open_program(data, program, name=name, trust=options.trust, device=device)
        content = _Content(
            network=network, says={}, origin={"file": program, "weights": _of(network.sha256)}
        )
        _warn_of_unused(options, program, name)
    else:
        content = _read_tensors(data, options, device=device, name=name)
    return Loaded(
        network=content.network,
        feed=_feed(content.says, options, name),
        condition=content.condition,
        origin=content.origin,
    )


def _read_onnx(
    data: bytes, path: Path, options: GeneratorOptions, *, device: torch.device, paired: bool
) -> _Content:
    """Return the network of an ONNX file."""
    name = str(path)
    if device.type != "cpu":
        raise not_there(name, "an ONNX file", device)
    network = open_onnx(data, path, name=name)
    _warn_of_unused(options, "an ONNX file", name)
    labels = ["labels"] if options.num_classes is not None else []
    network.check_inputs(["latents", *labels, *(["conditions"] if paired else [])], name=name)
    says: dict[str, Any] = {"latent_layout": "map" if network.is_map else "vector"}
    if network.latent_size is not None:
        says["latent_size"] = network.latent_size
    return _Content(
        network=network, says=says, origin={"file": "ONNX", "weights": _of(network.sha256)}
    )


def _read_tensors(
    data: bytes, options: GeneratorOptions, *, device: torch.device, name: str
) -> _Content:
    """Return the network of an entry, filled with the tensors of a file."""
    card = None
    if card_text(data) is not None:
        card, tensors = parse_checkpoint(data, name=name)
        content: Mapping[str, Any] = tensors
    else:
        content = read_content(data, name=name)
    entry = options.entry or (card.entry if card is not None else None)
    if entry is None:
        raise _needs_options(name, "entry, latent_size and value_range", "MODULE:CALLABLE")
    if options.entry is None:
        check_listed(entry, name=name)
    kwargs = card.kwargs if card is not None else {}
    if options.kwargs is not None:
        kwargs = parse_kwargs(options.kwargs)
    network = build(entry, kwargs)
    chosen = fill(network, content, name=name, key=options.key)
    averaged = chosen.averaged or (card is not None and card.ema)
    weights = _of(tensors_sha256(network.state_dict()))
    log.info(
        "%s: %s with the tensors%s%s, %s",
        *(name, entry, f" under '{chosen.path}'" if chosen.path else ""),
        *(" (a moving average)" if averaged else "", weights[:19]),
    )
    return _Content(
        network=network.to(device),
        says={} if card is None else _said_by(card),
        origin={"entry": entry, "key": chosen.path, "ema": averaged, "weights": weights},
        condition=None if card is None else card.condition,
    )


def _said_by(card: Card) -> dict[str, Any]:
    """Return what a card says of how its network is fed."""
    return {
        "latent_size": card.latent_size,
        "prior": card.prior,
        "num_classes": card.num_classes,
        "value_range": card.value_range,
    }


def _feed(says: Mapping[str, Any], options: GeneratorOptions, name: str) -> Feed:
    """Return how a network is fed, by the options or else by what the file says."""
    answers = {**says, **options.given()}
    lacking = [one for one in ("latent_size", "value_range") if one not in answers]
    if lacking:
        raise _needs_options(name, " and ".join(lacking), options.entry)
    answers["value_range"] = parse_range(answers["value_range"])
    return Feed(**{field: answers[field] for field in Feed.__slots__ if field in answers})


def _needs_options(name: str, lacking: str, entry: str | None) -> InputError:
    """Return the error for a file that does not say how its network is fed."""
    build_it = f"--entry {entry} " if entry is not None else ""
    return InputError(
        f"{name}: has no card that says what network it is of and how to feed it",
        f"the options {lacking}",
        f"add {build_it}--latent-size N --value-range=-1,1"
        + (" (and --kwargs '{...}' if it takes any)" if entry is not None else ""),
    )


def _warn_of_unused(options: GeneratorOptions, kind: str, name: str) -> None:
    """Say which options mean nothing to a file that brings its own network."""
    unused = [one for one in _OF_TENSORS if one in options.given()]
    if unused:
        log.warning("%s: %s is %s; not used: %s", name, "it", kind, ", ".join(unused))


def _of(sha256: str) -> str:
    """Return a digest as the report writes it."""
    return f"sha256:{sha256}"
