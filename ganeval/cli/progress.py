"""Show progress: bars on a terminal; elsewhere, with `--verbose`, a line now and then."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ganeval.cli.call import LOG, current_call
from ganeval.machine.progress import Progress, silent

_QUICK_SECONDS = 1.0  # a job that ends sooner shows no bar
_LINE_SECONDS = 30.0  # between two lines


@contextmanager
def terminal_progress() -> Iterator[Progress]:
    """Yield a callback that shows progress, or does nothing where nobody would see it."""
    on_terminal = sys.stderr.isatty()
    if current_call().is_quiet or not (on_terminal or LOG.isEnabledFor(logging.INFO)):
        yield silent
        return
    from ganeval.cli.bars import Bars

    bars = Bars()
    begin = told = bars.get_time()

    def update(label: str, done: int, total: int, noun: str = "", /) -> None:
        nonlocal told
        bars.show(label, done, total, noun=noun)
        now = bars.get_time()
        if on_terminal and now - begin > _QUICK_SECONDS:
            bars.start()
        elif not on_terminal and now - told > _LINE_SECONDS:
            told = now
            LOG.info("%s: %s", label, bars.describe(label))

    try:
        yield update
    finally:
        bars.stop()
