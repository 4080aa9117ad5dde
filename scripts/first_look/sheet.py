"""What a look has seen: lines, which become one Markdown table and one JSON file."""

import json
import math
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

VERDICT = {True: "yes", False: "**no**", None: ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table.

    Attributes:
        work: What was done.
        seen: What came out, with its unit.
        beside: What that is compared with, and what came out there.
        promised: What must hold, in words; empty for what is only measured.
        holds: Whether it does; None for what is only measured.
        numbers: The same in full precision, for the JSON file.
    """

    work: str
    seen: str
    beside: str = ""
    promised: str = ""
    holds: bool | None = None
    numbers: Mapping[str, object] = field(default_factory=dict)


class Sheet:
    """Collects lines and keeps them in two files, which are whole after every part."""

    def __init__(self, folder: Path, about: Mapping[str, object]) -> None:
        self._folder, self._about = folder, about
        self._lines: list[Line] = []
        self._seconds: dict[str, float] = {}

    @property
    def holds(self) -> bool:
        """Whether nothing that is promised was seen to fail."""
        return all(line.holds is not False for line in self._lines)

    def fill(self, part: str, look: Callable[[], Iterable[Line]]) -> None:
        """Add the lines of a part; an error in it becomes a line, and its traceback is kept.

        Not even an error of CUDA may cost what was seen before it, so every exception is caught.
        """
        begin = time.perf_counter()
        try:
            for line in look():
                self._add(line)
        except Exception as error:  # whatever a machine that nobody has seen raises
            self._add(
                Line(
                    work=part,
                    seen=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}",
                    promised="no error",
                    holds=False,
                    numbers={"traceback": traceback.format_exc()},
                )
            )
        self._seconds[part] = time.perf_counter() - begin
        self._write()

    def markdown(self) -> str:
        """Return the table, below a line that says of which machine it is."""
        took = ", ".join(f"{part} {seconds:.0f} s" for part, seconds in self._seconds.items())
        rows = [("work", "seen", "beside", "promised", "holds"), ("---",) * 5]
        for line in self._lines:
            cells = (line.work, line.seen, line.beside, line.promised, VERDICT[line.holds])
            rows.append(tuple(cell.replace("|", "\\|") for cell in cells))
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        about = ", ".join(f"{name} {value}" for name, value in self._about.items())
        return f"{about}\n\n{table}\n\n{took}\n"

    def _add(self, line: Line) -> None:
        """Take a line and say so, for whoever waits."""
        self._lines.append(line)
        print(
            f"{line.work}: {line.seen} {VERDICT[line.holds]}".rstrip(), file=sys.stderr, flush=True
        )

    def _write(self) -> None:
        """Write both files."""
        (self._folder / "gpu.md").write_text(self.markdown(), encoding="utf-8")
        content = {
            "schema": "ganeval.gpu/1",
            "machine": self._about,
            "seconds": self._seconds,
            "lines": [_plain(asdict(line)) for line in self._lines],
        }
        text = json.dumps(content, indent=1, allow_nan=False)
        (self._folder / "gpu.json").write_text(f"{text}\n", encoding="utf-8")


def machine(device: str) -> dict[str, object]:
    """Return what the figures depend on."""
    about: dict[str, object] = {
        "device": device,
        "cores": os.cpu_count(),
        "Python": platform.python_version(),
        "torch": str(torch.__version__),
    }
    if device != "cpu":
        properties = torch.cuda.get_device_properties(device)
        about |= {
            "device": properties.name,
            "memory": f"{properties.total_memory / 2**30:.0f} GiB",
            "CUDA": torch.version.cuda,
            "cuDNN": torch.backends.cudnn.version(),
        }
    return about


def _plain(value: object) -> object:
    """Return a value as JSON can hold it: a number that is not finite becomes a text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
