"""The processes that torchrun started for one command, and how they exchange messages.

They use torch.distributed with Gloo on every device, because they exchange only bytes. Gloo ends a
process that receives another number of bytes than it expects. So each process first says how long
its text is, and all messages have a length known beforehand.
"""

import hashlib
import json
import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from ganeval.errors import TeamError, UsageError

if TYPE_CHECKING:
    import torch

_Result = TypeVar("_Result")

_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
_TIMEOUT_VARIABLE = "GANEVAL_TIMEOUT"
_TIMEOUT_SECONDS = 1800.0
_POLL_SECONDS = 0.02
# What Gloo and the store say on a timeout; the last form if another call has noticed it first.
_LATE = re.compile("timed out (waiting|after)|wait timeout|application timeout", re.IGNORECASE)


def _timeout(usual: float = _TIMEOUT_SECONDS) -> float:
    """Return how long processes wait for one another: the environment's value or the usual time.

    Raises:
        UsageError: The environment's value is not a number of seconds above 0.
    """
    text = os.environ.get(_TIMEOUT_VARIABLE, str(usual))
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise UsageError(f"{_TIMEOUT_VARIABLE}={text}", "a number of seconds above 0", "change it")
    return seconds


@dataclass(slots=True, kw_only=True, eq=False)
class Team:
    """The processes of a command; a single one unless torchrun started more.

    >>> Team(rank=1, size=2).leads
    False

    Attributes:
        rank: Number of this process; only number 0 computes scores, writes and prints.
        size: Number of processes.
        local_rank: Number of this process on its host, from 0.
        local_size: Number of processes on its host.
        timeout: Seconds within which every process must answer, and finish two shards; by default
            the environment's value.
        token: A random name that the processes share.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    timeout: float = field(default_factory=_timeout)
    token: str = ""
    _hosts: list[str] = field(default_factory=list, repr=False)
    _has_begun: bool = field(default=False, repr=False)

    @property
    def leads(self) -> bool:
        """Whether this is the process that computes scores, writes and prints."""
        return self.rank == 0

    def join(self, *, cuda: bool = False) -> None:
        """Connect to the other processes.

        Only `leave` closes the connections. After an error they end with the process: closing them
        would wait for calls that a lost process never answers.

        Args:
            cuda: Connect the CUDA devices of the processes too, through NCCL, for tensors on them.

        Raises:
            TeamError: They cannot be reached within the timeout.
        """
        from torch import distributed
        from torch.distributed.distributed_c10d import PrefixStore
        from torch.distributed.rendezvous import rendezvous

        timeout = timedelta(seconds=self.timeout)

        def connect() -> None:
            store, _, _ = next(rendezvous("env://", self.rank, self.size, timeout=timeout))
            self.token = _shake_hands(store, self.rank, self.size, self.timeout)
            distributed.init_process_group(
                "cpu:gloo,cuda:nccl" if cuda else "gloo",
                store=PrefixStore(self.token, store),
                rank=self.rank,
                world_size=self.size,
                timeout=timeout,
            )

        with self._expecting_all():
            _interruptibly(connect)
        self._hosts += self.exchange(socket.gethostname())

    def leave(self) -> None:
        """Close the connections at the end of a run in which no process was lost.

        Otherwise a thread of the backend may still hold a tensor while the interpreter ends, which
        aborts the process after all its work (pytorch/pytorch issue 190489).
        """
        if self.size > 1:
            from torch import distributed

            _interruptibly(distributed.destroy_process_group)

    def name(self, rank: int) -> str:
        """Return a process's name in messages."""
        return f"process {rank} of {self.size} (on {self._hosts[rank]})"

    def agree(self, statement: Mapping[str, str]) -> None:
        """Check that all processes are about to do the same.

        Args:
            statement: What must be the same, by its name in messages.

        Raises:
            TeamError: Something differs, or a process cannot begin; only the first process says so.
        """
        self._has_begun = True
        own = {name: hashlib.sha256(one.encode()).hexdigest() for name, one in statement.items()}
        said = [json.loads(text) for text in self.exchange(json.dumps(own))]
        for rank, other in enumerate(said):
            if isinstance(other, str):  # see `fails_alike`
                self.refuse(f"{self.name(rank)} cannot begin", "all processes", "see its error")
            if list(other) != list(said[0]):
                self.refuse(
                    f"{self.name(rank)} has another task than {self.name(0)}",
                    "the same command for all processes",
                    "start all of them with the same command",
                )
        for rank, other in enumerate(said):
            names = [name for name in other if other[name] != said[0][name]]
            if names:
                self.refuse(
                    f"{self.name(rank)} differs from {self.name(0)} in {', '.join(names)}",
                    "the same sources, weights, options and versions for all processes",
                    "make the machines and the commands the same",
                )

    def fails_alike(self, text: str) -> bool:
        """Tell the others that this process cannot begin; return whether all say the same."""
        if self.size == 1 or self._has_begun:
            return False
        self._has_begun = True
        try:
            return len(set(self.exchange(json.dumps(text)))) == 1
        except TeamError:
            return False

    def exchange(self, text: str) -> list[str]:
        """Return what each process says, by rank.

        Raises:
            TeamError: A process is gone or does not answer.
        """
        import torch

        content = text.encode()
        lengths = [int(one) for one in self._gather(torch.tensor([len(content)]))]
        parts = self._gather(_as_tensor(content, max(1, *lengths)))
        return [
            part.numpy().tobytes()[:length].decode()
            for part, length in zip(parts, lengths, strict=True)
        ]

    def _gather(self, own: "torch.Tensor") -> "list[torch.Tensor]":
        """Return the tensors of all processes by rank; all have the same shape and type."""
        from torch import distributed

        parts = [own.new_empty(own.shape) for _ in range(self.size)]
        with self._expecting_all():
            _interruptibly(lambda: distributed.all_gather(parts, own))
        return parts

    def send(self, content: bytes, num_bytes: int) -> "Message":
        """Send content to the first process without waiting for it.

        Every process must call this equally often.

        Args:
            content: What this process says; it is padded with zeros.
            num_bytes: Length with padding, the same for all processes.

        Raises:
            TeamError: A process is gone.
        """
        from torch import distributed

        own = _as_tensor(content, num_bytes)
        parts = [own.new_empty(num_bytes) for _ in range(self.size)] if self.leads else None
        with self._expecting_all():
            work = distributed.gather(own, parts, dst=0, async_op=True)
        return Message(self, work, own, parts or [])

    def refuse(self, found: str, needed: str, remedy: str) -> None:
        """Raise an error that all processes have found; only the first one says it."""
        if not self.leads:
            raise SystemExit(TeamError.exit_code)
        raise TeamError(found, needed, remedy)

    @contextmanager
    def _expecting_all(self) -> Iterator[None]:
        """Turn a failure that another process has caused into a TeamError."""
        try:
            yield
        except RuntimeError as error:  # the backend raises several classes, this one among them
            text = str(error)
            late = _LATE.search(text) is not None
            raise TeamError(
                f"process {self.rank} of {self.size}: another one "
                + (
                    f"has not answered for {self.timeout:g} seconds"
                    if late
                    else "is gone or out of reach"
                ),
                f"all processes at work ({_TIMEOUT_VARIABLE} sets how many seconds to wait)",
                "see the others' errors and run the same command again: finished shards are kept",
            ) from error


