"""Read a network from a generator's file of any kind, and find out how to feed it."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ganeval.errors import InputError
from ganeval.extractors.state_dict import first_few
from ganeval.generators.card import Card, card_text, parse_checkpoint, tensors_sha256
from ganeval.generators.entries import build, check_listed
from ganeval.generators.filling import fill
from ganeval.generators.foreign import read_content
from ganeval.generators.inputs import parse_inputs, usual_inputs
from ganeval.generators.onnx_file import is_onnx
from ganeval.generators.onnx_network import open_onnx
from ganeval.generators.options import GeneratorOptions, parse_kwargs
from ganeval.generators.pretrained_folder import read_folder
from ganeval.generators.program_kind import program_kind
from ganeval.generators.programs import not_there, open_program
from ganeval.generators.running_statistics import never_updated, running_statistics
from ganeval.images.value_range import parse_range

log = logging.getLogger(__name__)

_OF_TENSORS = ("entry", "kwargs", "key", "allow_missing", "submodule")
_OF_FILES = (*_OF_TENSORS, "trust", "condition")  # options that do not say how it is fed
_SAID_BY_CARDS = ("latent_size", "prior", "num_classes", "value_range", "rate")
_FLAGS = {
    "entry": "--entry MODULE:CALLABLE (with --kwargs JSON if it takes any)",
    "latent_size": "--latent-size N (or --condition SOURCE if it makes images from images)",
    "value_range": "--value-range LOW,HIGH",
}
_STATE = {"config", "game", "averages", "optimizers"}  # the keys of a state of `ganeval train`
_BEGINNING = 64  # bytes that tell the kinds apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A network from a file.

    Attributes:
        network: On its device.
        feed: How it is fed and what its output is, by the options or else by the file: keyword
            arguments of `Generator`.
        condition: The source of conditions that the file names.
        origin: What the report says about the file, JSON values.
    """

    network: torch.nn.Module
    feed: Mapping[str, Any]
    condition: str | None
    origin: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """A network, what its file alone says about its feed, and what the log says about it."""

    network: torch.nn.Module
    said: str
    origin: Mapping[str, object]
    says: Mapping[str, Any] = field(default_factory=dict)
    condition: str | None = None


