"""One straight training loop for every system."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

import ganeval
from reference_models.engine import ema
from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game
from reference_models.engine.precision import Precision, resolve_precision, use_precision
from reference_models.engine.recipe import Recipe
from reference_models.engine.rows import Rows
from reference_models.engine.solvers import Log, NonFiniteError
from reference_models.engine.state import load_state, save_state
from reference_models.engine.whole import remove_leftovers

logger = logging.getLogger("ganeval.training")  # below ganeval's own, which the command shows

STATE = "state.pt"
METRICS = "metrics.jsonl"
FORMAT = 1  # of the state


@dataclass(slots=True)
class Run:
    """What training changes: the game, its optimizers, the averaged generator, the step."""

    game: Game
    optimizers: Mapping[str, Optimizer]
    average: nn.Module
    step: int = 0


Observer = Callable[[Run, Log], None]
"""Called once before the first step with an empty log, at the step that the run begins or resumes
at, and then after each step with its terms; it knows its own interval and lets other steps pass.

The state of a step is saved after the observers have seen it, or without them on Ctrl-C. What an
observer keeps by step it therefore cuts, and completes, where the first call finds the run. It may
add numbers of its own to the log, for the observers after it."""


def begin(
    recipe: Recipe,
    data: Data,
    *,
    seed: int,
    device: torch.device,
    precision: Precision = "float32",
) -> Run:
    """Return a run at step 0; its first weights are a function of the seed."""
    game = recipe.build(data.shape, Draw(seed, 0).generator("first weights")).to(device)
    optimizers = {
        player: recipe.optimizers[player].build(game.parameters_of(player).values())
        for player in game.players
    }
    average = ema.averaged_copy(game.get_submodule("generator"))
    use_precision(game, resolve_precision(precision, device))
    return Run(game, optimizers, average)


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
) -> Run:
    """Train to step `steps`, counted from the start, and keep state and losses in `folder`.

    What step k does depends on (recipe, data, seed, k) alone, so a run that is cut and resumed ends
    with the same bits on the CPU as one that was not.

    Raises:
        GanevalError: The folder holds another run, or a term of a loss is not finite; the last
            saved state is kept.
    """
    device = device or torch.device("cpu")
    folder.mkdir(parents=True, exist_ok=True)
    run = begin(recipe, data, seed=seed, device=device, precision=precision)
    config = configuration(run, recipe, data, seed)
    if resume:
        _restore(run, load_state(folder / STATE, config))
        remove_leftovers(folder)
    elif (folder / STATE).exists():
        raise ganeval.GanevalError(
            f"{folder}: holds a run already", "a new folder", "use --resume, or choose another"
        )
    else:
        _save(run, folder, config)
    with Rows(folder / METRICS, step=run.step) as rows:
        whole = True  # whether run and rows stand at the end of the same step
        try:
            _tell(observers, run, {})
            while run.step < steps:
                whole = False
                log = one_step(run, recipe, data, seed=seed, device=device)
                rows.append(run.step, log)
                whole = True
                _tell(observers, run, log)
                if run.step % save_every == 0:
                    rows.sync()
                    _save(run, folder, config)
        except NonFiniteError as error:
            raise ganeval.GanevalError(
                f"step {run.step + 1}: {error}",
                "finite losses",
                f"lower the learning rate; {folder / STATE} has the last saved state",
            ) from error
        finally:  # on Ctrl-C too
            if whole:  # half a step is no state: the last saved one stays
                rows.sync()
                _save(run, folder, config)
    return run


def one_step(run: Run, recipe: Recipe, data: Data, *, seed: int, device: torch.device) -> Log:
    """Make one step of the solver and of the average."""
    size = recipe.batch_size

    def feed(part: int) -> Batch:
        number = run.step * recipe.solver.num_batches + part
        return _to(data.batch(seed, number * size, size), device)

    run.game.before_step(run.step * size)
    log = recipe.solver.step(run.game, run.optimizers, feed, Draw(seed, run.step))
    ema.update(
        run.average,
        run.game.get_submodule("generator"),
        num_images=size,
        half_life=recipe.ema_half_life,
    )
    run.step += 1
    return log


def configuration(run: Run, recipe: Recipe, data: Data, seed: int) -> dict[str, Any]:
    """Return what a resumed run must agree on: all that changes its numbers, as JSON values."""
    layers = {
        name: " ".join(repr(module).split())
        for name, module in run.game.named_modules()
        if not any(module.children())
    }
    numbers = {
        name: value for name, value in vars(run.game).items() if isinstance(value, int | float)
    }
    return {
        "format": FORMAT,
        "model": recipe.name,
        "game": {"kind": type(run.game).__qualname__, **numbers},
        "layers": layers,
        "solver": repr(recipe.solver),
        "optimizers": {player: asdict(spec) for player, spec in recipe.optimizers.items()},
        "batch_size": recipe.batch_size,
        "precision": str(run.game.low_precision or torch.float32).removeprefix("torch."),
        "ema_half_life": recipe.ema_half_life,
        "data": data.name,
        "data_digest": data.digest,
        "shape": list(data.shape),
        "seed": seed,
    }


def _save(run: Run, folder: Path, config: Mapping[str, Any]) -> None:
    """Write the state of a run."""
    save_state(
        folder / STATE,
        {
            "config": dict(config),
            "machine": _machine(run),
            "step": run.step,
            "game": run.game.state_dict(),
            "average": run.average.state_dict(),
            "optimizers": {name: one.state_dict() for name, one in run.optimizers.items()},
        },
    )


def _restore(run: Run, state: Mapping[str, Any]) -> None:
    """Put a run where the state was saved."""
    run.game.load_state_dict(state["game"])
    run.average.load_state_dict(state["average"])
    for name, optimizer in run.optimizers.items():
        optimizer.load_state_dict(state["optimizers"][name])
    run.step = state["step"]
    if state["machine"] != _machine(run):
        logger.warning(
            "the run was made on %s and goes on on %s: its last digits are not those of one run",
            state["machine"],
            _machine(run),
        )


def _machine(run: Run) -> str:
    """Return what changes numbers in the last bits only."""
    device = next(run.average.parameters()).device.type
    return f"{device} with torch {torch.__version__}"


def _tell(observers: Sequence[Observer], run: Run, log: Log) -> None:
    """Let every observer see the run."""
    for observe in observers:
        observe(run, log)


def _to(batch: Batch, device: torch.device) -> Batch:
    """Move a batch to the device."""
    return Batch(
        real=batch.real.to(device),
        labels=None if batch.labels is None else batch.labels.to(device),
        condition=None if batch.condition is None else batch.condition.to(device),
    )
