"""One more layer, network, role or metric in a command computes what is missing, nothing else."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import ganeval
from ganeval.extractors import random as random_extractor
from ganeval.extractors.base import EXTRACTORS, Extractor, ExtractorInfo, ExtractorRequest
from ganeval.extractors.random import Random
from tests.counted import Counted, counted
from tests.pictures import blobs

FAST = {"extractor": "random", "device": "cpu", "pair_by": "index"}
NUM_SAMPLE, NUM_REFERENCE, NUM_TRAIN = 20, 20, 15


class Other(Random):
    """The same network under another name, which features have a key of their own by."""

    @staticmethod
    def describe(request: ExtractorRequest) -> ExtractorInfo:
        info = Random.describe(request)
        object.__setattr__(info, "name", "other")
        return info

    @staticmethod
    def from_request(request: ExtractorRequest) -> Extractor:
        return random_extractor.Random.from_request(request)


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Counted:
    monkeypatch.setitem(EXTRACTORS.entries, "other", f"{__name__}:Other")  # type: ignore[arg-type]
    return counted(monkeypatch)


def run(metrics: str, *, train: bool = False, **options: Any) -> Any:
    known = ganeval.Images(blobs(NUM_TRAIN, seed=3), name="known") if train else None
    return ganeval.evaluate(
        sample=ganeval.Images(blobs(NUM_SAMPLE, seed=1, shift=9), labels=[0, 1] * 10, name="made"),
        reference=ganeval.Images(blobs(NUM_REFERENCE, seed=2), labels=[0, 1] * 10, name="real"),
        train=known,
        metrics=metrics.split(","),
        **FAST,
        **options,
    )


BOTH = NUM_SAMPLE + NUM_REFERENCE


@pytest.mark.parametrize(
    ("before", "more", "decoded", "seen"),
    [
        ("fid", "kid,pr,dc,fid-debiased,intra-fid", 0, {}),
        ("fid", "is", 0, {}),  # the logits are stored in passing
        ("fid,is", "sfid", BOTH, {"random": BOTH}),
        ("sfid", "fid,is", 0, {}),
        ("fid", "fid@other", BOTH, {"other": BOTH}),
        ("fid", "authenticity", NUM_TRAIN, {"random": NUM_TRAIN}),
        ("fid,ssim", "psnr", NUM_SAMPLE, {"pixels": NUM_SAMPLE}),
        ("psnr", "pr:k=4,fid", BOTH, {"random": BOTH}),
    ],
)
def test_a_further_metric_computes_what_is_missing(
    count: Counted, before: str, more: str, decoded: int, seen: dict[str, int]
) -> None:
    run(before)
    count.clear()
    together = run(f"{before},{more}", train="authenticity" in more)
    assert (len(count.decoded), dict(count.seen)) == (decoded, seen)
    count.clear()
    cold = run(f"{before},{more}", train="authenticity" in more, cache=False)
    assert together.scores == cold.scores


def test_two_networks_and_three_layers_decode_each_picture_once(count: Counted) -> None:
    run("fid,is,sfid,kid@other,pr,authenticity", train=True)
    assert max(Counter(count.decoded).values()) == 1
    assert len(count.decoded) == BOTH + NUM_TRAIN
    assert count.seen == {"random": BOTH + NUM_TRAIN, "other": BOTH}


def test_both_measures_of_a_pair_decode_it_once(count: Counted) -> None:
    run("psnr,ssim")
    assert len(count.decoded) == NUM_SAMPLE
    assert count.seen == {"pixels": NUM_SAMPLE}


def test_another_sample_computes_nothing_of_the_reference(
    count: Counted, real: Path, fake: Path
) -> None:
    options = {"reference": real, "metrics": ["fid", "sfid"], **FAST}
    first, second = (ganeval.Images(blobs(num, seed=num), name=f"of {num}") for num in (9, 7))
    ganeval.compare(samples=[fake, first], **options)
    count.clear()
    ganeval.compare(samples=[fake, first, second], **options)
    assert len(count.decoded) == 7
    assert count.seen == {"random": 7}
