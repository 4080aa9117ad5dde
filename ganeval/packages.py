"""Find what installed packages add to our tables through their entry points."""

import dataclasses
import importlib
import logging
import operator
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

from ganeval.errors import UsageError

log = logging.getLogger(__name__)

_FILE = "entry_points.txt"
_MARK = "[ganeval."  # how a section of ours begins in that file


@dataclass(frozen=True, slots=True)
class Addition:
    """What a package adds to a table.

    Attributes:
        name: What users call it.
        target: Where it is, as `"module:Object"`.
        package: The name of the distribution that adds it.
    """

    name: str
    target: str
    package: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """How other packages add to a table, and what they may add.

    Attributes:
        group: The group of their entry points.
        members: Names of the members that an addition has.
        required: Fields that may lack a default, if an addition is a frozen dataclass whose fields
            are options; None if it is not a dataclass.
        check: Function `"module:function"` that returns what else an addition lacks, or None for a
            complete one; it is imported with the first addition.
        reserved: Names that mean something else where users write names of the table.
    """

    group: str
    members: tuple[str, ...]
    required: tuple[str, ...] | None = None
    check: str | None = None
    reserved: tuple[str, ...] = ()

    def additions(self) -> Mapping[str, tuple[Addition, ...]]:
        """Return what installed packages add by name; several packages may add one name."""
        return _declared(tuple(sys.path)).get(self.group, {})

    def load(self, kind: str, addition: Addition) -> Any:
        """Import and return an addition.

        Args:
            kind: Kind of the addition, for the message.
            addition: Which one.

        Raises:
            UsageError: It cannot be imported, or lacks something that its kind needs.
        """
        what = f"{kind} '{addition.name}' of the package {addition.package}"
        remedy = f"tell the authors of {addition.package}, or uninstall it"
        try:
            found = load_target(addition.target)
        except Exception as error:  # importing runs a stranger's code
            raise UsageError(
                f"{what} cannot be imported ({type(error).__name__}: {first_line(error)})",
                f"'{addition.target}' without an error",
                f"install what is missing, or another version of {addition.package}",
            ) from error
        lacking = self._lacking(found)
        if lacking is not None:
            found_it, needed = lacking
            raise UsageError(f"{what} {found_it}", needed, remedy)
        return found

    def _lacking(self, found: Any) -> tuple[str, str] | None:
        """Return what is wrong with an object that a package adds, and what is needed."""
        fields: list[str] = []
        if self.required is not None:
            is_value = isinstance(found, type) and dataclasses.is_dataclass(found)
            if not is_value or not found.__dataclass_params__.frozen:
                return "is not a frozen dataclass", "@dataclass(frozen=True)"
            fields = [one.name for one in dataclasses.fields(found)]
            try:
                get_type_hints(found)
            except Exception as error:
                found_it = f"has an annotation that means nothing ({first_line(error)})"
                return found_it, "types that exist"
            bare = [
                one.name
                for one in dataclasses.fields(found)
                if one.init
                and one.name not in self.required
                and one.default is one.default_factory is dataclasses.MISSING
            ]
            if bare:
                return f"has no default for {', '.join(bare)}", "a default for every option"
        missing = [one for one in self.members if one not in fields and not hasattr(found, one)]
        if missing:
            return f"has no {', '.join(missing)}", f"{', '.join(self.members)}"
        if not (found.__doc__ or "").strip():
            return "has no docstring", "a sentence that says what it does"
        if self.check is None:
            return None
        text: str | None = load_target(self.check)(found)
        return None if text is None else (text, "what `ganeval.extend.Metric` asks for")


def load_target(target: str) -> Any:
    """Import and return what is at `"module:Object"`."""
    module, _, attribute = target.partition(":")
    return operator.attrgetter(attribute)(importlib.import_module(module))


def first_line(error: Exception) -> str:
    """Return the message of a foreign error, to be part of one of our lines."""
    return (str(error).splitlines() or [""])[0].replace("; ", ", ")


@cache
def _declared(path: tuple[str, ...]) -> Mapping[str, Mapping[str, tuple[Addition, ...]]]:
    """Return what the packages on a path of imports add, by group and name."""
    if not any(map(_may_declare, path)):
        return {}
    from importlib import metadata

    found: dict[str, dict[str, dict[Addition, None]]] = {}
    for distribution in metadata.distributions(path=list(path)):
        text = distribution.read_text(_FILE)
        if text is None or _MARK not in text:
            continue
        try:
            package, points = distribution.metadata["Name"] or "?", distribution.entry_points
        except Exception as error:  # a damaged file may raise anything
            log.warning("a package adds to ganeval, but its %s cannot be read (%s)", _FILE, error)
            continue
        first = next(iter(metadata.distributions(name=package, path=list(path))), distribution)
        if first.read_text(_FILE) != text:  # another one of this name comes first on the path
            continue
        for point in points:
            by_name = found.setdefault(point.group, {})
            by_name.setdefault(point.name, {})[Addition(point.name, point.value, package)] = None
    return {
        group: {name: tuple(entries) for name, entries in by_name.items()}
        for group, by_name in found.items()
    }


def _may_declare(place: str) -> bool:
    """Tell whether a package in a folder of the import path may add something.

    `importlib.metadata` would know for certain, but it takes a tenth of a second to import and to
    read all packages; most commands should start faster.
    """
    try:
        with os.scandir(place or ".") as entries:
            folders = [
                entry.path
                for entry in entries
                if entry.name.lower().endswith(("dist-info", "egg-info"))
            ]
    except NotADirectoryError:  # an archive
        return True
    except OSError:
        return False
    for folder in folders:
        try:
            with open(f"{folder}/{_FILE}", "rb") as file:  # noqa: PTH123 (quick, for every package)
                if _MARK.encode() in file.read():
                    return True
        except OSError:
            continue
    return False
