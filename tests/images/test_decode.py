"""Files that are no picture, damaged, too large, too small, animated, rotated; and formats."""

import io
import struct
import tracemalloc
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
from PIL import ImageCms, ImageFile

from ganeval.errors import InputError
from ganeval.images.decode import FORMATS, Header, decode, read_header
from ganeval.images.picture import DecodePolicy
from ganeval.images.webp_size import NUM_BYTES, webp_size

POLICY = DecodePolicy()
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)  # [H, W, 3]
PICTURE = PIL.Image.fromarray(PIXELS)


def save(picture, kind, **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(width, height, data=b""):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return (
        signature
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


def refusal(content, name="dir/a.png", policy=POLICY, reader=decode):
    with pytest.raises(InputError) as caught:
        reader(content, name=name, policy=policy)
    text = str(caught.value)
    assert text.startswith(name)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "WEBP"])
def test_a_lossless_file_gives_its_pixels_contiguous_and_without_notes(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    image = decode(save(PICTURE, kind, **options), name=f"a.{kind}", policy=POLICY)
    assert image.pixels.dtype == np.uint8
    assert image.pixels.flags.c_contiguous
    np.testing.assert_array_equal(image.pixels, PIXELS.transpose(2, 0, 1))
    assert image.notes == ()


@pytest.mark.parametrize("kind", ["JPEG", "GIF"])
def test_a_lossy_file_gives_what_pillow_gives(kind):
    content = save(PICTURE, kind)
    expected = np.asarray(PIL.Image.open(io.BytesIO(content)).convert("RGB"))
    image = decode(content, name="a", policy=POLICY)
    np.testing.assert_array_equal(image.pixels, expected.transpose(2, 0, 1))


@pytest.mark.parametrize("kind", FORMATS)
def test_the_header_is_read_from_a_file_and_from_bytes(kind):
    content = save(PICTURE, kind)
    header = read_header(content, name="a", policy=POLICY)
    assert header == read_header(io.BytesIO(content), name="a", policy=POLICY)
    mode = "P" if kind == "GIF" else "RGB"
    assert header == Header(20, 12, mode, kind, 1)


def test_the_header_needs_the_beginning_of_the_file_only():
    large = PIL.Image.fromarray(np.zeros((400, 400, 3), np.uint8))
    content = save(large, "PNG", compress_level=0)

    class Counting(io.BytesIO):
        num_read = 0

        def read(self, size=-1):
            data = super().read(size)
            self.num_read += len(data)
            return data

    stream = Counting(content)
    assert read_header(stream, name="a", policy=POLICY).width == 400
    assert stream.num_read < 2000 < len(content)
    assert not stream.closed


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"I am a letter, not a picture.\n", "text"),
        (("d\u00e9j\u00e0 vu " * 60).encode(), "text"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git-lfs pointer"),
        (b"\n <!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
        (b"<HTML></HTML>", "an HTML page"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "text"),
        (b"\x00\x01\x02\x03" * 20, "unknown format"),
    ],
)
@pytest.mark.parametrize("reader", [decode, read_header])
def test_a_file_that_is_no_picture_is_described(content, words, reader):
    assert words in refusal(content, reader=reader)


def test_a_git_lfs_pointer_is_told_how_to_become_a_picture():
    assert "git lfs pull" in refusal(b"version https://git-lfs.github.com/spec/v1\n")


def test_other_parsers_of_pillow_are_never_reached():
    stream = io.BytesIO()
    PICTURE.save(stream, "ICO")
    assert "unknown format" in refusal(stream.getvalue())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM"])
