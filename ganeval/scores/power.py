"""How certain a difference is: quantiles, detectable changes, and numbers of images needed."""

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Self

POWER = 0.8  # at which changes are called detectable, and numbers of images enough
# In standard errors: below this, a distance says little about how its error grows. It was chosen
# once: in simulations, at most about 4 % of intervals then missed on either side, for distances
# from 0 to 12 standard errors.
TOLD_APART = 2.5
_UNCERTAIN = 30  # degrees of freedom; below them an error does not count as known
_NORMAL = NormalDist()
_STEPS = 50  # in the mean over the luckiest tenth


def quantile(probability: float, df: float | None = None) -> float:
    """Return the quantile of the normal distribution, or of Student's with `df` degrees."""
    if df is None:
        return _NORMAL.inv_cdf(probability)
    import scipy.special  # takes a fifth of a second, and few differences need it

    return float(scipy.special.stdtrit(df, probability))


def degrees_at(probability: float, limit: float) -> float:
    """Return the degrees of freedom at which Student's quantile is `limit` above the normal one."""
    import scipy.special

    return float(scipy.special.stdtridf(probability, limit))


def tail(deviations: float, df: float | None = None) -> float:
    """Return the one-sided chance of more than this many standard errors."""
    if df is None:
        return math.erfc(deviations / math.sqrt(2)) / 2
    import scipy.special

    return float(scipy.special.stdtr(df, -deviations))


def deviations(chance: float, df: float | None = None) -> float:
    """Return the effect, in standard errors, that a one-sided test finds with a power of 0.8.

    Args:
        chance: Chance of a false alarm.
        df: Degrees of freedom of the standard error. Its own spread is taken into account: the
            result is then the parameter of the noncentral t distribution.
    """
    limit = quantile(1 - chance, df)
    if df is None:
        return limit + quantile(POWER)
    import scipy.special

    return float(scipy.special.nctdtrinc(df, 1 - POWER, limit))


@dataclass(frozen=True, slots=True, kw_only=True)
class Variances:
    """The parts of the variance of a difference.

    Attributes:
        one: Part from the images of the one sample alone.
        other: Part from the images of the other sample alone.
        paired: Part from the images of both, if image i of both is drawn alike.
        reference: Part from the images of the reference, which both share.
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
        """Return all parts multiplied by a factor."""
        return replace(
            self,
            one=self.one * factor,
            other=self.other * factor,
            paired=self.paired * factor,
            reference=self.reference * factor,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """How exactly a difference is known, and how that depends on its size.

    Attributes:
        values: The two values that are subtracted.
        variances: Variances of their difference.
        df: Degrees of freedom of the variances; None if the variances count as known.
        grows: Whether both values are squared distances, whose variance grows in proportion.
        bias_left: Bias that may be left in the difference after removal, in either direction.
    """

    values: tuple[float, float]
    variances: Variances
    df: float | None = None
    grows: bool = False
    bias_left: float = 0.0

    @property
    def se(self) -> float:
        """Standard error of the observed difference."""
        return math.sqrt(self.variances.total)

    @property
    def se_of_equals(self) -> float:
        """Standard error if both values were equal; at least the observed one.

        It is larger if chance made the one value, and with it its error, small.
        """
        steady, _ = self._line()
        return math.sqrt(max(self.variances.total, steady))

    def detectable(self, chance: float) -> float:
        """Return the difference that would be found with a power of 0.8.

        It is D = bias_left + (z + 0.84) SE(D), where the variance SE(D)^2 grows linearly for a
        squared distance.

        Args:
            chance: One-sided chance of a false alarm.
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
        """Return the chance to show that the one value is lower if it truly is lower by `gap`.

        Args:
            gap: True difference, at least 0.
            chance: One-sided chance of a false alarm.
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
        # scipy returns no number if the chance to miss is below about 1e-100.
        return 1.0 if math.isnan(missed) and gone > limit * math.sqrt(variance) else 1 - missed

    def with_more(self, *, one: float, other: float, reference: float) -> Self:
        """Return the precision with this many times the images of each side."""
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
        stays, and only the one sample is drawn again. None if both are drawn alike, or if the error
        itself is uncertain: below 30 degrees of freedom its own spread is above 13 %.
        """
        own, kept = self.variances.one, self.variances.other + self.variances.reference
        if self.variances.paired or own <= 0 or (self.df or math.inf) < _UNCERTAIN:
            return None
        limit = quantile(1 - chance, self.df) * self.se
        luck = [_NORMAL.inv_cdf(0.9 + (at + 0.5) / 10 / _STEPS) for at in range(_STEPS)]
        alarms = [tail((limit - one * math.sqrt(kept)) / math.sqrt(own)) for one in luck]
        return sum(alarms) / _STEPS

    def _line(self) -> tuple[float, float]:
        """Return the variance at difference 0, and its slope with the difference."""
        one, other = self.values
        own = self.variances.one + self.variances.paired
        if not self.grows or own <= 0:
            return self.variances.total, 0.0
        noise = math.sqrt(own)
        slope = own / max(one, TOLD_APART * noise)
        rest = self.variances.other + self.variances.reference
        return rest + slope * max(other, TOLD_APART * noise), slope
