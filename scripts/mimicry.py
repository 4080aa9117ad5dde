"""Whether our recipes for CIFAR-10 are mimicry's, and how long a step of both takes.

    .venv/bin/python scripts/mimicry.py -o docs/measured/mimicry.md
    .venv/bin/python scripts/mimicry.py --no-timing

Mimicry (kwotsin/mimicry, version in scripts/constraints.txt) is installed into an environment of
its own, which shares the PyTorch of this one, and runs in processes of its own. Both get the same
weights, latents, labels, mixing weights and batches. The page has the networks' shapes and
outputs, the distribution of the first weights, the losses, the weights after 50 steps, and the
medians of interleaved steps. Some minutes on two cores. Needs the extra `test`.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from mimicry_parity.page import page  # noqa: E402
from mimicry_parity.parity import Parity, parity_of  # noqa: E402
from mimicry_parity.timing import Timing, timings  # noqa: E402

CONSTRAINTS = ROOT / "scripts" / "constraints.txt"
ENVIRONMENT = Path(tempfile.gettempdir()) / "ganeval-mimicry"


def environment(folder: Path) -> Path:
    """Return the Python of mimicry's environment, which is made if it is not there."""
    python = folder / "bin" / "python"
    done = folder / "installed"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        # Without what it asks for: its networks need PyTorch alone, and both sides the same one.
        subprocess.run(
            [
                *(str(python), "-m", "pip", "install", "--quiet", "--no-deps"),
                *("--constraint", str(CONSTRAINTS), "torch-mimicry"),
            ],
            check=True,
        )
        found = subprocess.run(
            [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True,
            capture_output=True,
            text=True,
        )
        packages = Path(torch.__file__).parents[1]
        Path(found.stdout.strip(), "shared.pth").write_text(f"{packages}\n", encoding="utf-8")
        done.touch()
    return python


@click.command()
@click.option(
    "--environment",
    "folder",
    type=click.Path(path_type=Path),
    default=ENVIRONMENT,
    show_default=True,
    help="Mimicry's; made if it is not there.",
)
@click.option("--steps", default=50, show_default=True, help="Of training, for parity.")
@click.option("--rounds", default=9, show_default=True, help="Interleaved steps, for timing.")
@click.option("--parity/--no-parity", default=True)
@click.option("--timing/--no-timing", default=True)
@click.option("-o", "output", type=click.Path(path_type=Path), help="Where the page goes too.")
def mimicry(
    folder: Path, steps: int, rounds: int, *, parity: bool, timing: bool, output: Path | None
) -> None:
    """Print the page."""
    torch.set_num_threads(1)
    python = environment(folder)
    found: list[Parity] = parity_of(python, steps=steps) if parity else []
    timed: list[Timing] = timings(python, rounds=rounds) if timing else []
    text = page(found, timed, steps=steps, rounds=rounds)
    click.echo(text)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    mimicry()
