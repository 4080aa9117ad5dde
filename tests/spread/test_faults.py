"""Whatever happens to processes, the next run has the same bits and computes what is missing."""

import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from torch.distributed import TCPStore

from ganeval.errors import TeamError
from ganeval.machine.team import Team
from tests.bad_input.outcomes import files, refusal, shards
from tests.bad_input.test_cache import mount
from tests.command import Outcome
from tests.spread.jobs import NUM_PARTS, Job, Place, contents, is_stopped
from tests.spread.ranks import NUM_LAYERS
from tests.spread.test_torchrun import assert_one_voice, scored
from tests.waiting import until

Launch = Callable[..., Job]
Alone = tuple[Outcome, dict[str, bytes]]


def assert_goes_on(
    launch: Launch, place: Place, alone: Alone, *, size: int, num_in_flight: int
) -> None:
    """Another number of processes ends the work, and keeps what was finished."""
    kept = {path: path.stat().st_ino for path in shards(place.cache)}
    num_kept, num_before = len(kept) // NUM_LAYERS, place.num_computed()
    assert num_before - num_in_flight <= num_kept < NUM_PARTS
    outcomes = launch(size).end()
    assert [outcome.code for outcome in outcomes] == [0] * size
    assert scored(outcomes[0]) == scored(alone[0])
    assert place.num_computed() == num_before + NUM_PARTS - num_kept
    assert {path: path.stat().st_ino for path in kept} == kept
    found = {name: content for name, content in contents(place.cache).items() if name in alone[1]}
    assert found == alone[1]


@pytest.mark.parametrize("seed", range(3))
def test_a_process_is_killed(launch: Launch, place: Place, alone: Alone, seed: int) -> None:
    rng = random.Random(seed)
    size, victim = 2 + seed % 2, seed % 2
    job = launch(size, accidents={victim: f"KILL@{rng.randint(1, NUM_PARTS // size)}"})
    outcomes = job.end()
    assert outcomes[victim].code == -signal.SIGKILL
    for number, outcome in enumerate(outcomes):
        if number != victim and (number == 0 or outcome.code):  # others may have ended before
            line = refusal(outcome, code=4)
            assert f"process {number} of {size}: another one is gone or out of reach; " in line
    assert_goes_on(launch, place, alone, size=rng.choice([1, 5 - size]), num_in_flight=size)


def test_a_process_is_killed_within_a_part(launch: Launch, place: Place, alone: Alone) -> None:
    # A metric looks at every layer of this part of `fake`: the file that is there is kept.
    (outcome,) = launch(1, accidents={0: f"KILL@{NUM_PARTS - 2}+1"}).end()
    assert outcome.code == -signal.SIGKILL
    assert len(shards(place.cache)) == NUM_LAYERS * (NUM_PARTS - 3) + 1
    assert_goes_on(launch, place, alone, size=2, num_in_flight=1)


def test_a_layer_that_no_metric_looks_at_is_not_missed(
    launch: Launch, place: Place, alone: Alone
) -> None:
    # The second file of a part of `real` is stored in passing: without it the part is whole.
    (outcome,) = launch(1, accidents={0: "KILL@2+1"}).end()
    assert outcome.code == -signal.SIGKILL
    assert len(shards(place.cache)) == NUM_LAYERS + 1
    num_before = place.num_computed()
    first, second = launch(2).end()
    assert (first.code, second.code) == (0, 0)
    assert scored(first) == scored(alone[0])
    assert place.num_computed() == num_before + NUM_PARTS - 2
    found = contents(place.cache)
    assert found.items() <= alone[1].items()
    assert len(found) == len(alone[1]) - 1


