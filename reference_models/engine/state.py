"""The training state: tensors and numbers only, so that it loads without running code."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

import ganeval
from reference_models.engine.whole import written_whole


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write the state so that a killed process leaves the old file or the new one, whole.

    Equal states are equal files.
    """
    with written_whole(path) as file:
        torch.save(_plain(state), file)


def load_state(path: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state, if it is of a run with the same configuration.

    Raises:
        GanevalError: There is none, it is damaged, or the configuration differs; the message shows
            the first difference.
    """
    if not path.is_file():
        raise ganeval.GanevalError(
            f"{path}: no such file", "the state of an earlier run", "leave out --resume"
        )
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        saved = state["config"]
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, TypeError) as error:
        raise ganeval.GanevalError(
            f"{path}: damaged ({type(error).__name__})",
            "the state of an earlier run",
            "start again without --resume",
        ) from error
    for name in sorted({*saved, *config}):
        if saved.get(name) != config.get(name):
            raise ganeval.GanevalError(
                f"{path}: {name} was {saved.get(name)!r}, now it is {config.get(name)!r}",
                "the configuration that the run began with",
                "restore it, or train into another folder",
            )
    return state


def _plain(value: Any) -> Any:
    """Return a copy of containers and texts in which equal texts are one object.

    The file format refers to an object that comes again instead of repeating it, so that it would
    show which objects were restored from a file and which were made by this process.
    """
    if isinstance(value, str):
        return sys.intern(value)
    if isinstance(value, Mapping):
        return {_plain(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([_plain(part) for part in value])
    return value
