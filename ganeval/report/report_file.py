"""The file of a report, or of a baseline, and the influence values beside it."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from ganeval.errors import InputError
from ganeval.machine.json_text import parse_json
from ganeval.report.beside import scores_digest
from ganeval.report.influence_file import INFLUENCES, load_influences
from ganeval.report.items import ITEMS, MetricItems, load_items
from ganeval.report.older import (
    filled_differences,
    filled_keys,
    filled_provenance,
    filled_rank,
    filled_row,
)
from ganeval.report.records import Provenance, check_type, read_record
from ganeval.scores.difference import Difference
from ganeval.scores.influence import Influence
from ganeval.scores.kind import ScoreKind
from ganeval.scores.label import name_in
from ganeval.scores.row import Key, ScoreRow

log = logging.getLogger(__name__)

Parts = tuple[
    tuple[ScoreRow, ...],
    Mapping[str, Any],
    Mapping[Key, Influence],
    tuple[Difference, ...],
    str | None,
    Mapping[Key, MetricItems],
]
"""The fields of a `Report`, in its order."""


def read_parts(path: Path, *, schema: str, made_by: str, remedy: str = "check the name") -> Parts:
    """Read a file of a report's form, and the influence values beside it if they belong to it.

    Args:
        path: The file.
        schema: Schema that it must have.
        made_by: Command that writes such files.
        remedy: What to do if there is no such file.

    Raises:
        InputError: The file has another form or schema, or the influence values are damaged.
    """

    def refuse(reason: object) -> InputError:
        kind = schema.partition("/")[0].replace(".", " ")
        return InputError(
            f"{path}: not a {kind} ({reason})", f"a file with schema {schema}", "check the name"
        )

    if path.exists() and not path.is_file():  # opening a pipe would wait for ever
        raise refuse("not a regular file")
    try:
        content = parse_json(path.read_bytes())
        check_type(content, Mapping[str, Any], "it")
        if content["schema"] != schema:
            raise refuse(f"schema {content['schema']!r}")
        rows, provenance, pairs, rank = _checked(content)
        digest = scores_digest(content["scores"])
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such file", f"a file written with {made_by}", remedy
        ) from error
    except KeyError as error:
        raise refuse(f"no {error.args[0]} in it") from error
    except (OSError, ValueError) as error:
        raise refuse(error) from error
    influences = _left_beside(load_influences, INFLUENCES.path(path), digest)
    items = _left_beside(load_items, ITEMS.path(path), digest)
    return rows, provenance, filled_keys(influences, rows), pairs, rank, items


def _checked(content: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return scores, provenance, differences and rank of a file's content.

    Raises:
        KeyError: One is missing.
        ValueError: One has another form.
    """
    scores, differences = content["scores"], content.get("comparisons", [])
    rank, provenance = content.get("rank"), content["provenance"]
    for value, hint, name in (
        (scores, tuple[Any, ...], "scores"),
        (differences, tuple[Any, ...], "comparisons"),
        (rank, str | None, "rank"),
        (provenance, Mapping[str, Any], "provenance"),
    ):
        check_type(value, hint, name)
    for key, hint in get_type_hints(Provenance).items():
        if key in provenance:
            check_type(provenance[key], hint, f"{key} of the provenance")
    filled = [filled_row(entry, f"score {at}") for at, entry in enumerate(scores)]
    rows = tuple(_row(entry, f"score {at}") for at, entry in enumerate(filled))
    if filled != scores:
        provenance = filled_provenance(provenance, rows)
    pairs = tuple(
        _difference(entry, f"comparison {at}")
        for at, entry in enumerate(filled_differences(differences, rows))
    )
    samples = {row.sample for row in rows}
    for pair in pairs:
        for sample in (pair.sample, pair.other):
            if sample not in samples:
                raise ValueError(f"a comparison of {sample!r}, which has no score")
    return rows, provenance, pairs, filled_rank(rank, rows)


Content = TypeVar("Content")


def _left_beside(
    load: Callable[[Path, str], dict[Key, Content] | None], path: Path, digest: str
) -> dict[Key, Content]:
    """Return what lies beside a report with the scores of `digest`, if anything does."""
    try:
        found = load(path, digest)
    except FileNotFoundError:
        return {}
    if found is None:
        log.warning("%s: belongs to other scores than the report beside it; not used", path)
    return found or {}


def check_beside(path: Path) -> None:
    """Refuse, before any work, a report that would replace foreign files beside it.

    Raises:
        UsageError: There is such a file.
    """
    for kind in (INFLUENCES, ITEMS):
        kind.check(path)


def _row(entry: Any, name: str) -> ScoreRow:
    """Return a score from its JSON form; `name` is its name in messages.

    Raises:
        ValueError: The form is wrong.
    """
    check_type(entry, Mapping[str, Any], name)
    plain = dict(entry)
    check_type(plain["kind"], Mapping[str, Any], f"kind of {name}")
    for key in ("roles", "nums"):
        check_type(plain[key], Mapping[str, Any], f"{key} of {name}")
    for key in ("name", "direction"):
        check_type(plain[key], get_type_hints(ScoreKind)[key], f"{key} of {name}")
    plain["kind"] = plain["kind"] | {key: plain.pop(key) for key in ("name", "direction")}
    # They are written beside the other sources too, for people who read the file.
    for key, where in (("reference", "roles"), ("num_reference", "nums")):
        if plain.pop(key) != plain[where].get("reference"):
            raise ValueError(f"{key} of {name} differs from its {where}")
    return read_record(ScoreRow, plain, name)


def _difference(entry: Any, name: str) -> Difference:
    """Return a difference from its JSON form, like `_row`."""
    check_type(entry, Mapping[str, Any], name)
    plain = {key: value for key, value in entry.items() if key not in ("name", "reference")}
    found = read_record(Difference, plain, name)
    for key, own in (("name", name_in(found.label)), ("reference", found.reference)):
        if entry[key] != own:
            raise ValueError(f"{key} of {name} is {entry[key]!r:.60}, and not {own!r:.60}")
    return found
