"""`ganeval train`: train a bundled reference model."""

import importlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ganeval.errors import UsageError
from ganeval.registry import unknown
from ganeval.workspace import resolve_device


@click.command()
@click.argument("model")
@click.option("--data", help="Training images: a name or a source; default: the model's own.")
@click.option("--steps", type=int, help="Train to this step, counted from the start.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the run; default: runs/MODEL."
)
@click.option("--resume", is_flag=True, help="Go on with the run in that folder.")
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|mps")
@click.option("--quiet", is_flag=True, help="No progress and no warnings.")
@click.option("--traceback", is_flag=True, help="Show where in the code an error arose.")
def train(
    *,
    model: str,
    data: str | None,
    steps: int | None,
    seed: int,
    out: Path | None,
    resume: bool,
    device: str,
    quiet: bool,
    traceback: bool,
) -> None:
    """Train a reference MODEL and leave one checkpoint that can be sampled and scored.

    \b
    ganeval train dcgan --steps 2000 --out runs/dcgan
    ganeval train wgan-gp --data folder:faces/,size=32,crop=center
    """
    from reference_models import MODELS
    from reference_models.engine.data import open_data
    from reference_models.engine.export import GRID, export, fixed_inputs, write_grid
    from reference_models.engine.train import train as train_model

    if model not in MODELS:
        raise unknown("model", model, MODELS)
    if steps is not None and steps < 1:
        raise UsageError(f"--steps {steps}", "at least 1", "change it")
    module, _, attribute = MODELS[model].partition(":")
    recipe = getattr(importlib.import_module(module), attribute)
    pictures = open_data(data or recipe.data)
    if len(pictures.shape) != 3:
        raise UsageError(f"data '{data}' has points", "images", "use digits or a folder")
    if recipe.paired and pictures.condition_source is None:
        raise UsageError(f"data '{data}' has no conditions", f"pairs, for {model}", "use edges")
    folder = out or Path("runs") / model
    total = steps or recipe.steps
    with _display(model, total, recipe.batch_size, quiet=quiet) as tell:
        try:
            run = train_model(
                recipe,
                pictures,
                folder,
                steps=total,
                seed=seed,
                resume=resume,
                device=resolve_device(device),
                tell=tell,
            )
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(
                f"interrupted; `ganeval train {model} --out {folder} --resume` with the same "
                "options goes on"
            ) from error
    path = export(run.average, recipe, pictures, folder, step=run.step, seed=seed)
    inputs = fixed_inputs(run.average, recipe, pictures, GRID * GRID, seed=seed)
    write_grid(run.average, inputs, folder / "samples.png")
    click.echo(path)


@contextmanager
def _display(model: str, total: int, batch_size: int, *, quiet: bool) -> Iterator[Any]:
    """Yield what the loop tells its losses to: a bar on a terminal, else nothing."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[losses]}"),
    )
    begin = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task(model, total=total, speed="", losses="")
        first: list[int] = []

        def tell(step: int, log: dict[str, float]) -> None:
            first.append(step) if not first else None
            done = (step - first[0] + 1) * batch_size
            speed = f"{done / max(time.monotonic() - begin, 1e-9):,.0f} images/s"
            losses = " ".join(f"{name} {value:.3g}" for name, value in log.items())
            display.update(task, completed=step, speed=speed, losses=losses)

        yield tell
