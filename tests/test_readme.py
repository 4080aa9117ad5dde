"""What the README promises, run."""

import ast
import dataclasses
import json
import re
import sys
import types
from pathlib import Path

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


def test_the_metric_of_the_example_works_as_printed(
    real: Path, fake: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = re.findall(r'`("mean-distance": "[^`]*")`', README)
    table = ast.literal_eval(f"{{{line}}}")
    name = table["mean-distance"].partition(":")[0]
    module = types.ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)  # where `dataclass` looks for annotations
    exec(code("class MeanDistance"), vars(module))
    metrics = {"mean-distance": vars(module)["MeanDistance"]()}
    standard = dataclasses.replace(protocols.PROTOCOLS["standard"], on_request=metrics)
    monkeypatch.setitem(protocols.PROTOCOLS, "standard", standard)
    grown = base.Registry("metric", {**base.METRICS.entries, **table})
    for user in ("ganeval.plan", "ganeval.metrics.base"):
        monkeypatch.setattr(f"{user}.METRICS", grown)
    words = ("eval", real, fake, "--extractor", "random", "-m", "mean-distance:power=1", "--json")
    (score,) = json.loads(ganeval(*words).out)["scores"]
    means = []
    for folder in (fake, real):
        stored = folder.parent / f"{folder.name}.npz"
        ganeval("stats", "make", folder, "-o", stored, "--extractor", "random")
        means.append(np.load(stored)["mu"])
    assert score["name"] == "mean-distance"
    assert score["value"] == pytest.approx(np.linalg.norm(means[0] - means[1]), rel=1e-9)
    assert "mean-distance  distance between the means" in ganeval("list", "metrics").out


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
