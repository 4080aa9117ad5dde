"""`ganeval train`: train a bundled reference model."""

import errno
import shlex
from pathlib import Path
from typing import Literal

import rich_click as click

from ganeval.cli.call import current_call
from ganeval.cli.options import split_metrics
from ganeval.cli.panels import MACHINE, SCORING, TRAINING, Command
from ganeval.cli.training_options import CACHE_DIR, DEVICE
from ganeval.errors import ResourceError, UsageError


@click.command(cls=Command)
@click.argument("model")
@click.option(
    "--data",
    metavar="SOURCE",
    panel=TRAINING,
    help="Training data: digits, edges, tint, sr, shapes, tones, or any source (default: the "
    "model's own)",
)
@click.option(
    "--data-b",
    metavar="SOURCE",
    panel=TRAINING,
    help="Second source, for image-to-image models: the inputs from which the pictures of --data "
    "are made",
)
@click.option(
    "--steps",
    type=int,
    metavar="N",
    panel=TRAINING,
    help="Number of steps, counted from the start (default: the model's own)",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    panel=TRAINING,
    help="Folder of the run (default: runs/MODEL)",
)
@click.option("--resume", is_flag=True, panel=TRAINING, help="Continue the run in that folder")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    panel=TRAINING,
    help="Seed of every random choice",
)
@click.option(
    "--preset",
    metavar="NAME",
    panel=TRAINING,
    help="Named group of settings, such as paper; --show lists the groups of the model",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE.toml",
    panel=TRAINING,
    help="File with settings, such as settings.toml of another run",
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    panel=TRAINING,
    help="One setting, such as generator.width=256 or optimizers.D.lr=2e-4; may be repeated",
)
@click.option(
    "--show",
    is_flag=True,
    panel=TRAINING,
    help="Write all settings to stdout instead of training",
)
@click.option(
    "--save-every",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    panel=TRAINING,
    help="Number of steps between two saved states; a killed run loses at most these",
)
@click.option(
    "--grid-every",
    type=click.IntRange(min=0),
    default=200,
    show_default=True,
    metavar="N",
    panel=TRAINING,
    help="Number of steps between pictures of samples; 0 for only one at the end",
)
@click.option(
    "--snapshot-every",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    panel=TRAINING,
    help="Number of steps between checkpoints that are kept; 0 for only the last one and the "
    "best-scored one",
)
@click.option(
    "--eval-every",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    panel=SCORING,
    help="Number of steps between scores of the averaged generator; 0 for no scores",
)
@click.option(
    "--eval-metrics",
    metavar="METRICS",
    panel=SCORING,
    help="Metrics of --eval-every, separated by commas (default: fid,kid and those that belong to "
    "the data, such as modes, mode_kl)",
)
@click.option(
    "--eval-extractor",
    default="efficientnet-lite0",
    show_default=True,
    metavar="NAME",
    panel=SCORING,
    help="Network of --eval-every: inception, efficientnet-lite0, random",
)
@click.option(
    "--eval-images",
    type=click.IntRange(min=2),
    default=360,
    show_default=True,
    metavar="N",
    panel=SCORING,
    help="Number of samples, and of training images, that --eval-every compares",
)
@click.option(
    "--eval-reference",
    metavar="SOURCE",
    panel=SCORING,
    help="Images for --eval-every to compare with, instead of training images",
)
@CACHE_DIR
@DEVICE
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default="auto",
    show_default=True,
    metavar="NAME",
    panel=MACHINE,
    help="Arithmetic of the networks: auto (bfloat16 on CUDA, else float32), float32, bfloat16",
)
def train(
    *,
    model: str,
    data: str | None,
    data_b: str | None,
    steps: int | None,
    seed: int,
    out: Path | None,
    resume: bool,
    preset: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    show: bool,
    save_every: int,
    grid_every: int,
    snapshot_every: int,
    eval_every: int,
    eval_metrics: str | None,
    eval_extractor: str,
    eval_images: int,
    eval_reference: str | None,
    cache_dir: str | None,
    device: str,
    precision: Literal["auto", "float32", "bfloat16"],
) -> None:
    """Train a reference MODEL and write one checkpoint that can be sampled and scored.

    \b
    ganeval train dcgan --steps 2000 --out runs/dcgan
    ganeval train dcgan --steps 2000 --out runs/dcgan --eval-every 500
    ganeval train wgan-gp --data faces/ --set image_size=32 --set flip=true
    ganeval train pix2pix --data photos/ --data-b sketches/ --set image_size=64
    ganeval train sngan --preset paper --set batch_size=128
    """
    from ganeval.cli.training_display import training_display
    from ganeval.machine.devices import resolve_device
    from reference_models.engine.keep import STATE
    from reference_models.engine.kinds import Scoring
    from reference_models.engine.session import Watch, recipe_of, run_training
    from reference_models.engine.settings import (
        parse_setting,
        preset_of,
        presets_of,
        read_settings,
        settings_of,
        toml_lines,
    )

    if steps is not None and steps < 1:
        raise UsageError(f"--steps {steps}", "at least 1", "change it")
    folder = out or Path("runs") / model
    settings = {
        **(preset_of(recipe_of(model), preset) if preset is not None else {}),
        **(read_settings(config) if config is not None else {}),
        **dict(map(parse_setting, assignments)),
        **({} if data_b is None else {"data_b": data_b}),
    }
    recipe = recipe_of(model, settings, folder=folder if resume else None, data=data, steps=steps)
    if show:
        for line in toml_lines(settings_of(recipe)):
            click.echo(line)
        for name, changed in presets_of(recipe).items():
            click.echo(f"# --preset {name}: {', '.join(toml_lines(changed))}")
        return
    scoring = Scoring(
        every=eval_every,
        metrics=None if eval_metrics is None else tuple(split_metrics(eval_metrics) or ()),
        extractor=eval_extractor,
        num_images=eval_images,
        reference=eval_reference,
        cache_dir=cache_dir,
    )

    def again() -> str:
        """Return the command that continues the run, or starts it if no state was saved."""
        going_on = [] if resume or not (folder / STATE).is_file() else ["--resume"]
        return shlex.join(["ganeval", *current_call().words, *going_on])

    with training_display(model, recipe.steps, recipe.batch_size) as observers:
        try:
            checkpoint = run_training(
                model,
                folder=folder,
                settings=settings,
                data=data,
                steps=steps,
                seed=seed,
                resume=resume,
                device=resolve_device(device),
                precision=precision,
                save_every=save_every,
                watch=Watch(grid_every=grid_every, snapshot_every=snapshot_every, scoring=scoring),
                observers=observers,
            )
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(f"interrupted; to continue: `{again()}`") from error
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise ResourceError(
                f"{error.filename or folder}: the disk is full",
                "free space on it",
                f"free some space, then continue with `{again()}`",
            ) from error
    if checkpoint is not None:
        click.echo(checkpoint)
