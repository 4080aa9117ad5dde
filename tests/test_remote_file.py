"""Remote files read like local ones, in ranged requests that grow."""

import io
from collections.abc import Iterator
from itertools import pairwise

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeval.machine.remote import RemotePath
from ganeval.machine.remote_file import RemoteFile, open_file, open_remote

CONTENT = bytes(range(256)) * 40


@pytest.fixture(autouse=True, scope="module")
def memory() -> Iterator[None]:
    """One file in fsspec's memory."""
    fsspec.filesystem("memory").pipe_file("/folder/file", CONTENT)
    yield
    fsspec.filesystem("memory").rm("/folder", recursive=True)


STEPS = st.lists(
    st.tuples(
        st.sampled_from([io.SEEK_SET, io.SEEK_CUR, io.SEEK_END]),
        st.integers(-len(CONTENT), len(CONTENT) + 100),
        st.integers(-1, 3000),
    )
)


@given(steps=STEPS)
def test_reads_like_a_local_file(steps: list[tuple[int, int, int]]) -> None:
    there, here = open_remote(RemotePath.of("memory://folder/file")), io.BytesIO(CONTENT)
    for whence, offset, size in steps:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: here.tell(), io.SEEK_END: len(CONTENT)}[whence]
        if base + offset < 0:
            with pytest.raises(OSError, match="before the file's start"):
                there.seek(offset, whence)
            continue
        assert there.seek(offset, whence) == here.seek(offset, whence)
        assert there.read(size) == here.read(size)
        assert there.tell() == here.tell()


def test_reading_on_fetches_ahead_and_a_jump_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def read_range(self: RemotePath, start: int, stop: int) -> bytes:
        asked.append((start, stop))
        return bytes(stop - start)

    monkeypatch.setattr(RemotePath, "read_range", read_range)
    least, most = RemoteFile.LEAST, RemoteFile.MOST
    file = RemoteFile(RemotePath.of("memory://folder/file"), 100 * most)
    for _ in range(3 * least // 512):
        file.read(512)
    assert asked == [(0, least), (least, 3 * least)]
    asked.clear()
    file.seek(50 * most)
    file.read(512)
    assert asked == [(50 * most, 50 * most + least)]
    asked.clear()
    while file.tell() < 53 * most:
        file.read(2**16)
        file.seek(2**16, io.SEEK_CUR)  # what is skipped is not waited for
    assert len(asked) < 15
    assert max(stop - start for start, stop in asked) == most
    assert all(0 <= start - end <= 2**16 for (_, end), (start, _) in pairwise(asked))


def test_open_file_takes_both() -> None:
    with open_file("memory://folder/file") as file:
        assert file.read(3) == b"\x00\x01\x02"
    with pytest.raises(FileNotFoundError), open_file("memory://folder/nothing"):
        pass
