"""Runs over sources whose images come in clusters: from the names to the errors of a report."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
import torch
from safetensors.torch import save_file

import ganeval
from ganeval.errors import InputError, MismatchError, UsageError
from ganeval.features.collected import Features
from ganeval.features.collected import LayerFeatures as Layer
from ganeval.features.shards import ShardInfo, ShardStore
from ganeval.flow import independence
from ganeval.flow.clusters import clusters_of_pairs
from ganeval.gate.gate import check
from ganeval.gate.limits import parse_limits
from ganeval.metrics.table import METRICS
from ganeval.report.report import Report
from tests.pictures import blobs

FAST: dict[str, Any] = {"extractor": "random", "device": "cpu", "cache": False}
CLUSTERS = 32
Pixels = npt.NDArray[np.uint8]


def write(folder: Path, pictures: Pixels, name: Callable[[int], str]) -> Path:
    for at, picture in enumerate(pictures):
        path = folder / name(at)
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(picture).save(path)
    return folder


def cropped(at: int) -> str:
    return f"img{at % CLUSTERS:02}_crop{at // CLUSTERS}.png"


def in_folders(at: int) -> str:
    return f"{at % CLUSTERS:02}/{at // CLUSTERS}.png"


@pytest.fixture
def pictures() -> Pixels:
    """Three noisy copies of each of 32 pictures."""
    rng = np.random.default_rng(3)
    once = blobs(CLUSTERS, seed=1)
    noise = rng.normal(0, 6, (3, *once.shape))
    return np.clip(once + noise, 0, 255).astype(np.uint8).reshape(-1, *once.shape[1:])


@pytest.fixture
def sample(tmp_path: Path, pictures: Pixels) -> Path:
    return write(tmp_path / "sample", pictures, cropped)


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """A partner of each picture of `sample`."""
    rng = np.random.default_rng(4)
    once = np.clip(blobs(CLUSTERS, seed=1) + rng.normal(0, 30, (CLUSTERS, 24, 24, 3)), 0, 255)
    return write(tmp_path / "reference", np.tile(once.astype(np.uint8), (3, 1, 1, 1)), cropped)


def evaluated(sample: Any, reference: Any = None, **options: Any) -> Report:
    options = {"metrics": ["ssim"], **FAST, **options}
    return ganeval.evaluate(sample=sample, reference=reference, **options)


def card(report: Report, location: Path) -> dict[str, Any]:
    found: dict[str, Any] = report.provenance["sources"][str(location)]
    return found


def test_the_error_of_a_mean_is_over_clusters(sample: Path, reference: Path) -> None:
    naive = evaluated(sample, reference)
    both = ["ssim", "psnr"]
    report = evaluated(sample, reference, metrics=both, cluster_by="name-prefix")
    row, alone = report["ssim"], naive["ssim"]
    assert report["psnr"].notes == row.notes
    assert row.value == alone.value
    values = report.items[row.metric_key]
    # The pictures in the order of their names: img00_crop0, img00_crop1, ...
    means = values.per_item["ssim"].reshape(CLUSTERS, 3).mean(axis=1)
    assert row.se == pytest.approx(means.std(ddof=1) / CLUSTERS**0.5)
    assert alone.se is not None
    assert row.se > 1.5 * alone.se
    assert row.notes == ("standard error over 32 clusters of pairs",)
    assert len(report.influence[row.key].sample) == CLUSTERS
    assert report.provenance["cluster_by"] == "name-prefix"
    assert "cluster_by" not in naive.provenance
    for side in (sample, reference):
        clusters = card(report, side)["clusters"]
        assert (clusters["by"], clusters["count"]) == ("name-prefix", CLUSTERS)
        assert "clusters" not in card(naive, side)


def test_folders_are_clusters_too(tmp_path: Path, sample: Path, pictures: Pixels) -> None:
    places = [write(tmp_path / name, pictures, in_folders) for name in ("one", "other")]
    for path in places[1].rglob("*.png"):
        noise = np.random.default_rng(int(path.stem)).normal(0, 9, (24, 24, 3))
        noisy = np.clip(np.asarray(PIL.Image.open(path)) + noise, 0, 255)
        PIL.Image.fromarray(noisy.astype(np.uint8)).save(path)
    report = evaluated(*places, cluster_by="folder")
    assert card(report, places[0])["clusters"]["by"] == "folder"
    assert len(report.influence[report["ssim"].key].sample) == CLUSTERS


@pytest.mark.parametrize(
    ("names", "by", "found"),
    [
        (lambda at: f"{at}.png", "folder", "1 cluster of 96 images by --cluster-by folder"),
        (lambda at: f"img_{at}.png", "name-prefix", "1 cluster of 96 images by --cluster-by name"),
        (lambda at: f"{at % 19}/{at}.png", "folder", "19 clusters of 96 images"),
    ],
)
def test_too_few_clusters_are_refused_before_a_pixel(
    tmp_path: Path, pictures: Pixels, names: Callable[[int], str], by: str, found: str
) -> None:
    folder = write(tmp_path / "few", pictures, names)
    other = "name-prefix" if by == "folder" else "folder"
    for metrics in (["fid"], "all"):
        with pytest.raises(InputError) as error:
            evaluated(pictures, folder, metrics=metrics, cluster_by=by)
        assert str(error.value).startswith(f"{folder}: {found}")
        assert "; needed: at least 20 for an error over clusters; " in str(error.value)
        assert str(error.value).endswith(f"use --cluster-by {other}, or leave it out")


def test_twenty_clusters_are_enough(tmp_path: Path, pictures: Pixels) -> None:
    folder = write(tmp_path / "20", pictures, lambda at: f"{at % 20}/{at}.png")
    assert evaluated(pictures, folder, metrics=["kid"], cluster_by="folder")["kid"].se is None


def test_an_option_without_effect_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    real = blobs(200, seed=5)  # as many as KID wants for an error
    folder = write(tmp_path / "own", blobs(200, seed=1), lambda at: f"{at:03}.png")
    with caplog.at_level(logging.WARNING, logger="ganeval"):
        report = evaluated(real, folder, metrics=["kid"], cluster_by="name-prefix")
    lines = [line for line in caplog.messages if "--cluster-by" in line]
    assert lines == [
        "--cluster-by name-prefix has no effect: no source has a cluster of more than one item, so "
        "every error assumes independent items"
    ]
    # Every image is by itself, as without the option.
    assert report["kid"].se is not None
    assert report["kid"].se == evaluated(real, folder, metrics=["kid"])["kid"].se
    with pytest.raises(UsageError, match="cluster_by is 'date'"):
        evaluated(real, folder, cluster_by="date")


PAIRS_OF_CROPS = 330  # clusters of two, from which FID in 64 dimensions has an error


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """Two noisy copies of each of 330 pictures, half of them in a folder `a` and half in `b`."""
    once = blobs(PAIRS_OF_CROPS, seed=6)
    noise = np.random.default_rng(7).normal(0, 2, (2, *once.shape))
    both = np.clip(once + noise, 0, 255).astype(np.uint8).reshape(-1, *once.shape[1:])
    return write(
        tmp_path / "crops",
        both,
        lambda at: f"{'ab'[at % 2]}/img{at % PAIRS_OF_CROPS:03}_crop{at // PAIRS_OF_CROPS}.png",
    )


@pytest.mark.parametrize("name", ["fid", "kid", "is", "sfid", "fid-debiased"])
def test_the_errors_of_scores_of_images_are_over_clusters(name: str, crops: Path) -> None:
    real = {} if name == "is" else {"reference": blobs(660, seed=8, shift=9)}
    given: dict[str, Any] = {"sample": crops, "metrics": [name], **real, **FAST}
    naive = ganeval.evaluate(**given)
    report = ganeval.evaluate(**given, cluster_by="name-prefix")
    (row,), (alone,) = report.scores, naive.scores
    if name == "fid-debiased":
        # With fewer clusters than images, it removes more bias.
        assert row.value < alone.value
    else:
        assert row.value == alone.value
    # The layer of sFID has too many features for an error, and influences all the same.
    for found, num in ((report, PAIRS_OF_CROPS), (naive, 2 * PAIRS_OF_CROPS)):
        assert [len(one.sample) for one in found.influence.values()] == [num]
    assert "no error over clusters" not in row.notes
    assert "--cluster-by is given" not in row.cautions
    if name != "sfid":
        assert row.se is not None
        assert alone.se is not None
        assert 1.15 * alone.se < row.se < 1.6 * alone.se


@pytest.mark.parametrize("name", ["pr", "dc"])
def test_a_metric_without_an_error_over_clusters_has_none(name: str, crops: Path) -> None:
    assert not getattr(METRICS.load(name), "over_clusters", False)
    real = ganeval.Images(blobs(660, seed=8, shift=9), labels=["a", "b"] * 330, name="real")
    given: dict[str, Any] = {"sample": f"folder:{crops},labels=folders", "reference": real}
    naive = ganeval.evaluate(**given, metrics=[name], **FAST)
    report = ganeval.evaluate(**given, metrics=[name], **FAST, cluster_by="name-prefix")
    assert [row.value for row in report.scores] == [row.value for row in naive.scores]
    assert all(row.se is not None for row in naive.scores)
    assert report.influence == {}
    for row in report.scores:
        assert (row.se, row.interval) == (None, None)
        assert row.notes[0] == "no error over clusters"
        assert not [note for note in row.notes[1:] if "interval" in note or "error" in note]
        assert row.cautions["--cluster-by is given"] == "this score has no error over clusters"


def test_kept_results_of_other_clusters_are_not_served(
    sample: Path, reference: Path, tmp_path: Path
) -> None:
    cached = {"cache": True, "cache_dir": tmp_path / "cache"}
    naive = evaluated(sample, reference, **cached)["ssim"].se
    clustered = evaluated(sample, reference, **cached, cluster_by="name-prefix")["ssim"].se
    assert naive != clustered
    for _ in range(2):
        assert evaluated(sample, reference, **cached)["ssim"].se == naive
        again = evaluated(sample, reference, **cached, cluster_by="name-prefix")
        assert again["ssim"].se == clustered


def test_a_skipped_picture_takes_no_cluster_of_another(sample: Path, reference: Path) -> None:
    """What decoding alone shows to be damaged gives no row, and the others keep their clusters."""
    whole = (sample / "img05_crop1.png").read_bytes()
    (sample / "img05_crop1.png").write_bytes(whole[:200] + bytes(200) + whole[400:])
    skipping = {"on_bad_image": "skip", "max_bad": 0.1}
    report = evaluated(sample, reference, cluster_by="name-prefix", **skipping)
    ((found),) = report.items.values()
    values = found.per_item["ssim"]
    assert len(values) == 95
    clusters = [at // 3 for at in range(96) if at != 5 * 3 + 1]
    centred = values - values.mean()
    sums = np.bincount(clusters, centred) * CLUSTERS / 95
    assert report["ssim"].se == pytest.approx(sums.std(ddof=1) / CLUSTERS**0.5)


def test_rows_are_numbered_by_first_appearance(tmp_path: Path) -> None:
    features = Features(
        store=ShardStore(tmp_path),
        keys={("n", "pool"): ("a",)},
        infos=(ShardInfo(num=5, notes={}, skipped={0: "bad"}),),
        digests=tuple(bytes([at]) for at in range(5)),
        num_computed=0,
        all_labels=None,
        all_clusters=np.array([9, 7, 2, 7, 9, 2]),
        noun="images",
    )
    assert features.clusters is not None
    assert features.clusters.tolist() == [0, 1, 0, 2, 1]
    keys = set()
    for clusters in (None, np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([0, 1, 2])):
        layer = Layer(
            store=features.store,
            keys=("a",),
            sizes=(3,),
            labels=None,
            clusters=clusters,
            noun="images",
        )
        keys.add(layer.key)
    assert len(keys) == 4


def test_pairs_with_a_picture_of_one_cluster_belong_together() -> None:
    places = np.array([[0, 0], [1, 1], [2, 2], [3, 3], [4, 4]])
    one, other = np.array([0, 0, 1, 2, 3]), np.array([0, 1, 1, 2, 3])
    for first, second, groups in (
        (one, None, [[0, 1], [2], [3], [4]]),
        (None, other, [[0], [1, 2], [3], [4]]),
        (one, other, [[0, 1, 2], [3], [4]]),
    ):
        found = clusters_of_pairs(places, first, second, same=False)
        assert found is not None
        members: dict[int, list[int]] = {}
        for pair, cluster in enumerate(found.tolist()):
            members.setdefault(cluster, []).append(pair)
        assert sorted(members.values()) == groups
    assert clusters_of_pairs(places, None, None, same=False) is None
    # Random pairs of one source: 0-1 and 1-2 meet in 1.
    random = np.array([[0, 1], [1, 2], [3, 4]])
    alone = np.arange(5)
    found = clusters_of_pairs(random, alone, alone, same=True)
    assert found is not None
    assert (found[0] == found[1], found[0] == found[2]) == (True, False)


COPIES = "the error assumes independent images; remove the copies, or give --cluster-by"


def test_copies_are_said_at_every_score_with_an_error(tmp_path: Path) -> None:
    """Score 200 images: enough for an error of KID, too few for one of precision."""
    once = blobs(200, seed=1)
    few = write(tmp_path / "few", once, lambda at: f"{at}.png")
    copied = once.copy()
    copied[194:] = copied[:6]
    many = write(tmp_path / "many", copied, lambda at: f"{at % 194}_{at // 194}.png")
    report = evaluated(many, few, metrics=["kid", "pr"])
    assert {row.se is None for row in report.scores} == {True, False}
    for row in report.scores:
        assert (row.cautions.get("6 of 200 images are copies of others") == COPIES) is (
            row.interval is not None
        )
    turned = evaluated(few, many, metrics=["kid"])["kid"]
    assert turned.cautions["6 of 200 images of the reference are copies of others"] == COPIES
    assert "copies" not in str(evaluated(few, few, metrics=["kid"])["kid"].cautions)
    for num in (2, 3):  # 1 % of them, and more
        copied[194:] = once[194:]
        copied[200 - num :] = copied[:num]
        some = write(tmp_path / f"{num}", copied, lambda at: f"{at}.png")
        told = evaluated(few, some, metrics=["kid"])["kid"].cautions
        fact = f"{num} of 200 images of the reference are copies of others"
        assert told.get(fact) == (None if num == 2 else COPIES)


def test_copies_within_a_cluster_are_what_it_is_for(reference: Path) -> None:
    """The source has three copies of each of its pictures."""
    given: dict[str, Any] = {"metrics": ["authenticity"], "train": blobs(60, seed=9), **FAST}
    naive = ganeval.evaluate(sample=reference, **given)["authenticity"]
    assert naive.cautions["64 of 96 images are copies of others"] == COPIES
    given["cluster_by"] = "name-prefix"
    row = ganeval.evaluate(sample=reference, **given)["authenticity"]
    assert row.se is not None
    assert not [fact for fact in row.cautions if "copies of others" in fact]
    for cluster in range(CLUSTERS):  # one of each in another cluster
        other = reference / f"img{(cluster + 1) % CLUSTERS:02}_crop9.png"
        other.write_bytes((reference / f"img{cluster:02}_crop0.png").read_bytes())
    row = ganeval.evaluate(sample=reference, **given)["authenticity"]
    assert row.cautions["32 of 128 images are copies of others"] == (
        "the error assumes independent clusters of images; remove the copies, or use another rule "
        "for --cluster-by"
    )


class Shades(torch.nn.Module):
    """Makes one of two pictures, or, of the shade 0, a picture of its own each time."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("shade", torch.tensor(0.5))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        first = z[:, :1]
        shade = torch.where(self.shade > 0, torch.sign(first) * self.shade, torch.tanh(first))
        return shade[:, :, None, None].expand(-1, 3, 16, 16)


