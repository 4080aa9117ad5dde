"""The gate on the command line: every exit code on real runs, and every form of its answer."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
import yaml

import ganeval as package
from ganeval.cli.main import COMMANDS
from ganeval.sources.arrays.datasets import digits
from tests.command import Command, Outcome

ROOT = Path(__file__).parents[2]
OPTIONS = {"extractor": "random", "cache": False, "device": "cpu"}  # 64 dimensions
Pixels = npt.NDArray[np.uint8]
NUM = 400


def noisy(images: Pixels, strength: int) -> Pixels:
    noise = np.random.default_rng(strength).integers(-strength, strength + 1, images.shape)
    return (images.astype(int) + noise).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of digits: a baseline with some noise, and runs that are as good, worse, or few."""
    folder = tmp_path_factory.mktemp("runs")
    images = digits("all")[0]
    images = np.repeat(images[np.random.default_rng(0).permutation(len(images)), None], 3, axis=1)
    reference, first, second = images[:600], images[600:1000], images[1000:1400]
    samples = {
        "base": noisy(first, 60),
        "again": noisy(second, 60),
        "worse": noisy(second, 90),
        "few": noisy(second[:100], 60),
        "some": noisy(second[:250], 60),
    }
    for name, sample in samples.items():
        report = package.evaluate(
            sample=package.Images(sample, name=name),
            reference=package.Images(reference, name="digits"),
            metrics=["fid", "kid", "pr"],
            **OPTIONS,
        )
        report.save(folder / f"{name}.json")
    # Training runs of one recipe, each with a fault of its own.
    for number in range(1, 7):
        rows = np.random.default_rng(number).permutation(1000)[:250]
        package.evaluate(
            sample=package.Images(noisy(images[600:][rows], 56 + 4 * (number % 3)), name="trained"),
            reference=package.Images(reference, name="digits"),
            metrics=["fid", "kid"],
            **OPTIONS,
        ).save(folder / f"trained{number}.json")
    other = package.evaluate(
        sample=samples["again"], reference=reference[:599], metrics=["fid", "kid"], **OPTIONS
    )
    other.save(folder / "other.json")
    return folder


@pytest.fixture
def baseline(runs: Path, tmp_path: Path, ganeval: Command) -> Path:
    path = tmp_path / "baseline.json"
    shown = ganeval("baseline", "accept", runs / "base.json", "-o", path)
    assert shown.code == 0
    assert re.search(r"^fid\t\d", shown.out, re.MULTILINE)
    return path


@pytest.fixture
def gate(runs: Path, baseline: Path, ganeval: Command) -> Command:
    def call(run: str, *words: object) -> Outcome:
        return ganeval("check", runs / f"{run}.json", "--baseline", baseline, *words)

    return call


@pytest.mark.parametrize(
    ("run", "words", "code", "headline"),
    [
        ("base", (), 0, "gate passed"),
        ("again", ("--max-regress", "fid=60%"), 0, "gate passed"),
        ("worse", (), 1, "gate failed"),
        ("worse", ("--max-regress", "recall=90%,fid=2%"), 1, "gate failed"),
        ("again", (), 3, "gate inconclusive"),
        ("again", ("--on-inconclusive", "pass"), 0, "gate inconclusive"),
        ("again", ("--on-inconclusive", "fail"), 1, "gate inconclusive"),
        ("few", ("--max-regress", "recall=5%"), 3, "gate inconclusive"),
    ],
)
def test_the_exit_code_is_the_answer(
    run: str, words: tuple[str, ...], code: int, headline: str, gate: Command
) -> None:
    shown = gate(run, *words)
    assert shown.code == code, shown.out
    assert shown.out.splitlines()[-1].startswith(headline)
    assert shown.err == ""


