"""A run touches only files that it has made, and says what it cannot write."""

import errno
import os
import shlex
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

import ganeval as toolkit
from reference_models.engine.files import RunFiles
from reference_models.engine.kinds import Scoring
from reference_models.engine.session import Watch, run_training
from reference_models.engine.whole import written_whole
from tests.command import Command

GRIDS = Watch(grid_every=2, collapse=False, board=False)
SCORED = Watch(
    grid_every=0,
    board=False,
    scoring=Scoring(every=2, metrics=("kid",), extractor="random", num_images=8),
)
NAMES = {
    *("state.pt", "metrics.jsonl", "samples.png", "gan.safetensors", ".ganeval-run.json"),
    "settings.toml",
}


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def put(folder: Path, *names: str) -> dict[str, bytes]:
    """Make files of a user's in a folder, and return its contents."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(f"{name} of a user".encode())
    return contents(folder)


def test_files_of_others_stay_as_they_are(tmp_path: Path) -> None:
    theirs = put(
        tmp_path,
        *("samples/00000.png", "samples/0007.png", "samples/000099.png", "samples/7.png"),
        *("notes.txt", "run.json", f".notes.txt.{'0' * 32}.tmp", ".x.tmp", "other.safetensors"),
    )
    run_training("gan", folder=tmp_path, steps=3, watch=GRIDS)
    names = NAMES | {"samples/000002.png"}
    assert contents(tmp_path).keys() == theirs.keys() | names
    later = put(tmp_path, "samples/00012.png", "samples/000098.png", "curve.jsonl")
    theirs |= {name: later[name] for name in later.keys() - names}
    run_training("gan", folder=tmp_path, steps=5, resume=True, watch=GRIDS)
    found = contents(tmp_path)
    assert found.keys() == theirs.keys() | names | {"samples/000004.png"}
    assert {name: found[name] for name in theirs} == theirs


@pytest.mark.parametrize(
    "name",
    [
        *("metrics.jsonl", "samples.png", "gan.safetensors", "samples/000002.png"),
        *("curve.jsonl", "curve.png", ".ganeval-run.json"),
    ],
)
def test_a_name_that_others_have_is_refused_before_any_step(name: str, tmp_path: Path) -> None:
    watch = SCORED if name.startswith("curve") else GRIDS
    theirs = put(tmp_path, name)
    with pytest.raises(toolkit.GanevalError) as error:
        run_training("gan", folder=tmp_path, steps=4, watch=watch)
    assert error.value.found.startswith(f"{tmp_path / name}: ")
    assert error.value.remedy == "move it away, or choose another folder with --out"
    assert contents(tmp_path) == theirs
    (tmp_path / name).unlink()
    run_training("gan", folder=tmp_path, steps=4, watch=watch)


@pytest.mark.parametrize("name", ["curve.jsonl", "samples/000004.png"])
def test_a_resumed_run_takes_no_name_of_others(name: str, tmp_path: Path) -> None:
    run_training("gan", folder=tmp_path, steps=2, watch=Watch(grid_every=0, board=False))
    before = put(tmp_path, name)
    watch = SCORED if name == "curve.jsonl" else GRIDS
    with pytest.raises(toolkit.GanevalError, match="exists already, and this run did not"):
        run_training("gan", folder=tmp_path, steps=4, resume=True, watch=watch)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("out", ["file", "file/run", "run"])
def test_a_file_in_place_of_a_folder(out: str, tmp_path: Path, ganeval: Command) -> None:
    theirs = put(tmp_path, "file", "run/samples")
    words = ("train", "gan", "--steps", 4, "--grid-every", 2, "--out", tmp_path / out)
    place = tmp_path / ("run/samples" if out == "run" else "file")
    assert ganeval(*words).error.startswith(f"ganeval: error: {place}: is a file; needed: a folder")
    assert contents(tmp_path) == theirs


def test_a_run_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    run_training("gan", folder=tmp_path / "run", steps=4, watch=SCORED)
    (tmp_path / "run" / ".ganeval-run.json").unlink()
    (tmp_path / "run" / "curve.png").unlink()
    (tmp_path / "run" / "settings.toml").unlink()
    (tmp_path / "run" / "best" / "gan.safetensors").unlink()
    run_training("gan", folder=tmp_path / "run", steps=6, resume=True, watch=SCORED)
    run_training("gan", folder=tmp_path / "whole", steps=6, watch=SCORED)
    run, whole = contents(tmp_path / "run"), contents(tmp_path / "whole")
    for one in (run, whole):  # the best checkpoint that it had not kept is not there
        one.pop("best/gan.safetensors", None)
        one.pop(".ganeval-run.json")
    assert run == whole


def test_a_state_that_is_gone_leaves_a_run_to_no_other(tmp_path: Path) -> None:
    run_training("gan", folder=tmp_path, steps=2, watch=GRIDS)
    (tmp_path / "state.pt").unlink()
    before = contents(tmp_path)
    with pytest.raises(toolkit.GanevalError, match=r"metrics.jsonl: exists already"):
        run_training("gan", folder=tmp_path, steps=2, watch=GRIDS)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("content", ["[]", "{", '{"schema": "x"}', '{"schema": "ganeval.run/1"}'])
def test_a_list_that_is_none_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / ".ganeval-run.json").write_text(content)
    with pytest.raises(toolkit.GanevalError, match=r"run.json: not the list of a run's files"):
        RunFiles(tmp_path)


class FullDisk:
    """Lets so many more files be synced; then the disk is full."""

    def __init__(self, num: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left, self.fsync = num, os.fsync
        monkeypatch.setattr(os, "fsync", self)

    def __call__(self, descriptor: int) -> None:
        if self.left == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.left -= 1
        self.fsync(descriptor)


@pytest.mark.parametrize("num_files", [0, 3, 5, 7, 9])
def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_space(
    num_files: int, tmp_path: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["train", "gan", "--steps", "6", "--save-every", "2", "--grid-every", "3", "--out"]
    folder = str(tmp_path / "run")
    with monkeypatch.context() as patch:
        FullDisk(num_files, patch)
        found = ganeval(*words, folder)
    assert found.code == 4
    assert (
        ": the disk is full; needed: free space on it; free some space, then continue with "
        in found.error
    )
    assert found.error.startswith(f"ganeval: error: {folder}/")
    *_, command = found.error.split("`")[:-1]
    assert not list(tmp_path.rglob("*.tmp"))
    assert ganeval(*shlex.split(command)[1:]).code == 0
    assert ganeval(*words, str(tmp_path / "whole")).code == 0
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_other_refusals_of_the_disk_are_one_line(
    tmp_path: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(tmp_path / "run"))

    monkeypatch.setattr(os, "fsync", refuse)
    found = ganeval("train", "gan", "--steps", 1, "--out", tmp_path / "run")
    assert found.code == 2
    assert found.error.endswith(
        "json: cannot be written (Read-only file system); "
        "needed: a folder with write access; choose "
        "another folder with --out"
    )


def test_a_file_whose_writer_hides_the_refusal_of_the_disk(tmp_path: Path) -> None:
    def write_as_torch_does() -> None:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        finally:
            raise RuntimeError("unexpected pos 704 vs 598")

    path = tmp_path / "state.pt"
    path.write_text("the state before")
    with pytest.raises(OSError, match="No space left on device") as error, written_whole(path):
        write_as_torch_does()
    assert (error.value.errno, error.value.filename) == (errno.ENOSPC, str(path))
    assert contents(tmp_path) == {"state.pt": b"the state before"}
    with pytest.raises(RuntimeError, match="another"), written_whole(path):
        raise RuntimeError("another")


@pytest.mark.parametrize("other", ["./real", "folder:real", "renamed"])
def test_the_same_pictures_by_another_name_go_on(
    other: str, tmp_path: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("real", "renamed"):
        Path(folder).mkdir()
        for number in range(4):
            PIL.Image.new("RGB", (8, 8), (60 * number, 9, 0)).save(f"{folder}/{number}.png")
    words = ("train", "dcgan", "--out", "run", "--grid-every", 0)
    assert ganeval(*words, "--steps", 1, "--data", "real").code == 0
    assert ganeval(*words, "--steps", 2, "--data", other, "--resume").code == 0
    PIL.Image.new("RGB", (8, 8)).save(f"{'renamed' if other == 'renamed' else 'real'}/3.png")
    refused = ganeval(*words, "--steps", 3, "--data", other, "--resume")
    assert refused.code == 2
    assert "run/state.pt: the training data differ: " in refused.error
    assert refused.error in refused.err
