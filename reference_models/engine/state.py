"""The training state: tensors and numbers only, so that it loads without running code."""

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

import ganeval


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write the state so that a killed process leaves the old file or the new one, whole."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            torch.save(dict(state), file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


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
