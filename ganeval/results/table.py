"""What stands in the tables of a report."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from ganeval.errors import one_line
from ganeval.results.differences import Difference, groups
from ganeval.results.digits import ERROR_DIGITS, Digits, show_column, significant, write_numbers
from ganeval.results.layout import Grid
from ganeval.results.multiplicity import format_p_value
from ganeval.results.row import ScoreRow

if TYPE_CHECKING:
    import pandas as pd

ARROWS = {"lower": "\u2193", "higher": "\u2191"}  # down and up arrow
PAPER_EXTRACTOR = "inception"
# Options of decoding, and what each is unless the user says otherwise.
_USUAL_DECODING = {"transparency": "error", "animated": "error", "exif": "ignore"}


Rows = Sequence[ScoreRow]
Pairs = Sequence[Difference]
Provenance = Mapping[str, Any]


def tidy(rows: Rows) -> "pd.DataFrame":
    """Return a row per score, a column per field of `ScoreRow`."""
    import pandas as pd

    plain = [
        asdict(row)
        | {
            "options": dict(row.options),
            "details": dict(row.details),
            "notes": list(row.notes),
            "cautions": dict(row.cautions),
        }
        for row in rows
    ]
    return pd.DataFrame(plain, columns=[entry.name for entry in fields(ScoreRow)])


def caption(rows: Rows, provenance: Provenance) -> tuple[str, ...]:
    """Return the lines that say under which conditions the scores were made."""
    extractors = dict.fromkeys(row.extractor for row in rows)
    weights = provenance.get("weights", {})
    networks = ", ".join(
        f"{name} ({weights[name].removeprefix('sha256:')[:8]})" if name in weights else name
        for name in extractors
    )
    protocols = ", ".join(dict.fromkeys(row.protocol for row in rows))
    lines = [f"extractor {networks}, protocol {protocols}, {provenance.get('precision')}"]
    references = {row.reference: row.num_reference for row in rows if row.reference is not None}
    for reference, num in references.items():
        count = "number of images unknown" if num is None else f"{num:,} images"
        lines.append(f"reference {reference} ({count})")
    lines += _treated(rows, provenance)
    if any(name != PAPER_EXTRACTOR for name in extractors):
        lines.append("not the Inception network of the papers: compare within this table only")
    return tuple(map(one_line, lines))


def _treated(rows: Rows, provenance: Provenance) -> list[str]:
    """Return what was done to pictures because the user said so, for whom the count may mislead.

    Sources to which the same was done share a line.
    """
    cards: Mapping[str, Any] = provenance.get("sources", {})
    done: dict[str, list[str]] = {}
    sides = [side for row in rows for side in (row.reference, row.sample) if side is not None]
    for location in dict.fromkeys(side for side in sides if side in cards):
        settings, num = cards[location].get("settings", {}), len(cards[location].get("skipped", ()))
        parts = [f"{num:,} {'picture' if num == 1 else 'pictures'} skipped"] if num else []
        for name, usual in _USUAL_DECODING.items():
            if settings.get(name, usual) != usual:
                parts.append(f"{name} {settings[name]}")
        if parts:
            done.setdefault(", ".join(parts), []).append(location)
    return [f"{', '.join(locations)}: {parts}" for parts, locations in done.items()]


def score_grid(rows: Rows, pairs: Pairs = (), digits: Digits = "error") -> Grid:
    """Return the comparison table: a row for each sample, a column for each score.

    The best value of a column is bold. With `pairs`, samples that these do not tell apart have a
    letter in common.
    """
    samples = list(dict.fromkeys(row.sample for row in rows))
    columns: dict[str, dict[str, str]] = {"images": {}}
    shared = groups(samples, pairs)
    if shared:
        columns[f"group by {pairs[0].name}"] = shared
    scores = by_title(rows)
    for row in rows:
        columns["images"][row.sample] = f"{row.num_sample:,}"
    for title, column in scores.items():
        columns[f"{title} {ARROWS[column[0].direction]}"] = {
            row.sample: shown.text
            for row, shown in zip(column, show_column(column, digits), strict=True)
        }
    first = len(columns) - len(scores)
    winners = best(rows)
    return Grid(
        corner="sample",
        names=samples,
        titles=list(columns),
        cells=[[column.get(sample, "") for column in columns.values()] for sample in samples],
        styles={
            (samples.index(row.sample), first + at): "bold"
            for at, column in enumerate(scores.values())
            for row in column
            if row in winners
        },
    )


def by_title(rows: Rows) -> dict[str, list[ScoreRow]]:
    """Return the scores of each column by its title."""
    scores: dict[str, list[ScoreRow]] = {}
    for row in rows:
        scores.setdefault(row.label, []).append(row)
    return scores


def best(rows: Rows) -> list[ScoreRow]:
    """Return the scores that no other is better than under one reference; none of a single one."""
    found = []
    rivals: dict[tuple[str, str | None], list[ScoreRow]] = {}
    for row in rows:
        rivals.setdefault((row.label, row.reference), []).append(row)
    for column in rivals.values():
        goal = (min if column[0].direction == "lower" else max)(row.value for row in column)
        found += [row for row in column if len(column) > 1 and row.value == goal]
    return found


def pair_grid(pairs: Pairs, names: Mapping[str, str], digits: Digits = "error") -> Grid:
    """Return the differences between pairs, a row each.

    Args:
        pairs: The differences.
        names: What each sample is called.
        digits: How many are shown.
    """
    cells = []
    for pair in pairs:
        numbers = (pair.difference, *(pair.interval or ()))
        value, *ends = write_numbers(numbers, pair.se or 0.0, pair.interval, digits)
        chance, least = pair.p_adjusted, pair.detectable
        cells.append(
            [
                value,
                f"[{', '.join(ends)}]" if ends else "",
                "" if chance is None else format_p_value(chance),
                "" if least is None else significant(least, digits, ERROR_DIGITS),
                "yes" if pair.paired else "",
            ]
        )
    titles = ["difference", "95 % interval", "p (Holm)", "detectable", "paired"]
    used = len(titles) if any(pair.paired for pair in pairs) else len(titles) - 1
    return Grid(
        corner=pairs[0].name,
        names=[f"{names[pair.sample]} - {names[pair.other]}" for pair in pairs],
        titles=titles[:used],
        cells=[row[:used] for row in cells],
        whole=True,
    )
