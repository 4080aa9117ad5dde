"""Threads and processes decode alike, and processes start only when there is enough to do."""

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from ganeval.errors import InputError, ResourceError
from ganeval.features.compute import decode_and_resize, in_order
from ganeval.features.decoders import Decoders
from ganeval.images.image import DecodePolicy
from ganeval.images.preprocess import Preprocess, Resize
from ganeval.sources.base import Item
from ganeval.sources.open import open_source
from tests.pictures import blobs

HOW = Preprocess(
    resize=Resize(size=32, backend="pil", filter="bicubic", antialias=True), mean=127.0, std=128.0
)
decode = partial(decode_and_resize, how=HOW)


@pytest.fixture
def items(tmp_path: Path, write_pictures: Callable[..., Path]) -> list[Item]:
    """Twelve pictures, of which one is damaged."""
    folder = write_pictures(tmp_path / "pictures", blobs(12, seed=0))
    path = sorted(folder.iterdir())[5]
    path.write_bytes(path.read_bytes()[:-40])
    source = open_source(folder, policy=DecodePolicy())
    return source.load(range(12))


def test_processes_give_what_threads_give(items: list[Item]) -> None:
    assert all(item.portable for item in items)
    with Decoders(2, processes=False, small_job=0) as threads:
        expected = list(in_order(threads, decode, items, ahead=3))
        assert where(threads, items[0]) == os.getpid()
    with Decoders(1, processes=True, small_job=0) as processes:
        found = list(in_order(processes, decode, items, ahead=3))
        child = where(processes, items[0])
        assert child != os.getpid()
        os.kill(child, signal.SIGKILL)
        with pytest.raises(ResourceError, match=r"a decoding process was killed.*lower --workers"):
            list(in_order(processes, decode, items * 10, ahead=3))
    assert [isinstance(one, InputError) for one in found] == [at == 5 for at in range(12)]
    assert str(found[5]) == str(expected[5])
    for one, other in zip(found, expected, strict=True):
        if not isinstance(one, InputError):
            assert not isinstance(other, InputError)
            assert torch.equal(one[0], other[0])
            assert one[1] == other[1]


def where(pool: Decoders, item: Item) -> int:
    """Return the process that works on an item."""
    return pool.submit(process_of, item).result()


def process_of(item: Item) -> int:
    return os.getpid()


def test_a_small_job_starts_no_process(items: list[Item]) -> None:
    with Decoders(2, processes=True) as pool:
        list(in_order(pool, decode, items, ahead=3))
        assert where(pool, items[0]) == os.getpid()
        assert pool._processes is None


def test_what_cannot_travel_stays() -> None:
    source = open_source(np.zeros((2, 8, 8, 3), np.uint8), policy=DecodePolicy())
    with Decoders(2, processes=True, small_job=0) as pool:
        assert where(pool, source.load([1])[0]) == os.getpid()
        assert pool._processes is None
