"""Rows of reports, of today's scores and of made-up ones."""

from typing import Any

from ganeval.metrics.table import METRICS
from ganeval.scores.kind import ScoreKind
from ganeval.scores.row import ScoreRow

KINDS = {kind.name: kind for name in METRICS.names() for kind in METRICS.load(name).kinds}
HOMES = {kind.name: name for name in METRICS.names() for kind in METRICS.load(name).kinds}


def kind_of(name: str, **declared: Any) -> ScoreKind:
    """What a score means: as its metric says; a made-up one has no bias and influences."""
    plain: dict[str, Any] = {
        **{"direction": "lower", "bias": "none", "error": "influence", "stream": name},
        **{"stands_in": None, "plotted_against": None},
    }
    if name in KINDS:
        kind = KINDS[name]
        plain = {key: getattr(kind, key) for key in plain}
    return ScoreKind(name=name, **{**plain, **declared})


def row_of(name: str, **fields: Any) -> ScoreRow:
    """A row of a score of that name; `reference` and `num_reference` are its one other source."""
    reference, num = fields.pop("reference", "real"), fields.pop("num_reference", None)
    plain: dict[str, Any] = {
        **{"sample": "a", "value": 1.0, "se": None, "interval": None, "num_sample": 100},
        **{"roles": {"reference": reference}, "nums": {"reference": num}, "network": None},
        **{"extractor": "random", "protocol": "standard", "kind": kind_of(name)},
        "metric": HOMES.get(name, name),
    }
    return ScoreRow(**{**plain, **fields})
