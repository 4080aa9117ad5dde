"""How often the gate passes, fails or says nothing, and what it claims of that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import scipy.optimize

from calibrations.binomial import Claim, Count, contradicted
from calibrations.laws import Population, fid_between, kid_between
from calibrations.tool import ALPHA, Rows, answer_record, asked, scored
from calibrations.trials import PILOT, Cell, Kept, Trial, streams
from tests.summaries import InMemory

PILOTS = 16  # trials that say what is detectable
MOST = 20_000  # images of a repeat with as many as the gate advises
TRUTHS = {"fid": fid_between, "kid": kid_between}
OUTCOMES = ("pass", "fail", "inconclusive")
NO_FALSE_ALARM = Claim("fail", "at most", ALPHA)
NO_WRONG_PASS = Claim("pass", "at most", ALPHA)
POWER = Claim("fail", "at least", 0.8)
PASSES = Claim("pass", "at least", 0.5)
DECIDES = Claim("decided", "at least", 0.75)
TITLES = (
    *("run", "law", "d", "reference", "baseline", "images of the run", "tolerated", "trials"),
    *("pass, %", "fail, %", "inconclusive, %", "claim", "verdict"),
)


@dataclass(frozen=True, kw_only=True)
class Question:
    """A run that is checked.

    Attributes:
        what: How the table calls it.
        run: What it is drawn from; None for the baseline's own population.
        limits: The tolerance of each score: a text as the gate takes it, or a multiple of how much
            more the run's true score is than the baseline's.
        claim: What the answers should show.
    """

    what: str
    run: Population | None = None
    limits: tuple[tuple[str, str | float], ...]
    claim: Claim | None = None


@dataclass(frozen=True, kw_only=True)
class _OfALaw:
    """A cell whose baseline is drawn from a law.

    Attributes:
        baseline: The population; the reference has its law, unchanged.
    """

    baseline: Population

    @property
    def law(self) -> str:
        """As in `LAWS`."""
        return self.baseline.law

    @property
    def width(self) -> int:
        """Number of dimensions."""
        return self.baseline.width


@dataclass(frozen=True, kw_only=True)
class OfEqualNumbers:
    """A cell with equal numbers of images everywhere.

    Attributes:
        num: Images of reference, baseline and run (at first).
    """

    num: int

    @property
    def num_reference(self) -> int:
        """Images."""
        return self.num

    @property
    def num_baseline(self) -> int:
        """Images."""
        return self.num

    @property
    def num_run(self) -> int:
        """Images."""
        return self.num


@dataclass(frozen=True, kw_only=True)
class GateCell(_OfALaw):
    """Runs beside one baseline, against one reference.

    Attributes:
        subject: First word of the name.
        num_reference: Images.
        num_baseline: Images.
        num_run: Images.
        metrics: As in `METRICS`.
        questions: Each has a run of its own.
        repeats: How often each image of a baseline and a run is in it.
    """

    subject: str
    num_reference: int
    num_baseline: int
    num_run: int
    metrics: tuple[str, ...]
    questions: tuple[Question, ...]
    repeats: int = 1

    @property
    def name(self) -> str:
        """What its file is called."""
        numbers = f"{self.num_reference}-{self.num_baseline}-{self.num_run}"
        repeated = f"-x{self.repeats}" if self.repeats > 1 else ""
        law = f"{self.baseline.law}-{self.baseline.width}"
        return f"{self.subject}-{'+'.join(self.metrics)}-{law}-{numbers}{repeated}"

    def prepare(self) -> Mapping[str, Any]:
        """Return the limits of each question."""
        return {one.what: ",".join(self._limits(one)) for one in self.questions}

    def _limits(self, question: Question) -> list[str]:
        """Return the limits of a question as the gate takes them."""
        texts = []
        for score, amount in question.limits:
            if not isinstance(amount, str):
                real, run = _plain(self.baseline), question.run or self.baseline
                change = TRUTHS[score](run, real) - TRUTHS[score](self.baseline, real)
                amount = f"{amount * change:.8g}"
            texts.append(f"{score}={amount}")
        return texts

    def trial(self, number: int, prepared: Mapping[str, Any]) -> Trial:
        """Return the answer to each question."""
        first, second, *others = streams(self, number, 2 + len(self.questions))
        real = InMemory(_plain(self.baseline).draw(self.num_reference, first))
        before = self._draw(self.baseline, self.num_baseline, second)
        baseline = scored(before, real, self.metrics)
        found = {}
        for one, rng in zip(self.questions, others, strict=True):
            after = self._draw(one.run or self.baseline, self.num_run, rng)
            run = scored(after, real, self.metrics)
            found[one.what] = answer_record(asked(run, baseline, prepared[one.what]))
        return found

    def claims(self) -> dict[str, Claim | None]:
        """Return what should be seen of each kind of run."""
        return {one.what: one.claim for one in self.questions}

    def tolerated(self, what: str, prepared: Mapping[str, Any]) -> str:
        """Return the limits of a kind of run, for the table."""
        return str(prepared[what])

    def _draw(self, population: Population, num: int, rng: np.random.Generator) -> Rows:
        rows = population.draw(num // self.repeats, rng)
        return np.repeat(rows, self.repeats, axis=0)


@dataclass(frozen=True, kw_only=True)
class PowerCell(_OfALaw, OfEqualNumbers):
    """Runs that are worse by what the gate calls detectable, at several tolerances.

    Attributes:
        metric: The one score.
        margins: Tolerances, in standard errors of the difference.
    """

    metric: str
    margins: tuple[int, ...] = (0, 1, 2, 3, 4)

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"power-{self.metric}-{self.baseline.law}-{self.baseline.width}-{self.num}"

    def prepare(self) -> Mapping[str, Any]:
        """Return the limit at each tolerance, and how far the run is shifted."""
        nothing = 1e-9
        pilots = [self._ask(PILOT + at, [(0.0, nothing)])[0] for at in range(PILOTS)]
        se = float(np.mean([one["se"] for one in pilots]))
        limits = [max(margin * se, nothing) for margin in self.margins]
        unshifted = [(0.0, limit) for limit in limits]
        answers = [self._ask(PILOT + at, unshifted) for at in range(PILOTS)]
        prepared = {}
        for at, (margin, limit) in enumerate(zip(self.margins, limits, strict=True)):
            detectable = float(np.mean([one[at]["detectable"] for one in answers]))
            more = shift_for(self.metric, self.baseline, detectable)
            prepared[_at(margin)] = {"limit": limit, "detectable": detectable, "more": more}
        return prepared

    def trial(self, number: int, prepared: Mapping[str, Any]) -> Trial:
        """Return the answer at each tolerance."""
        questions = [(one["more"], one["limit"]) for one in prepared.values()]
        return dict(zip(prepared, self._ask(number, questions), strict=True))

    def _ask(self, number: int, questions: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
        """Return the answers for runs that are shifted further, under limits."""
        first, second, *others = streams(self, number, 2 + len(questions))
        real = InMemory(_plain(self.baseline).draw(self.num, first))
        baseline = scored(self.baseline.draw(self.num, second), real, [self.metric])
        answers = []
        for (more, limit), rng in zip(questions, others, strict=True):
            shifted = replace(self.baseline, shift=self.baseline.shift + more)
            run = scored(shifted.draw(self.num, rng), real, [self.metric])
            answers.append(answer_record(asked(run, baseline, f"{self.metric}={limit:.8g}")))
        return answers

    def claims(self) -> dict[str, Claim | None]:
        """Return what should be seen of each kind of run."""
        return {_at(margin): POWER for margin in self.margins}

    def tolerated(self, what: str, prepared: Mapping[str, Any]) -> str:
        """Return the limit of a kind of run, for the table."""
        return f"{self.metric}={prepared[what]['limit']:.3g}"


@dataclass(frozen=True, kw_only=True)
class AdviceCell(_OfALaw, OfEqualNumbers):
    """An unchanged generator, checked again with as many images as the gate said would decide.

    Attributes:
        metric: The one score.
        limit: The tolerance, as the gate takes it.
    """

    metric: str
    limit: str

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"advice-{self.metric}-{self.baseline.law}-{self.baseline.width}-{self.num}"

    def prepare(self) -> Mapping[str, Any]:
        """Return nothing."""
        return {}

    def trial(self, number: int, prepared: Mapping[str, Any]) -> Trial:
        """Return the first answer, and those with more images of the run and of both sides."""
        rngs = streams(self, number, 5)
        real = InMemory(_plain(self.baseline).draw(self.num, rngs[0]))
        before, after = (
            scored(self.baseline.draw(self.num, rng), real, [self.metric]) for rng in rngs[1:3]
        )
        found = {"as many": answer_record(asked(after, before, self.limit))}
        advised = found["as many"]["num_needed"]
        if advised is None or advised > MOST:
            return found
        more = scored(self.baseline.draw(advised, rngs[3]), real, [self.metric])
        if self.metric == "kid" or advised == self.num:  # comparable at unequal numbers
            found["advised for the run"] = answer_record(asked(more, before, self.limit))
        before = scored(self.baseline.draw(advised, rngs[4]), real, [self.metric])
        found["advised for both"] = answer_record(asked(more, before, self.limit))
        return found

    def claims(self) -> dict[str, Claim | None]:
        """Return what should be seen of each kind of run."""
        return {"as many": None, "advised for the run": None, "advised for both": DECIDES}

    def tolerated(self, what: str, prepared: Mapping[str, Any]) -> str:
        """Return the limit, for the table."""
        return self.limit


@runtime_checkable
class Gated(Cell, Protocol):
    """A cell whose trials have answers of the gate, for one or several kinds of run."""

    @property
    def law(self) -> str:
        """What the baseline is drawn from."""

    @property
    def width(self) -> int:
        """Number of dimensions."""

    @property
    def num_reference(self) -> int:
        """Images."""

    @property
    def num_baseline(self) -> int:
        """Images."""

    @property
    def num_run(self) -> int:
        """Images."""

    def claims(self) -> dict[str, Claim | None]:
        """Return what should be seen of each kind of run."""

    def tolerated(self, what: str, prepared: Mapping[str, Any]) -> str:
        """Return the limits of a kind of run, for the table."""


def shift_for(score: str, baseline: Population, change: float) -> float:
    """Return how much further a population has to be shifted to change a true score so far."""
    truth, real = TRUTHS[score], _plain(baseline)
    goal = truth(baseline, real) + change

    def excess(more: float) -> float:
        return truth(replace(baseline, shift=baseline.shift + more), real) - goal

    most = 1.0
    while excess(most) < 0:
        most *= 2
    return float(scipy.optimize.brentq(excess, 0, most, xtol=1e-6))


def gate_table(
    done: Mapping[Cell, Kept],
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the titles and the lines of the table, one line for each kind of run."""
    lines, claims = [], []
    for cell, (prepared, trials) in done.items():
        if not isinstance(cell, Gated):
            continue
        for what, claim in cell.claims().items():
            answers = [one[what]["outcome"] for one in trials if what in one]
            num = len(answers)
            counts = {outcome: Count(answers.count(outcome), num) for outcome in OUTCOMES}
            counts["decided"] = Count(num - answers.count("inconclusive"), num)
            numbers = (cell.width, cell.num_reference, cell.num_baseline, cell.num_run)
            lines.append(
                (
                    what,
                    cell.law,
                    *(f"{number:,}" for number in numbers),
                    cell.tolerated(what, prepared),
                    str(num),
                    *(str(counts[outcome]) for outcome in OUTCOMES),
                    "-" if claim is None else str(claim),
                )
            )
            claims.append(1.0 if claim is None else claim.p_value(counts[claim.what]))
    against = contradicted(claims)
    return TITLES, [
        (*line, "-" if line[-1] == "-" else "does not hold" if bad else "holds")
        for line, bad in zip(lines, against, strict=True)
    ]


