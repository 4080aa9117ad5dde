"""An experiment: a system, a control, one number for each, and a frozen threshold."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A small seeded run that must meet a criterion, and a control that must not.

    A criterion that the control meets too would prove nothing. `docs/experiments.md` says how the
    thresholds were set, and `docs/measured/experiments.md` has the results of five other seeds.

    Attributes:
        model: Name of the system in `MODELS`.
        criterion: The measured number, in one line.
        better: Whether a higher or a lower number is better.
        threshold: Value that the system must reach and the control must not.
        control_is: Description of the control, in one line.
        system: Function of a seed that returns the system's number.
        control: Function of a seed that returns the control's number.
        floor: Function of a seed that returns the number of real samples; None if there is none.
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
        """Return whether a number meets the criterion."""
        return value >= self.threshold if self.better == "higher" else value <= self.threshold