def test_truncation_is_called_so(kind):
    content = save(PICTURE.resize((64, 64)), kind)
    text = refusal(content[: len(content) // 2], name=f"dir/a.{kind}")
    assert f"dir/a.{kind}: truncated (" in text
    read_header(content[: len(content) // 2], name="a", policy=POLICY)


def test_an_animation_cut_anywhere_gives_its_first_frame_or_an_input_error():
    content = save(PICTURE, "GIF", save_all=True, append_images=[PICTURE.rotate(90)])
    policy = DecodePolicy(animated="first")
    num_good = 0
    for size in range(1000, 1100):  # the second frame begins in between
        try:
            num_good += decode(content[:size], name="a", policy=policy).pixels.shape == (3, 12, 20)
        except InputError:
            continue
    assert 0 < num_good < 100


def test_pillows_warnings_made_errors_are_damage_too():
    content = save(PICTURE, "TIFF", compression="tiff_lzw")  # its directory lies at the end
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "Corrupt EXIF data" in refusal(content[:-250])


def test_a_truncated_webp_is_refused():
    content = save(PICTURE, "WEBP")
    assert "damaged" in refusal(content[: len(content) // 2])


def test_a_wrong_checksum_is_damage():
    content = bytearray(save(PICTURE, "PNG"))
    content[60] ^= 0xFF
    assert "damaged" in refusal(bytes(content))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's on tags that make no sense
def test_random_damage_gives_a_picture_or_an_input_error():
    rng = np.random.default_rng(1)
    policy = DecodePolicy(transparency="drop", animated="first", exif="apply", float_range=(0, 1))
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    seeds = [save(PICTURE, kind) for kind in FORMATS] + [save(PICTURE, "JPEG", exif=exif)]
    refusals = []
    for _ in range(1500):
        content = bytearray(seeds[rng.integers(len(seeds))])
        for _ in range(rng.integers(1, 5)):
            content[rng.integers(min(len(content), 200))] = rng.integers(256)
        try:
            decode(bytes(content), name="a.png", policy=policy)
        except InputError as error:
            refusals.append(str(error))
    assert len(refusals) > 300
    assert all(text.startswith("a.png: ") for text in refusals)


@pytest.mark.parametrize("reader", [decode, read_header])
@pytest.mark.parametrize(("width", "height"), [(11_000, 11_000), (20_000, 20_000), (8, 2**30)])
def test_a_bomb_is_refused_from_its_header_without_a_warning(width, height, reader):
    text = refusal(png(width, height), reader=reader)
    assert f"{width} x {height}" in text
    assert "64000000" in text
    assert "--max-pixels" in text


@pytest.mark.parametrize(
    "chunk",
    {
        "VP8X": bytes(4) + struct.pack("<I", 16_383)[:3] * 2,
        "VP8L": b"\x2f" + struct.pack("<I", 16_382 | 16_382 << 14) + bytes(5),
        "VP8 ": b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 16_383, 16_383),
    }.items(),
    ids=lambda chunk: chunk[0],
)
def test_a_bomb_in_webp_is_refused_before_a_decoder_is_made(chunk, monkeypatch):
    def opened(*_):
        pytest.fail("a decoder of 2 GB is made")

    monkeypatch.setitem(PIL.Image.OPEN, "WEBP", (opened, PIL.Image.OPEN["WEBP"][1]))
    kind, data = chunk
    body = b"WEBP" + kind.encode() + struct.pack("<I", len(data)) + data
    text = refusal(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert "64000000" in text
    assert "--max-pixels" in text


@pytest.mark.parametrize(("width", "height"), [(9, 200), (300, 17), (8, 8), (1000, 8)])
@pytest.mark.parametrize(
    ("mode", "options", "kind"),
    [
        ("RGB", {"lossless": True}, b"VP8L"),
        ("RGB", {"quality": 50}, b"VP8 "),
        ("RGBA", {"quality": 50}, b"VP8X"),
        ("RGB", {"save_all": True, "append_images": True}, b"VP8X"),
    ],
)
def test_the_size_of_webp_is_pillows(width, height, mode, options, kind):
    rng = np.random.default_rng(width)
    shape = (2, height, width, len(mode))
    first, second = (PIL.Image.fromarray(one) for one in rng.integers(0, 255, shape, np.uint8))
    if "append_images" in options:
        options = {**options, "append_images": [second]}
    file = io.BytesIO()
    first.save(file, "WEBP", **options)
    assert file.getvalue()[12:16] == kind
    assert webp_size(file.getvalue()[:NUM_BYTES]) == (width, height)


def test_a_webp_file_that_ends_or_is_something_else_has_no_size():
    assert webp_size(b"RIFF\x04\0\0\0WEBP") is None
    assert webp_size(b"RIFF\x10\0\0\0WEBPALPH" + bytes(30)) is None
    assert webp_size(b"RIFF\x10\0\0\0WEBPVP8X" + bytes(13)) is None
    assert "0 x 0" not in refusal(b"RIFF\x10\0\0\0WEBPVP8 " + bytes(4))


def test_the_limit_is_the_policys_alone():
    rows, columns = 9_500, 9_500  # more than Pillow warns of
    content = png(columns, rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        header = read_header(content, name="a", policy=DecodePolicy(max_pixels=10**8))
    assert (header.width, header.height) == (columns, rows)
    assert (
        read_header(png(20_000, 20_000), name="a", policy=DecodePolicy(max_pixels=4 * 10**8)).width
        == 20_000
    )
    small = save(PICTURE, "PNG")
    assert "at most 239 pixels" in refusal(small, policy=DecodePolicy(max_pixels=239))
    decode(small, name="a", policy=DecodePolicy(max_pixels=240))


def test_nothing_of_pillow_is_changed_for_the_process():
    before = PIL.Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)
    decode(save(PICTURE, "PNG"), name="a", policy=POLICY)
    refusal(png(20_000, 20_000))
    after = PIL.Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)
    assert before == after


@pytest.mark.parametrize("size", [(7, 30), (30, 7), (1, 1)])
def test_pictures_under_eight_pixels_are_refused(size):
    content = save(PICTURE.resize(size), "PNG")
    text = refusal(content, reader=read_header)
    assert f"{size[0]} x {size[1]}" in text
    assert "at least 8 pixels" in text
    read_header(save(PICTURE.resize((8, 8)), "PNG"), name="a", policy=POLICY)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "TIFF"])
def test_several_frames_are_refused_or_give_the_first(kind):
    frames = [PIL.Image.new("RGB", (16, 9), colour) for colour in ("#000000", "#ff0000", "#00ff00")]
    options = {"lossless": True} if kind == "WEBP" else {}
    content = save(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    for reader in (decode, read_header):
        text = refusal(content, reader=reader)
        assert ": 3 frames" in text
        assert "--animated first" in text
    policy = DecodePolicy(animated="first")
    assert read_header(content, name="a", policy=policy).frames == 3
    image = decode(content, name="a", policy=policy)
    assert "first frame of several" in image.notes
    assert image.pixels.shape == (3, 9, 16)
    assert image.pixels.max() == 0


def test_the_second_picture_of_a_camera_jpeg_is_no_animation():
    content = save(PICTURE, "MPO", save_all=True, append_images=[PICTURE])
    assert read_header(content, name="a", policy=POLICY) == Header(20, 12, "RGB", "JPEG", 1)
    image = decode(content, name="a.jpg", policy=POLICY)
    assert image.notes == ("first picture of a multi-picture JPEG",)


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_ignored_or_applied_as_pillow_would(orientation, kind):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    content = save(PICTURE, kind, exif=exif)
    stored = PIL.Image.open(io.BytesIO(content))
    upright = PIL.ImageOps.exif_transpose(stored)
    ignored = decode(content, name="a", policy=POLICY)
    assert ignored.notes == ("EXIF orientation ignored",)
    np.testing.assert_array_equal(ignored.pixels, np.asarray(stored).transpose(2, 0, 1))
    applied = decode(content, name="a", policy=replace(POLICY, exif="apply"))
    assert applied.notes == ("EXIF orientation applied",)
    assert applied.pixels.flags.c_contiguous
    np.testing.assert_array_equal(applied.pixels, np.asarray(upright).transpose(2, 0, 1))


@pytest.mark.parametrize("value", [0, 1, 9, 77])
def test_an_orientation_without_meaning_is_none(value):
    exif = PIL.Image.Exif()
    exif[0x0112] = value
    content = save(PICTURE, "JPEG", exif=exif)
    assert decode(content, name="a", policy=replace(POLICY, exif="apply")).notes == ()


def test_unreadable_exif_does_not_cost_the_picture():
    content = save(PICTURE, "WEBP", lossless=True, exif=b"Exif\0\0XX not a TIFF header")
    image = decode(content, name="a", policy=POLICY)
    assert image.notes == ("unreadable EXIF ignored",)
    np.testing.assert_array_equal(image.pixels, PIXELS.transpose(2, 0, 1))


def test_a_colour_profile_is_noted():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = decode(save(PICTURE, "PNG", icc_profile=profile), name="a", policy=POLICY)
    assert image.notes == ("ICC profile ignored",)
    np.testing.assert_array_equal(image.pixels, PIXELS.transpose(2, 0, 1))


def test_threads_do_not_disturb_each_other():
    contents = [save(PICTURE.rotate(angle), kind) for angle in range(8) for kind in FORMATS]

    def pixels(content):
        return decode(content, name="a", policy=POLICY).pixels.tobytes()

    alone = [pixels(content) for content in contents]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(pixels, contents * 5)) == alone * 5


def png_with(*chunks, picture=PICTURE):
    """Return a PNG with chunks behind its header and before its end."""
    content = save(picture, "PNG")
    early, late = chunks if len(chunks) == 2 else (chunks[0], b"")
    return content[:33] + early + content[33:-12] + late + content[-12:]


BOMB = zlib.compress(bytes(2**26), 9)  # 64 MB from 64 kB
TEXTS = {
    "compressed text": chunk(b"zTXt", b"workflow\0\0" + BOMB),
    "international text": chunk(b"iTXt", b"prompt\0\1\0en\0\0" + BOMB),
    "plain text": 70 * chunk(b"tEXt", b"parameters\0" + b"x" * 2**20),
    "profile": chunk(b"iCCP", b"sRGB\0\0" + BOMB),
    "XMP": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + BOMB),
    "EXIF as text": chunk(b"zTXt", b"Raw profile type exif\0\0" + BOMB),
    "what is no zlib": chunk(b"zTXt", b"Raw profile type exif\0\0?"),
    "an unknown method": chunk(b"zTXt", b"a\0\7?"),
    "no keyword": chunk(b"iTXt", b""),
}


@pytest.mark.parametrize("where", ["before", "behind"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_texts_cost_no_picture_and_no_memory(text, where):
    content = png_with(text) if where == "before" else png_with(b"", text)
    tracemalloc.start()
    header = read_header(io.BytesIO(content), name="a", policy=POLICY)
    image = decode(content, name="a", policy=POLICY)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(image.pixels, PIXELS.transpose(2, 0, 1))
    is_profile = text is TEXTS["profile"] and where == "before"
    assert header == Header(20, 12, "RGB", "PNG", 1, has_profile=is_profile)
    assert image.notes == (("ICC profile ignored",) if is_profile else ())
    assert peak < 4e6


@pytest.mark.parametrize("late", [False, True])
def test_an_orientation_in_a_text_is_seen(late):
    xmp = b'<x tiff:Orientation="3"/>'
    texts = [
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp)),
    ]
    for text in texts:
        content = png_with(b"", text) if late else png_with(text)
        turned = decode(content, name="a", policy=replace(POLICY, exif="apply"))
        np.testing.assert_array_equal(turned.pixels, PIXELS[::-1, ::-1].transpose(2, 0, 1))


def test_chunks_in_pieces_are_read_whole():
    pixels = np.random.default_rng(1).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in pixels))
    pieces = [chunk(b"IDAT", data[at : at + 8192]) for at in range(0, len(data), 8192)]
    head, end = png(300, 300)[:33], png(300, 300)[-12:]
    content = head + TEXTS["plain text"] + b"".join(pieces) + TEXTS["compressed text"] + end
    image = decode(content, name="a", policy=POLICY)
    np.testing.assert_array_equal(image.pixels, pixels.transpose(2, 0, 1))


