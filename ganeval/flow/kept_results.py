"""Keep the results of our metrics, so that the same command computes nothing a second time.

A result is kept beside the features. Its key covers all that it can depend on: the metric with its
options, the key of every summary, the seed, the versions of NumPy and SciPy, and the source code of
this package. So no version has to be raised by hand when a formula changes.
"""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import ganeval
from ganeval.errors import MachineError
from ganeval.features.derived import key_of
from ganeval.features.shards import ShardStore
from ganeval.machine.json_text import parse_json
from ganeval.metrics.base import Each, Evidence, Inputs, Metric, Pairs, Result, Score
from ganeval.scores.influence import Influence

log = logging.getLogger(__name__)

_TEXT = "result"
_SIDES = ("sample", "reference")
_DAMAGE = (KeyError, ValueError, TypeError, IndexError, AttributeError)

Arrays = dict[str, npt.NDArray[Any]]


def find_result(store: ShardStore, metric: Metric, inputs: Inputs, seed: int) -> Result | None:
    """Return the kept result of a metric for these inputs, None if there is none."""
    key = _key(metric, inputs, seed)
    arrays = None if key is None else store.find_derived(key)
    if arrays is None:
        return None
    try:
        return _unpacked(metric, arrays)
    except _DAMAGE as error:  # not damaged on disk, but in another form
        log.warning("a kept result of %s: %s; computing it again", type(metric).__name__, error)
        return None


def keep_result(
    store: ShardStore, metric: Metric, inputs: Inputs, seed: int, result: Result
) -> None:
    """Keep a result for later runs; one that cannot be kept is computed again."""
    key = _key(metric, inputs, seed)
    if key is None:
        return
    try:
        store.write_derived(key, _packed(result))
    except MachineError as error:  # the run does not need it
        log.warning("%s; it will be computed again", error)


def _key(metric: Metric, inputs: Inputs, seed: int) -> str | None:
    """Return the key of a result; None for a metric of another package.

    No key of ours could cover what such a metric imports, and in which version.
    """
    if type(metric).__module__.partition(".")[0] != "ganeval":
        return None
    return key_of(
        {
            "metric": metric,
            "inputs": tuple((need, summary.key) for need, summary in inputs.items()),
            "nouns": tuple(summary.noun for summary in inputs.values()),
            "seed": seed,
            "code": _code(Path(ganeval.__file__).parent),
            "versions": tuple(version(name) for name in ("numpy", "scipy")),
        }
    )


@cache
def _code(folder: Path) -> bytes:
    """Return the SHA-256 of all source code of a package."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\n".encode("utf-8", "surrogateescape"))
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.digest()


def _packed(result: Result) -> Arrays:
    """Return a result as arrays; everything that is not an array is JSON in one of them."""
    arrays: Arrays = {}
    scores = []
    for at, score in enumerate(result.scores):
        said = {
            one.name: getattr(score, one.name)
            for one in dataclasses.fields(score)
            if one.name not in ("kind", "influence")
        }
        if score.influence is not None:
            for side in _SIDES:
                values = getattr(score.influence, side)
                if values is not None:
                    arrays[f"influence {at} {side}"] = values
        scores.append({**said, "influence": score.influence is not None})
    for name, values in result.curves.items():
        arrays[f"curve {name}"] = values
    for name, values in result.per_item.items():
        arrays[f"item {name}"] = values
    evidence = {}
    for name, one in result.evidence.items():
        arrays[f"rows {name}"], arrays[f"values {name}"] = one.rows, one.values
        pairs_to = one.view.to if isinstance(one.view, Pairs) else None
        evidence[name] = {"roles": one.roles, "title": one.title, "pairs_to": pairs_to}
    text = json.dumps({"scores": scores, "evidence": evidence}, allow_nan=False)
    arrays[_TEXT] = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    return arrays


def _unpacked(metric: Metric, arrays: Mapping[str, npt.NDArray[Any]]) -> Result:
    """Return the result that arrays hold; raise one of `_DAMAGE` if it has another form."""
    said = parse_json(arrays[_TEXT].tobytes().decode("utf-8", "surrogatepass"))
    scores = []
    for at, (kind, one) in enumerate(zip(metric.kinds, said["scores"], strict=True)):
        influence = None
        if one.pop("influence"):
            sides = {side: arrays.get(f"influence {at} {side}") for side in _SIDES}
            influence = Influence(**sides)  # type: ignore[arg-type]
        interval = one.pop("interval")
        scores.append(
            Score(
                kind=kind,
                influence=influence,
                interval=None if interval is None else (interval[0], interval[1]),
                notes=tuple(one.pop("notes")),
                **one,
            )
        )

    def named(prefix: str) -> dict[str, npt.NDArray[Any]]:
        return {
            name.removeprefix(prefix): values
            for name, values in arrays.items()
            if name.startswith(prefix)
        }

    return Result(
        scores=tuple(scores),
        curves=named("curve "),
        per_item=named("item "),
        evidence={
            name: Evidence(
                roles=tuple(one["roles"]),
                rows=arrays[f"rows {name}"],
                values=arrays[f"values {name}"],
                title=one["title"],
                view=Each() if one["pairs_to"] is None else Pairs(to=one["pairs_to"]),
            )
            for name, one in said["evidence"].items()
        },
    )
