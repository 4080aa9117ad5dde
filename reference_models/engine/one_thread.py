"""One thread for networks of this size."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit torch to one thread; in networks of this size several would wait for each other.

    If other programs run, they would wait much longer than they work. With one thread, the digits
    of a training do not depend on the number of cores either.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
