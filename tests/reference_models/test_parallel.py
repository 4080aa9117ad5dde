"""Two processes with half of every batch each are one process."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.distributed import TCPStore

import ganeval
from reference_models import gan, wgan_gp
from reference_models.engine.draw import Draw
from reference_models.engine.parallel import TrainingTeam, check_team, join_team
from reference_models.engine.train import train
from tests.reference_models.processes import DATA, FIRST_ORDER, ONES, STEPS
from tests.waiting import until

ROOT = Path(__file__).parents[2]
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2")
CPU = torch.device("cpu")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    script = ROOT / "tests" / "reference_models" / "processes.py"
    done = subprocess.run(
        [*TORCHRUN, "--master-port", str(free_port()), script, folder],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "FutureWarning" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> list[dict[str, Any]]:
    """What each process found."""
    return [torch.load(folder / f"found{rank}.pt", weights_only=True) for rank in (0, 1)]


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@pytest.mark.parametrize("name", ONES)
def test_two_processes_are_one(
    name: str, found: list[dict[str, Any]], folder: Path, tmp_path: Path
) -> None:
    recipe = ONES[name]
    alone = train(recipe, DATA, tmp_path, steps=STEPS)
    start = train(recipe, DATA, tmp_path / "start", steps=0)
    assert any(
        not torch.equal(value, start.game.state_dict()[key])
        for key, value in found[0][name].items()
    )
    torch.testing.assert_close(found[0][name], alone.game.state_dict(), rtol=0, atol=1e-5)
    rows = [
        [json.loads(line) for line in (where / "metrics.jsonl").read_text().splitlines()]
        for where in (tmp_path, folder / name)
    ]
    assert len(rows[1]) == STEPS
    assert rows[1] == [pytest.approx(row, abs=1e-5) for row in rows[0]]


@pytest.mark.parametrize("name", [*ONES, *(f"every-{name}" for name in FIRST_ORDER)])
def test_both_processes_hold_the_same_parameters(name: str, found: list[dict[str, Any]]) -> None:
    assert found[0][name].keys() == found[1][name].keys() != set()
    for key, value in found[0][name].items():
        assert torch.equal(value, found[1][name][key]), key


def test_a_resumed_run_of_two_processes_is_the_same_run(
    found: list[dict[str, Any]], folder: Path
) -> None:
    for rank in (0, 1):
        for key, value in found[rank]["resumed"].items():
            assert torch.equal(value, found[rank]["gan"][key]), key
    rows = [(folder / name / "metrics.jsonl").read_text() for name in ("gan", "resumed")]
    assert rows[0] == rows[1]


def test_errors_are_the_same_on_both(found: list[dict[str, Any]]) -> None:
    for name, text in {
        "odd batch": "a batch of 9 for 2 processes; needed: a number of processes that divides it",
        "second order": "unrolled on 2 processes; "
        "needed: one process, because Unrolled differentiates",
        "not finite": "step 3: term D/adversarial is nan",
        "again": "holds a run already",
    }.items():
        assert text in found[0][name]
        assert found[0][name] == found[1][name]
    for rank in (0, 1):
        other = 1 - rank
        assert f"process {other} differs from process {rank} in seed" in found[rank]["other seeds"]


def test_the_number_of_processes_is_part_of_the_configuration(folder: Path) -> None:
    with pytest.raises(ganeval.GanevalError, match="processes was 2, now it is 1"):
        train(gan.RECIPE, DATA, folder / "gan", steps=9, resume=True)


def test_draws_of_all_processes_are_those_of_one() -> None:
    for draw in ("normal", "uniform"):
        whole = getattr(Draw(1, 2), draw)("z", 6, 3)
        parts = [
            getattr(Draw(1, 2, rank=rank, size=3).move(0), draw)("z", 2, 3) for rank in range(3)
        ]
        assert torch.equal(torch.cat(parts), whole)


@pytest.mark.parametrize("environment", [{}, {"WORLD_SIZE": "4"}, {"LOCAL_RANK": "0"}], ids=str)
def test_one_process_is_no_team(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with join_team(torch.device("cpu")) as (team, device):
        assert (team.leads, team.size, device.type) == (True, 1, "cpu")
        assert not team.interrupted()
    assert not torch.distributed.is_initialized()
    check_team(team, wgan_gp.RECIPE)
    assert not TrainingTeam(rank=1, size=2).leads


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_first_step_is_not_kept(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that Ctrl-C ends a long preparation of data at once, and a step in the end only."""
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(TrainingTeam, "join", lambda team, *, cuda: None)
    monkeypatch.setattr(torch.distributed, "destroy_process_group", lambda: None)

    def interrupted_twice() -> None:
        with join_team(CPU):
            try:
                signal.raise_signal(number)
            finally:
                signal.raise_signal(number)  # torchrun sends another one

    with pytest.raises(KeyboardInterrupt):
        interrupted_twice()
    with join_team(CPU) as (team, _):
        team.hold_signals()
        signal.raise_signal(number)
        assert team._signals == [number]


def test_processes_cannot_share_a_numbered_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "0")
    for name in ("cuda:1", "mps"):
        with (
            pytest.raises(ganeval.GanevalError, match=f"device {name} for several processes"),
            join_team(torch.device(name)),
        ):
            pass


def num_rows(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_torchrun_stops_cleanly(tmp_path: Path) -> None:
    words = ["train", "gan", "--steps", "1000000", "--out", str(tmp_path), "--device", "cpu"]
    with subprocess.Popen(
        [*TORCHRUN, "--master-port", str(free_port()), "-m", "ganeval", *words],
        env=ENVIRONMENT,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        until(lambda: num_rows(tmp_path / "metrics.jsonl") >= 5, child)
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate()
    assert out == ""
    assert err.count("ganeval: interrupted; to continue: `ganeval train gan") == 1
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert state["step"] == num_rows(tmp_path / "metrics.jsonl")


def start_two(port: int, folder: Path, *options: str) -> list[subprocess.Popen[str]]:
    """Train on two processes that torchrun's own store connects."""
    words = ["train", "gan", "--out", str(folder), "--device", "cpu", *options]
    return [
        subprocess.Popen(
            [sys.executable, "-m", "ganeval", *words],
            env={
                **ENVIRONMENT,
                **{"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"},
                **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)},
                "TORCHELASTIC_USE_AGENT_STORE": "True",
            },
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]


def test_a_process_that_dies_ends_the_other_and_both_can_be_started_again(tmp_path: Path) -> None:
    # The store lives on, with what the former processes have written to it.
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    children = start_two(store.port, tmp_path, "--steps", "1000000")
    with children[0] as first, children[1] as second:
        until(lambda: num_rows(tmp_path / "metrics.jsonl") >= 5, first)
        second.kill()
        _, err = first.communicate(timeout=60)
    assert first.returncode == 2
    assert "ganeval: error: process 0 of 2 has lost the connection to" in err
    assert "Traceback" not in err
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    last = str(state["step"] + 2)
    children = start_two(store.port, tmp_path, "--resume", "--steps", last)
    with children[0] as first, children[1] as second:
        assert (first.wait(60), second.wait(60)) == (0, 0)
    assert num_rows(tmp_path / "metrics.jsonl") == int(last)
