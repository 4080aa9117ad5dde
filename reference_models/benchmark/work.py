"""Carry out one trial: train it from where it stopped, and put its features into the cache."""

import logging
import shlex
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch

import ganeval
from reference_models.benchmark.record import Record, seconds_kept, write_record
from reference_models.benchmark.scores import settings_of_suite
from reference_models.benchmark.suite import Program, Suite, Trained
from reference_models.benchmark.trials import Specification, Trial, is_done
from reference_models.engine.files import refusals_explained
from reference_models.engine.keep import STATE
from reference_models.engine.kinds import Scoring
from reference_models.engine.one_thread import one_thread
from reference_models.engine.run import Observer
from reference_models.engine.session import Watch, run_training

logger = logging.getLogger("ganeval.benchmark")

_LOG = "command.log"
_MISTAKE = 2  # exit code of errors that concern one trial and not the machine

Display = Callable[[str, int, int], AbstractContextManager[Sequence[Observer]]]
"""Function of a trial's name, steps and batch size that returns the display of its training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a trial.

    Attributes:
        trial: Name of the trial.
        error: Message of the error; None if the trial did not fail.
    """

    trial: str
    error: str | None = None


@refusals_explained()
def carry_out(
    trial: Trial,
    suite: Suite,
    specifications: Mapping[str, Specification],
    settings: ganeval.Settings,
    display: Display | None = None,
) -> Outcome:
    """Train the missing steps of a trial, and put its features into the cache.

    Args:
        trial: The trial.
        suite: Its suite.
        specifications: Specifications of all trials by name, from `check_trials`.
        settings: Cache, progress, device and command; the suite has the other options.
        display: Shows the training.

    Returns:
        The outcome. If a loss is not finite, or the samples cannot be scored, only this trial
        fails.

    Raises:
        GanevalError: The machine lacks something that other trials need too, or a file cannot be
            written.
        KeyboardInterrupt: The run was interrupted; finished work is kept.
    """
    try:
        if not is_done(trial):
            record = Record(specification=specifications[trial.name])
            write_record(trial.folder, record)
            if isinstance(trial.way, Program):
                _run(trial, trial.way, suite, record)
            else:
                _train(trial, suite, settings, display)
        for source in dict.fromkeys(one for one in (trial.last, trial.best) if one is not None):
            ganeval.evaluate(
                sample=source,
                reference=trial.reference,
                metrics=suite.scoring.metrics,
                settings=settings_of_suite(suite, settings),
            )
    except ganeval.GanevalError as error:
        if error.exit_code != _MISTAKE:
            raise
        logger.warning("%s failed: %s", trial.name, error)
        return Outcome(trial=trial.name, error=str(error))
    return Outcome(trial=trial.name)


def _train(trial: Trial, suite: Suite, settings: ganeval.Settings, display: Display | None) -> None:
    """Train a bundled model to its last step, from where it stopped; with one thread on the CPU."""
    assert isinstance(trial.way, Trained)
    assert trial.seed is not None
    recipe, scoring = trial.recipe, suite.scoring
    shown = (
        nullcontext(()) if display is None else display(trial.name, recipe.steps, recipe.batch_size)
    )
    curve = Scoring(
        every=scoring.eval_every,
        metrics=scoring.metrics,
        extractor=scoring.extractor,
        num_images=scoring.eval_images,
        reference=trial.reference,
        cache_dir=settings.cache_dir,
    )
    with one_thread(), shown as observers, seconds_kept(trial.folder) as clock:
        run_training(
            trial.way.model,
            folder=trial.folder,
            settings=trial.way.settings,
            data=trial.source,
            steps=trial.way.steps,
            seed=trial.seed,
            resume=(trial.folder / STATE).exists(),
            device=torch.device(settings.device),
            save_every=suite.save_every,
            watch=Watch(grid_every=suite.grid_every, scoring=curve, board=False),
            observers=[clock, *observers],
        )


def _run(trial: Trial, program: Program, suite: Suite, record: Record) -> None:
    """Run the command of a trial, with its output in a file.

    Raises:
        GanevalError: The command does not exist, fails, or does not make the source in `makes`.
    """
    # Split before filling in names, so that a space in a folder's name does not split a word.
    words = [trial.filled(word) for word in shlex.split(program.command)]
    log, begin = trial.folder / _LOG, time.perf_counter()
    try:
        with log.open("wb") as file:
            code = subprocess.run(
                words, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, check=False
            ).returncode
    except OSError as error:
        raise ganeval.GanevalError(
            f"{words[0]}: {error.strerror}", "a program", f"correct {suite.path}"
        ) from error
    if code:
        said = log.read_text(encoding="utf-8", errors="backslashreplace").strip().splitlines()
        raise ganeval.GanevalError(
            f"`{shlex.join(words)}` ended with {code}{f': {said[-1]}' if said else ''}",
            "exit code 0",
            f"see {log}",
        )
    if not Path(trial.last).exists():
        raise ganeval.GanevalError(
            f"{trial.last}: missing after `{shlex.join(words)}`",
            "the file or folder that the suite says it makes",
            f"see {log}",
        )
    seconds = time.perf_counter() - begin
    write_record(trial.folder, replace(record, finished=True, seconds=seconds))
