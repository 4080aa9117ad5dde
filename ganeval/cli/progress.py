"""A progress display on stderr, for work that takes longer than a second on a terminal."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from ganeval.progress import Progress as ProgressCallback
from ganeval.progress import silent

_QUICK_SECONDS = 1.0


@contextmanager
def terminal_progress(*, quiet: bool) -> Iterator[ProgressCallback]:
    """Yield a callback that draws bars on stderr, or does nothing where nobody would see them."""
    if quiet or not sys.stderr.isatty():
        yield silent
        return
    display = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}
    begin = time.monotonic()

    def update(label: str, done: int, total: int) -> None:
        if label not in tasks:
            tasks[label] = display.add_task(label, total=total)
        display.update(tasks[label], completed=done, total=total)
        if time.monotonic() - begin > _QUICK_SECONDS and not display.live.is_started:
            display.start()

    try:
        yield update
    finally:
        display.stop()
