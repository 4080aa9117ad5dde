"""Ctrl-C and SIGTERM end a run alike, and neither is lost."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_PAUSE = 0.05  # seconds; by then the code that lost the interrupt has returned


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt for SIGTERM too, and raise a lost interrupt once more.

    An exception that a signal raises while the interpreter is in a destructor or a weak reference's
    callback goes nowhere but to `sys.unraisablehook`, and the run would go on, or wait for ever.
    The hook sets the system's alarm clock, which interrupts the run once more. Windows has no such
    clock.
    """
    before = sys.unraisablehook

    def set_alarm(unraisable: "sys.UnraisableHookArgs") -> None:
        if sys.platform != "win32" and isinstance(unraisable.exc_value, KeyboardInterrupt):
            signal.signal(signal.SIGALRM, _interrupt)
            signal.setitimer(signal.ITIMER_REAL, _PAUSE)
        else:
            before(unraisable)

    signal.signal(signal.SIGTERM, _interrupt)
    sys.unraisablehook = set_alarm
    try:
        yield
    finally:
        sys.unraisablehook = before
        if sys.platform != "win32" and signal.getsignal(signal.SIGALRM) is _interrupt:
            signal.setitimer(signal.ITIMER_REAL, 0)  # the run has ended all the same


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Treat any signal like Ctrl-C: finish cleanly, keep finished shards."""
    raise KeyboardInterrupt
