"""Draw the plots of a report: readable without colour, the same bytes each time."""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganeval.errors import one_line
from ganeval.report.names import letter, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1b1f23"
RULE = "#c9cfd6"
WIDTH = 4.2  # inches; a phone shows this without shrinking the letters
PNG_DPI = 200
MARK = "drawn by ganeval"  # marks every file, so that a newer plot may replace it

# Okabe and Ito, "Color Universal Design" (2008); marks and hatches say the same without colour.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_HATCHES = ("", "////", "xxxx", "\\\\\\\\", "++++", "----", "||||")
_LONGEST_NAME = 44
_STYLE: Any = {
    "font.size": 8.5,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "hatch.linewidth": 0.7,
    "figure.facecolor": "white",
    "svg.fonttype": "none",
    "savefig.facecolor": "auto",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A drawn plot.

    Attributes:
        name: Name of its files, without a suffix.
        title: What it shows.
        description: Text for readers who cannot see the plot.
        svg: An SVG file.
        png: A PNG file.
    """

    name: str
    title: str
    description: str
    svg: str
    png: bytes


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in our style within the block, whatever the user's settings are."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def bar_style(at: int) -> dict[str, Any]:
    """Return the look of a sample's bar."""
    return {
        "color": _COLOURS[at % len(_COLOURS)],
        "hatch": _HATCHES[at % len(_HATCHES)],
        "edgecolor": INK,
        "linewidth": 0.8,
    }


def mark_style(at: int) -> dict[str, Any]:
    """Return the look of a sample's marks."""
    return {
        "marker": _MARKS[at % len(_MARKS)],
        "color": _COLOURS[at % len(_COLOURS)],
        "markeredgecolor": INK,
        "markeredgewidth": 0.8,
        "markersize": 7,
        "linestyle": "none",
    }


def new_figure(height: float) -> "tuple[Figure, Axes]":
    """Return an empty figure, unknown to pyplot, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.add_subplot()


def add_legend(figure: "Figure") -> None:
    """Name the marks below the axes."""
    figure.legend(loc="outside lower left", frameon=False, borderaxespad=0.2, labelspacing=0.3)


def label(sample: str, samples: Sequence[str], longest: int = _LONGEST_NAME) -> str:
    """Return a sample's letter and name; a long name is shortened in the middle."""
    return f"{letter(samples.index(sample))}  {shorten(one_line(sample), longest)}"


def finished(figure: "Figure", name: str, heading: str, description: str) -> Plot:
    """Write a figure as SVG and as PNG, without a date or a random name in them."""
    import matplotlib as mpl

    vector, raster = io.BytesIO(), io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with warnings.catch_warnings(), mpl.rc_context({"svg.hashsalt": name}):
        # The plot's font may lack the script of a name; in an SVG the reader's font has it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(vector, format="svg", metadata=nothing, transparent=True)
        figure.savefig(
            raster, format="png", dpi=PNG_DPI, metadata={"Software": None, "Comment": MARK}
        )
    return Plot(
        name=name,
        title=heading,
        description=description,
        svg=vector.getvalue().decode("utf-8"),
        png=raster.getvalue(),
    )
