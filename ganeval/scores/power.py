"""How sure a difference is: quantiles, and the changes and numbers of images that would show."""

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Self

POWER = 0.8  # at which changes are called detectable, and numbers of images enough
# Standard errors from 0 below which a distance says little of how its error grows. Chosen once: in
# simulation intervals then missed on either side by about 4 % at most, at distances from 0 to 12
# standard errors.
TOLD_APART = 2.5
_UNCERTAIN = 30  # degrees of freedom below which an error is not taken for known
_NORMAL = NormalDist()
_STEPS = 50  # of a mean over the luckiest tenth


def quantile(probability: float, df: float | None = None) -> float:
    """Return the quantile of the normal distribution, or of Student's with `df` degrees."""
    if df is None:
        return _NORMAL.inv_cdf(probability)
    import scipy.special  # takes a fifth of a second, and few differences need it

    return float(scipy.special.stdtrit(df, probability))


def degrees_at(probability: float, limit: float) -> float:
    """Return the degrees of freedom at which Student's quantile is `limit`, beyond the normal's."""
    import scipy.special

    return float(scipy.special.stdtridf(probability, limit))


def tail(deviations: float, df: float | None = None) -> float:
    """Return the chance of more than so many standard errors, one-sided."""
    if df is None:
        return math.erfc(deviations / math.sqrt(2)) / 2
    import scipy.special

    return float(scipy.special.stdtr(df, -deviations))


def deviations(chance: float, df: float | None = None) -> float:
    """Return how many standard errors a one-sided test finds with a power of 0.8.

    Args:
        chance: Of a false alarm.
        df: Degrees of freedom of the standard error, whose own spread is allowed for: what is
            returned is then the parameter of the noncentral t distribution.
    """
    limit = quantile(1 - chance, df)
    if df is None:
        return limit + quantile(POWER)
    import scipy.special

    return float(scipy.special.nctdtrinc(df, 1 - POWER, limit))


@dataclass(frozen=True, slots=True, kw_only=True)
class Variances:
    """What the variance of a difference comes from.

    Attributes:
        one: The images of the one sample alone.
        other: Those of the other sample alone.
        paired: The images of both, where image i of both is drawn alike.
        reference: The images of the reference, which both have in common.
    """

    one: float = 0.0
    other: float = 0.0
    paired: float = 0.0
    reference: float = 0.0

    @property
    def total(self) -> float:
        """The variance of the difference."""
        return self.one + self.other + self.paired + self.reference

    def times(self, factor: float) -> Self:
        """Return all of them multiplied by a factor."""
        return replace(
            self,
            one=self.one * factor,
            other=self.other * factor,
            paired=self.paired * factor,
            reference=self.reference * factor,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """How exactly a difference is known, and how that depends on what the difference is.

    Attributes:
        values: The two values that are subtracted.
        variances: Of their difference.
        df: Degrees of freedom of the variances; None if they are as good as known.
        grows: Whether both values are squared distances, whose variance grows in proportion.
        bias_left: What may be left in the difference of biases that were removed, either way.
    """

    values: tuple[float, float]
    variances: Variances
    df: float | None = None
    grows: bool = False
    bias_left: float = 0.0

    @property
    def se(self) -> float:
        """Standard error of the difference that was seen."""
        return math.sqrt(self.variances.total)

    @property
    def se_of_equals(self) -> float:
        """Standard error that there would be if both values were equal; never less than was seen.

        It is larger where chance made the one value, and its error with it, small.
        """
        steady, _ = self._line()
        return math.sqrt(max(self.variances.total, steady))

    def detectable(self, chance: float) -> float:
        """Return the difference that would be found with a power of 0.8.

        It is D = bias_left + (z + 0.84) SE(D), where the variance SE(D)^2 grows by a line for a
        squared distance.

        Args:
            chance: Of a false alarm, one-sided.
        """
        factor = deviations(chance, self.df)
        steady, slope = self._line()
        half = factor**2 * slope / 2
        return (
            self.bias_left
            + half
            + math.sqrt(half**2 + factor**2 * (steady + slope * self.bias_left))
        )

    def passing(self, gap: float, chance: float) -> float:
        """Return the chance that the one value, which is `gap` lower, is shown to be lower.

        Args:
            gap: How much lower it truly is, from 0.
            chance: Of showing it wrongly, one-sided.
        """
        gone = gap - self.bias_left
        limit = quantile(1 - chance, self.df)
        steady, slope = self._line()
        variance = max(steady - slope * gap, 0.0)
        if variance == 0:
            return float(gone > limit * self.se_of_equals)
        if self.df is None:
            return 1 - tail((gone - limit * self.se_of_equals) / math.sqrt(variance))
        import scipy.special

        missed = float(scipy.special.nctdtr(self.df, gone / math.sqrt(variance), limit))
        # scipy has no number where the chance to miss is below 1e-100 or so.
        return 1.0 if math.isnan(missed) and gone > limit * math.sqrt(variance) else 1 - missed

    def with_more(self, *, one: float, other: float, reference: float) -> Self:
        """Return the precision with so many times the images of each side."""
        mine = self.variances
        return replace(
            self,
            variances=Variances(
                one=mine.one / one,
                other=mine.other / other,
                paired=mine.paired / one,
                reference=mine.reference / reference,
            ),
        )

    def given_other(self, chance: float) -> float | None:
        """Return the chance of a false alarm if the other sample is one of the luckiest tenth.

        Over all draws of both it is `chance`. Given the other sample and the reference, their error
        stays, and only the one sample is drawn anew. None where both are drawn alike, and where the
        error itself is uncertain: below 30 degrees of freedom its own spread is above 13 %.
        """
        own, kept = self.variances.one, self.variances.other + self.variances.reference
        if self.variances.paired or own <= 0 or (self.df or math.inf) < _UNCERTAIN:
            return None
        limit = quantile(1 - chance, self.df) * self.se
        luck = [_NORMAL.inv_cdf(0.9 + (at + 0.5) / 10 / _STEPS) for at in range(_STEPS)]
        alarms = [tail((limit - one * math.sqrt(kept)) / math.sqrt(own)) for one in luck]
        return sum(alarms) / _STEPS

    def _line(self) -> tuple[float, float]:
        """Return the variance at difference 0, and how much it grows with the difference."""
        one, other = self.values
        own = self.variances.one + self.variances.paired
        if not self.grows or own <= 0:
            return self.variances.total, 0.0
        noise = math.sqrt(own)
        slope = own / max(one, TOLD_APART * noise)
        rest = self.variances.other + self.variances.reference
        return rest + slope * max(other, TOLD_APART * noise), slope
