"""The influence of each image on each score, in a safetensors file beside a report."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from ganeval.errors import InputError, UsageError
from ganeval.influence import Influence
from ganeval.json_text import parse_json
from ganeval.results.row import Key

SCHEMA = "ganeval.influence/1"
_CARD_KEY = "ganeval.influence"
_FIELDS = ("sample", "reference", "remainder")
# What a card raises that is another record, or of which a tensor is missing.
_DAMAGE = (
    *(safetensors.SafetensorError, OSError, ValueError),
    *(KeyError, TypeError, AttributeError),
)


def beside(path: Path) -> Path:
    """Return where the influences of the report at `path` are."""
    return path.with_suffix(".influence.safetensors")


def check_beside(path: Path) -> None:
    """Refuse, before any work, a report whose influence values would replace a file of others.

    Raises:
        UsageError: There is such a file, and it is none of influence values.
    """
    other = beside(path)
    if path.suffix.lower() != ".json" or not other.exists():
        return
    try:
        with safetensors.safe_open(other, framework="np") as file:
            ours = _CARD_KEY in (file.metadata() or {})
    except (safetensors.SafetensorError, OSError):
        ours = False
    if not ours:
        raise UsageError(
            f"{other}: is there already, and holds no influence values",
            f"a free name for those of {path.name}",
            "move it away, or choose another name with -o",
        )


def scores_digest(scores: Any) -> str:
    """Return the digest that ties the file to a report's scores, given as JSON values."""
    text = json.dumps(scores, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return f"sha256:{hashlib.sha256(text.encode('ascii')).hexdigest()}"


def packed(influences: Mapping[Key, Influence], digest: str) -> bytes:
    """Return the file's content; the same influences always give the same bytes.

    The tensors are called after their score's place in the card and the side, `"0.sample"`.

    Args:
        influences: By score.
        digest: Of the report's scores.
    """
    tensors: dict[str, np.ndarray[Any, Any]] = {}
    entries = []
    for at, ((sample, reference, name), influence) in enumerate(influences.items()):
        sides = {field: getattr(influence, field) for field in _FIELDS}
        sides = {field: values for field, values in sides.items() if values is not None}
        tensors |= {f"{at}.{field}": values for field, values in sides.items()}
        entries.append(
            {
                "sample": sample,
                "reference": reference,
                "name": name,
                "sha256": {field: _digest(values) for field, values in sides.items()},
            }
        )
    card = {"schema": SCHEMA, "scores_digest": digest, "scores": entries}
    # One metadata entry, because the order of several is not fixed in the file.
    metadata = {_CARD_KEY: json.dumps(card, sort_keys=True)}
    return safetensors.numpy.save(tensors, metadata=metadata)


def load_influences(path: Path, digest: str) -> dict[Key, Influence] | None:
    """Return the influences by score; None where the file belongs to other scores.

    Raises:
        InputError: The file is damaged.
        FileNotFoundError: There is none.
    """
    path.stat()
    try:
        with safetensors.safe_open(path, framework="np") as file:
            card = parse_json((file.metadata() or {})[_CARD_KEY])
            if card["schema"] != SCHEMA:
                raise ValueError(f"schema {card['schema']!r}")
            if card["scores_digest"] != digest:
                return None
            return {
                (entry["sample"], entry["reference"], entry["name"]): Influence(
                    **{
                        field: _checked(file.get_tensor(f"{at}.{field}"), wanted)
                        for field, wanted in entry["sha256"].items()
                    }
                )
                for at, entry in enumerate(card["scores"])
            }
    except _DAMAGE as error:
        raise InputError(
            f"{path}: damaged ({error})",
            "the influence values of the report beside it",
            "copy both files again, or make them anew with -o RUN.json",
        ) from error


def _checked(values: np.ndarray[Any, Any], wanted: str) -> np.ndarray[Any, Any]:
    """Return a tensor whose digest is the wanted one."""
    if values.dtype != np.float64 or values.ndim != 1 or _digest(values) != wanted:
        raise ValueError("a digest does not match")
    if not np.isfinite(values).all():
        raise ValueError("a value is not finite")
    return values


def _digest(values: np.ndarray[Any, Any]) -> str:
    """Return the hex SHA-256 of an array's bytes."""
    return hashlib.sha256(np.ascontiguousarray(values).view(np.uint8).data).hexdigest()
