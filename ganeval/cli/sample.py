"""`ganeval sample`: write samples of a generator as files, as one array or as one picture."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.generator_options import generator_options
from ganeval.cli.panels import MACHINE, OUTPUT, Command
from ganeval.cli.progress import terminal_progress
from ganeval.cli.prose import say
from ganeval.errors import UsageError

if TYPE_CHECKING:
    from ganeval.generators.options import GeneratorOptions


@click.command(cls=Command)
@click.argument("checkpoint")
@click.option(
    "-n",
    "--num-images",
    type=int,
    metavar="N",
    panel=OUTPUT,
    help="Number of samples (default with --grid: as many as fit into the grid)",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="PLACE",
    panel=OUTPUT,
    help="Folder or .zip file for the samples, .npz file for one array (the layout of ADM), or "
    ".png file for a grid",
)
@click.option(
    "--grid",
    metavar="ROWSxCOLUMNS",
    panel=OUTPUT,
    help="Rows and columns of one picture of all samples, such as 8x8",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    metavar="N",
    panel=OUTPUT,
    help="Seed of the samples; sample number I does not depend on how many there are",
)
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    metavar="NAME",
    panel=MACHINE,
    help="Device of the generator: auto, cpu, cuda, cuda:1, mps. Devices round differently, so a "
    "pixel may differ by one grey level",
)
@generator_options
def sample(
    *,
    checkpoint: str,
    num_images: int | None,
    output: Path,
    grid: str | None,
    seed: int,
    device: str,
    generator: "GeneratorOptions",
) -> None:
    """Write samples of a generator CHECKPOINT as PNG files, one array, or one picture.

    A folder or zip gets exactly that many files and nothing else. After an interruption, the same
    command continues.

    \b
    ganeval sample dcgan.safetensors -n 64 -o samples/
    ganeval sample dcgan.safetensors --grid 8x8 -o grid.png
    ganeval sample dcgan.safetensors -n 50000 -o samples.npz
    ganeval sample netG.pth -n 64 -o samples.zip --entry my_networks:Generator \\
        --kwargs '{"ngf": 64}' --latent-size 100 --latent-layout map \\
        --value-range -1,1
    """
    from ganeval.flow.sample import write_samples

    columns = None
    if grid is not None:
        rows, columns = _sides_of(grid)
        num_images = num_images or rows * columns
        if num_images > rows * columns:
            raise UsageError(
                f"-n {num_images} in a grid of {grid}", f"at most {rows * columns}", "change one"
            )
    if num_images is None:
        raise UsageError("no number of samples", "-n N, or --grid ROWSxCOLUMNS", "add it")
    with terminal_progress() as progress:
        write_samples(
            checkpoint,
            num_images,
            output,
            columns=columns,
            seed=seed,
            device=device,
            generator=generator,
            progress=progress,
        )
    say(f"{output}: {num_images:,} sample{'s' * (num_images != 1)}")


def _sides_of(grid: str) -> tuple[int, int]:
    """Return rows and columns of `8x8`.

    Raises:
        UsageError: The text is not of that form.
    """
    found = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d{0,3})", grid)
    if found is None:
        raise UsageError(f"--grid {grid}", "ROWSxCOLUMNS, such as 8x8", "change it")
    return int(found[1]), int(found[2])
