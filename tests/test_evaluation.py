"""The flow: one pass, the cache, independence of everything that must not matter."""

import dataclasses
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from numpy.testing import assert_allclose

import ganeval
from ganeval import evaluate
from ganeval.errors import InputError, MismatchError, UsageError
from ganeval.extractors.random_network import RandomNetwork
from ganeval.features import compute as computing
from ganeval.features.shards import ShardStore
from ganeval.flow.settings import Settings, build_settings
from ganeval.generators.options import GeneratorOptions
from ganeval.images.picture import DecodePolicy
from ganeval.sources.open import open_source
from tests.command import Command
from tests.pictures import blobs

FAST = {"extractor": "random", "device": "cpu"}


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all pictures that are decoded."""
    seen: list[str] = []
    prepare = computing._prepare

    def counted(item: Any, *, preparations: Any) -> Any:
        seen.append(item.name)
        return prepare(item, preparations=preparations)

    monkeypatch.setattr(computing, "_prepare", counted)
    return seen


def test_scores_agree_with_plain_formulas(real: Path, fake: Path) -> None:
    report = ganeval.evaluate(sample=fake, reference=real, metrics=["fid"], **FAST)
    features = {}
    for path in (real, fake):
        source = open_source(path, policy=ganeval.Settings().decode)
        from ganeval.extractors.base import ExtractorRequest
        from ganeval.extractors.random import Random

        network = Random.from_request(ExtractorRequest())
        inputs = [network.info.input(item.picture()) for item in source.load(range(len(source)))]
        features[path] = network(torch.stack(inputs), ["pool"])["pool"].double().numpy()
    ours, theirs = features[fake], features[real]
    first, second = np.cov(ours, rowvar=False), np.cov(theirs, rowvar=False)
    eigenvalues = np.linalg.eigvals(first @ second)
    expected = ((ours.mean(0) - theirs.mean(0)) ** 2).sum() + np.trace(first + second)
    expected -= 2 * np.sqrt(np.maximum(eigenvalues.real, 0)).sum()
    assert_allclose(report["fid"].value, expected, rtol=1e-5)


def test_the_second_run_reads_no_pixel_and_says_the_same(
    real: Path, fake: Path, counter: list[str], ganeval: Command
) -> None:
    words = ("eval", real, fake, "--extractor", "random", "--json")
    first = ganeval(*words)
    assert len(counter) == 55
    counter.clear()
    second = ganeval(*words)
    assert counter == []
    assert second.out == first.out


@pytest.mark.parametrize(
    ("change", "recomputed"),
    [
        ({}, 0),
        ({"seed": 1}, 0),
        ({"protocol": "torch-fidelity"}, 0),  # other metrics, the same preprocessing of `random`
        ({"transparency": "white"}, 55),
        ({"batch_size": 5}, 55),
        ({"precision": "bfloat16"}, 55),
        ({"extractor": "efficientnet-lite0"}, 55),
    ],
)
def test_a_change_recomputes_exactly_what_it_must(
    real: Path, fake: Path, counter: list[str], change: dict[str, Any], recomputed: int
) -> None:
    ganeval.evaluate(sample=fake, reference=real, metrics=["fid"], **FAST)
    counter.clear()
    ganeval.evaluate(sample=fake, reference=real, metrics=["fid"], **{**FAST, **change})
    assert len(counter) == recomputed


def test_a_changed_image_recomputes_its_shard_only(
    tmp_path: Path, counter: list[str], write_pictures: Callable[..., Path]
) -> None:
    pictures = blobs(1100, seed=3, height=8, width=8)
    folder = write_pictures(tmp_path / "many", pictures)
    before = ganeval.evaluate(sample=folder, metrics=["is"], **FAST)
    counter.clear()
    PIL.Image.fromarray(255 - pictures[1050]).save(folder / "01050.png")
    after = ganeval.evaluate(sample=folder, metrics=["is"], **FAST)
    assert len(counter) == 1100 - 1024
    assert before["is"].value != after["is"].value
    counter.clear()
    PIL.Image.fromarray(pictures[0]).save(folder / "99999.png")  # growth at the end
    ganeval.evaluate(sample=folder, metrics=["is"], **FAST)
    assert len(counter) == 1101 - 1024


def test_a_poisoned_cache_is_computed_again(
    real: Path, fake: Path, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = ganeval.evaluate(sample=fake, reference=real, metrics=["fid", "kid"], **FAST)
    for path in (own_cache / "shards").glob("??/*.safetensors"):
        content = bytearray(path.read_bytes())
        content[-1] ^= 64
        path.write_bytes(content)
    again = ganeval.evaluate(sample=fake, reference=real, metrics=["fid", "kid"], **FAST)
    assert again == first
    assert "damaged" in caplog.text


@pytest.mark.parametrize("options", [{"workers": 0}, {"workers": 5}, {"cache": False}])
def test_what_must_not_matter_does_not(real: Path, fake: Path, options: dict[str, Any]) -> None:
    names = ["fid", "is", "kid", "pr", "dc"]
    plain = ganeval.evaluate(sample=fake, reference=real, metrics=names, cache=False, **FAST)
    other = ganeval.evaluate(
        sample=fake, reference=real, metrics=names, **{**FAST, "cache": False, **options}
    )
    assert other.scores == plain.scores


def test_batch_size_and_order_do_not_matter_beyond_rounding(tmp_path: Path) -> None:
    ours, theirs = blobs(40, seed=4), blobs(50, seed=5, shift=10)
    names = ["fid", "kid", "pr", "dc"]
    plain = ganeval.evaluate(sample=ours, reference=theirs, metrics=names, **FAST)
    for sample, options in (
        (ours[::-1].copy(), {}),
        (ours, {"batch_size": 1}),
        (ours, {"batch_size": 33}),
    ):
        other = ganeval.evaluate(
            sample=sample, reference=theirs, metrics=names, **{**FAST, **options}
        )
        for row, same in zip(plain.scores, other.scores, strict=True):
            assert_allclose(same.value, row.value, rtol=1e-5, atol=1e-9)


def test_a_metric_changes_no_other_number(real: Path, fake: Path) -> None:
    alone = ganeval.evaluate(
        sample=fake, reference=real, metrics=["kid:subset_size=10:num_subsets=5"], **FAST
    )
    together = ganeval.evaluate(
        sample=fake, reference=real, metrics=["fid", "kid:subset_size=10:num_subsets=5"], **FAST
    )
    assert alone["kid"] == together["kid"]
    assert alone["kid"].options == {"subset_size": 10, "num_subsets": 5}


def test_identical_images_have_distance_zero(real: Path, caplog: pytest.LogCaptureFixture) -> None:
    report = ganeval.evaluate(sample=real, reference=f"folder:{real}", metrics=["fid"], **FAST)
    assert report["fid"].value == 0.0
    assert "are the same images" in caplog.text


def test_kinds_of_source_give_the_same_digits(real: Path, fake: Path) -> None:
    pictures = blobs(25, seed=2, shift=12)
    expected = ganeval.evaluate(sample=fake, reference=real, metrics=["fid"], **FAST)["fid"].value
    for sample in (pictures, torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy())):
        value = ganeval.evaluate(sample=sample, reference=real, metrics=["fid"], **FAST)
        assert value["fid"].value == expected


def test_a_subset_is_seeded_and_recorded(real: Path, fake: Path) -> None:
    def scored(**options: Any) -> ganeval.Report:
        return ganeval.evaluate(sample=fake, reference=real, metrics=["fid"], **FAST, **options)

    first, again = scored(num_images=20), scored(num_images=20)
    assert first == again
    assert first["fid"].num_sample == first["fid"].num_reference == 20
    assert scored(num_images=20, seed=1)["fid"].value != first["fid"].value
    assert first.provenance["num_images"] == 20
    with pytest.raises(UsageError, match=r"fake: has 25 images, --num-images asks for 26"):
        scored(num_images=26)


def test_compare_gives_a_row_for_each_sample(real: Path, fake: Path) -> None:
    report = ganeval.compare(samples=[fake, real], reference=real, metrics=["fid", "pr"], **FAST)
    assert [row.sample for row in report.scores] == [str(fake)] * 3 + [str(real)] * 3
    assert report[str(real), "fid"].value == 0.0
    assert [row.sample for row in report.ranked] == [str(real)] * 3 + [str(fake)] * 3
    (fid,) = report.pairs
    assert (fid.sample, fid.other) == (str(real), str(fake))
    assert fid.p_value is None  # fewer images than dimensions
    assert "kid" in fid.notes[0]
    with pytest.raises(UsageError, match="2 samples have a score 'fid'"):
        _ = report["fid"]
    with pytest.raises(UsageError, match="two samples are called"):
        ganeval.compare(samples=[fake, fake], reference=real, **FAST)


def test_estimates_of_one_distance_agree_and_have_influences() -> None:
    report = ganeval.evaluate(
        sample=blobs(330, seed=1, height=8, width=8),
        reference=blobs(340, seed=2, height=8, width=8),
        metrics=["fid", "fid-debiased", "kid"],
        **FAST,
    )
    assert report["fid-debiased"].value == report["fid"].details["debiased"]
    assert report["fid-debiased"].interval == report["fid"].interval
    for name in ("fid", "fid-debiased", "kid"):
        influence = report.influence[report[name].key]
        assert (len(influence.sample), len(influence.reference)) == (330, 340)
        low, high = report[name].interval
        assert 0 <= low < high


def test_statistics_of_enough_images_give_fid_an_interval(tmp_path: Path, ganeval: Command) -> None:
    ours = blobs(340, seed=1, height=8, width=8, shift=20)
    theirs = blobs(340, seed=2, height=8, width=8)
    np.savez(tmp_path / "theirs.npz", theirs)
    made = tmp_path / "real.npz"
    found = ganeval("stats", "make", tmp_path / "theirs.npz", "-o", made, "--extractor", "random")
    assert found.code == 0
    stored, known = (
        evaluate(sample=ours, reference=reference, metrics=["fid"], **FAST)["fid"]
        for reference in (made, theirs)
    )
    assert_allclose(stored.value, known.value, rtol=1e-9)
    assert 0 <= stored.interval[0] < known.details["debiased"] < stored.interval[1]
    assert stored.se > 0
    with np.load(made) as arrays:  # as another tool writes it
        plain = {name: arrays[name] for name in ("mu", "sigma")}
    np.savez(tmp_path / "plain.npz", **plain)
    bare = evaluate(sample=ours, reference=tmp_path / "plain.npz", metrics=["fid"], **FAST)["fid"]
    assert_allclose(bare.value, known.value, rtol=1e-9)
    assert bare.se is bare.interval is None
    assert "have no moments of quarters" in bare.notes[-1]


def test_compare_pairs_generators_of_one_seed_and_ranks_by_any_score() -> None:
    real = blobs(200, seed=3, height=8, width=8)

    class Noise(torch.nn.Module):
        def __init__(self, scale: float) -> None:
            super().__init__()
            self.scale = scale

        def forward(self, latents: torch.Tensor) -> torch.Tensor:
            return torch.tanh(self.scale * latents).reshape(-1, 3, 8, 8)

    def generator(scale: float, seed: int) -> ganeval.Generator:
        return ganeval.Generator(
            Noise(scale),
            latent_size=192,
            value_range=(-1, 1),
            num_images=200,
            seed=seed,
            name=f"{scale} of {seed}",
        )

    samples = [generator(1.0, 0), generator(1.01, 0), generator(1.0, 1)]
    report = ganeval.compare(
        samples=samples, reference=real, metrics=["is", "kid"], rank="kid", **FAST
    )
    assert report.rank == "kid"
    paired = {frozenset((one.sample, one.other)): one for one in report.pairs}
    twins = paired[frozenset(("1.0 of 0", "1.01 of 0"))]
    strangers = paired[frozenset(("1.0 of 0", "1.0 of 1"))]
    assert (twins.paired, strangers.paired) == (True, False)
    assert twins.se < strangers.se / 2
    unpaired = ganeval.compare(
        samples=samples, reference=real, metrics=["kid"], paired=False, **FAST
    )
    assert not any(one.paired for one in unpaired.comparisons)
    with pytest.raises(UsageError, match=r"unknown metric to rank by 'kd'; .* did you mean 'kid'"):
        ganeval.compare(samples=["absent/"], reference="absent/", rank="kd", **FAST)


def test_training_runs_are_compared_by_their_recipes(real: Path) -> None:
    reference = blobs(200, seed=1, height=8, width=8)
    runs = {
        name: [
            ganeval.Images(blobs(200, seed=seed, height=8, width=8, shift=shift), name=f"{seed}")
            for seed in seeds
        ]
        for name, seeds, shift in (("old", (2, 3, 4), 0.0), ("new", (5, 6, 7), 3.0))
    }
    report = ganeval.compare(runs=runs, reference=reference, metrics=["kid"], **FAST)
    for name, samples in runs.items():
        values = [
            evaluate(sample=one, reference=reference, metrics=["kid"], **FAST)["kid"].value
            for one in samples
        ]
        row = report[name, "kid"]
        assert row.value == pytest.approx(np.mean(values), rel=1e-12)
        assert row.se == pytest.approx(np.std(values, ddof=1) / 3**0.5, rel=1e-9)
    with pytest.raises(UsageError, match="samples and runs; needed: one of them"):
        ganeval.compare(reference=real, **FAST)
    with pytest.raises(UsageError, match="samples and runs; needed: one of them"):
        ganeval.compare(samples=[real], runs=runs, reference=real, **FAST)
    with pytest.raises(UsageError, match="paired=True with runs"):
        ganeval.compare(runs=runs, reference=real, paired=True, **FAST)


def test_arrays_are_called_by_their_role_or_name(real: Path) -> None:
    ours, theirs = blobs(12, seed=1), blobs(14, seed=2)
    report = ganeval.evaluate(sample=ours, reference=theirs, metrics=["fid"], **FAST)
    assert (report["fid"].sample, report["fid"].reference) == ("sample", "reference")
    counts = {name: card["count"] for name, card in report.provenance["sources"].items()}
    assert counts == {"sample": 12, "reference": 14}
    named = [ganeval.Images(pictures, name=name) for pictures, name in ((ours, "a"), (theirs, "b"))]
    report = ganeval.compare(samples=named, reference=real, metrics=["fid"], **FAST)
    assert [row.sample for row in report.scores] == ["a", "b"]


def test_stored_statistics_stand_for_the_reference(
    real: Path, fake: Path, tmp_path: Path, counter: list[str], ganeval: Command
) -> None:
    path = tmp_path / "real.npz"
    options = ("--extractor", "random")
    assert ganeval("stats", "make", real, "-o", path, *options).code == 0
    counter.clear()
    from_stats = json.loads(ganeval("fid", path, fake, *options, "--json").out)
    assert len(counter) == 25
    from_images = json.loads(ganeval("fid", real, fake, *options, "--json").out)
    ours, theirs = from_stats["scores"][0], from_images["scores"][0]
    assert_allclose(ours["value"], theirs["value"], rtol=1e-9)
    assert ours["num_reference"] == 30
    assert from_stats["provenance"]["sources"][str(path)]["stats"]["verified"]
    shown = ganeval("stats", "inspect", path).out
    assert "images\t30" in shown
    assert "extractor\trandom" in shown


def test_statistics_of_other_conditions_are_refused(
    real: Path, fake: Path, tmp_path: Path, ganeval: Command
) -> None:
    path = tmp_path / "real.npz"
    ganeval("stats", "make", real, "-o", path, "--extractor", "random")
    found = ganeval("fid", path, fake, "--extractor", "random", "--precision", "bfloat16")
    assert found.code == 2
    assert "made with precision float32, this run has bfloat16" in found.error
    found = ganeval("fid", path, fake, "--extractor", "efficientnet-lite0")
    assert "64 dimensions, efficientnet-lite0 has 1280" in found.error
    assert "holds statistics, not images" in ganeval("kid", path, fake).error


def test_a_file_with_statistics_and_images_serves_both_ways(
    fake: Path, tmp_path: Path, counter: list[str]
) -> None:
    pictures = blobs(30, seed=1)
    images = tmp_path / "images.npz"
    np.savez(images, arr_0=pictures)
    mean, sigma = np.zeros(64), np.eye(64)
    both = tmp_path / "both.npz"
    np.savez(both, mu=mean, sigma=sigma, arr_0=pictures)
    report = ganeval.evaluate(sample=fake, reference=both, metrics=["fid", "pr"], **FAST)
    from_images = ganeval.evaluate(sample=fake, reference=images, metrics=["fid", "pr"], **FAST)
    assert report["precision"].value == from_images["precision"].value
    assert report["fid"].value != from_images["fid"].value
    card = report.provenance["sources"][str(both)]
    assert card["stats"]["used_for"] == ["fid"]
    assert not card["stats"]["verified"]
    assert card["used"] == 30


def test_reports_of_other_conditions_do_not_merge(real: Path, fake: Path) -> None:
    report = ganeval.evaluate(sample=fake, reference=real, metrics=["fid"], **FAST)
    more = ganeval.evaluate(sample=fake, reference=real, metrics=["pr"], **FAST)
    assert [row.name for row in report.merge(more).scores] == ["fid", "precision", "recall"]
    for change in (
        {"precision": "bfloat16"},
        {"protocol": "pytorch-fid"},
        {"extractor": "efficientnet-lite0"},
    ):
        other = ganeval.evaluate(sample=fake, reference=real, metrics=["fid"], **{**FAST, **change})
        with pytest.raises(MismatchError, match=r"is .* in one and .* in the other"):
            report.merge(other)
    network = {**report.provenance["networks"]["random"], "weights": "sha256:0"}
    weights = {**report.provenance, "networks": {"random": network}}
    with pytest.raises(MismatchError, match="weights is sha256:"):
        report.merge(dataclasses.replace(report, provenance=weights))


def test_names_and_options_fail_before_an_image_is_read(
    real: Path, counter: list[str], ganeval: Command
) -> None:
    absent = real / "absent"
    for words, message in (
        (("eval", real, absent, "-m", "fdi"), "unknown metric 'fdi'"),
        (("eval", real, absent, "-m", "fid,kid:subset_sise=3"), "did you mean 'subset_size'?"),
        (("eval", real, absent, "-m", "kid:subset_size=many"), "is 'many'; needed: one of"),
        (("fid", real, absent, "--protocol", "pytorchfid"), "did you mean 'pytorch-fid'?"),
        (("fid", real, absent, "--extractor", "inceptoin"), "did you mean 'inception'?"),
        (("kid", real, absent, "--protocol", "pytorch-fid"), "does not define kid"),
        (("eval", real, absent, "-m", "fid,fid"), "named twice"),
        (
            ("eval", real, absent, "-m", "sfid:layer=x"),
            "'layer'; needed: no name, since there are none; leave",
        ),
        (("eval", f"{real},labels=folders", real), f"write 'folder:{real},labels=folders'"),
        (("fid", real, absent, "-o", "run.jsno"), "unknown suffix '.jsno'"),
        (("fid", real, absent, "-o", "nowhere/run.json"), "there is no folder nowhere"),
        (("fid", real, absent, "--device", "gpu"), "unknown device 'gpu'"),
    ):
        found = ganeval(*words)
        if "device" not in words[-2]:
            assert found.code == 2
            assert message in found.error
    assert counter == []


def test_unknown_options_in_python_name_the_nearest(real: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'extractor'"):
        ganeval.evaluate(sample=real, metrics=["is"], extracter="random")


@pytest.mark.parametrize("cls", [Settings, DecodePolicy, GeneratorOptions])
def test_every_option_refuses_what_is_not_of_its_type(cls: Any) -> None:
    class Strange:
        """A type that no option has."""

    fields = {field.name for field in dataclasses.fields(cls)} - {"progress"}  # a callable
    for name in fields:
        with pytest.raises(UsageError) as caught:
            build_settings({name: Strange()})
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_images": "50"}, "num_images is '50' (str); needed: one of: a whole number, none; "),
        ({"num_images": True}, "num_images is True (bool); "),
        ({"extractor": None}, "extractor is None; needed: one of: text; leave it out for the def"),
        ({"latent_size": 2.0}, "latent_size is 2.0 (float); "),
        ({"float_range": 1}, "float_range is 1 (int); needed: one of: several values, none; "),
        ({"transparency": "whit"}, "drop, white, black; did you mean 'white'?"),
        ({"decode": None}, "decode is None; needed: one of: DecodePolicy; "),
    ],
)
def test_options_of_other_types_in_python_are_one_line(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        build_settings(options)
    assert message in str(caught.value)


def test_what_stands_for_an_option_becomes_it() -> None:
    given = {
        "device": torch.device("cuda", 1),
        "weights": "w.pt",
        "seed": np.int64(3),
        "max_bad": 0,
    }
    found = build_settings(given)
    assert (found.device, found.weights) == ("cuda:1", Path("w.pt"))
    assert (type(found.seed), found.seed, found.max_bad) == (int, 3, 0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("extractor", ["random", "efficientnet-lite0"])
def test_no_score_depends_on_the_default_type_of_torch(
    dtype: torch.dtype, extractor: str, real: Path
) -> None:
    def score() -> list[float]:
        options = {**FAST, "extractor": extractor, "cache": False}
        found = ganeval.evaluate(
            sample=blobs(20, seed=1), reference=real, metrics=["fid", "is"], **options
        )
        return [one.value for one in found.scores]

    expected = score()
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        assert score() == expected
        assert torch.get_default_dtype() == dtype
    finally:
        torch.set_default_dtype(before)


def test_too_few_images_name_the_minimum(tmp_path: Path, real: Path) -> None:
    one = blobs(1, seed=0)
    for metric, least in (("fid", 2), ("is", 10), ("kid", 2), ("pr", 4), ("dc", 6)):
        with pytest.raises(InputError, match=rf"1 image; needed: at least {least} for {metric} "):
            ganeval.evaluate(sample=one, reference=real, metrics=[metric], **FAST)


@pytest.mark.parametrize(
    ("metric", "setting"),
    [
        ("kid:subset_size=500", "kid:subset_size"),
        ("is:splits=70", "is:splits"),
        ("pr:k=60", "pr:k"),
    ],
)
def test_too_few_images_name_the_option_to_lower(metric: str, setting: str, real: Path) -> None:
    with pytest.raises(InputError) as caught:
        ganeval.evaluate(sample=blobs(20, seed=0), reference=real, metrics=[metric], **FAST)
    name = metric.partition(":")[0]
    expected = f"add images, lower {setting}, or leave {name} out of the metrics (-m)"
    assert caught.value.remedy == expected
    with pytest.raises(InputError, match="; add images, or leave fid out of the metrics"):
        ganeval.evaluate(sample=blobs(1, seed=0), reference=real, metrics=["fid"], **FAST)


def test_large_row_matrices_are_mapped(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mapped = []
    scratch_rows = ShardStore.scratch_rows

    def counted(store: ShardStore, num: int, width: int) -> Any:
        mapped.append(num)
        return scratch_rows(store, num, width)

    monkeypatch.setattr(ShardStore, "scratch_rows", counted)
    many = np.repeat(blobs(50, seed=1, height=8, width=8), 200, axis=0)
    options = {"metrics": ["kid", "pr"], **FAST}
    plain = ganeval.evaluate(sample=fake, reference=many, memory=2 * 10**7, **options)
    assert mapped == []
    little = ganeval.evaluate(sample=fake, reference=many, memory=10**7, cache=False, **options)
    assert mapped == [10_000]  # 2.56 MB of features
    assert little.scores == plain.scores


def test_results_wait_in_order_and_few_at_a_time() -> None:
    started: list[int] = []

    def work(number: int) -> int:
        started.append(number)
        return number * number

    with ThreadPoolExecutor(3) as pool:
        results = computing.in_order(pool, work, range(100), ahead=5)
        assert [next(results) for _ in range(10)] == [n * n for n in range(10)]
        assert max(started) < 16
        results.close()  # type: ignore[attr-defined]


def test_an_interrupt_keeps_finished_shards(
    tmp_path: Path, counter: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = blobs(2100, seed=6, height=8, width=8)
    calls = 0
    run = RandomNetwork.__call__

    def interrupted(network: RandomNetwork, batch: Any, layers: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 100:
            raise KeyboardInterrupt
        return run(network, batch, layers)

    monkeypatch.setattr(RandomNetwork, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt, match=r"1,024 of 2,100 images .* run the same command"):
        ganeval.evaluate(sample=pictures, metrics=["is"], **FAST)
    counter.clear()
    ganeval.evaluate(sample=pictures, metrics=["is"], **FAST)
    assert len(counter) == 2100 - 1024


def test_reasons_name_the_file_that_is_there_now(real: Path, ganeval: Command) -> None:
    (real / "00003.png").write_bytes((real / "00003.png").read_bytes()[:-40])
    words = ("is", real, "--extractor", "random", "--on-bad-image", "skip", "--max-bad", "5%", "-v")
    assert "00003.png: " in ganeval(*words).err
    (real / "00003.png").rename(real / "00003-again.png")
    again = ganeval(*words)
    assert "0 computed" in again.err
    assert "skipped: " + str(real / "00003-again.png") + ": " in again.err


def test_all_leaves_out_what_pictures_are_too_small_for(caplog: pytest.LogCaptureFixture) -> None:
    rng = np.random.default_rng(0)
    one, other = (
        ganeval.Images(rng.integers(0, 256, (30, 3, 9, 9), np.uint8), name=name) for name in "ab"
    )
    report = evaluate(sample=one, reference=other, metrics=["all"], **FAST)
    names = {row.name for row in report.scores}
    assert {"fid", "psnr"} <= names
    assert "ssim" not in names
    assert "ssim (pictures of 9 x 9 pixels)" in caplog.text
    with pytest.raises(InputError, match="at least 11 x 11 for ssim"):
        evaluate(sample=one, reference=other, metrics=["ssim"], **FAST)
