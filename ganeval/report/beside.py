"""The files beside a report: tensors by score or metric, tied to the scores by a digest."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from ganeval.errors import InputError, UsageError
from ganeval.machine.json_text import parse_json
from ganeval.scores.row import ROLES, Key, key_of

Tensor = np.ndarray[Any, Any]

# What reading a card raises if it is another record, or if a tensor is missing.
_DAMAGE = (
    *(safetensors.SafetensorError, OSError, ValueError),
    *(KeyError, TypeError, AttributeError),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The entry of one score or metric in such a file.

    Attributes:
        tensors: float64 tensors by name; the names have no meaning here.
        said: JSON values that belong to the tensors.
    """

    tensors: Mapping[str, Tensor]
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A kind of file that is written beside reports.

    Attributes:
        name: The file beside `RUN.json` is `RUN.NAME.safetensors`.
        what: Name of its content in messages.
    """

    name: str
    what: str

    @property
    def _card_key(self) -> str:
        return f"ganeval.{self.name}"

    @property
    def _schema(self) -> str:
        return f"ganeval.{self.name}/1"

    def path(self, report: Path) -> Path:
        """Return the path of the file of a report."""
        return report.with_suffix(f".{self.name}.safetensors")

    def check(self, report: Path) -> None:
        """Refuse, before any work, a report whose file would replace a foreign file.

        Raises:
            UsageError: There is such a file, and it is of another kind.
        """
        other = self.path(report)
        if report.suffix.lower() != ".json" or not other.exists():
            return
        try:
            with safetensors.safe_open(other, framework="np") as file:
                ours = self._card_key in (file.metadata() or {})
        except (safetensors.SafetensorError, OSError):
            ours = False
        if not ours:
            raise UsageError(
                f"{other}: exists already, and has no {self.what}",
                f"a free name for the {self.what} of {report.name}",
                "move it away, or choose another name with -o",
            )

    def packed(self, entries: Mapping[Key, Entry], digest: str) -> bytes:
        """Return the file's content; the same entries always give the same bytes.

        The tensors are called after their entry's place in the card, `"0.sample"`.

        Args:
            entries: Entries by score or metric.
            digest: Digest of the report's scores.
        """
        tensors: dict[str, Tensor] = {}
        cards = []
        for at, (key, entry) in enumerate(entries.items()):
            tensors |= {f"{at}.{field}": values for field, values in entry.tensors.items()}
            cards.append(
                {
                    "sample": key.sample,
                    **{role: getattr(key, role) for role in ROLES},
                    "name": key.label,
                    "sha256": {field: _digest(values) for field, values in entry.tensors.items()},
                    **entry.said,
                }
            )
        card = {"schema": self._schema, "scores_digest": digest, "scores": cards}
        # One metadata entry, because the order of several is not fixed in the file.
        metadata = {self._card_key: json.dumps(card, sort_keys=True)}
        return safetensors.numpy.save(tensors, metadata=metadata)

    def load(self, path: Path, digest: str) -> dict[Key, Entry] | None:
        """Return the entries of a file; None if it belongs to other scores.

        Raises:
            InputError: The file is damaged.
            FileNotFoundError: There is none.
        """
        path.stat()
        try:
            with safetensors.safe_open(path, framework="np") as file:
                card = parse_json((file.metadata() or {})[self._card_key])
                if card["schema"] != self._schema:
                    raise ValueError(f"schema {card['schema']!r}")
                if card["scores_digest"] != digest:
                    return None
                return {
                    key_of(entry["sample"], _sources(entry), entry["name"]): Entry(
                        tensors={
                            field: _checked(file.get_tensor(f"{at}.{field}"), wanted)
                            for field, wanted in entry["sha256"].items()
                        },
                        said=entry,
                    )
                    for at, entry in enumerate(card["scores"])
                }
        except _DAMAGE as error:
            raise InputError(
                f"{path}: damaged ({error})",
                f"the {self.what} of the report beside it",
                "copy both files again, or make them again with -o RUN.json",
            ) from error


def _sources(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return the sources other than the sample; older files have only the reference."""
    return {role: entry[role] for role in ROLES if entry.get(role) is not None}


def scores_digest(scores: Any) -> str:
    """Return the digest that ties a file to a report's scores, given as JSON values."""
    text = json.dumps(scores, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return f"sha256:{hashlib.sha256(text.encode('ascii')).hexdigest()}"


def _checked(values: Tensor, wanted: str) -> Tensor:
    """Return a tensor, after comparing its digest."""
    if values.dtype != np.float64 or _digest(values) != wanted:
        raise ValueError("a digest does not match")
    return values


def _digest(values: Tensor) -> str:
    """Return the hex SHA-256 of an array's bytes."""
    return hashlib.sha256(np.ascontiguousarray(values).view(np.uint8).data).hexdigest()
