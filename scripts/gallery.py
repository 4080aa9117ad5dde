"""Reference models on real colour pictures, and the page `docs/measured/gallery.md`.

    .venv/bin/python scripts/gallery.py

Every panel of `scripts/galleries/panels.py` has systems that are trained on the pictures of
`emoji/` (see scripts/emoji.py) with several seeds, and scored alike. What is in the folder already
is not trained again. Mimicry (kwotsin/mimicry) is installed into an environment of its own, and
its metrics are not imported.
"""

import functools
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from galleries.page import draw_curves, draw_samples, page, section, sections_of  # noqa: E402
from galleries.panels import PANELS, Panel  # noqa: E402
from galleries.trainings import fid, train  # noqa: E402
from mimicry import ENVIRONMENT, environment  # noqa: E402

PAGE = ROOT / "docs" / "measured" / "gallery.md"


@click.command()
@click.argument("names", nargs=-1, metavar="[PANEL]...")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("runs/gallery"))
@click.option("--jobs", default=os.cpu_count(), help="Trainings at a time, a thread each.")
@click.option(
    "--environment",
    "mimicry_folder",
    type=click.Path(path_type=Path),
    default=ENVIRONMENT,
    show_default=True,
    help="Mimicry's; made if it is not there.",
)
def gallery(names: tuple[str, ...], folder: Path, jobs: int, mimicry_folder: Path) -> None:
    """Train and score what is missing of each PANEL, or of all, and write the page.

    The parts of other panels stay in the page as they are.
    """
    panels = {panel.name: panel for panel in PANELS}
    if unknown := [name for name in names if name not in panels]:
        raise click.ClickException(f"{unknown[0]}: no such panel; there are {', '.join(panels)}")
    if not Path("emoji").is_dir():
        raise click.ClickException("emoji: not there; `./scripts/emoji emoji --tones` lays it out")
    python = functools.cache(lambda: environment(mimicry_folder))
    for name in names or panels:
        measure(panels[name], folder, python, jobs)
    written = sections_of(PAGE.read_text(encoding="utf-8"))
    for name in names or panels:
        scores = json.loads((folder / name / "fid.json").read_text(encoding="utf-8"))
        written[panels[name].title] = section(panels[name], scores)
    in_order = [written[panel.title] for panel in PANELS if panel.title in written]
    PAGE.write_text(page(in_order), encoding="utf-8")
    click.echo(PAGE.read_text(encoding="utf-8"))


def measure(panel: Panel, folder: Path, python: Callable[[], Path], jobs: int) -> None:
    """Train and score what is missing of a panel; keep its scores and draw its pictures."""
    trainings = panel.trainings(folder, python)
    file = folder / panel.name / "fid.json"
    scores = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for name, runs in trainings.items():
        if name in scores:
            continue
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(train, runs))
        at = [runs[0].every * point for point in range(1, panel.points + 1)]
        fids = [[fid(one, step, folder / "cache") for step in at] for one in runs]
        scores[name] = {"steps": at, "fid": fids}
        file.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
    if panel.points > 1:
        draw_curves(PAGE.with_name(f"gallery-{panel.name}-curves.png"), scores)
    draw_samples(PAGE.with_name(f"gallery-{panel.name}-samples.png"), trainings)


if __name__ == "__main__":
    gallery()
