"""One thread for networks of this size."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch have one thread; several would wait for each other in networks of this size.

    Where other programs run, they wait much longer than they work. The digits of a training also
    do not depend on the number of cores then.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
