"""The settings of a recipe: its numbers by dotted names, such as `optimizers.D.lr`.

The same names are used by `ganeval train --set NAME=VALUE`, TOML files, presets, `--show`, the
state of a run and the checkpoint's card.
"""

import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from typing import Any

import ganeval
from reference_models.engine.data import unknown
from reference_models.engine.recipe import Recipe

Settings = dict[str, Any]
"""Values by dotted name: numbers, words, booleans, lists of numbers."""

DATA_SETTINGS = ("data", "data_b", "pair_by", "image_size", "crop", "channels", "flip")
_PLAIN = (
    *("batch_size", "batch_per_process", "steps", *DATA_SETTINGS, "prior"),
    *("ema_half_life", "ema_ramp_up"),
)
_MAY_BE_ZERO = (
    *("batch_per_process", "num_continuous", "num_steps", "burst_steps", "burst_every"),
    *("image_size", "channels", "num_classes", "condition_channels"),
)  # whole numbers that may be 0, by the last part of their name
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}


def settings_of(recipe: Recipe) -> Settings:
    """Return all settings of a recipe."""
    nested = {
        **{name: getattr(recipe, name) for name in _PLAIN},
        **recipe.networks,
        "game": recipe.game,
        "solver": asdict(recipe.solver) if is_dataclass(recipe.solver) else {},
        "optimizers": {player: asdict(spec) for player, spec in recipe.optimizers.items()},
    }
    return dict(_flat(nested))


def lasting_settings(recipe: Recipe) -> Settings:
    """Return the settings that change a run's numbers; a resumed run must keep them.

    The data are left out, because they have their own digest. The last step is included only if a
    learning rate depends on it.
    """
    settings = settings_of(recipe)
    del settings["data"], settings["data_b"]
    if all(spec.decay == "none" for spec in recipe.optimizers.values()):
        del settings["steps"]
    return settings


def with_settings(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """Return a recipe with some settings changed.

    Raises:
        GanevalError: A name is unknown (the message suggests the most similar one), or a value has
            the wrong kind.
    """
    known = settings_of(recipe)
    for name, value in changes.items():
        if name not in known:
            printed = f"a name that `ganeval train {recipe.name} --show` prints"
            raise unknown(f"setting of {recipe.name}", name, known, needed=printed)
        known[name] = _checked(name, value, known[name])
    optimizers = {
        player: replace(spec, **_part(known, f"optimizers.{player}"))
        for player, spec in recipe.optimizers.items()
    }
    solver = recipe.solver
    if is_dataclass(solver):
        solver = replace(solver, **_part(known, "solver"))
    return replace(
        recipe,
        **{name: known[name] for name in _PLAIN},
        networks={network: _part(known, network) for network in recipe.networks},
        game=_part(known, "game"),
        solver=solver,
        optimizers=optimizers,
    )


def preset_of(recipe: Recipe, name: str) -> Settings:
    """Return the settings of a preset.

    Raises:
        GanevalError: The model has no preset of that name.
    """
    known = presets_of(recipe)
    if name not in known:
        raise unknown(f"preset of {recipe.name}", name, known)
    return dict(known[name])


def presets_of(recipe: Recipe) -> dict[str, Settings]:
    """Return the presets of a recipe, by name; by default "digits" is the unchanged recipe."""
    return {
        "digits": {},
        **{name: dict(recipe.presets[name]) for name in recipe.presets},
    }


def parse_setting(text: str) -> tuple[str, Any]:
    """Return the name and the value of `NAME=VALUE`; a value that is not TOML is a word.

    Raises:
        GanevalError: There is no `=`, or no name before it.
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals):
        raise ganeval.GanevalError(
            f"--set {text}", "NAME=VALUE, such as batch_size=128", "--show prints every name"
        )
    try:
        return name, tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        return name, value


def read_settings(path: Path) -> Settings:
    """Return the settings of a TOML file; tables become dotted names.

    Raises:
        GanevalError: There is no such file, or it is not TOML.
    """
    try:
        return dict(_flat(tomllib.loads(path.read_text(encoding="utf-8"))))
    except FileNotFoundError as error:
        raise ganeval.GanevalError(
            f"{path}: no such file", "a TOML file with settings", "check the name"
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ganeval.GanevalError(
            f"{path}: {error}", "a TOML file with settings", "compare it with the output of --show"
        ) from error


def toml_lines(settings: Mapping[str, Any]) -> list[str]:
    """Return settings as the lines of a TOML file; each line can also be used with `--set`."""
    # JSON and TOML write words, numbers, booleans and lists of numbers in the same way.
    return [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in settings.items()]


def _flat(nested: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested mappings by dotted name; tuples become lists."""
    for name, value in nested.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", list(value) if isinstance(value, tuple) else value


def _part(settings: Settings, name: str) -> Settings:
    """Return the settings below a name, by the rest of their names; lists become tuples."""
    begin = f"{name}."
    return {
        key.removeprefix(begin): tuple(value) if isinstance(value, list) else value
        for key, value in settings.items()
        if key.startswith(begin)
    }


def _checked(name: str, value: Any, known: Any) -> Any:
    """Return a value converted to the kind of the known one.

    Raises:
        GanevalError: The value has the wrong kind, is not finite, or is too small.
    """
    if isinstance(known, list):
        if not isinstance(value, list | tuple) or len(value) != len(known):
            raise _refused(name, value, f"{len(known)} numbers, such as {known}")
        return [_checked(name, one, before) for one, before in zip(value, known, strict=True)]
    kind = type(known)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise _refused(name, value, f"{_KINDS[kind]}, such as {json.dumps(known)}")
    least = 0 if name.rpartition(".")[2] in _MAY_BE_ZERO else 1
    if kind is int and value < least:
        raise _refused(name, value, f"at least {least}")
    if kind is float and not 0 <= value < math.inf:
        raise _refused(name, value, "a finite number, at least 0")
    return value


def _refused(name: str, value: Any, needed: str) -> ganeval.GanevalError:
    """Return the error for a value that a setting cannot have."""
    shown = json.dumps(value) if isinstance(value, str | bool | list) else value
    return ganeval.GanevalError(f"setting {name} is {shown}", needed, "change it")
