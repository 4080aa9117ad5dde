"""Write the samples of a generator: as PNG or WAV files in a folder or a zip, an npz, one grid."""

import glob
import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import PIL.Image
from PIL.PngImagePlugin import PngInfo

from ganeval.audio.clip import SUFFIXES as SOUNDS
from ganeval.errors import InputError, UsageError
from ganeval.flow.sample_files import FILES, MARK, PictureFiles, SampleFiles
from ganeval.generators.options import GeneratorOptions
from ganeval.images.picture import SUFFIXES as PICTURES
from ganeval.images.picture import DecodePolicy
from ganeval.images.sheet import sheet_of
from ganeval.machine.files import leftover_of, write_whole, writing
from ganeval.machine.progress import Progress, silent
from ganeval.sources.base import Source
from ganeval.sources.open import open_source

_AT_ONCE = 256
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # the same samples make the same zip
_OTHER_ARCHIVES = (".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".npy")


def write_samples(
    checkpoint: str,
    num: int,
    target: Path,
    *,
    columns: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    generator: GeneratorOptions | None = None,
    progress: Progress = silent,
) -> None:
    """Write `num` samples of a checkpoint, numbered from 0.

    Every file is whole. An interrupted command goes on where it was: existing files stay as they
    are. Each file carries a mark of its checkpoint, seed, options and condition, so that files with
    another mark are noticed and kept. A zip gets its name when it is complete; until then its files
    are in a hidden folder beside it. An npz has the layout of ADM (Dhariwal and Nichol, 2021):
    `arr_0` uint8 [N, H, W, 3], and `arr_1` int64 [N] if there are classes. For clips `arr_0` is
    float32 [N, channels, samples], and `rate` is the sampling rate.

    Args:
        checkpoint: A path, or a source text with options (`"generator:g.pt,entry=..."`).
        num: Number of samples, at least 1.
        target: A folder, made if need be, or a file ending in .zip or .npz in a folder that exists;
            for a grid one ending in .png.
        columns: Columns of a grid of all samples in one picture; None for no grid.
        seed: Seed of the samples.
        device: Where the network runs, if the text of the checkpoint does not say it.
        generator: Options that the checkpoint does not give itself.
        progress: Called with how far the work is.

    Raises:
        InputError: The checkpoint cannot be used, or folder or zip hold samples of another one.
        UsageError: `num` is below 1, or the target cannot be used or holds other files.
        ResourceError: The disk is full, or the device is not there.
    """
    if num < 1:
        raise UsageError(f"-n {num}", "at least 1", "change it")
    ending = target.suffix.lower()
    if (ending == ".png") != (columns is not None):
        raise UsageError(
            f"{target}: {'a picture' if columns is None else 'not a picture'}",
            "a name ending in .png for a grid, and only for a grid",
            "change -o, or --grid",
        )
    if ending in (".zip", ".npz", ".png") and (target.is_dir() or not target.parent.is_dir()):
        raise UsageError(f"{target}: not a place for that file", "an existing folder", "change -o")
    if ending in _OTHER_ARCHIVES:
        raise UsageError(
            f"{target}: an archive of kind {target.suffix}",
            "a folder, or a name ending in .zip or .npz",
            "change -o",
        )
    if columns is None and ending[1:] in (*PICTURES, *SOUNDS) and not target.is_dir():
        raise UsageError(
            f"{target}: the name of one {ending[1:]} file",
            "a folder, or a name ending in .zip or .npz",
            "change -o",
        )
    source = _open(checkpoint, num, seed, device, generator or GeneratorOptions())
    digits = max(5, len(str(num - 1)))
    files = FILES[source.info.content]
    if columns is not None and source.info.content != "picture":
        raise UsageError(f"{checkpoint}: makes clips", "pictures for a grid", "leave out --grid")
    names = [f"{number:0{digits}}{files.suffix}" for number in range(num)]
    marks = _marks(source)
    if ending == ".zip":
        _write_zip(source, names, target, marks, progress)
    elif ending == ".npz":
        _write_npz(source, target, marks, progress)
    elif columns is not None:
        _write_grid(source, target, marks, columns)
    else:
        _write_folder(source, names, target, marks, progress)


def _marks(source: Source) -> list[str]:
    """Return the mark of each sample, which differs for other networks, options and conditions."""
    # Where the conditions lie does not matter: the digests cover their content.
    settings = {key: it for key, it in source.info.settings.items() if key != "condition"}
    common = json.dumps(settings, sort_keys=True).encode()
    marks = []
    for start in range(0, len(source), _AT_ONCE):
        items = source.load(range(start, min(start + _AT_ONCE, len(source))))
        marks += [hashlib.sha256(common + item.digest).hexdigest() for item in items]
    return marks


def _open(checkpoint: str, num: int, seed: int, device: str, generator: GeneratorOptions) -> Source:
    """Return the generator as a source of exactly so many samples."""
    given = {"num_images": num, "seed": seed, "device": device, **generator.given()}
    source = open_source(checkpoint, policy=DecodePolicy(), generator=given)
    if source.info.kind != "generator":
        raise InputError(
            f"{checkpoint}: a source of {source.info.noun} of kind {source.info.kind}",
            "a generator's file",
            "name one",
        )
    if len(source) != num:
        raise UsageError(
            f"{checkpoint}: says num_images={len(source)}, but -n says {num}",
            "one of them",
            "leave num_images out",
        )
    return source


def _write_folder(
    source: Source, names: list[str], folder: Path, marks: list[str], progress: Progress
) -> None:
    """Write the missing files of a folder that holds nothing else."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = FILES[source.info.content]
        present = _present(folder, dict(zip(names, marks, strict=True)), files)
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be used ({error.strerror or error})",
            "a folder that may be written to, or a name ending in .zip",
            "choose another with -o",
        ) from error
    missing = [at for at, name in enumerate(names) if name not in present]
    try:
        for done, (at, content) in enumerate(_encoded(source, missing, marks)):
            progress(str(folder), len(names) - len(missing) + done, len(names), source.info.noun)
            write_whole(folder / names[at], content)
    except KeyboardInterrupt as error:
        num = sum((folder / name).exists() for name in names)
        raise KeyboardInterrupt(
            f"interrupted: {num:,} of {len(names):,} samples are in {folder}; run the same command "
            "again to go on"
        ) from error
    progress(str(folder), len(names), len(names), source.info.noun)


def _present(folder: Path, marks: Mapping[str, str], files: SampleFiles) -> set[str]:
    """Return which of the files are there already; remove half-written ones of a killed run.

    Raises:
        InputError: One belongs to another checkpoint, seed or option.
        UsageError: There are other files.
    """
    wanted = set(marks)
    found = sorted(path.name for path in folder.iterdir())
    leftovers = {name for name in found if leftover_of(name) in wanted}
    others = [name for name in found if name not in wanted | leftovers]
    if others:
        raise UsageError(
            f"{folder}: holds other files, such as {others[0]}",
            "a folder for exactly these samples",
            "choose another with -o",
        )
    for name in leftovers:
        (folder / name).unlink(missing_ok=True)
    present = wanted.intersection(found)
    for name in sorted(present):
        if files.mark_of(folder / name) != marks[name]:
            raise InputError(
                f"{folder / name}: not of this checkpoint, seed and options",
                "an empty folder, or one that the same command began on a machine like this one",
                "choose another with -o, or remove that one",
            )
    return present


def _write_zip(
    source: Source, names: list[str], path: Path, marks: list[str], progress: Progress
) -> None:
    """Write all files into a folder beside the zip, and then the zip."""
    if path.exists():
        files = FILES[source.info.content]
        _check_zip(path, dict(zip(names, marks, strict=True)), files)
    of_these = hashlib.sha256("".join(marks).encode()).hexdigest()[:16]
    parts = path.parent / f".{path.name}.{of_these}.parts"
    _write_folder(source, names, parts, marks, progress)
    with writing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name, _FIXED_DATE), (parts / name).read_bytes())
    for folder in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 16}.parts"):
        shutil.rmtree(folder)


def _check_zip(path: Path, marks: Mapping[str, str], files: SampleFiles) -> None:
    """Refuse to replace a zip that holds anything which will not be in the new one.

    Raises:
        InputError: It is not a zip, or belongs to another checkpoint, seed or option.
        UsageError: It holds other files.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = sorted(archive.namelist())
            others = [name for name in found if name not in marks]
            if others:
                raise UsageError(
                    f"{path}: holds other files, such as {others[0]}",
                    "a new name, or a zip of exactly these samples",
                    "choose another with -o",
                )
            foreign = [
                name
                for name in found
                if files.mark_of(io.BytesIO(archive.read(name))) != marks[name]
            ]
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InputError(
            f"{path}: exists already, and is not a zip of samples ({error})",
            "a new name",
            "choose another with -o, or remove that file",
        ) from error
    if foreign:
        raise InputError(
            f"{path}/{foreign[0]}: not of this checkpoint, seed and options",
            "a new name, or a zip that the same command made on a machine like this one",
            "choose another with -o, or remove that one",
        )


def _write_npz(source: Source, path: Path, marks: list[str], progress: Progress) -> None:
    """Write all samples as one array, a few of them in memory at a time."""
    mark = hashlib.sha256("".join(marks).encode()).hexdigest()
    if path.exists():
        _check_mark(path, _comment_of(path), mark)
    labels = source.labels()
    with writing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = mark.encode()
        entry = zipfile.ZipInfo("arr_0.npy", _FIXED_DATE)
        with archive.open(entry, "w", force_zip64=True) as array:
            for start in range(0, len(source), _AT_ONCE):
                progress(str(path), start, len(source), source.info.noun)
                items = source.load(range(start, min(start + _AT_ONCE, len(source))))
                rows = FILES[source.info.content].rows(items)
                if start == 0:
                    shape = (len(source), *rows.shape[1:])
                    header = {"descr": rows.dtype.str, "fortran_order": False, "shape": shape}
                    np.lib.format.write_array_header_1_0(array, header)
                array.write(rows.tobytes())
        if source.info.content == "clip":
            with archive.open(zipfile.ZipInfo("rate.npy", _FIXED_DATE), "w") as array:
                np.lib.format.write_array(array, np.array(source.info.settings["rate"]))
        if labels is not None:
            with archive.open(zipfile.ZipInfo("arr_1.npy", _FIXED_DATE), "w") as array:
                np.lib.format.write_array(array, np.array(labels).astype(np.int64))
    progress(str(path), len(source), len(source), source.info.noun)


def _write_grid(source: Source, path: Path, marks: list[str], columns: int) -> None:
    """Write all samples as one picture; small ones are enlarged, each pixel to a square."""
    mark = hashlib.sha256(f"{columns} {''.join(marks)}".encode()).hexdigest()
    if path.exists():
        _check_mark(path, PictureFiles().mark_of(path), mark)
    pixels = np.stack([item.picture().pixels for item in source.load(range(len(source)))])
    sheet = sheet_of(pixels, columns)
    text, buffer = PngInfo(), io.BytesIO()
    text.add_text(MARK, mark)
    PIL.Image.fromarray(sheet).save(buffer, "PNG", pnginfo=text)
    write_whole(path, buffer.getvalue())


def _comment_of(path: Path) -> str | None:
    """Return the mark of an npz, None if it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment.decode("ascii", "replace")
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return None


def _check_mark(path: Path, found: str | None, mark: str) -> None:
    """Refuse to replace a file that the same command did not write.

    Raises:
        InputError: Its mark differs.
    """
    if found != mark:
        raise InputError(
            f"{path}: exists already, with another checkpoint, seed or options",
            "a new name, or a file that the same command made on a machine like this one",
            "choose another with -o, or remove that one",
        )


def _encoded(source: Source, indices: list[int], marks: list[str]) -> Iterator[tuple[int, bytes]]:
    """Yield each sample's index and its file."""
    files = FILES[source.info.content]
    for start in range(0, len(indices), _AT_ONCE):
        chosen = indices[start : start + _AT_ONCE]
        for at, item in zip(chosen, source.load(chosen), strict=True):
            yield at, files.encode(item, marks[at])
