from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from ganeval.machine.resources import DEFAULT, Resources
from ganeval.metrics.base import Metric, Score
from tests.summaries import InMemory, inputs

Rows = npt.NDArray[np.float32]


@pytest.fixture
def score() -> Callable[..., dict[str, Score]]:
    """Run a metric on rows, with the stream of a seed."""

    def run(
        metric: Metric,
        sample: Rows,
        reference: Rows | None = None,
        *,
        seed: int = 0,
        keeps_rows: bool = True,
        resources: Resources = DEFAULT,
    ) -> dict[str, Score]:
        summaries = {"sample": InMemory(sample, keeps_rows, resources)}
        if reference is not None:
            summaries["reference"] = InMemory(reference, keeps_rows, resources)
        rng = np.random.default_rng(seed)
        scores = metric.compute(inputs(metric, summaries), rng).scores
        assert tuple(one.kind for one in scores) == metric.kinds
        return {one.name: one for one in scores}

    return run


@pytest.fixture
def features() -> Callable[..., Rows]:
    """Make skewed float32 features, as a network's pooled ones are."""

    def make(num: int, width: int, seed: int, shift: float = 0.0) -> Rows:
        rng = np.random.default_rng(seed)
        mixing = np.random.default_rng(width).standard_normal((width, width)) / width**0.5
        rows = rng.standard_normal((num, width)) @ mixing + 0.3 + shift
        return np.maximum(rows, 0.1 * rows).astype(np.float32)

    return make
