"""What a run keeps in its folder: the terms of every step, and the state to go on from."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from reference_models.engine.data import Data
from reference_models.engine.files import RunFiles
from reference_models.engine.recipe import Recipe
from reference_models.engine.rows import Rows
from reference_models.engine.run import Observer, Run
from reference_models.engine.settings import lasting_settings
from reference_models.engine.solvers import Log
from reference_models.engine.state import save_state

logger = logging.getLogger("ganeval.training")  # below ganeval's own, which the command shows

STATE = "state.pt"
METRICS = "metrics.jsonl"
FORMAT = 3  # of the state


@contextmanager
def keeping(
    run: Run,
    files: RunFiles,
    config: Mapping[str, Any],
    *,
    save_every: int,
    observers: Sequence[Observer],
) -> Iterator[Callable[[Log], None]]:
    """Yield what is to be called after each step: it keeps the terms and tells the observers.

    The state is saved every so many steps and on leaving for whatever reason, Ctrl-C say; but not
    within a step, nor after one whose terms are not kept yet: then the last saved one stays. It is
    saved after the terms are on the disk, so that these are never the fewer.
    """
    files.remove_leftovers()
    with Rows(files.claim(METRICS), step=run.step) as rows:

        def save() -> None:
            rows.sync()
            _save(run, files, config)

        def keep(log: Log) -> None:
            rows.append(run.step, log)
            for observe in observers:
                observe(run, log)
            if run.step % save_every == 0:
                save()

        try:
            save()
            for observe in observers:
                observe(run, {})
            yield keep
        finally:
            if not run.moving and rows.last == run.step:
                save()


def configuration(run: Run, recipe: Recipe, data: Data, seed: int) -> dict[str, Any]:
    """Return what a resumed run must agree on: all that changes its numbers, as JSON values."""
    layers = {
        name: " ".join(repr(module).split())
        for name, module in run.game.named_modules()
        if not any(module.children())
    }
    return {
        "format": FORMAT,
        "model": recipe.name,
        "game": type(run.game).__qualname__,
        "solver": type(recipe.solver).__qualname__,
        "settings": lasting_settings(recipe),
        "layers": layers,
        "precision": str(run.game.low_precision or torch.float32).removeprefix("torch."),
        "data": data.name,
        "data_digest": data.digest,
        "shape": list(data.shape),
        "seed": seed,
    }


def _save(run: Run, files: RunFiles, config: Mapping[str, Any]) -> None:
    """Write the state of a run."""
    save_state(
        files.claim(STATE),
        {
            "config": config,
            "machine": _machine(run),
            "step": run.step,
            "position": run.position,
            "game": run.game.state_dict(),
            "averages": {name: one.state_dict() for name, one in run.averages.items()},
            "optimizers": {name: one.state_dict() for name, one in run.optimizers.items()},
        },
    )


def restore(run: Run, state: Mapping[str, Any]) -> None:
    """Put a run where the state was saved.

    Raises:
        Exception: Of any class, where the state is not as `_save` writes it.
    """
    for number in ("step", "position"):
        if type(state[number]) is not int or state[number] < 0:
            raise ValueError(f"{number} {state[number]!r}")
    run.game.load_state_dict(state["game"])
    for name, average in run.averages.items():
        average.load_state_dict(state["averages"][name])
    for name, optimizer in run.optimizers.items():
        optimizer.load_state_dict(state["optimizers"][name])
    run.step, run.position = state["step"], state["position"]
    if state["machine"] != _machine(run):
        logger.warning(
            "the run was made on %s and goes on on %s: its last digits are not those of one run",
            state["machine"],
            _machine(run),
        )


def restore_averages(run: Run, path: Path) -> None:
    """Put the averaged networks and the step of a run that was cut where its state was saved."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    for name, average in run.averages.items():
        average.load_state_dict(state["averages"][name])
    run.step = state["step"]


def _machine(run: Run) -> str:
    """Return what changes numbers in the last bits only."""
    device = next(run.average.parameters()).device.type
    num = torch.get_num_threads()
    threads = f", {num} thread{'s' * (num > 1)}" if device == "cpu" else ""
    return f"{device} with torch {torch.__version__}{threads}"
