"""What a person sees: the frame of a terminal after a command or a text was printed in it."""

import os
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pyte

LEFT_TO_RIGHT_MARK = "\u200e"
LINES = 600  # of the emulated screen, so that nothing scrolls away


def frame(output: str, width: int) -> list[str]:
    """Return the lines of a terminal of so many columns that was sent `output`."""
    screen = pyte.Screen(width, LINES)
    stream = pyte.Stream(screen)
    # pyte drops what follows such a mark in one piece of text.
    for piece in output.split(LEFT_TO_RIGHT_MARK):
        stream.feed(piece)
    lines = [line.rstrip() for line in screen.display]
    assert not lines[-1], "the emulated screen is too short"
    while lines and not lines[-1]:
        lines.pop()
    return lines


def run_in_terminal(
    *words: object,
    width: int,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stream: Literal["stdout", "stderr"] = "stdout",
) -> tuple[int, list[str]]:
    """Run the command line with a terminal as one stream; return its exit code and the frame."""
    import fcntl  # not on Windows
    import pty
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    surroundings = {**os.environ, "TERM": "xterm-256color", **(env or {})}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        surroundings.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, "-m", "ganeval", *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=follower if stream == "stdout" else subprocess.DEVNULL,
        stderr=follower if stream == "stderr" else subprocess.DEVNULL,
        cwd=cwd,
        env=surroundings,
    )
    os.close(follower)
    output = bytearray()
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # Linux says so when the last writer has gone
            break
        if not piece:
            break
        output += piece
    os.close(leader)
    return process.wait(), frame(output.decode("utf-8"), width)
