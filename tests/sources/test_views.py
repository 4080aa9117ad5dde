"""Views: pairs of two sources, random pairs of one, a generator's paths."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.integrate
import scipy.stats
import torch

from ganeval.errors import InputError, UnstableError, UsageError
from ganeval.images.picture import DecodePolicy
from ganeval.sources.arrays.memory import Images
from ganeval.sources.base import Pair, Source
from ganeval.sources.generator import Generator
from ganeval.sources.open import open_source
from ganeval.sources.views.pair_view import PairView
from ganeval.sources.views.pairs import Pairing, pair_up, pairs_of
from ganeval.sources.views.paths import paths_of
from ganeval.sources.views.random_pairs import random_pairs
from tests.sources.arcs import between, draw_place, draws, philox

Array = npt.NDArray[np.uint8]
Files = Mapping[str, bytes]


def opened(thing: Any) -> Source:
    return open_source(thing, policy=DecodePolicy(), offline=True)


def named(names: Sequence[str]) -> Any:
    """A source of items with these names; none of them can be read."""

    class Named:
        info = opened(np.zeros((2, 9, 9, 3), np.uint8)).info

        def __len__(self) -> int:
            return len(names)

        def names(self) -> Sequence[str]:
            return names

    return Named()


@pytest.mark.parametrize(
    ("one", "other", "places", "only_one", "only_other"),
    [
        (["a.png", "b.png"], ["b.png", "a.png"], [(0, 1), (1, 0)], [], []),
        (["x/a.PNG"], ["x/a.jpg"], [(0, 0)], [], []),
        (["a.png", "b.png", "c.png"], ["d.jpg", "b.jpg"], [(1, 1)], ["a.png", "c.png"], ["d.jpg"]),
        (["x/a.png", "y/a.png"], ["y/a.png", "a.png"], [(1, 0)], ["x/a.png"], ["a.png"]),
        (["\u00e9/\u732b.png"], ["e\u0301/\u732b.png"], [(0, 0)], [], []),
        (["v1.0", "v1.5"], ["v1.5", "v1.0"], [(0, 1), (1, 0)], [], []),
        (["a.tar.png"], ["a.png", "a.tar.webp"], [(0, 1)], [], ["a.png"]),
        (["0", "1", "2"], ["0", "1"], [(0, 0), (1, 1)], ["2"], []),
    ],
)
def test_names_pair_without_their_endings(
    one: list[str], other: list[str], places: Any, only_one: list[str], only_other: list[str]
) -> None:
    pairing = pair_up(named(one), named(other))
    expected = Pairing(places=tuple(places), only_one=tuple(only_one), only_other=tuple(only_other))
    assert pairing == expected
    assert pairing.num == len(places)


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (["a.png", "a.jpg"], ["a.png"], "'a.png' and 'a.jpg', which count as one name"),
        (["a.png"], ["b.png", "a.png", "a.png"], "'a.png' twice, which count as one name"),
        (["a.png"], ["\u00e9.png", "e\u0301.png", "a.png"], "which count as one name"),
        (["a.png"], ["b.png"], "no name is in both .the first ones: 'a.png' and 'b.png'"),
    ],
)
def test_names_that_do_not_pair_are_refused(one: list[str], other: list[str], found: str) -> None:
    with pytest.raises(InputError, match=found):
        pair_up(named(one), named(other))


def test_the_order_pairs_equal_numbers_alone() -> None:
    assert pair_up(named("ab"), named("xy"), by="index") == Pairing(places=((0, 0), (1, 1)))
    with pytest.raises(InputError, match="has 2 items, array 3; needed: the same number in both"):
        pair_up(named("ab"), named("xyz"), by="index")


@pytest.fixture
def both(tmp_path: Path, files: Files, make_folder: Any) -> tuple[Source, Source]:
    """Two folders of which the second has two pictures less, and one of its own."""
    names = list(files)
    fewer = {name: files[name] for name in names[:5]} | {"new.png": files[names[0]]}
    return opened(make_folder(tmp_path / "f", files)), opened(make_folder(tmp_path / "r", fewer))


def test_a_pair_has_the_name_and_digest_of_both(both: tuple[Source, Source]) -> None:
    one, other = both
    pairing = pair_up(one, other)
    view = pairs_of(one, other, pairing)
    assert (len(pairing.only_one), pairing.only_other) == (2, ("new.png",))
    item = view.load([2])[0]
    assert item.name == f"{one.load([2])[0].name} | {other.load([2])[0].name}"
    assert view.names()[2] == "a/0.png | a/0.png"
    digests = [side.load([2])[0].digest for side in both]
    assert item.digest == hashlib.sha256(b"pair\n" + b"".join(digests)).digest()
    swapped = pairs_of(other, one, pair_up(other, one))
    assert swapped.load([2])[0].digest == hashlib.sha256(b"pair\n" + b"".join(digests)).digest()
    shifted = pairs_of(one, other, Pairing(places=((2, 3), (3, 2))))
    first, second = shifted.load([0, 1])
    assert len({first.digest, second.digest, item.digest}) == 3
    assert view.info.fingerprint != shifted.info.fingerprint
    assert view.info.count == 5
    assert view.info.settings["one_transparency"] == "error"
    assert view.info.settings["other_size"] is None


def test_the_order_of_both_counts() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 9, 9, 3), dtype=np.uint8)
    one, other = opened(images[:1]), opened(images[1:])
    pairing = pair_up(one, other)
    there, back = (pairs_of(*sides, pairing).load([0])[0] for sides in [(one, other), (other, one)])
    assert there.digest != back.digest


def test_notes_of_a_pair_are_those_of_both() -> None:
    grey, colour = np.zeros((1, 9, 9, 1), np.uint8), np.zeros((1, 9, 9, 3), np.uint8)
    one, other = opened(grey), opened(colour)
    for sides in ((one, other), (other, one), (one, opened(grey))):
        (item,) = pairs_of(*sides, pair_up(*sides)).load([0])
        assert item.content().notes == ("grey to RGB",)


def test_a_pair_is_no_picture(both: tuple[Source, Source]) -> None:
    (item,) = pairs_of(*both, pair_up(*both)).load([0])
    assert isinstance(item.content(), Pair)
    with pytest.raises(InputError, match=r"B.PNG \| .*B.PNG: a pair, not a picture"):
        item.picture()


def test_a_bad_picture_is_told_from_its_partner(
    tmp_path: Path, files: Files, make_folder: Any
) -> None:
    names = list(files)[:4]
    cut = {names[1]: files[names[1]][:150], names[2]: b"no picture"}
    good = make_folder(tmp_path / "good", {name: files[name] for name in names})
    bad = make_folder(tmp_path / "bad", {name: cut.get(name, files[name]) for name in names})
    for which, folders in [("second", (good, bad)), ("first", (bad, good))]:
        sides = [opened(folder) for folder in folders]
        view = pairs_of(*sides, pair_up(*sides))
        unusable = view.unusable()
        assert list(unusable) == [2]
        assert unusable[2].startswith(f"{bad}/{names[2]}: ")
        items = view.load(range(4))
        for place in (1, 2):
            with pytest.raises(InputError) as caught:
                items[place].content()
            start = f"{items[place].name}: the {which} cannot be used: "
            reason = str(caught.value).removeprefix(start)
            assert reason != str(caught.value)
            assert "bad/" not in reason
        assert isinstance(items[3].content(), Pair)


def test_a_picture_that_changes_is_no_bad_picture(
    tmp_path: Path, files: Files, make_folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganeval.sources.items.KEPT_BYTES", 0)
    folder = make_folder(tmp_path / "f", files)
    view = random_pairs(opened(folder), num=1)
    (item,) = view.load([0])
    for name in files:
        (folder / name).write_bytes(b"another")
    with pytest.raises(UnstableError, match="the first cannot be used: changed while"):
        item.content()


def test_labels_of_a_pair_are_those_of_both() -> None:
    images = np.zeros((4, 9, 9, 3), np.uint8)
    one = opened(Images(images, labels=["cat", "dog", "cat", "dog"]))
    other = opened(Images(images, labels=["cat", "cat", "cat", "dog"]))
    view = pairs_of(one, other, pair_up(one, other))
    assert view.labels() == ("cat", "dog | cat", "cat", "dog")
    plain = opened(images)
    assert pairs_of(one, plain, pair_up(one, plain)).labels() is None


def test_pictures_of_several_pairs_are_read_once(images: Array) -> None:
    source = opened(images)
    counted: list[int] = []

    class Counted:
        info, unusable, names, labels = source.info, source.unusable, source.names, source.labels

        def __len__(self) -> int:
            return len(source)

        def load(self, indices: Sequence[int]) -> Any:
            counted.extend(indices)
            return source.load(indices)

    random_pairs(opened(Counted()), num=500).load(range(500))
    assert counted == list(range(7))


def test_random_pairs_are_of_different_items_and_even(images: Array) -> None:
    view = random_pairs(opened(images[:5]), num=4000, seed=1)
    counts = np.zeros((5, 5), int)
    np.add.at(counts, tuple(view.places.T), 1)
    assert not counts.diagonal().any()
    drawn = counts[~np.eye(5, dtype=bool)]
    assert scipy.stats.chisquare(drawn).pvalue > 1e-3


def test_random_pairs_are_those_of_the_seed(images: Array) -> None:
    source = opened(images)
    first = random_pairs(source, num=20, seed=1)
    np.testing.assert_array_equal(random_pairs(source, num=50, seed=1).places[:20], first.places)
    assert (random_pairs(source, num=20, seed=2).places != first.places).any()
    assert first.info.found["pair_seed"] == 1
    assert first.info.settings == source.info.settings
    assert first.info.location == "random pairs of array"


def test_random_pairs_that_cannot_be_are_refused(images: Array) -> None:
    with pytest.raises(InputError, match="array: one item, which makes no pair"):
        random_pairs(opened(images[:1]), num=2)
    for num, seed in ((0, 0), (1, -1)):
        with pytest.raises(UsageError, match="random pairs with seed"):
            random_pairs(opened(images), num=num, seed=seed)


class Linear(torch.nn.Module):
    """Pictures that are linear in their latents, and what else a network may take."""

    def __init__(self, size: int = 4) -> None:
        super().__init__()
        weight = np.random.default_rng(5).normal(0, 0.3, (192, size))
        self.weight = torch.nn.Parameter(torch.from_numpy(np.float32(weight)))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return (z @ self.weight.T).reshape(-1, 3, 8, 8)


def linear(**options: Any) -> tuple[Generator, npt.NDArray[np.float64]]:
    """A linear generator, and its matrix from latents to pixels of 0 to 255."""
    network = Linear()
    matrix = network.weight.detach().double().numpy() * (255 / 40)
    given = {"latent_size": 4, "value_range": (-20, 20), "num_images": 8} | options
    return Generator(network, **given), matrix


def lengths(view: PairView, epsilon: float) -> npt.NDArray[np.float64]:
    """The squared distance of the two pictures of each pair, in units of the step."""
    found = []
    for item in view.load(range(len(view))):
        pair = item.content()
        assert isinstance(pair, Pair)
        one, other = (np.asarray(side.pixels, float) for side in pair)
        found.append(((one - other) ** 2).sum() / epsilon**2)
    return np.array(found)


@pytest.mark.parametrize("places", ["full", "end"])
def test_a_path_of_normal_latents_is_an_arc(places: Any) -> None:
    generator, matrix = linear()
    view = paths_of(opened(generator), num=30, seed=9, epsilon=1e-3, places=places)
    expected = []
    for at in range(30):
        ends = draws(9, 2 * at, 4), draws(9, 2 * at + 1, 4)
        t = draw_place(9, at) if places == "full" else 0.0
        step = between(*ends, t + 1e-3) - between(*ends, t)
        expected.append(((matrix @ step) ** 2).sum() / 1e-6)
    np.testing.assert_allclose(lengths(view, 1e-3), expected, rtol=3e-3)


def test_the_mean_over_paths_of_normal_latents_is_that_of_the_closed_form() -> None:
    """Rotations change nothing: |z'|^2 is r'^2 + r^2 omega^2 with known means of each."""
    generator, matrix = linear()
    num, size = 3000, 4
    found = lengths(paths_of(opened(generator), num=num, epsilon=1e-4), 1e-4)
    radius = math.sqrt(2) * math.gamma((size + 1) / 2) / math.gamma(size / 2)
    power = size - 2
    mass, _ = scipy.integrate.quad(lambda angle: math.sin(angle) ** power, 0, math.pi)
    moment, _ = scipy.integrate.quad(lambda a: a * a * math.sin(a) ** power, 0, math.pi)
    speed = 2 * (size - radius**2) + (2 / 3 * size + 1 / 3 * radius**2) * moment / mass
    expected = (matrix**2).sum() / size * speed
    error = found.std(ddof=1) / math.sqrt(num)
    assert error < 0.02 * expected
    assert abs(found.mean() - expected) < 3 * error


def test_a_path_of_uniform_latents_is_a_line() -> None:
    generator, matrix = linear(prior="uniform")
    found = lengths(paths_of(opened(generator), num=40, seed=2), 1e-4)
    ends = np.array([philox(2, at).random(4, dtype=np.float32) * 2.0 - 1 for at in range(80)])
    steps = ends[1::2] - ends[::2]
    np.testing.assert_allclose(found, ((steps @ matrix.T) ** 2).sum(axis=1), rtol=5e-2)


def test_a_path_of_one_number_is_a_line() -> None:
    def network(z: torch.Tensor) -> torch.Tensor:
        return z[:, :, None, None].expand(-1, 3, 8, 8)

    generator = Generator(network, latent_size=1, value_range=(-9, 9), num_images=8)
    found = lengths(paths_of(opened(generator), num=9, epsilon=0.5), 0.5)
    steps = [(draws(0, 2 * at + 1, 1) - draws(0, 2 * at, 1)) * 255 / 18 for at in range(9)]
    np.testing.assert_allclose(found, 192 * np.square(steps).ravel(), rtol=1e-4)


def test_floats_are_neither_rounded_nor_clipped() -> None:
    generator, _ = linear(value_range=(-1, 1), clamp=True)
    (item,) = paths_of(opened(generator), num=1).load([0])
    pair = item.content()
    assert isinstance(pair, Pair)
    pixels = pair.one.pixels
    assert pixels.dtype == np.float32
    assert pixels.max() > 255
    assert pixels.min() < 0
    assert (pixels != pixels.round()).any()


def test_a_path_does_not_depend_on_the_others(tmp_path: Path) -> None:
    source = opened(linear()[0])
    whole = paths_of(source, num=40, seed=3).load(range(40))
    for num, chosen in ((40, [37, 2]), (38, [2, 37]), (40, [37])):
        for item, index in zip(paths_of(source, num=num, seed=3).load(chosen), chosen, strict=True):
            assert item.name == f"paths of Linear[{index}]"
            assert item.digest == whole[index].digest
    other = paths_of(source, num=40, seed=4).load(range(40))
    assert not {item.digest for item in other} & {item.digest for item in whole}


def test_options_of_paths_are_in_the_digest_of_a_generators_file(tmp_path: Path) -> None:
    torch.save(Linear().state_dict(), tmp_path / "g.pt")
    text = f"generator:{tmp_path}/g.pt,entry=tests.sources.test_views:Linear,latent_size=4"
    source = opened(f"{text},value_range=-20:20")
    views = [
        paths_of(source, num=5),
        paths_of(source, num=5, seed=1),
        paths_of(source, num=5, epsilon=1e-3),
        paths_of(source, num=5, places="end"),
        paths_of(opened(f"{text},value_range=-30:30"), num=5),
    ]
    assert len({view.load([3])[0].digest for view in views}) == len(views)
    assert len({view.info.fingerprint for view in views}) == len(views)
    assert len({repr(view.info.settings) for view in views}) == len(views)
    again = paths_of(opened(f"{text},value_range=-20:20"), num=5)
    assert again.load([3])[0].digest == views[0].load([3])[0].digest
    assert source.load([3])[0].digest != views[0].load([3])[0].digest


class Demanding(Linear):
    """Notes its labels, and draws noise."""

    def __init__(self) -> None:
        super().__init__()
        self.labels: list[int] = []

    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        self.labels += labels.tolist()
        noise = torch.rand(len(z), 1, 1, 1) * 5
        return super().forward(z) + noise + labels[:, None, None, None]


def test_both_points_have_the_label_and_noise_of_their_path() -> None:
    network = Demanding()
    options = {"num_classes": 3, "noise": "random", "value_range": (-30, 30)}
    generator = Generator(network, latent_size=4, num_images=8, **options)  # type: ignore[arg-type]
    view = paths_of(opened(generator), num=16)
    network.labels.clear()
    found = lengths(view, 1e-4)
    assert found.max() < (network.weight**2).sum().item() * 100 * 4  # another noise: 1e8
    drawn = [int(philox(0, at, 1).integers(3)) for at in range(16)]
    assert network.labels[::2] == network.labels[1::2] == drawn
    assert view.labels() == tuple(map(str, drawn))


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"dtype": torch.float16}, "computes in float16"),
        ({"dtype": torch.bfloat16}, "computes in bfloat16"),
        ({"rounds": True}, "makes the same image at both points"),
    ],
)
def test_networks_that_cannot_show_a_step_are_refused(options: dict[str, Any], found: str) -> None:
    class Coarse(Linear):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            images = super().forward(z)
            return images.round() if options.get("rounds") else images

    network = Coarse().to(options.get("dtype", torch.float32))
    source = opened(Generator(network, latent_size=4, value_range=(-20, 20), num_images=8))
    with pytest.raises(InputError, match=f"Coarse: the network {found}"):
        paths_of(source, num=4, epsilon=1e-6)


def test_points_are_made_in_exact_float32() -> None:
    """Within an autocast, or where TF32 is allowed, a step of 1e-4 would be lost."""
    seen: list[str] = []

    class Asking(Linear):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            seen.append(torch.get_float32_matmul_precision())
            return super().forward(z)

    source = opened(Generator(Asking(), latent_size=4, value_range=(-20, 20), num_images=8))
    expected = lengths(paths_of(source, num=4), 1e-4)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    seen.clear()
    try:
        with torch.autocast("cpu", torch.bfloat16):
            np.testing.assert_array_equal(lengths(paths_of(source, num=4), 1e-4), expected)
        assert set(seen) == {"highest"}
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


def test_sources_without_paths_are_refused(images: Array) -> None:
    with pytest.raises(InputError, match="array: a source of kind memory, which has no latents"):
        paths_of(opened(images), num=4)
    pictures = Images(torch.rand(9, 3, 8, 8), value_range=(0, 1))
    paired = Generator(
        lambda condition: condition, value_range=(-1, 1), num_images=8, condition=pictures
    )
    with pytest.raises(InputError, match="the network makes its images from pictures"):
        paths_of(opened(paired), num=4)
    source = opened(linear()[0])
    for options in ({"num": 0}, {"epsilon": 0.0}, {"epsilon": 1.0}, {"seed": -1}):
        with pytest.raises(UsageError):
            paths_of(source, **({"num": 4} | options))  # type: ignore[arg-type]


def test_paths_take_images_as_the_network_makes_them(tmp_path: Path) -> None:
    torch.save(Linear().state_dict(), tmp_path / "g.pt")
    text = f"generator:{tmp_path}/g.pt,entry=tests.sources.test_views:Linear,latent_size=4"
    with pytest.raises(UsageError, match="option size=16 with paths"):
        paths_of(opened(f"{text},value_range=-20:20,size=16"), num=4)


def test_a_point_that_is_no_picture_is_told() -> None:
    class Failing(Linear):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            images = super().forward(z)
            images[z[:, 0] > 1.2] = torch.nan
            return images

    source = opened(Generator(Failing(), latent_size=4, value_range=(-20, 20), num_images=8))
    view = paths_of(source, num=60, seed=1)
    errors = []
    for item in view.load(range(60)):
        try:
            item.content()
        except InputError as error:
            errors.append((item.name, str(error)))
    assert errors
    for name, message in errors:
        assert message.startswith(f"{name}: the first cannot be used: (seed 1): NaN")
