"""The tour: real handwritten digits, ways to spoil a sample, and what each metric sees of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageDraw
from scipy import ndimage

from ganeval.errors import UsageError
from ganeval.evaluation import run
from ganeval.results.report import Report
from ganeval.settings import Settings
from ganeval.sources.datasets import digits

Pixels = npt.NDArray[np.uint8]  # [N, H, W]

REFERENCE = "reference"
_ENLARGE = 4  # from 8 pixels to 32, so that people can look at them
_NUM_REPEATED = 6
_NOISE = 12.0  # standard deviation on the 0..255 scale
_BLUR = 1.0  # pixels
_SHEET_COLUMNS = 12


def run_quickstart(folder: Path, settings: Settings) -> Report:
    """Write the picture folders, score them offline, write report, table and contact sheet.

    All samples have the same number of images, because most metrics depend on it.

    Raises:
        UsageError: `folder` holds something else than an earlier tour.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / REFERENCE).is_dir():
        raise UsageError(f"{folder}: holds something else", "a new folder", "choose one with --out")
    reference, samples = make_samples(np.random.default_rng(settings.seed))
    write_pictures(folder / REFERENCE, reference)
    for name, pictures in samples.items():
        write_pictures(folder / name, pictures)
    write_contact_sheet(folder / "samples.png", samples)
    settings = replace(settings, extractor="efficientnet-lite0", offline=True)
    report = run([str(folder / name) for name in samples], str(folder / REFERENCE), None, settings)
    report.save(folder / "report.json")
    report.save(folder / "table.md")
    return report


def make_samples(rng: np.random.Generator) -> tuple[Pixels, dict[str, Pixels]]:
    """Return the reference digits and the samples by name, uint8 [N, 32, 32]."""
    reference, _ = digits("train")
    test, labels = digits("test")
    few_classes = test[labels < 5]
    real = test[np.sort(rng.choice(len(test), len(few_classes), replace=False))]
    spoil: dict[str, Callable[[Pixels], Pixels]] = {
        "real": lambda pictures: pictures,
        "noisy": lambda pictures: _add_noise(pictures, rng),
        "blurred": lambda pictures: ndimage.gaussian_filter(pictures, (0, _BLUR, _BLUR)),
    }
    samples = {name: change(enlarge(real)) for name, change in spoil.items()}
    samples["half-the-classes"] = enlarge(few_classes)
    samples["few-repeated"] = np.resize(
        enlarge(real[:: len(real) // _NUM_REPEATED][:_NUM_REPEATED]), samples["real"].shape
    )
    return enlarge(reference), samples


def enlarge(pictures: Pixels) -> Pixels:
    """Return the pictures four times as large, smoothly, uint8."""
    size = pictures.shape[1] * _ENLARGE
    bicubic = PIL.Image.Resampling.BICUBIC
    return np.stack(
        [
            np.asarray(PIL.Image.fromarray(picture).resize((size, size), bicubic))
            for picture in pictures
        ]
    )


def _add_noise(pictures: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the pictures with Gaussian noise, rounded and clipped."""
    noise = rng.normal(0.0, _NOISE, pictures.shape)
    return np.clip(np.rint(pictures + noise), 0, 255).astype(np.uint8)


def write_pictures(folder: Path, pictures: Pixels) -> None:
    """Write one PNG for each picture."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures):
        PIL.Image.fromarray(picture).save(folder / f"{number:04}.png")


def write_contact_sheet(path: Path, samples: dict[str, Pixels]) -> None:
    """Write one picture with a labelled row of images for each sample."""
    cell, label = 2 * _ENLARGE * 8 + 4, 130
    sheet = PIL.Image.new("L", (label + _SHEET_COLUMNS * cell, len(samples) * cell), 255)
    draw = PIL.ImageDraw.Draw(sheet)
    for row, (name, pictures) in enumerate(samples.items()):
        draw.text((6, row * cell + cell // 2), name, fill=0, font_size=14, anchor="lm")
        for column, picture in enumerate(pictures[:_SHEET_COLUMNS]):
            large = PIL.Image.fromarray(picture).resize((cell - 4, cell - 4))
            sheet.paste(large, (label + column * cell, row * cell + 2))
    sheet.save(path)


def explain(report: Report, folder: Path) -> list[str]:
    """Return one sentence for each score on what the reader sees in the table."""

    def values(name: str, *samples: str) -> list[str]:
        return [f"{report[str(folder / sample), name].value:.3g}" for sample in samples]

    sentences = {
        "fid": "fid: the distance between two clouds of features; unseen real digits get {}, "
        "and every way to spoil them costs ({} noisy, {} blurred, {} without half of the classes).",
        "is": "is: rises with sharp and varied predictions and never looks at the reference; "
        "these networks know no digits, so {} for real and {} for noise says little.",
        "kid": "kid: like fid, but unbiased at any number of images: {} for real digits, "
        "{} for few images repeated.",
        "precision": "precision: the share of samples that look like some real digit: {} for real "
        "ones, {} for noisy and {} for blurred; missing classes do not hurt it ({}).",
        "recall": "recall: the share of real digits that the sample could have made: {} for real "
        "ones, {} without half of the classes, {} for few images repeated.",
        "density": "density: precision that counts how many real neighbours a sample has: {} for "
        "real, {} for noisy.",
        "coverage": "coverage: the share of real digits with a sample close by: {} for real, {} "
        "without half of the classes, {} for few images repeated.",
    }
    shown = {
        "fid": ("real", "noisy", "blurred", "half-the-classes"),
        "is": ("real", "noisy"),
        "kid": ("real", "few-repeated"),
        "precision": ("real", "noisy", "blurred", "half-the-classes"),
        "recall": ("real", "half-the-classes", "few-repeated"),
        "density": ("real", "noisy"),
        "coverage": ("real", "half-the-classes", "few-repeated"),
    }
    return [text.format(*values(name, *shown[name])) for name, text in sentences.items()]
