"""The pytest plugin: assert in a test that a generator is no worse than the accepted baseline.

pytest loads it by itself where ganeval is installed; everything heavy waits for the first use.
"""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from ganeval.flow.settings import Settings
    from ganeval.gate.decision import FailOn
    from ganeval.gate.gate import Verdict
    from ganeval.report.report import Report


@pytest.fixture
def ganeval_check(tmp_path: Path) -> "Check":
    """Score a generator, a tensor or a folder and assert that it is no worse than the baseline."""
    return Check(tmp_path)


class Check:
    """Scores a sample and asserts against a baseline, with the statistics of `ganeval check`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    def __call__(
        self,
        *,
        sample: Any,
        reference: Any,
        baseline: str | Path,
        max_regress: str | Sequence[str] = "fid=10%",
        alpha: float = 0.05,
        fail_on: "FailOn" = "tolerance",
        on_inconclusive: Literal["pass", "fail"] = "fail",
        settings: "Settings | None" = None,
        **options: Any,
    ) -> "Verdict":
        """Score the sample by every score that `max_regress` names, and compare.

        >>> def test_generator(ganeval_check):
        ...     ganeval_check(sample="fake/", reference="real/", baseline="baseline.json")

        Args:
            sample: Generated images, as for `ganeval.evaluate`: a path, a tensor, a `Generator`.
            reference: Real images in any of these forms.
            baseline: File that `ganeval baseline accept` wrote.
            max_regress: As on the command line. Any of the scores can fail, and all have to pass.
            alpha: Largest probability of a false alarm, over all scores together.
            fail_on: Which losses fail if they are beyond chance: those above the tolerated one
                ("tolerance"), or any loss ("any").
            on_inconclusive: Whether the test passes or fails if the images do not decide.
            settings: As for `ganeval.evaluate`.
            **options: As for `ganeval.evaluate`.

        Returns:
            The verdict, unless it is a failure.

        Raises:
            AssertionError: The gate failed, or is inconclusive; the message is the table.
            GanevalError: The images cannot be scored, there is no such baseline, or it was made
                under other conditions.
        """
        __tracebackhide__ = True
        from ganeval.errors import GanevalError
        from ganeval.gate.baseline import load_baseline
        from ganeval.gate.decision import Outcome
        from ganeval.gate.gate import check
        from ganeval.gate.limits import parse_limits
        from ganeval.gate.output import plain

        try:
            limits = parse_limits([max_regress] if isinstance(max_regress, str) else max_regress)
            names = [limit.name for limit in limits]
            run, path = self._score(sample, reference, names, settings, options)
            accept = f"ganeval baseline accept {path} -o {baseline}"
            accepted = load_baseline(Path(baseline), remedy=f"accept this run: {accept}")
            verdict = check(
                *(run, accepted, limits, alpha),
                fail_on=fail_on,
                on_inconclusive=Outcome(on_inconclusive),
            )
        except GanevalError as error:  # its line says it all; no traceback
            raise error.with_traceback(None) from None
        if verdict.counted is not Outcome.PASS:
            raise AssertionError(f"{plain(verdict)}\nTo accept it: {accept}")
        return verdict

    def _score(
        self,
        sample: Any,
        reference: Any,
        names: Sequence[str],
        settings: "Settings | None",
        options: Mapping[str, Any],
    ) -> "tuple[Report, Path]":
        """Return the report with the named scores, and its file, so that it can be accepted."""
        from ganeval.evaluation import evaluate

        run = evaluate(
            sample=sample,
            reference=reference,
            metrics=_metrics_of(names),
            settings=settings,
            **options,
        )
        path = self._folder / f"ganeval-run-{next(self._numbers)}.json"
        run.save(path)
        return run, path


def _metrics_of(labels: Sequence[str]) -> list[str]:
    """Return the metrics of the named scores, and of the scores that stand in for them.

    Raises:
        UsageError: There is no such score.
    """
    from ganeval.metrics.table import METRICS
    from ganeval.registry import unknown
    from ganeval.scores.label import label_of, name_in

    kinds = {
        kind.name: (name, kind) for name, one in METRICS.loaded().items() for kind in one.kinds
    }
    wanted, deciding = [], []
    for label in labels:
        name = name_in(label)
        if name not in kinds:
            raise unknown("score", name, kinds)
        metric, kind = kinds[name]
        wanted.append(f"{metric}{label.removeprefix(name)}")
        if kind.stands_in is not None:
            _, at, network = label.partition(":")[0].partition("@")
            deciding.append(label_of(kinds[kind.stands_in][0], network if at else None, {}))
    return list(dict.fromkeys([*wanted, *deciding]))
