"""The file of a report, or of a baseline, and the influence values beside it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

from ganeval.errors import InputError
from ganeval.influence import Influence
from ganeval.json_text import parse_json
from ganeval.results.differences import Difference
from ganeval.results.influence_file import beside, load_influences, scores_digest
from ganeval.results.records import Provenance, check_type, read_record
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
        content = parse_json(path.read_bytes())
        check_type(content, Mapping[str, Any], "it")
        if content["schema"] != schema:
            raise refuse(f"schema {content['schema']!r}")
        check_type(content["scores"], tuple[Any, ...], "scores")
        rows = tuple(_row(entry, f"score {at}") for at, entry in enumerate(content["scores"]))
        differences, rank = content.get("comparisons", []), content.get("rank")
        check_type(differences, tuple[Any, ...], "comparisons")
        pairs = tuple(
            _difference(entry, f"comparison {at}") for at, entry in enumerate(differences)
        )
        _check_scored(pairs, rows)
        check_type(rank, str | None, "rank")
        provenance = content["provenance"]
        check_type(provenance, Mapping[str, Any], "provenance")
        for key, hint in get_type_hints(Provenance).items():
            if key in provenance:
                check_type(provenance[key], hint, f"{key} of the provenance")
        digest = scores_digest(content["scores"])
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such file", f"a file written with {made_by}", remedy
        ) from error
    except KeyError as error:
        raise refuse(f"no {error.args[0]} in it") from error
    except (OSError, ValueError) as error:
        raise refuse(error) from error
    return rows, provenance, _influences(beside(path), digest, rows), pairs, rank and _name(rank)


def _check_scored(pairs: Sequence[Difference], rows: Sequence[ScoreRow]) -> None:
    """Raise ValueError for differences of samples that have no score."""
    samples = {row.sample for row in rows}
    for pair in pairs:
        for sample in (pair.sample, pair.other):
            if sample not in samples:
                raise ValueError(f"a comparison of {sample!r}, which has no score")


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


def _row(entry: Any, name: str) -> ScoreRow:
    """Return a score from its JSON form; `name` is what messages call it.

    Raises:
        ValueError: It is none.
    """
    row = read_record(ScoreRow, entry, name)
    if row.direction not in ("lower", "higher"):
        raise ValueError(f"direction of {name} is {row.direction!r}")
    return replace(row, name=_name(row.name))


def _difference(entry: Any, name: str) -> Difference:
    """Return a difference from its JSON form; as `_row`."""
    one = read_record(Difference, entry, name)
    return replace(one, name=_name(one.name))