def test_a_forgotten_percent_sign_is_told(
    gate: Command, runs: Path, tmp_path: Path, ganeval: Command
) -> None:
    said = "--max-regress kid=20 tolerates "
    told = gate("worse", "--max-regress", "kid=20")
    assert said in told.err
    assert "if a share is meant, write kid=20%" in told.err
    path = tmp_path / "b.json"
    assert (
        said
        in ganeval(
            "baseline", "accept", runs / "base.json", "-o", path, "--max-regress", "kid=20"
        ).err
    )
    assert "tolerates" not in gate("worse", "--max-regress", "kid=20%").err
    assert "tolerates" not in gate("worse", "--max-regress", "fid=0.9").err
    assert "tolerates" not in gate("worse", "--max-regress", "kid=0.5").err


def test_an_inconclusive_answer_names_the_images_that_would_decide(gate: Command) -> None:
    shown = gate("again")
    assert re.search(
        r"^fid: (worse|better) by .*, perhaps .* about [\d,]+ images (on both sides|of the run) "
        "would let an unchanged generator pass",
        shown.out,
        re.M,
    )
    few = gate("few", "--max-regress", "fid=300%")
    (line,) = [line for line in few.out.splitlines() if line.startswith("fid: ")]
    assert "nothing is decided: 100 and 400 images are too few to remove the bias" in line
    assert "320 are needed" in line
    assert "name a tolerance of kid (--max-regress kid=AMOUNT) to let it decide" in line
    few = gate("few", "--max-regress", "fid=300%,kid=300%")
    (line,) = [line for line in few.out.splitlines() if line.startswith("fid: ")]
    assert "kid decides instead" in line
    (line,) = [line for line in few.out.splitlines() if line.startswith("kid: ")]
    assert "100 images" in line
    assert "200 are needed" in line


def test_between_2_and_5_images_per_dimension_kid_decides_what_passes(gate: Command) -> None:
    """Under a tolerance of its own: a share of FID is none of KID."""
    shown = gate("some", "--max-regress", "fid=300%", "--json")
    (fid,) = json.loads(shown.out)["scores"]
    assert (shown.code, fid["outcome"], fid["num_needed"]) == (3, "inconclusive", 320)
    assert "name a tolerance of kid (--max-regress kid=AMOUNT) to let it decide" in fid["notes"]
    shown = gate("some", "--max-regress", "fid=300%,kid=300%", "--json")
    fid, kid = json.loads(shown.out)["scores"]
    assert (fid["name"], fid["outcome"], fid["num_needed"]) == ("fid", None, None)
    assert fid["reason"].endswith("320 are needed; kid decides whether it passes")
    assert (shown.code, kid["name"], kid["outcome"]) == (0, "kid", "pass")


def test_one_checkpoint_a_side_names_the_noise_that_is_missing(gate: Command) -> None:
    shown = gate("again")
    assert "one checkpoint on each side: these errors do not include how much another training" in (
        shown.out.replace("\n  ", " ")
    )


def test_several_training_runs_are_accepted_and_checked(
    runs: Path, tmp_path: Path, ganeval: Command
) -> None:
    trained = [runs / f"trained{number}.json" for number in range(1, 7)]
    path = tmp_path / "base.json"
    shown = ganeval("baseline", "accept", *trained[:3], "-o", path)
    assert shown.code == 0
    assert "fid within 10%: an unchanged generator cannot pass: 320 images are needed" in shown.out
    assert "kid within 10%: an unchanged generator passes in about" in shown.out
    words = ("--baseline", path, "--max-regress", "kid=300%")
    shown = ganeval("check", *trained[3:], *words, "--json")
    assert shown.code == 0
    content = json.loads(shown.out)
    assert content["num_runs"] == {"run": 3, "baseline": 3}
    (kid,) = content["scores"]
    values = [
        [package.Report.load(one)["kid"].value for one in group]
        for group in (trained[3:], trained[:3])
    ]
    assert kid["difference"] == pytest.approx(np.mean(values[0]) - np.mean(values[1]))
    assert kid["se"] >= np.sqrt(sum(np.var(one, ddof=1) / 3 for one in values))
    assert "3 and 3 training runs: error over runs by Welch's t" in kid["notes"]
    text = ganeval("check", *trained[3:], *words).out
    assert "3 training runs (baseline 3); errors are over runs, not over images" in text
    assert "one checkpoint" not in text
    for wrong, message in (
        ([trained[3], trained[3]], "runs 1 and 2 are the same images"),
        ([trained[3], runs / "again.json"], "the runs differ: 400 and 250 images"),
    ):
        refused = ganeval("check", *wrong, *words)
        assert (refused.code, message in refused.error) == (2, True), refused.error
        refused = ganeval("baseline", "accept", *wrong, "-o", tmp_path / "new.json")
        assert (refused.code, message in refused.error) == (2, True), refused.error


