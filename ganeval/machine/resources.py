"""What the metrics may use of the machine, and work that is spread over its threads."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

from ganeval.machine import ahead

_THREAD_BYTES = 60_000_000  # what a thread that works on a tile takes at most

_Input = TypeVar("_Input")
_Output = TypeVar("_Output")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """How much memory and how many threads the metrics may use; no number depends on them.

    Attributes:
        memory: Bytes beyond the features, which are mapped from disk where they take more than a
            quarter of it.
        threads: Number of threads, from 1; fewer are used where the memory is too little for them.
    """

    memory: int = 10**9
    threads: int = 1


DEFAULT = Resources()


@cache
def _blas() -> ThreadpoolController:
    """Return what sets the threads of the matrix products; finding the libraries takes long."""
    return ThreadpoolController()


def in_order(
    function: Callable[[_Input], _Output], inputs: Sequence[_Input], resources: Resources
) -> Iterator[_Output]:
    """Map on several threads, and yield the results in the order of the inputs.

    Each thread multiplies matrices on its own, so a product has the same bits on any number of
    threads. Few results wait to be taken.
    """
    affordable = max(resources.memory // _THREAD_BYTES, 1)
    num_threads = min(resources.threads, affordable, len(inputs))
    with _blas().limit(limits=1, user_api="blas"):
        if num_threads <= 1:
            yield from map(function, inputs)
            return
        with ThreadPoolExecutor(num_threads, thread_name_prefix="metric") as pool:
            yield from ahead.in_order(pool, function, inputs, ahead=num_threads + 1)
