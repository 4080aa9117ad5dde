"""Convert any pixel format that Pillow opens to 8-bit RGB, with one rule per kind."""

import numpy as np
import numpy.typing as npt
from PIL import ImageFile, TiffImagePlugin

from ganeval.errors import InputError
from ganeval.images.picture import DecodePolicy

Grey = npt.NDArray[np.uint8]  # [H, W], also for alpha
Colour = npt.NDArray[np.uint8]  # [H, W, 3] RGB

LOW_16_BITS = "16-bit grey below 4,096 scaled to 8 bits"
FLOATS_CLIPPED = "float grey scaled to 8 bits, values beyond the range clipped"
"""The note on a float picture that gives a warning."""

# Pixel formats that become RGB by one undisputed rule, and the note on it.
_WITHOUT_ALPHA = {
    "RGB": None,
    "L": "grey to RGB",
    "1": "1-bit to RGB",
    "P": "palette to RGB",
    "CMYK": "CMYK converted without a colour profile",
    "YCbCr": "YCbCr to RGB",
    "HSV": "HSV to RGB",
    "LAB": "LAB to RGB",
}
_WITH_ALPHA = {
    "LA": "grey to RGB",
    "La": "grey to RGB",
    "PA": "palette to RGB",
    "P": "palette to RGB",
    "RGBA": None,
    "RGBa": None,
}
# A PNG names its transparent colour at the file's bit depth. Pillow scales the pixels to 8 bits but
# not that colour. For each of Pillow's raw modes: how to scale the colour.
_SCALE_KEY = {
    "L;2": lambda key: key * 85,
    "L;4": lambda key: key * 17,
    "RGB;16B": lambda key: key >> 8,  # the low bytes are gone: equal high bytes count as equal
}


def to_rgb(
    picture: ImageFile.ImageFile, *, name: str, policy: DecodePolicy
) -> tuple[Colour, list[str]]:
    """Load and convert a picture.

    * grey, 1-bit: replicated; palette: looked up; 16-bit grey: `value >> 8`;
    * alpha, a palette with alpha, a transparent colour: dropped if opaque everywhere, else by
      `policy.transparency`;
    * float grey: `quantise` from `policy.float_range`;
    * CMYK, YCbCr, HSV, LAB: Pillow's conversion.

    Args:
        picture: Opened, as its plugin left it.
        name: Its name in messages.
        policy: `transparency` and `float_range` matter here.

    Returns:
        uint8 [H, W, 3] RGB, and notes.

    Raises:
        InputError: There is transparency or there are floats, and the policy does not say what to
            do; or the pixel format has no clear meaning in 8 bits.
    """
    raw_mode = picture.tile[0].args if picture.tile else None  # gone once loaded
    picture.load()
    mode, key = picture.mode, picture.info.get("transparency")
    alpha: Grey | None = None
    note: str | None
    if mode == "F":
        rgb, note = _from_floats(np.asarray(picture), name, policy)
    elif mode.startswith("I"):
        rgb, alpha = _from_16_bits(picture, name, key)
        # Scanners store 12 bits in 16 mostly without a shift: white is then 15 of 255.
        note = LOW_16_BITS if rgb.max() < 16 else "16-bit grey scaled to 8 bits"
    elif mode in _WITH_ALPHA and (mode != "P" or key is not None):
        rgb, alpha = _split_alpha(picture)
        note = _WITH_ALPHA[mode]
    elif mode in _WITHOUT_ALPHA:
        rgb, note = np.asarray(picture.convert("RGB")), _WITHOUT_ALPHA[mode]
        if key is not None:
            scale = _SCALE_KEY.get(raw_mode) if isinstance(raw_mode, str) else None
            colour = np.asarray(key) if scale is None else scale(np.asarray(key))
            alpha = _transparent_where((rgb == colour).all(axis=2))
    else:
        raise _unclear(name, f"pixel format '{mode}'")
    notes = [] if note is None else [note]
    if alpha is not None:
        rgb, note = _flatten(rgb, alpha, name, policy)
        notes.append(note)
    return rgb, notes


