"""Run the command line in a process of its own that comes to grief at a known point.

`python -m tests.bad_input.child ACCIDENT WORD...`, where the accident is one of
`KILL@write=2`, `INT@network=10` (a signal to itself at that write or pass of the network) and
`meet@3=4` (before the first shard write a byte to descriptor 3, then read one from 4).
"""

import fcntl
import os
import signal
import sys
from typing import Any

from ganeval.cli.main import main
from ganeval.extractors.random_network import RandomNetwork
from ganeval.features import compute as computing
from ganeval.features import jobs

SHARD_SIZE = 100  # to come to grief in the second shard soon


def count_down(owner: Any, name: str, number: int, signal_name: str) -> None:
    """Send this process a signal when `owner.name` is called for the `number`th time."""
    original, calls = getattr(owner, name), []

    def counted(*args: Any) -> Any:
        calls.append(name)
        if len(calls) == number:
            os.kill(os.getpid(), signal.Signals[f"SIG{signal_name}"])
        return original(*args)

    setattr(owner, name, counted)


def meet(ready: int, go: int) -> None:
    """Let the first shard wait until the other process is as far."""
    original, met = computing.compute, []

    def met_first(*args: Any) -> Any:
        if not met:
            met.append(os.write(ready, b"."))
            os.read(go, 1)
        return original(*args)

    computing.compute = met_first


def prepare(accident: str) -> None:
    """Set the accident up."""
    what, _, where = accident.partition("@")
    place, _, number = where.partition("=")
    if what == "meet":
        meet(int(place), int(number))
    elif place == "write":
        count_down(os, "fsync", int(number), what)
    else:
        count_down(RandomNetwork, "__call__", int(number), what)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
    fcntl.flock = lambda *_: None  # as on file systems where every caller gets the lock
    jobs.SHARD_SIZE = SHARD_SIZE
    prepare(sys.argv[1])
    sys.argv = ["ganeval", *sys.argv[2:]]
    main()