def test_a_baseline_of_an_older_version_is_decided_by_its_rule(
    runs: Path, baseline: Path, gate: Command, ganeval: Command
) -> None:
    """It answers as the older version did: by the biased values, at equal numbers."""
    content = json.loads(baseline.read_text())
    del content["provenance"]["gate"]
    baseline.write_text(json.dumps(content))
    base, worse = (package.Report.load(runs / f"{one}.json")["fid"] for one in ("base", "worse"))
    for run, words, code in (
        ("worse", ("--max-regress", "fid=2%"), 1),
        ("again", ("--max-regress", "fid=2%"), 3),
        ("again", ("--max-regress", "fid=60%"), 0),
        ("base", ("--max-regress", "fid=2%"), 0),
        ("some", ("--max-regress", "fid=60%"), 0),  # KID decides in its place
    ):
        shown = gate(run, *words)
        assert shown.code == code, shown.out
        assert "the baseline was accepted by an older version, whose rule decides" in (
            shown.out.replace("\n  ", " ")
        )
    (fid,) = json.loads(gate("worse", "--max-regress", "fid=2%", "--json").out)["scores"]
    assert fid["difference"] == pytest.approx(worse.value - base.value)
    for words in (("--fail-on", "any"), (str(runs / "trained1.json"),)):
        refused = ganeval("check", runs / "worse.json", *words, "--baseline", baseline)
        assert refused.code == 2
        assert (
            "accepted by an older version, whose rule knows one run on each side" in refused.error
        )
        assert "accept it again: ganeval baseline accept" in refused.error


def test_a_smaller_loss_can_be_made_to_fail(gate: Command) -> None:
    words = ("--max-regress", "fid=900%")
    assert gate("worse", *words).code == 0
    shown = gate("worse", *words, "--fail-on", "any")
    assert shown.code == 1
    assert shown.out.splitlines()[-1] == "gate failed: worse than the baseline"
    assert "--fail-on" in gate("worse", "--fail-on", "most").error


def test_what_cannot_be_compared_ends_with_2_and_says_what_differs(
    gate: Command, runs: Path, baseline: Path, tmp_path: Path, ganeval: Command
) -> None:
    shown = gate("other")
    assert shown.code == 2
    assert (
        "run and baseline differ: reference: the images are others in the run (599 images) than in "
        "the baseline (600 images)" in shown.error
    )
    for words, message in (
        (("--max-regress", "fid"), "NAME=AMOUNT"),
        (("--max-regress", "fidd=2%"), "did you mean 'fid'"),
        (("--alpha", "1"), "alpha is 1"),
        (("-o", "gate.tex"), "unknown suffix '.tex'"),
    ):
        shown = gate("again", *words)
        assert shown.code == 2
        assert message in shown.error
    run = runs / "again.json"
    absent = ganeval("check", run, "--baseline", tmp_path / "absent.json")
    assert (absent.code, "ganeval baseline accept" in absent.error) == (2, True)
    no_baseline = ganeval("check", run, "--baseline", run)
    assert (no_baseline.code, "not a ganeval baseline" in no_baseline.error) == (2, True)
    assert ganeval("check", baseline, "--baseline", baseline).code == 2
    assert ganeval("check", run).code == 2