@pytest.mark.parametrize("shade", [0.5, 0.0])
@pytest.mark.parametrize("in_memory", [True, False])
def test_equal_features_tell_the_copies_of_a_generator(
    tmp_path: Path, shade: float, in_memory: bool
) -> None:
    """The digest of what a file makes is of what it is made from, and never that of another."""
    network = Shades()
    network.shade.fill_(shade)
    sample: Any = tmp_path / "generator.safetensors"
    save_file(network.state_dict(), sample)
    said = {"latent_size": 4, "value_range": (-1, 1)}
    options = {"entry": f"{__name__}:Shades", **said}
    if in_memory:
        sample, options = ganeval.Generator(network, num_images=200, **said), {}
    row = evaluated(sample, blobs(200, seed=1), metrics=["kid"], **options)["kid"]
    assert row.se is not None
    assert ("198 of 200 images are copies of others" in row.cautions) is (shade > 0)


def test_what_was_learned_from_has_no_part_in_the_error(pictures: Pixels) -> None:
    twice = np.concatenate([pictures, pictures])
    row = ganeval.evaluate(
        sample=pictures[::-1].copy(), train=twice, metrics=["authenticity"], **FAST
    )["authenticity"]
    assert not [fact for fact in row.cautions if "copies of others" in fact]


