"""The training state: only tensors and plain values, so loading it runs no code."""

import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

import ganeval
from reference_models.engine.whole import written_whole
from reference_models.engine.words import listed

_ABSENT = "absent"


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write the state; a killed process leaves the complete old file or the complete new one.

    Equal states give equal files.
    """
    with written_whole(path) as file:
        torch.save(_plain(state), file)


def load_state(path: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state, if its run has the same configuration.

    Args:
        path: Path of the file.
        config: The configuration, as nested JSON values.

    Raises:
        GanevalError: The file does not exist, is damaged, or has another configuration; the message
            shows the first differences, and its details show all of them.
    """
    if not path.is_file():
        raise ganeval.GanevalError(
            f"{path}: no such file", "the state of an earlier run", "leave out --resume"
        )
    with damage_refused(path):
        with zipfile.ZipFile(path) as archive:  # torch does not check the checksums
            bad = archive.testzip()
        if bad is not None:
            raise zipfile.BadZipFile(f"the checksum of {bad} is wrong")
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        saved = dict(state["config"])
    same = dict.fromkeys(("data", "data_digest", "layers"), "")  # compared separately
    differences = [
        *_other_data(saved, config),
        *_differences({**saved, **same}, {**config, **same}),
    ]
    differences = differences or list(_other_layers(saved, config))  # settings determine layers
    if differences:
        raise ganeval.GanevalError(
            f"{path}: {listed(differences)}",
            "the configuration that the run began with",
            f"leave out the options that change it ({path.with_name('settings.toml')} has the "
            "settings of the run), or train in another folder (--out)",
        ).with_details(differences if len(differences) > 1 else ())
    return state


@contextmanager
def damage_refused(path: Path) -> Iterator[None]:
    """Turn any error that a damaged state raises into a GanevalError."""
    try:
        yield
    except ganeval.GanevalError:
        raise
    except Exception as error:
        raise ganeval.GanevalError(
            f"{path}: damaged ({type(error).__name__})",
            "the state of an earlier run",
            "start again in another folder without --resume",
        ) from error


def _other_data(saved: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield the difference of the training data, if any; only their content counts."""
    if saved.get("data_digest") != now.get("data_digest"):
        was, are = (
            f"{one.get('data')} ({one.get('data_digest', '')[:12]})" for one in (saved, now)
        )
        yield f"the training data differ: they were {was}, now they are {are}"


def _other_layers(saved: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield the difference of the networks, if any, described by the first different layer."""
    found = list(_differences(saved.get("layers", {}), now["layers"]))
    if found:
        more = len(found) - 1
        others = f" (and {more} more layer{'s' * (more > 1)})" * (more > 0)
        yield f"the networks differ: {found[0]}{others}"


def _differences(saved: Any, now: Any, name: str = "") -> Iterator[str]:
    """Yield the differences between two configurations, one text for each value."""
    if isinstance(saved, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*now, *saved]):
            inner = f"{name}.{key}" if name not in ("", "settings") else key
            yield from _differences(saved.get(key, _ABSENT), now.get(key, _ABSENT), inner)
    elif saved != now:
        yield f"{name} was {_shown(saved)}, now it is {_shown(now)}"


def _shown(value: Any) -> str:
    """Return a value as text."""
    return value if isinstance(value, str) else repr(value)


def _plain(value: Any) -> Any:
    """Return a copy of nested containers in which equal texts are the same object.

    The file format stores an object only once and refers to it if it occurs again. Without this the
    bytes would depend on which equal texts are the same object.
    """
    if isinstance(value, str):
        return sys.intern(value)
    if isinstance(value, Mapping):
        return {_plain(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([_plain(part) for part in value])
    return value
