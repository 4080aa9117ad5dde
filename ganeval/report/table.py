"""The content of the tables of a report."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ganeval.errors import one_line
from ganeval.report.digits import ERROR_DIGITS, Digits, show_column, significant, write_numbers
from ganeval.report.layout import Grid
from ganeval.report.letters import groups
from ganeval.scores.conditions import cards_of, network_of_run
from ganeval.scores.difference import Difference
from ganeval.scores.kind import loss
from ganeval.scores.multiplicity import format_p_value
from ganeval.scores.noun import common_noun, noun_of
from ganeval.scores.row import ROLES, Key, ScoreRow

if TYPE_CHECKING:
    import pandas as pd

# A down arrow, an up arrow, an arrow to 0, and no arrow.
ARROWS = {"lower": "\u2193", "higher": "\u2191", "zero": "\u21920", "none": ""}
PAPER_EXTRACTOR = "inception"
TRAINING = {"runs": "runs", "step": "step", "images": "images seen", "seconds": "seconds"}
"""Facts about the training of a sample, with the titles of their columns; means over the runs.
"steps" has the first and the last step if runs ended at different ones."""
_WHOLE = 10  # from here on, numbers about training have no decimals
# Options of decoding, with their defaults.
_USUAL_DECODING = {"transparency": "error", "animated": "error", "exif": "ignore"}


Rows = Sequence[ScoreRow]
Pairs = Sequence[Difference]
Provenance = Mapping[str, Any]


# The columns for each score in a file or data frame, older columns first.
COLUMNS = (
    *("sample", "reference", "name", "value", "se", "interval", "direction"),
    *("num_sample", "num_reference", "extractor", "protocol", "options", "details", "notes"),
    *("cautions", "label", "metric", "network", "train", "heldout", "num_train", "num_heldout"),
)


def tidy(rows: Rows) -> "pd.DataFrame":
    """Return a row per score with the columns `COLUMNS`."""
    import pandas as pd

    plain = []
    for row in rows:
        others = {role: row.roles.get(role) for role in ("train", "heldout")}
        nums = {f"num_{role}": row.nums.get(role) for role in others}
        plain.append(
            {**row.record(), "interval": row.interval, "label": row.label, **others, **nums}
        )
    return pd.DataFrame(plain, columns=list(COLUMNS))


def caption(rows: Rows, provenance: Provenance) -> tuple[str, ...]:
    """Return the lines that say under which conditions the scores were made."""
    of_networks = cards_of(provenance, rows)
    networks = []
    for name, card in of_networks.items():
        called = card["extractor"]
        weights = f" ({card['weights'].removeprefix('sha256:')[:8]})" if card.get("weights") else ""
        networks.append(f"{called}{weights}" if name == called else f"{name} = {called}{weights}")
    protocols = ", ".join(dict.fromkeys(row.protocol for row in rows))
    precisions = ", ".join(
        dict.fromkeys(str(card.get("precision")) for card in of_networks.values())
    )
    lines = [f"extractor {', '.join(networks)}, protocol {protocols}, {precisions}"]
    cards = provenance.get("sources", {})
    for role in ROLES:
        nums = {row.roles[role]: row.nums.get(role) for row in rows if role in row.roles}
        for location, scored in nums.items():
            card = cards.get(location, {})
            # A score may use parts of items, and there are more parts than items.
            noun, num = noun_of(card), scored if scored is None else card.get("used", scored)
            count = f"number of {noun} unknown" if num is None else f"{num:,} {noun}"
            lines.append(f"{role} {location} ({count})")
    lines += _treated(rows, provenance)
    # If a metric has its own network, its paper chose it.
    run = network_of_run(provenance, rows)
    chosen = [row for row in rows if row.network or run in (row.networks or (row.extractor,))]
    others = dict.fromkeys(row.label for row in chosen if row.extractor != PAPER_EXTRACTOR)
    if others and not any(noun_of(card) == "clips" for card in cards.values()):
        which = "" if len(others) == len({row.label for row in rows}) else f"{', '.join(others)}: "
        lines.append(
            f"{which}not the Inception network of the papers: compare within this table only"
        )
    return tuple(map(one_line, lines))


def _treated(rows: Rows, provenance: Provenance) -> list[str]:
    """Return what was done to items by the user's options, since counts alone may mislead.

    Sources to which the same was done share a line.
    """
    cards: Mapping[str, Any] = provenance.get("sources", {})
    done: dict[str, list[str]] = {}
    sides = [side for row in rows for side in (*row.roles.values(), row.sample)]
    for location in dict.fromkeys(side for side in sides if side in cards):
        settings, num = cards[location].get("settings", {}), len(cards[location].get("skipped", ()))
        item = cards[location].get("item", "picture")
        parts = [f"{num:,} {item if num == 1 else f'{item}s'} skipped"] if num else []
        for name, usual in _USUAL_DECODING.items():
            if settings.get(name, usual) != usual:
                parts.append(f"{name} {settings[name]}")
        if parts:
            done.setdefault(", ".join(parts), []).append(location)
    return [f"{', '.join(locations)}: {parts}" for parts, locations in done.items()]


def score_grid(
    rows: Rows, provenance: Provenance, pairs: Pairs = (), digits: Digits = "error"
) -> Grid:
    """Return the comparison table: a row for each sample, a column for each score.

    The best value of a column is bold. With `pairs`, samples that they do not tell apart share a
    letter.
    """
    samples = list(dict.fromkeys(row.sample for row in rows))
    noun, nums = numbers(rows, provenance)
    columns = {noun: {sample: f"{num:,}" for sample, num in nums.items()}}
    shared = groups(samples, pairs)
    if shared:
        columns[f"group by {pairs[0].label}"] = shared
    columns |= {
        title: {sample: shown for sample, (_, shown) in column.items()}
        for title, column in costs(provenance, samples).items()
    }
    scores = by_title(rows)
    for title, column in scores.items():
        columns[f"{title} {ARROWS[column[0].direction]}".strip()] = {
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


def numbers(rows: Rows, provenance: Provenance) -> tuple[str, dict[str, int]]:
    """Return the number of scored items of each sample, and their name.

    If a sample has scores of items and scores of pairs or paths, items are counted.
    """
    cards: Mapping[str, Any] = provenance.get("sources", {})
    own = {noun_of(card) for card in cards.values()}
    counted: dict[str, ScoreRow] = {}
    for row in rows:
        if row.noun in own or row.sample not in counted:
            counted[row.sample] = row
    noun = common_noun(row.noun for row in counted.values())
    return noun, {sample: row.num_sample for sample, row in counted.items()}


def costs(
    provenance: Provenance, samples: Sequence[str]
) -> dict[str, dict[str, tuple[float, str]]]:
    """Return the facts about the training of each sample by title, as far as they are known.

    Each fact is a number and its text. For runs that ended at different steps, the text has the
    first and the last step.
    """
    cards: Mapping[str, Any] = provenance.get("sources", {})
    found = {
        title: {
            sample: (float(took[name]), _shown_cost(name, took))
            for sample in samples
            if (took := cards.get(sample, {}).get("training", {})).get(name) is not None
        }
        for name, title in TRAINING.items()
    }
    return {title: column for title, column in found.items() if column}


def _shown_cost(name: str, took: Mapping[str, Any]) -> str:
    """Return a number about training as text."""
    if name == "step" and "steps" in took:
        return "-".join(f"{step:,}" for step in took["steps"])
    value = float(took[name])
    return f"{value:,.0f}" if value >= _WHOLE or value.is_integer() else f"{value:.1f}"


def by_title(rows: Rows) -> dict[str, list[ScoreRow]]:
    """Return the scores of each column by its title."""
    scores: dict[str, list[ScoreRow]] = {}
    for row in rows:
        scores.setdefault(row.label, []).append(row)
    return scores


def best(rows: Rows) -> list[ScoreRow]:
    """Return the best scores for each reference; none if there is only one score."""
    found = []
    rivals: dict[Key, list[ScoreRow]] = {}
    for row in rows:
        rivals.setdefault(row.key._replace(sample=""), []).append(row)
    for column in rivals.values():
        losses = [loss(row.direction, row.value) for row in column]
        least = min((one for one in losses if one is not None), default=None)
        found += [
            row
            for row, one in zip(column, losses, strict=True)
            if len(column) > 1 and one is not None and one == least
        ]
    return found


def pair_grid(pairs: Pairs, names: Mapping[str, str], digits: Digits = "error") -> Grid:
    """Return the differences between pairs, a row each.

    Args:
        pairs: The differences.
        names: Name of each sample.
        digits: Which digits are shown.
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
        corner=pairs[0].label,
        names=[f"{names[pair.sample]} - {names[pair.other]}" for pair in pairs],
        titles=titles[:used],
        cells=[row[:used] for row in cells],
        whole=True,
    )