def _from_floats(
    values: npt.NDArray[np.float32], name: str, policy: DecodePolicy
) -> tuple[Colour, str]:
    """Round float grey [H, W] from the range that the user has declared, and return a note."""
    if policy.float_range is None:
        raise InputError(
            f"{name}: a float picture",
            "the range of its values",
            "add `--float-range 0,1`, or the values that stand for black and white",
        )
    import torch  # no other picture needs it

    from ganeval.images.quantise import check_range, num_clipped, quantise

    batch = torch.from_numpy(values.astype(np.float32))[None]  # one picture
    check_range(
        batch,
        policy.float_range,
        name=name,
        remedy="give the values that stand for black and white with --float-range LOW,HIGH, or "
        "clip the picture as its own software does",
    )
    rgb = _replicate(quantise(batch, value_range=policy.float_range)[0].numpy())
    clipped = num_clipped(batch, policy.float_range)
    return rgb, FLOATS_CLIPPED if clipped else "float grey scaled to 8 bits"


def _from_16_bits(
    picture: ImageFile.ImageFile, name: str, key: int | None
) -> tuple[Colour, Grey | None]:
    """Keep the high byte of 16-bit grey; Pillow's own conversion would clip to 255 instead."""
    values = np.asarray(picture)
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        bits = picture.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
        interpretation = picture.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION)
        if picture.mode == "I" or tuple(bits) != (16,) or interpretation != 1:
            # Signed, 12 or 32 bits, or zero as white: Pillow hands the numbers over unscaled.
            raise _unclear(name, f"TIFF grey of an unusual kind ({bits[0]} bits)")
    alpha = None if key is None else _transparent_where(values == key)
    return _replicate((values >> 8).astype(np.uint8)), alpha


def _split_alpha(picture: ImageFile.ImageFile) -> tuple[Colour, Grey]:
    """Return the colours, also those of transparent pixels, and alpha."""
    # "La" is the one format that Pillow does not convert to RGBA at once.
    straight = picture.convert("LA") if picture.mode == "La" else picture
    rgba = np.asarray(straight.convert("RGBA"))
    return rgba[..., :3], rgba[..., 3]


def _flatten(rgb: Colour, alpha: Grey, name: str, policy: DecodePolicy) -> tuple[Colour, str]:
    """Apply the policy on transparency.

    Over a backdrop b a channel c becomes (alpha * c + (255 - alpha) * b) / 255, rounded half up; in
    integers `(2 * numerator + 255) // 510`.
    """
    if alpha.min() == 255:
        return rgb, "opaque alpha dropped"
    match policy.transparency:
        case "error":
            share = float((alpha < 255).mean())
            raise InputError(
                f"{name}: transparent in {share:.2%} of its pixels",
                "an opaque picture",
                "add `--transparency white` (or black, or drop), or `,transparency=white` to "
                "`folder:PATH`",
            )
        case "drop":
            return rgb, "transparency dropped"
        case "white":
            backdrop, note = 255, "transparency composited over white"
        case "black":
            backdrop, note = 0, "transparency composited over black"
    weight = alpha[..., None].astype(np.int32)
    numerator = weight * rgb + (255 - weight) * backdrop
    return ((2 * numerator + 255) // 510).astype(np.uint8), note


def _replicate(grey: Grey) -> Colour:
    """Return grey as three equal channels."""
    return np.broadcast_to(grey[..., None], (*grey.shape, 3))


def _transparent_where(mask: npt.NDArray[np.bool_]) -> Grey:
    """Return alpha: 0 where the mask holds, else 255."""
    return np.where(mask, np.uint8(0), np.uint8(255))


def _unclear(name: str, what: str) -> InputError:
    """Return the error for samples whose black and white are unknown."""
    return InputError(
        f"{name}: {what}",
        "8-bit samples, or 16-bit grey with zero as black",
        "convert the file to one of these",
    )
