"""Laws of features whose moments are known, and the populations that are made of them.

All but the third moments of the rectified laws are closed forms. A population is a mixture of
affine images x -> mean + spread (x - mean) + offset of one law, so its moments follow from those of
the law, and the truth of FID and KID from the moments.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import scipy.special
import scipy.stats

from ganeval.features.moments import Moments
from ganeval.metrics.parts.linalg import frechet_distance

Rows = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]

NUM_MODES = 10
LOGNORMAL = 0.75  # standard deviation of the logarithm
# In a contaminated population: how much wider the odd rows are, and how far away, in roots of the
# trace.
WIDER, AWAY = 1.5, 1.0
NUM_FOR_THIRD = 100_000  # rows that the third moments of the rectified laws are taken of


@dataclass(frozen=True, eq=False, kw_only=True)
class Law:
    """A law of features.

    Attributes:
        name: As in `LAWS`.
        width: Number of dimensions d.
        draw: Gives so many independent rows, float32 [num, d].
        mean: float64 [d].
        covariance: float64 [d, d].
        third: Gives the third central moments, float64 [d, d, d]; wanted for KID only.
    """

    name: str
    width: int
    draw: Callable[[int, np.random.Generator], Rows]
    mean: Array
    covariance: Array
    third: Callable[[], Array]

    @property
    def trace(self) -> float:
        """Trace of the covariance: the scale of squared distances."""
        return float(np.trace(self.covariance))


@cache
def law_of(name: str, width: int) -> Law:
    """Return a law in so many dimensions."""
    return LAWS[name](width)


def gauss(width: int) -> Law:
    """Independent standard normal features."""
    return Law(
        name="gauss",
        width=width,
        draw=lambda num, rng: rng.standard_normal((num, width), dtype=np.float32),
        mean=np.zeros(width),
        covariance=np.eye(width),
        third=lambda: np.zeros((width,) * 3),
    )


def t4(width: int) -> Law:
    """Multivariate t with 4 degrees of freedom: its fourth moments are infinite."""
    scales = _scales(width)

    def draw(num: int, rng: np.random.Generator) -> Rows:
        rows = rng.standard_normal((num, width), dtype=np.float32)
        stretch = np.sqrt(2 / rng.chisquare(4, num))  # of variance 1
        return np.asarray(rows * (scales * stretch[:, None]), dtype=np.float32)

    return Law(
        name="t4",
        width=width,
        draw=draw,
        mean=np.zeros(width),
        covariance=np.diag(scales**2),
        third=lambda: np.zeros((width,) * 3),
    )


def skewed(width: int) -> Law:
    """Exponential and lognormal sources of falling scale, turned by a fixed rotation."""
    rotation = scipy.stats.ortho_group.rvs(width, random_state=np.random.default_rng([width, 1]))
    turned = _scales(width)[:, None] * rotation
    heavy = np.arange(width) % 2 == 1  # the lognormal ones
    grown = np.exp(LOGNORMAL**2)
    skewness = np.where(heavy, (grown + 2) * np.sqrt(grown - 1), 2.0)

    def draw(num: int, rng: np.random.Generator) -> Rows:
        sources = rng.standard_exponential((num, width), dtype=np.float32) - 1
        normal = rng.standard_normal((num, int(heavy.sum())), dtype=np.float32)
        centred = np.exp(LOGNORMAL * normal) - np.sqrt(grown)
        sources[:, heavy] = centred / np.sqrt(grown * (grown - 1))
        return np.asarray(sources @ turned, dtype=np.float32)

    return Law(
        name="skewed",
        width=width,
        draw=draw,
        mean=np.zeros(width),
        covariance=turned.T @ turned,
        third=lambda: np.einsum("s,si,sj,sk->ijk", skewness, turned, turned, turned, optimize=True),
    )


def mixture(width: int) -> Law:
    """Ten clusters of unequal size, which hold half of the variance between them."""
    rng = np.random.default_rng([width, 2])
    weights = np.arange(1, NUM_MODES + 1) / (NUM_MODES * (NUM_MODES + 1) / 2)
    scales = _scales(width) / 2**0.5
    modes = rng.standard_normal((NUM_MODES, width)) * scales
    mean = weights @ modes
    apart = modes - mean

    def draw(num: int, rng: np.random.Generator) -> Rows:
        rows = rng.standard_normal((num, width), dtype=np.float32) * scales
        return np.asarray(rows + modes[rng.choice(NUM_MODES, num, p=weights)], dtype=np.float32)

    return Law(
        name="mixture",
        width=width,
        draw=draw,
        mean=mean,
        covariance=np.diag(scales**2) + (apart.T * weights) @ apart,
        third=lambda: np.einsum("c,ci,cj,ck->ijk", weights, apart, apart, apart, optimize=True),
    )


def relu(width: int) -> Law:
    """Rectified dependent normals: half of all features are 0."""
    return _rectified("relu", width, np.zeros((1, width)))


def relu90(width: int) -> Law:
    """Rectified clusters: nine of ten features are 0, the rest is skewed."""
    modes = np.random.default_rng([width, 3]).standard_normal((NUM_MODES, width))
    low, high = np.full(width, -10.0), np.full(width, 10.0)
    for _ in range(60):  # bisection: below the threshold is a feature in nine of ten rows
        middle = (low + high) / 2
        below = scipy.special.ndtr(middle - modes).mean(axis=0) < 0.9
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return _rectified("relu90", width, modes - low)


def _rectified(name: str, width: int, modes: Array) -> Law:
    """Return the law of c max(h, 0) for a mixture of normals h with unit variances.

    The factor c makes the trace of the covariance that of the other laws, d.

    Args:
        name: Name of the law.
        width: Number of dimensions d.
        modes: Means of equally likely components, float64 [components, d].
    """
    mixing = np.random.default_rng([width, 4]).standard_normal((width, width))
    mixing /= np.linalg.norm(mixing, axis=0)
    first = modes * scipy.special.ndtr(modes) + _density(modes)
    mean = first.mean(axis=0)
    raw = np.mean([_rectified_products(one, mixing.T @ mixing) for one in modes], axis=0)
    covariance = raw - np.outer(mean, mean)
    factor = (width / np.trace(covariance)) ** 0.5
    narrow, narrow_modes = ((factor * values).astype(np.float32) for values in (mixing, modes))

    def draw(num: int, rng: np.random.Generator) -> Rows:
        rows = rng.standard_normal((num, width), dtype=np.float32) @ narrow
        rows += narrow_modes[rng.integers(len(modes), size=num)]
        return np.asarray(np.maximum(rows, 0, out=rows))

    @cache
    def third() -> Array:
        rows = draw(NUM_FOR_THIRD, np.random.default_rng([width, 5])) - factor * mean
        return np.array([(rows * rows[:, [at]]).T @ rows for at in range(width)]) / len(rows)

    return Law(
        name=name,
        width=width,
        draw=draw,
        mean=factor * mean,
        covariance=factor**2 * covariance,
        third=third,
    )


def _rectified_products(mean: Array, correlation: Array) -> Array:
    """Return E max(x_i, 0) max(x_j, 0) of normals with unit variances, float64 [d, d].

    By integration by parts (Stein's lemma) it is (m_i m_j + r) P + m_i f(m_j) F(c_ij) + m_j f(m_i)
    F(c_ji) + (1 - r^2) f2 with P = P(x_i > 0, x_j > 0), the normal density f and distribution F,
    the bivariate density f2 at 0, and c_ij = (m_i - r m_j) / (1 - r^2)^(1/2). P is by Owen's T:
    "Tables for Computing Bivariate Normal Probabilities", Ann. Math. Stat. 1956.
    """
    one = np.where(mean == 0, 1e-12, mean)[:, None]  # Owen's formula divides by it
    other = one.T
    rest = 1 - correlation**2
    np.fill_diagonal(rest, 1.0)  # the diagonal is put in last
    root = np.sqrt(rest)
    to_one, to_other = (one - correlation * other) / root, (other - correlation * one) / root
    both = (scipy.special.ndtr(one) + scipy.special.ndtr(other)) / 2
    both = both - scipy.special.owens_t(one, to_other / one)
    both -= scipy.special.owens_t(other, to_one / other) + np.where(one * other < 0, 0.5, 0.0)
    squared = (one**2 - 2 * correlation * one * other + other**2) / rest
    products = (
        (one * other + correlation) * both
        + one * _density(other) * scipy.special.ndtr(to_one)
        + other * _density(one) * scipy.special.ndtr(to_other)
        + root * np.exp(-squared / 2) / (2 * np.pi)
    )
    squares = (mean**2 + 1) * scipy.special.ndtr(mean) + mean * _density(mean)
    np.fill_diagonal(products, squares)
    return np.asarray(products)


def _density(x: Array) -> Array:
    """Return the standard normal density."""
    return np.asarray(np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi))


def _scales(width: int) -> Array:
    """Return standard deviations that fall with the dimension, float64 [d]; their trace is d."""
    variances = 1 / np.arange(1, width + 1)
    return np.asarray(np.sqrt(variances * width / variances.sum()))


LAWS: Mapping[str, Callable[[int], Law]] = {
    "gauss": gauss,
    "t4": t4,
    "skewed": skewed,
    "mixture": mixture,
    "relu": relu,
    "relu90": relu90,
}


@dataclass(frozen=True, kw_only=True)
class Population:
    """Rows of a law, changed.

    Attributes:
        law: As in `LAWS`.
        width: Number of dimensions d.
        spread: Factor of all distances from the mean; below 1 for a collapse.
        shift: How far the mean is moved along a fixed direction; its square is the distance.
        share: Share of the rows that are wider and elsewhere.
    """

    law: str
    width: int
    spread: float = 1.0
    shift: float = 0.0
    share: float = 0.0

    def draw(self, num: int, rng: np.random.Generator) -> Rows:
        """Draw independent rows, float32 [num, d]."""
        law = law_of(self.law, self.width)
        rows = law.draw(num, rng)
        (_, spread, mean), (share, wider, elsewhere) = self._versions(law)
        if share:
            odd = rng.random((num, 1)) < share
            moved = np.where(odd, wider, spread) * (rows - law.mean)
            return np.asarray(moved + np.where(odd, elsewhere, mean), dtype=np.float32)
        if self.spread != 1 or self.shift:
            return np.asarray(spread * (rows - law.mean) + mean, dtype=np.float32)
        return rows

    @property
    def moments(self) -> Moments:
        """The mean and the covariance, which is `scatter` as if of one row."""
        law = law_of(self.law, self.width)
        versions = self._versions(law)
        mean = sum((weight * centre for weight, _, centre in versions), np.zeros(self.width))
        covariance = sum(
            (
                weight * (spread**2 * law.covariance + np.outer(centre - mean, centre - mean))
                for weight, spread, centre in versions
            ),
            np.zeros((self.width, self.width)),
        )
        return Moments(2, mean, covariance)

    def raw_moments(self) -> tuple[Array, Array, Array]:
        """Return E x, E x x and E x x x, float64 [d], [d, d], [d, d, d]."""
        law = law_of(self.law, self.width)
        first, second = np.zeros(self.width), np.zeros((self.width,) * 2)
        third = np.zeros((self.width,) * 3)
        for weight, spread, mean in self._versions(law):
            covariance = spread**2 * law.covariance
            crossed = np.multiply.outer(mean, covariance)
            cube = np.multiply.outer(mean, np.outer(mean, mean))
            first += weight * mean
            second += weight * (covariance + np.outer(mean, mean))
            third += weight * (spread**3 * law.third() + cube)
            third += weight * (crossed + crossed.transpose(1, 0, 2) + crossed.transpose(1, 2, 0))
        return first, second, third

    def _versions(self, law: Law) -> tuple[tuple[float, float, Array], ...]:
        """Return the weight, the spread and the mean of the plain rows and of the odd ones."""
        rng = np.random.default_rng([self.width, 6])
        along, aside = rng.standard_normal((2, self.width))
        mean = law.mean + self.shift * along / np.linalg.norm(along)
        odd = mean + AWAY * law.trace**0.5 * aside / np.linalg.norm(aside)
        return (1 - self.share, self.spread, mean), (self.share, WIDER * self.spread, odd)


def fid_between(one: Population, other: Population) -> float:
    """Return the Frechet distance of two populations."""
    return frechet_distance(one.moments, other.moments)


def kid_between(one: Population, other: Population) -> float:
    """Return the squared discrepancy of two populations under the kernel (x.y / d + 1)^3.

    It is 3/d |M1 - M1'|^2 + 3/d^2 |M2 - M2'|^2 + 1/d^3 |M3 - M3'|^2 with the raw moments M. Both
    sides share the third moments of their law, so an error of these is of the second order.
    """
    raw = zip(one.raw_moments(), other.raw_moments(), strict=True)
    distances = [float(((mine - others) ** 2).sum()) for mine, others in raw]
    width = one.width
    return float(np.dot(distances, [3 / width, 3 / width**2, 1 / width**3]))
