"""All that the calibration asks of ganeval, in one place."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ganeval.gate.baseline import with_rule
from ganeval.gate.gate import Verdict, check
from ganeval.gate.limits import DEFAULT, parse_limits
from ganeval.metrics.base import Metric
from ganeval.metrics.frechet import Fid
from ganeval.metrics.inception_score import InceptionScore
from ganeval.metrics.kernel import Kid
from ganeval.metrics.neighbours import DensityCoverage, PrecisionRecall
from ganeval.report.comparisons import measured
from ganeval.report.report import Report
from ganeval.scores.difference import Difference, holm
from ganeval.scores.differences import difference
from tests.results.gate_runs import report
from tests.summaries import InMemory

Rows = npt.NDArray[np.float32]

ALPHA = 0.05
DEFAULT_LIMITS = DEFAULT
METRICS: Mapping[str, Metric] = {
    "fid": Fid(),
    "kid": Kid(),
    "is": InceptionScore(),
    "pr": PrecisionRecall(),
    "dc": DensityCoverage(),
}


def scored(sample: Rows, reference: InMemory, metrics: Sequence[str]) -> Report:
    """Return the report of a sample; a reference in memory keeps what is derived of it."""
    return report(sample, reference, [METRICS[name] for name in metrics])


def score_record(run: Report) -> dict[str, dict[str, Any]]:
    """Return what a report says of each score, as JSON values."""
    return {
        row.name: {
            "value": row.value,
            "centre": row.details.get("debiased", row.value),
            "se": row.se,
            "interval": row.interval,
        }
        for row in run.scores
    }


def asked(run: Report, baseline: Report, limits: str) -> Verdict:
    """Return the gate's answer."""
    return check(run, with_rule([baseline]), parse_limits([limits]), ALPHA)


def answer_record(verdict: Verdict) -> dict[str, Any]:
    """Return what the gate says of a run, and of the score that decides first, as JSON values."""
    first = next(one for one in verdict.decisions if one.outcome is not None)
    name = verdict.limits[0].name
    return {
        "outcome": str(verdict.outcome),
        "value": verdict.run[name].value,
        "baseline": verdict.baseline[name].value,
        "decided_by": first.evidence.name,
        "difference": first.evidence.difference,
        "se": first.evidence.se,
        "detectable": first.detectable,
        "num_needed": first.num_needed,
    }


def differences_of(runs: Sequence[Report], name: str) -> tuple[Difference, ...]:
    """Return the differences of all pairs of samples, after Holm's correction."""
    sides = [measured(run, run[name]) for run in runs]
    return holm([difference(one, other) for one, other in itertools.combinations(sides, 2)])
