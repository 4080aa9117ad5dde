"""`ganeval sample`: samples of a generator checkpoint as PNG files."""

from pathlib import Path

import click

from ganeval.cli.progress import terminal_progress
from ganeval.sample import write_samples


@click.command()
@click.argument("checkpoint")
@click.option("-n", "--num-images", type=int, required=True, help="How many.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="A folder or a .zip."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--quiet", is_flag=True, help="No progress and no warnings.")
@click.option("--traceback", is_flag=True, help="Show where in the code an error arose.")
def sample(
    *, checkpoint: str, num_images: int, output: Path, seed: int, quiet: bool, traceback: bool
) -> None:
    """Write samples of a generator CHECKPOINT as PNG: exactly so many files and nothing else.

    \b
    ganeval sample dcgan.safetensors -n 64 -o samples/
    """
    with terminal_progress(quiet=quiet) as progress:
        write_samples(checkpoint, num_images, output, seed=seed, progress=progress)
    click.echo(f"{output}: {num_images:,} samples")
