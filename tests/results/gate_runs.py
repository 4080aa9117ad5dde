"""Reports of features that tests draw themselves, to be checked by the gate."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ganeval.flow.checked_result import checked
from ganeval.gate.baseline import RULE
from ganeval.gate.change import GATE
from ganeval.metrics.base import Metric
from ganeval.report.report import Report
from tests.results.rows import row_of
from tests.summaries import InMemory, inputs

Rows = npt.NDArray[np.float32]


def normal(num: int, width: int, seed: int, *, distance: float = 0.0) -> Rows:
    """Draw from N(m, I) at a squared Frechet distance of `distance` from N(0, I)."""
    rows = np.random.default_rng(seed).standard_normal((num, width))
    rows[:, 0] += distance**0.5
    return rows.astype(np.float32)


def report(
    sample: Rows,
    reference: Rows | InMemory,
    metrics: Sequence[Metric],
    *,
    kind: str = "folder",
    settings: dict[str, object] | None = None,
) -> Report:
    """Return what `evaluate` would report of features that are these."""
    real = reference if isinstance(reference, InMemory) else InMemory(reference)
    summaries = {"sample": InMemory(sample), "reference": real}
    scores = [
        score
        for metric in metrics
        for score in checked(
            metric.compute(inputs(metric, summaries), np.random.default_rng(0)),
            *(metric.kinds[0].name, "fake/", "images"),
        ).scores
    ]
    rows = tuple(
        row_of(
            score.name,
            kind=score.kind,
            sample="fake/",
            reference="real/",
            value=score.value,
            se=score.se,
            interval=score.interval,
            num_sample=len(sample),
            num_reference=real.num,
            details=score.details,
            notes=score.notes,
            cautions=score.cautions,
            enough=score.enough,
        )
        for score in scores
    )
    cards = {
        "fake/": _card(sample, kind, settings or {}),
        "real/": _card(real.array, "folder", {}),
    }
    provenance = {
        "precision": "float32",
        "dimensions": sample.shape[1],
        "protocol_version": 1,
        "weights": {"random": "sha256:1"},
        "preprocess": {"mean": 127.5},
        "sources": cards,
    }
    influence = {
        row.key: score.influence
        for row, score in zip(rows, scores, strict=True)
        if score.influence is not None
    }
    return Report(rows, provenance, influence)


def accepted(run: Report) -> Report:
    """Return a run as the baseline of this version, without its file."""
    return replace(run, provenance={**run.provenance, GATE: {"rule": RULE, "num_runs": 1}})


def _card(rows: Rows, kind: str, settings: dict[str, object]) -> dict[str, object]:
    digest = f"sha256:{hashlib.sha256(rows.tobytes()).hexdigest()}"
    return {
        "kind": kind,
        "count": len(rows),
        "used": len(rows),
        "digest": digest,
        "skipped": [],
        "settings": settings,
    }