@dataclass(frozen=True, slots=True)
class Message:
    """A message to the first process.

    Attributes:
        team: The processes.
        work: The backend's handle of the transfer.
        own: What this process sends; it must live until it is sent.
        parts: On the first process: what each process sends.
    """

    team: Team
    work: Any
    own: "torch.Tensor"
    parts: "list[torch.Tensor]"

    def is_done(self) -> bool:
        """Return whether `wait` would return at once, perhaps because the transfer failed."""
        return bool(self.work.is_completed())

    def wait(self) -> list[bytes]:
        """Wait until all is sent; on the first process, return all contents by rank.

        Raises:
            TeamError: A process is gone or has not reported in time.
        """
        with self.team._expecting_all():
            _interruptibly(self.work.wait)
        return [part.numpy().tobytes() for part in self.parts]


ALONE = Team(timeout=0)  # nobody to wait for


def find_team(*, timeout: float = _TIMEOUT_SECONDS) -> Team:
    """Return the processes that torchrun's environment describes; a single one without torchrun.

    Args:
        timeout: Seconds to wait for one another, unless the environment has another value.

    Raises:
        UsageError: The timeout is not a number of seconds.
    """
    texts = [os.environ.get(name, "") for name in _VARIABLES]
    if not all(map(str.isdigit, texts)):  # some schedulers set a few of them
        return ALONE
    rank, size, local_rank, local_size = map(int, texts)
    if size == 1:
        return ALONE
    return Team(
        rank=rank,
        size=size,
        local_rank=local_rank,
        local_size=local_size,
        timeout=_timeout(timeout),
    )


def _shake_hands(store: Any, rank: int, size: int, seconds: float) -> str:
    """Return a name that the first process gives to all processes that are alive now.

    When torchrun restarts processes, its store still holds what the previous ones wrote, including
    their addresses. So each process sends a new random word and gets the name as the answer to it.
    """
    token = uuid.uuid4().hex
    if rank:
        store.set(f"ganeval/hello/{rank}", token)
        token = store.get(f"ganeval/answer/{token}").decode()
        store.set(f"ganeval/thanks/{token}/{rank}", "")
        return str(token)
    deadline = time.monotonic() + seconds
    missing = set(range(1, size))
    while missing:
        for other in list(missing):
            if store.check([f"ganeval/thanks/{token}/{other}"]):
                missing.discard(other)
            elif store.check([f"ganeval/hello/{other}"]):
                word = store.get(f"ganeval/hello/{other}").decode()
                store.set(f"ganeval/answer/{word}", token)
        if time.monotonic() > deadline:
            raise RuntimeError(f"timed out waiting for processes {sorted(missing)}")
        time.sleep(_POLL_SECONDS)
    return token


def _interruptibly(call: Callable[[], _Result]) -> _Result:
    """Wait for a call in a thread, because Ctrl-C could not interrupt the call itself."""
    done: Future[_Result] = Future()

    def run() -> None:
        try:
            done.set_result(call())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done.result()


def _as_tensor(content: bytes, num_bytes: int) -> "torch.Tensor":
    """Return bytes as a tensor of a given length, filled with zeros at the end."""
    import torch

    assert len(content) <= num_bytes
    return torch.frombuffer(bytearray(content.ljust(num_bytes, b"\0")), dtype=torch.uint8)
