"""What a reader must know about the numbers, each fact once."""

from collections.abc import Mapping, Sequence

from ganeval.errors import one_line
from ganeval.report.digits import significant
from ganeval.scores.difference import Difference
from ganeval.scores.noun import common_noun
from ganeval.scores.row import ScoreRow

MOST_CAUTIONS = 5
MOST_PAIRS = 45  # differences in a table: the pairs of ten samples
_DETECTABLE = (
    "detectable: the smallest true difference seen 4 times in 5 (two-sided, 5 % over all pairs)"
)
_RETRAINING = "another training is not in the errors (--runs)"

Rows = Sequence[ScoreRow]
Pairs = Sequence[Difference]
Names = Mapping[str, str]


def cautions(rows: Rows, pairs: Pairs, names: Names) -> list[str]:
    """Return a line for each fact that limits conclusions, for all samples together.

    Args:
        rows: The scores.
        pairs: Their differences; may be empty.
        names: Name of each sample.
    """
    facts: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        for fact, advice in row.cautions.items():
            facts.setdefault((row.label, one_line(advice)), {})[one_line(fact)] = None
    titles: dict[tuple[str, str], list[str]] = {}
    for (title, advice), found in facts.items():
        fact, *others = found
        also = f" (and {len(others)} more like it)" if others else ""
        titles.setdefault((f"{fact}{also}", advice), []).append(title)
    lines = [f"{', '.join(found)}: {fact}: {advice}" for (fact, advice), found in titles.items()]
    if any(pair.method == "debiased" for pair in pairs):
        lines.append("differences: between values without their bias, except for a small rest")
    return lines + _of_pairs([pair for pair in pairs if pair.p_value is None], pairs, names)


def listed(pairs: Pairs) -> Pairs:
    """Return the differences for a table: all, or only those from its first sample if many."""
    if len(pairs) <= MOST_PAIRS:
        return pairs
    return [pair for pair in pairs if pair.sample == pairs[0].sample]


def about_pairs(pairs: Pairs) -> list[str]:
    """Return lines about the table of these differences."""
    lines = about_detectable(pairs)
    if left_out := len(pairs) - len(listed(pairs)):
        lines.append(f"{left_out:,} more differences: -o report.html, or --json")
    return lines


def about_detectable(pairs: Pairs) -> list[str]:
    """Return the line that explains "detectable"; none if it is not shown.

    Errors over images apply to the compared models, not to other trainings of the same code.
    """
    found = {pair.method == "runs" for pair in pairs if pair.detectable is not None}
    if not found:
        return []
    return [_DETECTABLE if found == {True} else f"{_DETECTABLE}; {_RETRAINING}"]


def notes(rows: Rows, pairs: Pairs, names: Names) -> list[str]:
    """Return all other notes as lines, each once."""
    details: dict[tuple[str, str], list[str]] = {}
    said: dict[str, dict[str, None]] = {}
    for row in rows:
        for detail, value in row.details.items():
            if detail == "left_out":  # a caution says so, where it is not 0
                continue
            text = f"{value:,.0f}" if value.is_integer() else significant(value)
            details.setdefault((row.label, one_line(detail)), []).append(text)
        for note in row.notes:
            said.setdefault(one_line(note), {})[row.label] = None
    lines = [
        f"{title}: {detail} {', '.join(values)}"
        + (" (sample by sample)" if len(values) > 1 else "")
        for (title, detail), values in details.items()
    ]
    lines += [f"{', '.join(titles)}: {note}" for note, titles in said.items()]
    lines += _of_pairing(rows, pairs, names)
    return lines + _of_pairs([pair for pair in pairs if pair.p_value is not None], pairs, names)


def _of_pairing(rows: Rows, pairs: Pairs, names: Names) -> list[str]:
    """Say which pairs of samples are compared image by image, with names unless all are."""
    paired = [pair for pair in pairs if pair.paired]
    if not paired:
        return []
    labels = {pair.label for pair in paired}
    noun = common_noun(row.noun for row in rows if row.label in labels)
    places, others = (
        dict.fromkeys((pair.sample, pair.other) for pair in some)
        for some in (paired, [pair for pair in pairs if pair.se is not None])
    )
    shown = ", ".join(f"{names[sample]} - {names[other]}" for sample, other in places)
    which = "" if places.keys() >= others.keys() else f" ({shown})"
    return [f"paired{which}: {noun[:-1]} i of both comes from the same latents"]


def _of_pairs(chosen: Pairs, pairs: Pairs, names: Names) -> list[str]:
    """Return the notes of some pairs, each once."""
    said: dict[str, list[str]] = {}
    for pair in chosen:
        for note in pair.notes:
            said.setdefault(one_line(note), []).append(
                f"{names[pair.sample]} - {names[pair.other]}"
            )
    return [
        f"{'every pair' if len(places) == len(pairs) else ', '.join(places)}: {note}"
        for note, places in said.items()
    ]
