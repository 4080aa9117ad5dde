"""Whether two runs have left the same."""

from pathlib import Path

import safetensors.torch
from safetensors import safe_open


def assert_same_files(one: Path, other: Path) -> None:
    """Every file has the same bytes; the header of a checkpoint is a mapping without an order."""
    names = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file())
    for name in names:
        assert content(one / name) == content(other / name), name


def content(path: Path) -> object:
    """What a file holds, for comparison."""
    if path.suffix != ".safetensors":
        return path.read_bytes()
    with safe_open(path, framework="pt") as file:
        card = file.metadata()
    tensors = safetensors.torch.load(path.read_bytes())
    return card, {name: value.numpy().tobytes() for name, value in tensors.items()}
