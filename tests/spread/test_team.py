"""Who belongs to a team, what its processes may use, and how long they wait."""

import pytest
import torch

from ganeval.errors import ResourceError, UsageError
from ganeval.flow import workspace
from ganeval.flow.settings import Settings
from ganeval.machine.team import ALONE, Team, find_team
from tests.bad_input.outcomes import refusal
from tests.command import Command
from tests.spread.jobs import free_port

TORCHRUN = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that torchrun has set."""
    for name, value in TORCHRUN.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_torchrun_makes_a_team(environment: pytest.MonkeyPatch) -> None:
    team = find_team()
    assert (team.rank, team.size, team.local_rank, team.local_size) == (3, 4, 1, 2)
    assert (team.leads, team.timeout) == (False, 1800)
    environment.setenv("GANEVAL_TIMEOUT", "2.5")
    assert find_team().timeout == 2.5


@pytest.mark.parametrize("name", [*TORCHRUN, "one"])
def test_other_schedulers_make_none(environment: pytest.MonkeyPatch, name: str) -> None:
    if name == "one":
        environment.setenv("WORLD_SIZE", "1")
    else:
        environment.delenv(name)
    assert find_team() is ALONE
    assert ALONE.leads


@pytest.mark.parametrize("text", ["soon", "0", "-1", "inf", "nan"])
def test_a_timeout_is_a_number(
    environment: pytest.MonkeyPatch, ganeval: Command, text: str
) -> None:
    environment.setenv("GANEVAL_TIMEOUT", text)
    found = ganeval("is", "absent")
    assert f"GANEVAL_TIMEOUT={text}; needed: a number of seconds above 0; " in refusal(found)


def test_nobody_answers(environment: pytest.MonkeyPatch, ganeval: Command) -> None:
    environment.setenv("GANEVAL_TIMEOUT", "0.5")
    environment.setenv("MASTER_ADDR", "127.0.0.1")
    environment.setenv("MASTER_PORT", str(free_port()))
    environment.setenv("RANK", "0")
    line = refusal(ganeval("is", "absent"), code=4)
    assert "process 0 of 4: another one has not answered for 0.5 seconds; " in line


def test_each_process_has_a_share_of_the_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 6)
    team = Team(rank=0, size=4, local_rank=0, local_size=4)
    for settings, num in ((Settings(), 6), (Settings(team=team), 1), (Settings(workers=3), 3)):
        assert workspace._num_workers(settings) == num


def test_each_process_has_a_device_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[int] = []
    monkeypatch.setattr(
        workspace, "device_type", lambda name: name.replace("auto", "cuda").split(":")[0]
    )
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)

    def device(name: str, local_rank: int) -> str:
        team = Team(rank=local_rank, size=3, local_rank=local_rank, local_size=3)
        return workspace._own_device(Settings(team=team, device=name))

    for name in ("auto", "cuda"):
        assert device(name, 1) == "cuda:1"
    assert chosen == [1, 1]
    assert device("cpu", 2) == "cpu"
    with pytest.raises(
        UsageError, match=r"--device cuda:1 for 3 processes; needed: cuda without a number"
    ):
        device("cuda:1", 0)
    with pytest.raises(ResourceError, match=r"3 processes on a host with 2 CUDA devices; "):
        device("cuda", 2)


def test_one_engine_at_a_time() -> None:
    with pytest.raises(UsageError, match="--engine ray under torchrun"):
        Settings(engine="ray", team=Team(size=2))
    with pytest.raises(UsageError, match="did you mean 'local'"):
        Settings(engine="locale")  # type: ignore[arg-type]
