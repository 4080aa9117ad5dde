"""`ganeval quickstart`: a tour of the whole tool on embedded data, offline."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.call import current_call
from ganeval.cli.options import show, show_options
from ganeval.cli.panels import OUTPUT, SOURCES, TRAINING, Command
from ganeval.cli.progress import terminal_progress
from ganeval.cli.prose import say
from ganeval.errors import one_line

if TYPE_CHECKING:
    from ganeval.report.digits import Digits
    from ganeval.report.formats import Notes

_FILES = {
    "samples.png": "pictures of every sample",
    "learning-curves.png": "scores during training",
    "table.md": "the table",
    "report.json": "the same scores with all details, and how they were made",
}


@click.command(cls=Command)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("quickstart"),
    show_default=True,
    metavar="FOLDER",
    panel=OUTPUT,
    help="Folder for the results of the tour",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    panel=OUTPUT,
    help="Write the report to stdout as JSON, instead of the table and the text",
)
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
    "--cache-dir",
    type=click.Path(),
    metavar="PLACE",
    panel=SOURCES,
    help="Folder of the feature cache, or a URL that machines share",
)
@show_options
def quickstart(
    *,
    out: Path,
    seed: int,
    cache_dir: str | None,
    as_json: bool,
    digits: "Digits",
    notes: "Notes",
) -> None:
    """Train two models on digits, score them beside real digits, and say what each metric sees.

    Each model trains for about a minute on two cores. After an interruption, the same command
    continues the tour.

    \b
    ganeval quickstart --out tour
    """
    from ganeval.cli.training_display import training_display
    from ganeval.flow.settings import Settings
    from reference_models.tour.tour import TOUR, run_tour
    from reference_models.tour.words import explain

    command = one_line(shlex.join(["ganeval", *current_call().words]))
    with terminal_progress() as progress:
        settings = Settings(seed=seed, cache_dir=cache_dir, progress=progress, command=command)
        try:
            scored = run_tour(TOUR, out, settings, display=training_display)
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(f"interrupted; to continue: `{command}`") from error
    show(scored.report, as_json=as_json, digits=digits, notes=notes)
    if as_json:
        return
    click.echo()
    for sentence in explain(scored):
        say(sentence)
    click.echo()
    for name, content in _FILES.items():
        say(f"{out / name}: {content}")
    for model in scored.models:
        say(f"{out / model}: checkpoint, grids of samples and losses of {model}")
