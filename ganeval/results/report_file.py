"""The file of a report, or of a baseline, and the influence values beside it."""

import json
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganeval.errors import InputError
from ganeval.influence import Influence
from ganeval.results.differences import Difference
from ganeval.results.influence_file import beside, load_influences, scores_digest
from ganeval.results.row import Key, ScoreRow

log = logging.getLogger(__name__)

# Spellings of scores in the files of older versions.
_OLD_NAMES = {"fid_debiased": "fid-debiased", "fid_infinity": "fid-infinity"}

Parts = tuple[
    tuple[ScoreRow, ...],
    Mapping[str, Any],
    Mapping[Key, Influence],
    tuple[Difference, ...],
    str | None,
]
"""The fields of a `Report`, in its order."""


def read_parts(path: Path, *, schema: str, made_by: str, remedy: str = "check the name") -> Parts:
    """Read a file of a report's form, and the influence values beside it if they are its own.

    Args:
        path: The file.
        schema: That it must have.
        made_by: What writes such files.
        remedy: What to do if there is none.

    Raises:
        InputError: The file is of another form or schema; or the influence values are damaged.
    """

    def refuse(reason: object) -> InputError:
        kind = schema.partition("/")[0].replace(".", " ")
        return InputError(
            f"{path}: no {kind} ({reason})", f"a file with schema {schema}", "check the name"
        )

    if path.exists() and not path.is_file():  # opening a pipe would wait for ever
        raise refuse("not a regular file")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != schema:
            raise refuse(f"schema {content['schema']!r}")
        rows = tuple(_row(entry) for entry in content["scores"])
        pairs = tuple(_difference(entry) for entry in content.get("comparisons", []))
        rank, provenance = content.get("rank"), content["provenance"]
        digest = scores_digest(content["scores"])
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such file", f"a file written with {made_by}", remedy
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise refuse(error) from error
    return rows, provenance, _influences(beside(path), digest, rows), pairs, rank and _name(rank)


def _influences(path: Path, digest: str, rows: Sequence[ScoreRow]) -> dict[Key, Influence]:
    """Return the influence values that belong to the scores of `digest`; none if there are none."""
    try:
        influences = load_influences(path, digest)
    except FileNotFoundError:
        return {}
    if influences is None:
        log.warning("%s: belongs to other scores than the report beside it; left aside", path)
    own = {row.key for row in rows}
    # Older files name a score without its options.
    older = {(row.sample, row.reference, row.name): row.key for row in rows}
    spelt = {
        (sample, reference, _name(name)): values
        for (sample, reference, name), values in (influences or {}).items()
    }
    return {key if key in own else older.get(key, key): values for key, values in spelt.items()}


def _name(name: str) -> str:
    """Return a score's name as it is spelt now."""
    return _OLD_NAMES.get(name, name)


def _row(entry: Mapping[str, Any]) -> ScoreRow:
    """Return a score from its JSON form."""
    interval = entry["interval"]
    row = ScoreRow(
        **{
            **entry,
            "name": _name(entry["name"]),
            "interval": None if interval is None else (interval[0], interval[1]),
            "notes": tuple(entry["notes"]),
        }
    )
    if not math.isfinite(row.value):
        raise ValueError(f"score {row.name} is not finite")
    return row


def _difference(entry: Mapping[str, Any]) -> Difference:
    """Return a difference from its JSON form."""
    interval = entry["interval"]
    return Difference(
        **{
            **entry,
            "name": _name(entry["name"]),
            "interval": None if interval is None else (interval[0], interval[1]),
            "notes": tuple(entry["notes"]),
        }
    )
