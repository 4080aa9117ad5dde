"""Images that a generator makes from chosen latents, as rows of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ganeval.errors import InputError
from ganeval.generators.decoder import Decoder, differentiable
from ganeval.generators.interpolation import slerp
from ganeval.images.quantise import quantise
from ganeval.images.sheet import sheet_of
from ganeval.latents.arithmetic import latent_arithmetic
from ganeval.latents.inversion import Inversion

Row = torch.Tensor  # levels [columns, C, H, W]
_NEIGHBOUR = 0.25  # noise around a result, as in figure 7 of Radford et al.


@dataclass(frozen=True, slots=True)
class Term:
    """A term of latent arithmetic.

    Attributes:
        sign: 1 or -1.
        examples: The numbers of its samples.
    """

    sign: int
    examples: tuple[int, ...]


def interpolations(decoder: Decoder, num_pairs: int, columns: int) -> list[Row]:
    """Return two rows for each pair of samples, 2i and 2i + 1: `slerp`, then the straight line.

    A generator with classes uses the label of the pair's first sample.
    """
    rows = []
    for pair in range(num_pairs):
        u, labels = decoder.draw([2 * pair, 2 * pair + 1])
        t = torch.linspace(0, 1, columns, device=u.device)[:, None]
        start, end = u[:1].expand(columns, -1), u[1:].expand(columns, -1)
        same = None if labels is None else labels[:1].expand(columns, *labels.shape[1:])
        rows += [
            made(decoder, slerp(start, end, t), same),
            made(decoder, torch.lerp(start, end, t), same),
        ]
    return rows


def arithmetic(decoder: Decoder, terms: Sequence[Term]) -> list[Row]:
    """Return a row for each term, with its samples and the image of their mean, and a last row.

    The last row has the result and its neighbours. A generator with classes uses the label of
    the very first sample everywhere.
    """
    sums: dict[int, list[torch.Tensor]] = {1: [], -1: []}
    _, labels = decoder.draw(terms[0].examples[:1])

    def shown(u: torch.Tensor) -> Row:
        same = None if labels is None else labels.expand(len(u), *labels.shape[1:])
        return made(decoder, u, same)

    rows = []
    for term in terms:
        u, _ = decoder.draw(term.examples)
        sums[term.sign].append(u)
        rows.append(shown(torch.cat([u, u.mean(dim=0, keepdim=True)])))
    result = latent_arithmetic(sums[1], sums[-1])
    around, _ = decoder.draw(range(max(map(len, rows)) - 1))
    rows.append(shown(torch.cat([result[None], result + _NEIGHBOUR * around])))
    return rows


def traversals(decoder: Decoder, num_continuous: int, num_samples: int, columns: int) -> list[Row]:
    """Return for each sample a row of its classes, and one row for each continuous code.

    Continuous codes are the last latents, as in ganeval's InfoGAN. They take values that are evenly
    spread over their distribution.

    Raises:
        InputError: The generator has neither classes nor continuous codes.
    """
    drawing = decoder.sampler.drawing
    if drawing.num_classes is None and num_continuous == 0:
        raise InputError(
            f"{decoder.name}: has no codes, neither num_classes nor num_continuous in its card",
            "a generator with codes, such as infogan",
            "leave --codes out",
        )
    rows = []
    places = (torch.arange(columns, dtype=torch.float64) + 0.5) / columns
    values = torch.special.ndtri(places).float().to(decoder.sampler.device)
    for sample in range(num_samples):
        u, labels = decoder.draw([sample])
        if labels is not None:
            every = decoder.every_label()
            rows.append(made(decoder, u.expand(len(every), -1), every))
        for code in range(num_continuous):
            moved = u.repeat(columns, 1)
            moved[:, decoder.latent_size - num_continuous + code] = values
            same = None if labels is None else labels.expand(columns, *labels.shape[1:])
            rows.append(made(decoder, moved, same))
    return rows


def inverted(found: Inversion) -> list[Row]:
    """Return a row for each picture: the picture, and the generator's image for its latent.

    With a mask: the picture, its visible part, the filled picture, and one filled by the mean.
    """
    if found.mask is None:
        return [torch.stack(pair) for pair in zip(found.pictures, found.made, strict=True)]
    assert found.means is not None
    columns = (
        found.pictures,
        found.filled(torch.full_like(found.pictures, 255.0)),
        found.filled(found.made),
        found.filled(found.means),
    )
    return [torch.stack(row) for row in zip(*columns, strict=True)]


def made(decoder: Decoder, u: torch.Tensor, labels: torch.Tensor | None) -> Row:
    """Return the generator's images for standard normal numbers [B, n]."""
    with differentiable(decoder.sampler), torch.no_grad():
        return decoder(u, labels)


def sheet(rows: Sequence[Row]) -> npt.NDArray[np.uint8]:
    """Join rows of pictures into one picture, uint8 [height, width, 3]; short rows end in white."""
    columns = max(map(len, rows))
    _, channels, height, width = rows[0].shape
    tiles = np.full((len(rows), columns, channels, height, width), 255, np.uint8)
    for place, row in zip(tiles, rows, strict=True):
        place[: len(row)] = quantise(row, value_range=(0, 255)).cpu().numpy()
    colour = np.broadcast_to(tiles, (len(rows), columns, 3, height, width))
    return sheet_of(colour.reshape(-1, 3, height, width), columns)
