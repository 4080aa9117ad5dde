"""Wait for what other processes do, without taking a core from them."""

import time
from collections.abc import Callable
from subprocess import Popen
from typing import Any

PAUSE = 0.01  # seconds; a loop without a pause would keep a core of two busy
DEADLINE = 120.0  # seconds


def until(reached: Callable[[], bool], *alive: Popen[Any]) -> None:
    """Wait until something is reached, while these processes must live."""
    deadline = time.monotonic() + DEADLINE
    while not reached():
        assert time.monotonic() < deadline
        assert all(process.poll() is None for process in alive)
        time.sleep(PAUSE)
