"""Keep the terms of every step and the state for a resume in a run's folder."""

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

logger = logging.getLogger(
    "ganeval.training"
)  # a child of ganeval's logger, whose messages the command shows

STATE = "state.pt"
METRICS = "metrics.jsonl"
FORMAT = 3  # version of the saved state


@contextmanager
def keeping(
    run: Run,
    files: RunFiles,
    config: Mapping[str, Any],
    *,
    save_every: int,
    observers: Sequence[Observer],
) -> Iterator[Callable[[Log], None]]:
    """Yield a function to call after each step: it writes the terms and calls the observers.

    The state is saved every `save_every` steps, and at the end for whatever reason, such as Ctrl-C.
    It is not saved within a step, or after a step whose terms are not written yet; then the last
    saved state is kept. It is saved only after the terms are on the disk, so that no terms are
    missing.
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
    """Return everything that changes a run's numbers and must match on resume, as JSON values."""
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
    """Restore a run from its saved state.

    Raises:
        Exception: An exception of any class, if `_save` did not write this state.
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
            "the run was trained on %s and continues on %s: its last digits may differ from an "
            "uninterrupted run",
            state["machine"],
            _machine(run),
        )


def restore_averages(run: Run, path: Path) -> None:
    """Restore the averaged networks and the step of an interrupted run from its saved state."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    for name, average in run.averages.items():
        average.load_state_dict(state["averages"][name])
    run.step = state["step"]


def _machine(run: Run) -> str:
    """Return the device, threads and version of torch, which change only the last bits."""
    device = next(run.average.parameters()).device.type
    num = torch.get_num_threads()
    threads = f", {num} thread{'s' * (num > 1)}" if device == "cpu" else ""
    return f"{device} with torch {torch.__version__}{threads}"
