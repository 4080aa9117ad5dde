"""The command `ganeval`: the table of commands, and how every failure becomes one line."""

import errno
import importlib
import io
import logging
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import rich_click as click

from ganeval.cli.call import LOG, Call, team_of_command
from ganeval.cli.foreign_warnings import foreign_warnings_as_lines
from ganeval.cli.interrupts import interruptible
from ganeval.cli.panels import HELP, Command, CommandPanel, Group, OptionPanel
from ganeval.cli.prose import warn
from ganeval.errors import GanevalError, InputError, ResourceError, one_line
from ganeval.machine.memory import keep_freed_memory
from ganeval.machine.team import ALONE, Team
from ganeval.metrics.table import METRICS
from ganeval.version import __version__

_METRIC = "score:of_metric"
SECTIONS = {
    "Score": {
        "eval": ("eval:evaluate", "Score a sample by several metrics in one pass."),
        "fid": (_METRIC, "Compute the Frechet Inception distance."),
        "is": (_METRIC, "Compute the Inception Score, which needs no reference."),
        "kid": (_METRIC, "Compute the Kernel Inception distance."),
        "pr": (_METRIC, "Compute precision and recall."),
        "dc": (_METRIC, "Compute density and coverage."),
        "likelihood": ("likelihood:likelihood", "Estimate the log-likelihood of held-out data."),
        "doctor": ("doctor:doctor", "Look for problems in sources before scoring them."),
    },
    "Compare": {
        "compare": (
            "compare:compare",
            "Rank several samples, and test each pair for a difference.",
        ),
        "table": ("table:table", "Put the reports of several runs into one table."),
    },
    "Gate": {
        "check": ("check:check", "Test whether a run is worse than the accepted baseline."),
        "baseline": ("baseline:baseline", "Accept a run as the baseline for later ones."),
    },
    "Generators": {
        "sample": ("sample:sample", "Write samples of a generator as PNG files."),
        "latents": ("latents:latents", "Interpolate latents, or find the latents of pictures."),
        "train": ("train:train", "Train a bundled reference model."),
        "benchmark": (
            "benchmark:benchmark",
            "Train and compare models on several data sets and seeds.",
        ),
        "quickstart": ("quickstart:quickstart", "Train and score two small models; works offline."),
    },
    "Upkeep": {
        "list": ("list:list_names", "List metrics, extractors, protocols, sources or models."),
        "stats": ("stats:stats", "Make or read stored statistics of real images."),
        "extract": ("extract:extract", "Put features of a part of a source into the cache."),
        "cache": ("cache:cache", "Inspect or clean the feature cache."),
        "weights": ("weights:weights", "Find, download or check the pretrained weights."),
    },
}
"""The commands by purpose: where each one is, and its line in the help, which imports nothing."""
COMMANDS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}
INTERRUPTED = 130
_NO_SUCH_PLACE = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.ELOOP)
"""The system's errors for names that nothing can have."""


class CommandTable(Group):
    """A group that imports a command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table; every metric is a command too."""
        return list(dict.fromkeys([*COMMANDS, *METRICS.names()]))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        home = COMMANDS[cmd_name][0] if cmd_name in COMMANDS else _METRIC
        if home == _METRIC:
            if cmd_name not in METRICS.names():
                return None
            from ganeval.cli.score import of_metric

            return of_metric(cmd_name)
        module, _, attribute = home.partition(":")
        found = importlib.import_module(f"ganeval.cli.{module}")
        command: click.Command = getattr(found, attribute)
        return command

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections of the table, then the group's own options."""
        listed = Group(commands=[Command(name, help=line) for name, (_, line) in COMMANDS.items()])
        for title, section in SECTIONS.items():
            panel = CommandPanel(title, commands=list(section))
            formatter.write(panel.render(listed, ctx, formatter))
        names = [str(parameter.name) for parameter in self.get_params(ctx)]
        formatter.write(OptionPanel("Options", options=names).render(self, ctx, formatter))


@click.group(
    cls=CommandTable,
    context_settings={"help_option_names": ["-h", "--help"], "rich_help_config": HELP},
)
@click.version_option(__version__, prog_name="ganeval", help="Display the version and exit")
def cli() -> None:
    """Evaluate generators of images and sound: FID, KID, precision, recall, FAD and others.

    \b
    ganeval quickstart           a tour of everything, offline
    ganeval fid real/ fake/      one metric
    ganeval eval real/ fake/     several metrics in one pass
    ganeval compare real/ a/ b/  a ranking of several samples
    ganeval list metrics         all metrics; each one is a command
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Exit codes: 0 done, 1 gate failed, 2 wrong usage or input, 3 gate inconclusive, 4 the machine
    lacks something, 130 interrupted.
    """
    words = list(sys.argv[1:] if args is None else args)
    _log_to_stderr()
    _escape_on_stdout()
    _forget_impossible_sizes()
    keep_freed_memory()
    team = ALONE
    try:
        with interruptible(), foreign_warnings_as_lines():
            team = team_of_command(words)
            call = Call(words, team)
            # The handler of rich_click itself would swallow the text of an interrupt.
            code = click.Group.main(cli, words, "ganeval", standalone_mode=False, obj=call)
            sys.stdout.flush()
            team.leave()
    except SystemExit as end:
        if type(sys.stdout).__name__.endswith("PacifyFlushWrapper"):  # click found stdout closed
            _leave(_closed(words))
        if end.code == 0:  # a process that has done its part
            team.leave()
        raise
    except (KeyboardInterrupt, click.Abort) as error:
        # click replaces Ctrl-C, whose text says how far the work came, by an exception of its own
        text = str(error.__cause__ if isinstance(error, click.Abort) else error)
        if team.leads:
            _say(text or "interrupted")
        _leave(INTERRUPTED)
    except BrokenPipeError:
        _leave(_closed(words))
    except Exception as error:
        if "--traceback" in words:
            raise
        code = _report(error, team)
        if team.size > 1:  # threads of the backend may abort a process that ends in order
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        _leave(code)
    _leave(code if isinstance(code, int) else 0)


