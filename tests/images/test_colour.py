"""One rule per pixel format: grey, palette, alpha, colour keys, 16 bits, floats, CMYK, LAB."""

import io
import struct
import zlib
from fractions import Fraction
from math import floor

import numpy as np
import PIL.Image
import pytest
from PIL import ImageCms

from ganeval.errors import InputError
from ganeval.images.decode import decode
from ganeval.images.picture import DecodePolicy

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (12, 20), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (12, 20, 3), dtype=np.uint8)
DEPTHS = RNG.integers(0, 65536, (12, 20), dtype=np.uint16)


def save(picture, kind, **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def show(content, **policy):
    """Decode; return pixels as [H, W, 3], and the notes."""
    image = decode(content, name="dir/a", policy=DecodePolicy(**policy))
    return image.pixels.transpose(1, 2, 0), image.notes


def refusal(content, **policy):
    with pytest.raises(InputError) as caught:
        show(content, **policy)
    text = str(caught.value)
    assert text.startswith("dir/a: ")
    return text


def png(samples, bits, *, colour_type, key=None):
    """Write [H, W] or [H, W, 3] samples of 2, 4, 8 or 16 bits, with a transparent colour."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    height, width = samples.shape[:2]
    flat = samples.reshape(height, -1)
    digits = (flat[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    rows = np.packbits(digits.reshape(height, -1).astype(np.uint8), axis=1)
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    parts = [chunk(b"IHDR", header)]
    if key is not None:
        parts.append(chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)))
    parts.append(chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def tiff(samples, bits, *, interpretation=1, sample_format=1):
    """Write one uncompressed strip of little-endian grey samples."""
    height, width = samples.shape
    tags = [
        (256, width),
        (257, height),
        (258, bits),
        (259, 1),
        (262, interpretation),
        (273, 8 + 2 + 12 * 10 + 4),
        (277, 1),
        (278, height),
        (279, samples.nbytes),
        (339, sample_format),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return (
        b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + samples.tobytes()
    )


@pytest.mark.parametrize("kind", ["PNG", "PPM", "TIFF", "BMP"])
def test_grey_is_replicated(kind):
    pixels, notes = show(save(PIL.Image.fromarray(GREY), kind))
    np.testing.assert_array_equal(pixels, np.stack([GREY] * 3, axis=2))
    assert notes == ("grey to RGB",)


def test_grey_of_few_bits_spans_the_whole_range():
    for bits in (2, 4):
        samples = GREY >> (8 - bits)
        pixels, _ = show(png(samples, bits, colour_type=0))
        np.testing.assert_array_equal(pixels[..., 0], samples * (255 // (2**bits - 1)))


@pytest.mark.parametrize("kind", ["PNG", "PPM", "TIFF"])
def test_one_bit_becomes_black_and_white(kind):
    mask = GREY > 127
    pixels, notes = show(save(PIL.Image.fromarray(mask), kind))
    np.testing.assert_array_equal(pixels, np.stack([mask * 255] * 3, axis=2))
    assert notes == ("1-bit to RGB",)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF"])
def test_a_palette_is_looked_up(kind):
    table = RNG.integers(0, 256, (256, 3), dtype=np.uint8)
    picture = PIL.Image.fromarray(GREY)
    picture.putpalette(table.tobytes())
    pixels, notes = show(save(picture, kind))
    np.testing.assert_array_equal(pixels, table[GREY])
    assert notes == ("palette to RGB",)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_keeps_its_high_byte(kind):
    pixels, notes = show(save(PIL.Image.fromarray(DEPTHS), kind))
    np.testing.assert_array_equal(pixels, np.stack([DEPTHS // 256] * 3, axis=2))
    assert notes == ("16-bit grey scaled to 8 bits",)


def test_16_bit_grey_of_big_endian_tiff_and_of_pgm():
    little = tiff(DEPTHS.astype("<u2"), 16)
    big = struct.pack(">2sHI", b"MM", 42, 8) + struct.pack(">H", 10)
    for index in range(10):
        big += struct.pack(">HHII", *struct.unpack_from("<HHII", little, 10 + 12 * index))
    big += bytes(4) + DEPTHS.astype(">u2").tobytes()
    portable = b"P5 20 12 65535\n" + DEPTHS.astype(">u2").tobytes()
    for content in (little, big, portable):
        np.testing.assert_array_equal(show(content)[0][..., 1], DEPTHS // 256)


def test_pgm_of_ten_bits_spans_the_whole_range():
    samples = np.linspace(0, 1023, 240).round().astype(">u2").reshape(12, 20)
    pixels, notes = show(b"P5 20 12 1023\n" + samples.tobytes())
    assert notes == ("16-bit grey scaled to 8 bits",)
    exact = samples.astype(float) / 1023 * 65535 / 256
    np.testing.assert_array_equal(pixels[..., 0], np.floor(exact.round(6)).astype(np.uint8))


def test_16_bit_colour_keeps_its_high_byte():
    samples = RNG.integers(0, 65536, (12, 20, 3), dtype=np.uint16)
    pixels, notes = show(png(samples, 16, colour_type=2))
    np.testing.assert_array_equal(pixels, samples // 256)
    assert notes == ()


def test_integers_without_a_sure_white_are_refused():
    large = save(PIL.Image.fromarray(DEPTHS.astype(np.int32) * 100), "TIFF")
    inverted = tiff(DEPTHS.astype("<u2"), 16, interpretation=0)
    signed = tiff(DEPTHS.astype("<i2"), 16, sample_format=2)
    small = tiff(DEPTHS.astype("<u4"), 32)
    for content in (large, inverted, signed, small):
        assert "8-bit samples" in refusal(content)
    packed = np.zeros((12, 30), np.uint8)
    twelve = bytearray(tiff(packed, 12))
    struct.pack_into("<I", twelve, 10 + 8, 20)  # the width, in samples
    assert "12 bits" in refusal(bytes(twelve))


def test_floats_need_a_range():
    values = np.linspace(-0.5, 1.5, 240, dtype=np.float32).reshape(12, 20)
    content = save(PIL.Image.fromarray(values), "TIFF")
    assert "add `--float-range 0,1`" in refusal(content)
    pixels, notes = show(content, float_range=(-0.5, 1.5))
    low, width = Fraction(-1, 2), Fraction(2)
    exact = [floor((Fraction(float(x)) - low) * 255 / width + Fraction(1, 2)) for x in values.flat]
    np.testing.assert_array_equal(pixels[..., 2], np.reshape(exact, (12, 20)))
    assert notes == ("float grey scaled to 8 bits",)
    text = refusal(content, float_range=(0, 1))
    assert "-0.5 to 1.5" in text
    assert "0 to 1" in text
    values[3, 4] = np.nan
    text = refusal(save(PIL.Image.fromarray(values), "TIFF"), float_range=(-0.5, 1.5))
    assert "NaN" in text


def translucent(mode, alpha):
    """Return a picture of `mode` with this alpha, as PNG or TIFF, and its hidden colours."""
    if mode == "LA":
        array, hidden, kind = np.dstack([GREY, alpha]), np.stack([GREY] * 3, axis=2), "PNG"
        return save(PIL.Image.fromarray(array, "LA"), kind), hidden
    if mode == "RGBA":
        return save(PIL.Image.fromarray(np.dstack([COLOUR, alpha])), "PNG"), COLOUR
    table = RNG.integers(0, 256, (256, 3), dtype=np.uint8)
    indices = np.arange(240, dtype=np.uint8).reshape(12, 20)
    picture = PIL.Image.fromarray(indices)
    picture.putpalette(table.tobytes())
    return save(picture, "PNG", transparency=alpha.tobytes()), table[indices]


KINDS = [("LA", "grey to RGB"), ("RGBA", None), ("P", "palette to RGB")]
ALPHA = RNG.integers(0, 256, (12, 20), dtype=np.uint8)


@pytest.mark.parametrize(("mode", "note"), KINDS)
def test_opaque_alpha_is_dropped_with_a_note(mode, note):
    opaque = np.full((12, 20), 255, np.uint8)
    content, hidden = translucent(mode, opaque)
    pixels, notes = show(content)
    np.testing.assert_array_equal(pixels, hidden)
    assert notes == tuple(filter(None, (note, "opaque alpha dropped")))
    opaque[5, 6] = 254
    assert "add `--transparency white` (or black, or drop)" in refusal(translucent(mode, opaque)[0])


@pytest.mark.parametrize(("mode", "note"), KINDS)
def test_transparency_follows_the_policy(mode, note):
    content, hidden = translucent(mode, ALPHA)
    refusal(content)
    for transparency, backdrop in (("white", 255), ("black", 0)):
        pixels, notes = show(content, transparency=transparency)
        for index in np.ndindex(12, 20, 3):
            share = Fraction(int(ALPHA[index[:2]]), 255)
            exact = share * int(hidden[index]) + (1 - share) * backdrop
            assert pixels[index] == floor(exact + Fraction(1, 2))
        wanted = f"transparency composited over {transparency}"
        assert notes == tuple(filter(None, (note, wanted)))
    pixels, notes = show(content, transparency="drop")
    np.testing.assert_array_equal(pixels, hidden)
    assert notes == tuple(filter(None, (note, "transparency dropped")))


def test_premultiplied_and_palette_alpha_of_tiff():
    rgba = PIL.Image.fromarray(np.dstack([COLOUR, ALPHA]))
    grey = PIL.Image.fromarray(np.dstack([GREY, ALPHA]), "LA")
    palette = PIL.Image.fromarray(GREY).convert("PA")
    associated, associated_grey = rgba.convert("RGBa"), grey.convert("La")
    for content, straight in (
        (premultiplied_tiff(associated), associated.convert("RGBA")),
        (premultiplied_tiff(associated_grey), associated_grey.convert("LA").convert("RGBA")),
        (save(palette, "TIFF"), palette.convert("RGBA")),
    ):
        expected = PIL.Image.new("RGBA", (20, 12), "white")
        expected.alpha_composite(straight)
        pixels, _ = show(content, transparency="white")
        difference = pixels.astype(int) - np.asarray(expected)[..., :3]
        assert np.abs(difference).max() <= 1  # alpha_composite rounds otherwise


def premultiplied_tiff(picture):
    """Write grey or colour with associated alpha (TIFF 6.0, ExtraSamples = 1)."""
    array = np.asarray(picture)
    samples = array.shape[2]
    strip_offset = 8 + 2 + 12 * 10 + 4
    tags = [(256, 4, 20), (257, 4, 12), (258, 3, 8 | 8 << 16), (259, 3, 1)]
    tags += [(262, 3, 1 if samples == 2 else 2), (273, 4, strip_offset), (277, 3, samples)]
    tags += [(278, 4, 12), (279, 4, array.nbytes), (338, 3, 1)]
    data = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags))
    for tag, kind, value in tags:
        if tag == 258 and samples == 4:
            entry = struct.pack("<HHII", tag, 3, 4, strip_offset + array.nbytes)
        else:
            num = 2 if tag == 258 else 1
            entry = struct.pack("<HHII", tag, kind, num, value)
        data += entry
    return data + bytes(4) + array.tobytes() + struct.pack("<4H", 8, 8, 8, 8)


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_a_transparent_grey_is_compared_at_the_depth_of_the_file(bits):
    samples = DEPTHS >> (16 - bits)
    key = int(samples[3, 4])
    absent = int(np.setdiff1d(np.arange(2**bits), samples)[0]) if bits >= 8 else None
    content = png(samples, bits, colour_type=0, key=(key,))
    refusal(content)
    pixels, _ = show(content, transparency="white")
    eight = samples >> 8 if bits == 16 else samples.astype(int) * 255 // (2**bits - 1)
    np.testing.assert_array_equal(pixels[..., 0], np.where(samples == key, 255, eight))
    if absent is not None:
        assert "opaque alpha dropped" in show(png(samples, bits, colour_type=0, key=(absent,)))[1]


def test_a_transparent_white_of_one_bit():
    samples = (GREY > 127).astype(np.uint8)
    pixels, _ = show(png(samples, 1, colour_type=0, key=(1,)), transparency="black")
    assert pixels.max() == 0
    refusal(png(samples, 1, colour_type=0, key=(1,)))


@pytest.mark.parametrize("bits", [8, 16])
def test_a_transparent_colour(bits):
    samples = RNG.integers(0, 2**bits, (12, 20, 3)).astype(np.uint16)
    key = tuple(int(value) for value in samples[7, 8])
    content = png(samples, bits, colour_type=2, key=key)
    refusal(content)
    eight = samples >> (bits - 8)
    expected = eight.copy()
    expected[7, 8] = 255
    np.testing.assert_array_equal(show(content, transparency="white")[0], expected)
    np.testing.assert_array_equal(show(content, transparency="drop")[0], eight)


def test_a_transparent_palette_entry():
    picture = PIL.Image.fromarray(GREY)
    picture.putpalette(RNG.integers(0, 256, 768, dtype=np.uint8).tobytes())
    for kind in ("PNG", "GIF"):
        content = save(picture, kind, transparency=int(GREY[0, 0]))
        refusal(content)
        pixels, notes = show(content, transparency="white")
        assert (pixels[GREY[0, 0] == GREY] == 255).all()
        assert notes == ("palette to RGB", "transparency composited over white")


def test_cmyk_is_converted_without_a_profile():
    # CMYK(c, m, y, k) of Pillow is about (255 - c)(255 - k) / 255 in red; ink is 255 - light.
    ink = np.dstack([COLOUR, GREY])
    pixels, notes = show(save(PIL.Image.fromarray(ink, "CMYK"), "TIFF"))
    light = (255.0 - ink[..., :3]) * (255.0 - ink[..., 3:]) / 255
    assert np.abs(pixels - light).max() <= 1
    assert notes == ("CMYK converted without a colour profile",)
    flat = PIL.Image.new("CMYK", (20, 12), (200, 30, 60, 10))
    pixels, notes = show(save(flat, "JPEG", quality=100))
    assert np.abs(pixels[0, 0] - np.array([52.8, 216.2, 187.4])).max() <= 3
    assert notes == ("CMYK converted without a colour profile",)


def test_lab_is_converted():
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    smooth = PIL.Image.new("RGB", (20, 12), (120, 150, 90))
    lab = ImageCms.applyTransform(smooth, to_lab)
    pixels, notes = show(save(lab, "TIFF"))
    assert np.abs(pixels.astype(int) - (120, 150, 90)).max() <= 3
    assert "LAB to RGB" in notes


def test_an_unused_fourth_channel_is_no_alpha():
    pixels, notes = show(save(PIL.Image.fromarray(np.dstack([COLOUR, ALPHA]), "RGBX"), "TIFF"))
    np.testing.assert_array_equal(pixels, COLOUR)
    assert not any("alpha" in note or "transparency" in note for note in notes)
