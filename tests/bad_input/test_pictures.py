"""Rows 9-23, 33-35 and 39: sizes, pixel formats, damage, bombs, frames."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
from PIL import PngImagePlugin

from ganeval.images import decode as decoding
from tests.bad_input.outcomes import JSON, RANDOM, card, refusal, refusals, report, shards, values
from tests.command import Command
from tests.pictures import blobs

NUM = 12
PICTURES = blobs(NUM, seed=5)

WriteFiles = Callable[..., Path]


def encode(pixels: npt.NDArray[Any] | PIL.Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    image = pixels if isinstance(pixels, PIL.Image.Image) else PIL.Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def png(width: int, height: int, bits: int, colour: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.fixture
def scores(ganeval: Command, real: Path) -> Callable[..., dict[str, float]]:
    """Score pictures against the thirty ones by two metrics."""

    def score(folder: Path, *options: object) -> dict[str, float]:
        return values(ganeval("eval", real, folder, "-m", "fid,kid", *JSON, *options))

    return score


def test_row_9_mixed_sizes(ganeval: Command, real: Path, fake: Path) -> None:
    PIL.Image.fromarray(blobs(1, seed=9, height=40, width=31)[0]).save(fake / "a.png")
    found = ganeval("fid", real, fake, *JSON)
    warning = f"{fake}: images of 2 sizes; each is resized by itself"
    assert f"ganeval: warning: {warning}" in found.err.splitlines()
    assert report(found)["provenance"]["warnings"] == [warning]
    assert card(found, fake)["sizes"] == {"24x24": 25, "31x40": 1}


def test_row_10_another_size_on_either_side(
    ganeval: Command, real: Path, tmp_path: Path, write_pictures: Callable[..., Path]
) -> None:
    fake = write_pictures(tmp_path / "small", blobs(12, seed=2, height=16, width=16))
    found = ganeval("fid", real, fake, *JSON)
    (warning,) = report(found)["provenance"]["warnings"]
    assert warning.startswith(f"{fake} and {real} differ in size (16x16 and 24x24)")
    assert f"ganeval: warning: {warning}" in found.err.splitlines()
    assert (
        report(ganeval("fid", f"folder:{real},size=16", fake, *JSON))["provenance"]["warnings"]
        == []
    )


def test_row_11_tiny_pictures(ganeval: Command, real: Path, write_files: WriteFiles) -> None:
    one = write_files("one", [encode(np.zeros((1, 1, 3), np.uint8))] * 3)
    for number, line in enumerate(refusals(ganeval("fid", real, one, *RANDOM), 3)):
        assert f"{one}/{number:05}.png: 1 x 1 pixels; at least 8 pixels on each side" in line
    eight = write_files("eight", [encode(picture[:8, :8]) for picture in PICTURES])
    assert card(ganeval("fid", real, eight, *JSON), eight)["sizes"] == {"8x8": NUM}


def test_row_12_grey(scores: Any, ganeval: Command, real: Path, write_files: WriteFiles) -> None:
    greys = [np.asarray(PIL.Image.fromarray(picture).convert("L")) for picture in PICTURES]
    grey = write_files("grey", [encode(picture) for picture in greys])
    replicated = write_files("rgb", [encode(np.stack([g] * 3, axis=2)) for g in greys])
    assert scores(grey) == scores(replicated)
    assert card(ganeval("fid", real, grey, *JSON), grey)["notes"] == {"grey to RGB": NUM}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_row_13_grey_of_16_bits_is_scaled_not_clipped(
    scores: Any, ganeval: Command, real: Path, write_files: WriteFiles, kind: str
) -> None:
    rng = np.random.default_rng(13)
    wide = rng.integers(0, 65536, (NUM, 24, 24), np.uint16)
    suffix = {"PNG": "png", "TIFF": "tif", "PPM": "pgm"}[kind]
    deep = write_files("deep", [encode(picture, kind) for picture in wide], suffix)
    shallow = write_files("shallow", [encode((picture >> 8).astype(np.uint8)) for picture in wide])
    assert scores(deep) == scores(shallow)
    notes = card(ganeval("fid", real, deep, *JSON), deep)["notes"]
    assert notes == {"16-bit grey scaled to 8 bits": NUM}


def test_row_14_colour_of_16_bits(scores: Any, write_files: WriteFiles) -> None:
    wide = np.random.default_rng(14).integers(0, 65536, (NUM, 24, 24, 3), np.uint16)
    lines = [
        [b"\0" + row.astype(">u2").tobytes() for row in picture]  # 0: the row is not filtered
        for picture in wide
    ]
    deep = write_files("deep", [png(24, 24, 16, 2, b"".join(rows)) for rows in lines])
    shallow = write_files("shallow", [encode((picture >> 8).astype(np.uint8)) for picture in wide])
    assert scores(deep) == scores(shallow)


def test_row_15_floats(scores: Any, ganeval: Command, real: Path, write_files: WriteFiles) -> None:
    grey = PICTURES[..., 0]
    floats = [encode(picture.astype(np.float32) / 255, "TIFF") for picture in grey]
    folder = write_files("floats", floats, "tif")
    for line in refusals(ganeval("fid", real, folder, *RANDOM), NUM):
        assert "a float picture; " in line
        assert "--float-range LOW,HIGH" in line
    plain = write_files("plain", [encode(picture) for picture in grey])
    assert scores(folder, "--float-range", "0,1") == scores(plain)
    (folder / "a.tif").write_bytes(encode(np.full((24, 24), 3, np.float32), "TIFF"))
    line = refusal(ganeval("fid", real, folder, *RANDOM, "--float-range", "0,1"))
    assert f"{folder}/a.tif: values observed from 3 to 3; the declared range is 0 to 1" in line
    line = refusal(ganeval("fid", real, folder, *RANDOM, "--float-range", "1,0"))
    assert "--float-range 1,0" in line


def by_hand(pixels: npt.NDArray[np.uint8], backdrop: int) -> npt.NDArray[np.uint8]:
    """Composite RGBA over a grey backdrop, rounded half up."""
    weight = pixels[..., 3:].astype(np.float64) / 255
    return np.floor(weight * pixels[..., :3] + (1 - weight) * backdrop + 0.5).astype(np.uint8)


def test_row_16_transparency(
    scores: Any, ganeval: Command, real: Path, write_files: WriteFiles
) -> None:
    rng = np.random.default_rng(16)
    rgba = np.concatenate([PICTURES, rng.integers(0, 256, (NUM, 24, 24, 1), np.uint8)], axis=3)
    rgba[..., :3][rgba[..., 3] < 60] = 255  # colours hidden under transparent pixels
    folder = write_files("rgba", [encode(picture) for picture in rgba])
    for line in refusals(ganeval("fid", real, folder, *RANDOM), NUM):
        assert ".png: transparent in " in line
        assert "choose --transparency drop, white or black" in line
    policies = {
        "drop": rgba[..., :3],
        "white": by_hand(rgba, 255),
        "black": by_hand(rgba, 0),
    }
    found = {}
    for policy, pixels in policies.items():
        plain = write_files(policy, [encode(picture) for picture in pixels])
        found[policy] = scores(folder, "--transparency", policy)
        assert found[policy] == scores(plain)
    assert len({score["fid"] for score in found.values()}) == 3


def test_row_16_opaque_alpha_changes_nothing(
    scores: Any, ganeval: Command, real: Path, write_files: WriteFiles
) -> None:
    opaque = np.full((NUM, 24, 24, 1), 255, np.uint8)
    rgba = np.concatenate([PICTURES, opaque], axis=3)
    folder = write_files("rgba", [encode(picture) for picture in rgba])
    assert scores(folder) == scores(write_files("rgb", [encode(p) for p in PICTURES]))
    notes = card(ganeval("fid", real, folder, *JSON), folder)["notes"]
    assert notes == {"opaque alpha dropped": NUM}


@pytest.mark.parametrize(
    ("mode", "notes"),
    [
        ("P", {"palette to RGB": NUM}),
        ("1", {"1-bit to RGB": NUM}),
        ("LA", {"grey to RGB": NUM, "opaque alpha dropped": NUM}),
    ],
)
def test_row_17_palette_1_bit_and_grey_with_alpha(
    scores: Any,
    ganeval: Command,
    real: Path,
    write_files: WriteFiles,
    mode: str,
    notes: dict[str, int],
) -> None:
    images = [PIL.Image.fromarray(picture).convert(mode) for picture in PICTURES]
    folder = write_files("mode", [encode(image) for image in images])
    plain = write_files("plain", [encode(image.convert("RGB")) for image in images])
    assert scores(folder) == scores(plain)
    assert card(ganeval("fid", real, folder, *JSON), folder)["notes"] == notes


def test_row_18_cmyk(scores: Any, ganeval: Command, real: Path, write_files: WriteFiles) -> None:
    images = [PIL.Image.fromarray(picture).convert("CMYK") for picture in PICTURES]
    encoded = [encode(image, "JPEG", quality=95) for image in images]
    folder = write_files("cmyk", encoded, "jpg")
    decoded = [PIL.Image.open(io.BytesIO(content)).convert("RGB") for content in encoded]
    assert scores(folder) == scores(write_files("rgb", [encode(image) for image in decoded]))
    notes = card(ganeval("fid", real, folder, *JSON), folder)["notes"]
    assert notes == {"CMYK converted without a colour profile": NUM}


def test_row_19_exif_orientation(
    scores: Any, ganeval: Command, real: Path, write_files: WriteFiles
) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    folder = write_files("exif", [encode(picture, exif=exif) for picture in PICTURES])
    plain = write_files("plain", [encode(picture) for picture in PICTURES])
    turned = write_files("turned", [encode(np.rot90(picture, -1)) for picture in PICTURES])
    assert scores(folder) == scores(folder, "--exif", "ignore") == scores(plain)
    assert scores(folder, "--exif", "apply") == scores(turned) != scores(plain)
    for policy, note in (("ignore", "ignored"), ("apply", "applied")):
        found = ganeval("fid", real, folder, *JSON, "--exif", policy)
        assert card(found, folder)["notes"] == {f"EXIF orientation {note}": NUM}


def test_row_20_colour_profile(ganeval: Command, real: Path, write_files: WriteFiles) -> None:
    encoded = [encode(picture, icc_profile=b"profile") for picture in PICTURES]
    folder = write_files("icc", [*encoded[:5], *(encode(picture) for picture in PICTURES[5:])])
    notes = card(ganeval("fid", real, folder, *JSON), folder)["notes"]
    assert notes == {"ICC profile ignored": 5}


def half(picture: npt.NDArray[np.uint8], kind: str) -> bytes:
    content = encode(picture, kind)
    return content[: len(content) // 2]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM"])
def test_row_21_a_truncated_picture(
    ganeval: Command, real: Path, fake: Path, own_cache: Path, kind: str
) -> None:
    suffix = {"TIFF": "tif", "PPM": "ppm", "JPEG": "jpg"}.get(kind, kind.lower())
    bad = fake / f"00009b.{suffix}"
    bad.write_bytes(half(blobs(1, seed=21)[0], kind))
    line = refusal(ganeval("fid", real, fake, *RANDOM))
    assert line.startswith(f"ganeval: error: {bad}: ")
    assert "replace or remove the file, or skip it with --on-bad-image skip" in line
    skip = (*JSON, "--on-bad-image", "skip")
    line = refusal(ganeval("fid", real, fake, *skip))
    assert f"{fake}: 1 of 26 pictures cannot be used, the first: {bad}: " in line
    assert "at most 1.00% to skip; raise --max-bad" in line
    found = ganeval("fid", real, fake, *skip, "--max-bad", "4%")
    assert f"ganeval: warning: skipped: {bad}: " in found.err
    assert [reason.split(": ")[0] for reason in card(found, fake)["skipped"]] == [str(bad)]
    assert report(found)["scores"][0]["num_sample"] == card(found, fake)["used"] == 25
    bad.unlink()
    assert values(ganeval("fid", real, fake, *JSON)) == values(found)


def test_row_21_the_same_damage_under_another_name_is_reported_by_that_name(
    ganeval: Command, real: Path, fake: Path
) -> None:
    bad = fake / "00009b.png"
    bad.write_bytes(half(PICTURES[0], "PNG"))
    assert f"error: {bad}: " in refusal(ganeval("fid", real, fake, *RANDOM))
    moved = fake.rename(fake.with_name("moved"))
    assert f"error: {moved}/00009b.png: " in refusal(ganeval("fid", real, moved, *RANDOM))


def test_row_22_all_unusable_files_are_listed(ganeval: Command, real: Path, fake: Path) -> None:
    contents = {
        "00001.png": (b"", "an empty file"),
        "00003.png": (b"no picture at all\n", "text"),
        "00005.jpg": (b"<!DOCTYPE html><html></html>", "an HTML page"),
        "00007.png": (b"version https://git-lfs.github.com/spec/v1\noid 1\n", "a git-lfs pointer"),
        "00011.webp": (bytes(300), "data in an unknown format"),
    }
    for name, (content, _) in contents.items():
        (fake / name).write_bytes(content)
    found = ganeval("fid", real, fake, *RANDOM)
    assert len(found.err.splitlines()) == 6
    for line, (name, (_, kind)) in zip(refusals(found, 5), contents.items(), strict=True):
        assert line.startswith(f"ganeval: {fake}/{name}: not a picture but {kind}; ")
    found = ganeval("fid", real, fake, *JSON, "--on-bad-image", "skip", "--max-bad", "0.2")
    assert len(card(found, fake)["skipped"]) == 5


def test_row_22_damage_in_several_shards_is_listed(
    ganeval: Command, real: Path, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganeval.features import collect as collecting

    monkeypatch.setattr(collecting, "SHARD_SIZE", 10)
    for number in (3, 15, 24):
        (fake / f"{number:05}.png").write_bytes(half(PICTURES[number % NUM], "PNG"))
    lines = refusals(ganeval("fid", real, fake, *RANDOM), 3)
    listed = [line.split(": ")[1] for line in lines]
    assert listed == [f"{fake}/{number:05}.png" for number in (3, 15, 24)]


def test_row_23_jpeg_under_another_suffix(
    scores: Any, ganeval: Command, real: Path, write_files: WriteFiles
) -> None:
    encoded = [encode(picture, "JPEG") for picture in PICTURES]
    named = write_files("named", encoded, "jpg")
    unnamed = write_files("unnamed", encoded, "png")
    assert scores(named) == scores(unnamed)
    for folder, notes in ((unnamed, {"JPEG data under another suffix": NUM}), (named, {})):
        assert card(ganeval("fid", real, folder, *JSON), folder)["notes"] == notes


def bombs() -> dict[str, bytes]:
    """Files of some kilobytes that stand for 121 and 400 megapixels."""
    side = 20_000
    grey = PIL.Image.new("1", (8, 8))
    gif, bmp = bytearray(encode(grey, "GIF")), bytearray(encode(grey, "BMP"))
    gif[6:10] = struct.pack("<HH", side, side)
    bmp[18:26] = struct.pack("<ii", side, side)
    tiff = encode(grey, "TIFF")
    for tag in (256, 257):  # width and height, as one LONG
        at = tiff.index(struct.pack("<HH", tag, 4)) if struct.pack("<HH", tag, 4) in tiff else 0
        entry = struct.pack("<HHII", tag, 4, 1, side)
        at = at or tiff.index(struct.pack("<HHI", tag, 3, 1))
        tiff = tiff[:at] + entry + tiff[at + 12 :]
    webp = b"VP8L" + struct.pack("<I", 10) + b"\x2f" + struct.pack("<I", 16_382 | 16_382 << 14)
    webp += bytes(5)
    return {
        "bomb.png": png(side, side, 1, 0, bytes(side * (1 + side // 8))),
        "large.png": png(11_000, 11_000, 1, 0, bytes(11_000 * (1 + 11_000 // 8))),
        "bomb.gif": bytes(gif),
        "bomb.bmp": bytes(bmp),
        "bomb.tif": tiff,
        "bomb.ppm": f"P6 {side} {side} 255\n".encode() + bytes(9),
        "bomb.webp": b"RIFF" + struct.pack("<I", len(webp) + 4) + b"WEBP" + webp,
    }


def test_rows_33_and_34_bombs_are_refused_from_their_header(
    ganeval: Command, real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reached(*_: object, **__: object) -> None:
        raise AssertionError("pixels were decoded")

    folder = tmp_path / "bombs"
    folder.mkdir()
    contents = bombs()
    for name, content in contents.items():
        assert len(content) < 60_000
        (folder / name).write_bytes(content)
    monkeypatch.setattr(decoding, "to_rgb", reached)
    lines = refusals(ganeval("fid", real, folder, *RANDOM), len(contents))
    for name, line in zip(sorted(contents), lines, strict=True):
        assert f"{folder}/{name}: " in line
        assert "pixels" in line.split("; at most 64000000 pixels; ")[0]
        assert "raise the limit with --max-pixels" in line


def test_row_34_the_limit_is_the_users(ganeval: Command, real: Path, fake: Path) -> None:
    for line in refusals(ganeval("fid", real, fake, *RANDOM, "--max-pixels", 575), 30):
        assert "24 x 24 = 576 pixels; at most 575 pixels" in line
    assert ganeval("fid", real, fake, *RANDOM, "--max-pixels", 576).code == 0


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_row_35_several_frames(
    scores: Any, ganeval: Command, real: Path, write_files: WriteFiles, kind: str
) -> None:
    frames = [[PIL.Image.fromarray(p) for p in (q, 255 - q, q[::-1].copy())] for q in PICTURES]
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    encoded = [
        encode(first, kind, save_all=True, append_images=rest, **options) for first, *rest in frames
    ]
    folder = write_files("frames", encoded, "tif" if kind == "TIFF" else kind.lower())
    for line in refusals(ganeval("fid", real, folder, *RANDOM), NUM):
        assert "3 frames; one frame is needed; choose `--animated first`" in line
    firsts = [PIL.Image.open(io.BytesIO(content)).convert("RGB") for content in encoded]
    plain = write_files("plain", [encode(image) for image in firsts])
    assert scores(folder, "--animated", "first") == scores(plain)
    found = ganeval("fid", real, folder, *JSON, "--animated", "first")
    assert card(found, folder)["notes"]["first frame of several"] == NUM


def test_row_39_constant_pictures(ganeval: Command, real: Path, write_files: WriteFiles) -> None:
    grey = write_files("grey", [encode(np.full((24, 24, 3), 128, np.uint8))] * NUM)
    dark = write_files("dark", [encode(np.full((24, 24, 3), 100, np.uint8))] * NUM)
    for words in (("eval", real, grey), ("eval", grey, real), ("eval", grey, dark)):
        found = ganeval(*words, *JSON)
        assert values(found).keys() == {
            "fid",
            "is",
            "kid",
            "precision",
            "recall",
            "density",
            "coverage",
        }
        fid = next(score for score in report(found)["scores"] if score["name"] == "fid")
        assert fid["value"] > 0
        assert any("the variance is zero" in note for note in fid["notes"])
        assert any("exact duplicates" in line for line in report(found)["provenance"]["warnings"])
    assert values(ganeval("fid", grey, f"folder:{grey}", *JSON)) == {"fid": 0.0}


def test_text_chunks_made_to_fill_memory(
    ganeval: Command, real: Path, fake: Path, own_cache: Path
) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "x" * (2 * PngImagePlugin.MAX_TEXT_CHUNK), zip=True)
    bad = fake / "a.png"
    bad.write_bytes(encode(PICTURES[0], pnginfo=text))
    assert f"{bad}: " in refusal(ganeval("fid", real, fake, *RANDOM))
    assert len(shards(own_cache)) <= 1
