"""How a training run looks on a terminal: a bar, images per second, time left, losses."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.text import Text

from ganeval.cli.bars import Bars
from ganeval.cli.call import current_call

if TYPE_CHECKING:
    from reference_models.engine.run import Observer, Run


@contextmanager
def training_display(model: str, total: int, batch_size: int) -> "Iterator[list[Observer]]":
    """Yield what shows a run on a terminal; nothing where nobody would see it."""
    if current_call().is_quiet or not sys.stderr.isatty():
        yield []
        return
    bars = Bars()
    shown: dict[str, float] = {}  # scores stay until there are new ones

    def observe(run: "Run", log: dict[str, float]) -> None:
        shown.update(log)
        bars.below = Text("  ".join(f"{name}={value:.3g}" for name, value in shown.items()))
        bars.show(model, run.step, total, noun="images", each=batch_size)
        bars.start()  # here: of several processes, one is told of steps

    try:
        yield [observe]
    finally:
        bars.stop()
