"""Stacked digits: what a picture is made of, and how its modes are counted."""

import numpy as np
import pytest
import torch

import ganeval
from reference_models.data.digits import digits
from reference_models.data.stacked import NUM_MODES, Stacked, stacked

SIZE = 8


@pytest.fixture(scope="module")
def data() -> Stacked:
    return stacked(size=SIZE)


def of_modes(modes: list[int]) -> torch.Tensor:
    """One picture of each mode in a list, made of the first digit of each class."""
    known = digits(size=SIZE)
    assert known.labels is not None
    first = [int(np.flatnonzero(known.labels == number)[0]) for number in range(10)]
    chosen = [[first[mode // place % 10] for place in (100, 10, 1)] for mode in modes]
    return torch.from_numpy(known.pixels[np.array(chosen), 0]).float() / 127.5 - 1


def test_each_channel_is_a_digit_of_its_class(data: Stacked) -> None:
    batch = data.batch(0, 1000, 40)
    known = digits(size=SIZE)
    assert known.labels is not None
    class_of = dict(zip((one.tobytes() for one in known.pixels), known.labels, strict=True))
    pixels = ((batch["real"] + 1) * 127.5).round().byte().numpy()
    triples = [[int(class_of[one.tobytes()]) for one in picture] for picture in pixels]
    assert [100 * a + 10 * b + c for a, b, c in triples] == batch["labels"].tolist()


def test_triples_are_independent_and_nearly_uniform(data: Stacked) -> None:
    labels = data.batch(0, 0, 20_000)["labels"].numpy()
    for place in (100, 10, 1):
        shares = np.bincount(labels // place % 10) / len(labels)
        assert abs(shares - 0.1).max() < 0.01
    assert abs(np.corrcoef(labels // 100, labels % 10)[0, 1]) < 4 / len(labels) ** 0.5
    counts = np.bincount(labels, minlength=NUM_MODES)
    assert ((counts - 20) ** 2 / 20).sum() < NUM_MODES + 4 * (2 * NUM_MODES) ** 0.5


def test_modes_are_read_and_counted(data: Stacked) -> None:
    modes = [0, 7, 7, 123, 999, 999, 999, 999]
    samples = of_modes(modes)
    assert data.read(samples).tolist() == modes
    scores = data.scores(samples)
    assert scores["modes"] == (4.0, "higher")
    share = np.array([1, 2, 1, 4]) / 8
    assert scores["mode_kl"] == (pytest.approx((share * np.log(1000 * share)).sum()), "lower")
    assert data.scores(of_modes(list(range(NUM_MODES)))) == {
        "modes": (1000.0, "higher"),
        "fair_modes": (1000.0, "higher"),
        "mode_kl": (pytest.approx(0, abs=1e-12), "lower"),
    }
    assert data.scores(samples[:1])["mode_kl"][0] == pytest.approx(np.log(1000))


def test_a_fair_mode_has_a_fifth_of_its_share(data: Stacked) -> None:
    # Of 6,000 samples the fair share is 6 each, a fifth of it 1.2, so 2 are enough.
    many = of_modes([5, 5, 6])
    rest = of_modes([42]).expand(5997, -1, -1, -1)
    scores = data.scores(torch.cat([many, rest]))
    assert (scores["modes"][0], scores["fair_modes"][0]) == (3.0, 2.0)


def test_held_out_digits_are_read_as_what_they_are(data: Stacked) -> None:
    batch = stacked(size=SIZE, split="test").batch(0, 0, 500)
    right = (data.read(batch["real"]) == batch["labels"].numpy()).mean()
    assert right == pytest.approx(0.986**3, abs=0.04)


def test_other_channels_are_refused() -> None:
    with pytest.raises(ganeval.GanevalError, match="stacked digits of 1 channels asked for; 3"):
        stacked(channels=1)
