"""What the README promises, run."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from ganeval.metrics import base, protocols
from tests.command import Command

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def code(containing: str) -> str:
    """Return the one code block that contains a text."""
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (found,) = [block for block in blocks if containing in block]
    return str(found)


def test_the_metric_of_the_example_works(
    real: Path, fake: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, Any] = {
        **vars(base),
        "dataclass": dataclasses.dataclass,
        "ClassVar": ClassVar,
        "Mapping": Mapping,
        "np": np,
        "__name__": __name__,
    }
    exec(code("class MeanDistance"), names)
    kind = names["MeanDistance"]
    monkeypatch.setitem(globals(), "MeanDistance", kind)
    table = {**base.METRICS.entries, "mean-distance": f"{__name__}:MeanDistance"}
    standard = dataclasses.replace(
        protocols.PROTOCOLS["standard"], metrics={"mean-distance": kind()}
    )
    monkeypatch.setitem(protocols.PROTOCOLS, "standard", standard)
    monkeypatch.setattr("ganeval.plan.METRICS", base.Registry("metric", table))
    shown = ganeval("eval", real, fake, "--extractor", "random", "-m", "mean-distance:power=1")
    assert shown.code == 0
    assert "mean-distance:power=1" in shown.out


@pytest.mark.parametrize("name", sorted(protocols.PROTOCOLS))
def test_the_table_of_protocols_is_that_of_the_code(name: str) -> None:
    (row,) = re.findall(rf"^\| `{re.escape(name)}`.*$", README, re.MULTILINE)
    cells = [cell.strip() for cell in row.strip("|").split("|")][3:]
    defined = [cell != "-" for cell in cells]
    metrics = protocols.PROTOCOLS[name].metrics
    assert defined == [metric in metrics for metric in ("fid", "is", "kid", "pr", "dc")]


def test_every_command_that_is_shown_exists(ganeval: Command) -> None:
    from ganeval.cli.main import COMMANDS

    shown = set(re.findall(r"^ganeval ([a-z]+)", README, re.MULTILINE))
    assert shown
    assert shown <= set(COMMANDS)
