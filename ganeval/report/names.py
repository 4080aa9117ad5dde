"""Names of samples for people: on one line, with a letter, shortened in the middle."""

import unicodedata
from collections.abc import Sequence

from ganeval.errors import one_line

_LEFT_TO_RIGHT_MARK = "\u200e"
_RIGHT_TO_LEFT = ("R", "AL", "AN")
ELLIPSIS = "\u2026"


def letter(at: int) -> str:
    """Return the letter that stands for a sample: A to Z, then A1, B1, ..."""
    return chr(ord("A") + at % 26) + (str(at // 26) if at >= 26 else "")


def shown(name: str) -> str:
    """Return a name for a line of the terminal that continues after it.

    After a name in a right-to-left script, a terminal would reverse the numbers too; a mark of no
    width prevents that.
    """
    name = one_line(name)
    turned = any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in name)
    return name + _LEFT_TO_RIGHT_MARK if turned else name


def width_of(text: str) -> int:
    """Return how many columns a text takes: 2 for each wide character, 0 for combining ones."""
    from rich.cells import cell_len

    return cell_len(text)


def shorten(name: str, width: int) -> str:
    """Return a name of at most this many columns; a longer one loses its middle."""
    if width_of(name) <= width:
        return name
    # A combining character stays with the one before it.
    clusters: list[str] = []
    for char in name:
        if clusters and width_of(char) == 0:
            clusters[-1] += char
        else:
            clusters.append(char)
    room = width - 1
    head = _fitting(clusters, room - room // 2)
    tail = _fitting(clusters[::-1], room // 2)[::-1]
    return "".join([*head, ELLIPSIS, *tail])


def _fitting(clusters: Sequence[str], width: int) -> list[str]:
    """Return the first character clusters that fit."""
    taken: list[str] = []
    for cluster in clusters:
        width -= width_of(cluster)
        if width < 0:
            break
        taken.append(cluster)
    return taken
