"""The fenced blocks of Markdown pages: what is in them, how they run, what they should print."""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from ganeval.cli.main import main

ROOT = Path(__file__).parents[2]
RUN = ("console", "python")
SHOWN = ("text", "toml", "yaml", "json", "bash", "{toctree}", "{include}", "{eval-rst}")
"""Languages of blocks that are run, and of those that are only looked at.

A comment on a line of its own before a block says otherwise: `<!-- not run: WHY -->`, or `<!-- slow
-->` for what `./scripts/docs` runs alone. A block of text after one of Python is what it prints.
"""

RELATIVE = 0.05  # how far a number with a decimal point may be off, for processors differ
TRAINED = 0.5, 0.2
"""How far the numbers of slow blocks may be off, as a share and as a difference.

These blocks train networks. What processors round differently grows in training, so that the same
command gives another network on another machine: FID 10.95 here and 11.54 there, recall 0.15 and
0.08. Errors are not compared: near 0 and 1 a table has intervals for a whole column.
"""
_COMMENT = re.compile(r"<!-- (slow|not run: .*?) -->", re.DOTALL)
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[-+]\d+)?")
_ERROR = re.compile(rf"± {_NUMBER.pattern}|\[-?{_NUMBER.pattern}, -?{_NUMBER.pattern}\]")
_ELIDED = "[...]"


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, its comment, and the text block that follows it at once."""

    line: int
    language: str
    text: str
    comment: str
    printed: str | None


def pages() -> list[Path]:
    """README and every page of the documentation that git has."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "README.md", "docs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [ROOT / name for name in sorted(names) if name.endswith(".md")]


def blocks_of(page: Path) -> list[Block]:
    """Return the fenced blocks of a page in their order."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    found = []
    for place, token in enumerate(tokens):
        if token.type != "fence":
            continue
        before = tokens[place - 1] if place else token
        after = tokens[place + 1] if place + 1 < len(tokens) else token
        comment = _COMMENT.search(before.content) if before.type == "html_block" else None
        follows = after is not token and after.type == "fence" and after.info == "text"
        assert token.map is not None
        found.append(
            Block(
                line=token.map[0] + 1,
                language=token.info.partition(" ")[0],
                text=token.content,
                comment=" ".join(comment.group(1).split()) if comment else "",
                printed=after.content if follows else None,
            )
        )
    return found


def commands_of(text: str) -> Iterator[tuple[str, str]]:
    """Return each command of a console block, and what the page says that it prints."""
    for piece in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = piece.splitlines()
        last = next(place for place, line in enumerate(lines) if not line.endswith("\\"))
        yield "\n".join(lines[: last + 1]), "\n".join(lines[last + 1 :])


def run_block(block: Block, names: dict[str, object]) -> None:
    """Run a block in the current folder, and hold what it prints against the page."""
    trained = block.comment == "slow"
    if block.language == "console":
        for command, printed in commands_of(block.text):
            run_command(command, printed, trained=trained)
        return
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        exec(compile(block.text, f"line {block.line}", "exec"), names)
    if block.printed is not None:
        assert_alike(shown.getvalue(), block.printed, trained=trained)


def run_command(command: str, printed: str, *, trained: bool) -> None:
    """Run a command as a shell does, and hold what it prints against the page."""
    words = words_of(command)
    code, out, err = in_shell(command) if words is None else in_process(words)
    said = "".join(f"{line}\n" for line in err.splitlines() if line.startswith("ganeval: "))
    if not printed.strip():
        assert code == 0, f"{command}\nexit code {code}\n{err}"
        return
    found = said + out if re.search("^ganeval: ", printed, re.MULTILINE) else out
    assert_alike(found, printed, trained=trained)


def words_of(command: str) -> list[str] | None:
    """Return the words of a command that needs no shell, without its `ganeval`."""
    lexer = shlex.shlex(command.replace("\\\n", " "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words = list(lexer)
    plain = not re.search(r"[|<>;&*$`]", command)
    return words[1:] if words[0] == "ganeval" and plain else None


def in_process(words: list[str]) -> tuple[int, str, str]:
    """Call the command line here: starting a process for each would take longer than the work."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(words)
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    return code, out.getvalue(), err.getvalue()


def in_shell(command: str) -> tuple[int, str, str]:
    """Run a command by bash, where `ganeval` is that of this checkout."""
    call = f'ganeval() {{ "{sys.executable}" -m ganeval "$@"; }}\n{command}\n'
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", call], capture_output=True, text=True, env=environment
    )
    return done.returncode, done.stdout, done.stderr


def assert_alike(found: str, wanted: str, *, trained: bool = False) -> None:
    """Assert that two texts have the same words and about the same numbers; see `TRAINED`."""
    message = f"--- found\n{found}\n--- wanted\n{wanted}"
    found, wanted = _flat(found), _flat(wanted)
    if trained:
        found, wanted = _ERROR.sub("±", found), _ERROR.sub("±", wanted)
    pattern = f"({_NUMBER.pattern})".join(
        re.escape(piece).replace(re.escape(_ELIDED), ".*?") for piece in _NUMBER.split(wanted)
    )
    match = re.fullmatch(pattern, found, re.DOTALL)
    assert match, message
    for number, one in zip(_NUMBER.finditer(wanted), match.groups(), strict=True):
        is_share = re.match(" ?%", wanted[number.end() :]) is not None
        near = _near_trained if trained else _near_share if is_share else _near
        assert near(one, number.group()), f"{one}, not {number.group()}\n{message}"


def _flat(text: str) -> str:
    """Return a text without the breaks of its lines and the widths of its columns."""
    return " ".join(re.sub("─+", "─", text).split())


def _near(found: str, wanted: str) -> bool:
    """Tell whether a number is the same but for what a processor rounds: counts are exact."""
    if "." not in wanted and "e" not in wanted:
        return found == wanted
    return _near_share(found, wanted)


def _near_share(found: str, wanted: str) -> bool:
    """Tell whether a number is about the same, or differs in its last digit alone."""
    one, other = _value(found), _value(wanted)
    digits = len(wanted.partition("e")[0].partition(".")[2])
    return abs(one - other) <= max(RELATIVE * abs(other), 3 * 10.0**-digits)


def _near_trained(found: str, wanted: str) -> bool:
    """Tell whether the same training on another processor could give this number."""
    one, other = _value(found), _value(wanted)
    share, difference = TRAINED
    return abs(one - other) <= max(share * abs(other), difference)


def _value(text: str) -> float:
    """Return the number that a text shows."""
    return float(text.replace(",", ""))
