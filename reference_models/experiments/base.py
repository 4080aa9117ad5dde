"""An experiment: a system, a control, one number for each, and a frozen threshold."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A small seeded run that meets a criterion, and a control that must not.

    A criterion that the control meets too would prove nothing. `docs/experiments.md` says how the
    thresholds were set, `docs/measured/experiments.md` has the results of five other seeds.

    Attributes:
        model: The system, by its name in the table of models.
        criterion: What is measured, in one line.
        better: Whether the system should have more of it, or less.
        threshold: What the system must reach and the control must not.
        control_is: What the control lacks, in one line.
        system: Function of a seed that returns the system's number.
        control: Function of a seed that returns the control's number.
        floor: Function of a seed that returns the number that real samples reach; None if there is
            none.
    """

    model: str
    criterion: str
    better: Literal["higher", "lower"]
    threshold: float
    control_is: str
    system: Callable[[int], float]
    control: Callable[[int], float]
    floor: Callable[[int], float] | None = None

    def passes(self, value: float) -> bool:
        """Tell whether a number meets the criterion."""
        return value >= self.threshold if self.better == "higher" else value <= self.threshold
