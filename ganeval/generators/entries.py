"""Build a network from an entry, `package.module:callable`, and check who may name one."""

import importlib
import inspect
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import torch

from ganeval.errors import InputError, UsageError, raised
from ganeval.extractors.state_dict import first_few, float32_by_default
from ganeval.registry import nearest

log = logging.getLogger(__name__)

_TABLE = "reference_models"
# Keys of a config.json that say what wrote it and are not arguments.
_ABOUT_THE_CONFIG = {"architectures", "dtype", "model_type", "torch_dtype", "transformers_version"}


def check_listed(entry: str, *, name: str) -> None:
    """Refuse an entry that a file asks for, unless the recipe of a reference model has it.

    The entry is not imported, only the recipes that the table of models lists.

    Raises:
        InputError: It is not listed.
    """
    models: Mapping[str, str] = importlib.import_module(_TABLE).MODELS
    targets = [target.partition(":") for target in models.values()]
    recipes = [getattr(importlib.import_module(module), name) for module, _, name in targets]
    if entry not in {one.entry for recipe in recipes for one in recipe.exported.values()}:
        raise InputError(
            f"{name}: its card asks for the code '{entry}', which is not one of ganeval's models",
            f"an entry from the table of {_TABLE}",
            f"if you trust that code, name it yourself: --entry {entry}",
        )


def build(
    entry: str,
    kwargs: Mapping[str, Any],
    *,
    here: bool = False,
    config: Mapping[str, Any] | None = None,
) -> torch.nn.Module:
    """Import an entry and call it; that runs its code.

    A constructor draws the same random numbers each time, and torch's global generator stays as it
    is.

    Args:
        entry: `package.module:callable`.
        kwargs: Its keyword arguments.
        here: Look for it in the current folder first, for a user who named it.
        config: Configuration of a folder that Hugging Face's libraries wrote: further keyword
            arguments. Those that the entry accepts are used.

    Raises:
        UsageError: There is no such entry, it fails, or it returns no module.
    """
    module_name, _, attribute = entry.partition(":")
    if not module_name or not attribute:
        raise UsageError(f"entry '{entry}'", "package.module:callable", "name both parts")
    with _current_folder_first() if here else nullcontext():
        try:
            make = getattr(importlib.import_module(module_name), attribute)
        except Exception as error:  # importing runs a stranger's code
            raise UsageError(
                f"entry '{entry}' cannot be imported ({raised(error)})",
                "a callable in an installed module or in a file of the current folder",
                _remedy(module_name, attribute),
            ) from error
        given = {**_taken(entry, make, config or {}), **kwargs}
        try:
            with torch.random.fork_rng(devices=[]), float32_by_default():
                torch.set_rng_state(torch.Generator().manual_seed(0).get_state())
                network = make(**given)
        except Exception as error:  # a stranger's code may raise anything at all
            raise UsageError(
                f"entry '{entry}' fails with {given} ({raised(error)})",
                "keyword arguments that it takes",
                "correct kwargs",
            ) from error
    if not isinstance(network, torch.nn.Module):
        raise UsageError(
            f"entry '{entry}' returns {type(network).__name__}",
            "a torch.nn.Module",
            "name a class or function that returns one",
        )
    return network


def _remedy(module_name: str, attribute: str) -> str:
    """Return what to do about an entry that cannot be imported."""
    module = sys.modules.get(module_name)
    if module is not None:
        found = {
            name: getattr(one, "__module__", None) == module_name
            for name, one in vars(module).items()
            if callable(one) and not name.startswith("_")
        }
        near = nearest(attribute, found)
        return (
            f"name one of {first_few([name for name, own in found.items() if own] or found)}"
            if near is None
            else f"did you mean '{module_name}:{near}'?"
        )
    path = Path(module_name)
    if path.suffix == ".py" or len(path.parts) > 1:
        folder, inside = (path.parent, [path.stem]) if path.is_absolute() else ("", path.parts)
        name = ".".join([*inside[:-1], inside[-1].removesuffix(".py")])
        there = f"go to {folder} and " if folder else ""
        return f"{there}name the module, not its file: '{name}:{attribute}'"
    near = nearest(module_name, [one.stem for one in Path.cwd().glob("*.py")])
    return (
        "install it, go to its folder, or add that to PYTHONPATH"
        if near is None
        else f"did you mean '{near}:{attribute}'?"
    )


def _taken(entry: str, make: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a config that an entry takes, and warn of the rest."""
    said = {key: one for key, one in config.items() if not key.startswith("_")}
    try:
        parameters = inspect.signature(make).parameters if said else {}
    except (TypeError, ValueError):  # a callable without a signature gets everything
        return said
    if any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return said
    others = sorted(said.keys() - parameters.keys() - _ABOUT_THE_CONFIG)
    if others:
        log.warning("%s: does not take %s of config.json", entry, first_few(others))
    return {key: one for key, one in said.items() if key in parameters}


@contextmanager
def _current_folder_first() -> Iterator[None]:
    """Let imports find what lies in the current folder, as `python -m` does."""
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        with suppress(ValueError):  # the entry's code may have removed it
            sys.path.remove(folder)
