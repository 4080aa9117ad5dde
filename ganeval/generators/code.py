"""A digest of the code that a network runs: its methods, and what they call by name."""

import hashlib
import inspect
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch

_STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib")).resolve()
_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype)


def code_sha256(network: torch.nn.Module) -> str:
    """Return the hex SHA-256 of the code of a network's classes, as it is in memory.

    It covers base classes, and the functions, classes and plain values that code names, also in
    other modules, closures and defaults, if they belong to the same package or are not installed.
    The content of an object is not code; the pixels of a generator's first samples show its
    changes.
    """
    classes = {type(part) for part in network.modules()}
    waiting: list[Any] = [one for one in classes if one.__module__.partition(".")[0] != "torch"]
    packages = {one.__module__.partition(".")[0] for one in waiting}
    texts: dict[int, str] = {}
    while waiting:
        thing = waiting.pop()
        if id(thing) not in texts:
            parts = list(_parts_of(thing, packages))
            values = [_value_text(part) for part in parts]
            code = _code_text(thing.__code__) if type(thing) is FunctionType else ""
            texts[id(thing)] = f"{thing.__module__} {thing.__qualname__} {code} {values}"
            waiting += [one for one in parts if not _is_module(one) and _is_own(one, packages)]
    return hashlib.sha256("\n".join(sorted(texts.values())).encode()).hexdigest()


def _parts_of(thing: Any, packages: set[str]) -> Iterator[Any]:
    """Yield what a class is made of, or what the code of a function refers to."""
    if type(thing) is not FunctionType:
        yield from thing.__mro__[1:]
        for _, value in sorted(vars(thing).items()):
            inner = [value.fget, value.fset] if type(value) is property else [value]
            yield from (inspect.unwrap(getattr(one, "__func__", one)) for one in inner if one)
        return
    yield from closure_of(thing)
    yield from thing.__defaults__ or ()
    yield from (thing.__kwdefaults__ or {}).values()
    # Code holds the name of a module's attribute just as the name of the module.
    names = sorted(_names_in(thing.__code__))
    spaces, known = [thing.__globals__], set()
    for space in spaces:
        for value in (space[name] for name in names if name in space):
            yield value
            if _is_module(value) and id(value) not in known and _is_own(value, packages):
                known.add(id(value))
                spaces.append(vars(value))


def closure_of(function: Any) -> Iterator[Any]:
    """Yield the values in the closure of a function."""
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # a name that has no value yet
            yield cell.cell_contents


def _names_in(code: CodeType) -> set[str]:
    """Return the global names and attributes in code and in the functions within it."""
    inner = [one for one in code.co_consts if isinstance(one, CodeType)]
    return set(code.co_names).union(*(_names_in(one) for one in inner))


def _is_module(thing: Any) -> bool:
    """Tell whether something is a module, without reading any of its attributes."""
    return issubclass(type(thing), ModuleType)


def _is_own(thing: Any, packages: set[str]) -> bool:
    """Tell whether something is code of the network's package, or of the user's own files."""
    if not issubclass(type(thing), ModuleType | FunctionType | type):
        return False
    module = thing if _is_module(thing) else sys.modules.get(thing.__module__)
    if module is None or module.__name__.partition(".")[0] in packages:
        return True
    file = getattr(module, "__file__", None)
    if file is None:  # built in, or typed into a shell
        return module.__name__ == "__main__"
    path = Path(file).resolve()
    installed = {"site-packages", "dist-packages"} & set(path.parts)
    return not installed and not path.is_relative_to(_STANDARD_LIBRARY)


def _code_text(code: CodeType) -> str:
    """Return the instructions of code and its constants."""
    return f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {_value_text(code.co_consts)}"


def _value_text(value: Any) -> str:
    """Return a plain value as text, the same in every process; for other values, the type."""
    kind = type(value)
    if kind in _PLAIN:
        return repr(value)
    if kind is CodeType:
        return _code_text(value)
    if kind in (set, frozenset):
        return f"{sorted(map(_value_text, value))}"
    if kind in (tuple, list):
        return f"{[_value_text(one) for one in value]}"
    if kind is dict:
        return f"{[(_value_text(key), _value_text(one)) for key, one in value.items()]}"
    return kind.__qualname__