def test_a_baseline_is_two_files_that_can_be_reviewed(
    runs: Path, baseline: Path, tmp_path: Path, ganeval: Command
) -> None:
    content = json.loads(baseline.read_text())
    assert content["schema"] == "ganeval.baseline/1"
    assert baseline.read_text() == json.dumps(content, indent=2, sort_keys=True) + "\n"
    assert (tmp_path / "baseline.influence.safetensors").stat().st_size > 8 * NUM * 2
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    again = ganeval("baseline", "accept", runs / "again.json", "-o", baseline)
    assert re.search(r"^fid\t\S+ .*\t\(was \S+", again.out, re.MULTILINE)
    assert ganeval("check", runs / "again.json", "--baseline", baseline).code == 0
    ganeval("baseline", "accept", runs / "base.json", "-o", baseline)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    refused = ganeval("baseline", "accept", runs / "base.json", "-o", runs / "again.json")
    assert (refused.code, "not a ganeval baseline" in refused.error) == (2, True)
    wrong = ganeval("baseline", "accept", runs / "base.json", "-o", tmp_path / "base.txt")
    assert (wrong.code, "unknown suffix" in wrong.error) == (2, True)
    both = package.Report.load(runs / "base.json").merge(package.Report.load(runs / "again.json"))
    both.save(tmp_path / "both.json")
    several = ganeval("baseline", "accept", tmp_path / "both.json", "-o", tmp_path / "b.json")
    assert (several.code, "the run has 2 samples" in several.error) == (2, True)
    several = ganeval("check", tmp_path / "both.json", "--baseline", baseline)
    assert (several.code, "the run has 2 samples" in several.error) == (2, True)


def test_without_its_influence_values_a_baseline_decides_nothing(
    gate: Command, tmp_path: Path
) -> None:
    (tmp_path / "baseline.influence.safetensors").unlink()
    shown = gate("worse")
    assert shown.code == 3
    assert (
        "fid: the baseline lacks its influence values; keep the file that was written beside it"
        in (shown.out)
    )


def test_another_machine_is_named_and_not_refused(gate: Command, baseline: Path) -> None:
    content = json.loads(baseline.read_text())
    content["provenance"]["device"] = "cuda"
    content["provenance"]["libraries"]["torch"] = "2.9.0"
    baseline.write_text(json.dumps(content))
    shown = gate("base")
    assert shown.code == 0
    version = importlib.metadata.version("torch")
    assert f"baseline made with device cuda (here cpu), torch 2.9.0 (here {version}" in (shown.out)


