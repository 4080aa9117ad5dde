"""The options of a generator's file, for `ganeval sample` and every scoring command."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, get_args

import click

from ganeval.generators.drawing import LabelForm, LabelPolicy, LatentLayout, Noise, Prior
from ganeval.generators.options import GeneratorOptions
from ganeval.generators.outputs import ImageLayout

GENERATOR_OPTIONS = (
    click.option(
        "--entry",
        metavar="MODULE:CALLABLE",
        help="What builds the network of a generator's file; importing it runs its code.",
    ),
    click.option("--kwargs", metavar="JSON", help="Its keyword arguments, or @file.json."),
    click.option("--key", metavar="NAME", help="Which of several sets of tensors, as g_ema."),
    click.option("--latent-size", type=int, help="Length of a latent vector."),
    click.option(
        "--latent-layout",
        type=click.Choice(get_args(LatentLayout)),
        help="Latents [B, n] (default), or [B, n, 1, 1].",
    ),
    click.option(
        "--prior", type=click.Choice(get_args(Prior)), help="Of latents; default: normal."
    ),
    click.option(
        "--truncation", type=float, metavar="PSI", help="Draw normal latents beyond it again."
    ),
    click.option("--num-classes", type=int, help="Of a network that takes labels."),
    click.option(
        "--label-policy",
        type=click.Choice(get_args(LabelPolicy)),
        help="Labels at random (default), or i modulo their number.",
    ),
    click.option(
        "--label-form",
        type=click.Choice(get_args(LabelForm)),
        help="Labels as int64 [B] (default), as one-hot rows, or as floats [B, 1].",
    ),
    click.option(
        "--inputs",
        metavar="WORDS",
        help="The network's arguments in order, as label,latent or '[latent,latent]' or condition.",
    ),
    click.option(
        "--noise",
        type=click.Choice(get_args(Noise)),
        help="For a network that draws random numbers in forward: each sample its own, or all the "
        "same.",
    ),
    click.option("--value-range", metavar="LOW,HIGH", help="Of the network's output, as -1,1."),
    click.option(
        "--clamp",
        is_flag=True,
        help="Clip output beyond the range, as the code of StyleGAN and ProGAN does.",
    ),
    click.option(
        "--image-layout",
        type=click.Choice(get_args(ImageLayout)),
        help="Of the network's output; default: nchw.",
    ),
    click.option(
        "--image-output",
        metavar="NAME",
        help="Which of several outputs are the images, as 0 or sample.",
    ),
    click.option(
        "--condition",
        metavar="SOURCE",
        help="Pictures that an image-to-image network makes its images from.",
    ),
    click.option(
        "--trust", is_flag=True, help="Run a file that is a program: TorchScript, torch.export."
    ),
)
"""One for each field of `GeneratorOptions`, by its name."""


def generator_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options; it gets them as one `generator` argument."""
    names = [field.name for field in dataclasses.fields(GeneratorOptions)]

    @functools.wraps(command)
    def wrapper(**values: Any) -> Any:
        given = {name: values.pop(name) for name in names}
        return command(generator=GeneratorOptions(**given), **values)

    decorated: Callable[..., Any] = wrapper
    for option in reversed(GENERATOR_OPTIONS):
        decorated = option(decorated)
    return decorated