@pytest.mark.parametrize("seed", range(2))
def test_the_whole_job_is_killed(launch: Launch, place: Place, alone: Alone, seed: int) -> None:
    rng = random.Random(seed)
    size = 3 - seed
    moments = [rng.randint(1, NUM_PARTS // size) for _ in range(size)]
    job = launch(size, accidents={at: f"STOP@{moment}" for at, moment in enumerate(moments)})
    for number in range(size):
        until(partial(is_stopped, job, number))
    job.kill()
    assert [outcome.code for outcome in job.end()] == [-signal.SIGKILL] * size
    assert len(shards(place.cache)) == NUM_LAYERS * (sum(moments) - size)
    assert_goes_on(launch, place, alone, size=5 - size, num_in_flight=size)


@pytest.mark.parametrize("victim", [0, 1])
def test_a_process_hangs(launch: Launch, place: Place, alone: Alone, victim: int) -> None:
    job = launch(2, accidents={victim: "STOP@3"}, GANEVAL_TIMEOUT="3")
    (other,) = job.end(1 - victim)
    line = refusal(other, code=4)
    assert f"process {1 - victim} of 2: another one has not answered for 3 seconds; " in line
    assert "GANEVAL_TIMEOUT" in line
    assert is_stopped(job, victim)
    job.kill(victim)
    job.end()
    assert_goes_on(launch, place, alone, size=3, num_in_flight=2)


def test_torchrun_ends_the_others(launch: Launch, place: Place, alone: Alone) -> None:
    job = launch(2, accidents={1: "STOP@2"}, GANEVAL_TIMEOUT="1000")
    num_done = NUM_LAYERS * 8  # 7 parts of the first one, which then waits, and 1 of the other
    until(lambda: is_stopped(job, 1) and len(shards(place.cache)) == num_done)
    pid = job.processes[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    (first,) = job.end(0)
    job.kill(1)
    assert (first.code, first.out) == (130, "")
    assert first.err.strip() == (
        "ganeval: interrupted: finished shards are in the cache; "
        "run the same command again to go on"
    )
    assert_goes_on(launch, place, alone, size=1, num_in_flight=2)


def test_torchrun_starts_all_again(launch: Launch, place: Place, alone: Alone) -> None:
    # torchrun's own store lives on, with what the killed processes have written to it.
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    world = {"MASTER_PORT": str(store.port), "TORCHELASTIC_USE_AGENT_STORE": "True"}
    job = launch(3, accidents={2: "KILL@2"}, **world)
    first, _, third = job.end()
    assert (first.code, third.code) == (4, -signal.SIGKILL)
    num_kept, num_before = len(shards(place.cache)) // NUM_LAYERS, place.num_computed()
    outcomes = launch(3, **world).end()
    assert [outcome.code for outcome in outcomes] == [0, 0, 0], outcomes
    assert scored(outcomes[0]) == scored(alone[0])
    assert place.num_computed() == num_before + NUM_PARTS - num_kept


def test_a_shard_that_others_do_not_see(launch: Launch, place: Place) -> None:
    first, second = launch(2, accidents={1: "loses@2"}).end()
    line = refusal(first, code=4)
    assert f"{place.cache}/shards/" in line
    assert ".safetensors: not there, though another process has made it; " in line
    assert "--cache-dir" in line
    assert (second.code, second.err) == (0, "")


@pytest.fixture
def full(place: Place) -> Iterator[Place]:
    """A cache on a disk of its own that five parts fit on, of two files in three pages each."""
    place.cache.mkdir()
    if not mount(place.cache, 5 * 3 * 4096 + 2 * 4096):
        pytest.skip("a disk of its own cannot be mounted here")
    yield place
    subprocess.run(["umount", str(place.cache)], check=True)


def test_the_disk_is_full(launch: Launch, full: Place, alone: Alone) -> None:
    outcomes = launch(2).end()
    lines = [refusal(outcome, code=4) for outcome in outcomes]
    assert any(".safetensors: the disk is full; " in line for line in lines)
    for line in lines:
        assert "the disk is full" in line or "another one is gone or out of reach" in line
    left = shards(full.cache)
    assert left == files(full.cache)
    roomy = replace(full, cache=full.folder / "roomy")
    shutil.copytree(full.cache, roomy.cache)
    first, _ = launch(2, GANEVAL_CACHE=str(roomy.cache)).end()
    assert scored(first) == scored(alone[0])
    found = contents(roomy.cache)
    assert found.items() <= alone[1].items()
    # Each process may have stopped at a layer that it stored in passing, which nobody wants.
    assert len(alone[1]) - len(found) <= 2
    num_computed = full.num_computed()
    (again,) = launch(1, GANEVAL_CACHE=str(roomy.cache)).end()
    assert scored(again) == scored(alone[0])
    assert full.num_computed() == num_computed


HOSTS = {at: f"ganeval-{os.getpid()}-{at}" for at in (0, 1)}
NAMES = {at: f"gv{os.getpid()}x{at}" for at in HOSTS}


def ip(*words: str) -> bool:
    """Run `ip`, and tell whether it was allowed to do so."""
    if shutil.which("ip") is None:
        return False
    return subprocess.run(["ip", *words], capture_output=True, check=False).returncode == 0


@pytest.fixture
def hosts() -> Iterator[dict[int, str]]:
    """Two network namespaces with a cable between them."""
    made = [ip("netns", "add", host) for host in HOSTS.values()]
    try:
        if not all(made):
            pytest.skip("network namespaces cannot be made here")
        a, b = (("name", NAMES[at], "netns", HOSTS[at]) for at in (0, 1))
        assert ip("link", "add", *a, "type", "veth", "peer", *b)
        for at, host in HOSTS.items():
            assert ip("-n", host, "addr", "add", f"10.77.0.{at + 1}/24", "dev", NAMES[at])
            for name in (NAMES[at], "lo"):
                assert ip("-n", host, "link", "set", name, "up")
        yield HOSTS
    finally:
        for host in HOSTS.values():
            ip("netns", "del", host)


def without_warnings_of_torch(outcome: Outcome) -> Outcome:
    """What is left when torch does not complain of addresses without a name."""
    lines = outcome.err.splitlines(keepends=True)
    kept = [line for line in lines if "hostname of the client socket cannot be" not in line]
    return replace(outcome, err="".join(kept))


@pytest.mark.parametrize("accident", ["", "cut@3"])
def test_two_hosts(
    launch: Launch, place: Place, alone: Alone, hosts: dict[int, str], accident: str
) -> None:
    own = {at: {"LOCAL_RANK": "0", "GLOO_SOCKET_IFNAME": NAMES[at]} for at in hosts}
    world = {"LOCAL_WORLD_SIZE": "1", "MASTER_ADDR": "10.77.0.1", "GANEVAL_TIMEOUT": "3"}
    job = launch(2, own=own, networks=hosts, accidents={1: accident}, **world)
    outcomes = [without_warnings_of_torch(outcome) for outcome in job.end()]
    if not accident:
        assert_one_voice(outcomes, alone[0])
        return
    for number, outcome in enumerate(outcomes):
        line = refusal(outcome, code=4)
        assert f"process {number} of 2: another one has not answered for 3 seconds; " in line
    assert {path.name for path in shards(place.cache)} <= {Path(name).name for name in alone[1]}
    again = launch(1).end()
    assert scored(again[0]) == scored(alone[0])
    assert contents(place.cache) == alone[1]


@pytest.mark.parametrize(
    ("text", "is_late"),
    [
        ("[gloo/transport/tcp/unbound_buffer.cc:84] Timed out waiting 3000ms for recv", True),
        ("[gloo/transport/tcp/pair.cc:534] Application timeout caused pair closure", True),
        ("wait timeout after 3000ms, keys: /x", True),
        ("[gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:1", False),
    ],
)
def test_what_the_backend_says_is_told_apart(text: str, is_late: bool) -> None:
    team = Team(rank=0, size=2, timeout=3)
    with pytest.raises(TeamError) as error, team._expecting_all():
        raise RuntimeError(text)
    assert ("has not answered for 3 seconds" in str(error.value)) == is_late
    assert ("is gone or out of reach" in str(error.value)) != is_late
