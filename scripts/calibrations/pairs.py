"""How often `compare` finds a sample that is worse by what it calls detectable."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from calibrations.binomial import Claim, Count, contradicted
from calibrations.gates import PILOTS, shift_for
from calibrations.laws import Population
from calibrations.tool import ALPHA, differences_of, scored
from calibrations.trials import PILOT, Cell, Kept, Trial, streams
from ganeval.scores.difference import Difference
from tests.summaries import InMemory

POWER = Claim("found", "at least", 0.8)
NO_FALSE_ALARM = Claim("false", "at most", ALPHA)
TITLES = (
    *("score", "law", "d", "images", "pairs", "trials", "detectable", "found, %"),
    *("equal pairs found different, %", "interval holds the truth, %", "verdict"),
)


@dataclass(frozen=True, kw_only=True)
class PairCell:
    """Samples beside one reference: the first one is worse, the others are equal.

    Attributes:
        metric: The one score.
        population: What the others are drawn from; the reference has its law, unchanged.
        num: Images of the reference and of every sample.
        samples: Their number; 2, 3 or 5 for 1, 3 or 10 pairs.
    """

    metric: str
    population: Population
    num: int
    samples: int

    @property
    def name(self) -> str:
        """What its file is called."""
        law = f"{self.population.law}-{self.population.width}"
        return f"pairs-{self.metric}-{law}-{self.num}-{self.samples}"

    def prepare(self) -> Mapping[str, Any]:
        """Return what is detectable, and how far the first sample is shifted."""
        pilots = [self._differences(PILOT + at, 0.0)[0].detectable for at in range(PILOTS)]
        detectable = float(np.mean([one for one in pilots if one is not None]))
        more = shift_for(self.metric, self.population, detectable)
        return {"detectable": detectable, "more": more}

    def trial(self, number: int, prepared: Mapping[str, Any]) -> Trial:
        """Return what is said of the first pair, and whether any equal pair is told apart."""
        found = self._differences(number, prepared["more"])
        first, equal = found[0], found[self.samples - 1 :]
        assert first.interval is not None
        low, high = first.interval
        return {
            "found": _significant(first) and first.difference > 0,
            "false": any(map(_significant, equal)),
            "holds": low <= prepared["detectable"] <= high,
        }

    def _differences(self, number: int, more: float) -> tuple[Difference, ...]:
        first, *others = streams(self, number, 1 + self.samples)
        plain = Population(law=self.population.law, width=self.population.width)
        real = InMemory(plain.draw(self.num, first))
        worse = replace(self.population, shift=self.population.shift + more)
        drawn = [worse, *[self.population] * (self.samples - 1)]
        runs = [
            scored(one.draw(self.num, rng), real, [self.metric])
            for one, rng in zip(drawn, others, strict=True)
        ]
        return differences_of(runs, self.metric)


def _significant(found: Difference) -> bool:
    return found.p_adjusted is not None and found.p_adjusted < ALPHA


def pair_table(
    done: Mapping[Cell, Kept],
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the titles and the lines of the table."""
    lines, claims = [], []
    for cell, (prepared, trials) in done.items():
        if not isinstance(cell, PairCell) or not trials:
            continue
        found, false, holds = (
            Count(sum(one[what] for one in trials), len(trials))
            for what in ("found", "false", "holds")
        )
        pairs = cell.samples * (cell.samples - 1) // 2
        lines.append(
            (
                cell.metric,
                cell.population.law,
                f"{cell.population.width:,}",
                f"{cell.num:,}",
                str(pairs),
                str(len(trials)),
                f"{prepared['detectable']:.3g}",
                str(found),
                str(false) if pairs > 1 else "-",
                str(holds),
            )
        )
        claims += [POWER.p_value(found), NO_FALSE_ALARM.p_value(false)]
    against = contradicted(claims)
    verdicts = [
        ", ".join(
            f"not {claim}"
            for claim, bad in zip((POWER, NO_FALSE_ALARM), against[at : at + 2], strict=True)
            if bad
        )
        for at in range(0, len(claims), 2)
    ]
    return TITLES, [
        (*line, verdict or "holds") for line, verdict in zip(lines, verdicts, strict=True)
    ]
