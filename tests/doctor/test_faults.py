"""One source for each fault, which has that fault and no other."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageCms
import pytest

from ganeval.doctor.examine import examine
from ganeval.doctor.finding import Finding
from ganeval.flow.settings import Settings
from tests.doctor.conftest import NUM, Look
from tests.doctor.sharp import sharp

Spoil = Callable[[Path], object]
Pixels = npt.NDArray[np.uint8]
BICUBIC, NEAREST = PIL.Image.Resampling.BICUBIC, PIL.Image.Resampling.NEAREST


def first(folder: Path) -> PIL.Image.Image:
    return PIL.Image.open(folder / "0000.png")


def each(change: Callable[[PIL.Image.Image], PIL.Image.Image], num: int = NUM) -> Spoil:
    """Change the first pictures of a folder."""

    def spoil(folder: Path) -> None:
        for path in sorted(folder.iterdir())[:num]:
            with PIL.Image.open(path) as picture:
                changed = change(picture)
            changed.save(path)

    return spoil


def values(change: Callable[[Pixels], Pixels]) -> Spoil:
    return each(lambda picture: PIL.Image.fromarray(change(np.asarray(picture))))


def scaled_up(factor: int, how: PIL.Image.Resampling) -> Spoil:
    def change(picture: PIL.Image.Image) -> PIL.Image.Image:
        part = picture.crop((0, 0, 80 // factor, 80 // factor))
        return part.resize((80, 80), how)

    return each(change)


def transparent(folder: Path) -> None:
    picture = first(folder).convert("RGBA")
    picture.putalpha(100)
    picture.save(folder / "0000.png")


def opaque(folder: Path) -> None:
    first(folder).convert("RGBA").save(folder / "0000.png")


def animated(folder: Path) -> None:
    others = [PIL.Image.open(folder / "0001.png")]
    first(folder).save(folder / "0000.png", save_all=True, append_images=others)


def truncated(folder: Path) -> None:
    for name in ("0003.png", "0005.png"):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])


def turned(folder: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    first(folder).save(folder / "0000.png", exif=exif)


def sixteen_bits(folder: Path) -> None:
    for path in folder.iterdir():
        grey = np.asarray(PIL.Image.open(path).convert("L")).astype(np.uint16)
        PIL.Image.fromarray(grey * 257).save(path)


def with_profile(folder: Path) -> None:
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    first(folder).save(folder / "0000.png", icc_profile=profile)


def jpeg_among_png(folder: Path) -> None:
    first(folder).save(folder / "0000.jpg", quality=95)
    (folder / "0000.png").unlink()


def bmp_among_png(folder: Path) -> None:
    first(folder).save(folder / "0000.bmp")
    (folder / "0000.png").unlink()


def jpeg_called_png(folder: Path) -> None:
    for path in folder.iterdir():
        with PIL.Image.open(path) as picture:
            picture.load()
        picture.save(path, "JPEG", quality=95)


def copied(folder: Path) -> None:
    shutil.copy(folder / "0000.png", folder / "9990.png")
    shutil.copy(folder / "0000.png", folder / "9991.png")


def once_more_in_webp(folder: Path) -> None:
    first(folder).resize((70, 70), BICUBIC).resize((80, 80), BICUBIC).save(folder / "9990.png")


def all_the_same(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != "0000.png":
            shutil.copy(folder / "0000.png", path)


def in_folders(folder: Path) -> None:
    for number, path in enumerate(sorted(folder.iterdir())):
        (folder / f"class{number % 3}").mkdir(exist_ok=True)
        path.rename(folder / f"class{number % 3}" / path.name)


def by_prefix(folder: Path) -> None:
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / f"{'cat' if number < 50 else 'dog'}_{path.name}")


def linked_to_nothing(folder: Path) -> None:
    (folder / "z.png").symlink_to("nowhere")


def beside_others(folder: Path) -> None:
    (folder / "notes.txt").write_text("x")
    (folder / ".DS_Store").write_text("x")


def grey(picture: PIL.Image.Image) -> PIL.Image.Image:
    return picture.convert("L")


FAULTS: dict[str, tuple[Spoil, str, str, str, str]] = {
    "transparent": (
        transparent,
        "refused",
        "error",
        "transparent in 100.00%",
        "add `--transparency white` (or black, or drop)",
    ),
    "animated": (animated, "refused", "error", "2 frames", "add `--animated first`"),
    "truncated": (truncated, "refused", "error", f"2 of {NUM} pictures", "replace or remove"),
    "too small": (
        each(lambda picture: picture.resize((4, 4)), 1),
        "refused",
        "error",
        "4 x 4 pixels",
        "replace",
    ),
    "not a picture": (
        lambda folder: (folder / "0000.png").write_bytes(b""),
        "refused",
        "error",
        "an empty file",
        "replace",
    ),
    "dangling link": (
        linked_to_nothing,
        "refused",
        "error",
        "a link to 'nowhere'",
        "repair",
    ),
    "other files": (beside_others, "ignored", "note", "dot files: 1, other files: 1", "rename"),
    "zero and one": (
        values(lambda pixels: pixels // 128),
        "value-range",
        "error",
        "from 0 to 1",
        "declare",
    ),
    "half": (values(lambda pixels: pixels // 2), "value-range", "warning", "to 127", "declare"),
    "upper half": (
        values(lambda pixels: pixels // 2 + 128),
        "value-range",
        "warning",
        "from 128",
        "declare",
    ),
    "one colour": (
        each(lambda _: PIL.Image.new("RGB", (80, 80), (9, 99, 199)), 1),
        "constant",
        "warning",
        f"1 of {NUM}",
        "look at them",
    ),
    "nearly one colour": (
        each(lambda picture: picture.point(lambda value: 100 + value // 64), 2),
        "low-contrast",
        "warning",
        f"2 of {NUM}",
        "look at them",
    ),
    "another size": (
        each(lambda picture: picture.crop((0, 0, 76, 79)), 1),
        "several-sizes",
        "warning",
        "2 sizes and 2 shapes (80x80: 129, 76x79: 1)",
        ",size=256",
    ),
    "not square": (
        each(lambda picture: picture.crop((0, 0, 76, 80))),
        "not-square",
        "note",
        "76x80",
        "crop=center",
    ),
    "small": (
        each(lambda picture: picture.crop((0, 0, 64, 64))),
        "small",
        "note",
        f"shorter than 75 pixels: {NUM} of {NUM}",
        "of that size",
    ),
    "nearest": (scaled_up(2, NEAREST), "upscaled", "warning", "repeated 2 times", "before scaling"),
    "bicubic": (scaled_up(2, BICUBIC), "upscaled", "warning", "scaled up by 2", "before scaling"),
    "bicubic 4": (scaled_up(4, BICUBIC), "upscaled", "warning", "scaled up by 4", "before scaling"),
    "exif": (turned, "decoding", "warning", "EXIF orientation ignored: 1", "--exif apply"),
    "16 bits": (sixteen_bits, "decoding", "warning", "16-bit grey", "8 bits"),
    "profile": (with_profile, "decoding", "note", "ICC profile ignored: 1", "sRGB"),
    "opaque": (opaque, "decoding", "note", "opaque alpha dropped: 1", "without alpha"),
    "jpeg among png": (
        jpeg_among_png,
        "mixed-formats",
        "warning",
        "PNG: 129, JPEG: 1",
        "same kind",
    ),
    "bmp among png": (bmp_among_png, "mixed-formats", "note", "PNG: 129, BMP: 1", "same kind"),
    "jpeg called png": (jpeg_called_png, "misnamed-jpeg", "warning", f"{NUM} of {NUM}", ".jpg"),
    "grey among colour": (each(grey, 1), "grey-among-colour", "warning", f"1 of {NUM}", "check"),
    "copies": (copied, "exact-duplicates", "warning", "2 of 132", "remove the copies"),
    "all the same": (all_the_same, "exact-duplicates", "error", "are the same", "remove"),
    "nearly copies": (once_more_in_webp, "near-duplicates", "warning", "about 2 of 131", "look"),
    "folders": (in_folders, "class-order", "note", "3 folders", "--num-images"),
    "prefixes": (by_prefix, "class-order", "note", "of 50 to 80 pictures", "--num-images"),
}


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_alone(fault: str, clean: Path, look: Look) -> None:
    spoil, check, severity, what, remedy = FAULTS[fault]
    spoil(clean)
    finding = only(look(clean))
    assert (finding.check, finding.severity) == (check, severity)
    assert finding.source == str(clean)
    assert what in finding.what
    assert remedy in finding.remedy
    assert len(finding.examples) <= 3
    assert all(name.startswith(str(clean)) for name in finding.examples)


def test_a_clean_source_has_no_finding(stored: Path, look: Look) -> None:
    assert look(stored) == []


def test_options_of_scoring_lift_a_refusal(clean: Path, look: Look) -> None:
    transparent(clean)
    assert look(clean, transparency="white") == []


@pytest.mark.parametrize("spoil", [transparent, animated, linked_to_nothing])
def test_a_refused_picture_hides_no_other_and_is_looked_at_if_it_can_be(
    spoil: Spoil, clean: Path
) -> None:
    spoil(clean)
    (inventory,) = examine([str(clean)], Settings(extractor="random")).inventories
    assert len(inventory.refusals) == 1
    assert len(inventory.looks) == NUM


# Pairs of sources


def test_another_clean_source_is_no_fault(stored: Path, tmp_path: Path, look: Look) -> None:
    np.save(tmp_path / "other.npy", sharp(NUM, seed=2))
    assert look(stored, tmp_path / "other.npy") == []


def shared(folder: Path, stored: Path) -> None:
    shutil.copy(stored / "0007.png", folder / "0007.png")


def recompressed(folder: Path, stored: Path) -> None:
    with PIL.Image.open(stored / "0007.png") as picture:
        picture.resize((160, 160), BICUBIC).resize((80, 80), BICUBIC).save(folder / "0007.png")


PAIRS: dict[str, tuple[Callable[[Path, Path], object], str, str, str]] = {
    "shared": (shared, "overlap", "warning", f"in both: 1 of {NUM}"),
    "recompressed": (recompressed, "near-overlap", "note", f"about 1 of {NUM}"),
    "other size": (
        lambda folder, _: each(lambda picture: picture.crop((0, 0, 76, 76)))(folder),
        "other-size",
        "warning",
        "76x76: 130",
    ),
    "other colours": (lambda folder, _: each(grey)(folder), "other-colours", "warning", "grey"),
}


@pytest.fixture
def other(tmp_path: Path, write_pictures: Callable[[Path, Pixels], Path]) -> Path:
    return write_pictures(tmp_path / "other", sharp(NUM, seed=2))


@pytest.mark.parametrize("fault", PAIRS)
def test_a_fault_between_two_sources_is_found_alone(
    fault: str, other: Path, stored: Path, look: Look
) -> None:
    spoil, check, severity, what = PAIRS[fault]
    for path in sorted(other.iterdir()):
        path.rename(other / path.name[1:])
    spoil(other, stored)
    finding = only(look(stored, other))
    assert (finding.check, finding.severity) == (check, severity)
    assert finding.source == f"{other} and {stored}"
    assert what in finding.what


def test_compression_of_one_side_is_found(other: Path, stored: Path, look: Look) -> None:
    for path in sorted(other.iterdir()):
        with PIL.Image.open(path) as picture:
            picture.save(path.with_suffix(".jpg"), quality=90)
        path.unlink()
    finding = only(look(stored, other))
    assert finding.check == "other-compression"
    assert finding.what.startswith(f"{other} is compressed")


def test_the_same_pictures_twice_are_named_once(stored: Path, look: Look) -> None:
    finding = only(look(stored, stored))
    assert (finding.check, finding.what) == ("overlap", "the same pictures")
