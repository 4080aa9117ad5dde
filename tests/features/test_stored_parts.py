"""Statistics files with the moments of four random parts, and what is no such file."""

from pathlib import Path

import numpy as np
import pytest

from ganeval.errors import InputError
from ganeval.features.moments import Moments
from ganeval.features.parts import FEWEST_ROWS, KEYS, moments_of
from ganeval.features.stats import load_stats, save_stats
from ganeval.metrics.parts.extrapolation import quarters

NUM, MEAN, SCATTER = KEYS
WIDTH = 6


def skewed(num: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = np.maximum(rng.standard_normal((num, WIDTH)) @ rng.standard_normal((WIDTH, WIDTH)), 0)
    return rows.astype(np.float32)


def save(path: Path, rows: np.ndarray) -> list[np.ndarray]:
    """Write a file as `stats make` does and return the rows of each part."""
    blocks = [rows[at : at + 64] for at in range(0, len(rows), 64)]
    dealt = quarters(len(rows), np.random.default_rng(1))
    save_stats(path, Moments.of(rows), {"noun": "images"}, (moments_of(blocks, at) for at in dealt))
    return [rows[at] for at in dealt]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "real.npz"


@pytest.fixture
def arrays(path: Path) -> dict[str, np.ndarray]:
    """What stands in a file of 202 rows."""
    save(path, skewed(202))
    with np.load(path) as archive:
        return dict(archive)


def scatter_of(rows: np.ndarray) -> np.ndarray:
    return np.cov(rows.astype(np.longdouble), rowvar=False, ddof=0).astype(float) * len(rows)


@pytest.mark.parametrize("num", [FEWEST_ROWS, 9, 202, 9000])
def test_parts_come_back_as_the_moments_of_their_rows(path: Path, num: int) -> None:
    # At 9,000 rows a part is merged from several pieces.
    parts = save(path, skewed(num))
    found = load_stats(path).parts()
    assert found is not None
    assert [part.num for part in found] == [len(part) for part in parts]
    for one, rows in zip(found, parts, strict=True):
        np.testing.assert_allclose(one.mean, rows.astype(float).mean(axis=0), rtol=1e-13)
        expected = scatter_of(rows)
        np.testing.assert_allclose(one.scatter, expected, atol=1e-12 * np.abs(expected).max())
        np.testing.assert_array_equal(one.scatter, one.scatter.T)


def test_the_rest_of_the_file_is_as_without_parts(path: Path, tmp_path: Path) -> None:
    rows = skewed(50)
    save(path, rows)
    save_stats(tmp_path / "without.npz", Moments.of(rows), {"noun": "images"})
    with np.load(path) as one, np.load(tmp_path / "without.npz") as other:
        assert set(one) - set(other) == set(KEYS)
        assert set(other) == {"mu", "sigma", "num", "ganeval"}
        for key in other:
            np.testing.assert_array_equal(one[key], other[key])
    np.testing.assert_allclose(np.cov(rows, rowvar=False), load_stats(path).pool.covariance())


def test_rounding_is_no_damage(path: Path) -> None:
    """A mean far above the spread, and features that are all the same."""
    spread = np.random.default_rng(2).standard_normal((300, WIDTH))
    far = (1e4 + 1e-2 * spread).astype(np.float32)
    one_apart = np.full((300, WIDTH), 0.1, np.float32)
    one_apart[7, 2] = np.nextafter(np.float32(0.1), np.float32(1))
    alike = np.full((300, WIDTH), 0.1, np.float32)
    for rows in (far, alike, one_apart, one_apart[:9], np.zeros((9, WIDTH))):
        save(path, rows)
        found = load_stats(path).parts()
        assert found is not None
        assert sum(part.num for part in found) == len(rows)


def test_files_without_parts_are_read(path: Path, arrays: dict[str, np.ndarray]) -> None:
    older = {key: arrays[key] for key in ("mu", "sigma", "num", "ganeval")}
    foreign = {"mu": arrays["mu"], "sigma": arrays["sigma"]}
    whole = load_stats(path)
    for content in (older, {**foreign, "num": arrays["num"]}, foreign):
        np.savez(path, **content)  # type: ignore[arg-type]
        found = load_stats(path)
        assert found.parts() is None
        assert found.digest == whole.digest


def test_what_is_kept_of_a_score_goes_by_number_and_parts(
    path: Path, arrays: dict[str, np.ndarray]
) -> None:
    keys = {load_stats(path).key}
    dealt_otherwise = quarters(202, np.random.default_rng(9))
    rows = skewed(202)
    save_stats(path, Moments.of(rows), {}, [Moments.of(rows[at]) for at in dealt_otherwise])
    keys.add(load_stats(path).key)
    for content in (("mu", "sigma", "num"), ("mu", "sigma")):
        np.savez(path, **{key: arrays[key] for key in content})  # type: ignore[arg-type]
        keys.add(load_stats(path).key)
    assert len(keys) == 4


def changed(values: np.ndarray, at: int, by: float) -> np.ndarray:
    values = values.copy()
    values.flat[at] += by
    return values


TRIANGLE = WIDTH * (WIDTH + 1) // 2


def negative(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Scatters that make up the whole, the first of them with a negative eigenvalue."""
    packed = arrays[SCATTER].copy()
    amount = 2 * packed[0, 0]
    packed[0, 0] -= amount
    packed[1, 0] += amount
    return packed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: {NUM: None}, f"parts without {NUM}"),
        (lambda a: {MEAN: None}, f"parts without {MEAN}"),
        (lambda a: {SCATTER: None}, f"parts without {SCATTER}"),
        (lambda a: {"num": None}, "not the quarters of None"),
        (lambda a: {"num": np.int64(203)}, "not the quarters of 203"),
        (lambda a: {NUM: np.array([49, 51, 51, 51])}, "parts of 49, 51, 51, 51 rows, not the"),
        (lambda a: {NUM: np.array([-51, 51, 101, 101])}, "not the quarters of 202"),
        (lambda a: {NUM: np.array([2**62, 2**62, 2**62, 2**62 + 202])}, "not the quarters of 202"),
        (lambda a: {NUM: a[NUM].astype(float)}, f"{NUM} is float64 (4,), not int64 (4,)"),
        (lambda a: {MEAN: a[MEAN].astype(np.float32)}, f"{MEAN} is float32 (4, 6), not float64"),
        (lambda a: {MEAN: a[MEAN].astype("U8")}, f"{MEAN} is <U8 (4, 6), not float64 (4, 6)"),
        (lambda a: {MEAN: a[MEAN][:, :5]}, f"{MEAN} is float64 (4, 5), not float64 (4, 6)"),
        (lambda a: {MEAN: a[MEAN][:3]}, f"{MEAN} is float64 (3, 6)"),
        (lambda a: {SCATTER: a[SCATTER][:, 1:]}, f"{SCATTER} is float64 (4, 20), not"),
        (lambda a: {MEAN: changed(a[MEAN], 3, np.nan)}, f"{MEAN} contains NaN, Infinity or"),
        (lambda a: {SCATTER: changed(a[SCATTER], 3, np.inf)}, f"{SCATTER} contains NaN, Infin"),
        (lambda a: {SCATTER: negative(a)}, "the scatter of a part has a negative eigenvalue"),
        (
            lambda a: {MEAN: changed(a[MEAN], 9, 1e-4)},
            "the mean of the parts differs from the whole's",
        ),
        (
            lambda a: {SCATTER: changed(a[SCATTER], TRIANGLE + 1, 1e-4)},
            "the covariance of the parts differs from the whole's by 4.98e-07",
        ),
    ],
)
def test_damaged_parts_are_refused_in_a_line(
    path: Path, arrays: dict[str, np.ndarray], change, words: str
) -> None:
    damaged = {**arrays, **change(arrays)}
    np.savez(path, **{key: array for key, array in damaged.items() if array is not None})
    with pytest.raises(InputError) as caught:
        load_stats(path)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: truncated or damaged (")
    assert words in line
    assert line.endswith("make it again with `ganeval stats make`")


def test_parts_of_one_row_are_refused(path: Path) -> None:
    rows = skewed(4)
    save(path, rows)
    with pytest.raises(InputError, match="parts of 1, 1, 1, 1 rows, not the quarters of 4"):
        load_stats(path)


def test_parts_of_other_images_are_refused(path: Path, arrays: dict[str, np.ndarray]) -> None:
    save(path, skewed(202, seed=5))
    with np.load(path) as archive:
        others = {key: archive[key] for key in KEYS}
    np.savez(path, **{**arrays, **others})
    with pytest.raises(InputError, match="the mean of the parts differs from the whole's by"):
        load_stats(path)


def test_values_too_large_for_a_square_are_refused(
    path: Path, arrays: dict[str, np.ndarray]
) -> None:
    """Without a warning of overflow."""
    for key in (MEAN, SCATTER):
        np.savez(path, **{**arrays, key: arrays[key] * 1e200})
        with pytest.raises(InputError, match="or values beyond 1e\\+60"):
            load_stats(path)
