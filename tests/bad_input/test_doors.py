"""What fuzzing found: one line where there was a traceback, an error where there was a NaN."""

import contextlib
import io
import json
import sys
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ganeval.cli.main import main
from tests.bad_input.encoded import PICTURES, encode
from tests.bad_input.outcomes import JSON, RANDOM, refusal, report
from tests.command import Command


def tar_with(path: Path, headers: dict[str, str]) -> Path:
    content = encode(PICTURES[0])
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for number in range(2):
            info = tarfile.TarInfo(f"{number}.png")
            info.size, info.pax_headers = len(content), headers if number else {}
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    "headers",
    [
        {"size": "x"}, {"size": ""}, {"GNU.sparse.size": "0,5"}, {"GNU.sparse.map": "a"},
        {"size": "99999999999999999999"}, {"GNU.sparse.map": "1" * 5000},
    ],
)  # fmt: skip
def test_a_tar_whose_extended_header_has_no_number(
    headers: dict[str, str], real: Path, tmp_path: Path, ganeval: Command
) -> None:
    path = tar_with(tmp_path / "a.tar", headers)
    for text in (path, f"tar:{path}"):
        assert f"{path}: " in refusal(ganeval("fid", real, text, *RANDOM))


def test_a_tar_that_begins_so(real: Path, tmp_path: Path, ganeval: Command) -> None:
    path = tar_with(tmp_path / "a.tar", {})
    info = tarfile.TarInfo("a.png")
    info.pax_headers = {"GNU.sparse.size": "x"}
    path.write_bytes(info.tobuf(tarfile.PAX_FORMAT) + path.read_bytes())
    line = refusal(ganeval("fid", real, path, *RANDOM))
    assert "damaged or truncated tar archive (a header makes no sense: " in line


@pytest.mark.parametrize("size", [2**36, 2**63, 2**70])
@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
@pytest.mark.parametrize("at", ["start", "middle"])
def test_a_tar_whose_extended_header_is_said_to_be_larger_than_the_file(
    size: int, kind: bytes, at: str, real: Path, tmp_path: Path, ganeval: Command
) -> None:
    info = tarfile.TarInfo("a")
    info.type, info.size = kind, size
    header = info.tobuf(tarfile.GNU_FORMAT)
    path = tar_with(tmp_path / "a.tar", {})
    before = path.read_bytes()[: 0 if at == "start" else -10240]
    path.write_bytes(before + header + bytes(10240))
    tracemalloc.start()
    assert f"{path}: " in refusal(ganeval("fid", real, f"tar:{path}", *RANDOM))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**28


def test_a_zip_with_a_member_without_a_name(real: Path, tmp_path: Path, ganeval: Command) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(4):
            archive.writestr(f"{number}.png", encode(PICTURES[number]))
        archive.filelist[0].filename = ""
    found = report(ganeval("fid", real, path, *JSON))
    assert found["provenance"]["sources"][str(path)]["ignored"] == {"other files": 1}


@pytest.mark.parametrize("part", ["\u00b2/3", "0/\u00b2", "\u0660/1", "0/0", "1", "/", "-1/2"])
def test_a_part_that_is_none(part: str, real: Path, ganeval: Command) -> None:
    assert f"--part {part}; needed: I/N" in refusal(
        ganeval("extract", real, f"--part={part}", *RANDOM)
    )


@pytest.mark.parametrize("size", ["9" * 400, "9" * 400 + "GB", "1e400", "", "\u0661GB", "1.GB"])
def test_a_size_that_is_none(size: str, real: Path, fake: Path, ganeval: Command) -> None:
    assert "--memory" in refusal(ganeval("fid", real, fake, *RANDOM, f"--memory={size}"))


def test_one_image_has_no_covariance_to_store(tmp_path: Path, ganeval: Command) -> None:
    path = tmp_path / "one.npy"
    np.save(path, PICTURES[:1])
    out = tmp_path / "stats.npz"
    line = refusal(ganeval("stats", "make", path, "-o", out, *RANDOM))
    assert f"{path}: 1 image; needed: at least 2" in line
    assert not out.exists()


