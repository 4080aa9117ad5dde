"""Reports of any size that look like real ones, for what is printed of them."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from ganeval.report.comparisons import compared
from ganeval.report.report import Report
from ganeval.scores.influence import Influence
from ganeval.scores.row import ScoreRow
from tests.results.rows import kind_of, row_of

PROVENANCE: dict[str, Any] = {
    "precision": "float32",
    "weights": {"efficientnet-lite0": "sha256:57934424aaaa"},
    "sources": {},
}
REFERENCE = "data:digits,split=train,size=16"
LONG = (
    "data:digits,split=test,size=16",
    "quickstart/dcgan/dcgan.safetensors",
    "quickstart/gan/gan.safetensors",
)
# Control characters, a script from right to left, wide and combining characters, brackets that
# rich would take for markup, 190 columns without a space, and a name of one letter.
ODD = (
    "\x1b[31mred\n\ttab",
    "\u05e9\u05dc\u05d5\u05dd/\u05ea\u05de\u05d5\u05e0\u05d5\u05ea",
    "\u751f\u6210\u753b\u50cf/\u5b9f\u9a13\u4e8c\u5341\u4e09/\u6700\u7d42\u7248\u306e\u3082\u306e",
    "cafe\u0301/\U0001f600\U0001f600/" + "e\u0301" * 20,
    "[bold]not markup[/bold]",
    "runs/" + "very-long-folder/" * 10 + "netG.safetensors",
    "g",
)
_FEW = {"360 images for 1,280 dimensions": "too few to compare; use kid"}
_BIASED = {
    "the interval refers to infinitely many images": (
        "it may not contain the value, which is biased"
    )
}
# Name, direction, typical value, standard error (None: there is none), interval, cautions.
SCORES: tuple[tuple[str, str, float, float | None, str, dict[str, str]], ...] = (
    ("kid", "lower", 0.0101, 0.0012, "symmetric", {}),
    ("fid", "lower", 10.2547, None, "none", _FEW),
    ("is", "higher", 1.15179, 0.0079, "shifted", _BIASED),
    ("precision", "higher", 0.681, 0.061, "symmetric", {}),
    ("recall", "higher", 0.589, 0.058, "boundary", {}),
    ("density", "higher", 0.622, 0.069, "none", {}),
    ("coverage", "higher", 0.683, 0.052, "none", {}),
    ("fid-debiased", "lower", 7.1, 0.21, "symmetric", {}),
    ("fid-infinity", "lower", 7.3, None, "none", {}),
    ("clipped-density", "higher", 0.61, 0.07, "none", {}),
    ("alpha-precision", "higher", 0.55, 0.04, "symmetric", {}),
    ("cmmd", "lower", 2.2e-6, 3.1e-7, "symmetric", {}),
    ("ppl", "lower", 12345.6, 678.0, "symmetric", {}),
    ("prd-f8", "higher", 0.91, 0.011, "symmetric", {}),
)


def rows_of(samples: Sequence[str], num_scores: int) -> tuple[ScoreRow, ...]:
    """Return scores that differ from sample to sample, always the same ones."""
    rows = []
    for at, sample in enumerate(samples):
        for number in range(num_scores):
            name, direction, value, se, form, cautions = SCORES[number % len(SCORES)]
            value *= 1 + 0.17 * at
            interval = {
                "none": None,
                "symmetric": (value - 1.96 * (se or 0), value + 1.96 * (se or 0)),
                "shifted": (value * 1.01, value * 1.05),
                "boundary": (max(value - 0.11, 0.0), value + 0.12),
            }[form]
            if form == "boundary" and at == 2:  # 0 of 360 images
                value, se, interval = 0.0, 0.0, (0.0, 0.0106)
            rows.append(
                row_of(
                    name,
                    kind=kind_of(name, direction=direction),
                    sample=sample,
                    reference=REFERENCE,
                    value=value,
                    se=se,
                    interval=interval,
                    num_sample=360,
                    num_reference=1437,
                    extractor="efficientnet-lite0",
                    protocol="standard",
                    options={"k": number} if number >= len(SCORES) else {},
                    details={"std": 0.02369 + at / 100} if name == "is" else {},
                    notes=(f"interval: a note on {name} that is as long as such notes often are",),
                    cautions=cautions,
                )
            )
    return tuple(rows)


def report_of(samples: Sequence[str], num_scores: int, *, paired: bool = False) -> Report:
    """Return a report of `rows_of`; of several samples with their differences."""
    rows = rows_of(samples, num_scores)
    if len(samples) == 1:
        return Report(rows, PROVENANCE)
    rng = np.random.default_rng(0)
    influences = {
        row.key._replace(label="kid"): Influence(sample=0.02 * rng.standard_normal(360))
        for row in rows
        if row.name == "kid"
    }
    plain = tuple(dataclasses.replace(row) for row in rows if not row.options)
    pairs = compared(Report(plain, PROVENANCE, influences), paired=paired)
    return dataclasses.replace(pairs, scores=rows, influence={})


def labelled_report(samples: Sequence[str]) -> Report:
    """Return a comparison under two networks and two options of one metric."""
    asked: tuple[tuple[str, str | None, dict[str, int]], ...] = (
        *(("fid", None, {}), ("fid", "efficientnet-lite0", {})),
        *((name, None, options) for options in ({}, {"k": 5}) for name in ("precision", "recall")),
    )
    rows = []
    rng = np.random.default_rng(1)
    for sample in samples:
        for at, (name, network, options) in enumerate(asked):
            value = (20.0 if name == "fid" else 0.6) * (1 + 0.1 * rng.standard_normal())
            error = 0.03 * value
            rows.append(
                row_of(
                    name,
                    sample=sample,
                    reference=REFERENCE,
                    value=value,
                    se=error,
                    interval=(value - 1.96 * error, value + 1.96 * error),
                    num_sample=360,
                    num_reference=1437,
                    network=network,
                    networks=(network or "inception",),
                    extractor=network or "inception",
                    options=options,
                    notes=(f"note {at}",),
                )
            )
    weights = {"inception": "sha256:6726825daaaa", "efficientnet-lite0": "sha256:57934424aaaa"}
    networks = {
        name: {"extractor": name, "weights": digest, "precision": "float32"}
        for name, digest in weights.items()
    }
    provenance = {**PROVENANCE, "weights": weights, "network": "inception", "networks": networks}
    influences = {
        row.key: Influence(sample=0.3 * row.value * rng.standard_normal(360)) for row in rows
    }
    return compared(Report(tuple(rows), provenance, influences), rank="fid@efficientnet-lite0")
