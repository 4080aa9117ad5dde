"""Choose the set of tensors in a checkpoint that fits a network, and load it."""

import dataclasses
import fnmatch
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ganeval.errors import InputError, UsageError, spelt
from ganeval.extractors.state_dict import first_few
from ganeval.generators.fitting import FittingSet, Part, fit, shape_of
from ganeval.generators.misfit import nearest_misfit, nothing_fits
from ganeval.generators.nesting import (
    COUNTER_OF_AVERAGES,
    Candidate,
    Tensors,
    all_tensors,
    candidates,
    join,
    suspected_average,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A network with the tensors of a checkpoint.

    Attributes:
        network: The network, or its sub-module that was asked for.
        path: Path of the set of tensors that was chosen.
        averaged: Whether that is a moving average of weights.
        completed_by: Path of the set that gave the buffers which an average lacks.
        missing: The network's tensors that the file lacks; they keep their values.
    """

    network: torch.nn.Module
    path: str
    averaged: bool
    completed_by: str | None
    missing: tuple[str, ...]

    def origin(self) -> dict[str, object]:
        """Return what the report says about the choice."""
        choice: dict[str, object] = {"key": self.path, "ema": self.averaged}
        if self.completed_by is not None:
            choice["completed_by"] = self.completed_by
        if self.missing:
            choice["missing"] = list(self.missing)
        return choice


def fill(
    network: torch.nn.Module,
    content: Any,
    *,
    name: str,
    key: str | None = None,
    allow_missing: str | None = None,
    submodule: str | None = None,
) -> Filled:
    """Put the one set of tensors that fits a network into it.

    A set fits if torch would load all of it, and it has all that the network needs. If several fit,
    the one that is a moving average by its name or form is used; if that does not decide, none is.
    An average may lack the buffers, which then come from the set beside it. Without a key, no set
    is taken if something else in the file looks like an average of the network but does not fit.

    Args:
        network: On the CPU.
        content: What the checkpoint holds: mappings, lists and tensors in any nesting.
        name: Name of its file, for messages.
        key: Only what lies under this key; "." is the top of the file.
        allow_missing: Patterns with commas between them, for the names of buffers that the file
            may lack (`"noises.*,w_avg"`).
        submodule: The part of the network that is used (`"decoder"`); the file may lack the rest.

    Returns:
        The network or its sub-module, and which set was chosen.

    Raises:
        InputError: No set fits, or several do.
        UsageError: The network has no such sub-module.
    """
    used = _submodule(network, submodule)
    patterns = [one.strip() for one in (allow_missing or "").split(",") if one.strip()]
    buffers = {one for one, _ in network.named_buffers()}

    def may_miss(name: str) -> bool:
        if submodule is not None and not name.startswith(f"{submodule}."):
            return True
        return name in buffers and any(fnmatch.fnmatchcase(name, one) for one in patterns)

    parts = list(_parts(network, may_miss))
    everything = candidates(content, name=name)
    below = [one for one in everything if key is None or one.lies_under(key)]
    if key is None:
        below = [one for one in below if not one.of_training]
    if not below:
        raise _no_tensors(name, key, everything)
    allowed = {id(one) for one in below}
    fits = [one for set_ in everything if (one := _first_fit(parts, set_)) is not None]
    whole = _outermost([one for one in fits if not one.rest])
    usable = _outermost(
        [
            completed
            for one in fits
            if id(one.candidate) in allowed and (completed := _completed(one, whole)) is not None
        ]
    )
    named = [one for one in usable if (one.candidate.path or ".") == key]
    averages = [one for one in usable if one.candidate.averaged]
    chosen = _distinct(named) or _distinct(averages) or _distinct(usable)
    if not chosen:
        raise nothing_fits(name, parts, below)
    if len(chosen) > 1:
        raise InputError(
            f"{name}: {len(chosen)} sets of tensors fit the network: "
            + first_few(
                [f"'{one.candidate.path or '.'}' ({len(one.tensors)} tensors)" for one in chosen]
            ),
            "one",
            f"choose it with {_typed(chosen[0].candidate)}",
        )
    (best,) = chosen
    if not named:
        compared = {id(value) for one in usable for value in one.candidate.tensors.values()}
        others = {
            path: value
            for path, value in all_tensors(content)
            if id(value) not in compared and (key in (None, ".") or path.startswith(f"{key}."))
        }
        _check_no_average(name, parts, best, others, everything)
    best.load()
    return Filled(
        network=used,
        path=best.candidate.path,
        averaged=best.candidate.averaged,
        completed_by=None if best.base is None else best.base.candidate.path,
        missing=tuple(_missing(network, submodule, best)),
    )


def _submodule(network: torch.nn.Module, path: str | None) -> torch.nn.Module:
    """Return a part of a network by its name, the whole if there is none."""
    if path is None:
        return network
    named = dict(network.named_modules())
    if path not in named or not path:
        raise UsageError(
            f"submodule '{path}': the entry's network has no part of that name",
            f"one of its parts: {first_few([one for one in named if one and '.' not in one])}",
            "correct --submodule, or leave it out",
        )
    found: torch.nn.Module = named[path]
    return found


def _parts(network: torch.nn.Module, may_miss: Callable[[str], bool]) -> Iterator[Part]:
    """Yield a network, and what it wraps: the only child, if that has all needed tensors."""
    part = Part("", network, may_miss)
    while True:
        yield part
        heads = {name.partition(".")[0] for name in part.own if name not in part.optional}
        children = dict(part.module.named_children())
        if len(heads) != 1 or not heads <= children.keys():
            return
        (head,) = heads
        part = Part(join(part.path, head), children[head], may_miss)


def _first_fit(parts: Sequence[Part], candidate: Candidate) -> FittingSet | None:
    """Return how a set of tensors fits the network, or else what the network wraps."""
    return next((found for part in parts if (found := fit(part, candidate)) is not None), None)


def _completed(fit: FittingSet, whole: Sequence[FittingSet]) -> FittingSet | None:
    """Return a fit with the set that gives what it lacks: the one nearest to it in the file.

    None if it needs such a set and there is none, or several.
    """
    if not fit.rest and not (fit.left and fit.candidate.averaged):
        return fit
    able = [one for one in whole if one is not fit and not fit.left <= one.left]
    able = [one for one in able if not one.candidate.averaged] or able
    keys = fit.candidate.path.split(".")

    def shared(one: FittingSet) -> int:
        pairs = zip(keys, one.candidate.path.split("."), strict=False)
        return len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))

    nearest = max(map(shared, able), default=0)
    found = _distinct([one for one in able if shared(one) == nearest])
    if len(found) == 1:
        return dataclasses.replace(fit, base=found[0])
    return None if fit.rest or found else fit


def _outermost(fits: Sequence[FittingSet]) -> list[FittingSet]:
    """Return the sets that are not part of another one."""
    return [
        one
        for one in fits
        if not any(one.candidate.inside(other.candidate) for other in fits if other is not one)
    ]


def _distinct(fits: Sequence[FittingSet]) -> list[FittingSet]:
    """Return the first of each group of sets that have the same values."""
    found: list[tuple[FittingSet, dict[str, torch.Tensor]]] = []
    for one in fits:
        values = one.values()
        if not any(_equal(values, others) for _, others in found):
            found.append((one, values))
    return [one for one, _ in found]


def _equal(one: Tensors, other: Tensors) -> bool:
    """Tell whether two sets have the same names and values."""
    return one.keys() == other.keys() and all(
        value is other[name]
        or (isinstance(value, torch.Tensor) and torch.equal(value, other[name]))
        for name, value in one.items()
    )


def _missing(network: torch.nn.Module, submodule: str | None, best: FittingSet) -> Iterator[str]:
    """Yield the tensors of the used network that got no value from the file."""
    prefix = "" if submodule is None else f"{submodule}."
    given = {
        join(one.part.path, name)
        for one in (best, best.base)
        if one is not None
        for name in one.part.own
        if name not in one.left
    }
    yield from (
        name for name in network.state_dict() if name.startswith(prefix) and name not in given
    )


def _check_no_average(
    name: str,
    parts: Sequence[Part],
    best: FittingSet,
    others: Mapping[str, torch.Tensor],
    everything: Sequence[Candidate],
) -> None:
    """Refuse a set if something beside it looks like an average and does not fit.

    Weights are refused if the tensors that are named like an average hold at least half as many
    numbers as the network. An average is refused if another one is as large as the network; the
    average of a discriminator usually has another size.

    Args:
        name: Name of the file, for messages.
        parts: The network, and what it wraps.
        best: The set that was chosen.
        others: All tensors by their full path, without those of the sets that fit.
        everything: All sets of tensors in the file.
    """
    by_form = {
        id(value): one.path
        for one in everything
        if COUNTER_OF_AVERAGES in one.tensors
        for value in one.tensors.values()
    }
    # For each key of the file: how many numbers below it seem to be an average, by place.
    suspected: dict[str, Counter[str]] = defaultdict(Counter)
    for path, value in others.items():
        place = suspected_average(path) or by_form.get(id(value))
        if place is not None:
            keys = path.split(".")
            for count in range(len(keys) + 1):
                suspected[".".join(keys[:count])][place] += value.numel()
    size = max(best.part.num_elements, 1)
    if best.candidate.averaged:
        shapes = [shape_of(value) for value in best.part.own.values()]
        whole = sum(shape.numel() for shape in shapes if shape is not None)
        found = [one for one in suspected.values() if size <= one.total() <= 1.01 * whole]
    else:
        found = [one for one in suspected.values() if 2 * one.total() >= size]
    if not found:
        return
    ((place, _),) = found[0].most_common(1)
    more = len(found[0]) - 1
    looks = f"'{place or '.'}'" + (f" and {more} more look" if more else " looks")
    fits = f"{'do' if more else 'does'} not fit the network"
    sets = [one for one in everything if one.lies_under(place)]
    remedy = (
        "correct entry or kwargs so that the average fits"
        if sets and not more
        else "save the average's state dict in a file of its own"
    )
    if sets:
        nearest = nearest_misfit(parts, sets)
        if faults := nearest.told():
            fits += f" ({faults})"
            if nearest.diverged():
                remedy = "take a checkpoint from before the average diverged"
        else:  # it fits, but its name does not make it an average
            fits = "could be taken too"
            remedy = f"for the other {_typed(nearest.candidate)}"
    which = "this average" if best.candidate.averaged else "these weights without averaging"
    raise InputError(
        f"{name}: {looks} like an average of weights and {fits}, while "
        f"'{best.candidate.path or '.'}' fits",
        "a choice between an average and what lies beside it",
        f"for {which} add {_typed(best.candidate)}, or {remedy}",
    )


def _typed(candidate: Candidate) -> str:
    """Return the option that names a set of tensors."""
    return spelt(key=candidate.path or ".")


def _no_tensors(name: str, key: str | None, everything: Sequence[Candidate]) -> InputError:
    """Return the error for a file or a key without tensors."""
    found = first_few([repr(one.path) for one in everything if one.path]) or "no tensors"
    return InputError(
        f"{name}: {f'no tensors under key {key!r}' if key else 'holds no tensors of a network'}",
        f"a state dict (this has {found})",
        "name one of them with --key NAME" if key else "save the network's state_dict()",
    )
