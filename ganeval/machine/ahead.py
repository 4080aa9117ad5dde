"""Computing results ahead in threads, with a limit on how many wait."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TypeVar

_Input = TypeVar("_Input")
_Output = TypeVar("_Output")


def in_order(
    pool: Executor, function: Callable[[_Input], _Output], inputs: Iterable[_Input], *, ahead: int
) -> Iterator[_Output]:
    """Map like `pool.map`, but keep at most `ahead` results waiting, to bound the memory."""
    waiting: deque[Future[_Output]] = deque()
    try:
        for value in inputs:
            waiting.append(pool.submit(function, value))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def mapped(
    function: Callable[[_Input], _Output], inputs: Iterable[_Input], *, num_threads: int
) -> Iterator[_Output]:
    """Map like `map`, with several calls at once if `num_threads` is above 1."""
    if num_threads == 1:
        yield from map(function, inputs)
        return
    with ThreadPoolExecutor(num_threads, thread_name_prefix="ahead") as pool:
        yield from in_order(pool, function, inputs, ahead=2 * num_threads)
