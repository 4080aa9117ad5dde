"""Whatever is changed alone, on a warm cache, gives byte for byte what a cold cache gives."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
import torch

import ganeval
from ganeval.audio.windows import Windows
from ganeval.errors import UsageError
from ganeval.extractors import random_network
from ganeval.extractors.random import Random
from ganeval.metrics.base import Pairs, Paths, roles_of
from ganeval.metrics.protocols import PROTOCOLS
from ganeval.metrics.table import METRICS
from tests.audio.sounds import tones
from tests.pictures import blobs

METRIC = pytest.mark.parametrize("name", METRICS.names())
NUM = 40

# Options that a metric has from the start, where its own are for more items than there are here,
# or say nothing without others; all of these are changed too.
FROM_THE_START: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "kid": ({}, {"subset_size": 12, "num_subsets": 5}),
    "fid-infinity": ({"smallest": 15},),
    "ppl": ({"num_paths": 6, "epsilon": 0.01},),
}
# Values that follow from no type.
OTHERS: Mapping[tuple[str, str], tuple[Any, ...]] = {
    ("kid", "subset_size"): (12, 15),
    ("kid", "num_subsets"): (5, 8),
    ("is", "splits"): (5,),
    ("pr", "k"): (4, 20),  # of many neighbours, more than those that all small k share
    ("dc", "k"): (6, 20),
    ("birthday", "reach"): (0.0, 0.5),
    ("kad", "window"): (0.2, 0.3),
}


def other_values(name: str, option: str, hint: Any, value: Any) -> Iterator[Any]:
    """Yield the values that an option is changed to."""
    if (name, option) in OTHERS:
        yield from (one for one in OTHERS[name, option] if one != value)
    elif get_origin(hint) is Literal:
        yield from (one for one in get_args(hint) if one != value)
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1
    elif isinstance(value, float):
        yield from (2 * value, value / 2)
    else:
        raise AssertionError(f"no other value of {name}:{option} is known; add one to OTHERS")


def means_something(kind: Any, options: Mapping[str, Any]) -> bool:
    """Tell whether options go together."""
    try:
        kind(**options)
    except UsageError:
        return False
    return True


PAIRED = ("snr", "si-sdr", "lsd", "log-mel-distance")  # clips


def takes_clips(name: str) -> bool:
    """Tell whether a metric looks at single clips or windows of them."""
    needs = METRICS.load(name)().needs
    return any(isinstance(need.view, Windows) or need.content == "clip" for need in needs)


def text(name: str, options: Mapping[str, Any]) -> str:
    """Return a metric as users write it, whose network needs no weights."""
    extractors = {need.feature.extractor for need in METRICS.load(name)().needs}
    at = "@pixels" if any(one and one.startswith("lpips") for one in extractors) else ""
    at = "@log-mel" if takes_clips(name) and name not in PAIRED else at
    return name + at + "".join(f":{option}={value}" for option, value in options.items())


class Toy(torch.nn.Module):
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.sin(z @ torch.linspace(-3, 3, 4 * 192).reshape(4, 192)).reshape(-1, 3, 8, 8)


def sources(name: str) -> dict[str, Any]:
    """Return what a metric looks at."""
    metric = METRICS.load(name)()
    if name in PAIRED or takes_clips(name):
        return {
            role: ganeval.Clips(np.stack(tones(NUM, seed=seed, seconds=1.6)), rate=8000, name=role)
            for seed, role in enumerate(("sample", "reference"))
        }
    made: Any = ganeval.Images(blobs(NUM, seed=1, shift=9), labels=[0, 1] * (NUM // 2))
    if any(isinstance(need.view, Paths) for need in metric.needs):
        made = ganeval.Generator(Toy(), latent_size=4, value_range=(-1, 1), num_images=9)
    found: dict[str, Any] = {"sample": made}
    for seed, role in enumerate(("reference", "train", "heldout"), start=2):
        if role in roles_of(metric):
            num = NUM if any(isinstance(need.view, Pairs) for need in metric.needs) else NUM + 4
            labels = [0, 1] * (num // 2)
            found[role] = ganeval.Images(blobs(num, seed=seed), labels=labels, name=role)
    return found


def content(report: Any, folder: Path) -> tuple[Any, bytes]:
    """Return every digit of a report."""
    path = folder / "run.json"
    beside = folder / "run.influence.safetensors"
    beside.unlink(missing_ok=True)
    report.save(path)
    return json.loads(path.read_text())["scores"], beside.read_bytes() if beside.exists() else b""


@pytest.fixture(autouse=True)
def biased_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small network gets the one more layer that an option of `is` may name."""
    call, layers = random_network.RandomNetwork.__call__, Random.layers

    def with_bias(self: Any, batch: Any, wanted: Any) -> Any:
        found = call(self, batch, sorted({*wanted, "logits"} - {"logits_biased"}))
        found["logits_biased"] = found["logits"] + torch.linspace(-2, 2, 10)
        return {layer: found[layer] for layer in wanted}

    def more(request: Any) -> dict[str, int]:
        return {**layers(request), "logits_biased": 10}

    monkeypatch.setattr(Random, "layers", staticmethod(more))
    monkeypatch.setattr(random_network.RandomNetwork, "__call__", with_bias)