def _closed(words: Sequence[str]) -> int:
    """Return the exit code if stdout was closed: its reader had seen enough, unless of a gate."""
    if list(words[:1]) != ["check"]:
        return 0
    _say("error: stdout was closed before the answer of the gate; needed: a reader; drop the pipe")
    return ResourceError.exit_code


def _report(error: Exception, team: Team) -> int:
    """Print an error as one line (and its details above it); return the exit code."""
    if isinstance(error, click.ClickException):
        lines, code = [f"error: {_misuse(error)}"], 2
    else:
        known = _translate(error)
        lines, code = [*known.details, f"error: {known}"], known.exit_code
    if not team.fails_alike(lines[-1]) or team.leads:
        for line in lines:
            _say(line)
    return code


def _misuse(error: click.ClickException) -> str:
    """Return what is wrong with the arguments of a command, and where to look."""
    text = error.format_message().rstrip(".")
    if isinstance(error, click.NoSuchOption):
        near = f"; did you mean '{error.possibilities[0]}'?" if error.possibilities else ""
        text = f"No such option '{error.option_name}'{near}"
    context = getattr(error, "ctx", None)
    if isinstance(error, click.MissingParameter):
        text = _missing(error, context) or " ".join(text.split())  # the choices have own lines
    elif text.startswith("Got unexpected extra argument") and context is not None:
        text = f"{text}; write `{_usage(context)}`{_too_many(context)}"
    return one_line(f"{text}; see `{context.command_path if context else 'ganeval'} --help`")


def _missing(error: click.MissingParameter, context: click.Context | None) -> str | None:
    """Return what to type for a missing option or argument; None if nothing is known of it."""
    if error.param is None or context is None:
        return None
    metavar = error.param.make_metavar(context)
    if metavar.startswith("{"):  # click lists the choices
        return None
    if isinstance(error.param, click.Argument):
        return f"{metavar.strip('[].')} is missing; write `{_usage(context)}`"
    return f"no {error.param.opts[0]}; add `{error.param.opts[0]} {metavar}`"


def _usage(context: click.Context) -> str:
    """Return how a command is called."""
    pieces = context.command.collect_usage_pieces(context)
    return " ".join([context.command_path, *(piece for piece in pieces if piece != "[OPTIONS]")])


def _too_many(context: click.Context) -> str:
    """Return what is likely meant by more arguments than a command has."""
    name = context.command.name or ""
    if name == "eval":
        return " (several metrics are one text: `-m fid,kid`; several samples: `ganeval compare`)"
    if name in METRICS.names() and "REFERENCE" not in _usage(context):
        return " (it looks at no reference)"
    if name in METRICS.names():
        return " (several samples: `ganeval compare REFERENCE SAMPLE...`)"
    return ""


def _translate(error: Exception) -> GanevalError:
    """Return what the error means to a user; re-raise an error that is our own mistake."""
    if isinstance(error, GanevalError):
        return error
    text = str(error)
    if isinstance(error, MemoryError) or "out of memory" in text or "can't allocate" in text:
        return ResourceError(
            "out of memory", "less memory at once", "lower --batch-size or --workers"
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ResourceError(
            f"{error.filename or 'stdout or a temporary file'}: the disk is full",
            "free space",
            "run `ganeval cache prune`, or set --cache-dir or TMPDIR to another disk",
        )
    if isinstance(error, OSError) and error.errno in _NO_SUCH_PLACE and error.filename is not None:
        return InputError(
            f"{error.filename}: {error.strerror}",
            "the name of a file or folder that can exist",
            "name another",
        )
    raise error


def _log_to_stderr() -> None:
    """Send warnings to stderr, one line each; `--verbose` and `--quiet` change the level."""
    handler = _ToStderr()
    handler.setFormatter(_OneLine())
    LOG.handlers = [handler]
    LOG.propagate = False
    LOG.setLevel(logging.WARNING)


def _escape_on_stdout() -> None:
    """Write characters that stdout cannot encode as `\\u2193`, as Python does on stderr."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _forget_impossible_sizes() -> None:
    """Ignore window sizes in the environment that are not numbers; rich would fail with them."""
    for name in ("COLUMNS", "LINES"):
        if re.fullmatch("[0-9]{1,5}", os.environ.get(name, "0")) is None:
            del os.environ[name]


class _ToStderr(logging.Handler):
    """Writes to the current stderr, where a progress display prints such lines above itself."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the record."""
        warn(self.format(record))


class _OneLine(logging.Formatter):
    """`ganeval: warning: ...`, whatever is in a file's name."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        return f"ganeval: {level}{one_line(record.getMessage())}"


def _say(text: str) -> None:
    """Print one line to stderr, which a terminal breaks at words."""
    warn(f"ganeval: {text}")


def _leave(code: int) -> NoReturn:
    """Exit without the interpreter complaining about a closed stdout."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
