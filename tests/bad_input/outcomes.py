"""What a command line that met bad input must look like, and what a good one says."""

import json
import re
from pathlib import Path
from typing import Any

from ganeval.errors import one_line
from tests.command import Outcome

RANDOM = ("--extractor", "random")
"""Options for a network that takes no time."""

JSON = (*RANDOM, "--json", "--verbose")


def refusal(outcome: Outcome, *, code: int = 2) -> str:
    """The one error line: what was found, what is needed, what to do; nothing on stdout."""
    assert outcome.code == code, outcome.err
    assert all(line.startswith("ganeval: ") for line in outcome.err.splitlines()), outcome.err
    assert len([part for part in outcome.error.split("; ") if part.strip()]) >= 3
    return outcome.error


def refusals(outcome: Outcome, num: int) -> list[str]:
    """The lines above the error line, one for each reason why `num` pictures cannot be used."""
    line = refusal(outcome)
    assert re.search(rf": {num} of \d+ pictures cannot be used, the first: ", line)
    lines = [line for line in outcome.err.splitlines()[:-1] if not line.endswith(" in the cache")]
    for line in lines:
        assert len([part for part in line.split("; ") if part.strip()]) >= 3
    return lines


def report(outcome: Outcome) -> dict[str, Any]:
    """The report on stdout, strict JSON, of a command that was to succeed."""
    assert outcome.code == 0, outcome.err
    assert all(line.startswith("ganeval: ") for line in outcome.err.splitlines()), outcome.err
    content: dict[str, Any] = json.loads(outcome.out, parse_constant=_no_number)
    return content


def values(outcome: Outcome) -> dict[str, float]:
    """The scores by name."""
    return {score["name"]: score["value"] for score in report(outcome)["scores"]}


def card(outcome: Outcome, source: object) -> dict[str, Any]:
    """What the report says of a source."""
    found: dict[str, Any] = report(outcome)["provenance"]["sources"][one_line(str(source))]
    return found


def shards(cache: Path) -> list[Path]:
    """The shards in a cache."""
    return sorted((cache / "shards").glob("??/*.safetensors"))


def whole(cache: Path) -> list[Path]:
    """The shards in a cache, and what is derived from them."""
    return sorted([*shards(cache), *(cache / "shards" / "derived").glob("*.safetensors")])


def files(folder: Path) -> list[Path]:
    """All files within a folder but the index, which is there or not by the age of the pictures."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".index")


def _no_number(text: str) -> None:
    """Refuse NaN and Infinity, which are no JSON."""
    raise AssertionError(text)
