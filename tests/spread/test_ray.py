"""Shards as tasks of Ray: the same bits whatever node is lost, and clear refusals."""

import json
import os
import pickle
import subprocess
import sys
import types
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import ganeval as package
from ganeval.engines import ray_cluster
from ganeval.engines.ray_worker import Order, make_shard
from ganeval.engines.sharing import conditions, pictures
from ganeval.errors import GanevalError, TeamError, UsageError
from ganeval.features.shards import StoreAddress
from ganeval.flow.choose import find_protocol
from ganeval.flow.settings import Settings
from ganeval.flow.sides import Opens
from ganeval.flow.workspace import open_workspace
from ganeval.images.picture import DecodePolicy
from ganeval.machine.resources import DEFAULT
from tests.bad_input.outcomes import refusal, report, shards
from tests.command import Command, Outcome
from tests.pictures import blobs
from tests.spread.jobs import MANY_KINDS, NUM_PARTS, WORDS, contents, free_port
from tests.spread.ranks import NUM_LAYERS
from tests.spread.test_torchrun import scored

Alone = tuple[Outcome, dict[str, bytes]]


def test_a_cluster_of_two_nodes_loses_one(
    pictures: Path, own_cache: Path, alone: Alone, tmp_path: Path
) -> None:
    pytest.importorskip("ray")
    path = tmp_path / "found.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.spread.two_nodes", path, *WORDS, "--engine", "ray"],
        cwd=pictures,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = Outcome(**json.loads(path.read_text()))
    news = [line for line in found.err.splitlines() if not line.startswith("ganeval: ")]
    assert any("Raylet is terminated" in line for line in news)
    assert scored(replace(found, err="")) == scored(alone[0])
    assert contents(own_cache) == alone[1]
    assert len(shards(own_cache)) == NUM_LAYERS * NUM_PARTS


@pytest.fixture
def order(real: Path, tmp_path: Path) -> Order:
    """What a worker is told of thirty pictures."""
    settings = Settings(extractor="random", engine="ray", device="cpu", cache_dir=tmp_path / "head")
    with open_workspace(
        settings, find_protocol(settings.protocol), {"random": ["logits"]}
    ) as workspace:
        network = workspace.networks["random"]
    opens = Opens(str(real), DecodePolicy(), offline=False, generator=())
    return pickle.loads(
        pickle.dumps(
            Order(
                token=str(tmp_path),
                opens=(opens,),
                locations=(str(real),),
                pictures=(pictures(opens()),),
                wanted=([(network, ["logits"])],),
                conditions=({"random": conditions(network)},),
                store=StoreAddress(str(tmp_path / "workers" / "shards"), None, DEFAULT),
                num_threads=1,
                folder=str(Path.cwd()),
                host="head",
            )
        )
    )


def test_a_worker_makes_the_shards_that_one_process_makes(
    order: Order, real: Path, tmp_path: Path, own_cache: Path
) -> None:
    made, warnings = make_shard(order, 0, tuple(range(30)))
    assert (made.computed, len(made.digests), warnings) == (True, 30, [])
    logits, pool = sorted(shards(tmp_path / "workers"), key=lambda path: path.stat().st_size)
    for path in (logits, pool):
        path.write_bytes(path.read_bytes()[:-1])
    made, warnings = make_shard(order, 0, tuple(range(30)))
    assert made.computed
    assert [warning.startswith(f"{logits}: damaged cache file") for warning in warnings] == [True]
    assert not make_shard(order, 0, tuple(range(30)))[0].computed
    pool.unlink()  # which nobody asked for, so that it stays as it is where it lies
    logits.unlink()
    assert make_shard(order, 0, tuple(range(30)))[0].computed
    package.evaluate(sample=real, metrics=["is"], extractor="random", device="cpu")
    made_here = {path: data for path, data in contents(own_cache).items() if "derived" not in path}
    assert made_here == contents(tmp_path / "workers")


def test_a_worker_that_sees_something_else_refuses(order: Order, real: Path) -> None:
    conditions = {"random": {**order.conditions[0]["random"], "the extractor or its weights": "x"}}
    other = replace(order, token="other weights", conditions=(conditions,))
    with pytest.raises(TeamError, match="differs from head in the extractor or its weights; "):
        make_shard(other, 0, (0, 1))
    (real / "00003.png").rename(real / "three.png")
    with pytest.raises(TeamError, match=r"differs from head in the pictures of .*real; "):
        make_shard(order, 0, (0, 1))


