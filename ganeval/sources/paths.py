"""Find out what lies at a path: nothing, or a kind of source, by its content."""

import difflib
import re
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import BinaryIO

from ganeval.errors import InputError
from ganeval.generators.onnx_file import is_onnx
from ganeval.generators.pretrained_folder import weights_in
from ganeval.generators.program_kind import kind_of_members
from ganeval.machine.remote import RemotePath, is_remote
from ganeval.machine.remote_file import open_file
from ganeval.sources.files.tar_headers import SenselessHeaderError, open_tar

_SOURCES = (
    "a folder, a zip, tar, npz or npy file of pictures or clips, a generator's checkpoint, or "
    "data:NAME"
)

# A file with such an ending is taken for a checkpoint; if it is not, the reader says what it is.
_CHECKPOINT_SUFFIXES = (".safetensors", ".pt", ".pth", ".pt2", ".ckpt", ".pkl", ".onnx", ".h5")

# Files at the top of a folder that belong to other software, and what messages call the folder.
_PIPELINES = {
    "model_index.json": "a pipeline of diffusers",
    "saved_model.pb": "a SavedModel of TensorFlow",
}

_RUN = ".ganeval-run.json"  # in the folder of each run of `ganeval train`

_HDF5 = b"\x89HDF\r\n\x1a\n"

