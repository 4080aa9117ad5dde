"""Draw the Dirac-GAN's paths under every solver and stabiliser, and print their table.

    .venv/bin/python scripts/phase_portraits.py docs/phase-portraits.png

Each panel has the arrows of one step from many points, and one path from (1, 1); the table has the
largest eigenvalue of a step at the equilibrium, and how far the path is from it at its end. All of
it comes from the solvers and games that train the reference models.
"""

import sys
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from reference_models.experiments.dirac import SETTINGS, STEP, Setting  # noqa: E402

NUM_STEPS = 500
REACH = 2.4  # of the axes, to either side
NUM_ARROWS = 9  # along each of them
NUM_COLUMNS = 4
START = np.array([1.0, 1.0])


@click.command()
@click.argument("picture", type=click.Path(path_type=Path))
def phase_portraits(picture: Path) -> None:
    """Draw into PICTURE, a PNG, and print a Markdown table."""
    from matplotlib.figure import Figure

    num_rows = -(-len(SETTINGS) // NUM_COLUMNS)
    figure = Figure(figsize=(3 * NUM_COLUMNS, 3.2 * num_rows), layout="constrained")
    panels = figure.subplots(num_rows, NUM_COLUMNS, sharex=True, sharey=True).flatten()
    for panel in panels[len(SETTINGS) :]:
        panel.set_axis_off()
    click.echo(f"| h = {STEP:g} | largest eigenvalue | distance after {NUM_STEPS} steps |")
    click.echo("|---|---|---|")
    for panel, (name, setting) in zip(panels, SETTINGS.items(), strict=False):
        largest = np.abs(np.linalg.eigvals(setting.jacobian(np.zeros(2)))).max()
        path = setting.path(START, NUM_STEPS)
        click.echo(f"| {name} | {largest:.4f} | {np.linalg.norm(path[-1]):.2g} |")
        places, moves = arrows(setting)
        panel.quiver(*places.T, *moves.T, color="0.7", width=0.006, angles="xy", minlength=0)
        panel.plot(*path.T, color="C0", linewidth=1)
        panel.plot(*START, "o", color="C0", markersize=4)
        panel.plot(*path[-1], "s", color="C3", markersize=4)
        panel.plot(0, 0, "+", color="black")
        panel.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal")
        panel.set_title(f"{name}: {largest:.4f}", fontsize=10)
    figure.supxlabel("theta, what G makes (the data are 0)")
    figure.supylabel("psi, the slope of D")
    figure.savefig(picture, dpi=90)


def arrows(setting: Setting) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return places [N, 2] and what one step moves them by, [N, 2]."""
    line = np.linspace(-REACH, REACH, NUM_ARROWS)
    places = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    moves = np.stack([setting.path(place, 1)[1] - place for place in places])
    return places, moves


if __name__ == "__main__":
    phase_portraits()
