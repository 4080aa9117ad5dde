"""What one process of several does, forked from a server that has loaded all this already."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import distributed

import ganeval.cli.compare
import ganeval.cli.eval
import ganeval.cli.extract
import ganeval.cli.stats  # noqa: F401
from ganeval.cli.main import main
from ganeval.extractors import random as random_extractor
from ganeval.features import compute as computing
from ganeval.features import extraction, jobs
from ganeval.features.shards import ShardStore

SHARD_SIZE = 20
NUM_LAYERS = 2  # of the network that the tests use: each part of a source has a file for each
CLONE_NEWNET = 0x40000000


@dataclass(frozen=True, kw_only=True)
class Rank:
    """One process.

    Attributes:
        words: Words of the command line.
        environment: What it has of its own.
        folder: Where it runs.
        out, err: Files that get what it prints.
        log: A file that gets a line for each part of a source that any process begins to compute.
        accident: What happens to it: `KILL@2`, `STOP@2` (a signal to itself when it is about to
            write the first file of its part number 2, from 1), `KILL@2+1` (when one file of that
            part is written), `cut@2` (its network at that moment), `loses@2` (the file that it
            writes then goes away), `weights`, `versions` (it has others).
        network: Network namespace in which it runs.
    """

    words: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    out: Path
    err: Path
    log: Path
    accident: str = ""
    network: str = ""


def work(rank: Rank) -> None:
    """Run the command line as this process."""
    os.environ.update(rank.environment)
    os.chdir(rank.folder)
    for descriptor, path in ((1, rank.out), (2, rank.err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    if rank.network:
        enter(rank.network)
    torch.set_num_threads(1)
    jobs.SHARD_SIZE = SHARD_SIZE
    log_computing(rank.log)
    prepare(rank.accident)
    try:
        main(list(rank.words))
    except SystemExit as end:
        if not end.code and distributed.is_initialized():
            sys.stderr.write("still connected after all is done\n")
            sys.stderr.flush()
        raise


def enter(network: str) -> None:
    """Move into a network namespace."""
    with Path(f"/run/netns/{network}").open() as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


def log_computing(path: Path) -> None:
    """Note each part of a source that is computed."""
    compute = computing.compute

    def noted(*args: Any) -> Any:
        with path.open("ab") as file:
            file.write(b"computing\n")
        return compute(*args)

    computing.compute = noted


def prepare(accident: str) -> None:
    """Set the accident up."""
    what, _, number = accident.partition("@")
    if what == "weights":
        random_extractor._SHA256 = "0" * 64
    elif what == "versions":
        extraction._version = lambda name: "1.1"  # type: ignore[attr-defined]
    elif what:
        part, _, num_written = number.partition("+")
        at_write((int(part) - 1) * NUM_LAYERS + int(num_written or 0) + 1, what)


def at_write(number: int, what: str) -> None:
    """Let something happen when this process is about to write a file for the `number`th time."""
    write, calls = ShardStore.write, []

    def counted(self: ShardStore, key: str, *args: Any) -> None:
        calls.append(key)
        if len(calls) == number:
            if what == "cut":
                subprocess.run(["ip", "link", "set", os.environ["GLOO_SOCKET_IFNAME"], "down"])
            elif what != "loses":
                os.kill(os.getpid(), signal.Signals[f"SIG{what}"])
                signal.pause()  # another thread may have got it, and this one would go on
        write(self, key, *args)
        if len(calls) == number and what == "loses":
            self.path(key).unlink()

    ShardStore.write = counted  # type: ignore[method-assign]


if __name__ == "__main__":  # under torchrun itself
    jobs.SHARD_SIZE = SHARD_SIZE
    main()
