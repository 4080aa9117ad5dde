"""Picture files, and our scores and features of them, for comparison with the peers'.

One random Inception state dict serves both sides: the published one needs a download.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest

import ganeval
from ganeval.features.collect import collect
from ganeval.features.jobs import Job
from ganeval.flow.choose import find_protocol
from ganeval.flow.settings import build_settings
from ganeval.flow.workspace import open_workspace
from ganeval.sources.open import open_source
from tests.random_inception import FILE_NAME, write_random_inception

Size = tuple[int, int]  # height, width

SIZES: tuple[Size, ...] = ((33, 33), (64, 64), (300, 300), (517, 517), (47, 33), (300, 200))
NUM_SAMPLE, NUM_REFERENCE = 12, 8
# Half of the sample is of the reference's kind, so that no score is at its limit: the half that
# torch-fidelity's permutation deals to the second of two splits, so that their Inception Scores
# differ and the standard deviation is no small difference of large numbers.
STRIPED = np.random.RandomState(2020).permutation(NUM_SAMPLE)[: NUM_SAMPLE // 2]
LAYERS = ("logits", "pool")


class Folders(NamedTuple):
    """Where the pictures are."""

    sample: Path
    reference: Path


class Ours(NamedTuple):
    """What we say of two folders: the scores, and the rows of each layer by side."""

    report: ganeval.Report
    sample: dict[str, npt.NDArray[np.float32]]
    reference: dict[str, npt.NDArray[np.float32]]


@pytest.fixture(scope="session")
def shared_weights_path(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The weight file, in a torch hub cache that all workers of this run share."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    path = shared / "torch" / "hub" / "checkpoints" / FILE_NAME
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_random_inception(own / "weights").replace(path)  # at once: another worker may look
    return path


@pytest.fixture
def weights_path(shared_weights_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weight file, which peers that ask torch for the published one get too."""
    monkeypatch.setenv("TORCH_HOME", str(shared_weights_path.parents[2]))
    return shared_weights_path


@pytest.fixture
def write_folders(tmp_path: Path) -> Callable[..., Folders]:
    """Write a sample and a reference folder whose pictures have the sizes in turn."""

    def write(sizes: Sequence[Size] = SIZES) -> Folders:
        rng = np.random.default_rng(7)
        folders = Folders(tmp_path / "sample", tmp_path / "reference")
        for folder, num in zip(folders, (NUM_SAMPLE, NUM_REFERENCE), strict=True):
            folder.mkdir()
            for number in range(num):
                draw = _stripes if folder == folders.sample and number in STRIPED else _blobs
                height, width = sizes[number % len(sizes)]
                picture = draw(rng, height, width) + rng.normal(0, 8, (height, width, 3))
                _save(np.clip(np.rint(picture), 0, 255).astype(np.uint8), folder, number)
        return folders

    return write


def _blobs(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float64]:
    """Return float64 [height, width, 3]: soft blobs of colour, each picture unlike the others."""
    cells = rng.uniform(0, 255, (*rng.integers(3, 9, 2), 3)).astype(np.uint8)
    blobs = PIL.Image.fromarray(cells)
    return np.asarray(blobs.resize((width, height), PIL.Image.Resampling.BICUBIC), np.float64)


def _stripes(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float64]:
    """Return float64 [height, width, 3]: dark stripes, all pictures alike."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    wave = np.sin(2 * np.pi * (rng.uniform() + 5 * x + 3 * y))
    return np.where(wave > 0.3, 1.0, 0.1)[..., None] * np.array([110.0, 70.0, 30.0])


def _save(pixels: npt.NDArray[np.uint8], folder: Path, number: int) -> None:
    """Write a numbered file; the third of a folder is a JPEG and the fourth a gray PNG."""
    picture = PIL.Image.fromarray(pixels)
    if number == 2:
        picture.save(folder / f"{number:03}.jpg", quality=90)
    else:
        mode = "L" if number == 3 else "RGB"
        picture.convert(mode).save(folder / f"{number:03}.png")


@pytest.fixture
def score(weights_path: Path) -> Callable[[Folders, str, Sequence[str]], Ours]:
    """Score the folders by the public function, and fetch the features that it scored."""

    def run(folders: Folders, protocol: str, metrics: Sequence[str]) -> Ours:
        options = {"protocol": protocol, "weights": weights_path, "device": "cpu"}
        options |= {"batch_size": 4}  # no time is lost on padding
        report = ganeval.evaluate(
            sample=folders.sample, reference=folders.reference, metrics=metrics, **options
        )
        settings = build_settings(options)
        rows = []
        layers = {"inception": LAYERS}
        with open_workspace(settings, find_protocol(protocol), layers) as workspace:
            for folder in folders:
                source = open_source(folder, policy=settings.decode)
                job = Job(
                    location=str(folder),
                    source=source,
                    indices=range(len(source)),
                    wanted=[(workspace.networks["inception"], LAYERS)],
                    opens=None,
                )
                features = collect(
                    job,
                    workspace.store,
                    pool=workspace.pool,
                    skip_bad=False,
                    progress=settings.progress,
                )
                assert features.num_computed == 0, "these are not the features that were scored"
                rows.append({layer: features.of(("inception", layer)).rows() for layer in LAYERS})
        return Ours(report, *rows)

    return run
