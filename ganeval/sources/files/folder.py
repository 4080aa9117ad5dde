"""Folders of pictures or clips."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ganeval.errors import InputError
from ganeval.images.picture import DecodePolicy
from ganeval.machine.remote import is_remote
from ganeval.sources.files.chosen import DOT_FILES, ignored_reason
from ganeval.sources.files.encoded import (
    MAX_FILE_BYTES,
    NOT_REGULAR,
    EncodedSource,
    Listing,
    Reason,
    check_not_empty,
    too_large,
)
from ganeval.sources.files.file_options import FileOptions
from ganeval.sources.files.index import FilePlace
from ganeval.sources.files.medium import Medium
from ganeval.sources.files.remote_folder import RemoteFolder
from ganeval.sources.paths import is_folder, unreadable

LINKED_PICTURES = "links to listed pictures"
LINKED_FOLDERS = "links to listed folders"
ENCLOSING_FOLDERS = "links to enclosing folders"


@dataclass(frozen=True, slots=True)
class Folder(FileOptions):
    """Read the pictures or clips in a folder and in all folders within it.

    Links to folders and to items are followed, but nothing is listed twice. A real folder is listed
    under its own name if it lies within the source, else under the first link to it in the order of
    names. A link to an item that is listed anyway is left alone. So is a link to a folder that
    encloses the link or the source: it is a loop, and leads to items outside the source.
    """

    location: str

    def open(
        self, policy: DecodePolicy, *, offline: bool = False, written: str | None = None
    ) -> EncodedSource:
        """List the folder.

        Args:
            policy: How pictures are decoded.
            offline: Makes no difference here.
            written: The user's name for the source, if not `location`.

        Raises:
            InputError: It is not a folder, cannot be read, or holds no items.
        """
        if not is_folder(self.location):
            raise InputError(f"{self.location}: not a folder", "a folder", "leave out 'folder:'")
        files = RemoteFolder if is_remote(self.location) else FolderFiles
        return self.source(
            "folder",
            lambda medium: files(self.location, medium, self.pattern),
            policy=policy,
            location=self.location,
            written=written,
        )


class FolderFiles:
    """The files of a medium in a folder."""

    num_threads = 1

    def __init__(self, location: str, medium: Medium, pattern: str | None = None) -> None:
        self._root = Path(location)
        self._medium = medium
        self._prefix = location.rstrip("/") + "/"
        self.listing = self._list(pattern)
        check_not_empty(self.listing, location, medium)

    def name(self, index: int) -> str:
        """Return the path of an item, its name in messages."""
        return self._prefix + self.listing.names[index]

    def place(self, index: int) -> FilePlace:
        """Return the path of an item."""
        return self._prefix + self.listing.names[index], 0

    @contextmanager
    def stream(self, index: int) -> Iterator[BinaryIO]:
        """Open the file of an item."""
        try:
            with (self._root / self.listing.names[index]).open("rb") as file:
                yield file
        except OSError as error:
            raise unreadable(self.name(index), error) from error

    def read(self, index: int) -> bytes:
        """Return the bytes of an item."""
        with self.stream(index) as file:
            num_bytes = os.fstat(file.fileno()).st_size
            if num_bytes > MAX_FILE_BYTES:
                raise InputError(*too_large(self.name(index), num_bytes))
            return file.read()

    def check(self) -> None:
        """Do nothing; see `Container`."""

    def _list(self, pattern: str | None) -> Listing:
        """Walk through the folder and choose among its links."""
        walk = _Walk(self._root, self._prefix, self._medium, pattern)
        walk.visit_all()
        kept = list(walk.links)
        if walk.links:  # most folders have none, and then real paths are not needed
            listed = {walk.real_path(name) for name in walk.files}
            kept = [link for link in kept if os.path.realpath(self._root / link) not in listed]
            walk.ignored[LINKED_PICTURES] += len(walk.links) - len(kept)
        names = [*walk.files, *kept, *walk.problems]
        return Listing.of(names, +walk.ignored, walk.problems, raw=os.fsencode)


class _Walk:
    """What is found in a folder and all folders within it; names are relative, with slashes.

    Attributes:
        files: Files of items.
        links: Links to such files.
        problems: Links named like items that lead nowhere.
        ignored: Everything else, counted by reason.
    """

    def __init__(self, root: Path, prefix: str, medium: Medium, pattern: str | None) -> None:
        self._root = root
        self._medium = medium
        self._prefix = prefix
        self._pattern = pattern
        self._real: dict[str, str] = {}  # the real path of each folder that was visited
        self._visited: set[str] = set()  # all these paths
        self._folder_links: list[str] = []
        self.files: list[str] = []
        self.links: list[str] = []
        self.problems: dict[str, Reason] = {}
        self.ignored: Counter[str] = Counter()

    def visit_all(self) -> None:
        """Visit the root and every folder within it, then the folders that links lead to."""
        root = os.path.realpath(self._root)
        self._visit_tree("", root)
        while self._folder_links:
            self._folder_links.sort(key=os.fsencode, reverse=True)
            link = self._folder_links.pop()
            target = os.path.realpath(self._root / link)
            around = (root, self._real[link.rpartition("/")[0]])
            if any(path == target or path.startswith(target.rstrip("/") + "/") for path in around):
                self.ignored[ENCLOSING_FOLDERS] += 1
            else:
                self._visit_tree(link, target)

    def real_path(self, name: str) -> str:
        """Return where the file of an item really is."""
        folder, _, file = name.rpartition("/")
        return os.path.join(self._real[folder], file)  # noqa: PTH118 (quick, for every file)

    def _visit_tree(self, top: str, real_top: str) -> None:
        """Visit a folder and the real folders within it, but none twice."""
        pending = [(top, real_top)]
        while pending:
            folder, real = pending.pop()
            if real in self._visited:
                self.ignored[LINKED_FOLDERS] += 1
                continue
            self._visited.add(real)
            self._real[folder] = real
            prefix = folder and folder + "/"
            try:
                with os.scandir(self._root / folder) as entries:
                    pending += [
                        (prefix + entry.name, f"{real.rstrip('/')}/{entry.name}")
                        for entry in entries
                        if self._visit(entry, prefix + entry.name)
                    ]
            except OSError as error:
                raise unreadable(self._prefix + prefix, error) from error

    def _visit(self, entry: os.DirEntry[str], name: str) -> bool:
        """Note a file or link; return whether it is a folder to go into."""
        reason = ignored_reason(name, self._medium, self._pattern)
        if reason == DOT_FILES:
            self.ignored[DOT_FILES] += 1
        elif entry.is_symlink():
            self._visit_link(entry, name, reason)
        elif entry.is_dir(follow_symlinks=False):
            return True
        elif not entry.is_file(follow_symlinks=False):
            self.ignored[NOT_REGULAR] += 1
        elif reason is not None:
            self.ignored[reason] += 1
        else:
            self.files.append(name)
        return False

    def _visit_link(self, entry: os.DirEntry[str], name: str, reason: str | None) -> None:
        """Note a symbolic link by what it leads to."""
        try:
            mode = entry.stat().st_mode
        except OSError as error:
            if reason is None:
                target = Path(entry.path).readlink()
                self.problems[name] = (
                    f"{self._prefix}{name}: a link to '{target}' ({error.strerror})",
                    f"a link to a {self._medium.content}",
                    "repair or remove the link",
                )
            else:
                self.ignored[reason] += 1
            return
        if stat.S_ISDIR(mode):
            self._folder_links.append(name)
        elif not stat.S_ISREG(mode):
            self.ignored[NOT_REGULAR] += 1
        elif reason is not None:
            self.ignored[reason] += 1
        else:
            self.links.append(name)
