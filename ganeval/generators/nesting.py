"""The sets of tensors in a checkpoint, however nested, and what each of them is."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ganeval.errors import InputError

Tensors = Mapping[str, torch.Tensor]

_DEPTH = 16  # of containers in containers; real checkpoints have four
_PREFIXES = 8  # parts of a name that may lead to a network: `state.g_ema.module._orig_mod.x`
_MOST_CONTAINERS = 100_000

# What words of a path say about the tensors below it; the last word that is listed counts.
_AVERAGE = {"ema", "emas", "gema", "ewma", "averaged", "average", "averages", "averager"} | {
    *("averaging", "avg", "mavg", "shadow", "smooth", "smoothed", "swa", "polyak", "running", "gs")
}
_NO_AVERAGE = {"backup", "collected", "current", "online", "raw"}
_TRAINING = {"adam", "grad", "gradients", "grads", "momentum", "opt", "optim", "velocity"} | {
    *("optimizer", "optimizers", "optimiser", "optimisers")
}
# An optimiser keeps averages that are not of weights: exp_avg_sq, square_avg, grad_avg.
_MOMENTS = {"exp", "max", "sq", "var", "diff", "row", "col", "res", "slow", "fast", "avg"}
_OF_GRADIENTS = {"grad", "grads", "gradient", "gradients", "square"}
# Words for what is often an average but may be another network; no set is taken because of them.
_SUSPECT = {"teacher", "momentum"}
_KEY = re.compile(r"[^./:]*_\d+\.\d+(?![^./:])|[^./:]+")  # `ema_0.999` is one key
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_MARK = re.compile(r"(?:averaged|avg|ema|shadow|swa)_")  # in front of the names in a flat file
# torch.optim.swa_utils.AveragedModel counts its updates under this name, beside `module.`.
COUNTER_OF_AVERAGES = "n_averaged"

_DTYPES = {
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.float8_e4m3fn, torch.float8_e5m2, torch.bool),
    *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A set of tensors.

    Attributes:
        path: The keys and prefixes that lead to it, `"g_ema.module"`; "" at the top.
        tensors: The tensors by name, or by number in a list.
        averaged: Whether names or form say that it is a moving average of weights.
    """

    path: str
    tensors: Tensors
    averaged: bool

    @property
    def of_training(self) -> bool:
        """Whether its path says that it is the state of an optimiser, not weights."""
        return "exp_avg" in self.path or not _TRAINING.isdisjoint(_words(self.path))

    @property
    def num_elements(self) -> int:
        """How many numbers it holds."""
        return sum(
            value.numel() for value in self.tensors.values() if isinstance(value, torch.Tensor)
        )

    @property
    def listed(self) -> list[torch.Tensor] | None:
        """The tensors of a list; None if they have names."""
        numbers = [str(number) for number in range(len(self.tensors))]
        if self.tensors.keys() != set(numbers):
            return None
        return [self.tensors[number] for number in numbers]

    def lies_under(self, key: str) -> bool:
        """Tell whether its path is `key` or lies below it; "." is the top of the file."""
        return key == "." or self.path == key or self.path.startswith(f"{key}.")

    def inside(self, other: "Candidate") -> bool:
        """Tell whether it is a part of another set, or that set under a longer path."""
        own = {id(value) for value in self.tensors.values()}
        others = {id(value) for value in other.tensors.values()}
        longer = self.path != other.path and (not other.path or self.lies_under(other.path))
        return own < others or (own == others and longer)


def join(path: str, key: str) -> str:
    """Return a path with a key added."""
    return f"{path}.{key}" if path and key else path or key


def candidates(content: Any, *, name: str) -> list[Candidate]:
    """Return every set of tensors in a checkpoint.

    These are the tensors in each mapping, those below each common prefix of their names
    (`module.`, `generator.`), and those in each list. A tensor of a kind that networks do not have
    is left out.

    Args:
        content: Mappings, lists and tensors, nested in any way.
        name: Name of the file, for messages.

    Raises:
        InputError: It has more containers than any real checkpoint.
    """
    return list(_Walk(name).sets(content, "", ()))