# How files that are not sources begin, where `.` is any byte, and what messages call them.
_BEGINNINGS = (
    (b"\x89PNG", "one PNG picture"),
    (b"\xff\xd8\xff", "one JPEG picture"),
    (b"GIF8", "one GIF picture"),
    (b"RIFF....WEBP", "one WebP picture"),
    (b"RIFF....WAVE", "one WAV file of sound"),
    (b"RF64....WAVE", "one WAV file of sound"),
    (b"FORM....AIF", "one AIFF file of sound"),
    (b"fLaC", "one FLAC file of sound"),
    (b"OggS", "one Ogg file of sound"),
    (b"ID3", "one MP3 file of sound"),
    (b"BM", "one BMP picture"),
    (b"II*\x00", "one TIFF picture"),
    (b"MM\x00*", "one TIFF picture"),
    (b"version https://git-lfs", "a Git LFS pointer, whose content was not fetched"),
    (b"<", "a web page or other markup"),
    (b"{", "JSON text"),
    (b"PK", "a damaged or truncated zip or npz file"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
)

_COMPRESSIONS = (
    (b"\x1f\x8b", "gzip", "gunzip"),
    (b"BZh", "bzip2", "bunzip2"),
    (b"\xfd7zXZ", "xz", "unxz"),
    (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
)


def exists(location: str) -> bool:
    """Return whether there is anything at a path, even a link that leads nowhere.

    A URL counts as existing, since only its server knows.
    """
    if is_remote(location):
        return True
    if not location:  # pathlib takes it for the current folder
        return False
    try:
        Path(location).lstat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as error:
        raise unreadable(location, error) from error
    return True


def missing(location: str) -> InputError:
    """Return the error for a path where nothing is, with the most similar name in its folder."""
    if is_remote(location):
        return InputError(f"{location}: nothing is there", _SOURCES, "check the URL")
    path = Path(location)
    whole = [number for number, part in enumerate(path.parts) if set(part) & set("*?[")]
    folder = Path(*path.parts[: whole[0]]) if whole else path
    if whole and folder.is_dir():
        pattern = "/".join(path.parts[whole[0] :])
        return InputError(
            f"{location}: no file of that name",
            "a folder and a pattern for the names in it",
            f"write 'folder:{folder},pattern={pattern}'",
        )
    before, comma, options = location.partition(",")
    if comma and "=" in options and Path(before).exists():
        return InputError(
            f"{location}: no file of that name",
            "the kind of the source before its options",
            f"write '{kind_of(before)}:{location}'",
        )
    try:
        siblings = [entry.name for entry in path.parent.iterdir()]
    except (OSError, ValueError):
        siblings = []
    near = difflib.get_close_matches(path.name, siblings, n=1)
    remedy = f"did you mean '{path.parent / near[0]}'?" if near else "check the path"
    return InputError(f"{location or '(empty)'}: no such file or directory", _SOURCES, remedy)


def unreadable(name: str, error: OSError) -> InputError:
    """Return the error for a file or folder that cannot be read."""
    return InputError(
        f"{name}: cannot be read ({error.strerror or error})",
        "a file that stays there and may be read",
        "check that it exists, and its permissions",
    )


def is_folder(location: str) -> bool:
    """Tell whether a folder lies at a path or URL.

    Raises:
        InputError: There is nothing, or it may not be read.
    """
    if not is_remote(location):
        return stat.S_ISDIR(_file_mode(location))
    place = RemotePath.of(location)
    if location.endswith("/") and not place.lists:
        raise InputError(
            f"{location}: a folder on the web, which cannot be listed",
            "a file there, or a folder on a file system such as s3://",
            "put the pictures into a zip or tar, or copy them here",
        )
    try:
        return str(place.info()["type"]) == "directory"
    except FileNotFoundError as error:
        raise missing(location) from error


def _file_mode(location: str) -> int:
    """Return the mode bits of the file or folder at a local path."""
    if not exists(location):
        raise missing(location)
    try:
        return Path(location).stat().st_mode
    except OSError as error:
        raise unreadable(location, error) from error


def check_regular_file(location: str) -> None:
    """Refuse what is not a regular file; opening a FIFO would wait for ever."""
    regular = not is_folder(location) if is_remote(location) else stat.S_ISREG(_file_mode(location))
    if not regular:
        raise InputError(f"{location}: not a regular file", _SOURCES, "name another path")


def check_no_pipeline(location: str) -> None:
    """Refuse a folder that is a model of other software, or a run of `ganeval train`.

    Raises:
        InputError: It is one.
    """
    if not is_remote(location) and (Path(location) / _RUN).is_file():
        checkpoints = sorted(Path(location).glob("*.safetensors"))
        name = checkpoints[0] if checkpoints else f"{location}/MODEL.safetensors"
        raise InputError(
            f"{location}: a run of `ganeval train`, whose pictures are sheets of samples",
            _SOURCES,
            f"name its checkpoint, {name} (folder:{location} if the sheets are meant)",
        )
    for name, what in _PIPELINES.items():
        if not is_remote(location) and (Path(location) / name).is_file():
            raise InputError(
                f"{location}: {what}, which is loaded by its own library's code",
                _SOURCES,
                f"write its images to a folder and score that (folder:{location} if the pictures "
                "in this one are meant)",
            )


def kind_of(location: str) -> str:
    """Return the kind of source that lies at an existing path, by its content.

    Raises:
        InputError: It is not a source; the message says what it looks like.
    """
    if is_folder(location):
        check_no_pipeline(location)
        is_network = not is_remote(location) and weights_in(Path(location)) is not None
        return "generator" if is_network else "folder"
    check_regular_file(location)
    try:
        with open_file(location) as file:
            beginning = file.read(64)
            members = _zip_members(file, location)
            is_tar = members is None and _is_tar(file)
    except OSError as error:
        raise unreadable(location, error) from error
    if members is not None:
        return _kind_of_zip(members)
    if beginning.startswith(b"\x93NUMPY"):
        return "npy"
    for magic, compression, command in _COMPRESSIONS:
        if beginning.startswith(magic):
            raise InputError(
                f"{location}: compressed with {compression}",
                "a tar without compression, whose members can be read in place, or a zip",
                f"decompress it first (`{command}`)",
            )
    if is_tar:
        return "tar"
    if _is_checkpoint(location, beginning):
        return "generator"
    raise _no_source(location, beginning)


def _zip_members(file: BinaryIO, location: str) -> list[str] | None:
    """Return the names in a zip file, or None if it is not a zip file."""
    try:
        if not zipfile.is_zipfile(file):
            return None
        with zipfile.ZipFile(file) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise damaged(location, "zip or npz file", error) from error


def _is_tar(file: BinaryIO) -> bool:
    """Return whether a file is a tar archive without compression."""
    try:
        with open_tar(file) as archive:
            return archive.next() is not None
    except SenselessHeaderError:
        return True
    except tarfile.TarError:
        return False


def _kind_of_zip(members: list[str]) -> str:
    """Tell zip, npz and PyTorch's checkpoints and programs apart."""
    if members and all(name.endswith(".npy") for name in members):
        return "npz"
    is_program = kind_of_members(members) is not None
    if is_program or any(name.endswith("data.pkl") for name in members):
        return "generator"
    return "zip"


def _is_checkpoint(location: str, beginning: bytes) -> bool:
    """Tell whether a file is a checkpoint, by its beginning or its name."""
    tensors = beginning[8:9] == b"{"  # safetensors: the header's length in 8 bytes, then JSON
    pickle = beginning[:1] == b"\x80" and beginning[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")
    other = is_onnx(beginning) or beginning.startswith(_HDF5)
    return tensors or pickle or other or location.lower().endswith(_CHECKPOINT_SUFFIXES)


def _no_source(location: str, beginning: bytes) -> InputError:
    """Return the error for a file of an unknown kind."""
    looks: list[str] = []
    if not beginning:
        found = "an empty file"
    else:
        looks = [what for magic, what in _BEGINNINGS if _begins(beginning, magic)]
        found = f"looks like {looks[0]}" if looks else "not a kind of file that holds images"
    remedy = "name one of these, or make the file again"
    if looks and looks[0].startswith("one "):
        remedy = "put the files into a folder and name the folder"
    return InputError(f"{location}: {found}", _SOURCES, remedy)


def _begins(beginning: bytes, magic: bytes) -> bool:
    """Tell whether a file begins with these bytes, where `.` is any byte."""
    pattern = re.escape(magic).replace(rb"\.", b".")
    return re.match(pattern, beginning, re.DOTALL) is not None


def damaged(location: str, what: str, error: Exception) -> InputError:
    """Return the error for an archive or array file that cannot be read to its end."""
    return InputError(
        f"{location}: damaged or truncated {what} ({error})",
        "a whole file",
        "make or download it again",
    )
