"""Tables of names: lazy import, nearest match for a misspelling, options from dataclass fields."""

import dataclasses
import difflib
import logging
import numbers
import re
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ganeval.errors import UsageError
from ganeval.packages import Addition, Outside, load_target

log = logging.getLogger(__name__)

# What users can write wherever a name is expected: no colon, comma, equals sign or `@`.
_PLAIN = re.compile(r"[a-z][a-z0-9]+(-[a-z0-9]+)*")


@dataclasses.dataclass(frozen=True, slots=True)
class Registry:
    """A table of one kind of thing: each name, and where its object is (`"module:Object"`).

    A table holds strings, so that listing names imports nothing heavy. The entries of other
    packages come after ours. A name that two packages use is refused.
    """

    kind: str
    entries: Mapping[str, str]
    outside: Outside | None = None

    def names(self) -> tuple[str, ...]:
        """Return the names in the order of the table, then those that other packages add."""
        return tuple(dict.fromkeys([*self.entries, *self._additions()]))

    def find(self, name: str) -> Addition | None:
        """Return what a package adds under a name; None for one of our own entries.

        Raises:
            UsageError: There is no such name (the message suggests the nearest one), several
                packages have it, or it means something else.
        """
        added = self._additions().get(name, ())
        packages = [*(["ganeval"] if name in self.entries else []), *(one.package for one in added)]
        if not packages:
            raise unknown(self.kind, name, self.names())
        if len(packages) > 1:
            raise UsageError(
                f"{self.kind} '{name}' is in several packages: {', '.join(packages)}",
                "one package for a name",
                f"uninstall {' or '.join(one for one in packages if one != 'ganeval')}",
            )
        if not added:
            return None
        assert self.outside is not None
        if name in self.outside.reserved or not _PLAIN.fullmatch(name):
            raise UsageError(
                f"the package {packages[0]} calls a {self.kind} '{name}'",
                "lower case with hyphens, two letters or more, and no command's name",
                f"tell the authors of {packages[0]}, or uninstall it",
            )
        return added[0]

    def load(self, name: str) -> Any:
        """Import and return the object called `name`.

        Raises:
            UsageError: As in `find`, or a package's addition cannot be used.
        """
        addition = self.find(name)
        if addition is None:
            return load_target(self.entries[name])
        assert self.outside is not None
        return self.outside.load(self.kind, addition)

    def own(self) -> Iterator[tuple[str, Any]]:
        """Yield the name and the object of each of our own entries, not those of other packages."""
        for name, target in self.entries.items():
            yield name, load_target(target)

    def loaded(self) -> dict[str, Any]:
        """Return every object that can be loaded, by its name, and warn about the others."""
        found = {}
        for name in self.names():
            try:
                found[name] = self.load(name)
            except UsageError as error:
                log.warning("%s", error)
        return found

    def summary(self, name: str) -> str:
        """Return the first line of the object's docstring."""
        return str(self.load(name).__doc__).strip().splitlines()[0]

    def _additions(self) -> Mapping[str, tuple[Addition, ...]]:
        """Return what other packages add, by name."""
        return {} if self.outside is None else self.outside.additions()


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a name that is not in a table, with the nearest one that is."""
    known = list(known)
    if not known:
        return UsageError(
            f"unknown {kind} '{name}'", "no name, since there are none", "leave it out"
        )
    near = nearest(name, known)
    remedy = "check the spelling" if near is None else f"did you mean '{near}'?"
    return UsageError(f"unknown {kind} '{name}'", f"one of {', '.join(known)}", remedy)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name nearest to a misspelt one, whatever the case; None if none is near."""
    by_lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


