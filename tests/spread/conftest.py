"""What every test of several processes gets."""

import multiprocessing
import multiprocessing.forkserver
import sys
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.context import ForkServerContext
from pathlib import Path

import PIL.Image
import pytest

from tests.command import Outcome
from tests.pictures import blobs
from tests.spread.jobs import NUM_FAKE, NUM_REAL, Job, Place, contents, start


@pytest.fixture(scope="session")
def server() -> ForkServerContext:
    """The server from which processes are forked; one thread each."""
    if sys.platform != "linux":
        pytest.skip("the processes are watched through /proc")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.spread.ranks"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        multiprocessing.forkserver.ensure_running()
    return context


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `real` and `fake`."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, num, shift in (("real", NUM_REAL, 0), ("fake", NUM_FAKE, 12)):
        (folder / name).mkdir()
        for number, picture in enumerate(blobs(num, seed=num, shift=shift, height=16, width=16)):
            PIL.Image.fromarray(picture).save(folder / name / f"{number:03}.png")
    return folder


@pytest.fixture(scope="session")
def many_kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `train`, and `real` and `fake` in classes; a name of each has no partner."""
    folder = tmp_path_factory.mktemp("kinds")
    for name, seed, missing in (("real", 1, 7), ("fake", 2, 23), ("train", 3, None)):
        for number, picture in enumerate(blobs(45, seed=seed, height=16, width=16)):
            within = folder / name / ("even" if number % 2 == 0 else "odd")
            within.mkdir(parents=True, exist_ok=True)
            if number != missing:
                PIL.Image.fromarray(picture).save(within / f"{number:03}.png")
    return folder


@pytest.fixture
def place(server: ForkServerContext, pictures: Path, tmp_path: Path) -> Place:
    """Where the jobs of a test run."""
    return Place(server=server, folder=tmp_path, pictures=pictures, cache=tmp_path / "cache")


@pytest.fixture
def launch(place: Place) -> Iterator[Callable[..., Job]]:
    """Start a job that does not outlive the test; see `jobs.start`."""
    jobs: list[Job] = []

    def launched(*args: object, **options: object) -> Job:
        jobs.append(partial(start, place)(*args, **options))  # type: ignore[arg-type]
        return jobs[-1]

    yield launched
    for job in jobs:
        job.kill()
        for process in job.processes:
            process.join()


@pytest.fixture(scope="session")
def alone(
    server: ForkServerContext, pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Outcome, dict[str, bytes]]:
    """What one process alone prints and leaves in the cache."""
    folder = tmp_path_factory.mktemp("alone")
    place = Place(server=server, folder=folder, pictures=pictures, cache=folder / "cache")
    (outcome,) = start(place, 1).end()
    assert outcome.code == 0, outcome.err
    return outcome, contents(place.cache)
