"""The files that a user names with -o: checked before the work, written whole after it."""

from collections.abc import Mapping
from pathlib import Path

from ganeval.errors import UsageError
from ganeval.machine.files import write_together


def check_output(path: Path, suffixes: tuple[str, ...]) -> None:
    """Refuse, before any work, an output file that could not be written.

    Raises:
        UsageError: Unknown suffix, missing folder, or a folder of that name.
    """
    if path.suffix.lower() not in suffixes:
        raise UsageError(
            f"{path}: unknown suffix '{path.suffix}'", f"one of {' '.join(suffixes)}", "rename it"
        )
    if not path.parent.is_dir():
        raise UsageError(
            f"{path}: there is no folder {path.parent}", "an existing folder", "make it first"
        )
    if path.is_dir():
        raise UsageError(f"{path}: is a folder", "a file name", "choose another name")


def write_output(contents: Mapping[Path, bytes]) -> None:
    """Write an output file and the files beside it, all or none; the named one comes first.

    Raises:
        UsageError: They cannot be written.
        ResourceError: The disk is full; older files of these names are still there.
    """
    try:
        write_together(contents)
    except OSError as error:
        raise UsageError(
            f"{next(iter(contents))}: cannot be written ({error.strerror})",
            "a folder with write access",
            "choose another with -o",
        ) from error
