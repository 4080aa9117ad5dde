"""The options of a generator's file, for `ganeval sample` and every scoring command."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import rich_click as click

from ganeval.cli.panels import GENERATOR

GENERATOR_OPTIONS = (
    click.option(
        "--entry",
        metavar="MODULE:CALLABLE",
        panel=GENERATOR,
        help="Function or class that builds the network; importing it runs its code",
    ),
    click.option(
        "--kwargs",
        metavar="JSON",
        panel=GENERATOR,
        help="Keyword arguments of the entry: a JSON object, or @file.json",
    ),
    click.option(
        "--key",
        metavar="NAME",
        panel=GENERATOR,
        help="Set of tensors to use if the file has several, such as g_ema",
    ),
    click.option(
        "--allow-missing",
        metavar="PATTERN",
        panel=GENERATOR,
        help="Buffers that the file may lack, such as 'noises.*'; separated by commas",
    ),
    click.option(
        "--submodule",
        metavar="NAME",
        panel=GENERATOR,
        help="Part of the network that makes images, such as decoder",
    ),
    click.option(
        "--latent-size", type=int, metavar="N", panel=GENERATOR, help="Length of a latent vector"
    ),
    click.option(
        "--latent-layout",
        type=click.Choice(["vector", "map"]),
        metavar="NAME",
        panel=GENERATOR,
        help="Shape of the latents: vector [B, N] (the default), map [B, N, 1, 1]",
    ),
    click.option(
        "--prior",
        type=click.Choice(["normal", "uniform"]),
        metavar="NAME",
        panel=GENERATOR,
        help="Distribution of the latents: normal (the default), uniform (from -1 to 1)",
    ),
    click.option(
        "--truncation",
        type=float,
        metavar="PSI",
        panel=GENERATOR,
        help="Largest absolute value of a normal latent; values beyond it are drawn again",
    ),
    click.option(
        "--num-classes",
        type=int,
        metavar="N",
        panel=GENERATOR,
        help="Number of classes, for a network that takes labels",
    ),
    click.option(
        "--label-policy",
        type=click.Choice(["uniform", "balanced"]),
        metavar="NAME",
        panel=GENERATOR,
        help="Choice of the labels: uniform (at random, the default), balanced (each in turn)",
    ),
    click.option(
        "--value-range",
        metavar="LOW,HIGH",
        panel=GENERATOR,
        help="Range of the network's output, from black to white, such as -1,1",
    ),
    click.option(
        "--label-form",
        type=click.Choice(["index", "onehot", "float"]),
        metavar="NAME",
        panel=GENERATOR,
        help="Form of the labels: index (int64 [B], the default), onehot (float32 [B, classes]), "
        "float (float32 [B, 1])",
    ),
    click.option(
        "--inputs",
        metavar="WORDS",
        panel=GENERATOR,
        help="Arguments of the network in order, such as label,latent or '[latent,latent]' or "
        "condition",
    ),
    click.option(
        "--noise",
        type=click.Choice(["fixed", "random"]),
        metavar="NAME",
        panel=GENERATOR,
        help="Random numbers that the network draws by itself: random (from the sample's seed) or "
        "fixed (the same for all samples) (default: an error)",
    ),
    click.option(
        "--clamp",
        is_flag=True,
        panel=GENERATOR,
        help="Clip output beyond the range, as the code of StyleGAN and ProGAN does",
    ),
    click.option(
        "--image-layout",
        type=click.Choice(["nchw", "nhwc"]),
        metavar="NAME",
        panel=GENERATOR,
        help="Order of the output's axes: nchw (the default), nhwc",
    ),
    click.option(
        "--image-output",
        metavar="NAME",
        panel=GENERATOR,
        help="Name or number of the output that has the images, if there are several",
    ),
    click.option(
        "--rate",
        type=int,
        metavar="HZ",
        panel=GENERATOR,
        help="Sampling rate of a network that makes clips of sound",
    ),
    click.option(
        "--condition",
        metavar="SOURCE",
        panel=GENERATOR,
        help="Input pictures of an image-to-image network",
    ),
    click.option(
        "--trust",
        is_flag=True,
        panel=GENERATOR,
        help="Allow a file that is a program to run: TorchScript, torch.export",
    ),
)
"""One option for each field of `GeneratorOptions`, with the same name."""


def generator_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options; it gets them as one `generator` argument."""

    @functools.wraps(command)
    def wrapper(**values: Any) -> Any:
        from ganeval.generators.options import GeneratorOptions

        names = [field.name for field in dataclasses.fields(GeneratorOptions)]
        given = {name: values.pop(name) for name in names}
        return command(generator=GeneratorOptions(**given), **values)

    decorated: Callable[..., Any] = wrapper
    for option in reversed(GENERATOR_OPTIONS):
        decorated = option(decorated)
    return decorated
