"""A suite: the models, data and seeds of a benchmark, and how the models are scored."""

import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ganeval
from reference_models import MODELS
from reference_models.engine.data import DATA, unknown
from reference_models.engine.session import find_recipe
from reference_models.engine.settings import preset_of

PLACES = ("data", "seed", "folder")
"""Names that a command, a checkpoint or a folder may contain in braces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A bundled model.

    Attributes:
        model: Name of the model in `MODELS`.
        settings: Settings that differ from the model's own, by dotted name.
        steps: The last step; None for the model's own.
    """

    model: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    steps: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An existing generator's file, or existing pictures.

    Attributes:
        source: As for `ganeval eval`; may contain `PLACES` in braces.
    """

    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A command that trains a model of the user.

    Attributes:
        command: The command, which is split into words as in a shell; may contain `PLACES` in
            braces.
        makes: The source that the command makes and that is scored; may contain `PLACES` too.
    """

    command: str
    makes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model of a suite.

    Attributes:
        way: How its samples are made.
        data: Names of the data sets on which it is trained or scored.
    """

    way: Trained | Given | Program
    data: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """Training images, and images to compare with.

    Attributes:
        source: As for `ganeval train --data`.
        reference: As for `ganeval eval`.
    """

    source: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteScoring:
    """How all checkpoints are scored.

    Attributes:
        metrics: As for `ganeval eval`.
        rank: The metric or score that orders the models; None for the first one.
        extractor: Network that turns images into features.
        protocol: Name of the protocol.
        num_images: Number of images of each checkpoint and of the reference; None for as many as
            the reference has.
        seed: Seed of the samples. It must not be the seed of a run, so that the best checkpoint of
            a curve is scored with other samples than those that selected it.
        eval_every: Steps between two scores during training; 0 for no scores, and so no best
            checkpoint.
        eval_images: Number of samples for scores during training.
    """

    metrics: tuple[str, ...] = ("fid", "kid")
    rank: str | None = None
    extractor: str = "inception"
    protocol: str = "standard"
    num_images: int | None = None
    seed: int = 1000
    eval_every: int = 0
    eval_images: int = 360


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The content of a suite's file.

    Attributes:
        path: Path of the file.
        seeds: Seeds of the training runs of each model.
        data: The data sets, by name.
        models: The models, by name.
        scoring: How all checkpoints are scored.
        save_every: Steps between two saved states.
        grid_every: Steps between two pictures of samples.
    """

    path: Path
    seeds: tuple[int, ...]
    data: Mapping[str, DataSet]
    models: Mapping[str, Model]
    scoring: SuiteScoring = field(default_factory=SuiteScoring)
    save_every: int = 100
    grid_every: int = 200


_TEXT, _NUMBER, _TABLE, _TEXTS, _NUMBERS = (
    *("text", "a whole number, at least 0", "a table"),
    *("a list of texts", "a list of whole numbers, at least 0"),
)
_TRAINED = {"model": _TEXT, "settings": _TABLE, "preset": _TEXT, "steps": _NUMBER}
_WAYS = {
    "checkpoint": {"checkpoint": _TEXT},
    "folder": {"folder": _TEXT},
    "command": {"command": _TEXT, "makes": _TEXT},
}
"""The allowed keys of a model that is not trained here, by the key that marks its kind."""
_KEYS = {
    "suite": {
        **{"seeds": _NUMBERS, "steps": _NUMBER, "settings": _TABLE, "save_every": _NUMBER},
        **{"grid_every": _NUMBER, "data": _TABLE, "scoring": _TABLE, "models": _TABLE},
    },
    "data": {"source": _TEXT, "reference": _TEXT},
    "scoring": {
        **{"metrics": _TEXTS, "rank": _TEXT, "extractor": _TEXT, "protocol": _TEXT},
        **{"num_images": _NUMBER, "seed": _NUMBER, "eval_every": _NUMBER, "eval_images": _NUMBER},
    },
    "model": {**_TRAINED, **{key: kind for way in _WAYS.values() for key, kind in way.items()}},
}


