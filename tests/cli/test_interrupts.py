"""An interrupt ends a run, wherever it comes."""

import signal
import sys
import threading
import weakref
from collections.abc import Callable

import pytest

from ganeval.cli.interrupts import interruptible


class Interrupted:
    """A signal comes while this is destroyed."""

    def __init__(self, number: signal.Signals) -> None:
        self.number = number

    def __del__(self) -> None:
        signal.raise_signal(self.number)


class Watched:
    """Something that a weak reference may point to."""


def in_destructor(number: signal.Signals) -> None:
    Interrupted(number)


def in_callback(number: signal.Signals) -> None:
    watched = Watched()
    reference = weakref.ref(watched, lambda _: signal.raise_signal(number))
    del watched
    assert reference() is None


def plainly(number: signal.Signals) -> None:
    signal.raise_signal(number)


def twice_in_destructors(number: signal.Signals) -> None:
    """Two come, and both are lost."""
    in_destructor(number)
    in_destructor(number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("come", [plainly, in_destructor, in_callback, twice_in_destructors])
def test_no_interrupt_is_lost(
    come: Callable[[signal.Signals], None], number: signal.Signals
) -> None:
    def run() -> None:
        with interruptible():
            come(number)
            threading.Event().wait(60)

    before = sys.unraisablehook
    with pytest.raises(KeyboardInterrupt):
        run()
    assert sys.unraisablehook is before


def test_a_run_that_ended_all_the_same_is_not_interrupted_later() -> None:
    with interruptible():
        in_destructor(signal.SIGTERM)
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


class Broken:
    """Fails while it is destroyed."""

    def __del__(self) -> None:
        raise ValueError("broken")


def test_other_failures_are_told_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda failure: told.append(failure.exc_value))
    with interruptible():
        Broken()
    assert [str(failure) for failure in told] == ["broken"]
