"""`ganeval latents`: draw a generator's latents as pictures, or find the latents of pictures."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.generator_options import generator_options
from ganeval.cli.panels import MACHINE, OUTPUT, SCORING, Command
from ganeval.cli.progress import terminal_progress
from ganeval.cli.prose import say
from ganeval.cli.training_options import DEVICE
from ganeval.errors import UsageError

if TYPE_CHECKING:
    from ganeval.generators.options import GeneratorOptions
    from ganeval.latents.drawn import Term
    from ganeval.latents.inversion import Inversion

_MOST_TILES = 100


@click.command(cls=Command)
@click.argument("checkpoint")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    panel=OUTPUT,
    help="File for the picture, ending in .png",
)
@click.option(
    "--arithmetic",
    metavar="NUMBERS",
    panel=SCORING,
    help="Sum of means of samples, such as 3,7,9-1,4,5+2,6,8; each mean and the result are drawn",
)
@click.option(
    "--codes", is_flag=True, panel=SCORING, help="Draw every class and continuous code of InfoGAN"
)
@click.option(
    "--invert",
    metavar="SOURCE",
    panel=SCORING,
    help="Pictures whose latents are found by optimisation. BiGAN's encoder is not in its "
    "checkpoint, so its latents can be starting points only in Python (ganeval.invert, first=)",
)
@click.option(
    "--inpaint",
    metavar="MASK",
    panel=SCORING,
    help="Missing part of the pictures of --invert: a mask picture that is white there, or the "
    "word centre",
)
@click.option(
    "--starts",
    "num_starts",
    type=int,
    default=8,
    show_default=True,
    metavar="N",
    panel=SCORING,
    help="Number of random starting points of each search",
)
@click.option(
    "--steps",
    "num_steps",
    type=int,
    default=300,
    show_default=True,
    metavar="N",
    panel=SCORING,
    help="Number of steps of a search",
)
@click.option(
    "--rows",
    type=int,
    default=4,
    show_default=True,
    metavar="N",
    panel=OUTPUT,
    help="Number of pairs to interpolate, of samples to traverse, or of pictures to invert",
)
@click.option(
    "--columns",
    type=int,
    default=10,
    show_default=True,
    metavar="N",
    panel=OUTPUT,
    help="Number of pictures from one end to the other",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    metavar="N",
    panel=OUTPUT,
    help="Seed of the samples, as in `ganeval sample`",
)
@DEVICE
@click.option(
    "--batch-size",
    type=int,
    default=256,
    show_default=True,
    metavar="N",
    panel=MACHINE,
    help="Largest number of searches at once",
)
@generator_options
def latents(
    *,
    checkpoint: str,
    output: Path,
    arithmetic: str | None,
    codes: bool,
    invert: str | None,
    inpaint: str | None,
    num_starts: int,
    num_steps: int,
    rows: int,
    columns: int,
    seed: int,
    device: str,
    batch_size: int,
    generator: "GeneratorOptions",
) -> None:
    """Draw chosen latents of a generator CHECKPOINT as pictures, or find latents of pictures.

    Without further options, the command interpolates between samples 0 and 1, 2 and 3, and so on:
    along the arc (slerp), and below it along the straight line. --arithmetic, --codes and --invert
    replace this. With --invert, reconstruction errors are printed.

    \b
    ganeval latents dcgan.safetensors -o paths.png
    ganeval latents dcgan.safetensors -o sum.png --arithmetic 3,7,9-1,4,5+2,6,8
    ganeval latents infogan.safetensors -o codes.png --codes
    ganeval latents bigan.safetensors -o back.png --invert heldout/
    ganeval latents gan.safetensors -o full.png --invert real/ --inpaint centre
    """
    chosen = {"--arithmetic": arithmetic, "--codes": codes, "--invert": invert}
    given = [name for name, value in chosen.items() if value]
    if len(given) > 1:
        raise UsageError(" and ".join(given), "one of them", "drop the others")
    if inpaint is not None and invert is None:
        raise UsageError("--inpaint without --invert", "pictures to fill", "add --invert SOURCE")
    for name, value in (("--rows", rows), ("--columns", columns)):
        if not 1 <= value <= _MOST_TILES:
            raise UsageError(f"{name} {value}", f"from 1 to {_MOST_TILES}", "change it")
    terms = None if arithmetic is None else _terms(arithmetic)

    import io

    import PIL.Image

    from ganeval.latents import drawn
    from ganeval.latents.inversion import invert as find_latents
    from ganeval.report.output import check_output, write_output
    from ganeval.sources.open_decoder import open_decoder

    check_output(output, (".png",))
    options = {"device": device, **generator.given()}
    if invert is not None:
        with terminal_progress() as progress:
            found = find_latents(
                checkpoint,
                invert,
                num_images=rows,
                mask=inpaint,
                num_starts=num_starts,
                num_steps=num_steps,
                batch_size=batch_size,
                seed=seed,
                options=options,
                progress=progress,
            )
        shown = drawn.inverted(found)
        for line in _error_lines(found):
            say(line)
    else:
        decoder, source = open_decoder(checkpoint, {"seed": seed, **options})
        if terms is not None:
            shown = drawn.arithmetic(decoder, terms)
        elif codes:
            kwargs = json.loads(str(source.info.settings.get("kwargs", "{}")))
            shown = drawn.traversals(decoder, kwargs.get("num_continuous", 0), rows, columns)
        else:
            shown = drawn.interpolations(decoder, rows, columns)
    buffer = io.BytesIO()
    PIL.Image.fromarray(drawn.sheet(shown)).save(buffer, "PNG")
    write_output({output: buffer.getvalue()})
    say(f"{output}: {len(shown)} rows of pictures")


def _terms(text: str) -> "list[Term]":
    """Return the terms in `3,7,9-1,4,5+2,6,8`.

    Raises:
        UsageError: The text is not of that form.
    """
    from ganeval.latents.drawn import Term

    numbers = r"\d{1,9}(?:,\d{1,9})*"
    if re.fullmatch(rf"{numbers}(?:[+-]{numbers})*", text) is None:
        raise UsageError(
            f"--arithmetic {text}", "sample numbers, as 3,7,9-1,4,5+2,6,8", "correct it"
        )
    return [
        Term(-1 if sign == "-" else 1, tuple(int(one) for one in term.split(",")))
        for sign, term in re.findall(rf"([+-]?)({numbers})", text)
    ]


def _error_lines(found: "Inversion") -> list[str]:
    """Return the reconstruction error of each picture, in dB of PSNR, and the mean."""
    columns = {"PSNR": found.psnr()}
    if found.mask is not None:
        columns = {
            "visible part": found.psnr(),
            "missing part": found.hole_psnr(),
            "mean filling": found.mean_psnr(),
        }
    lines = [f"{'dB of PSNR':<24}" + "".join(f"{name:>14}" for name in columns)]
    rows = zip(found.names, *columns.values(), strict=True)
    lines += [f"{name:<24}" + "".join(f"{one:>14.2f}" for one in values) for name, *values in rows]
    means = "".join(f"{values.mean():>14.2f}" for values in columns.values())
    return [*lines, f"{'mean':<24}{means}"]