def read_suite(path: Path) -> Suite:
    """Return the content of a suite's file.

    Raises:
        GanevalError: The file does not exist, is not TOML, or has a key or value that cannot be
            used; the message names the file and the key.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ganeval.GanevalError(f"{path}: no such file", "a suite", "check the name") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ganeval.GanevalError(f"{path}: {error}", "a suite as TOML", "correct it") from error
    reader = _Reader(path)
    reader.check(content, "", _KEYS["suite"])
    for name in ("data", "models"):
        if not content.get(name):
            raise reader.error(f"no [{name}]", "at least one", f"add a table [{name}.NAME]")
    seeds = tuple(content.get("seeds", (0,)))
    if not seeds or len(set(seeds)) < len(seeds):
        raise reader.error(
            f"seeds = {list(seeds)}", "at least one seed, each only once", "change seeds"
        )
    scoring = reader.scoring(content.get("scoring", {}), seeds)
    data = {name: reader.data(name, table) for name, table in content["data"].items()}
    models = {
        name: reader.model(name, table, content, list(data))
        for name, table in content["models"].items()
    }
    plain = {name: content[name] for name in ("save_every", "grid_every") if name in content}
    return Suite(path=path, seeds=seeds, data=data, models=models, scoring=scoring, **plain)


class _Reader:
    """Reads the tables of a suite's file; its errors name the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def error(self, found: str, needed: str, remedy: str) -> ganeval.GanevalError:
        """Return an error that names the file."""
        return ganeval.GanevalError(f"{self.path}: {found}", needed, remedy)

    def check(self, table: Any, where: str, known: Mapping[str, str]) -> None:
        """Check that a value is a table with known keys and values of the right kind."""
        if not isinstance(table, dict):
            raise self.error(f"{where} is {table!r}", "a table", "write it as {} or with keys")
        for key, value in table.items():
            if key not in known:
                raise unknown(f"key{f' of {where}' if where else ''} in {self.path}", key, known)
            if not _is(value, known[key]):
                of = f" of {where}" if where else ""
                raise self.error(f"{key}{of} is {value!r}", known[key], "change it")

    def data(self, name: str, table: Any) -> DataSet:
        """Return the data of a table."""
        where = self.named("data", name)
        self.check(table, where, _KEYS["data"])
        if "source" not in table:
            raise self.error(f"{where} has no source", "training images", "add source = ...")
        if table["source"] in DATA and "reference" not in table:
            raise self.error(
                f"{where} has no reference",
                "images to compare with, as a source such as data:digits,split=test,size=16",
                "add reference = ...",
            )
        return DataSet(**{"reference": table["source"], **table})

    def scoring(self, table: Any, seeds: tuple[int, ...]) -> SuiteScoring:
        """Return how to score."""
        self.check(table, "[scoring]", _KEYS["scoring"])
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in table.items()
        }
        if values.get("metrics") == ():
            raise self.error("metrics of [scoring] is []", "at least one metric", "name one")
        values.setdefault("eval_images", values.get("num_images", 360))
        scoring = SuiteScoring(**values)
        if scoring.seed in seeds:
            raise self.error(
                f"seed of [scoring] is {scoring.seed}, which is also the seed of a training run",
                "a seed that no run has, so that the best checkpoint is scored with new samples",
                "change it",
            )
        return scoring

    def model(self, name: str, table: Any, suite: Mapping[str, Any], data: list[str]) -> Model:
        """Return the model of a table, with the settings of the suite."""
        where = self.named("models", name)
        # Names of data may be a list or one text.
        own = dict(table) if isinstance(table, dict) else table
        on = own.pop("data", data) if isinstance(own, dict) else data
        self.check(own, where, _KEYS["model"])
        on = [on] if isinstance(on, str) else on
        if not _is(on, _TEXTS) or not on:
            raise self.error(f"data of {where} is {on!r}", "names of data", "change it")
        for one in on:
            if one not in data:
                raise unknown(f"data of {where} in {self.path}", one, data)
        ways = [way for way in _WAYS if way in own]
        keys = _WAYS[ways[0]] if ways else _TRAINED
        others = [key for key in own if key not in keys]
        if others:
            among = ways[0] if ways else "a model that is trained here"
            raise self.error(
                f"{others[0]} of {where} together with {among}",
                "only one of them",
                "leave out one of them",
            )
        if not ways:
            return Model(way=self.trained(name, own, suite, where), data=tuple(on))
        for key, text in own.items():
            self.check_places(text, f"{key} of {where}")
        if "command" in own and "makes" not in own:
            raise self.error(
                f"{where} has no makes", "the source that the command makes", "add makes = ..."
            )
        way = Program(**own) if "command" in own else Given(source=own[ways[0]])
        return Model(way=way, data=tuple(on))

    def trained(
        self, name: str, table: Mapping[str, Any], suite: Mapping[str, Any], where: str
    ) -> Trained:
        """Return a bundled model with the settings of the suite and its own."""
        model = table.get("model", name)
        if model not in MODELS:
            ways = f"or one of {', '.join(_WAYS)} for another model"
            raise unknown(f"model of {where} in {self.path}", model, MODELS, ways)
        preset = preset_of(find_recipe(model), table["preset"]) if "preset" in table else {}
        settings = {
            **dict(_dotted(suite.get("settings", {}))),
            **preset,
            **dict(_dotted(table.get("settings", {}))),
        }
        steps = table.get("steps", suite.get("steps"))
        if steps == 0:
            raise self.error(f"steps of {where} is 0", "at least 1", "change it")
        return Trained(model=model, settings=settings, steps=steps)

    def check_places(self, text: str, where: str) -> None:
        """Refuse unknown names in braces."""
        try:
            names = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
        except ValueError as error:
            raise self.error(f"{where} is {text!r} ({error})", "{name}", "correct it") from error
        for name in names:
            if name not in PLACES:
                raise unknown(f"place of {where} in {self.path}", name, PLACES)

    def named(self, section: str, name: str) -> str:
        """Return a table's name for messages; check that it can also be the name of a folder."""
        if (
            not name
            or not set(name) <= set(string.ascii_letters + string.digits + "-_+.")
            or (name.startswith("."))
        ):
            raise self.error(
                f"'{name}' in [{section}]",
                "a name of letters, digits and -_+., because it also names a folder",
                "rename it",
            )
        return f"[{section}.{name}]"


def _is(value: Any, kind: str) -> bool:
    """Return whether a value has a kind."""
    if kind == _TEXT:
        return isinstance(value, str)
    if kind == _NUMBER:
        return type(value) is int and value >= 0
    if kind == _TABLE:
        return isinstance(value, dict)
    single = _TEXT if kind == _TEXTS else _NUMBER
    return isinstance(value, list) and all(_is(one, single) for one in value)


def _dotted(nested: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested tables by dotted name."""
    for name, value in nested.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
