"""Whether two runs have left the same."""

from pathlib import Path


def assert_same_files(one: Path, other: Path) -> None:
    """Every file of two folders has the same name and bytes."""
    names = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file())
    for name in names:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