def test_the_gate_names_other_clusters_and_the_option(
    tmp_path: Path, sample: Path, reference: Path
) -> None:
    limits = parse_limits(["ssim=1"])
    clustered = evaluated(sample, reference, cluster_by="name-prefix")
    naive = evaluated(sample, reference)
    for run, base, found, remedy in (
        (naive, clustered, "none in the run and name-prefix", "--cluster-by name-prefix"),
        (clustered, naive, "name-prefix in the run and none", "--cluster-by left out"),
    ):
        with pytest.raises(MismatchError) as error:
            check(run, base, limits, 0.05)
        assert f"cluster-by is {found} in the baseline" in str(error.value)
        assert f"; score again with {remedy}, or accept" in str(error.value)
    with pytest.raises(MismatchError, match="cluster-by is name-prefix in one and none in the oth"):
        clustered.merge(naive)
    # As files. Older files say nothing about clusters.
    saved = json.loads(clustered.to_json())
    assert saved["provenance"]["cluster_by"] == "name-prefix"
    clustered.save(tmp_path / "base.json")
    assert check(clustered, Report.load(tmp_path / "base.json"), limits, 0.05).outcome == "pass"


def test_a_reference_in_other_clusters_is_refused(
    tmp_path: Path, sample: Path, reference: Path
) -> None:
    """The same pictures in the same order by names that say something else."""
    given: dict[str, Any] = {"cluster_by": "name-prefix", "pair_by": "index"}
    base = evaluated(sample, reference, **given)
    for at, path in enumerate(sorted(reference.glob("*.png"))):
        path.rename(reference / f"img{at // 4:02}_crop{at % 4}.png")
    run = evaluated(sample, reference, **given)
    with pytest.raises(MismatchError) as error:
        check(run, base, parse_limits(["ssim=1"]), 0.05)
    assert "in other clusters in the run (24) than in the baseline (32)" in str(error.value)


