"""Tables of a report: for the terminal, CSV, Markdown and LaTeX."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from ganeval.errors import one_line
from ganeval.results.differences import Difference, letters
from ganeval.results.multiplicity import format_p_value
from ganeval.results.row import ScoreRow

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Group
    from rich.table import Table

ARROWS = {"lower": "\u2193", "higher": "\u2191"}  # down and up arrow
PAPER_EXTRACTOR = "inception"


Rows = Sequence[ScoreRow]
Pairs = Sequence[Difference]
Provenance = Mapping[str, Any]


def tidy(rows: Rows) -> "pd.DataFrame":
    """Return a row per score, a column per field of `ScoreRow`."""
    import pandas as pd

    plain = [
        asdict(row)
        | {"options": dict(row.options), "details": dict(row.details), "notes": list(row.notes)}
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
        lines.append(f"reference {one_line(reference)} ({count})")
    if any(name != PAPER_EXTRACTOR for name in extractors):
        lines.append("not the Inception network of the papers: compare within this table only")
    return tuple(lines)


def format_value(row: ScoreRow) -> str:
    """Return the score as people read it: six digits, and what is known of its error.

    An interval that does not hold the value, which is biased, or that comes without a standard
    error is written out; else the standard error says it.
    """
    text = f"{row.value:.6g}"
    if row.interval is not None:
        low, high = row.interval
        if row.se is None or not low <= row.value <= high:
            return f"{text} [{', '.join(format_ends(row.interval))}]"
    return text if row.se is None else f"{text} \u00b1 {row.se:.2g}"


def format_ends(interval: tuple[float, float]) -> tuple[str, str]:
    """Return the ends of an interval in as many digits as tell them apart."""
    low, high = interval
    digits = max(math.ceil(-math.log10(high - low)) + 1, 0) if high > low else 4
    # Adding 0 turns the -0.0 that rounding can leave into 0.0.
    low, high = round(low, digits) + 0.0, round(high, digits) + 0.0
    return f"{low:.{digits}f}", f"{high:.{digits}f}"


def pivot(rows: Rows, pairs: Pairs = ()) -> "pd.DataFrame":
    """Return the comparison table as text: a row for each sample, a column for each score.

    With `pairs`, samples that these do not tell apart have a letter in common.
    """
    import pandas as pd

    columns: dict[str, dict[str, str]] = {"images": {}}
    if any(pair.p_value is not None for pair in pairs):
        columns[f"group by {pairs[0].name}"] = letters(
            list(dict.fromkeys(row.sample for row in rows)), pairs
        )
    for row in rows:
        columns["images"][row.sample] = f"{row.num_sample:,}"
        title = f"{score_title(row)} {ARROWS[row.direction]}"
        columns.setdefault(title, {})[row.sample] = format_value(row)
    frame = pd.DataFrame(columns).fillna("").rename(index=one_line)
    frame.index.name = "sample"
    return frame


def pair_table(pairs: Pairs) -> "pd.DataFrame":
    """Return the differences between pairs as text, a row each."""
    import pandas as pd

    columns = ("difference", "95 % interval", "p (Holm)", "detectable")
    cells = {}
    for pair in pairs:
        values = [f"{pair.difference:.4g}", "", "", ""]
        if pair.interval and pair.p_adjusted is not None and pair.detectable is not None:
            low, high = pair.interval
            values[1:] = [
                f"[{low:.3g}, {high:.3g}]",
                format_p_value(pair.p_adjusted),
                f"{pair.detectable:.2g}",
            ]
        cells[f"{one_line(pair.sample)} - {one_line(pair.other)}"] = values
    frame = pd.DataFrame.from_dict(cells, orient="index", columns=list(columns))
    frame.index.name = pairs[0].name
    return frame


def pair_notes(pairs: Pairs) -> tuple[str, ...]:
    """Return what a reader of the differences must know, as lines, each once."""
    lines: dict[str, None] = {}
    if any(pair.detectable is not None for pair in pairs):
        lines["detectable: the smallest true difference seen 4 times in 5 (one-sided, 5 %)"] = None
    for pair in pairs:
        if pair.paired:
            lines["paired: image i of both comes from the same latents"] = None
        if pair.method == "debiased":
            line = "differences are between the values without their bias, but for a small rest"
            lines[line] = None
    common = set.intersection(*(set(pair.notes) for pair in pairs)) if pairs else set()
    for pair in pairs:
        for note in pair.notes:
            where = "every pair" if note in common else f"{pair.sample} - {pair.other}"
            lines[f"{one_line(where)}: {note}"] = None
    return tuple(lines)


def score_title(row: ScoreRow) -> str:
    """Return a score's column title; options that depart from the protocol are part of it."""
    return row.label


