"""Check whether a set of tensors fits a network, by what torch itself would load into it."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.nn.parameter import (
    UninitializedBuffer,
    UninitializedParameter,
)

from ganeval.generators.nesting import Candidate, Tensors, join

# Wrappers put one of these into the names of what they wrap, at any place.
_WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
_COUNTER = "num_batches_tracked"  # of BatchNorm; it plays no part in evaluation
_OPEN = (UninitializedParameter, UninitializedBuffer)  # the tensors of lazy layers
NOT_FINITE = "with NaN or infinity"
_JOINTS = re.compile(r"[._/-]")


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """The outcome of loading a set of tensors into a network.

    Attributes:
        left: The network's tensors that keep their values.
        unplaced: Tensors that the network has no place for.
        wrong: Names by what is wrong with the tensors: shape, kind, values.
    """

    left: list[str]
    unplaced: list[str]
    wrong: Mapping[str, list[str]]


class Part:
    """A network, or the one part of it that is to be filled.

    Attributes:
        path: Path of the part in the network; "" for the whole.
        module: The part.
        own: Its tensors by name.
        optional: Names of the tensors that may keep their values.
        weights: The parameters that training changes; an average of weights has all of these.
    """

    def __init__(self, path: str, module: torch.nn.Module, may_miss: Callable[[str], bool]) -> None:
        self.path = path
        self.module = module
        self.own = module.state_dict(keep_vars=True)
        self.optional = {
            name for name in self.own if name.endswith(_COUNTER) or may_miss(join(path, name))
        }
        needed = {
            name: value for name, value in module.named_parameters() if name not in self.optional
        }
        trained = {name: value for name, value in needed.items() if value.requires_grad}
        self.weights = trained or needed

    @property
    def num_elements(self) -> int:
        """How many numbers its weights hold, without layers whose shape is open."""
        return sum(value.numel() for value in self.weights.values() if not isinstance(value, _OPEN))

    def readings(self, candidate: Candidate) -> Iterator[dict[str, torch.Tensor]]:
        """Yield a set of tensors under the network's names, in each way that it can be read."""
        listed = candidate.listed
        if listed is not None and (ordered := self.by_order(listed)) is not None:
            yield ordered
        yield self.by_name(candidate.tensors)
        yield from self.by_bare_name(candidate.tensors)

    def by_name(self, given: Tensors) -> dict[str, torch.Tensor]:
        """Return tensors under the network's names, without the names of wrappers in theirs."""
        names = _unique((_without_wrappers(name), name) for name in self.own)
        places = _unique((_without_wrappers(name), name) for name, _ in self.module.named_modules())
        renamed: dict[str, torch.Tensor] = {}
        for key, value in given.items():
            name = key
            if key not in self.own:
                plain = _without_wrappers(key)
                # A hook of the layer may know the last part of the name, but we do not.
                place, _, last = plain.rpartition(".")
                name = names.get(plain) or (join(places[place], last) if place in places else plain)
            if name in renamed:
                return dict(given)
            renamed[name] = value
        return self._with_aliases(renamed)

    def by_bare_name(self, given: Tensors) -> Iterator[dict[str, torch.Tensor]]:
        """Yield tensors whose names are the weights' without dots, after a common beginning.

        LDM's LitEma keeps `model.fc.weight` as `modelfcweight`; others put `_` for the dots.
        """
        if any("." in key for key in given):
            return
        names = _unique((_JOINTS.sub("", name), name) for name in self.own)
        bare = _unique((_JOINTS.sub("", key), key) for key in given)
        longest = max((_JOINTS.sub("", name) for name in self.weights), key=len, default="")
        beginnings = {key.removesuffix(longest) for key in bare if key.endswith(longest)}
        for beginning in sorted(beginnings):
            found = {
                names.get(key.removeprefix(beginning), key): given[bare[key]]
                for key in bare
                if key.startswith(beginning)
            }
            if self.weights.keys() <= found.keys():
                yield self._with_aliases(found)

    def by_order(self, given: list[torch.Tensor]) -> dict[str, torch.Tensor] | None:
        """Return a list of tensors under the network's names; None if their shapes differ."""
        for places in (self.weights, dict(self.module.named_parameters()), self.own):
            if len(places) == len(given) and all(
                shape_of(place) in (None, value.shape)
                for place, value in zip(places.values(), given, strict=True)
            ):
                return self._with_aliases(dict(zip(places, given, strict=True)))
        return None

    def _with_aliases(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return tensors, and once more those that the network has under a second name."""
        first: dict[int, str] = {}
        for name, value in self.own.items():
            if name in tensors:
                first.setdefault(id(value), name)
        added = {
            name: tensors[first[id(value)]]
            for name, value in self.own.items()
            if name not in tensors and id(value) in first
        }
        return tensors | added

    def outcome(self, tensors: Tensors) -> LoadOutcome:
        """Load tensors into the network with its hooks, record the outcome, and undo it."""
        refused: list[str] = []
        unplaced = [name for name in tensors if name not in self.own]
        with _undone(self.module):
            try:
                keys = torch.nn.Module.load_state_dict(
                    self.module, dict(tensors), strict=False, assign=True
                )
                unplaced = keys.unexpected_keys
            except Exception as error:  # torch, or a hook of the network's, refuses them
                refused = [line.strip() for line in str(error).splitlines()[1:2]] or [repr(error)]
            after = self.module.state_dict(keep_vars=True)
        left = [
            name
            for name, own in self.own.items()
            if after.get(name) is own or isinstance(after.get(name), _OPEN)
        ]
        misshapen = [
            f"{name} {list(tensors[name].shape)} instead of {list(self.own[name].shape)}"
            for name in left
            if name in tensors and shape_of(self.own[name]) not in (None, shape_of(tensors[name]))
        ]
        return LoadOutcome(
            left=[
                name for name in left if name not in tensors and name.rpartition(".")[2] != _COUNTER
            ],
            unplaced=unplaced,
            wrong={
                "of another shape": misshapen,
                NOT_FINITE: [name for name, value in tensors.items() if not _is_finite(value)],
                "refused by torch": [] if misshapen else refused,
            },
        )


@dataclass(frozen=True, slots=True)
class FittingSet:
    """A set of tensors that fits.

    Attributes:
        candidate: The set.
        part: What it fits.
        tensors: The set under the names of the part, as `load_state_dict` takes them.
        rest: Names of what another set has to give: buffers and frozen parameters.
        left: Names of tensors that keep their values if no other set gives them.
        base: The set that gives the rest.
    """

    candidate: Candidate
    part: Part
    tensors: Tensors
    rest: frozenset[str]
    left: frozenset[str]
    base: "FittingSet | None" = None

    def load(self) -> None:
        """Load the set that completes this one, if there is one, and then these tensors."""
        if self.base is not None:
            self.base.load()
        torch.nn.Module.load_state_dict(self.part.module, dict(self.tensors), strict=False)

    def values(self) -> dict[str, torch.Tensor]:
        """Return all tensors by their names in the whole network, without counters."""
        return (self.base.values() if self.base else {}) | {
            join(self.part.path, name): value
            for name, value in self.tensors.items()
            if not name.endswith(_COUNTER)
        }


def fit(part: Part, candidate: Candidate) -> FittingSet | None:
    """Return how a set of tensors fits a part of a network, or None if it does not.

    A set fits if torch loads all of it and all that the part needs is there. A set that has only
    the weights, as averages of weights often do, fits with a rest.
    """
    # The hooks of a layer may change names and shapes of tensors, but not their size.
    if 2 * candidate.num_elements < part.num_elements:
        return None
    for tensors in part.readings(candidate):
        outcome = part.outcome(tensors)
        kept = tensors
        if candidate.averaged:  # its decay and counters are not weights
            unplaced = [name for name in outcome.unplaced if shape_of(tensors.get(name)) != ()]
            kept = {name: one for name, one in tensors.items() if name not in outcome.unplaced}
        else:
            unplaced = outcome.unplaced
        rest = set(outcome.left) - part.optional
        if unplaced or any(outcome.wrong.values()) or rest & part.weights.keys():
            continue
        return FittingSet(candidate, part, kept, frozenset(rest), frozenset(outcome.left))
    return None


@contextmanager
def _undone(module: torch.nn.Module) -> Iterator[None]:
    """Put every tensor of a network back afterwards, as the same object."""
    before = [(one, dict(one._parameters), dict(one._buffers)) for one in module.modules()]
    for one, parameters, buffers in before:  # loading fixes the shape of a lazy tensor
        for name, value in parameters.items():
            if isinstance(value, UninitializedParameter):
                one._parameters[name] = UninitializedParameter(requires_grad=value.requires_grad)
        for name, buffer in buffers.items():
            if isinstance(buffer, UninitializedBuffer):
                one._buffers[name] = UninitializedBuffer()
    try:
        yield
    finally:
        for one, parameters, buffers in before:
            for name, own in [*parameters.items(), *buffers.items()]:
                if getattr(one, name, None) is not own:
                    setattr(one, name, own)


def shape_of(value: object) -> torch.Size | None:
    """Return the shape of a tensor; None if it is open, or if the value is not a tensor."""
    return value.shape if isinstance(value, torch.Tensor) and not isinstance(value, _OPEN) else None


def _without_wrappers(name: str) -> str:
    """Return a name without the parts that wrappers put into it."""
    return ".".join(part for part in name.split(".") if part not in _WRAPPERS)


def _unique(pairs: Iterator[tuple[str, str]]) -> dict[str, str]:
    """Return a mapping of the pairs whose first text occurs once."""
    found: dict[str, list[str]] = {}
    for short, name in pairs:
        found.setdefault(short, []).append(name)
    return {short: names[0] for short, names in found.items() if len(names) == 1}


def _is_finite(value: object) -> bool:
    """Tell whether a tensor has neither NaN nor infinity."""
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        return True
    wide = value.float() if value.element_size() == 1 else value  # isfinite does not take float8
    return bool(torch.isfinite(wide).all())
