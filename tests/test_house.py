"""The rules of the house: who imports whom, what is public, what stays out."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ganeval

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "ganeval"

BASE = {"errors", "packages", "registry"}
FLOW = {
    *(
        "audio",
        "engines",
        "extractors",
        "features",
        "flow",
        "generators",
        "images",
        "machine",
        "metrics",
    ),
    *("report", "scores", "sources", "version", *BASE),
}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "version": set(),
    "packages": {"errors"},
    "registry": {"errors", "packages"},
    "machine": {"errors"},
    "audio": {"errors"},
    "images": {"errors"},
    "scores": {"errors"},
    "extractors": {"audio", "images", "machine", *BASE},
    "generators": {
        *("audio", "extractors.content", "extractors.state_dict", "images", "machine"),
        *BASE,
    },
    "sources": {"audio", "generators", "images", "machine", *BASE},
    "features": {"extractors.base", "machine", "sources.base", "sources.unusable", *BASE},
    "metrics": {
        *("audio.windows", "features.derived", "features.moments", "images.preparation"),
        "images.resize",
        *("machine.resources", "scores", *BASE),
    },
    "engines": {"features", "machine", "sources.base", "version", *BASE},
    "report": {"machine", "metrics.table", "scores", *BASE},
    "gate": {"report", "scores", *BASE},
    "latents": {"generators", "images", "machine", "sources", *BASE},
    "likelihood": {"generators", "images", "machine", "sources", *BASE},
    "flow": FLOW,
    "evaluation": FLOW,
    "extract": FLOW,
    "accumulate": {"evaluation", *FLOW},
    "extend": FLOW,
    "doctor": {
        "audio",
        "extractors.base",
        "features.stats",
        "flow",
        "images",
        "machine",
        "sources",
        *BASE,
    },
    "pytest_plugin": {"evaluation", "flow", "gate", "metrics.table", "report", "scores", *BASE},
    "__init__": {"accumulate", "evaluation", "latents", "likelihood", *FLOW},
    "__main__": {"cli"},
    "cli": {"doctor", "evaluation", "extract", "gate", "latents", "likelihood", *FLOW},
}
"""Who may import whom; docs/architecture.md shows it as a table."""

MAX_LINES = 400


def modules(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """The modules that a file imports, `from a import b` as `a.b` if b is a module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            found |= {
                f"{node.module}.{alias.name}"
                if (ROOT / node.module.replace(".", "/") / f"{alias.name}.py").exists()
                else node.module
                for alias in node.names
            }
    return found


def ours(names: set[str]) -> set[str]:
    return {name.removeprefix("ganeval.") for name in names if name.startswith("ganeval.")}


@pytest.mark.parametrize("path", modules(PACKAGE), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    layer = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for name in ours(imports(path)):
        first = name.split(".")[0]
        allowed = ALLOWED[layer]
        assert first == layer or first in allowed or name in allowed, f"{path} imports {name}"


def test_the_page_shows_the_table() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {folder.parent.name for folder in PACKAGE.glob("*/__init__.py")}
    shown = {
        room: set(re.findall(r"`([a-z_.]+)`", allowed))
        for room, allowed in re.findall(r"^\| `(\w+)/` \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE)
    }
    assert shown == {room: ALLOWED[room] - {room, "version", *BASE} for room in rooms}


@pytest.mark.parametrize("path", modules(PACKAGE), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nobody_imports_the_command_line_or_the_tests(path: Path) -> None:
    for name in imports(path):
        inside_cli = path.relative_to(PACKAGE).parts[0] in ("cli", "__main__.py")
        assert inside_cli or not name.startswith("ganeval.cli"), f"{path} imports {name}"
        assert name.split(".")[0] not in ("tests", "scripts"), f"{path} imports {name}"


def test_modules_form_no_cycle() -> None:
    graph = {}
    for path in modules(PACKAGE):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        graph[name] = {target for target in imports(path) if target.startswith("ganeval.")}
    graph["ganeval"] = set()  # its public names are loaded on use
    done: set[str] = set()
    while len(done) < len(graph):
        free = {name for name in graph.keys() - done if graph[name] & graph.keys() <= done}
        assert free, f"a cycle among {sorted(graph.keys() - done)}"
        done |= free


def test_reference_models_use_only_public_names() -> None:
    for path in modules(ROOT / "reference_models"):
        assert not ours(imports(path)), f"{path} imports an inner module of ganeval"


@pytest.mark.parametrize("path", modules(PACKAGE), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", modules(PACKAGE), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_global_randomness_and_no_pickle(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    banned = {"np.random.seed", "np.random.rand", "np.random.randn", "np.random.shuffle"}
    assert not names & {*banned, "torch.manual_seed", "torch.seed"}
    assert not imports(path) & {"pickle", "random", "dill", "cloudpickle"}


def test_public_names_are_sorted_and_exist() -> None:
    assert ganeval.__all__ == sorted(ganeval.__all__)
    for name in ganeval.__all__:
        assert getattr(ganeval, name) is not None
    assert dir(ganeval) == ganeval.__all__
    with pytest.raises(AttributeError, match="evalute"):
        _ = ganeval.evalute


def test_public_names_stay() -> None:
    assert ganeval.__all__ == [
        "Accumulator",
        "Card",
        "Clip",
        "Clips",
        "GanevalError",
        "Generator",
        "Images",
        "Report",
        "Settings",
        "Team",
        "__version__",
        "compare",
        "evaluate",
        "index_folder",
        "invert",
        "latent_arithmetic",
        "load_generator",
        "log_likelihood",
        "open_index",
        "open_source",
        "prepared_folder",
        "read_card",
        "slerp",
        "write_checkpoint",
    ]


def test_import_is_light() -> None:
    heavy = {
        "torch",
        "torchvision",
        "pandas",
        "matplotlib",
        "scipy",
        "sklearn",
        "timm",
        "rich",
        "fsspec",
    }
    code = f"import ganeval, sys; print(sorted({heavy!r} & set(sys.modules)))"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert out.stdout.strip() == "[]"


def test_every_folder_of_code_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for folder in sorted(path.parent for path in PACKAGE.glob("*/__init__.py")):
        assert f"{folder.name}/" in readme
