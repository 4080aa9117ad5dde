"""Write the tables of a report as CSV, Markdown, LaTeX and for a terminal."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ganeval.errors import one_line
from ganeval.report.digits import Digits
from ganeval.report.layout import Grid, lay_out, wrap
from ganeval.report.names import letter, shown, width_of
from ganeval.report.notes import MOST_CAUTIONS, Pairs, Rows, about_pairs, cautions, listed, notes
from ganeval.report.table import ARROWS, caption, pair_grid, score_grid, tidy

if TYPE_CHECKING:
    from rich.console import Group

Provenance = Mapping[str, Any]
Notes = Literal["few", "all"]
"""The notes that limit what a reader may conclude, or all."""

_LONG_NAME = 24  # columns; pairs with longer names are shown by their letters
_NAME_INDENT = "   "


def csv(rows: Rows) -> str:
    """Return the tidy table as CSV with full precision, a line for each score.

    An interval takes two columns of numbers; options, details, notes and cautions are one text
    each.
    """
    frame = tidy(rows)
    for name in ("sample", "reference", "train", "heldout"):
        frame[name] = frame[name].map(one_line, na_action="ignore")
    frame["cautions"] = [
        [f"{fact}: {advice}" for fact, advice in found.items()] for found in frame["cautions"]
    ]
    for name in ("options", "details", "notes", "cautions"):
        frame[name] = [_flat(value) for value in frame[name]]
    place = list(frame.columns).index("interval")
    ends = [interval or (None, None) for interval in frame.pop("interval")]
    for at, name in enumerate(("interval_low", "interval_high")):
        frame.insert(place + at, name, [pair[at] for pair in ends])
    return frame.to_csv(index=False, lineterminator="\n")


def _flat(value: object) -> str:
    """Return a mapping or list as one cell of text."""
    if isinstance(value, dict):
        return ";".join(f"{key}={item}" for key, item in value.items())
    return ";".join(value) if isinstance(value, list) else str(value)


def markdown(
    rows: Rows, provenance: Provenance, pairs: Pairs = (), digits: Digits = "error"
) -> str:
    """Return the comparison table with its conditions and cautions as Markdown."""
    names = _whole_names(rows)
    lines = [*_markdown(score_grid(rows, provenance, pairs, digits)), ""]
    if pairs:
        lines += [*_markdown(pair_grid(listed(pairs), names, digits)), ""]
    said = (*about_pairs(pairs), *caption(rows, provenance), *cautions(rows, pairs, names))
    lines += [f"{line}  " for line in said]
    return "\n".join(lines) + "\n"


def _markdown(grid: Grid) -> list[str]:
    """Return a table as lines of Markdown, with columns aligned for those who read the text."""
    table = [[grid.corner, *grid.titles]]
    for row, (name, cells) in enumerate(zip(grid.names, grid.cells, strict=True)):
        marked = [
            f"**{cell}**" if (row, at) in grid.styles else cell for at, cell in enumerate(cells)
        ]
        table.append([one_line(name).replace("|", "\\|"), *marked])
    widths = [max(map(width_of, column)) for column in zip(*table, strict=True)]
    rule = ["-" * max(widths[0], 3), *("-" * max(width - 1, 2) + ":" for width in widths[1:])]
    padded = [
        [
            row[0] + " " * (widths[0] - width_of(row[0])),
            *(
                " " * (width - width_of(cell)) + cell
                for cell, width in zip(row[1:], widths[1:], strict=True)
            ),
        ]
        for row in table
    ]
    return [f"| {' | '.join(row)} |" for row in (padded[0], rule, *padded[1:])]


def latex(rows: Rows, provenance: Provenance, pairs: Pairs = (), digits: Digits = "error") -> str:
    """Return the comparison table with its conditions as LaTeX, which needs booktabs."""
    lines = [*caption(rows, provenance), *cautions(rows, (), _whole_names(rows))]
    tables = [_latex(score_grid(rows, provenance, pairs, digits), lines)]
    if pairs:
        lines = [*about_pairs(pairs), *cautions((), pairs, _whole_names(rows))]
        tables.append(_latex(pair_grid(listed(pairs), _whole_names(rows), digits), lines))
    return "\n".join(["% needs \\usepackage{booktabs} in the preamble", *tables])


def _latex(grid: Grid, lines: Sequence[str]) -> str:
    """Return a table as LaTeX."""
    rows = [[grid.corner, *grid.titles]]
    rows += [[one_line(name), *cells] for name, cells in zip(grid.names, grid.cells, strict=True)]
    head, *body = ([_escape(row[0]), *map(_escape_number, row[1:])] for row in rows)
    for cells in body:
        if cells[0].startswith(("[", "*")):  # would be an argument of the line break before it
            cells[0] = "{}" + cells[0]
    for row, at in grid.styles:
        body[row][at + 1] = f"\\textbf{{{body[row][at + 1]}}}"
    return "\n".join(
        [
            "\\begin{table}",
            "\\centering",
            f"\\caption{{{_escape('; '.join(lines))}}}",
            f"\\begin{{tabular}}{{l{'r' * len(grid.titles)}}}",
            "\\toprule",
            " & ".join(head) + " \\\\",
            "\\midrule",
            *(" & ".join(row) + " \\\\" for row in body),
            "\\bottomrule",
            "\\end{tabular}",
            "\\end{table}",
            "",
        ]
    )


_LATEX = {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    ARROWS["lower"]: "$\\downarrow$",
    ARROWS["higher"]: "$\\uparrow$",
    ARROWS["zero"][0]: "$\\rightarrow$",
    "\u00b1": "$\\pm$",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}


def _escape(text: str) -> str:
    """Escape what LaTeX would take as a command, and what its fonts lack."""
    return "".join(_LATEX.get(char, char) for char in text)


def _escape_number(text: str) -> str:
    """Return a cell or a title, in which the minus of a number is not a hyphen."""
    return re.sub(r"(?<![\w.)-])-(?=\d)", "$-$", _escape(text))


def terminal(
    rows: Rows,
    provenance: Provenance,
    pairs: Pairs = (),
    *,
    width: int | None = None,
    digits: Digits = "error",
    which: Notes = "few",
) -> "Group":
    """Return the comparison table for a terminal, with its conditions and notes.

    Args:
        rows: The scores, the samples in the order of the table.
        provenance: JSON values.
        pairs: The differences by the score that orders the samples; may be empty.
        width: Columns of the terminal; None if there is none, and then lines have any length. Print
            it with `soft_wrap=True`.
        digits: Which digits are shown.
        which: The notes that are shown.
    """
    from rich.console import Group
    from rich.text import Text

    grid = score_grid(rows, provenance, pairs, digits)
    whole = {sample: shown(sample) for sample in grid.names}
    letters = {sample: letter(at) for at, sample in enumerate(grid.names)}
    lettered = False
    if pairs:
        fits = lay_out(pair_grid(listed(pairs), whole, digits), width)
        longest = max(map(width_of, whole.values()))
        lettered = longest > _LONG_NAME or not fits.wide or fits.shortened
    laid = lay_out(grid, width, lettered=lettered)
    names = letters if laid.lettered else whole

    def soft(lines: Sequence[str], indent: str = "  ") -> list[Text]:
        return [Text(part, "dim") for line in lines for part in wrap(line, width, indent)]

    parts = [*soft(caption(rows, provenance)), Text(), *laid.lines]
    if laid.shortened:
        legend = [f"{letters[sample]}  {whole[sample]}" for sample in grid.names]
        parts += [Text(), *soft(legend, _NAME_INDENT)]
    if pairs:
        parts += [Text(), *lay_out(pair_grid(listed(pairs), names, digits), width).lines]
        explained = soft(about_pairs(pairs))
        parts += [Text(), *explained] if explained else []
    first, rest = cautions(rows, pairs, names), notes(rows, pairs, names)
    if which == "few":
        hidden = len(first[MOST_CAUTIONS:]) + len(rest)
        first, rest = first[:MOST_CAUTIONS], []
        if hidden:
            rest = [f"{hidden} more {'notes' if hidden > 1 else 'note'}: --notes all"]
    tail = [*soft(first), *soft(rest)]
    return Group(*parts, *([Text(), *tail] if tail else []))


def _whole_names(rows: Rows) -> dict[str, str]:
    """Return every sample's name on one line."""
    return {row.sample: one_line(row.sample) for row in rows}
