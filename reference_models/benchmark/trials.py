"""The trials of a suite; each is one model on one data set with one seed, in its own folder."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ganeval
from reference_models.benchmark.record import Record, read_record
from reference_models.benchmark.suite import Given, Program, Suite, Trained
from reference_models.engine.data import training_data
from reference_models.engine.export import checkpoint_names
from reference_models.engine.kinds.pictures import PICTURES
from reference_models.engine.parallel import ALONE, of_team
from reference_models.engine.recipe import Recipe
from reference_models.engine.session import recipe_of
from reference_models.engine.settings import DATA_SETTINGS, lasting_settings, settings_of
from reference_models.engine.snapshots import best_names

Specification = Mapping[str, Any]
"""Everything that a trial's result depends on, JSON values by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One model on one data set with one seed.

    Attributes:
        model: Name of the model in the suite.
        data: Name of the data in the suite.
        seed: Seed of the training; None for existing files without a seed in their name.
        way: How its samples are made.
        source: The training images.
        reference: The images to compare with.
        folder: Folder of this trial; not used for existing files.
    """

    model: str
    data: str
    seed: int | None
    way: Trained | Given | Program
    source: str
    reference: str
    folder: Path

    @property
    def name(self) -> str:
        """Name of the trial in messages."""
        parts = (self.model, self.data, *(() if self.seed is None else (f"seed-{self.seed}",)))
        return "/".join(parts)

    @property
    def recipe(self) -> Recipe:
        """The recipe of a bundled model with the settings of the suite.

        Raises:
            GanevalError: A setting is unknown, or its value cannot be used.
        """
        assert isinstance(self.way, Trained)
        way = self.way
        recipe = recipe_of(way.model, way.settings, data=self.source, steps=way.steps)
        return of_team(recipe, ALONE)  # each run has one process

    def filled(self, text: str) -> str:
        """Return a text with the names in braces replaced."""
        return text.format(data=self.source, seed=self.seed, folder=self.folder)

    @property
    def last(self) -> str:
        """Source of the samples after the last step."""
        if isinstance(self.way, Trained):
            return str(self.folder / checkpoint_names(self.recipe, PICTURES.suffix)[0])
        return self.filled(self.way.makes if isinstance(self.way, Program) else self.way.source)

    @property
    def best(self) -> str | None:
        """Source of the samples after the step with the best score; None if there is none."""
        if not isinstance(self.way, Trained):
            return None
        path = self.folder / best_names(self.recipe, PICTURES.suffix)[0]
        return str(path) if path.exists() else None


def trials_of(suite: Suite, folder: Path) -> list[Trial]:
    """Return the trials of a suite, ordered by model, data and seed.

    Args:
        suite: The suite.
        folder: Folder of all trials.
    """
    trials = []
    for name, model in suite.models.items():
        seeds: Sequence[int | None] = suite.seeds
        if isinstance(model.way, Given) and "{seed}" not in model.way.source:
            seeds = (None,)
        for data in model.data:
            for seed in seeds:
                own = folder / name / data
                trials.append(
                    Trial(
                        model=name,
                        data=data,
                        seed=seed,
                        way=model.way,
                        source=suite.data[data].source,
                        reference=suite.data[data].reference,
                        folder=own if seed is None else own / f"seed-{seed}",
                    )
                )
    return trials


def specification(trial: Trial, suite: Suite, digest: str) -> Specification:
    """Return everything that a trial's result depends on.

    Args:
        trial: The trial.
        suite: Its suite.
        digest: Digest of the training images of a bundled model.

    Raises:
        GanevalError: A setting is unknown, or its value cannot be used.
    """
    if isinstance(trial.way, Program):
        return {"command": trial.filled(trial.way.command), "makes": trial.last}
    if isinstance(trial.way, Given):
        return {}
    scoring = suite.scoring
    curve: Mapping[str, Any] = {}
    if scoring.eval_every:
        curve = {
            "eval_every": scoring.eval_every,
            "metrics": list(scoring.metrics),
            "extractor": scoring.extractor,
            "eval_images": scoring.eval_images,
            "reference": trial.reference,
        }
    return {
        "model": trial.way.model,
        "seed": trial.seed,
        "data_digest": digest,
        **settings_of(trial.recipe),
        **curve,
    }


def is_done(trial: Trial) -> bool:
    """Return whether a trial that agrees with its record is completely trained."""
    if isinstance(trial.way, Given):
        return True
    record = read_record(trial.folder)
    if record is None:
        return False
    if isinstance(trial.way, Program):
        return record.finished and Path(trial.last).exists()
    path = Path(trial.last)
    return path.is_file() and ganeval.read_card(path).step >= trial.recipe.steps


def check_trials(
    trials: Sequence[Trial], suite: Suite, *, cache_dir: Path | str | None = None
) -> dict[str, Specification]:
    """Check all trials before any is trained.

    Returns:
        The specification of each trial, by its name.

    Raises:
        GanevalError: A setting, data, a file or a folder cannot be used, or a record differs from
            the suite; the details list every difference.
    """
    found: dict[str, Specification] = {}
    differing: list[str] = []
    digests: dict[str, str] = {}
    makes: dict[str, str] = {}
    for trial in trials:
        if isinstance(trial.way, Given) and not (":" in trial.last or Path(trial.last).exists()):
            raise ganeval.GanevalError(
                f"{suite.path}: {trial.last} of {trial.model} does not exist",
                "a generator's file, or pictures",
                "check the name; it is relative to the current folder",
            )
        digest = ""
        if isinstance(trial.way, Trained):
            with named(f"{suite.path}: {trial.name}"):
                recipe = trial.recipe
                key = repr([getattr(recipe, name) for name in DATA_SETTINGS])
                if key not in digests:
                    digests[key] = training_data(recipe, cache_dir=cache_dir).digest
            digest = digests[key]
        elif isinstance(trial.way, Program):
            if trial.last in makes:
                raise ganeval.GanevalError(
                    f"{suite.path}: {trial.name} and {makes[trial.last]} both make {trial.last}",
                    "a different file or folder for each trial",
                    "write {folder} in `makes`",
                )
            makes[trial.last] = trial.name
        wanted = specification(trial, suite, digest)
        found[trial.name] = wanted
        record = read_record(trial.folder)
        own = [] if record is None else _differences(trial, record, wanted)
        made = Path(trial.last)
        if not own and isinstance(trial.way, Trained) and made.is_file():
            step = ganeval.read_card(made).step
            if step > trial.recipe.steps:  # trained further by hand
                own = [f"is at step {step}, and the suite ends at {trial.recipe.steps}"]
        differing += [f"{trial.name}: {one}" for one in own]
    if differing:
        more = f", and {len(differing) - 1} more" * (len(differing) > 1)
        raise ganeval.GanevalError(
            f"{suite.path}: {differing[0]}{more}",
            "the suite that the runs began with",
            "change the suite back, choose another folder with --out, or move the folders of these "
            "runs away",
        ).with_details(differing if len(differing) > 1 else ())
    return found


@contextmanager
def named(where: str) -> Iterator[None]:
    """Make the message of an error within the block begin with `where`."""
    try:
        yield
    except ganeval.GanevalError as error:
        found = f"{where}: {error.found}"
        raise ganeval.GanevalError(found, error.needed, error.remedy) from error


def _differences(trial: Trial, record: Record, wanted: Mapping[str, Any]) -> list[str]:
    """Return how a trial differs from its record.

    A later last step is no difference, unless a learning rate depends on it.
    """
    lasting = isinstance(trial.way, Trained) and "steps" in lasting_settings(trial.recipe)
    began = record.specification
    texts = []
    for name in dict.fromkeys([*wanted, *began]):
        was, now = began.get(name, "absent"), wanted.get(name, "absent")
        goes_on = name == "steps" and not lasting and type(was) is type(now) is int and now > was
        if was != now and name == "data_digest":
            texts.append("the training images have changed")
        elif was != now and not goes_on:
            texts.append(f"{name} was {was}, now it is {now}")
    return texts
