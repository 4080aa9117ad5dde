"""`ganeval sample`: samples of a generator checkpoint as PNG files."""

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.generator_options import generator_options
from ganeval.cli.panels import MACHINE, OUTPUT, Command
from ganeval.cli.progress import terminal_progress
from ganeval.cli.prose import say

if TYPE_CHECKING:
    from ganeval.generators.options import GeneratorOptions


@click.command(cls=Command)
@click.argument("checkpoint")
@click.option(
    "-n",
    "--num-images",
    type=int,
    required=True,
    metavar="N",
    panel=OUTPUT,
    help="Number of samples",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="PLACE",
    panel=OUTPUT,
    help="Folder or .zip file for the samples",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    metavar="N",
    panel=OUTPUT,
    help="Seed of the samples; sample I is the same however many there are",
)
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    metavar="NAME",
    panel=MACHINE,
    help="Device of the generator: auto, cpu, cuda, cuda:1, mps; each rounds in its own way, so a "
    "pixel may differ by one grey level",
)
@generator_options
def sample(
    *,
    checkpoint: str,
    num_images: int,
    output: Path,
    seed: int,
    device: str,
    generator: "GeneratorOptions",
) -> None:
    """Write samples of a generator CHECKPOINT as PNG: exactly so many files and nothing else.

    The same command again goes on where an interrupted one was.

    \b
    ganeval sample dcgan.safetensors -n 64 -o samples/
    ganeval sample netG.pth -n 64 -o samples.zip --entry my_networks:Generator \\
        --kwargs '{"ngf": 64}' --latent-size 100 --latent-layout map --value-range -1,1
    """
    from ganeval.flow.sample import write_samples

    with terminal_progress() as progress:
        write_samples(
            checkpoint,
            num_images,
            output,
            seed=seed,
            device=device,
            generator=generator,
            progress=progress,
        )
    say(f"{output}: {num_images:,} samples")
