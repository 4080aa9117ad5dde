"""How the command line was called: its words, and the processes that torchrun has started."""

import logging
import os
import sys
from dataclasses import dataclass

from click import get_current_context

from ganeval.machine.team import ALONE, Team, find_team
from ganeval.metrics.table import METRICS

LOG = logging.getLogger("ganeval")

_SHARED = ("eval", "compare", "stats", "extract", "benchmark")
"""The commands, apart from metrics, whose work processes share. `train` manages its own."""

_TRAININGS_SECONDS = 30.0 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the command line.

    Attributes:
        words: What the user wrote after `ganeval`.
        team: The processes that work on it.
    """

    words: list[str]
    team: Team = ALONE

    @property
    def is_quiet(self) -> bool:
        """Whether this process shows no progress, by option or because another process shows it."""
        return not self.team.leads or not LOG.isEnabledFor(logging.WARNING)


def team_of_command(words: list[str]) -> Team:
    """Return the processes that share the work of a command, connected; see `Team.join`.

    Only the first process writes to stdout. A command without work to share runs in the first
    process alone.

    Raises:
        UsageError: The timeout is not a number.
        TeamError: The processes cannot be reached.
        SystemExit: This process has nothing to do.
    """
    name = words[0] if words else ""
    # In a benchmark, whole trainings lie between two answers.
    waiting = {"timeout": _TRAININGS_SECONDS} if name == "benchmark" else {}
    team = ALONE if name == "train" else find_team(**waiting)
    if team.size == 1:
        return ALONE
    is_shared = name in _SHARED or name in METRICS.names()
    if team.leads and not is_shared:
        return ALONE
    if not is_shared:
        raise SystemExit(0)
    if not team.leads:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    team.join()
    return team


def current_call() -> Call:
    """Return the call that is being worked on."""
    call = get_current_context().obj
    assert isinstance(call, Call)
    return call