@METRIC
def test_every_option_changed_alone_gives_what_a_cold_cache_gives(
    name: str, tmp_path: Path
) -> None:
    kind, things = METRICS.load(name), sources(name)
    run = {"extractor": "random", "device": "cpu", "pair_by": "index"}
    hints = get_type_hints(kind)
    unchanged = {field.name for field in dataclasses.fields(kind)}
    for start in FROM_THE_START.get(name, ({},)):
        base = dataclasses.replace(PROTOCOLS["standard"].metric(name), **start)
        asked = [start] + [
            options
            for field in dataclasses.fields(kind)
            for value in other_values(
                name, field.name, hints[field.name], getattr(base, field.name)
            )
            for options in [{**start, field.name: value}]
            if means_something(kind, options)
        ]
        unchanged -= {option for options in asked[1:] for option in options}
        found = []
        for options in [*asked, start]:  # one warm cache for all, and the first again
            report = ganeval.evaluate(
                **things, metrics=[text(name, options)], cache_dir=tmp_path / "warm", **run
            )
            found.append(content(report, tmp_path))
        assert found[-1] == found[0]
        for at, options in enumerate(asked):
            cold = ganeval.evaluate(
                **things, metrics=[text(name, options)], cache_dir=tmp_path / f"cold{at}", **run
            )
            assert content(cold, tmp_path) == found[at], options
    assert not unchanged


def rows_of(report: Any) -> dict[str, Any]:
    """Return the rows of a report by score, every digit."""
    return {row.name: dataclasses.asdict(row) for row in report.scores}


def all_of(sample: Any, reference: Any, known: Any, **options: Any) -> dict[str, Any]:
    return rows_of(
        ganeval.evaluate(
            sample=sample,
            reference=reference,
            train=known,
            metrics=["all"],
            extractor="random",
            device="cpu",
            **options,
        )
    )


def names_of(condition: Any) -> set[str]:
    """Return the scores of the metrics of which a need meets a condition."""
    return {
        kind.name
        for name in METRICS.names()
        if any(condition(need) for need in METRICS.load(name)().needs)
        for kind in METRICS.load(name).kinds
    }


def test_changed_labels_change_what_depends_on_them_and_nothing_else() -> None:
    pictures, real, known = blobs(NUM, seed=1, shift=9), blobs(NUM, seed=2), blobs(12, seed=3)
    labels = [0, 1] * (NUM // 2)
    other = [0] * (NUM // 2) + [1] * (NUM // 2)

    def run(of_sample: list[int], of_reference: list[int], **options: Any) -> dict[str, Any]:
        return all_of(
            ganeval.Images(pictures, labels=of_sample, name="made"),
            ganeval.Images(real, labels=of_reference, name="real"),
            known,
            **options,
        )

    before = run(labels, labels)
    for changed in ((other, labels), (labels, other)):
        warm = run(*changed)
        assert warm == run(*changed, cache=False)
        moved = {name for name in before if warm[name] != before[name]}
        assert moved == names_of(lambda need: need.labels) & before.keys() != set()
    assert run(labels, labels) == before


def test_a_changed_pairing_changes_what_depends_on_it_and_nothing_else(
    write_pictures: Any, tmp_path: Path
) -> None:
    sample = write_pictures(tmp_path / "fake", blobs(NUM, seed=1, shift=9))
    reference = write_pictures(tmp_path / "real", blobs(NUM, seed=2))
    for at in range(NUM):  # one further on each, and in the same order
        (reference / f"{NUM - 1 - at:05}.png").rename(reference / f"{NUM - at:05}.png")
    known = blobs(12, seed=3)
    before = all_of(sample, reference, known)
    warm = all_of(sample, reference, known, pair_by="index")
    assert warm == all_of(sample, reference, known, pair_by="index", cache=False)
    moved = {name for name in before if warm[name] != before[name]}
    assert moved == names_of(lambda need: isinstance(need.view, Pairs)) & before.keys() != set()
    assert (before["psnr"]["num_sample"], warm["psnr"]["num_sample"]) == (NUM - 1, NUM)
