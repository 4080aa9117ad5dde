"""From an entry, `package.module:callable`, to a network; who may name one."""

import importlib
from collections.abc import Mapping
from typing import Any

import torch

from ganeval.errors import InputError, UsageError

_TABLE = "reference_models"


def check_listed(entry: str, *, name: str) -> None:
    """Refuse an entry that a file asks for unless it is that of a reference model's recipe.

    Nothing of the entry is imported, only the recipes that the table of models lists.

    Raises:
        InputError: It is not listed.
    """
    models: Mapping[str, str] = importlib.import_module(_TABLE).MODELS
    if entry not in {_recipe_entry(target) for target in models.values()}:
        raise InputError(
            f"{name}: its card asks for the code '{entry}', which is none of ganeval's models",
            f"an entry out of the table of {_TABLE}",
            f"if you trust that code, name it yourself: --entry {entry}",
        )


def _recipe_entry(target: str) -> str:
    """Return what builds the generator of a listed recipe (`"module:RECIPE"`)."""
    module_name, _, attribute = target.partition(":")
    entry: str = getattr(importlib.import_module(module_name), attribute).entry
    return entry


def build(entry: str, kwargs: Mapping[str, Any]) -> torch.nn.Module:
    """Import an entry and call it; that runs its code. torch's global generator stays as it is.

    Raises:
        UsageError: There is no such entry, it fails, or it returns no module.
    """
    module_name, _, attribute = entry.partition(":")
    if not module_name or not attribute:
        raise UsageError(f"entry '{entry}'", "package.module:callable", "name both parts")
    try:
        make = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"entry '{entry}' cannot be imported ({error})",
            "a callable in an installed module",
            "install it, or add its folder to PYTHONPATH",
        ) from error
    try:
        with torch.random.fork_rng(devices=[]):  # a constructor draws initial weights
            network = make(**kwargs)
    except Exception as error:  # a stranger's code may raise anything at all
        reason = (str(error).splitlines() or [""])[0]
        raise UsageError(
            f"entry '{entry}' fails with {dict(kwargs)} ({type(error).__name__}: {reason})",
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
