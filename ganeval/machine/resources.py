"""How much of the machine the metrics may use, and work spread over its threads."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

from ganeval.machine import ahead

_THREAD_BYTES = 60_000_000  # the most that a thread takes for a tile

_Input = TypeVar("_Input")
_Output = TypeVar("_Output")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """How much memory and how many threads the metrics may use; no score depends on them.

    Attributes:
        memory: Bytes besides the features. Features that take more than a quarter of this number
            are mapped from disk.
        threads: Number of threads, at least 1; fewer are used if the memory is too small for them.
    """

    memory: int = 10**9
    threads: int = 1


DEFAULT = Resources()


@cache
def _blas() -> ThreadpoolController:
    """Return the control of BLAS threads; it is cached because finding the libraries is slow."""
    return ThreadpoolController()


def in_order(
    function: Callable[[_Input], _Output], inputs: Sequence[_Input], resources: Resources
) -> Iterator[_Output]:
    """Map on several threads, and yield the results in the order of the inputs.

    Each matrix product runs on a single thread, so it has the same bits for any number of threads.
    Only a few results wait to be taken.
    """
    affordable = max(resources.memory // _THREAD_BYTES, 1)
    num_threads = min(resources.threads, affordable, len(inputs))
    with _blas().limit(limits=1, user_api="blas"):
        if num_threads <= 1:
            yield from map(function, inputs)
            return
        with ThreadPoolExecutor(num_threads, thread_name_prefix="metric") as pool:
            yield from ahead.in_order(pool, function, inputs, ahead=num_threads + 1)
