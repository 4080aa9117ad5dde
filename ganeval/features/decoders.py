"""Who decodes pictures: threads, or processes where that is asked for and there is enough to do."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, TypeVar

import torch
import torch.multiprocessing

SMALL_JOB = 1024  # pictures, in which the start of a process is not worth its while

_Output = TypeVar("_Output")


class Decoders(Executor):
    """Threads, which share the interpreter's lock, and processes, which do not but must be started.

    Pillow decodes without the lock, so threads keep a few cores busy. Processes are for many cores
    before a fast device. A tensor comes back from them through shared memory.
    """

    def __init__(self, num: int, *, processes: bool, small_job: int = SMALL_JOB) -> None:
        """Start nothing yet.

        Args:
            num: Of threads, and of processes.
            processes: Whether processes may be started. As with a `DataLoader`, the main module of
                the program must then be importable.
            small_job: Pictures that threads decode in any case, before a process is started.
        """
        self._num = num
        self._threads = ThreadPoolExecutor(num, thread_name_prefix="decode")
        self._may_start = processes
        self._small_job = small_job
        self._processes: ProcessPoolExecutor | None = None
        self._num_submitted = 0

    def submit(self, fn: Callable[..., _Output], /, *args: Any, **kwargs: Any) -> Future[_Output]:
        """Schedule a call; in a process if its one argument is an `Item` that may travel."""
        self._num_submitted += 1
        if not self._may_start or self._num_submitted <= self._small_job or not args[0].portable:
            return self._threads.submit(fn, *args, **kwargs)
        if self._processes is None:
            self._processes = ProcessPoolExecutor(
                self._num,
                mp_context=torch.multiprocessing.get_context("spawn"),
                initializer=_prepare,
            )
        return self._processes.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads and processes."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        if self._processes is not None:
            self._processes.shutdown(wait, cancel_futures=cancel_futures)


def _prepare() -> None:
    """Leave Ctrl-C to the parent, take one core, and end when the parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait until the parent is gone, by whatever means, and leave."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
