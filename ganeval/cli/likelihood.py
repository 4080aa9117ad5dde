"""`ganeval likelihood`: how probable held-out pictures are under a generator."""

from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.generator_options import generator_options
from ganeval.cli.panels import MACHINE, OUTPUT, SCORING, Command
from ganeval.cli.progress import terminal_progress
from ganeval.cli.prose import say
from ganeval.cli.training_options import DEVICE

if TYPE_CHECKING:
    from ganeval.generators.options import GeneratorOptions


@click.command(cls=Command)
@click.argument("checkpoint")
@click.argument("data")
@click.option(
    "--num-images",
    type=int,
    default=32,
    show_default=True,
    metavar="N",
    panel=SCORING,
    help="Number of pictures, drawn at random with the seed",
)
@click.option(
    "--variance",
    type=float,
    metavar="V",
    panel=SCORING,
    help="Variance of the observation noise, for pictures from 0 to 1 (default: fitted on "
    "validation pictures)",
)
@click.option(
    "--validation",
    metavar="SOURCE",
    panel=SCORING,
    help="Validation pictures, to choose the variance and Parzen's bandwidth (default: the "
    "other pictures of DATA)",
)
@click.option(
    "--steps",
    "num_steps",
    type=int,
    default=500,
    show_default=True,
    metavar="N",
    panel=SCORING,
    help="Number of temperatures between prior and posterior; more of them narrow the gap between "
    "the bounds",
)
@click.option(
    "--chains",
    "num_chains",
    type=int,
    default=8,
    show_default=True,
    metavar="N",
    panel=SCORING,
    help="Number of chains for each picture",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    metavar="N",
    panel=SCORING,
    help="Seed of every random choice",
)
@click.option("--each", is_flag=True, panel=OUTPUT, help="Add a line for each picture")
@click.option(
    "--json", "as_json", is_flag=True, panel=OUTPUT, help="Write the result to stdout as JSON"
)
@DEVICE
@click.option(
    "--batch-size",
    type=int,
    default=256,
    show_default=True,
    metavar="N",
    panel=MACHINE,
    help="Largest number of latents that the generator sees at once",
)
@generator_options
def likelihood(
    *,
    checkpoint: str,
    data: str,
    num_images: int,
    variance: float | None,
    validation: str | None,
    num_steps: int,
    num_chains: int,
    seed: int,
    each: bool,
    as_json: bool,
    device: str,
    batch_size: int,
    generator: "GeneratorOptions",
) -> None:
    """Estimate the log-likelihood of held-out DATA under a generator CHECKPOINT.

    The model of a picture is the generator's output for a random latent, plus Gaussian noise.
    Annealed importance sampling bounds the log-likelihood from below. For pictures that the model
    itself simulates there is an upper bound too, and the gap between the two shows how good the
    bound is. Parzen windows are printed beside it because papers reported them, but they can rank
    generators wrongly. If the network has an exact log_prob, that is used instead.

    \b
    ganeval likelihood vae.safetensors data:digits,split=test
    ganeval likelihood gan.safetensors heldout/ --variance 0.01 --steps 10000
    """
    from ganeval.likelihood.estimate import log_likelihood
    from ganeval.likelihood.text import to_json, to_text

    with terminal_progress() as progress:
        found = log_likelihood(
            checkpoint,
            data,
            num_images=num_images,
            validation=validation,
            variance=variance,
            num_steps=num_steps,
            num_chains=num_chains,
            batch_size=batch_size,
            seed=seed,
            options={"device": device, **generator.given()},
            progress=progress,
        )
    if as_json:
        click.echo(to_json(found), nl=False)
        return
    for line in to_text(found, each=each):
        say(line)
