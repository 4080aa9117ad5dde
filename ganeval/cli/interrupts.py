"""Ctrl-C and SIGTERM end a run alike, and neither is lost."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType
from typing import NoReturn

_PAUSE = 0.05  # seconds, after which whatever lost the interrupt has ended


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt for SIGTERM too, and raise again one that was lost.

    An exception that a signal raises while the interpreter is in a destructor or a weak reference's
    callback goes nowhere but to `sys.unraisablehook`, and the run would go on, or wait for ever.
    """
    lost: SimpleQueue[bool] = SimpleQueue()  # may be filled from within a destructor
    over = threading.Event()
    before = sys.unraisablehook

    def notice(unraisable: "sys.UnraisableHookArgs") -> None:
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            lost.put(True)
        else:
            before(unraisable)

    def repeat() -> None:
        while lost.get():
            if not over.wait(_PAUSE):
                os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, _terminate)
    threading.Thread(target=repeat, name="interrupts", daemon=True).start()
    sys.unraisablehook = notice
    try:
        yield
    finally:
        sys.unraisablehook = before
        over.set()
        lost.put(False)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    """Treat SIGTERM like Ctrl-C: finish cleanly, keep finished shards."""
    raise KeyboardInterrupt
