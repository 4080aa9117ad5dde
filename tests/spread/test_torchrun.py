"""Several processes are one: the same bits, one voice, and clear refusals before any work."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bad_input.outcomes import refusal, refusals, report, shards
from tests.command import Outcome
from tests.spread.jobs import (
    MANY_KINDS,
    NUM_FAKE,
    NUM_PARTS,
    NUM_REAL,
    WORDS,
    Job,
    Place,
    contents,
)
from tests.spread.ranks import NUM_LAYERS, SHARD_SIZE

Launch = Callable[..., Job]
Alone = tuple[Outcome, dict[str, bytes]]


def scored(outcome: Outcome) -> dict[str, Any]:
    """The report without the words of the command."""
    content = report(outcome)
    del content["provenance"]["command"]
    return content


def assert_one_voice(outcomes: list[Outcome], alone: Outcome) -> None:
    """Only the first process speaks, and says what one alone says."""
    assert [outcome.code for outcome in outcomes] == [0] * len(outcomes), outcomes
    assert scored(outcomes[0]) == scored(alone)
    assert outcomes[0].err == alone.err
    for other in outcomes[1:]:
        assert (other.out, other.err) == ("", "")


@pytest.mark.parametrize(("size", "workers"), [(2, 0), (2, 2), (3, 2)])
def test_the_number_of_processes_does_not_matter(
    launch: Launch, place: Place, alone: Alone, size: int, workers: int
) -> None:
    assert NUM_PARTS % size != 0
    assert_one_voice(launch(size, (*WORDS, "--workers", str(workers))).end(), alone[0])
    assert f"real: {NUM_REAL} images, {NUM_REAL} computed, 0 found in the cache" in alone[0].err
    assert contents(place.cache) == alone[1]
    assert place.num_computed() == NUM_PARTS


def test_pairs_classes_two_networks_and_a_training_set(
    launch: Launch, place: Place, many_kinds: Path, tmp_path: Path
) -> None:
    folders = {0: many_kinds, 1: many_kinds}
    (alone,) = launch(1, MANY_KINDS, folders=folders, GANEVAL_CACHE=str(tmp_path / "own")).end()
    num_computed = place.num_computed()
    assert_one_voice(launch(2, MANY_KINDS, folders=folders).end(), alone)
    assert place.num_computed() == 2 * num_computed
    assert contents(place.cache) == contents(tmp_path / "own")
    scores = {row["name"]: row for row in report(alone)["scores"]}
    assert scores["psnr"]["num_sample"] == 43
    assert "1 of 44 images have no partner of the same name" in alone.err


def test_torchrun_itself(place: Place, alone: Alone) -> None:
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2")
    environment = {
        **os.environ,
        **{"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
        **{"GANEVAL_CACHE": str(place.cache)},
    }
    done = subprocess.run(
        [*torchrun, "--standalone", "-m", "tests.spread.ranks", *WORDS],
        cwd=place.pictures,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert_one_voice([Outcome(done.returncode, done.stdout, done.stderr)], alone[0])
    assert contents(place.cache) == alone[1]


def test_a_process_without_a_shard(launch: Launch, place: Place) -> None:
    words = ("is", "fake", "--extractor", "random", "--json", "--num-images", str(SHARD_SIZE))
    outcomes = launch(3, words).end()
    (again,) = launch(1, words).end()
    assert [outcome.code for outcome in outcomes] == [0, 0, 0]
    assert outcomes[0].out == again.out != ""
    assert place.num_computed() == 1


def test_other_commands_that_share_their_work(launch: Launch, place: Place) -> None:
    options = ("--extractor", "random")
    found = launch(2, ("extract", "fake", *options)).end()
    assert found[0].out == f"fake: 6 of 6 shards, {NUM_FAKE} images, {NUM_FAKE} computed\n"
    path = place.folder / "fake.npz"
    found += launch(2, ("stats", "make", "fake", "-o", str(path), *options)).end()
    found += launch(2, ("compare", "real", "fake", *options, "-m", "fid")).end()
    found += launch(2, ("fid", str(path), "real", *options)).end()
    assert [(outcome.code, outcome.out != "") for outcome in found] == [(0, True), (0, False)] * 4
    assert np.load(path)["num"] == NUM_FAKE
    assert place.num_computed() == NUM_PARTS


def test_other_commands_are_for_the_first_process(launch: Launch) -> None:
    for words in (("list", "metrics"), ("doctor", "fake"), ("fid", "--help")):
        first, second = launch(2, words).end()
        assert (first.code, first.out != "") == (second.code, True)
        assert (second.out, second.err) == ("", "")


def test_without_a_cache(launch: Launch, place: Place, alone: Alone) -> None:
    words = (*WORDS, "--no-cache")
    assert_one_voice(launch(2, words, TMPDIR=str(place.folder)).end(), alone[0])
    assert not place.cache.exists()
    assert not list(place.folder.glob("ganeval-*"))
    first, second = launch(2, words, LOCAL_WORLD_SIZE="1").end()
    assert "--no-cache for 2 processes, 1 of them on this host; " in refusal(first)
    assert (second.code, second.out, second.err) == (2, "", "")


@pytest.fixture
def other(place: Place) -> Path:
    """A folder with `real` and `fake` of another process."""
    return Path(shutil.copytree(place.pictures, place.folder / "other"))


def refused(job: Job, place: Place) -> str:
    """The one line of a refusal before any work, of the first process alone."""
    first, *others = job.end()
    for outcome in others:
        assert (outcome.code, outcome.out, outcome.err) == (4, "", "")
    assert place.num_computed() == 0
    return refusal(first, code=4)


@pytest.mark.parametrize("change", ["more", "renamed"])
def test_another_list_of_files(launch: Launch, place: Place, other: Path, change: str) -> None:
    if change == "more":
        shutil.copy(other / "real" / "000.png", other / "real" / "more.png")
    else:
        (other / "real" / "007.png").rename(other / "real" / "seven.png")
    line = refused(launch(3, folders={2: other}), place)
    assert "process 2 of 3 (on " in line
    assert " differs from process 0 of 3 (on " in line
    names = ", the choice of items" if change == "more" else ""
    assert f") in the pictures of real{names}; " in line


@pytest.mark.parametrize(
    ("accident", "name"),
    [
        ("weights", "the extractor or its weights"),
        ("versions", "the versions of ganeval, torch or"),
    ],
)
def test_other_weights_and_versions(launch: Launch, place: Place, accident: str, name: str) -> None:
    assert f") in {name}" in refused(launch(2, accidents={1: accident}), place)


def test_a_cache_of_its_own(launch: Launch, place: Place) -> None:
    job = launch(2, own={1: {"GANEVAL_CACHE": str(place.folder / "mine")}})
    line = refused(job, place)
    assert ") does not see the cache of process 0 of 2 (on " in line
    assert f", {place.cache}/shards; needed: a cache that all processes share; " in line


def test_a_cache_that_cannot_be_used(launch: Launch, place: Place) -> None:
    place.cache.write_text("a file where a folder should be")
    first, second = launch(2).end()
    assert f"{place.cache}/shards: cannot be used as cache" in refusal(first, code=4)
    assert (second.code, second.err) == (4, "")


def test_what_all_refuse_is_said_once(launch: Launch, place: Place, other: Path) -> None:
    first, second = launch(2, ("fid", "real", "absent")).end()
    assert "absent: no such file or directory" in refusal(first)
    assert (second.code, second.err) == (2, "")
    first, second = launch(2, ("fid", "real")).end()
    assert "SAMPLE is missing" in first.error
    assert (second.code, second.err) == (2, "")
    shutil.rmtree(other / "fake")
    first, second = launch(2, folders={1: other}).end()
    assert "process 1 of 2 (on " in refusal(first, code=4)
    assert ") cannot begin; " in first.error
    assert "fake: no such file or directory" in refusal(second)
    assert place.num_computed() == 0


def test_a_picture_that_cannot_be_used(launch: Launch, other: Path) -> None:
    for name in ("007", "031", "101"):  # in shards of process 0, 1 and 1
        path = other / "real" / f"{name}.png"
        path.write_bytes(path.read_bytes()[:-40])
    folders = {0: other, 1: other}
    words = (*WORDS, "--on-bad-image", "skip", "--max-bad", "5%")
    first, second = launch(2, folders=folders).end()
    assert {first.code, second.code} <= {2, 4}
    for outcome in (first, second):
        if outcome.code == 2:
            assert all("truncated" in line for line in refusals(outcome, 3))
        else:
            assert "another one is gone or out of reach; " in refusal(outcome, code=4)
    assert 2 in (first.code, second.code)
    first, second = launch(2, words, folders=folders).end()
    assert report(first)["scores"][0]["num_reference"] == NUM_REAL - 3
    assert first.err.count("ganeval: warning: skipped: 3 pictures, the first: real/") == 1
    assert (second.code, second.err) == (0, "")


def test_two_launches_on_one_cache(launch: Launch, place: Place, alone: Alone) -> None:
    jobs = [launch(2), launch(2)]
    for job in jobs:
        first, second = job.end()
        assert scored(first) == scored(alone[0])
        assert (second.code, second.err) == (0, "")
    assert contents(place.cache) == alone[1]
    assert len(shards(place.cache)) == NUM_LAYERS * NUM_PARTS
    assert NUM_PARTS <= place.num_computed() <= 2 * NUM_PARTS
