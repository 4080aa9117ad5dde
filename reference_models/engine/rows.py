"""Rows of numbers for training steps, one JSON object per line."""

import json
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reference_models.engine.whole import refusals_of, written_whole

FLUSH_SECONDS = 1.0  # between two flushes, so that other programs can read the rows


class Rows:
    """A file of rows that a run appends to, and cuts when it resumes.

    The training state is saved after the rows of its step are on the disk (`sync`). So a killed run
    has every row up to its state, and maybe more; the last row may be incomplete.

    Attributes:
        path: Path of the file.
        last: Step of the last row; 0 if there is none.
        values: Values of the last row, by name; empty if there is none.
    """

    def __init__(self, path: Path, *, step: int) -> None:
        """Open the file; drop rows after `step`, which a killed run wrote."""
        self.path = path
        content = path.read_bytes() if path.exists() else b""
        kept: list[bytes] = []
        self.last, self.values = 0, dict[str, Any]()
        for line in content.splitlines(keepends=True):
            row = _row_of(line)
            if row is None or row["step"] > step:
                break
            kept.append(line)
            self.last, self.values = row["step"], row
        if b"".join(kept) != content:
            with written_whole(path) as file:
                file.writelines(kept)
        self._file, self._flushed = path.open("ab"), -math.inf

    def append(self, step: int, values: Mapping[str, Any]) -> None:
        """Add the row of a step, which is later than the last one."""
        line = json.dumps({"step": step, **values}, allow_nan=False)
        with refusals_of(self.path):
            self._file.write(f"{line}\n".encode())
            if time.monotonic() - self._flushed > FLUSH_SECONDS:
                self._file.flush()
                self._flushed = time.monotonic()
        self.last, self.values = step, dict(values)

    def read(self) -> list[dict[str, Any]]:
        """Return all rows, in order."""
        self._file.flush()
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]

    def sync(self) -> None:
        """Wait until all rows are on the disk."""
        with refusals_of(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._file.close()
        except OSError:  # the disk is full, as already reported
            if error is None:
                raise


def _row_of(line: bytes) -> dict[str, Any] | None:
    """Return the row of a line; None if it is incomplete."""
    if not line.endswith(b"\n"):
        return None
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and isinstance(row.get("step"), int) else None