def naive_table(
    done: Mapping[Cell, Kept],
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the table of unchanged generators that rules by the values alone would fail."""
    lines = []
    for cell, (_, trials) in done.items():
        if not isinstance(cell, GateCell) or cell.subject != "unchanged" or not trials:
            continue
        answers = [one[cell.questions[0].what] for one in trials]
        shares = [
            Count(sum(one["value"] > factor * one["baseline"] for one in answers), len(answers))
            for factor in (1, 1.02, 1.05)
        ]
        shares.append(Count(sum(one["outcome"] == "fail" for one in answers), len(answers)))
        numbers = (cell.baseline.width, cell.num_reference, cell.num_baseline, cell.num_run)
        score, _ = cell.questions[0].limits[0]
        texts = [f"{number:,}" for number in numbers]
        lines.append((score, cell.baseline.law, *texts, str(len(answers)), *map(str, shares)))
    titles = ("score", "law", *TITLES[2:6], "trials")
    return (*titles, "any increase, %", "2 %, %", "5 %, %", "the gate, %"), lines


def _plain(baseline: Population) -> Population:
    """Return the population of the reference: the law as it is."""
    return Population(law=baseline.law, width=baseline.width)


def _at(margin: int) -> str:
    """Name a tolerance."""
    return f"worse by the detectable, {margin} SE tolerated"