def test_generators_are_compared_pair_by_pair(
    tmp_path: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch_rng = torch.Generator().manual_seed(0)
    weight = torch.randn(3 * 8 * 8, 4, generator=torch_rng)
    reference = digits("train")[0][:NUM]
    for name, seed, change in (("base", 0, 0.0), ("alike", 0, 0.02), ("apart", 1, 0.02)):
        linear = torch.nn.Linear(4, 3 * 8 * 8)
        linear.weight.data, linear.bias.data = weight, torch.full((3 * 8 * 8,), change)
        network = torch.nn.Sequential(linear, torch.nn.Unflatten(1, (3, 8, 8)), torch.nn.Tanh())
        sample = package.Generator(
            network, latent_size=4, value_range=(-1, 1), num_images=NUM, seed=seed
        )
        package.evaluate(sample=sample, reference=reference, metrics=["fid"], **OPTIONS).save(
            tmp_path / f"{name}.json"
        )
    ganeval("baseline", "accept", tmp_path / "base.json", "-o", tmp_path / "baseline.json")
    answers = {}
    for name in ("alike", "apart"):
        words = ("--baseline", tmp_path / "baseline.json", "--max-regress", "fid=2%", "--json")
        (answers[name],) = json.loads(ganeval("check", tmp_path / f"{name}.json", *words).out)[
            "scores"
        ]
    assert answers["alike"]["notes"][0].startswith("paired")
    assert answers["apart"]["notes"][0].startswith("unpaired")
    assert answers["alike"]["se"] < answers["apart"]["se"] / 5


# What Jenkins' schema of JUnit files allows (its xunit plugin): children in this order with the
# most there may be of each, required and optional attributes.
JUNIT: dict[str, tuple[dict[str, float], set[str], set[str]]] = {
    "testsuites": (
        {"testsuite": float("inf")},
        set(),
        {"name", "time", "tests", "failures", "disabled", "errors"},
    ),
    "testsuite": (
        {"properties": 1, "testcase": float("inf"), "system-out": 1, "system-err": 1},
        {"name", "tests"},
        {"failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id"},
    ),
    "testcase": (
        {
            "skipped": 1,
            "error": float("inf"),
            "failure": float("inf"),
            "system-out": float("inf"),
            "system-err": float("inf"),
        },
        {"name"},
        {"classname", "time", "status", "assertions"},
    ),
    "failure": ({}, set(), {"type", "message"}),
    "error": ({}, set(), {"type", "message"}),
    "skipped": ({}, set(), set()),
    "system-out": ({}, set(), set()),
}


def validate(element: ET.Element) -> None:
    children, required, optional = JUNIT[element.tag]
    assert required <= element.attrib.keys() <= required | optional
    tags = [child.tag for child in element]
    assert tags == sorted(tags, key=list(children).index)
    for tag in tags:
        assert tags.count(tag) <= children[tag]
    for child in element:
        validate(child)


@pytest.mark.parametrize(
    ("run", "words", "elements"),
    [
        ("worse", (), {"fid": "failure"}),
        ("again", ("--max-regress", "fid=2%,recall=90%"), {"fid": "error", "recall": None}),
        ("again", ("--on-inconclusive", "pass"), {"fid": "skipped"}),
        ("again", ("--on-inconclusive", "fail"), {"fid": "failure"}),
        ("some", ("--max-regress", "fid=9999%"), {"fid": "error"}),
        ("some", ("--max-regress", "fid=9999%,kid=9999%"), {"fid": "skipped", "kid": None}),
        ("few", ("--max-regress", "fid=9999%"), {"fid": "error"}),
        ("few", ("--max-regress", "fid=9999%,kid=9999%"), {"kid": "error", "fid": "skipped"}),
    ],
)
def test_the_junit_file_keeps_to_its_schema(
    run: str,
    words: tuple[str, ...],
    elements: dict[str, str | None],
    gate: Command,
    tmp_path: Path,
) -> None:
    path = tmp_path / "gate.xml"
    gate(run, *words, "-o", path)
    root = ET.parse(path).getroot()
    validate(root)
    found = {}
    for case in root.iter("testcase"):
        tags = [child.tag for child in case if child.tag != "system-out"]
        found[case.get("name")] = tags[0] if tags else None
    assert found == elements
    (suite,) = root
    values = list(elements.values())
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert suite.get(attribute) == str(values.count(tag))
    assert suite.get("tests") == str(len(elements))
    # A test report keys its cases by class and name.
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(names)) == len(names)


def test_the_step_summary_is_added_to(
    gate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert gate("worse", "-o", tmp_path / "gate.md").code == 1
    text = summary.read_text(encoding="utf-8")
    assert text == "before\n" + (tmp_path / "gate.md").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert lines[1].endswith(
        "ganeval: gate failed: worse than the baseline by more than is tolerated"
    )
    header, rule, row = lines[3:6]
    assert header.count("|") == rule.count("|") == row.count("|") == 9
    assert row.startswith("| fid \u2193 |")
    assert row.endswith("| FAIL |")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "absent" / "summary.md"))
    refused = gate("worse")
    assert (refused.code, "step summary cannot be written" in refused.error) == (2, True)


