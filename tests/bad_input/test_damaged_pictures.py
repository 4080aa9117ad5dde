"""Bad input: damage, other files, bombs, several frames."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
from PIL import PngImagePlugin

from ganeval.errors import InputError
from ganeval.features import jobs
from ganeval.images import decode as decoding
from ganeval.sources.unusable import check_skipped
from tests.bad_input.encoded import NUM, PICTURES, encode, png
from tests.bad_input.outcomes import JSON, RANDOM, card, refusal, refusals, report, values
from tests.command import Command
from tests.pictures import blobs

WriteFiles = Callable[..., Path]


def half(picture: npt.NDArray[np.uint8], kind: str) -> bytes:
    content = encode(picture, kind)
    return content[: len(content) // 2]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM"])
def test_a_truncated_picture(
    ganeval: Command, real: Path, fake: Path, own_cache: Path, kind: str
) -> None:
    suffix = {"TIFF": "tif", "PPM": "ppm", "JPEG": "jpg"}.get(kind, kind.lower())
    bad = fake / f"00009b.{suffix}"
    bad.write_bytes(half(blobs(1, seed=21)[0], kind))
    line = refusal(ganeval("fid", real, fake, *RANDOM))
    assert line.startswith(f"ganeval: error: {bad}: ")
    assert "replace or remove the file, or skip it with --on-bad-image skip --max-bad 4%" in line
    skip = (*JSON, "--on-bad-image", "skip")
    line = refusal(ganeval("fid", real, fake, *skip))
    assert f"{fake}: 1 of 26 pictures cannot be used, the first: {bad}: " in line
    assert "at most 1% to skip; add `--max-bad 4%`, or repair them" in line
    found = ganeval("fid", real, fake, *skip, "--max-bad", "4%")
    assert f"ganeval: warning: skipped: {bad}: " in found.err
    assert [reason.split(": ")[0] for reason in card(found, fake)["skipped"]] == [str(bad)]
    assert report(found)["scores"][0]["num_sample"] == card(found, fake)["used"] == 25
    bad.unlink()
    assert values(ganeval("fid", real, fake, *JSON)) == values(found)


def test_the_same_damage_under_another_name_is_reported_by_that_name(
    ganeval: Command, real: Path, fake: Path
) -> None:
    bad = fake / "00009b.png"
    bad.write_bytes(half(PICTURES[0], "PNG"))
    assert f"error: {bad}: " in refusal(ganeval("fid", real, fake, *RANDOM))
    moved = fake.rename(fake.with_name("moved"))
    assert f"error: {moved}/00009b.png: " in refusal(ganeval("fid", real, moved, *RANDOM))


def test_unusable_files_are_told_by_what_helps(ganeval: Command, real: Path, fake: Path) -> None:
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
    several, one = refusals(found, 5)
    names = [f"{fake}/{name}" for name in contents]
    assert several.startswith(f"ganeval: 4 pictures, the first: {names[0]}: not a picture but ")
    assert several.endswith(f" (also {names[1]}, {names[2]}, {names[4]})")
    assert one.startswith(f"ganeval: {names[3]}: not a picture but a git-lfs pointer; ")
    skip = "repair or remove them, or skip them with `--on-bad-image skip --max-bad 19%`"
    assert found.error.endswith(f"; needed: 2 things, listed in the lines above; {skip}")
    found = ganeval("fid", real, fake, *JSON, "--on-bad-image", "skip", "--max-bad", "0.2")
    assert len(card(found, fake)["skipped"]) == 5


def test_the_advised_share_is_enough_at_the_first_try(
    ganeval: Command, real: Path, fake: Path
) -> None:
    tiny = encode(blobs(1, seed=4)[0][:6, :6])
    for number in range(3):  # these the headers tell, and those only the pixels
        (fake / f"tiny{number}.png").write_bytes(tiny)
        (fake / f"half{number}.png").write_bytes(half(blobs(1, seed=number)[0], "PNG"))
    words = ("fid", real, fake, *JSON, "--on-bad-image", "skip", "--max-bad")
    line = refusal(ganeval(*words, "5%"))
    assert f"{fake}: 6 of 31 pictures cannot be used" in line
    advised = line.partition("add `--max-bad ")[2].partition("`")[0]
    assert len(card(ganeval(*words, advised), fake)["skipped"]) == 6


def test_the_advised_share_is_enough_whatever_the_numbers() -> None:
    for count in range(1, 120):
        for num in range(1, count + 1):
            with pytest.raises(InputError) as caught:
                check_skipped("real", ["a; needed: b; c"] * num, count, 0.0, "picture")
            percent = caught.value.remedy.partition("--max-bad ")[2].partition("%")[0]
            check_skipped("real", ["a; needed: b; c"] * num, count, float(percent) / 100, "picture")


def test_damage_in_several_shards_is_listed(
    ganeval: Command, real: Path, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SHARD_SIZE", 10)
    for number in (3, 15, 24):
        (fake / f"{number:05}.png").write_bytes(half(PICTURES[number % NUM], "PNG"))
    (line,) = refusals(ganeval("fid", real, fake, *RANDOM), 3)
    first, *others = [f"{fake}/{number:05}.png" for number in (3, 15, 24)]
    assert line.startswith(f"ganeval: 3 pictures, the first: {first}: truncated (")
    assert line.endswith(f" (also {', '.join(others)})")


def test_jpeg_under_another_suffix(
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
    (line,) = refusals(ganeval("fid", real, folder, *RANDOM), len(contents))
    assert "pixels" in line.split("; needed: at most 64000000 pixels; ")[0]
    assert "add `--max-pixels 1000000000`" in line


def test_the_limit_is_the_users(ganeval: Command, real: Path, fake: Path) -> None:
    for line in refusals(ganeval("fid", real, fake, *RANDOM, "--max-pixels", 575), 30):
        assert "24 x 24 = 576 pixels; needed: at most 575 pixels" in line
    assert ganeval("fid", real, fake, *RANDOM, "--max-pixels", 576).code == 0


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_several_frames(
    scores: Any, ganeval: Command, real: Path, write_files: WriteFiles, kind: str
) -> None:
    frames = [[PIL.Image.fromarray(p) for p in (q, 255 - q, q[::-1].copy())] for q in PICTURES]
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    encoded = [
        encode(first, kind, save_all=True, append_images=rest, **options) for first, *rest in frames
    ]
    folder = write_files("frames", encoded, "tif" if kind == "TIFF" else kind.lower())
    for line in refusals(ganeval("fid", real, folder, *RANDOM), NUM):
        assert "3 frames; needed: one frame; add `--animated first`" in line
    firsts = [PIL.Image.open(io.BytesIO(content)).convert("RGB") for content in encoded]
    plain = write_files("plain", [encode(image) for image in firsts])
    assert scores(folder, "--animated", "first") == scores(plain)
    found = ganeval("fid", real, folder, *JSON, "--animated", "first")
    assert card(found, folder)["notes"]["first frame of several"] == NUM


def test_text_chunks_made_to_fill_memory(ganeval: Command, real: Path, fake: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "x" * (2 * PngImagePlugin.MAX_TEXT_CHUNK), zip=True)
    path = fake / "a.png"
    path.write_bytes(encode(PICTURES[0]))
    plain = values(ganeval("fid", real, fake, *JSON))
    path.write_bytes(encode(PICTURES[0], pnginfo=text))
    assert values(ganeval("fid", real, fake, *JSON)) == plain
