"""Processes that score together, forked from one server: each costs no import of torch."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from tests.command import Outcome
from tests.spread.ranks import SHARD_SIZE, Rank, work

DEADLINE = 120  # seconds, for what takes one or two
NUM_REAL, NUM_FAKE = 130, 110
NUM_PARTS = -(-NUM_REAL // SHARD_SIZE) - (-NUM_FAKE // SHARD_SIZE)  # of both sources
WORDS = ("eval", "real", "fake", "--extractor", "random", "--json", "-v")
MANY_KINDS = (
    *("eval", "folder:real,labels=folders", "folder:fake,labels=folders", "--train", "train"),
    *("-m", "fid,fid@mine,sfid,intra-fid,psnr,ssim,authenticity", "--network", "mine=random"),
    *("--extractor", "random", "--json", "-v"),
)

PerRank = Mapping[int, str]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where jobs run.

    Attributes:
        server: From which processes are forked.
        folder: Folder of their output.
        pictures: With `real` and `fake`.
        cache: That they share.
    """

    server: ForkServerContext
    folder: Path
    pictures: Path
    cache: Path

    @property
    def log(self) -> Path:
        """The log of all parts that were computed."""
        return self.folder / "log"

    def num_computed(self) -> int:
        """How many parts all processes have begun to compute."""
        return len(self.log.read_bytes().splitlines()) if self.log.exists() else 0


@dataclass(frozen=True)
class Job:
    """Processes that were started for one command."""

    ranks: list[Rank]
    processes: list[ForkServerProcess]

    def kill(self, *numbers: int) -> None:
        """End some processes at once, or all."""
        for number in numbers or range(len(self.ranks)):
            self.processes[number].kill()

    def end(self, *numbers: int) -> list[Outcome]:
        """Return what some processes printed and returned, or all."""
        chosen = numbers or tuple(range(len(self.ranks)))
        for number in chosen:
            self.processes[number].join(DEADLINE)
        return [self._outcome(number) for number in chosen]

    def _outcome(self, number: int) -> Outcome:
        rank, code = self.ranks[number], self.processes[number].exitcode
        assert code is not None, "still running"
        return Outcome(code, rank.out.read_text(), rank.err.read_text())


def start(
    place: Place,
    size: int,
    words: tuple[str, ...] = WORDS,
    *,
    accidents: PerRank | None = None,
    folders: Mapping[int, Path] | None = None,
    own: Mapping[int, Mapping[str, str]] | None = None,
    networks: PerRank | None = None,
    **common: str,
) -> Job:
    """Start a command in several processes as torchrun would.

    Args:
        place: Where.
        size: How many.
        words: The command.
        accidents, networks: See `Rank`, by rank.
        folders: Where processes run, by rank.
        own: Environment variables by rank.
        **common: Environment variables of all.
    """
    outputs = place.folder / f"job{len(list(place.folder.glob('job*')))}"
    outputs.mkdir()
    world = {
        **{"WORLD_SIZE": str(size), "LOCAL_WORLD_SIZE": str(size)},
        **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())},
        **{"GANEVAL_CACHE": str(place.cache), "GANEVAL_TIMEOUT": str(DEADLINE / 2)},
        **common,
    }
    ranks = [
        Rank(
            words=words,
            environment={
                **({"RANK": str(number), "LOCAL_RANK": str(number)} | world),
                **(own or {}).get(number, {}),
            },
            folder=(folders or {}).get(number, place.pictures),
            out=outputs / f"out{number}",
            err=outputs / f"err{number}",
            log=place.log,
            accident=(accidents or {}).get(number, ""),
            network=(networks or {}).get(number, ""),
        )
        for number in range(size)
    ]
    processes = [place.server.Process(target=work, args=(rank,)) for rank in ranks]
    for process in processes:
        process.start()
    return Job(ranks, processes)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def contents(cache: Path) -> dict[str, bytes]:
    """All files in a cache but the index of known files, which has times in it."""
    return {
        str(path.relative_to(cache)): path.read_bytes()
        for path in sorted(cache.rglob("*"))
        if path.is_file() and path.suffix != ".index"
    }


def is_stopped(job: Job, number: int) -> bool:
    """Tell whether a process has been stopped by a signal."""
    state = Path(f"/proc/{job.processes[number].pid}/stat").read_text()
    return state.rpartition(")")[2].split()[0] == "T"
