"""Many checks of one accepted baseline: false alarms over baselines, and given one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from calibrations.binomial import Count
from calibrations.laws import Population
from calibrations.tool import asked, scored
from calibrations.trials import Cell, Kept, Trial, streams
from tests.summaries import InMemory

TITLES = (
    *("score", "law", "d", "reference and baseline", "images of a run", "baselines", "checks each"),
    *("false alarms over all, %", "of the luckiest tenth of baselines, %", "of the unluckiest, %"),
)


@dataclass(frozen=True, kw_only=True)
class BaselineCell:
    """A trial is one baseline, which many unchanged runs are checked against.

    Attributes:
        metric: The one score.
        population: What baseline and runs are drawn from; the reference has its law, unchanged.
        num: Images of the reference and of the baseline.
        num_run: Images of a run.
        checks: Number of runs.
    """

    metric: str
    population: Population
    num: int
    num_run: int
    checks: int = 40

    @property
    def name(self) -> str:
        """What its file is called."""
        law = f"{self.population.law}-{self.population.width}"
        return f"baselines-{self.metric}-{law}-{self.num}-{self.num_run}"

    def prepare(self) -> Mapping[str, Any]:
        """Return nothing."""
        return {}

    def trial(self, number: int, prepared: Mapping[str, Any]) -> Trial:
        """Return how many runs failed."""
        first, second, *others = streams(self, number, 2 + self.checks)
        plain = Population(law=self.population.law, width=self.population.width)
        real = InMemory(plain.draw(self.num, first))
        before = scored(self.population.draw(self.num, second), real, [self.metric])
        answers = [
            asked(
                scored(self.population.draw(self.num_run, rng), real, [self.metric]),
                before,
                f"{self.metric}=1e-9",
            )
            for rng in others
        ]
        return {"failed": sum(one.outcome == "fail" for one in answers)}


def baseline_table(
    done: Mapping[Cell, Kept],
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the titles and the lines of the table.

    Checks of one baseline are no independent trials, so the interval over all is by the spread
    between baselines.
    """
    lines = []
    for cell, (_, trials) in done.items():
        if not isinstance(cell, BaselineCell) or not trials:
            continue
        failed = np.sort([one["failed"] for one in trials]) / cell.checks
        error = 1.96 * float(failed.std(ddof=1)) / len(failed) ** 0.5
        tenth = max(len(failed) // 10, 1)
        overall = float(failed.mean())
        ends = f"[{100 * max(overall - error, 0):.1f}, {100 * (overall + error):.1f}]"
        lines.append(
            (
                cell.metric,
                cell.population.law,
                *(f"{num:,}" for num in (cell.population.width, cell.num, cell.num_run)),
                *(str(len(failed)), str(cell.checks)),
                f"{100 * overall:.1f} {ends}",
                # A lucky baseline is better than its generator, so that unchanged runs fail.
                *(
                    str(Count(round(float(part.sum()) * cell.checks), len(part) * cell.checks))
                    for part in (failed[-tenth:], failed[:tenth])
                ),
            )
        )
    return TITLES, lines
