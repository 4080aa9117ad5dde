"""Show a training run: a bar with losses on a terminal, elsewhere a line now and then."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import rich_click as click
from rich.text import Text

from ganeval.cli.bars import Bars
from ganeval.cli.call import current_call

if TYPE_CHECKING:
    from reference_models.engine.run import Observer, Run

LINE_SECONDS = 30.0  # between two lines
_NOUNS = {"pictures": "images"}  # as sources call them; other kinds have the name of their items


@contextmanager
def training_display(model: str, total: int, batch_size: int) -> "Iterator[list[Observer]]":
    """Yield what shows a run: items per second, time left, losses and scores; nothing if quiet."""
    if current_call().is_quiet:
        yield []
        return
    data = logging.getLogger("ganeval.training.data")  # data and their preparation
    level = data.level
    data.setLevel(logging.INFO)
    bars, on_terminal = Bars(), sys.stderr.isatty()
    shown: dict[str, float] = {}  # scores stay until there are new ones
    told = bars.get_time()

    def observe(run: "Run", log: dict[str, float]) -> None:
        nonlocal told
        shown.update(log)
        numbers = "  ".join(f"{name}={_shown(value)}" for name, value in shown.items())
        bars.show(model, run.step, total, noun=_NOUNS.get(run.kind, run.kind), each=batch_size)
        now = bars.get_time()
        if on_terminal:
            bars.below = Text(numbers)
            bars.start()  # here, since only one of several processes reports steps
        elif log and (now - told > LINE_SECONDS or any(name.startswith("score/") for name in log)):
            told = now
            click.echo(f"{model}: step {bars.describe(model)}  {numbers}", err=True)

    try:
        yield [observe]
    finally:
        data.setLevel(level)
        bars.stop()


def _shown(value: float) -> str:
    """Return a number with three digits; a large one, such as a step, has all digits."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