def read_network(
    data: bytes | None, path: Path, options: GeneratorOptions, *, device: torch.device, paired: bool
) -> Loaded:
    """Return the network of a file, whose kind its content tells, and how to feed it.

    Args:
        data: The bytes of the file; None for a folder.
        path: Where it is.
        options: The user's options.
        device: Where the network is to run.
        paired: Whether the user names conditions.

    Raises:
        InputError: The file is damaged, holds code, or does not fit its network.
        UsageError: An option is missing or does not fit.
    """
    name = str(path)
    program = None if data is None else program_kind(data)
    if data is None:
        tensors, config = read_folder(path)
        content = _fill_entry(tensors, options, device=device, name=name, config=config)
    elif is_onnx(data[:_BEGINNING]):
        content = _read_onnx(data, path, options, device=device, paired=paired)
    elif program is not None:
        network = open_program(data, program, name=name, trust=options.trust, device=device)
        content = _self_contained(network, network.sha256, program, options)
    elif card_text(data) is not None:
        card, own = parse_checkpoint(data, name=name)
        content = _fill_entry(own, options, device=device, name=name, card=card)
    else:
        content = _fill_entry(read_content(data, name=name), options, device=device, name=name)
    log.info("%s: %s, %s", name, content.said, str(content.origin["weights"])[:19])
    return Loaded(
        network=content.network,
        feed=_feed(content.says, options, name, paired=paired or content.condition is not None),
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
    labels = options.num_classes is not None
    latent = not paired or network.num_inputs > 1 + labels
    inputs = options.inputs or usual_inputs(latent=latent, label=labels, condition=paired)
    says = {"inputs": inputs, **network.says(inputs, options.label_form, name=name)}
    content = _self_contained(network, network.sha256, "an ONNX file", options)
    return replace(content, says=says)


def _self_contained(
    network: torch.nn.Module, sha256: str, kind: str, options: GeneratorOptions
) -> _Content:
    """Return the network of a file that holds all of it, and say which options are not used."""
    unused = [one for one in _OF_TENSORS if one in options.given()]
    return _Content(
        network=network,
        said=f"{kind}, {', '.join(unused)} not used" if unused else kind,
        origin={"file": kind, "weights": f"sha256:{sha256}"},
    )


def _fill_entry(
    tensors: Any,
    options: GeneratorOptions,
    *,
    device: torch.device,
    name: str,
    card: Card | None = None,
    config: Mapping[str, Any] | None = None,
) -> _Content:
    """Return the network of an entry, filled with the tensors of a file or folder."""
    entry = options.entry or (card.entry if card is not None else None)
    if entry is None and isinstance(tensors, Mapping) and tensors.keys() >= _STATE:
        raise InputError(
            f"{name}: the state of a run, from which `ganeval train --resume` goes on",
            "a generator's checkpoint",
            "name the .safetensors file beside it",
        )
    if entry is None:
        raise _needs_options(name, [one for one in _FLAGS if one not in options.given()])
    if options.entry is None:
        check_listed(entry, name=name)
    kwargs = dict(card.kwargs) if card is not None else {}
    if options.kwargs is not None:
        kwargs, config = parse_kwargs(options.kwargs), None
    network = build(entry, kwargs, here=options.entry is not None, config=config)
    filled = fill(
        network,
        tensors,
        name=name,
        key=options.key,
        allow_missing=options.allow_missing,
        submodule=options.submodule,
    )
    # The trial of the network reports statistics that are still 0 and 1.
    told = never_updated(network)
    guessed = [
        layer
        for layer, *names in running_statistics(network)
        if layer not in told and not set(names).isdisjoint(filled.missing)
    ]
    if guessed:
        log.warning(
            "%s: lacks the running statistics of %s, which stay as the entry made them, so images "
            "may differ from those in training; save the network's whole state_dict()",
            *(name, first_few(guessed)),
        )
    network = filled.network
    averaged = filled.averaged or (card is not None and card.ema)
    where = f" under '{filled.path}'" if filled.path else ""
    kind = " (a moving average)" if averaged else ""
    if filled.completed_by is not None:
        kind += f", its buffers from '{filled.completed_by or '.'}'"
    if filled.missing:
        kind += f", without {first_few(filled.missing)}"
    says = {} if card is None else {one: getattr(card, one) for one in _SAID_BY_CARDS}
    return _Content(
        network=network.to(device),
        said=f"{entry} with the tensors{where}{kind}",
        origin={
            "entry": entry,
            "kwargs": json.dumps({**(config or {}), **kwargs}, sort_keys=True, default=dict),
            **({} if options.submodule is None else {"submodule": options.submodule}),
            **filled.origin(),
            "ema": averaged,
            "weights": f"sha256:{tensors_sha256(network.state_dict())}",
            **({} if card is None else {"step": card.step}),
        },
        says={one: value for one, value in says.items() if value is not None},
        condition=None if card is None else card.condition,
    )


def _feed(
    says: Mapping[str, Any], options: GeneratorOptions, name: str, *, paired: bool
) -> dict[str, Any]:
    """Return how a network is fed, by the options or else by what the file says."""
    given = {key: one for key, one in options.given().items() if key not in _OF_FILES}
    answers = {**says, **given}
    lacking = [one for one in _FLAGS if one != "entry" and one not in answers]
    inputs = answers.get("inputs")
    # A network that is given conditions may make its images from these alone.
    sizes = [None] if inputs is None else [n for one in parse_inputs(inputs) for n in one.sizes]
    if (paired and inputs is None) or None not in sizes:
        lacking = [one for one in lacking if one != "latent_size"]
    if lacking == ["latent_size"] and "value_range" in says:  # a card without a latent size
        raise InputError(
            f"{name}: makes {'clips' if 'rate' in says else 'images'} from others",
            "the source of these",
            "add --condition SOURCE",
        )
    if lacking:
        raise _needs_options(name, lacking)
    answers["value_range"] = parse_range(answers["value_range"])
    return answers


def _needs_options(name: str, lacking: Sequence[str]) -> InputError:
    """Return the error for a file that does not say what network it is of or how to feed it."""
    return InputError(
        f"{name}: has no card that says its {' and '.join(lacking)}",
        f"the option{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}",
        f"add {' '.join(_FLAGS[one] for one in lacking)}",
    )
