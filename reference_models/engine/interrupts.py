"""Let Ctrl-C wait for the end of a training step, so that the step is not lost."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from reference_models.engine.run import Run


@contextmanager
def whole_steps(run: Run) -> Iterator[Callable[[], bool]]:
    """Let SIGINT and SIGTERM wait for the end of a step; a second signal does not wait.

    Between steps signals act as before. Python handles signals only in the main thread, so in other
    threads this does nothing.

    Yields:
        A function that returns whether a signal is waiting.
    """
    waiting: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        before = {number: one for number, one in handlers.items() if callable(one)}

    def wait(number: int, frame: FrameType | None) -> None:
        if run.moving and not waiting:
            waiting.append(number)
        else:
            before[signal.Signals(number)](number, frame)

    for number in before:
        signal.signal(number, wait)
    try:
        yield lambda: bool(waiting)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