def test_json_says_all_that_the_table_says(gate: Command, tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    words = ("--max-regress", "fid=2%", "--alpha", "0.02")
    shown = gate("again", *words, "--json", "--on-inconclusive", "fail", "-o", path)
    content = json.loads(shown.out)
    assert content == json.loads(path.read_text())
    assert (content["schema"], content["outcome"]) == ("ganeval.gate/1", "inconclusive")
    assert (content["counted_as"], content["alpha"]) == ("fail", 0.02)
    assert (content["fail_on"], content["rule"]) == ("tolerance", 2)
    assert content["num_runs"] == {"run": 1, "baseline": 1}
    (score,) = content["scores"]
    assert score["outcome"] == "inconclusive"
    assert score["num_needed"] > score["num_sample"] == NUM
    assert score["margin"] == pytest.approx(0.02 * score["baseline"])
    assert score["given_baseline"] > 0.02


def test_the_action_calls_commands_and_options_that_exist(ganeval: Command) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert action["runs"]["using"] == "composite"
    steps = action["runs"]["steps"]
    assert all(step["shell"] == "bash" for step in steps)
    calls = []
    for step in steps:
        assert "${{" not in step["run"]  # an input in a script would be a way to run commands
        used = set(re.findall(r"inputs\.([a-z-]+)", str(step.get("env", {}))))
        assert used <= action["inputs"].keys()
        script = step["run"].replace("\\\n", " ")
        subprocess.run(["bash", "-n", "-c", script], check=True)
        calls += re.findall(r"^\s*ganeval ([a-z]+)(.*)$", script, re.MULTILINE)
    assert [command for command, _ in calls] == ["eval", "check"]
    for command, words in calls:
        text = ganeval(command, "--help").out
        for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", words):
            assert re.search(rf"(^|[ ,]){option}\b", text, re.MULTILINE), option


@pytest.mark.parametrize(("run", "inconclusive", "code"), [("worse", "", 1), ("again", "pass", 0)])
def test_the_action_ends_as_the_gate_does(
    run: str, inconclusive: str, code: int, runs: Path, baseline: Path, tmp_path: Path
) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    (step,) = [step for step in action["runs"]["steps"] if step.get("id") == "check"]
    (tmp_path / "bin").mkdir()
    for name, words in (("ganeval", "-m ganeval"), ("python", "")):
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        program.chmod(0o755)
    folder = tmp_path / "out put"
    folder.mkdir()
    shutil.copy(runs / f"{run}.json", folder / "run.json")
    shutil.copy(runs / f"{run}.influence.safetensors", folder / "run.influence.safetensors")
    environment = {
        **os.environ,
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "GITHUB_OUTPUT": str(tmp_path / "outputs"),
        "BASELINE": str(baseline),
        "MAX_REGRESS": "fid=2%",
        "ALPHA": "0.05",
        "FAIL_ON": "tolerance",
        "ON_INCONCLUSIVE": inconclusive,
        "OUTPUT": str(folder),
    }
    # As GitHub runs `shell: bash`.
    words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    assert subprocess.run(words, env=environment, capture_output=True).returncode == code
    outcome = {"worse": "fail", "again": "inconclusive"}[run]
    assert (tmp_path / "outputs").read_text() == f"outcome={outcome}\n"
    assert {path.name for path in folder.iterdir()} > {"gate.xml", "gate.json", "gate.md"}


def test_the_recipes_parse_and_call_commands_that_exist() -> None:
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    github, _, gitlab = [
        yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.S)
    ]
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    inputs = github["jobs"]["gate"]["steps"][-1]["with"]
    required = {name for name, one in action["inputs"].items() if one.get("required")}
    assert required <= inputs.keys() <= action["inputs"].keys()
    assert gitlab["gate"]["artifacts"]["reports"] == {"junit": "gate.xml"}
    assert gitlab["gate"]["allow_failure"] == {"exit_codes": 3}
    assert set(re.findall(r"^\s*(?:- )?ganeval ([a-z]+)", text, re.M)) <= set(COMMANDS)


def test_the_workflow_without_our_action_runs_as_it_stands(
    ganeval: Command, real: Path, fake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    workflow = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", text, re.S)[1])
    steps = workflow["jobs"]["gate"]["steps"]
    commands = [step["run"].split() for step in steps if step.get("run", "").startswith("ganeval")]
    assert (real.name, fake.name) == ("real", "fake")
    monkeypatch.chdir(tmp_path)
    score, check = (words[1:] for words in commands)
    score += ["--extractor", "random"]  # nothing is downloaded in a test
    assert ganeval(*score).code == 0
    assert ganeval("baseline", "accept", "run.json", "-o", "baseline.json").code == 0
    assert ganeval(*check).code == 0
    assert (tmp_path / "gate.xml").exists()
