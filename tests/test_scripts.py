"""Scripts that no test runs: what they import is there."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "scripts").rglob("*.py"))
OURS = ("ganeval", "reference_models", "tests")


def programs(text: str) -> Iterator[ast.AST]:
    """A script, and what it holds as texts for other processes to run."""
    tree = ast.parse(text)
    yield tree
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and "import" in node.value
        ):
            try:
                yield ast.parse(node.value)
            except SyntaxError:  # words, not a program
                continue


def imported(text: str) -> Iterator[tuple[str, str | None]]:
    """The modules of ours that a script imports, each with a name that is taken from it."""
    for tree in programs(text):
        for node in ast.walk(tree):
            found: list[tuple[str, str | None]] = []
            if isinstance(node, ast.Import):
                found = [(alias.name, None) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                found = [(node.module or "", alias.name) for alias in node.names]
            yield from (one for one in found if one[0].split(".")[0] in OURS)


def is_there(module: str, name: str | None) -> bool:
    """Whether a module can be imported and has the name, or a module of that name within."""
    try:
        found = importlib.import_module(module)
        if name is not None and not hasattr(found, name):
            importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in OURS:
            raise
        return False
    return True


def missing(text: str) -> list[str]:
    """What a script imports of ours that is not there."""
    return [
        ".".join(filter(None, one)) for one in dict.fromkeys(imported(text)) if not is_there(*one)
    ]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_script_imports_is_there(path: Path) -> None:
    assert missing(path.read_text(encoding="utf-8")) == []


def test_a_name_that_is_gone_is_found_wherever_it_is_imported() -> None:
    text = """
import ganeval.gone
from ganeval import Images, evalute
from ganeval.features import moments, momentos

def later() -> None:
    from tests.pictures import blobs, blubs

PROGRAM = "import ganeval.too; from ganeval.errors import InputError, OutputError"
"""
    assert missing(text) == [
        "ganeval.gone",
        "ganeval.evalute",
        "ganeval.features.momentos",
        "tests.pictures.blubs",
        "ganeval.too",
        "ganeval.errors.OutputError",
    ]
