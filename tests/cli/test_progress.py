"""Progress on stderr: bars that fit the window and go, lines with -v elsewhere, else nothing."""

import io
import logging
import sys
from collections.abc import Callable

import click
import pytest

from ganeval.cli.bars import Bars
from ganeval.cli.call import Call
from ganeval.cli.progress import terminal_progress
from ganeval.machine.progress import REPORT_PICTURES, SCORES_OF, silent
from ganeval.machine.team import Team
from tests.screen import frame

LABELS = ("real/", "a/folder/with/a/long/name/samples_of_step_20000.npz", "scores of b/")
WIDTHS = (60, 80, 110)


class Terminal(io.StringIO):
    """A terminal as stderr."""

    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True

    def lines(self, width: int) -> list[str]:
        """What a person sees, from the first line that is not empty."""
        return frame(self.getvalue().replace("\n", "\r\n"), width)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the time that displays see."""
    now = [0.0]
    monkeypatch.setattr("rich.console.monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, seconds)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Terminal]:
    """Make stderr a terminal of a width."""

    def make(width: int) -> Terminal:
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        for name, value in {"COLUMNS": str(width), "TERM": "xterm-256color"}.items():
            monkeypatch.setenv(name, value)
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_INTERACTIVE", "TTY_COMPATIBLE"):
            monkeypatch.delenv(name, raising=False)
        return stream

    return make


@pytest.mark.parametrize("width", WIDTHS)
def test_the_bars_fit(
    width: int, terminal: Callable[[int], Terminal], clock: Callable[[float], None]
) -> None:
    stream = terminal(width)
    bars = Bars()
    for second in range(31):
        clock(second)
        bars.show(LABELS[0], min(1000 * second, 12_000), 12_000, noun="images")
        bars.show(LABELS[1], 400 * second, 50_000, noun="images")
        bars.show(LABELS[2], 0 if second < 30 else 2, 5, noun="")
    bars.start()
    bars.refresh()
    shown = stream.lines(width)
    bars.stop()
    assert len(shown) == 2  # a work that is done has no bar
    assert max(map(len, shown)) <= width
    assert shown[0].endswith("12,000/50,000 400 images/s 1:35 left")
    label = shown[0].split()[0]
    assert label == {60: "a/f...0000.npz", 80: "a/folder/...es_of_step_20000.npz"}.get(
        width, LABELS[1]
    )
    assert shown[1].startswith("scores of b/")
    assert "2/5" in shown[1]
    assert "images/s" not in shown[1]
    assert stream.lines(width) == []  # nothing is left behind


def call(team: Team | None = None) -> "click.Context":
    return click.Context(click.Command("bare"), obj=Call([], *([team] if team else [])))


def test_a_terminal_sees_bars_of_what_takes_longer_than_a_second(
    terminal: Callable[[int], Terminal], clock: Callable[[float], None]
) -> None:
    stream = terminal(80)
    with call(), terminal_progress() as progress:
        progress("real/", 10, 100)
        clock(0.9)
        progress("real/", 20, 100)
        assert stream.getvalue() == ""
        clock(1.1)
        progress("real/", 30, 100)
        assert "30/100" in stream.lines(80)[0]
    assert stream.lines(80) == []


@pytest.mark.parametrize("level", [logging.ERROR, logging.WARNING, logging.INFO])
def test_elsewhere_there_are_lines_with_verbose_alone(
    level: int, clock: Callable[[float], None], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(level, "ganeval"), call(), terminal_progress() as progress:
        for second in range(0, 100, 10):
            clock(second)
            progress("real/", 100 * second, 50_000, "images")
    assert [record.getMessage() for record in caplog.records] == (
        [
            "real/: 4,000/50,000 100 images/s 7:40 left",
            "real/: 8,000/50,000 100 images/s 7:00 left",
        ]
        if level == logging.INFO
        else []
    )


@pytest.mark.parametrize("level", [logging.ERROR, logging.INFO])
def test_quiet_commands_and_other_processes_show_nothing(
    level: int, terminal: Callable[[int], Terminal]
) -> None:
    terminal(80)
    log = logging.getLogger("ganeval")
    log.setLevel(level)
    with call(Team(rank=1, size=2) if level == logging.INFO else None), terminal_progress() as one:
        assert one is silent


@pytest.mark.parametrize("label", [f"{SCORES_OF}fake/", REPORT_PICTURES])
def test_work_that_counts_no_images_has_no_images_per_second(
    label: str, terminal: Callable[[int], Terminal], clock: Callable[[float], None]
) -> None:
    stream = terminal(80)
    with call(), terminal_progress() as progress:
        for second in range(3):
            clock(second)
            progress(label, second, 5)
        (line,) = stream.lines(80)
        assert "2/5" in line
        assert "images/s" not in line