@pytest.mark.parametrize("name", ["mu", "sigma"])
@pytest.mark.parametrize(("factor", "code"), [(1e29, 0), (1e31, 2), (1e160, 2), (1e308, 2)])
def test_statistics_beyond_what_can_be_computed_with(
    name: str, factor: float, code: int, real: Path, fake: Path, tmp_path: Path, ganeval: Command
) -> None:
    path = tmp_path / "stats.npz"
    assert ganeval("stats", "make", real, "-o", path, *RANDOM).code == 0
    content = dict(np.load(path))
    content[name] = content[name] / np.abs(content[name]).max() * factor
    np.savez(path, **content)
    if not code:
        # The parts still belong to the real images.
        assert " of the parts differs from the whole's " in refusal(
            ganeval("fid", path, fake, *RANDOM)
        )
        whole = {key: array for key, array in content.items() if "parts" not in key}
        assert whole.keys() < content.keys()
        np.savez(path, **whole)
    found = ganeval("fid", path, fake, *RANDOM)
    assert found.code == code
    if code:
        assert f"{path}: contains values up to {factor:.3g}" in refusal(found)


def test_names_that_no_file_can_have(real: Path, fake: Path, ganeval: Command) -> None:
    name = "a" * 5000
    for words in (
        ("cache", "info", "--cache-dir", name),
        ("cache", "prune", "--cache-dir", name),
        ("fid", real, name, *RANDOM),
        ("table", name),
        ("stats", "inspect", f"{real / '00000.png'}/a"),
    ):
        assert ganeval(*words).code == 2
        assert refusal(ganeval(*words))


def test_what_a_statistics_file_says_of_itself_is_printed_on_its_lines(
    tmp_path: Path, ganeval: Command
) -> None:
    path = tmp_path / "stats.npz"
    card = np.array(json.dumps({"extractor": "a\nb", "x\x1b[31m": ["\u202e"]}))
    np.savez(path, mu=np.zeros(2), sigma=np.eye(2), ganeval=card)
    shown = ganeval("stats", "inspect", path)
    assert shown.out.splitlines()[-2:] == ["extractor\ta\\nb", "x\\x1b[31m\t['\\u202e']"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_a_terminal_that_has_no_arrows(
    encoding: str, real: Path, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding))
    with contextlib.suppress(SystemExit):
        main(["fid", str(real), str(fake), *RANDOM])
    shown = raw.getvalue().decode(encoding)
    assert ("fid \u2193" if encoding == "utf-8" else "fid \\u2193") in shown


@pytest.mark.parametrize("size", ["9" * 5000, "\u00b2", "", "-1", "1.5", "\u0663", "x"])
def test_a_window_of_no_size(
    size: str, real: Path, fake: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = ganeval("fid", real, fake, *RANDOM).out
    for name in ("COLUMNS", "LINES"):
        monkeypatch.setenv(name, size)
    shown = ganeval("fid", real, fake, *RANDOM)
    assert (shown.code, shown.out) == (0, usual)


@pytest.mark.parametrize("word", ["--a\nb", "--seed=a\nb", "--engine=\x1b[31m"])
def test_a_word_of_several_lines(word: str, real: Path, fake: Path, ganeval: Command) -> None:
    found = ganeval("fid", real, fake, word, *RANDOM)
    assert found.code == 2
    assert all(char.isprintable() for char in found.error)


def test_more_than_any_machine_can_do(real: Path, fake: Path, ganeval: Command) -> None:
    for words, said in (
        ([f"--batch-size={'9' * 30}"], "batch_size is 9"),
        ([f"--workers={'9' * 30}"], "workers is 9"),
        ([f"-mkid:subset_size=5:num_subsets={'9' * 30}"], "kid has num_subsets=9"),
    ):
        line = refusal(ganeval("eval", real, fake, *words, *RANDOM))
        assert said in line
        assert "at most 1" in line


def test_a_name_of_several_lines_is_printed_on_one(real: Path, ganeval: Command) -> None:
    odd = real.rename(real.with_name("a\n\x1b[31m\u202e"))
    shown = ganeval("extract", odd, *RANDOM)
    assert shown.out.startswith(f"{odd.parent}/a\\n\\x1b[31m\\u202e: 1 of 1 shards, 30 images")


def test_versions_of_a_baseline_are_printed_on_one_line(
    real: Path, fake: Path, tmp_path: Path, ganeval: Command
) -> None:
    run, base = tmp_path / "run.json", tmp_path / "base.json"
    ganeval("kid", real, fake, "-o", run, *RANDOM)
    ganeval("baseline", "accept", run, "-o", base)
    content = json.loads(base.read_text(encoding="utf-8"))
    content["provenance"]["libraries"]["torch"] = "\x1b[2J\n"
    base.write_text(json.dumps(content), encoding="utf-8")
    shown = ganeval("check", run, "--baseline", base, "--max-regress", "kid=1")
    assert "baseline made with torch \\x1b[2J\\n (here" in shown.out
