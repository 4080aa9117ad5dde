"""Find the row of a report by a key, and name the rows of a sample in tables."""

from collections.abc import Mapping, Sequence

from ganeval.errors import UsageError
from ganeval.registry import unknown
from ganeval.scores.row import ROLES, ScoreRow

_SEVERAL = ("samples", "references", "train sources", "heldout sources")


def find_row(scores: Sequence[ScoreRow], key: Sequence[str]) -> ScoreRow:
    """Return the row that a key means: see `Report.__getitem__`.

    Raises:
        UsageError: There is none, or several.
    """
    *where, label = key
    there = [row for row in scores if row.key[: len(where)] == tuple(where)]
    rows = [row for row in there if row.label == label]
    if not rows:
        rows = [row for row in there if row.metric_label == label]
        rows = [row for row in rows if row.name == rows[0].name]
    if not rows:
        rows = [row for row in there if row.name == label]
        labels = list(dict.fromkeys(row.label for row in rows))
        if len(labels) > 1 or any(row.network is not None for row in rows):
            raise UsageError(
                f"'{label}' was scored as {', '.join(labels)}",
                "one of these",
                f"ask for '{labels[0]}'",
            )
    if not rows:
        raise unknown("score", label, dict.fromkeys(row.label for row in scores))
    first = rows[0]
    for depth, what in enumerate(("sample", *ROLES)):
        values = {row.key[depth] for row in rows}
        if len(values) > 1:
            words = ", ".join(map(repr, (*first.key[: depth + 1], label)))
            raise UsageError(
                f"{len(values)} {_SEVERAL[depth]} have a score '{label}'",
                f"the {what}'s name too",
                f"use report[{words}]",
            )
    return first


def row_names(rows: Sequence[ScoreRow], sample: str, roles: Mapping[str, str]) -> list[str]:
    """Return the name of a sample's rows in tables, for given other sources."""
    told = [
        role for role in ROLES if len({row.roles[role] for row in rows if role in row.roles}) > 1
    ]
    own = dict.fromkeys(
        tuple(row.roles.get(role) for role in told) for row in rows if row.sample == sample
    )
    # All sources of a role identify a row; a score that uses fewer sources joins that row.
    whole = [one for one in own if not any(_within(one, two) for two in own if two != one)]
    wanted = tuple(roles.get(role) for role in told)
    names = []
    for one in whole:
        said = [f"{role} {name}" for role, name in zip(told, one, strict=True) if name]
        if said and _within(wanted, one):
            names.append(f"{sample} ({', '.join(said)})")
    return names or [sample]


def _within(one: tuple[str | None, ...], other: tuple[str | None, ...]) -> bool:
    """Tell whether some sources are all among others, each in the same role."""
    return all(name in (None, there) for name, there in zip(one, other, strict=True))