class Cluster:
    """A cluster that is this process: tasks run when their results are asked for."""

    class exceptions:  # noqa: N801
        class RayError(Exception):
            pass

        class RayTaskError(RayError):
            def __init__(self, cause: Exception) -> None:
                self.cause = cause

    def __init__(self, **resources: float) -> None:
        self.resources = resources
        self.options: dict[str, Any] = {}
        self.cancelled: list[object] = []
        self.lost = False

    def is_initialized(self) -> bool:
        return True

    def cluster_resources(self) -> dict[str, float]:
        return self.resources

    def remote(self, **options: Any) -> Callable[..., Any]:
        self.options = options
        return lambda function: types.SimpleNamespace(remote=partial(partial, function))

    def put(self, value: Any) -> Any:
        return pickle.loads(pickle.dumps(value))

    def get(self, task: Callable[[], Any]) -> Any:
        if self.lost:
            raise self.exceptions.RayError
        try:
            return task()
        except GanevalError as error:
            raise self.exceptions.RayTaskError(pickle.loads(pickle.dumps(error))) from error

    def cancel(self, task: object) -> None:
        self.cancelled.append(task)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Let the engine find such a cluster."""
    cluster = Cluster(CPU=16.0)
    monkeypatch.setattr(ray_cluster, "_import_ray", lambda: cluster)
    return cluster


RAY = ("--extractor", "random", "--engine", "ray")


def test_tasks_ask_for_what_they_need(
    cluster: Cluster, real: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert report(ganeval("is", real, *RAY, "--json"))["provenance"]["device"] == "cpu"
    assert cluster.options == {"num_cpus": 1, "num_gpus": 0, "max_retries": 5}
    assert ganeval("is", real, *RAY, "--workers", 3).code == 0
    assert cluster.options["num_cpus"] == 3
    assert "device 'cuda' is not there" in refusal(
        ganeval("is", real, *RAY, "--device", "cuda"), code=4
    )
    cluster.resources["GPU"] = 4.0
    found = ganeval("is", real, *RAY)
    assert cluster.options == {"num_cpus": 4, "num_gpus": 1, "max_retries": 5}
    assert "device 'cuda' is not there (torch sees 0" in refusal(found, code=4)  # on the worker
    assert len(cluster.cancelled) == 1
    assert ganeval("is", real, *RAY, "--device", "cpu").code == 0


def test_pairs_classes_two_networks_and_a_training_set(
    cluster: Cluster,
    many_kinds: Path,
    tmp_path: Path,
    ganeval: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(many_kinds)
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    alone = ganeval(*MANY_KINDS, "--cache-dir", ours)
    on_cluster = ganeval(*MANY_KINDS, "--cache-dir", theirs, "--engine", "ray")
    assert cluster.options
    assert scored(on_cluster) == scored(alone)
    assert on_cluster.err == alone.err
    assert contents(theirs) == contents(ours)


def test_what_goes_wrong_in_a_task_is_an_error_here(
    cluster: Cluster, real: Path, ganeval: Command
) -> None:
    words = ("is", real, *RAY)
    path = real / "00007.png"
    path.write_bytes(path.read_bytes()[:-40])
    line = refusal(ganeval(*words))
    assert "00007.png: truncated" in line
    assert "or skip it with --on-bad-image skip" in line
    skipping = ganeval(*words, "--on-bad-image", "skip", "--max-bad", "5%", "-v")
    assert f"skipped: {path}: truncated" in skipping.err
    assert "29 images, 0 computed, 29 found" in skipping.err
    cluster.lost = True
    line = refusal(ganeval(*words), code=4)
    assert "the Ray cluster could not make a shard (RayError); " in line
    assert "6 tries" in line


def test_what_cannot_travel_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    options = {"extractor": "random", "engine": "ray", "metrics": ["is"]}
    with pytest.raises(
        UsageError, match="sample: a source in memory with --engine ray; needed: a path"
    ):
        package.evaluate(sample=blobs(30, seed=1), **options)
    with pytest.raises(UsageError, match="engine 'ray' for a stream"):
        package.Accumulator(**options)


def test_a_cache_that_workers_do_not_share(
    cluster: Cluster, real: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def elsewhere(order: Order, number: int, indices: tuple[int, ...]) -> Any:
        store = StoreAddress(str(tmp_path / "elsewhere" / "shards"), None, DEFAULT)
        return make_shard(replace(order, store=store), number, indices)

    monkeypatch.setattr(ray_cluster, "make_shard", elsewhere)
    assert "not there, though another process has made it; " in refusal(
        ganeval("is", real, *RAY), code=4
    )


def test_without_a_cluster_or_ray(
    real: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    with monkeypatch.context() as patch:
        patch.setenv("RAY_ADDRESS", f"127.0.0.1:{free_port()}")
        line = refusal(ganeval("is", real, *RAY), code=4)
        assert "no Ray cluster at RAY_ADDRESS=127.0.0.1:" in line
        assert "`ray start --head`" in line
    monkeypatch.setitem(sys.modules, "ray", None)
    assert "pip install 'ganeval[ray]'" in refusal(ganeval("is", real, *RAY), code=4)