UNREADABLE = {
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIF"),
    "heif": (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIF"),
    "jxl": (b"\xff\x0a" + bytes(40), "JPEG XL"),
    "JXL": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40), "JPEG XL"),
}


@pytest.mark.parametrize("ending", UNREADABLE)
def test_formats_that_pillow_lacks_are_named_with_what_converts_them(ending):
    content, name = UNREADABLE[ending]
    text = refusal(content, name=f"a b/c.{ending}")
    assert f"a picture in the format {name}, which this installation cannot decode" in text
    assert f"`magick mogrify -format png *.{ending.lower()}`" in text


@pytest.mark.parametrize("kind", ["AVIF", "JPEG2000", "WEBP"])
def test_a_pillow_without_a_library_says_so(kind, monkeypatch):
    content = save(PICTURE, kind)
    lacking = tuple(known for known in FORMATS if known != kind)
    monkeypatch.setattr("ganeval.images.decode.FORMATS", lacking)
    assert "which this installation cannot decode" in refusal(content, name="a.x")


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_jpeg_2000_without_loss_gives_what_the_same_png_gives(mode):
    picture = PIL.Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 257)
    if mode != "I;16":
        picture = PICTURE.convert(mode)
        if mode.endswith("A"):
            picture.putalpha(PIL.Image.fromarray(PIXELS[..., 1]))
    policy = replace(POLICY, transparency="white")
    expected = decode(save(picture, "PNG"), name="a", policy=policy)
    found = decode(save(picture, "JPEG2000"), name="a", policy=policy)
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    assert found.notes == expected.notes


def test_avif_gives_what_pillow_gives():
    content = save(PICTURE, "AVIF", quality=90)
    expected = np.asarray(PIL.Image.open(io.BytesIO(content)))
    image = decode(content, name="a", policy=POLICY)
    np.testing.assert_array_equal(image.pixels, expected.transpose(2, 0, 1))
