"""`ganeval benchmark`: nothing lost, nothing trained twice, and the numbers of the textbook."""

import copy
import json
import os
import pickle
import re
import shutil
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

import ganeval as package
from ganeval.engines import ray_cluster
from reference_models.benchmark import work
from tests.command import Command
from tests.screen import run_in_terminal
from tests.spread.jobs import free_port
from tests.spread.test_ray import Cluster
from tests.waiting import until

ROOT = Path(__file__).parents[2]
REFERENCE = "data:digits,split=test,size=16"
SUITE = f"""
seeds = [0, 1]
steps = 4
save_every = 1

[data.digits]
source = "digits"
reference = "{REFERENCE}"

[scoring]
metrics = ["kid"]
extractor = "random"
num_images = 200
eval_every = 2
eval_images = 200

[models]
gan = {{}}
fast = {{model = "gan", settings = {{"optimizers.G.lr" = 2e-3}}}}
"""
SHORT = SUITE.replace("eval_every = 2\neval_images = 200\n", "").replace("[0, 1]", "[0]")
"""One run of each model, without a curve."""


def environment(cache: Path) -> dict[str, str]:
    own = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GANEVAL_CACHE": str(cache)}
    return {**os.environ, **own}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder of a benchmark, in a different file or folder, and what it printed as JSON."""
    place = tmp_path_factory.mktemp("benchmark")
    (place / "suite.toml").write_text(SUITE)
    done = subprocess.run(
        [sys.executable, "-m", "ganeval", "benchmark", "suite.toml", "--json"],
        cwd=place,
        env=environment(place / "cache"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return place / "runs" / "suite", json.loads(done.stdout)


@pytest.fixture
def again(
    made: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of that folder where a test may go on with it, its cache too."""
    place = made[0].parents[1]
    shutil.copytree(place, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANEVAL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "runs" / "suite"


def without_costs(found: dict[str, Any]) -> dict[str, Any]:
    """The tables without what differs from run to run and from place to place."""
    found = {name: value for name, value in copy.deepcopy(found).items() if name != "command"}
    for row in (*found["table"], *found["runs"]):
        row["seconds"] = None
    return found


def rows_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def checkpoints(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*.safetensors"))
    }


def forbid_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("something was trained")

    monkeypatch.setattr(work, "run_training", refuse)


def test_the_table_is_that_of_the_textbook(made: tuple[Path, dict[str, Any]]) -> None:
    folder, found = made
    assert [(row["checkpoint"], row["runs"]) for row in found["table"]] == [
        *[("last", 2)] * 2,
        *[("best", 2)] * 2,
    ]
    for row in found["table"]:
        own = [one for one in found["runs"] if all(one[key] == row[key] for key in KEYS)]
        values = [one["kid"] for one in own]
        assert row["kid"] == pytest.approx(statistics.fmean(values), rel=1e-12)
        assert row["kid_se"] == pytest.approx(stats.sem(values), rel=1e-9)
        interval = stats.t.interval(0.95, 1, statistics.fmean(values), stats.sem(values))
        assert [row["kid_low"], row["kid_high"]] == pytest.approx(interval, rel=1e-9)
        assert row["images"] == 64 * row["step"] == statistics.fmean(one["images"] for one in own)
        assert row["seconds"] == pytest.approx(statistics.fmean(one["seconds"] for one in own))
        told = package.Report.load(folder / f"digits-{row['checkpoint']}.json").provenance
        ends = sorted({one["step"] for one in own})
        span = told["sources"][row["model"]]["training"].get("steps")
        assert span == (ends if len(ends) > 1 else None)
    report = package.Report.load(folder / "digits-last.json")
    by_model = report.provenance["runs"]
    welch = stats.ttest_ind(
        by_model["gan"]["kid"]["values"], by_model["fast"]["kid"]["values"], equal_var=False
    )
    (pair,) = report.comparisons
    assert pair.p_value == pytest.approx(welch.pvalue, rel=0.02)  # the reference's noise is in ours
    letters = {row["group"] for row in found["table"] if row["checkpoint"] == "last"}
    assert letters == ({"a"} if pair.p_value >= 0.05 else {"a", "b"})


KEYS = ("data", "checkpoint", "model")


def test_every_run_is_scored_by_samples_that_its_best_was_not_chosen_by(
    made: tuple[Path, dict[str, Any]], ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, found = made
    monkeypatch.chdir(folder.parents[1])
    words = ("--extractor", "random", "--num-images", 200, "--seed", 1000, "--json")
    for run in found["runs"]:
        report = json.loads(ganeval("kid", REFERENCE, run["source"], *words).out)
        assert report["scores"][0]["value"] == run["kid"]
        card = package.read_card(run["source"])
        assert (card.step, card.seed) == (run["step"], run["seed"])
        curve = rows_in(run_folder(run) / "curve.jsonl")
        best = min(curve, key=lambda row: row["kid"])
        assert run["step"] == (4 if run["checkpoint"] == "last" else best["step"])


def run_folder(run: dict[str, Any]) -> Path:
    return Path("runs/suite") / run["model"] / run["data"] / f"seed-{run['seed']}"


def test_what_it_leaves(made: tuple[Path, dict[str, Any]]) -> None:
    folder, found = made
    names = {path.name for path in folder.iterdir() if path.is_file()}
    assert names == {
        *("table.md", "table.csv", "table.json", ".ganeval-benchmark.json"),
        *(f"digits-{which}.{kind}" for which in ("last", "best") for kind in ("json", "html")),
        *("digits-curves.png", "digits-samples.png"),
    }
    assert json.loads((folder / "table.json").read_text()) == found
    lines = (folder / "table.csv").read_text().splitlines()
    assert [line.split(",")[:3] for line in lines[1:]] == [
        [row[key] for key in KEYS] for row in found["table"]
    ]
    page = (folder / "table.md").read_text()
    assert "## Digits, last checkpoint" in page
    assert re.search(r"\| +runs \| +step \| images seen \| seconds \|", page)
    assert "![digits-curves.png](digits-curves.png)" in page


def test_nothing_is_trained_twice(
    again: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = checkpoints(again), (again / "table.csv").read_bytes()
    forbid_training(monkeypatch)
    assert ganeval("benchmark", "suite.toml").code == 0
    assert (checkpoints(again), (again / "table.csv").read_bytes()) == before


def test_the_tables_fit_a_terminal(again: Path) -> None:
    place = again.parents[1]
    code, lines = run_in_terminal(
        *("benchmark", "suite.toml"), width=80, cwd=place, env=environment(place / "cache")
    )
    assert code == 0
    assert max(map(len, lines)) <= 80
    assert "digits, last checkpoint:" in lines


def test_a_killed_benchmark_goes_on(
    made: tuple[Path, dict[str, Any]], tmp_path: Path, ganeval: Command
) -> None:
    path = tmp_path / "suite.toml"
    path.write_text(SUITE)
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "ganeval", "benchmark", path, "--out", out],
        env=environment(tmp_path / "cache"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    state = out / "gan" / "digits" / "seed-1" / "samples.png"
    rows = state.with_name("metrics.jsonl")
    until(lambda: rows.exists() and "\n" in rows.read_text(), process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "table.json").exists()
    spent = (state.with_name("seconds.jsonl"), out / "gan" / "digits" / "seed-0" / "seconds.jsonl")
    before = spent[1].read_bytes()
    found = ganeval("benchmark", path, "--out", out, "--json")
    assert found.code == 0, found.err
    assert checkpoints(out) == checkpoints(made[0])
    assert spent[1].read_bytes() == before
    seconds = [row["seconds"] for row in rows_in(spent[0])]
    assert seconds == sorted(seconds)
    assert seconds[-1] > 0


def test_parts_make_the_runs_and_the_last_one_the_table(
    made: tuple[Path, dict[str, Any]], tmp_path: Path, ganeval: Command
) -> None:
    path, out = tmp_path / "suite.toml", tmp_path / "out"
    path.write_text(SUITE)
    first = ganeval("benchmark", path, "--out", out, "--part", "1/2")
    assert first.out == f"{out}: 2 of 4 runs are done; the table needs all\n"
    told = ganeval("benchmark", path, "--out", out, "--part", "1/2", "--json")
    assert told.code == 0
    tables = json.loads(told.out)
    assert tables["missing"] == ["gan/digits/seed-0", "fast/digits/seed-0"]
    assert tables["table"] == tables["runs"] == tables["failed"] == []
    assert sorted(map(str, checkpoints(out))) == [
        *("fast/digits/seed-1/best/gan.safetensors", "fast/digits/seed-1/gan.safetensors"),
        *("gan/digits/seed-1/best/gan.safetensors", "gan/digits/seed-1/gan.safetensors"),
    ]
    assert not (out / "table.md").exists()
    assert ganeval("benchmark", path, "--out", out, "--part", "0/2").code == 0
    assert checkpoints(out) == checkpoints(made[0])
    assert (out / "table.md").exists()
    # One that was trained elsewhere and cannot be scored is this trial's own matter, too.
    damaged = out / "fast" / "digits" / "seed-1" / "best" / "gan.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    failing = ganeval("benchmark", path, "--out", out, "--part", "0/2")
    assert failing.code == 1
    assert "failed, not in the table: fast/digits/seed-1: " in failing.out
    assert (
        "--part 2/2; needed: 0/2 to 1/2; change it"
        in ganeval("benchmark", path, "--part", "2/2").error
    )


def test_a_changed_suite_is_refused(
    again: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_training(monkeypatch)
    path = Path("suite.toml")
    path.write_text(SUITE.replace("2e-3", "1e-3"))
    found = ganeval("benchmark", path)
    assert found.code == 2
    assert "fast/digits/seed-0: optimizers.G.lr was 0.002, now it is 0.001, and 1 more" in (
        found.error
    )
    path.write_text(SUITE.replace("steps = 4", "steps = 3"))
    assert (
        "gan/digits/seed-0: steps was 4, now it is 3, and 3 more"
        in ganeval("benchmark", path).error
    )
    path.write_text(SUITE.replace("eval_every = 2", "eval_every = 1"))
    assert "eval_every was 2, now it is 1" in ganeval("benchmark", path).error


def test_a_run_that_was_trained_further_by_hand_is_refused(
    again: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = again / "gan" / "digits" / "seed-0"
    assert ganeval("train", "gan", "--resume", "--steps", 6, "--out", run).code == 0
    forbid_training(monkeypatch)
    found = ganeval("benchmark", "suite.toml")
    said = (
        "suite.toml: gan/digits/seed-0: is at step 6, and the suite ends at 4; "
        "needed: the suite that"
    )
    assert (found.code, said in found.error) == (2, True)


def test_more_steps_and_a_model_more_train_what_is_missing(again: Path, ganeval: Command) -> None:
    path = Path("suite.toml")
    path.write_text(SUITE.replace("steps = 4", "steps = 5") + "wgan = {steps = 1}\n")
    found = ganeval("benchmark", path, "--json")
    assert found.code == 0, found.err
    last = [row for row in json.loads(found.out)["table"] if row["checkpoint"] == "last"]
    assert {row["model"]: row["step"] for row in last} == {"gan": 5, "fast": 5, "wgan": 1}
    for name in ("metrics.jsonl", "seconds.jsonl"):
        rows = rows_in(again / "gan" / "digits" / "seed-0" / name)
        assert [row["step"] for row in rows] == [1, 2, 3, 4, 5]


MAKER = """
import shutil, sys
seed, given, folder = sys.argv[1:]
print("seed", seed)
if seed == "1":
    sys.exit("seed 1 is out of luck")
if seed != "2":
    shutil.copy(given, folder + "/g.safetensors")
"""


def test_commands_and_files_beside_our_models(
    again: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_training(monkeypatch)
    Path("maker.py").write_text(MAKER)
    Path("theirs").mkdir()
    for seed, model in enumerate(("gan/digits/seed-0", "gan/digits/seed-1", "fast/digits/seed-0")):
        shutil.copy(again / model / "gan.safetensors", f"theirs/{seed}.safetensors")
    given = "runs/suite/fast/digits/seed-0/gan.safetensors"
    command = f"{sys.executable} maker.py {{seed}} {given} {{folder}}"
    text = (
        SHORT.replace("[0]", "[0, 1, 2]").partition("[models]")[0]
        + f"""
[models]
mine = {{command = "{command}", makes = "{{folder}}/g.safetensors"}}
theirs = {{checkpoint = "theirs/{{seed}}.safetensors", data = "digits"}}
pictures = {{folder = "data:digits,split=train,size=16"}}
"""
    )
    Path("mixed.toml").write_text(text.replace("[0, 1, 2]", "[0, 1]"))
    found = ganeval("benchmark", "mixed.toml", "--json")
    assert found.code == 1
    tables = json.loads(found.out)
    rows = {row["model"]: row for row in tables["table"]}
    assert {name: row["runs"] for name, row in rows.items()} == {
        **{"mine": 1, "theirs": 2, "pictures": 1},
    }
    assert rows["mine"]["seconds"] > 0
    assert [rows["theirs"][name] for name in ("step", "images", "seconds")] == [None] * 3
    assert min(rows, key=lambda name: rows[name]["kid"]) == "pictures"
    (failed,) = tables["failed"]
    assert failed["run"] == "mine/digits/seed-1"
    assert "ended with 1: seed 1 is out of luck; needed: exit code 0; see " in failed["error"]
    assert "mine/digits/seed-1 failed: `" in found.err
    log = Path("runs/mixed/mine/digits/seed-1/command.log")
    assert log.read_text() == "seed 1\nseed 1 is out of luck\n"
    Path("runs/mixed/mine/digits/seed-0/command.log").unlink()
    Path("mixed.toml").write_text(text)
    shown = ganeval("benchmark", "mixed.toml")
    assert shown.code == 1
    assert not Path("runs/mixed/mine/digits/seed-0/command.log").exists()  # nothing twice
    assert "failed, not in the table: mine/digits/seed-2: runs/mixed/mine/digits/seed-2/" in (
        shown.out
    )
    assert "g.safetensors: missing after `" in shown.out


@pytest.mark.parametrize(
    ("old", "new", "message", "end"),
    [
        ('"kid"]', '"kidd"]', "metrics of [scoring]: unknown metric 'kidd'", "did you mean 'kid'?"),
        ('"kid"]', '"kid:degre=1"]', "metrics of [scoring]: unknown option of", "mean 'degree'?"),
        ('"random"', '"randon"', "extractor of [scoring]: unknown extractor", "mean 'random'?"),
        ('"kid"]', '"kid"]\nprotocol = "standart"', "protocol of [scoring]: ", "'standard'?"),
        ('"kid"]', '"kid"]\nrank = "kidd"', "rank of [scoring]: unknown metric to", "mean 'kid'?"),
        ("images = 200", "images = 2000", "num_images of [scoring] is 2,000", "for all"),
        (
            "images = 200",
            "images = 0",
            "[scoring]: num_images is 0; needed: at least 1",
            "the value",
        ),
        ("split=test", "split=tset", "reference of [data.digits]: ", "did you mean 'test'?"),
        ("eval_images = 200", "eval_images = 1", "[scoring] on [data.digits]: eval_images", "(-m)"),
        ('"kid"]', '"kid", "ppl"]', "[scoring] on [data.digits]: metric 'ppl' for a ", "out here"),
    ],
)
def test_a_way_of_scoring_that_cannot_be_is_refused_before_any_training(
    *,
    old: str,
    new: str,
    message: str,
    end: str,
    tmp_path: Path,
    ganeval: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forbid_training(monkeypatch)
    path, out = tmp_path / "suite.toml", tmp_path / "out"
    path.write_text(SUITE.replace(old, new, 1))
    found = ganeval("benchmark", path, "--out", out)
    assert found.code == 2
    assert found.error.startswith(f"ganeval: error: {path}: {message}")
    assert found.error.endswith(end)
    assert not out.exists()


def test_one_run_of_each_says_that_retraining_is_not_in_the_errors(
    tmp_path: Path, ganeval: Command
) -> None:
    path, out = tmp_path / "suite.toml", tmp_path / "out"
    path.write_text(SHORT)
    shown = ganeval("benchmark", path, "--out", out)
    assert shown.code == 0, shown.err
    assert "one training run of each model: errors and intervals are over images" in shown.out
    assert "checkpoint with the best score" not in shown.out  # nothing was scored in between
    (row,) = [one for one in rows_of(out) if one["model"] == "gan"]
    source = out / "gan" / "digits" / "seed-0" / "gan.safetensors"
    words = ("--extractor", "random", "--num-images", 200, "--seed", 1000, "--json")
    score = json.loads(ganeval("kid", REFERENCE, source, *words).out)["scores"][0]
    assert [row["kid"], row["kid_se"]] == [score["value"], score["se"]]
    assert "one training run of each model" in (out / "table.md").read_text()


def rows_of(out: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((out / "table.json").read_text())["table"]
    return rows


def test_a_run_that_fails_does_not_lose_the_others(tmp_path: Path, ganeval: Command) -> None:
    path, out = tmp_path / "suite.toml", tmp_path / "out"
    path.write_text(SHORT + "pix2pix = {}\n")  # which digits have no conditions for
    found = ganeval("benchmark", path, "--out", out, "--json")
    assert found.code == 1
    tables = json.loads(found.out)
    assert {row["model"] for row in tables["table"]} == {"gan", "fast"}
    (failed,) = tables["failed"]
    assert failed["run"] == "pix2pix/digits/seed-0"
    assert failed["error"].startswith("data 'digits' has no pictures to make others from; ")
    assert f"pix2pix/digits/seed-0 failed: {failed['error']}" in found.err


def test_ctrl_c_says_how_to_go_on(
    tmp_path: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "suite.toml"
    path.write_text(SHORT)
    monkeypatch.setattr(work, "run_training", interrupt)
    found = ganeval("benchmark", path, "--out", tmp_path / "out")
    assert (found.code, found.out) == (130, "")
    assert f"interrupted; to continue: `ganeval benchmark {path} --out" in found.err


def test_files_of_others_are_refused_before_any_training(
    tmp_path: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_training(monkeypatch)
    path = tmp_path / "suite.toml"
    path.write_text(SUITE)
    (tmp_path / "table.md").write_text("mine")
    words = ("benchmark", path, "--out", tmp_path)
    assert "table.md: exists already" in ganeval(*words).error
    (tmp_path / "table.md").unlink()
    (tmp_path / "gan").write_text("mine")
    assert f"{tmp_path / 'gan' / 'digits' / 'seed-0'}: cannot be written" in ganeval(*words).error
    (tmp_path / "gan").unlink()
    record = tmp_path / "gan" / "digits" / "seed-0" / "benchmark.json"
    record.parent.mkdir(parents=True)
    record.write_text("[]")
    assert "benchmark.json: not the record of a trial" in ganeval(*words).error


def test_torchrun_gives_each_process_runs_of_its_own(
    made: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "suite.toml").write_text(SUITE)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"),
            *("--master-port", str(free_port()), "-m", "ganeval", "benchmark", "suite.toml"),
            "--json",
        ],
        cwd=tmp_path,
        env=environment(tmp_path / "cache"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert without_costs(json.loads(done.stdout)) == without_costs(made[1])
    assert checkpoints(tmp_path / "runs" / "suite") == checkpoints(made[0])


def test_ray_makes_a_task_of_each_run(
    made: tuple[Path, dict[str, Any]],
    tmp_path: Path,
    ganeval: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Counting(Cluster):
        """Carries a task out as another process would: from what can be pickled."""

        calls = 0

        def get(self, task: Callable[[], Any]) -> Any:
            self.calls += 1
            return super().get(pickle.loads(pickle.dumps(task)))

    cluster = Counting(CPU=16.0)
    monkeypatch.setattr(ray_cluster, "_import_ray", lambda: cluster)
    monkeypatch.chdir(tmp_path)
    Path("suite.toml").write_text(SUITE)
    found = ganeval("benchmark", "suite.toml", "--engine", "ray", "--json")
    assert found.code == 0, found.err
    assert cluster.calls == 4
    assert cluster.options == {"num_cpus": 1, "num_gpus": 0, "max_retries": 5}
    assert without_costs(json.loads(found.out)) == without_costs(made[1])
    assert checkpoints(tmp_path / "runs" / "suite") == checkpoints(made[0])
    cluster.lost = True
    shutil.rmtree("runs/suite/gan/digits/seed-1")
    lost = ganeval("benchmark", "suite.toml", "--engine", "ray")
    assert lost.code == 4
    assert "the Ray cluster could not finish a task (RayError); " in lost.error
    assert len(cluster.cancelled) == 4
