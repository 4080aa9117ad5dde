"""`ganeval doctor` as a user calls it."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from ganeval.doctor.examine import examine
from ganeval.doctor.text import to_text
from ganeval.flow.settings import Settings
from tests.command import Command
from tests.doctor.sharp import sharp

FAST = ("--extractor", "random")
KEYS = {"check", "severity", "source", "what", "needed", "remedy", "examples"}


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    np.save(tmp_path / "clean.npy", sharp(320, seed=1))
    return tmp_path / "clean.npy"


@pytest.fixture
def noted(tmp_path: Path) -> Path:
    np.save(tmp_path / "noted.npy", sharp(320, seed=1)[:200])
    return tmp_path / "noted.npy"


@pytest.fixture
def spoilt(tmp_path: Path) -> Path:
    np.save(tmp_path / "spoilt.npy", sharp(320, seed=2) // 2)
    return tmp_path / "spoilt.npy"


def test_nothing_is_found(clean: Path, ganeval: Command) -> None:
    shown = ganeval("doctor", clean, "--strict", *FAST)
    assert shown.code == 0
    assert shown.out == f"{clean}: npy; 320 pictures; 80x80\n\nnothing found\n"
    assert shown.err == ""


def test_each_finding_is_one_line(clean: Path, spoilt: Path, ganeval: Command) -> None:
    shown = ganeval("doctor", clean, spoilt, *FAST)
    assert shown.code == 0
    assert shown.out.splitlines() == [
        f"{clean}: npy; 320 pictures; 80x80",
        f"{spoilt}: npy; 320 pictures; 80x80",
        "",
        f"warning  {spoilt}: all values of all pictures lie from 0 to 127: white should be "
        "255, about 2 times as much; needed: values from 0 to 255; write the files again, or "
        "declare the range of an array or a generator (value_range)",
        "",
        "1 warning",
    ]


def test_strict_fails_from_a_warning_on(
    clean: Path, noted: Path, spoilt: Path, ganeval: Command
) -> None:
    assert ganeval("doctor", noted, "--strict", *FAST).code == 0
    shown = ganeval("doctor", spoilt, "--strict", "--json", *FAST)
    assert shown.code == 1
    assert json.loads(shown.out)["findings"][0]["severity"] == "warning"
    assert ganeval("doctor", spoilt, *FAST).code == 0


@pytest.mark.parametrize("strict", [(), ("--strict",)])
def test_what_scoring_would_refuse_exits_with_2(
    strict: tuple[str, ...], real: Path, ganeval: Command
) -> None:
    (real / "broken.png").write_bytes(b"")
    shown = ganeval("doctor", real, *strict, *FAST)
    assert shown.code == ganeval("is", real, *FAST).code == 2
    assert "\n1 error" in shown.out
    skip = ("--on-bad-image", "skip", "--max-bad", "10%")
    shown = ganeval("doctor", real, *strict, *FAST, *skip)
    assert ganeval("is", real, *FAST, *skip).code == 0
    assert shown.code == (1 if strict else 0)
    assert "skipped: " in shown.out
    assert "error" not in shown.out


def test_a_source_that_cannot_be_opened_is_an_error(clean: Path, ganeval: Command) -> None:
    for words in (["nope"], [clean, "nope"], [clean, "nope", "nope2", "--json"]):
        shown = ganeval("doctor", *words, *FAST)
        assert shown.code == 2
        assert "no such file" in shown.error
    assert "unknown extractor" in ganeval("doctor", clean, "--extractor", "incepton").error


def test_json(noted: Path, ganeval: Command, real: Path) -> None:
    (real / "broken.png").write_bytes(b"")
    content = json.loads(ganeval("doctor", noted, real, "--json", *FAST).out)
    assert content["schema"] == "ganeval.doctor/1"
    assert content["sources"] == [
        {
            "location": str(noted),
            "kind": "npy",
            "count": 200,
            "refused": 0,
            "sizes": {"80x80": 200},
            "formats": {},
            "modes": {},
            "ignored": {},
        },
        {
            "location": str(real),
            "kind": "folder",
            "count": 31,
            "refused": 1,
            "sizes": {"24x24": 30},
            "formats": {"PNG": 30},
            "modes": {"RGB": 30},
            "ignored": {},
        },
    ]
    assert all(finding.keys() == KEYS for finding in content["findings"])
    assert content["findings"][0]["examples"] == [f"{real}/broken.png"]


def test_lines_are_folded_on_a_terminal(
    spoilt: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(spoilt.parent)
    text = to_text(examine([spoilt.name], Settings(extractor="random")), 80)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith("warning  spoilt.npy: all values")
    assert lines[3].startswith(" " * 9)
    assert " ".join(text.split()) == " ".join(ganeval("doctor", spoilt.name, *FAST).out.split())


def test_any_name_of_a_file_fits_on_a_line(real: Path, ganeval: Command) -> None:
    name = os.fsencode(real) + b"/a\nb\xff.png"
    with open(name, "wb"):  # noqa: PTH123 (pathlib has no names of bytes)
        pass
    shown = ganeval("doctor", real, *FAST).out
    assert shown.count("error  ") == 1
    assert "a\\nb\\udcff.png" in shown
    json.loads(ganeval("doctor", real, "--json", *FAST).out)


def test_a_thousand_small_pictures_are_quick(tmp_path: Path, ganeval: Command) -> None:
    np.save(tmp_path / "a.npy", sharp(1000, seed=3, size=32))
    begin = time.perf_counter()
    assert ganeval("doctor", tmp_path / "a.npy", *FAST).code == 0
    assert time.perf_counter() - begin < 15
