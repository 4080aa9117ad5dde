"""Work on several threads: in order, few at a time, no more threads than memory allows."""

import threading

import pytest

from ganeval.machine.resources import Resources, in_order


@pytest.mark.parametrize("threads", [1, 3])
def test_results_keep_their_order(threads: int) -> None:
    found = in_order(lambda value: value * value, range(50), Resources(threads=threads))
    assert list(found) == [value * value for value in range(50)]


@pytest.mark.parametrize(
    ("resources", "num_inputs", "expected"),
    [
        (Resources(threads=3), 12, 3),
        (Resources(threads=3, memory=130_000_000), 12, 2),
        (Resources(threads=3, memory=1), 12, 1),
        (Resources(threads=9), 4, 4),  # no more than there is work
    ],
)
def test_threads_are_those_that_are_allowed(
    resources: Resources, num_inputs: int, expected: int
) -> None:
    # Nobody goes on before all of them are there, so fewer would break the barrier.
    barrier = threading.Barrier(expected, timeout=20)

    def meet(number: int) -> int:
        barrier.wait()
        return threading.get_ident()

    assert len(set(in_order(meet, range(num_inputs), resources))) == expected


def test_few_results_wait() -> None:
    started: list[int] = []
    found = in_order(started.append, range(100), Resources(threads=2))
    next(found)
    assert len(started) <= 5
    found.close()  # type: ignore[attr-defined]


def test_an_error_of_a_thread_arrives() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda value: 1 // value, [2, 1, 0, 1], Resources(threads=2)))
