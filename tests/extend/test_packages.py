"""What installed packages may add to the tables, and what becomes of what they may not."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from ganeval.cli.call import team_of_command
from ganeval.cli.main import COMMANDS
from ganeval.errors import UsageError
from ganeval.extractors.base import EXTRACTORS, ExtractorRequest, find_extractor
from ganeval.features.derived import derived_key
from ganeval.machine.team import ALONE
from ganeval.metrics.table import METRICS
from ganeval.sources.kinds import SOURCES
from tests.command import Command
from tests.extend.packages import FILES

Add = Callable[..., Path]
SPREAD = FILES["ganeval_toys/spread.py"]
THUMBNAIL = FILES["ganeval_toys/thumbnail.py"]
SHEET = FILES["ganeval_toys/sheet.py"]

TABLES = {"metrics": METRICS, "extractors": EXTRACTORS, "sources": SOURCES}


def test_additions_come_after_ours(toys: Path) -> None:
    added = {"metrics": "spread", "extractors": "thumbnail", "sources": "sheet"}
    for kind, name in added.items():
        table = TABLES[kind]
        assert table.names() == (*table.entries, name)
        assert table.load(name).__module__ == f"ganeval_toys.{name}"
        assert table.loaded().keys() == {*table.names()}


def test_they_are_gone_with_their_package(ganeval: Command) -> None:
    for kind, table in TABLES.items():
        assert table.names() == tuple(table.entries), kind
    assert "unknown metric 'spread'" in ganeval("eval", "a", "b", "-m", "spread").error


@pytest.mark.parametrize(
    ("group", "name", "words"),
    [
        ("metrics", "fid", ["fid", "{real}", "{fake}"]),
        ("metrics", "kid", ["eval", "{real}", "{fake}"]),  # which computes it by default
        ("metrics", "sfid", ["eval", "{real}", "{fake}", "-m", "sfid"]),
        ("extractors", "random", ["fid", "{real}", "{fake}"]),
        ("sources", "folder", ["fid", "{real}", "{fake}"]),
        ("sources", "zip", ["fid", "{real}", "zip:b.zip"]),
    ],
)
def test_a_name_of_ours_is_refused_when_it_is_used(
    *, group: str, name: str, words: list[str], add: Add, ganeval: Command, real: Path, fake: Path
) -> None:
    module = {"metrics": SPREAD, "extractors": THUMBNAIL, "sources": SHEET}[group]
    target = {"metrics": "Spread", "extractors": "Thumbnail", "sources": "Sheet"}[group]
    add("greedy", {f"ganeval.{group}": {name: f"greedy:{target}"}}, {"greedy.py": module})
    filled = [word.format(real=real, fake=fake) for word in words]
    assert ganeval(*filled, "--extractor", "random").error == (
        f"ganeval: error: {group[:-1].replace('source', 'source kind')} '{name}' is in several "
        f"packages: ganeval, greedy; needed: one package for a name; uninstall greedy"
    )
    other = ("pr", real, fake) if group == "metrics" else ("list", "protocols")
    assert ganeval(*other, *(["--extractor", "random"] if other[0] == "pr" else [])).code == 0


def test_a_name_of_two_packages_is_refused_when_it_is_used(
    add: Add, ganeval: Command, real: Path, fake: Path
) -> None:
    for package in ("one", "two"):
        entry = {"ganeval.metrics": {"spread": f"{package}:Spread"}}
        add(package, entry, {f"{package}.py": SPREAD})
    assert METRICS.names().count("spread") == 1
    for words in (("spread", real, fake), ("eval", real, fake, "-m", "spread")):
        error = ganeval(*words, "--extractor", "random").error
        assert (
            "metric 'spread' is in several packages: two, one; needed: one package for a na"
            in error
        )
    assert ganeval("is", fake, "--extractor", "random").code == 0


def broken(module: str, old: str, new: str) -> str:
    assert old in module
    return module.replace(old, new)


BROKEN = {
    "not there": (
        *("metrics", "spread", "no_such_module:Spread", ""),
        "cannot be imported (ModuleNotFoundError: No module named 'no_such_module')",
    ),
    "fails": (
        *("metrics", "spread", "poor:Spread", "import ganeval\n\n1 / 0\n"),
        "cannot be imported (ZeroDivisionError: division by zero)",
    ),
    "no such object": (
        *("metrics", "spread", "poor:Spraed", SPREAD),
        "cannot be imported (AttributeError: module 'poor' has no attribute 'Spraed')",
    ),
    "no object": (
        *("metrics", "spread", "poor", SPREAD),
        "cannot be imported (AttributeError: module 'poor' has no attribute '')",
    ),
    "not frozen": (
        *("metrics", "spread", "poor:Spread"),
        SPREAD.replace("frozen=True, ", ""),
        "is not a frozen dataclass; needed: @dataclass(frozen=True);",
    ),
    "no dataclass": ("metrics", "spread", "poor:distances", SPREAD, "is not a frozen dataclass; "),
    "no kinds": (
        *("metrics", "spread", "poor:Spread", broken(SPREAD, "    kinds:", "    sorts:")),
        "has no kinds; needed: common_name, kinds, needs, compute; ",
    ),
    "no needs": (
        *("metrics", "spread", "poor:Spread", broken(SPREAD, "def needs", "def wants")),
        "has no needs; ",
    ),
    "an option without a default": (
        *("metrics", "spread", "poor:Spread"),
        broken(SPREAD, "    power: float = 1.0", "    power: float"),
        "has no default for power; needed: a default for every option; ",
    ),
    "an annotation of nothing": (
        *("metrics", "spread", "poor:Spread"),
        broken(SPREAD, "    power: float = 1.0", '    power: "flaot" = 1.0'),
        "has an annotation that means nothing (name 'flaot' is not defined); ",
    ),
    "no kind": (
        *("metrics", "spread", "poor:Spread"),
        broken(SPREAD, "        ScoreKind(\n", "        dict(\n"),
        "has kinds that are not a tuple of ScoreKind, but hold a dict; ",
    ),
    "no tuple of kinds": (
        *("metrics", "spread", "poor:Spread"),
        broken(SPREAD, "        ),\n    )\n", "        )\n    )\n"),
        "has kinds that are not a tuple of ScoreKind; ",
    ),
    "a direction that is none": (
        *("metrics", "spread", "poor:Spread", broken(SPREAD, '"zero"', '"zreo"')),
        "has a ScoreKind whose direction is 'zreo' (str), and not one of: lower, higher, ",
    ),
    "a score of ours": (
        *("metrics", "spread", "poor:Spread", broken(SPREAD, 'name="spread"', 'name="recall"')),
        "calls a score 'recall', as the metric pr of ganeval does; ",
    ),
    "a score that nobody can type": (
        *("metrics", "spread", "poor:Spread", broken(SPREAD, 'name="spread"', 'name="a:b"')),
        "calls a score 'a:b', which is not in lower case with hyphens; ",
    ),
    "a stand-in that is none": (
        *("metrics", "spread", "poor:Spread"),
        broken(SPREAD, "stands_in=None", 'stands_in="kdi"'),
        "has a ScoreKind that 'kdi' stands in for, which is not the name of a score; ",
    ),
    "a plane that is none": (
        *("metrics", "spread", "poor:Spread"),
        broken(SPREAD, "plotted_against=None", 'plotted_against="recall"'),
        "plots 'spread' against 'recall', which is not one of its scores; ",
    ),
    "needs of nothing": (
        *("metrics", "spread", "poor:Spread"),
        broken(SPREAD, 'return both_sides(minimum=2, why="a standard error")', "return ()"),
        "has needs that are not a tuple of Need; ",
    ),
    "needs of a role that is none": (
        *("metrics", "spread", "poor:Spread"),
        broken(SPREAD, 'both_sides(minimum=2, why="a standard error")', '(Need(role="fake"),)'),
        "has a need that is not a Need of one of the roles sample, reference, train, heldout; ",
    ),
    "no default that works": (
        *("metrics", "spread", "poor:Spread", broken(SPREAD, "float = 1.0", "float = -1.0")),
        "fails without options (UsageError: spread has power=-1.0, needed: more than 0, "
        "raise power); ",
    ),
    "a command's name": (
        *("metrics", "eval", "poor:Spread", SPREAD),
        "the package poor-toys calls a metric 'eval'; "
        "needed: lower case with hyphens, two letters or mo",
    ),
    "a name that nobody can type": (
        *("metrics", "Spread:1", "poor:Spread", SPREAD),
        "the package poor-toys calls a metric 'Spread:1'; needed: lower case with hyphens, ",
    ),
    "no layers": (
        *("extractors", "thumbnail", "poor:Thumbnail"),
        broken(THUMBNAIL, "def layers(", "def widths("),
        "has no layers; needed: takes_variants, layers, describe, from_request; ",
    ),
    "no docstring": (
        *("extractors", "thumbnail", "poor:Thumbnail"),
        broken(
            THUMBNAIL, '    """The pixels of a thumbnail of 8 x 8: 192 features, no weights."""', ""
        ),
        "has no docstring; ",
    ),
    "no location": (
        *("sources", "sheet", "poor:Sheet", broken(SHEET, "    location: str", "    place: str")),
        "has no default for place; ",
    ),
    "no way to open": (
        *("sources", "sheet", "poor:Sheet", broken(SHEET, "def open(", "def read(")),
        "has no open; needed: location, open; tell the authors of poor-toys, or uninstall it",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_addition_is_one_line_when_it_is_used(
    case: str, add: Add, ganeval: Command, real: Path, fake: Path
) -> None:
    group, name, target, module, message = BROKEN[case]
    add("poor-toys", {f"ganeval.{group}": {name: target}}, {"poor.py": module})
    words = {
        "metrics": ("eval", real, fake, "-m", f"is,{name}", "--extractor", "random"),
        "extractors": ("fid", real, fake, "--extractor", name),
        "sources": ("fid", real, f"{name}:x.png", "--extractor", "random"),
    }[group]
    if ":" not in name:  # else the command line takes what follows for an option
        error = ganeval(*words).error
        assert message in error
        assert "poor-toys" in error
        assert error.count("; ") == 2
    with pytest.raises(UsageError) as caught:
        TABLES[group].load(name)
    assert message in str(caught.value)
    assert ganeval("is", fake, "--extractor", "random").code == 0
    listed = ganeval("list", group)
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines() if line[0] != " "] == [
        *TABLES[group].entries
    ]
    assert listed.err == f"ganeval: warning: {caught.value}\n"


def test_all_metrics_are_those_that_can_be_loaded(
    add: Add, ganeval: Command, real: Path, fake: Path, toys: Path
) -> None:
    add("poor", {"ganeval.metrics": {"poor": "no_such_module:Poor"}}, {})
    found = ganeval("eval", real, fake, "-m", "all", "--extractor", "random", "--json")
    assert found.code == 0
    assert '"spread"' in found.out
    assert "metric 'poor' of the package poor cannot be imported" in found.err


def test_the_names_of_commands_mean_commands(add: Add, ganeval: Command) -> None:
    reserved = METRICS.outside.reserved if METRICS.outside else ()
    assert {*COMMANDS} - {*METRICS.entries} <= {*reserved}
    add("poor-toys", {"ganeval.metrics": {"list": "poor:Spread"}}, {"poor.py": SPREAD})
    assert ganeval("list", "protocols").out.startswith("standard ")


def test_two_metrics_cannot_give_one_score(
    add: Add, ganeval: Command, real: Path, fake: Path, toys: Path
) -> None:
    add("other", {"ganeval.metrics": {"width": "other:Spread"}}, {"other.py": SPREAD})
    words = ("eval", real, fake, "--extractor", "random", "-m")
    assert ganeval(*words, "spread,width").error == (
        "ganeval: error: the metrics 'spread' and 'width' both give 'spread'; "
        "needed: each score once; "
        "leave out one of the metrics"
    )
    assert ganeval(*words, "spread,width:power=2", "--json").code == 0


def test_an_extractor_goes_by_its_own_name(add: Add) -> None:
    module = broken(THUMBNAIL, 'name="thumbnail"', 'name="random"')
    add("poor", {"ganeval.extractors": {"thumbnail": "poor:Thumbnail"}}, {"poor.py": module})
    with pytest.raises(UsageError, match=r"^extractor 'thumbnail' says that its name is 'random'"):
        find_extractor("thumbnail").describe(ExtractorRequest())


def test_derivations_of_one_name_share_no_value(add: Add) -> None:
    keys = set()
    for package in ("one", "two"):
        add(package, {}, {f"{package}_spread.py": SPREAD})
        centre = importlib.import_module(f"{package}_spread").Centre
        assert derived_key(centre(1.0), "a") == derived_key(centre(1.0), "a")
        keys |= {derived_key(centre(1.0), "a"), derived_key(centre(2.0), "a")}
    assert len(keys) == 4


@pytest.mark.parametrize("name", ["spread", "fid"])
def test_processes_share_the_work_of_any_metric(
    name: str, toys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = SimpleNamespace(size=2, leads=True, join=lambda: None)
    monkeypatch.setattr("ganeval.cli.call.find_team", lambda: team)
    assert team_of_command([name, "real", "fake"]) is team
    assert team_of_command(["list", "metrics"]) is ALONE


def test_networks_of_one_name_share_no_features(
    *,
    add: Add,
    ganeval: Command,
    real: Path,
    fake: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ("fid", real, fake, "--extractor", "thumbnail", "--json")
    blind = broken(THUMBNAIL, "flatten(1)", "flatten(1) * 0 + batch.flatten(1).mean(1)[:, None]")
    outputs = []
    for package, module in (("one", THUMBNAIL), ("two", blind), ("one-again", THUMBNAIL)):
        name = package.replace("-", "_")
        entry = {"ganeval.extractors": {"thumbnail": f"{name}:Thumbnail"}}
        folder = add(package, entry, {f"{name}.py": module})
        run = tmp_path / f"{package}.json"
        outputs.append(json.loads(ganeval(*words, "-o", run).out)["scores"][0]["value"])
        monkeypatch.setattr(sys, "path", [place for place in sys.path if place != str(folder)])
    assert outputs[0] == outputs[2] != outputs[1]
    ganeval("baseline", "accept", tmp_path / "one.json", "-o", tmp_path / "base.json")
    error = ganeval("check", tmp_path / "two.json", "--baseline", tmp_path / "base.json").error
    assert "package is two in the run and one in the baseline" in error


def test_an_older_copy_behind_a_package_adds_nothing(
    add: Add, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = add("ganeval-more", {"ganeval.metrics": {"older": "more:Spread"}}, {"more.py": SPREAD})
    newer = older.rename(tmp_path / "behind")
    monkeypatch.setattr(sys, "path", [*sys.path, str(newer)])
    assert "older" in METRICS.names()
    add("ganeval-more", {"ganeval.metrics": {"newer": "more:Spread"}}, {"more.py": SPREAD})
    assert METRICS.names()[-1] == "newer"
    assert "older" not in METRICS.names()


@pytest.mark.parametrize("text", ["[ganeval.metrics]\nno equals sign\n", "[ganeval.metrics]\n= x"])
def test_a_damaged_list_of_entry_points_harms_no_other(text: str, add: Add, toys: Path) -> None:
    folder = add("damaged", {}, {})
    (folder / "damaged-1.0.dist-info" / "entry_points.txt").write_text(text)
    assert "spread" in METRICS.names()
    assert METRICS.load("spread").__name__ == "Spread"


def test_where_no_package_adds_anything_none_is_read() -> None:
    code = """
import sys
from ganeval.metrics.table import METRICS
assert METRICS.names() == tuple(METRICS.entries)
METRICS.find("fid")
print("importlib.metadata" in sys.modules)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"
