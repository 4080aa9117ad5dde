"""The files of a run: the run keeps a list of the files that it made, and changes no others."""

import errno
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import ganeval
from reference_models.engine.whole import leftovers, written_whole

_LIST = ".ganeval-run.json"
_SCHEMA = "ganeval.run/1"


class RunFiles:
    """The files that a run may write in its folder: free names, or files that it wrote before.

    The list is a file in the folder. A name is put on the list before its file is made, so that a
    killed run knows its files. A new run owns no files, even if an older run left some there.

    Attributes:
        folder: Folder of the run; created with the first file.
    """

    def __init__(
        self,
        folder: Path,
        *,
        resume: bool = False,
        unlisted: Sequence[str] = (),
        list_name: str = _LIST,
    ) -> None:
        """Read the list of a resumed run.

        Args:
            folder: Folder of the run; it need not exist.
            resume: Whether the run is resumed.
            unlisted: Patterns of the files of old runs, which have no list.
            list_name: Name of the list. Runs of different kinds have different lists, so that they
                do not overwrite each other's files.

        Raises:
            GanevalError: Another file has the name of the list.
        """
        self.folder = folder
        self._list, self._names = folder / list_name, set[str]()
        listed = _read(self._list)
        if resume and listed is None:
            self._names = {path.name for pattern in unlisted for path in folder.glob(pattern)}
        elif resume:
            self._names = set(listed or ())

    def check(self, *names: str) -> None:
        """Check that names are free, or that their files belong to the run.

        An empty file may be replaced, because nothing is lost.

        Args:
            *names: Names within the folder, such as `"samples/000200.png"`.

        Raises:
            GanevalError: A foreign file or folder has the name, or a file has the name of its
                folder.
        """
        for name in names:
            path = self.folder / name
            above = next(one for one in path.parents if one.exists())
            if not above.is_dir():
                raise ganeval.GanevalError(
                    f"{above}: is a file", "a folder, or a free name for a folder", "change --out"
                )
            taken = path.exists() and (path.is_dir() or path.stat().st_size > 0)
            if taken and name not in self._names:
                raise ganeval.GanevalError(
                    f"{path}: exists already, and this run did not write it",
                    "a free name",
                    "move it away, or choose another folder with --out",
                )

    def claim(self, name: str) -> Path:
        """Return the path of a file that is about to be written, and put its name on the list.

        Raises:
            GanevalError: As in `check`.
            OSError: The folder cannot be created or written to.
        """
        self.check(name)
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name not in self._names:
            self._names.add(name)
            self._write()
        return path

    def claim_all(self, names: Iterable[str]) -> list[Path]:
        """Return the paths of several files; see `claim`."""
        return [self.claim(name) for name in names]

    def below(self, folder: str) -> list[Path]:
        """Return the run's files in a folder or below it, in order."""
        paths = (self.folder / name for name in sorted(self._names))
        return [path for path in paths if path.is_relative_to(self.folder / folder)]

    def remove(self, paths: Iterable[Path]) -> None:
        """Remove files of the run."""
        names = {path.relative_to(self.folder).as_posix() for path in paths}
        assert names <= self._names
        for name in names:
            (self.folder / name).unlink(missing_ok=True)
        if names:
            self._names -= names
            self._write()

    def remove_leftovers(self) -> None:
        """Remove incomplete files of a killed run."""
        own = {self._list, *(self.folder / name for name in self._names)}
        for folder in {path.parent for path in own}:
            for path, name in leftovers(folder):
                if folder / name in own:
                    path.unlink(missing_ok=True)

    def _write(self) -> None:
        """Write the list."""
        content = {"schema": _SCHEMA, "files": sorted(self._names)}
        with written_whole(self._list) as file:
            file.write(f"{json.dumps(content, indent=1)}\n".encode())


def _read(path: Path) -> list[str] | None:
    """Return the names on a list; None if there is no such file."""
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_bytes())
        if content["schema"] != _SCHEMA:
            raise ValueError(f"schema {content['schema']!r}")
        return [str(name) for name in content["files"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ganeval.GanevalError(
            f"{path}: not the list of a run's files ({error})",
            "the list that the run wrote, or no such file",
            "move it away, or choose another folder with --out",
        ) from error


@contextmanager
def refusals_explained() -> Iterator[None]:
    """Turn permanent errors of the file system into an error that says what to do.

    A full disk stays an OSError with the name of the file: the user can free space and continue the
    run.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None or error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ganeval.GanevalError(
            f"{error.filename}: cannot be written ({error.strerror})",
            "a folder with write access",
            "choose another folder with --out",
        ) from error
