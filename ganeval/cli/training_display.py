"""How a training run looks on a terminal: a bar, images per second, time left, losses."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

if TYPE_CHECKING:
    from reference_models.engine.run import Observer, Run


class _Speed(ProgressColumn):
    """Images per second, over the last half minute."""

    def __init__(self, batch_size: int) -> None:
        super().__init__()
        self.batch_size = batch_size

    def render(self, task: Task) -> Text:
        """Return the speed, nothing before there is one."""
        return Text(f"{task.speed * self.batch_size:,.0f} images/s" if task.speed else "")


class _Display(Progress):
    """A bar with losses and scores below it, on as many lines as they need."""

    losses = Text()

    def get_renderables(self) -> Iterator[RenderableType]:
        """Return what is drawn, from top to bottom."""
        yield from super().get_renderables()
        yield self.losses


@contextmanager
def training_display(
    model: str, total: int, batch_size: int, *, quiet: bool
) -> "Iterator[list[Observer]]":
    """Yield what shows a run on a terminal; nothing where nobody would see it."""
    if quiet or not sys.stderr.isatty():
        yield []
        return
    display = _Display(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        _Speed(batch_size),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: list[TaskID] = []
    shown: dict[str, float] = {}  # scores stay until there are new ones

    def observe(run: "Run", log: dict[str, float]) -> None:
        if not tasks:  # the one of several processes that is told of steps shows them
            tasks.append(display.add_task(model, total=total, completed=run.step))
            display.start()
        shown.update(log)
        display.losses = Text("  ".join(f"{name}={value:.3g}" for name, value in shown.items()))
        display.update(tasks[0], completed=run.step)

    try:
        yield [observe]
    finally:
        display.stop()