def notes(rows: Rows) -> tuple[str, ...]:
    """Return the scores' notes and details as lines, each once."""
    lines: dict[str, None] = {}
    several = len({row.sample for row in rows}) > 1
    for row in rows:
        where = f"{one_line(row.sample)}: " if several else ""
        for name, value in row.details.items():
            lines[f"{where}{score_title(row)}: {name} {value:.6g}"] = None
    said: dict[str, dict[str, None]] = {}
    for row in rows:
        for note in row.notes:
            said.setdefault(note, {})[score_title(row)] = None
    return (*lines, *(f"{', '.join(titles)}: {note}" for note, titles in said.items()))


def csv(rows: Rows) -> str:
    """Return the tidy table as CSV with full precision, a line for each score."""
    frame = tidy(rows)
    for name in ("sample", "reference"):
        frame[name] = frame[name].map(one_line, na_action="ignore")
    for name in ("options", "details", "notes"):
        frame[name] = [_flat(value) for value in frame[name]]
    return frame.to_csv(index=False, lineterminator="\n")


def _flat(value: object) -> str:
    """Return a mapping or list as one cell of text."""
    if isinstance(value, dict):
        return ";".join(f"{key}={item}" for key, item in value.items())
    return ";".join(value) if isinstance(value, list) else str(value)


def markdown(rows: Rows, provenance: Provenance, pairs: Pairs = ()) -> str:
    """Return the comparison table with its conditions as Markdown."""
    lines = [_markdown(pivot(rows, pairs)), ""]
    if pairs:
        lines += [_markdown(pair_table(pairs)), "", *(f"{line}  " for line in pair_notes(pairs))]
    lines += [f"{line}  " for line in caption(rows, provenance)]
    return "\n".join(lines) + "\n"


def _markdown(frame: "pd.DataFrame") -> str:
    """Return a frame of text as a Markdown table."""
    named = frame.rename(index=lambda name: name.replace("|", "\\|"))
    return str(named.to_markdown(disable_numparse=True))


def latex(rows: Rows, provenance: Provenance, pairs: Pairs = ()) -> str:
    """Return the comparison table with its conditions as LaTeX (booktabs)."""
    tables = [_latex(pivot(rows, pairs), caption(rows, provenance))]
    if pairs:
        tables.append(_latex(pair_table(pairs), pair_notes(pairs)))
    return "\n".join(tables)


def _latex(frame: "pd.DataFrame", lines: Sequence[str]) -> str:
    """Return a frame of text as a LaTeX table."""
    escaped = frame.reset_index().map(_escape).rename(columns=_escape)
    return str(
        escaped.style.hide(axis="index").to_latex(
            hrules=True,
            caption=_escape("; ".join(lines)),
            column_format="l" + "r" * (escaped.shape[1] - 1),
            position_float="centering",
        )
    )


_LATEX = {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    ARROWS["lower"]: "$\\downarrow$",
    ARROWS["higher"]: "$\\uparrow$",
    "\u00b1": "$\\pm$",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}


def _escape(text: str) -> str:
    """Write what LaTeX would take as a command, and what its fonts lack, as commands."""
    return "".join(_LATEX.get(char, char) for char in text)


def terminal(rows: Rows, provenance: Provenance, pairs: Pairs = ()) -> "Group":
    """Return the comparison table for a terminal, with its conditions and notes."""
    from rich.console import Group
    from rich.text import Text

    parts: list[Any] = [Text(line, style="dim") for line in caption(rows, provenance)]
    parts += [Text(), _framed(pivot(rows, pairs))]
    if pairs:
        parts += [Text(), _framed(pair_table(pairs)), Text()]
        parts += [Text(line, style="dim") for line in pair_notes(pairs)]
    tail = [Text(line, style="dim") for line in notes(rows)]
    return Group(*parts, *([Text(), *tail] if tail else []))


def _framed(frame: "pd.DataFrame") -> "Table":
    """Return a frame of text as a table of the terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(str(frame.index.name), overflow="fold")
    for column in frame.columns:
        table.add_column(column, justify="right", no_wrap=True)
    for name, *cells in frame.itertuples():
        table.add_row(Text(str(name)), *map(Text, cells))
    return table
