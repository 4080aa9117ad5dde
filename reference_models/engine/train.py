"""The training loop, the same for every system."""

import logging
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import torch

import ganeval
from reference_models.engine import ema
from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.files import RunFiles
from reference_models.engine.interrupts import whole_steps
from reference_models.engine.keep import STATE, configuration, keeping, restore
from reference_models.engine.parallel import ALONE, SharedGame, TrainingTeam, check_team
from reference_models.engine.precision import Precision, resolve_precision, use_precision
from reference_models.engine.recipe import Recipe
from reference_models.engine.run import Observer, Run
from reference_models.engine.solvers import Log, NonFiniteError
from reference_models.engine.state import damage_refused, load_state

logger = logging.getLogger("ganeval.training")

__all__ = ["Run", "begin", "one_step", "train"]


def begin(
    recipe: Recipe,
    data: Data,
    *,
    seed: int,
    device: torch.device,
    precision: Precision = "float32",
) -> Run:
    """Return a run at step 0; its first weights are a function of the seed."""
    game = recipe.build(data, Draw(seed, 0).generator("first weights")).to(device)
    owned = {network for networks in game.players.values() for network in networks}
    for name, network in game.named_children():
        if name not in owned:
            network.eval().requires_grad_(False)
    optimizers = {
        player: recipe.optimizers[player].build(game.parameters_of(player).values())
        for player in game.players
    }
    averages = {name: ema.averaged_copy(game.get_submodule(name)) for name in game.averaged}
    use_precision(game, resolve_precision(precision, device))
    return Run(game, optimizers, averages, data.kind)


def train(  # noqa: PLR0913 (keyword-only, each is plain)
    recipe: Recipe,
    data: Data,
    folder: Path,
    *,
    steps: int,
    seed: int = 0,
    resume: bool = False,
    device: torch.device | None = None,
    precision: Precision = "auto",
    save_every: int = 100,
    observers: Sequence[Observer] = (),
    team: TrainingTeam = ALONE,
    files: RunFiles | None = None,
) -> Run:
    """Train to step `steps`, counted from 0, and keep state and losses in `folder`.

    The random numbers and data of step k depend only on (recipe, data, seed, k). So on the CPU a
    run that is interrupted and resumed ends with the same bits as an uninterrupted one. Several
    processes share each batch; all of them read the folder when they resume, but only the first one
    writes and has observers. A run changes only files that it has made itself; `files` lists them.

    Raises:
        GanevalError: The folder has another run, or other files with this run's names; or a term of
            a loss is not finite, and then the last saved state is kept.
        KeyboardInterrupt: The user interrupted; raised after the end of the step, with the state
            saved. A second interrupt is raised at once, and then the last saved state is kept.
    """
    check_team(team, recipe)
    device = device or torch.device("cpu")
    run = begin(recipe, data, seed=seed, device=device, precision=precision)
    config = {**configuration(run, recipe, data, seed), "processes": team.size}
    team.agree(config)
    if resume:
        with damage_refused(folder / STATE):
            restore(run, load_state(folder / STATE, config))
    elif (folder / STATE).exists():
        raise ganeval.GanevalError(
            f"{folder}: holds a run already",
            "a new folder",
            "use --resume, or choose another folder with --out",
        )
    if team.leads and run.step >= steps:
        logger.warning(
            "%s: is at step %d already, so nothing is trained; to train more, raise --steps",
            *(folder, run.step),
        )
    team.wait()
    if team.size > 1:
        team.hold_signals()
        run.shared = SharedGame(run.game)
    files = files or RunFiles(folder, resume=resume)
    kept = keeping(run, files, config, save_every=save_every, observers=observers)
    # The processes of a team agree on the step after which they end.
    steady = whole_steps(run) if team.size == 1 else nullcontext(team.interrupted)
    with kept if team.leads else nullcontext(_ignore) as keep, steady as interrupted:
        try:
            while run.step < steps:
                begun = time.perf_counter()
                log = one_step(run, recipe, data, seed=seed, device=device, team=team)
                run.seconds += time.perf_counter() - begun
                keep(log)
                if interrupted():
                    raise KeyboardInterrupt
        except NonFiniteError as error:
            raise ganeval.GanevalError(
                f"step {run.step + 1}: {error}",
                "finite losses",
                f"lower the learning rate; {folder / STATE} has the last saved state",
            ) from error
    return run


def one_step(
    run: Run,
    recipe: Recipe,
    data: Data,
    *,
    seed: int,
    device: torch.device,
    team: TrainingTeam = ALONE,
) -> Log:
    """Make one step of the solver, on this process's part of the batches, and of the average."""
    size, own = recipe.batch_size, recipe.batch_size // team.size

    def feed(reads: bool) -> Batch:
        if not reads:
            return Batch({}, size=own)
        batch = data.batch(seed, run.position + team.rank * own, own).to(device)
        run.position += size
        return batch

    run.moving = True
    run.game.before_step(run.step * size)
    for player, optimizer in run.optimizers.items():
        for group in optimizer.param_groups:
            group["lr"] = recipe.optimizers[player].rate_at(run.step, recipe.steps)
    draw = Draw(seed, run.step, rank=team.rank, size=team.size)
    log = recipe.solver.step(run.shared or run.game, run.optimizers, feed, draw)
    num_images = (run.step + 1) * size
    half_life = ema.half_life_after(num_images, recipe.ema_half_life, recipe.ema_ramp_up)
    for name, average in run.averages.items():
        network = run.game.get_submodule(name)
        ema.update(average, network, num_images=size, half_life=half_life)
    run.step += 1
    run.moving = False
    return log


def _ignore(log: Log) -> None:
    """Write nothing; used by all processes but the first."""
