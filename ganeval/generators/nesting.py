"""The tensors of one network among all that a checkpoint holds."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ganeval.errors import InputError
from ganeval.extractors.state_dict import first_few, mismatches

Tensors = Mapping[str, torch.Tensor]

_DEPTH = 4  # {"state": {"g_ema": {"module._orig_mod.x": ...}}} is as deep as they come
# What a part of a tensor's name says of how its layer was made.
_MAKERS = {
    "weight_orig": "torch.nn.utils.spectral_norm (weight_orig, weight_u)",
    "parametrizations.": "torch.nn.utils.parametrizations",
    "sn_u": "mimicry's spectral normalisation (sn_u, sn_sigma)",
}
_EMA = {"ema", "averaged", "avg", "shadow"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A set of tensors, and the keys and prefixes that lead to it: `"g_ema.module"`, or ""."""

    path: str
    tensors: Tensors

    @property
    def averaged(self) -> bool:
        """Whether its name says that it is a moving average of weights."""
        words = re.split(r"[._]", self.path.lower())
        return bool(_EMA & set(words)) or "generator_test" in self.path


def fill(
    network: torch.nn.Module, content: Mapping[str, Any], *, name: str, key: str | None
) -> Candidate:
    """Put the one set of tensors that fits a network exactly into it.

    Looked at are all nested mappings, and in each of them the tensors below a common prefix
    (`module.`, `_orig_mod.`, `generator.`). Of several that fit, one that is a moving average by
    its name is taken; if that does not decide, nothing is. Counters `num_batches_tracked` may be
    absent.

    Args:
        network: On the CPU.
        content: What the checkpoint holds.
        name: Of its file, for messages.
        key: Only what lies under this key.

    Returns:
        The set that was chosen.

    Raises:
        InputError: None fits, or several do.
    """
    everything = list(_candidates(content, "", _DEPTH))
    below = [one for one in everything if key is None or _lies_under(one.path, key)]
    if not below:
        found = first_few([repr(one.path) for one in everything if one.path]) or "no tensors"
        raise InputError(
            f"{name}: no tensors under key '{key}'" if key else f"{name}: holds no tensors by name",
            f"a state dict; it has {found}",
            "name one of them with key=NAME" if key else "save the network's state_dict()",
        )
    own = network.state_dict()
    fitting = [one for one in below if not any(mismatches(own, one.tensors).values())]
    # What lies inside a set that fits was no set of its own.
    fitting = [one for one in fitting if not any(_inside(one, other) for other in fitting)]
    averaged = [one for one in fitting if one.averaged]
    chosen = averaged if len(averaged) == 1 else fitting
    if not chosen:
        raise _nothing_fits(name, own, below)
    if len(chosen) > 1:
        raise InputError(
            f"{name}: {len(chosen)} sets of tensors fit the network: "
            + first_few([f"'{one.path}' ({len(one.tensors)} tensors)" for one in chosen]),
            "one",
            f"choose it with key={chosen[0].path}",
        )
    network.load_state_dict({**own, **chosen[0].tensors})
    return chosen[0]


def _candidates(content: Mapping[str, Any], path: str, depth: int) -> Iterator[Candidate]:
    """Yield the tensors in a mapping, those below each common prefix, and in nested mappings."""
    tensors = {str(key): value for key, value in content.items() if _is_plain(value)}
    nested = {str(key): value for key, value in content.items() if isinstance(value, Mapping)}
    if tensors:
        yield Candidate(path, tensors)
    if not depth:
        return
    for prefix in sorted({name.partition(".")[0] for name in tensors if "." in name}):
        inner = {
            name.removeprefix(f"{prefix}."): value
            for name, value in tensors.items()
            if name.startswith(f"{prefix}.")
        }
        yield from _candidates(inner, _join(path, prefix), depth - 1)
    for key, value in nested.items():
        yield from _candidates(value, _join(path, key), depth - 1)


def _is_plain(value: object) -> bool:
    """Tell whether a value is a tensor of the kind that networks have."""
    if not isinstance(value, torch.Tensor) or value.is_quantized or value.is_nested:
        return False
    return value.layout is torch.strided and not value.is_complex() and not value.is_meta


def _join(path: str, key: str) -> str:
    """Return a longer path."""
    return f"{path}.{key}" if path else key


def _lies_under(path: str, key: str) -> bool:
    """Tell whether a path is a key or leads on from it."""
    return path == key or path.startswith(f"{key}.")


def _inside(one: Candidate, other: Candidate) -> bool:
    """Tell whether a candidate is a part of another."""
    return one is not other and (not other.path or one.path.startswith(f"{other.path}."))


def _nothing_fits(name: str, own: Tensors, candidates: list[Candidate]) -> InputError:
    """Return the error that says how the nearest candidate differs from the network."""
    nearest = min(
        candidates,
        key=lambda one: sum(len(names) for names in mismatches(own, one.tensors).values()),
    )
    where = f" under '{nearest.path}'" if nearest.path else ""
    findings = [
        f"{len(names)} {fault} ({first_few(names)})"
        for fault, names in mismatches(own, nearest.tensors).items()
        if names
    ]
    hint = _hint(own, nearest.tensors)
    return InputError(
        f"{name}: the tensors{where} are those of another network: {', '.join(findings)}",
        f"all {len(own)} tensors of the entry's network, and no other",
        f"{hint}correct entry or kwargs, or choose with key=NAME",
    )


def _hint(own: Tensors, given: Tensors) -> str:
    """Return what the names on one side alone tell of how that network was made."""
    for side, others, place in ((given, own, "the file"), (own, given, "the entry's network")):
        for mark, maker in _MAKERS.items():
            if any(mark in name for name in side) and not any(mark in name for name in others):
                return f"{place} has tensors of {maker}, the other has not: "
    return ""