def test_samples_in_other_clusters_are_not_paired(tmp_path: Path, pictures: Pixels) -> None:
    moved = np.clip(pictures.astype(int) + 9, 0, 255).astype(np.uint8)
    one = write(tmp_path / "one", pictures, cropped)
    same = write(tmp_path / "same", moved, cropped)
    other = write(tmp_path / "other", moved, lambda at: f"img{at // 3:02}_crop{at % 3}.png")
    # As many clusters, but another picture changes its cluster.
    (other / "img00_crop0.png").rename(other / "img01_crop9.png")
    given: dict[str, Any] = {"metrics": ["authenticity"], "cluster_by": "name-prefix", **FAST}
    given |= {"reference": blobs(30, seed=8), "train": blobs(60, seed=9)}
    report = ganeval.compare(samples=[one, same], paired=True, **given)
    influences = [report.influence[row.key].sample for row in report.scores]
    assert [len(values) for values in influences] == [CLUSTERS, CLUSTERS]
    expected = np.std(influences[0] - influences[1], ddof=1) / CLUSTERS**0.5
    assert report.comparisons[0].se == pytest.approx(expected)
    with pytest.raises(UsageError, match="are drawn apart: their items are in other clusters"):
        ganeval.compare(samples=[one, other], paired=True, **given)
    alone = ganeval.compare(samples=[one, other], **given).comparisons[0]
    assert not alone.paired


def test_equal_rows_are_counted() -> None:
    from tests.summaries import InMemory

    rows = np.array([[1, 2], [3, 4], [1, 2], [1, 2], [2, 1]], np.float32)
    assert independence.EqualRows()(InMemory(rows))["copies"].tolist() == [2]
