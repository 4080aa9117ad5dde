"""Bad input: sizes and pixel formats."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest

from tests.bad_input.encoded import NUM, PICTURES, encode, png
from tests.bad_input.outcomes import JSON, RANDOM, card, refusal, refusals, report, values
from tests.command import Command
from tests.pictures import blobs

WriteFiles = Callable[..., Path]


def test_mixed_sizes(ganeval: Command, real: Path, fake: Path) -> None:
    PIL.Image.fromarray(blobs(1, seed=9, height=40, width=31)[0]).save(fake / "a.png")
    found = ganeval("fid", real, fake, *JSON)
    warning = f"{fake}: images of 2 sizes; each is resized by itself"
    assert f"ganeval: warning: {warning}" in found.err.splitlines()
    assert report(found)["provenance"]["warnings"] == [warning]
    assert card(found, fake)["sizes"] == {"24x24": 25, "31x40": 1}


def test_another_size_on_either_side(
    ganeval: Command, real: Path, tmp_path: Path, write_pictures: Callable[..., Path]
) -> None:
    fake = write_pictures(tmp_path / "small", blobs(12, seed=2, height=16, width=16))
    found = ganeval("fid", real, fake, *JSON)
    (warning,) = report(found)["provenance"]["warnings"]
    assert warning.startswith(f"{fake} and {real} differ in size (16x16 and 24x24)")
    assert f"ganeval: warning: {warning}" in found.err.splitlines()
    (advice,) = re.findall("`(.*?)`", warning)
    assert report(ganeval("fid", advice, fake, *JSON))["provenance"]["warnings"] == []
    arrays = tmp_path / "large.npy"
    np.save(arrays, blobs(12, seed=2, height=48, width=32))
    found = ganeval("fid", f"folder:{real},size=40", f"npy:{arrays}", *JSON)
    (warning,) = report(found)["provenance"]["warnings"]
    advice = re.findall("`(.*?)`", warning)
    assert advice == [f"npy:{arrays},size=32", f"folder:{real},size=32"]
    assert report(ganeval("fid", *advice[::-1], *JSON))["provenance"]["warnings"] == []


def test_tiny_pictures(ganeval: Command, real: Path, write_files: WriteFiles) -> None:
    one = write_files("one", [encode(np.zeros((1, 1, 3), np.uint8))] * 3)
    for number, line in enumerate(refusals(ganeval("fid", real, one, *RANDOM), 3)):
        assert (
            f"{one}/{number:05}.png: 1 x 1 pixels; needed: at least 8 pixels on each side" in line
        )
    eight = write_files("eight", [encode(picture[:8, :8]) for picture in PICTURES])
    assert card(ganeval("fid", real, eight, *JSON), eight)["sizes"] == {"8x8": NUM}


def test_grey(scores: Any, ganeval: Command, real: Path, write_files: WriteFiles) -> None:
    greys = [np.asarray(PIL.Image.fromarray(picture).convert("L")) for picture in PICTURES]
    grey = write_files("grey", [encode(picture) for picture in greys])
    replicated = write_files("rgb", [encode(np.stack([g] * 3, axis=2)) for g in greys])
    assert scores(grey) == scores(replicated)
    assert card(ganeval("fid", real, grey, *JSON), grey)["notes"] == {"grey to RGB": NUM}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_grey_of_16_bits_is_scaled_not_clipped(
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


def test_12_bits_in_16_are_told(ganeval: Command, real: Path, write_files: WriteFiles) -> None:
    rng = np.random.default_rng(15)
    low = rng.integers(0, 4096, (NUM, 24, 24), np.uint16)
    found = ganeval("fid", real, write_files("low", [encode(one) for one in low]), *JSON)
    assert "low: no value of its pictures of 16-bit grey is above 4,095" in found.err
    assert "multiply the values by 16" in found.err
    one_bright = np.concatenate([low[:-1], low[-1:] * 16])
    found = ganeval("fid", real, write_files("some", [encode(one) for one in one_bright]), *JSON)
    assert "above 4,095" not in found.err


def test_colour_of_16_bits(scores: Any, write_files: WriteFiles) -> None:
    wide = np.random.default_rng(14).integers(0, 65536, (NUM, 24, 24, 3), np.uint16)
    lines = [
        [b"\0" + row.astype(">u2").tobytes() for row in picture]  # 0: the row is not filtered
        for picture in wide
    ]
    deep = write_files("deep", [png(24, 24, 16, 2, b"".join(rows)) for rows in lines])
    shallow = write_files("shallow", [encode((picture >> 8).astype(np.uint8)) for picture in wide])
    assert scores(deep) == scores(shallow)


def test_floats(scores: Any, ganeval: Command, real: Path, write_files: WriteFiles) -> None:
    grey = PICTURES[..., 0]
    floats = [encode(picture.astype(np.float32) / 255, "TIFF") for picture in grey]
    folder = write_files("floats", floats, "tif")
    for line in refusals(ganeval("fid", real, folder, *RANDOM), NUM):
        assert "a float picture; " in line
        assert "add `--float-range 0,1`" in line
    plain = write_files("plain", [encode(picture) for picture in grey])
    assert scores(folder, "--float-range", "0,1") == scores(plain)
    (folder / "a.tif").write_bytes(encode(np.full((24, 24), 1.04, np.float32), "TIFF"))
    found = ganeval("fid", real, folder, *RANDOM, "--float-range", "0,1")
    assert f"1 of {NUM + 1} images have values beyond the declared float range" in found.err
    (folder / "a.tif").write_bytes(encode(np.full((24, 24), 3, np.float32), "TIFF"))
    line = refusal(ganeval("fid", real, folder, *RANDOM, "--float-range", "0,1"))
    assert (
        f"{folder}/a.tif: values observed from 3 to 3; needed: values in the declared range, 0 to 1"
        in line
    )
    line = refusal(ganeval("fid", real, folder, *RANDOM, "--float-range", "1,0"))
    assert "--float-range 1,0" in line


def by_hand(pixels: npt.NDArray[np.uint8], backdrop: int) -> npt.NDArray[np.uint8]:
    """Composite RGBA over a grey backdrop, rounded half up."""
    weight = pixels[..., 3:].astype(np.float64) / 255
    return np.floor(weight * pixels[..., :3] + (1 - weight) * backdrop + 0.5).astype(np.uint8)


def test_transparency(scores: Any, ganeval: Command, real: Path, write_files: WriteFiles) -> None:
    rng = np.random.default_rng(16)
    rgba = np.concatenate([PICTURES, rng.integers(0, 256, (NUM, 24, 24, 1), np.uint8)], axis=3)
    rgba[..., :3][rgba[..., 3] < 60] = 255  # colours hidden under transparent pixels
    folder = write_files("rgba", [encode(picture) for picture in rgba])
    for line in refusals(ganeval("fid", real, folder, *RANDOM), NUM):
        assert ".png: transparent in " in line
        assert "add `--transparency white` (or black, or drop)" in line
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


def test_opaque_alpha_changes_nothing(
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
def test_palette_1_bit_and_grey_with_alpha(
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


def test_cmyk(scores: Any, ganeval: Command, real: Path, write_files: WriteFiles) -> None:
    images = [PIL.Image.fromarray(picture).convert("CMYK") for picture in PICTURES]
    encoded = [encode(image, "JPEG", quality=95) for image in images]
    folder = write_files("cmyk", encoded, "jpg")
    decoded = [PIL.Image.open(io.BytesIO(content)).convert("RGB") for content in encoded]
    assert scores(folder) == scores(write_files("rgb", [encode(image) for image in decoded]))
    notes = card(ganeval("fid", real, folder, *JSON), folder)["notes"]
    assert notes == {"CMYK converted without a colour profile": NUM}


def test_exif_orientation(
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


def test_colour_profile(ganeval: Command, real: Path, write_files: WriteFiles) -> None:
    encoded = [encode(picture, icc_profile=b"profile") for picture in PICTURES]
    folder = write_files("icc", [*encoded[:5], *(encode(picture) for picture in PICTURES[5:])])
    notes = card(ganeval("fid", real, folder, *JSON), folder)["notes"]
    assert notes == {"ICC profile ignored": 5}


def test_constant_pictures(ganeval: Command, real: Path, write_files: WriteFiles) -> None:
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
