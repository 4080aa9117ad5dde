"""Train with several processes under torchrun; each computes its part of every batch."""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

import ganeval
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Recipe
from reference_models.engine.solvers import Alternating, Simultaneous

INTERRUPTED = 130  # the exit status


@dataclass(slots=True, kw_only=True, eq=False)
class TrainingTeam(ganeval.Team):
    """The processes of a run; a single one unless `join_team` finds others.

    If one of them is told to end, all of them end after the same step.
    """

    _signals: list[int] = field(default_factory=list, repr=False)
    _holds_signals: bool = field(default=False, repr=False)

    def hold_signals(self) -> None:
        """From now on only record SIGINT and SIGTERM, for `interrupted`."""
        self._holds_signals = True

    def wait(self) -> None:
        """Wait until all processes have reached this call."""
        if self.size > 1:
            self.exchange("")

    def agree(self, statement: Mapping[str, Any]) -> None:
        """Check that all processes train the same; for example, their files might differ.

        Args:
            statement: JSON values that must be equal, by their names in messages.

        Raises:
            GanevalError: Values differ; each process raises its own error.
        """
        if self.size == 1:
            return
        configs = [json.loads(text) for text in self.exchange(json.dumps(dict(statement)))]
        own = configs[self.rank]
        for rank, other in enumerate(configs):
            differing = [name for name in own if other[name] != own[name]]
            if differing:
                raise ganeval.GanevalError(
                    f"process {rank} differs from process {self.rank} in "
                    f"{', '.join(differing).replace('data_digest', 'the training data')}",
                    "the same command, versions and data for all processes",
                    "compare the machines",
                )

    def interrupted(self) -> bool:
        """Return whether any process got SIGINT or SIGTERM; the same answer in all processes."""
        if self.size == 1:
            return False
        num_signals = torch.tensor(len(self._signals))
        distributed.all_reduce(num_signals)
        return bool(num_signals > 0)


ALONE = TrainingTeam(timeout=0)  # there is no other process to wait for


@contextmanager
def join_team(device: torch.device) -> Iterator[tuple[TrainingTeam, torch.device]]:
    """Yield the team that torchrun started, or a team of one process, and this process's device.

    Gloo connects the processes. On CUDA, NCCL also connects their devices, whose numbers are the
    LOCAL_RANKs. During training SIGINT and SIGTERM wait until all processes have ended the same
    step. While data are prepared, the first signal interrupts at once. If a process disappears, the
    others end too: torchrun stops them, and calls that wait for the lost process fail.

    It was tested only with Gloo on CPUs.

    Raises:
        GanevalError: A device does not exist or cannot be shared, or another process has
            disappeared.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or "LOCAL_RANK" not in os.environ:  # some schedulers set only WORLD_SIZE
        yield ALONE, device
        return
    device = _own_device(device, int(os.environ["LOCAL_RANK"]))
    team = TrainingTeam(rank=int(os.environ["RANK"]), size=size)
    team.join(cuda=device.type == "cuda")

    def remember(number: int, frame: FrameType | None) -> None:
        team._signals.append(number)
        if not team._holds_signals:
            team.hold_signals()  # torchrun sends a second signal to ending processes
            raise KeyboardInterrupt

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield team, device
    except KeyboardInterrupt:
        if not team.leads:  # only the first process reports it
            raise SystemExit(INTERRUPTED) from None
        raise
    except (RuntimeError, ganeval.GanevalError) as error:
        if not _is_lost_connection(error):
            raise
        raise ganeval.GanevalError(
            f"process {team.rank} of {size} has lost the connection to another process",
            "all processes of the run",
            "see the error of the other process; --resume continues from the last saved state",
        ) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        distributed.destroy_process_group()


class SharedGame(Game):
    """A game whose players move along the mean gradient of all processes.

    Each player has its own DistributedDataParallel with only the player's parameters. A solver may
    only call `terms`, `parameters_of`, `reads` and `after_step`, and `backward` once after each
    `terms`. BatchNorm normalises each process's part of a batch by its own statistics; the running
    statistics are those of the first process.
    """

    def __init__(self, game: Game) -> None:
        """Take a game that has the same parameters in every process."""
        super().__init__()
        self.game, self.players = game, game.players
        self._moves = {player: _share(game, player) for player in game.players}

    def terms(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the terms; their values are means over all processes, their gradients are local.

        So if a term is not finite in one process, it is not finite in all of them, and all stop.
        """
        terms: Terms = self._moves[player](batch, draw)
        own = torch.stack([term.detach() for term in terms.values()])
        sums = own.clone()
        distributed.all_reduce(sums)
        means = sums / distributed.get_world_size()
        return {
            name: term + (mean - value)
            for (name, term), mean, value in zip(terms.items(), means, own, strict=True)
        }

    def parameters_of(self, player: str) -> dict[str, nn.Parameter]:
        """Return a player's parameters by their names in the game."""
        return self.game.parameters_of(player)

    @property
    def resting(self) -> frozenset[str]:  # type: ignore[override]
        """The resting players of the game."""
        return self.game.resting

    def reads(self, player: str) -> bool:
        """Return what the game's `reads` returns."""
        return self.game.reads(player)

    def after_step(self, player: str, batch: Batch, draw: Draw) -> None:
        """Call the game's `after_step`."""
        self.game.after_step(player, batch, draw)


