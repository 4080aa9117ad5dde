"""A contact sheet: one labelled row of pictures for each sample."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from reference_models.engine.whole import written_whole

_CELL, _GAP, _MARGIN = 64, 4, 12  # pixels


def write_sheet(path: Path, samples: Mapping[str, Iterable[npt.NDArray[np.uint8]]]) -> None:
    """Write one PNG with a row for each sample, which starts with its name.

    Args:
        path: Path of the picture.
        samples: The pictures of each sample, by its name: uint8 [3, H, W] RGB. They are enlarged so
            that pixels can be seen.
    """
    font = PIL.ImageFont.load_default(size=16)
    left = round(max(font.getlength(name) for name in samples)) + 2 * _MARGIN
    rows = {name: list(pictures) for name, pictures in samples.items()}
    columns = max(map(len, rows.values()))
    step = _CELL + _GAP
    sheet = PIL.Image.new("RGB", (left + columns * step, len(samples) * step), "white")
    draw = PIL.ImageDraw.Draw(sheet)
    for row, (name, pictures) in enumerate(rows.items()):
        top = row * step + _GAP // 2
        draw.text((_MARGIN, top + _CELL // 2), name, fill="black", font=font, anchor="lm")
        for column, picture in enumerate(pictures):
            large = PIL.Image.fromarray(picture.transpose(1, 2, 0)).resize(
                (_CELL, _CELL), PIL.Image.Resampling.NEAREST
            )
            sheet.paste(large, (left + column * step, top))
    with written_whole(path) as file:
        sheet.save(file, "PNG")
