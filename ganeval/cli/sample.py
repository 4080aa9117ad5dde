"""`ganeval sample`: samples of a generator checkpoint as PNG files."""

from pathlib import Path

import click

from ganeval.cli.generator_options import generator_options
from ganeval.cli.progress import terminal_progress
from ganeval.cli.prose import say
from ganeval.generators.options import GeneratorOptions
from ganeval.sample import write_samples


@click.command()
@click.argument("checkpoint")
@click.option("-n", "--num-images", type=int, required=True, help="How many.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="A folder or a .zip."
)
@click.option("--seed", type=int, default=0, show_default=True)
@generator_options
@click.option("--quiet", is_flag=True, help="No progress and no warnings.")
@click.option("--traceback", is_flag=True, help="Show where in the code an error arose.")
def sample(
    *,
    checkpoint: str,
    num_images: int,
    output: Path,
    seed: int,
    generator: GeneratorOptions,
    quiet: bool,
    traceback: bool,
) -> None:
    """Write samples of a generator CHECKPOINT as PNG: exactly so many files and nothing else.

    The same command again goes on where an interrupted one was.

    \b
    ganeval sample dcgan.safetensors -n 64 -o samples/
    ganeval sample netG.pth -n 64 -o samples.zip --entry my_networks:Generator \\
        --kwargs '{"ngf": 64}' --latent-size 100 --latent-layout map --value-range -1,1
    """
    with terminal_progress(quiet=quiet) as progress:
        write_samples(
            checkpoint, num_images, output, seed=seed, generator=generator, progress=progress
        )
    say(f"{output}: {num_images:,} samples")
