"""`ganeval benchmark`: train, score and compare models x data x seeds."""

import json
import os
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.call import current_call
from ganeval.cli.options import show, show_options
from ganeval.cli.panels import MACHINE, OUTPUT, SOURCES, TRAINING, Command
from ganeval.cli.part import parse_part, part_option
from ganeval.cli.progress import terminal_progress
from ganeval.cli.prose import say
from ganeval.cli.training_options import CACHE_DIR, DEVICE
from ganeval.errors import UsageError, one_line

if TYPE_CHECKING:
    from ganeval.flow.settings import Engine, Settings
    from ganeval.report.digits import Digits
    from ganeval.report.formats import Notes
    from reference_models.benchmark.trials import Trial
    from reference_models.benchmark.work import Outcome

SOME_FAILED = 1
_TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")


@click.command(cls=Command)
@click.argument("suite", metavar="SUITE.toml", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    panel=TRAINING,
    help="Folder of the runs and the tables (default: runs/SUITE)",
)
@part_option(TRAINING)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    panel=OUTPUT,
    help="Write the tables to stdout as JSON",
)
@show_options
@CACHE_DIR
@click.option("--offline", is_flag=True, panel=SOURCES, help="Use no network connection at all")
@DEVICE
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    metavar="NAME",
    panel=MACHINE,
    help="Place where models are trained: local, or ray (a Ray cluster, one task for each run); "
    "under torchrun leave it out",
)
def benchmark(
    *,
    suite: Path,
    out: Path | None,
    part: str,
    as_json: bool,
    digits: "Digits",
    notes: "Notes",
    cache_dir: str | None,
    offline: bool,
    device: str,
    engine: "Engine",
) -> int:
    """Train the missing runs of a SUITE, score every run, and compare the models.

    After an interruption, the same command continues; nothing is trained twice. Exit code 1 means
    that some runs failed; the table has the others.

    \b
    ganeval benchmark reference_models/benchmarks/digits.toml
    ganeval benchmark suite.toml --part 2/4
    torchrun --nproc-per-node 4 -m ganeval benchmark suite.toml
    """
    from ganeval.cli.suite_check import check_scoring
    from ganeval.flow.settings import Settings
    from reference_models.benchmark.scores import compare_all
    from reference_models.benchmark.suite import read_suite
    from reference_models.benchmark.table import (
        ALONE,
        failure_lines,
        open_files,
        tables_as_json,
        write_tables,
    )
    from reference_models.benchmark.trials import check_trials, is_done, trials_of
    from reference_models.benchmark.work import carry_out

    plan = read_suite(suite)
    folder = out or Path("runs") / suite.stem
    number, count = parse_part(part)
    if number >= count:
        raise UsageError(f"--part {part}", f"0/{count} to {count - 1}/{count}", "change it")
    trials = trials_of(plan, folder)
    files = open_files(folder, plan)
    check_scoring(plan, Settings(cache_dir=cache_dir, offline=offline, device=device))
    specifications = check_trials(trials, plan, cache_dir=cache_dir)
    command = one_line(shlex.join(["ganeval", *current_call().words]))
    with terminal_progress() as progress:
        settings = Settings(
            cache_dir=cache_dir, offline=offline, device=device, command=command, progress=progress
        )
        try:
            work = partial(carry_out, suite=plan, specifications=specifications)
            own = trials[number::count]
            failed = [one for one in _spread(work, own, settings, engine) if one.error is not None]
            names = {one.trial for one in failed}
            missing = [one.name for one in trials if one.name not in names and not is_done(one)]
            if missing:
                done = len(trials) - len(missing) - len(failed)
                if as_json:
                    text = tables_as_json(plan, [], failed, command, missing=missing)
                    click.echo(text, nl=False)
                else:
                    say(f"{folder}: {done} of {len(trials)} runs are done; the table needs all")
                return SOME_FAILED if failed else 0
            # The other runs are trained, but perhaps they cannot be scored.
            checked = [work(trial, settings=settings) for trial in trials if trial not in own]
            failed += [one for one in checked if one.error is not None]
            names = {one.trial for one in failed}
            scored = [trial for trial in trials if trial.name not in names]
            comparisons = list(compare_all(plan, scored, settings))
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(f"interrupted; to continue: `{command}`") from error
    write_tables(plan, comparisons, failed, files, command)
    if as_json:
        click.echo(tables_as_json(plan, comparisons, failed, command), nl=False)
        return SOME_FAILED if failed else 0
    for one in comparisons:
        say(f"{one.title}:")
        if one.alone:
            say(ALONE)
        show(one.report, as_json=False, digits=digits, notes=notes)
        click.echo()
    for line in failure_lines(failed):
        say(line)
    say(f"{folder}/table.md: these tables with curves and samples (.csv and .json for programs)")
    return SOME_FAILED if failed else 0


def _spread(
    work: "partial[Outcome]",
    trials: "Sequence[Trial]",
    settings: "Settings",
    engine: "Engine",
) -> "list[Outcome]":
    """Carry trials out: here, as tasks of a Ray cluster, or shared among torchrun's processes.

    Under torchrun, this function returns in the first process only.

    Args:
        work: Function that carries one trial out, with settings and perhaps a display.
        trials: The trials.
        settings: As for `carry_out`.
        engine: Where the trials run.
    """
    from ganeval.cli.training_display import training_display
    from ganeval.machine.devices import resolve_device
    from reference_models.benchmark.work import Outcome

    team = current_call().team
    if engine == "ray":
        from ganeval.engines.ray_cluster import call_on_ray, device_of_cluster
        from ganeval.machine.progress import silent

        if team.size > 1:
            raise UsageError("--engine ray under torchrun", "one of them", "drop the other")
        kind = device_of_cluster(settings.device)
        task = partial(work, settings=replace(settings, device=kind, progress=silent))
        return list(_told(call_on_ray(task, trials, kind), len(trials)))
    if team.size > 1:
        team.agree({"the suite": repr(work.keywords), "the runs": repr(trials)})
        for name in _TORCHRUN:
            # Each run belongs to one process: neither the trainer nor a command joins the others.
            os.environ.pop(name, None)
    device = str(resolve_device(settings.device))
    if team.size > 1 and device == "cuda":
        device = f"cuda:{team.local_rank}"
    settings = replace(settings, device=device)
    own = [
        work(trial, settings=settings, display=training_display)
        for trial in trials[team.rank :: team.size]
    ]
    if team.size == 1:
        return own
    said = team.exchange(json.dumps([asdict(one) for one in own]))
    if not team.leads:
        raise SystemExit(0)
    return [Outcome(**one) for text in said for one in json.loads(text)]


def _told(outcomes: "Iterable[Outcome]", total: int) -> "Iterable[Outcome]":
    """Yield outcomes, and report each on stderr like the outcome of a local run."""
    from ganeval.cli.call import LOG

    for done, one in enumerate(outcomes, 1):
        if one.error is not None:
            LOG.warning("%s failed: %s", one.trial, one.error)
        LOG.info("%s: %d of %d runs", one.trial, done, total)
        yield one
