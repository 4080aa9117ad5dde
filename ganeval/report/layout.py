"""A table of text laid out for a terminal of any width: nothing in it is ever cut.

It stays as it is if it fits. Otherwise rows and columns are swapped, in several blocks if they do
not fit side by side. Names may be shortened in the middle, and have a letter then.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ganeval.report.names import letter, shorten, shown, width_of

if TYPE_CHECKING:
    from rich.text import Text

_GAP = 2  # columns between two columns
_SHORTEST_NAME = 16  # with its letter; a table with shorter names takes another form
_SHORTEST_PART = 5  # without its letter, of a name over a column
_INDENT = "  "
_HEAD = "bold"
_KEPT = "\0"  # stands for a space that no line breaks at


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table of text.

    Attributes:
        corner: Title of the names of the rows.
        names: Names of the rows.
        titles: Titles of the columns.
        cells: The texts, row by row.
        styles: Styles of highlighted cells, by row and column (`{(0, 2): "bold"}`).
        whole: Whether names are never shortened and never have letters.
    """

    corner: str
    names: Sequence[str]
    titles: Sequence[str]
    cells: Sequence[Sequence[str]]
    styles: Mapping[tuple[int, int], str] = field(default_factory=dict)
    whole: bool = False

    def turned(self, titles: Sequence[str], which: range) -> "Grid":
        """Return some rows as columns under other titles, and the columns as rows."""
        return Grid(
            corner=self.corner,
            names=self.titles,
            titles=titles,
            cells=[[self.cells[row][at] for row in which] for at in range(len(self.titles))],
            styles={
                (column, row - which.start): style
                for (row, column), style in self.styles.items()
                if row in which
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """The layout of a table.

    Attributes:
        lines: Lines to print, none wider than the terminal unless a word is.
        lettered: Whether the names have letters.
        shortened: Whether a name was shortened.
        wide: Whether each row of the table is one line.
    """

    lines: "list[Text]"
    lettered: bool
    shortened: bool
    wide: bool


def lay_out(grid: Grid, width: int | None, *, lettered: bool = False) -> Laid:
    """Lay a table out.

    Args:
        grid: The table.
        width: Columns of the terminal; None if there is none, and then the table has any width.
        lettered: Whether each name has its letter even if it is not shortened.
    """
    names = [shown(name) for name in grid.names]
    letters = [f"{letter(at)}  " for at in range(len(names))]
    whole = [mark + name for mark, name in zip(letters, names, strict=True)]
    wide = replace(grid, names=whole if lettered else names)
    if width is None or _width(wide) <= width:
        return Laid(lines=_lines(wide), lettered=lettered, shortened=False, wide=True)
    room = width - _width(replace(grid, names=[""] * len(names), corner=""))
    if not grid.whole and room >= max(
        min(_SHORTEST_NAME, *map(width_of, whole)), width_of(grid.corner)
    ):
        wide = replace(grid, names=_short(letters, names, [room] * len(names)))
        return Laid(lines=_lines(wide), lettered=True, shortened=True, wide=True)

    shortest = names if grid.whole else [mark.strip() for mark in letters]
    for num_blocks in range(1, len(names) + 1):
        size = -(-len(names) // num_blocks)
        parts = [range(at, min(at + size, len(names))) for at in range(0, len(names), size)]
        rooms = [room for part in parts for room in _rooms(grid, shortest, part, width)]
        if all(rooms):
            fitting = all(width_of(name) <= room for name, room in zip(names, rooms, strict=True))
            lettered = lettered or not fitting
            labels = _short(letters, names, rooms) if lettered else names
            blocks = [_lines(grid.turned([labels[row] for row in part], part)) for part in parts]
            return Laid(
                lines=_joined(blocks),
                lettered=lettered,
                shortened=lettered and labels != whole,
                wide=False,
            )
    blocks = [
        _list(grid, row, whole[row] if lettered else names[row], width) for row in range(len(names))
    ]
    return Laid(lines=_joined(blocks), lettered=lettered, shortened=False, wide=False)


def wrap(text: str, width: int | None, indent: str = "") -> list[str]:
    """Break a text at its spaces; a word that is wider than the terminal stays whole.

    What is in backticks stays on one line, even if it is wider: a command with a line break in it
    could not be pasted.

    Args:
        text: A text on one line.
        width: Columns; None leaves the text as it is.
        indent: Beginning of every line but the first.
    """
    if width is None:
        return [text]
    lines = [""]
    whole = re.sub("`[^`]*`", lambda match: match[0].replace(" ", _KEPT), text)
    for piece in whole.split(" "):
        word = piece.replace(_KEPT, " ")
        longer = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
        if width_of(longer) > width >= width_of(indent + word) and lines[-1].strip():
            lines.append(indent + word)
        else:
            lines[-1] = longer
    return lines


def _rooms(grid: Grid, names: Sequence[str], part: range, width: int) -> list[int]:
    """Return the columns for each of some rows beside the titles; zeros if they do not fit.

    Args:
        grid: The table.
        names: The shortest names of all rows.
        part: The rows.
        width: Columns of the terminal.
    """
    needed = [max(width_of(cell) for cell in (names[row], *grid.cells[row])) for row in part]
    left = max(map(width_of, [grid.corner, *grid.titles]))
    spare = width - left - sum(_GAP + room for room in needed)
    return [0 if spare < 0 else room + spare // len(part) for room in needed]


def _short(letters: Sequence[str], names: Sequence[str], rooms: Sequence[int]) -> list[str]:
    """Return names with their letters, shortened to fit, or bare letters."""
    return [
        mark + shorten(name, room - len(mark))
        if room - len(mark) >= _SHORTEST_PART
        else mark.strip()
        for mark, name, room in zip(letters, names, rooms, strict=True)
    ]


def _widths(grid: Grid) -> list[int]:
    """Return the width of the names and of each column."""
    columns = [[title, *(row[at] for row in grid.cells)] for at, title in enumerate(grid.titles)]
    return [
        max(map(width_of, column), default=0) for column in ([grid.corner, *grid.names], *columns)
    ]


def _width(grid: Grid) -> int:
    """Return the width of a table in columns."""
    return sum(_widths(grid)) + _GAP * len(grid.titles)


def _lines(grid: Grid) -> "list[Text]":
    """Return a table's lines: titles, a rule, rows; names on the left, cells on the right."""
    from rich.text import Text

    widths = _widths(grid)

    def line(name: str, cells: Sequence[str], styles: Sequence[str]) -> Text:
        text = Text(name + " " * (widths[0] - width_of(name)))
        for cell, width, style in zip(cells, widths[1:], styles, strict=True):
            text.append(" " * (_GAP + width - width_of(cell)))
            text.append(cell, style)
        text.rstrip()
        return text

    head = line(grid.corner, grid.titles, [_HEAD] * len(grid.titles))
    head.stylize(_HEAD, 0, len(grid.corner))
    rows = [
        line(name, cells, [grid.styles.get((row, at), "") for at in range(len(cells))])
        for row, (name, cells) in enumerate(zip(grid.names, grid.cells, strict=True))
    ]
    return [head, Text("\u2500" * _width(grid)), *rows]


def _list(grid: Grid, row: int, name: str, width: int) -> "list[Text]":
    """Return a row as a list of titles and cells, for cells that are as wide as a terminal."""
    from rich.text import Text

    lines = [Text(name, _HEAD)]
    for at, (title, cell) in enumerate(zip(grid.titles, grid.cells[row], strict=True)):
        style = grid.styles.get((row, at), "")
        lines += [Text(part, style) for part in wrap(f"{title}  {cell}", width, _INDENT)]
    return lines


def _joined(blocks: "Sequence[list[Text]]") -> "list[Text]":
    """Return blocks with an empty line between them."""
    from rich.text import Text

    lines = [line for block in blocks for line in (Text(), *block)]
    return lines[1:]