def of_team(recipe: Recipe, team: TrainingTeam) -> Recipe:
    """Return a recipe whose batch size follows from `batch_per_process`, if that is set."""
    size = team.size * recipe.batch_per_process
    return replace(recipe, batch_size=size) if size else recipe


def check_team(team: TrainingTeam, recipe: Recipe) -> None:
    """Check that the batch can be divided and the solver can work with several processes.

    Raises:
        GanevalError: The batch cannot be divided, or the solver needs more than gradients.
    """
    parts = getattr(recipe.solver, "accumulate", 1)
    if recipe.batch_size % (team.size * parts) and recipe.batch_size % team.size == 0:
        raise ganeval.GanevalError(
            f"a batch of {recipe.batch_size // team.size} in {parts} parts",
            "equal parts",
            "change solver.accumulate or batch_size",
        )
    if team.size == 1:
        return
    if recipe.batch_size % team.size:
        raise ganeval.GanevalError(
            f"a batch of {recipe.batch_size} for {team.size} processes",
            "a number of processes that divides it",
            "change --nproc-per-node",
        )
    if not isinstance(recipe.solver, Alternating | Simultaneous):
        raise ganeval.GanevalError(
            f"{recipe.name} on {team.size} processes",
            f"one process, because {type(recipe.solver).__name__} differentiates through "
            "gradients, which DistributedDataParallel cannot do",
            "run it without torchrun",
        )


class _Move(nn.Module):
    """A player's terms as a forward pass."""

    def __init__(self, game: Game, player: str) -> None:
        super().__init__()
        self.game, self.player = game, player

    def forward(self, batch: Batch, draw: Draw) -> Terms:
        """Return the terms."""
        return self.game.terms(self.player, batch, draw)


def _share(game: Game, player: str) -> DistributedDataParallel:
    """Return the player's move; its gradients are averaged over processes in the backward pass.

    While it is built, the parameters of other players require no gradients, so that it does not
    wait for theirs. With a schedule, a network may have parameters that are not used yet.
    """
    own = {id(parameter) for parameter in game.parameters_of(player).values()}
    others = [one for one in game.parameters() if one.requires_grad and id(one) not in own]
    for parameter in others:
        parameter.requires_grad_(False)
    has_schedule = type(game).before_step is not Game.before_step
    shared = DistributedDataParallel(_Move(game, player), find_unused_parameters=has_schedule)
    for parameter in others:
        parameter.requires_grad_(True)
    return shared


def _own_device(device: torch.device, local_rank: int) -> torch.device:
    """Return the device of the process number `local_rank` on this machine."""
    if device.type == "cpu":
        return device
    if device.type != "cuda" or device.index is not None:
        raise ganeval.GanevalError(
            f"device {device} for several processes",
            "cpu, or cuda without a number",
            "change --device, or run it without torchrun",
        )
    if local_rank >= torch.cuda.device_count():
        raise ganeval.GanevalError(
            f"process {local_rank} of a machine with {torch.cuda.device_count()} CUDA devices",
            "one CUDA device for each process",
            "change --nproc-per-node",
        )
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)


def _is_lost_connection(error: Exception) -> bool:
    """Return whether a collective call has failed; backends raise several classes for that."""
    cause = error.__cause__ if isinstance(error, ganeval.GanevalError) else error
    return isinstance(cause, distributed.DistError) or (
        isinstance(cause, RuntimeError) and "gloo" in str(cause).lower()
    )