def all_tensors(
    content: Any, path: str = "", above: tuple[int, ...] = ()
) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield every tensor in a checkpoint with its full path.

    Tensors of an optimiser, and of kinds that networks do not have, are included.
    """
    for key, value in _entries(content).items():
        where = join(path, key)
        if isinstance(value, torch.Tensor):
            yield where, value
        elif (
            isinstance(value, Mapping | list | tuple)
            and id(value) not in above
            and len(above) <= _DEPTH
        ):
            yield from all_tensors(value, where, (*above, id(value)))


def suspected_average(path: str) -> str | None:
    """Return where an average of weights seems to lie, by the full path of a tensor.

    This is wider than the rule by which a set counts as an average: the tensor's own name counts
    too, and so do teacher and momentum networks, which often are averages.

    Returns:
        The path up to the first key that says so; None if the tensor seems to be something else.
    """
    place = None
    for match in _KEY.finditer(path):
        words = _words(match[0])
        if {"exp", "avg"} <= set(words) <= _MOMENTS or not _OF_GRADIENTS.isdisjoint(words):
            continue
        ignored = set()
        if not {"mean", "var"}.isdisjoint(words):
            ignored.add("running")  # the statistics of BatchNorm
        others = _TRAINING.intersection(_words(path)) | {"buffer", "buffers"}.intersection(words)
        if others != {"momentum"} or len(words) == 1:
            ignored.add("momentum")  # the momentum of an optimiser
        telling = [one for one in words if one in (_AVERAGE | _SUSPECT | _NO_AVERAGE) - ignored]
        if telling and telling[-1] in _NO_AVERAGE:
            place = None
        elif telling or "generator_test" in match[0]:
            place = place or path[: match.end()]
    return place


class _Walk:
    """One walk through a checkpoint, whose containers may contain themselves, or be millions."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.num_seen = 0

    def sets(self, content: Any, path: str, above: tuple[int, ...]) -> Iterator[Candidate]:
        """Yield the sets of tensors in a container, and in those that it contains."""
        self.num_seen += 1
        if self.num_seen > _MOST_CONTAINERS:
            raise InputError(
                f"{self.name}: holds more than {_MOST_CONTAINERS:,} dicts and lists",
                "tensors by name (a state dict)",
                "save the network's state_dict()",
            )
        entries = _entries(content)
        tensors = {
            key: value
            for key, value in entries.items()
            if _is_plain(value)
            or (key.endswith("_extra_state") and not isinstance(value, torch.Tensor))
        }
        yield from _by_prefix(tensors, path, _PREFIXES, averaged=False)
        if len(above) == _DEPTH:
            return
        for key, value in entries.items():
            if isinstance(value, Mapping | list | tuple) and id(value) not in above:
                yield from self.sets(value, join(path, key), (*above, id(value)))


def _entries(content: Any) -> dict[str, Any]:
    """Return what is in a mapping, a list, or a list of names with values, by name or number."""
    if isinstance(content, Mapping):
        return {str(key): value for key, value in content.items()}
    if content and all(
        isinstance(one, list | tuple) and len(one) == 2 and isinstance(one[0], str)
        for one in content
    ):
        return dict(content)
    return {str(number): value for number, value in enumerate(content)}


def _by_prefix(tensors: Tensors, path: str, depth: int, *, averaged: bool) -> Iterator[Candidate]:
    """Yield a set of tensors, and the set below each common prefix of their names."""
    if not any(isinstance(value, torch.Tensor) for value in tensors.values()):
        return
    averaged = averaged or COUNTER_OF_AVERAGES in tensors

    def candidate(path: str, tensors: Tensors) -> Candidate:
        return Candidate(path, tensors, averaged or _is_average(path))

    yield candidate(path, tensors)
    marks = {match[0] for key in tensors if (match := _MARK.match(key))}
    for mark in sorted(marks):
        marked = {key.removeprefix(mark): tensors[key] for key in tensors if key.startswith(mark)}
        if len(marked) < len(tensors):
            yield candidate(join(path, mark), marked)
            yield candidate(path, {key: tensors[key] for key in tensors if mark not in key})
    groups: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        prefix, dot, rest = key.partition(".")
        if dot:
            groups.setdefault(prefix, {})[rest] = value
    if depth:
        for prefix in sorted(groups):
            yield from _by_prefix(groups[prefix], join(path, prefix), depth - 1, averaged=averaged)


def _words(path: str) -> list[str]:
    """Return the words in a path, in lower case: g, ema of `G_ema` and of `emaG`."""
    return [word.lower() for word in _WORD.findall(path)]


def _is_average(path: str) -> bool:
    """Tell whether a path says that a moving average of weights lies there."""
    for word in reversed(_words(path)):
        if word in _AVERAGE or word in _NO_AVERAGE:
            return word in _AVERAGE
    return "generator_test" in path  # the average of GAN_stability


def _is_plain(value: object) -> bool:
    """Tell whether a value is a tensor of the kind that networks have."""
    if not isinstance(value, torch.Tensor) or value.is_quantized or value.is_nested:
        return False
    return value.layout is torch.strided and value.dtype in _DTYPES and not value.is_meta