def parse_options(cls: Any, texts: Iterable[str], *, where: str) -> dict[str, Any]:
    """Read `field=value` texts into values for the fields of the dataclass `cls`.

    Args:
        cls: A dataclass whose annotated fields are the options (int, float, str, bool, Literal, or
            a union of one of these with None).
        texts: `field=value` texts.
        where: Owner of the options, for messages (`"metric kid"`).

    Raises:
        UsageError: A field is unknown, or a value does not fit its field.
    """
    hints = get_type_hints(cls)
    fields = [field.name for field in dataclasses.fields(cls) if field.init]
    options: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if name not in fields:
            raise unknown(f"option of {where}", name, fields)
        if not equals:
            raise UsageError(
                f"option '{text}' of {where} has no value", f"{name}=VALUE", "add the value"
            )
        if name in options:
            raise UsageError(
                f"option '{name}' of {where} is given twice", "each once", "remove one"
            )
        options[name] = _convert(value, hints[name], name=name, where=where)
    return options


def check_types(given: Any) -> None:
    """Refuse values of a dataclass that are not of the types that its fields declare.

    NumPy numbers become Python numbers, since only these can be written as JSON. Protocols and the
    contents of containers are not checked.

    Raises:
        UsageError: The first such value.
    """
    for name, hint in get_type_hints(type(given)).items():
        value, wanted = getattr(given, name), _alternatives(hint)
        if isinstance(value, numbers.Number) and type(value).__module__ == "numpy":
            value = value.item()  # type: ignore[attr-defined]
            object.__setattr__(given, name, value)
        if any(_is_of(value, kind) for kind in wanted):
            continue
        choices = [one for kind in wanted if get_origin(kind) is Literal for one in get_args(kind)]
        near = nearest(value, choices) if isinstance(value, str) else None
        found, remedy = f"{value!r:.80} ({type(value).__name__})", "change the value"
        if near is not None:
            remedy = f"did you mean '{near}'?"
        elif value is None:
            found, remedy = "None", "leave it out for the default"
        needed = ", ".join(_describe(kind) for kind in wanted)
        raise UsageError(f"{name} is {found}", f"one of: {needed}", remedy)


def _is_of(value: object, kind: Any) -> bool:
    """Tell whether a value is of an annotated type, as far as that can be told."""
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if kind in (int, float):
        return isinstance(value, int | kind) and not isinstance(value, bool)
    plain = get_origin(kind) or kind
    if not isinstance(plain, type) or getattr(plain, "_is_protocol", False):
        return True
    if plain is tuple:
        return isinstance(value, Iterable) and not isinstance(value, str)
    return isinstance(value, plain)


def _convert(text: str, hint: Any, *, name: str, where: str) -> Any:
    """Turn `text` into a value of the annotated type `hint`."""
    wanted = _alternatives(hint)
    if text.lower() == "none" and type(None) in wanted:
        return None
    for kind in wanted:
        try:
            return _parse_as(text, kind)
        except ValueError:
            continue
    names = ", ".join(_describe(kind) for kind in wanted)
    raise UsageError(
        f"option '{name}' of {where} is '{text}'", f"one of: {names}", "change the value"
    )


def _alternatives(hint: Any) -> list[Any]:
    """Return the members of a union, or the type alone."""
    return list(get_args(hint)) if get_origin(hint) in (Union, types.UnionType) else [hint]


def _parse_as(text: str, kind: Any) -> Any:
    """Return `text` as a value of `kind`, or raise ValueError."""
    if get_origin(kind) is Literal:
        matches = [choice for choice in get_args(kind) if str(choice) == text]
        if not matches:
            raise ValueError(text)
        return matches[0]
    if kind is bool:
        return (
            {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[
                text.lower()
            ]
            if text.lower() in ("true", "yes", "1", "false", "no", "0")
            else _refuse(text)
        )
    if kind in (int, float, str):
        return kind(text)
    return _refuse(text)


def _refuse(text: str) -> Any:
    """Return the error for a text that does not fit."""
    raise ValueError(text)


def _describe(kind: Any) -> str:
    """Name a type the way a user would write its values."""
    if get_origin(kind) is Literal:
        return ", ".join(str(choice) for choice in get_args(kind))
    names: dict[Any, str] = {
        **{int: "a whole number", float: "a number", bool: "true, false", type(None): "none"},
        **{str: "text", Path: "a path", tuple: "several values"},
    }
    plain = get_origin(kind) or kind
    return names.get(plain, getattr(plain, "__name__", "text"))
