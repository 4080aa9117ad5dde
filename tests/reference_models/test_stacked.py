"""Stacked digits: what a picture is made of, and how its modes are counted."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import ganeval
from reference_models import dcgan
from reference_models.data.digits import digits
from reference_models.data.stacked import NUM_MODES, Stacked, stacked
from reference_models.engine.kinds import Score, Scoring, kind_of, known_names
from reference_models.engine.kinds.pictures import as_source

SIZE = 8
NUM = 16  # different pictures of a generator


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
    # The fair share of 6,000 samples is 6 each; a fifth of it is 1.2, so 2 are enough.
    many = of_modes([5, 5, 6])
    rest = of_modes([42]).expand(5997, -1, -1, -1)
    scores = data.scores(torch.cat([many, rest]))
    assert (scores["modes"][0], scores["fair_modes"][0]) == (3.0, 2.0)


def test_held_out_digits_are_read_as_what_they_are(data: Stacked) -> None:
    batch = stacked(size=SIZE, split="test").batch(0, 0, 500)
    right = (data.read(batch["real"]) == batch["labels"].numpy()).mean()
    assert right == pytest.approx(0.986**3, abs=0.04)


def test_other_channels_are_refused() -> None:
    with pytest.raises(
        ganeval.GanevalError, match="stacked digits of 1 channels; needed: 3 channels"
    ):
        stacked(channels=1)


class Stacks(nn.Module):
    """A generator of the first pictures of the data, one for each angle of two latents."""

    latent_size = 2

    def __init__(self, data: Stacked) -> None:
        super().__init__()
        self.pictures = nn.Parameter(data.batch(0, 0, NUM)["real"])

    def chosen(self, z: torch.Tensor) -> torch.Tensor:
        turn = torch.atan2(z[:, 0], z[:, 1]) / (2 * torch.pi) + 0.5
        return (turn * NUM).long().clamp(max=NUM - 1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.pictures[self.chosen(z)]


def scored(data: Stacked, folder: Path, *metrics: str) -> list[Score]:
    """What is said of it while it trains."""
    scoring = Scoring(
        metrics=metrics or None, extractor="random", num_images=70, cache_dir=folder / "cache"
    )
    kind, device = kind_of(data), torch.device("cpu")
    with kind.scorer(scoring, dcgan.RECIPE, data, seed=0, device=device) as scorer:
        return list(scorer.score(Stacks(data).eval(), 1))


def test_modes_are_counted_while_training_beside_fid(data: Stacked, tmp_path: Path) -> None:
    scores = scored(data, tmp_path)
    assert [one.name for one in scores] == ["fid", "kid", "modes", "fair_modes", "mode_kl"]
    source = ganeval.open_source(
        as_source(Stacks(data).eval(), dcgan.RECIPE, data, num_images=70),
        policy=ganeval.Settings().decode,
    )
    batch = data.batch(0, 0, NUM)
    known = ((batch["real"] + 1) * 127.5).round().byte().numpy()
    mode_of = dict(zip((one.tobytes() for one in known), batch["labels"].tolist(), strict=True))
    labels = [mode_of[item.picture().pixels.tobytes()] for item in source.load(range(70))]
    found = {one.name: (one.value, one.direction) for one in scores[2:]}
    assert found["modes"] == (len(set(labels)), "higher")
    share = np.bincount(labels)[sorted(set(labels))] / 70
    divergence = float((share * np.log(1000 * share)).sum())
    assert found["mode_kl"] == (pytest.approx(divergence), "lower")


def test_what_the_data_say_may_be_all_that_is_asked_for(data: Stacked, tmp_path: Path) -> None:
    both = scored(data, tmp_path, "mode_kl", "fid")
    assert [one.name for one in both] == ["mode_kl", "fid"]  # the best step goes by the first
    assert scored(data, tmp_path / "alone", "mode_kl") == both[:1]
    assert not (tmp_path / "alone").exists()


def test_the_data_see_samples_in_their_own_range(
    data: Stacked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []

    def scores(self: Stacked, samples: torch.Tensor) -> dict[str, tuple[float, str]]:
        seen.append(samples)
        return {"modes": (1.0, "higher")}

    monkeypatch.setattr(Stacked, "scores", scores)
    scored(data, tmp_path, "modes")
    apart = (seen[-1][:, None] - data.batch(0, 0, NUM)["real"]).abs().flatten(2).amax(dim=2)
    assert apart.shape == (70, NUM)
    assert apart.amin(dim=1).max() < 1e-6


def test_other_data_are_asked_for_no_modes() -> None:
    assert known_names(digits(size=SIZE)) == ()
    assert known_names(stacked(size=SIZE)) == ("modes", "fair_modes", "mode_kl")
