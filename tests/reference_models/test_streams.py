"""Flips, pairs and unpaired streams of pictures."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
import torch

import ganeval
from reference_models.data.digits import digits
from reference_models.data.pictures import Pictures
from reference_models.data.streams import Flipped
from reference_models.engine.data import Data, open_data, training_data
from reference_models.engine.session import find_recipe, recipe_of, run_training
from reference_models.engine.settings import with_settings


def write(folder: Path, names: list[str], *, seed: int, size: int = 16) -> Path:
    """Pictures of random bytes, one for each name; as PNG whatever the name says."""
    rng = np.random.default_rng(seed)
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (size, size, 3), np.uint8)
        PIL.Image.fromarray(pixels).save(path, "PNG")
    return folder


# The last two are in another order among PNG than among BMP files.
NAMES = [*(f"{number // 10}/{number:02}" for number in range(18)), "1/a", "1/a.c"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write(tmp_path / "photos", [f"{name}.png" for name in NAMES], seed=0)


@pytest.fixture
def sketches(tmp_path: Path) -> Path:
    return write(tmp_path / "sketches", [f"{name}.bmp" for name in NAMES], seed=1)


def read(path: Path) -> npt.NDArray[np.float32]:
    """A picture as float32 [3, H, W] from -1 to 1."""
    with PIL.Image.open(path) as picture:
        return np.asarray(picture).transpose(2, 0, 1).astype(np.float32) / 127.5 - 1


def places(batch: torch.Tensor, folder: Path) -> list[int]:
    """Which picture of a folder each one is."""
    files = np.stack([read(path) for path in sorted(folder.rglob("*.*"))])
    found = [(np.abs(files - one.numpy()).max(axis=(1, 2, 3)) < 1e-6) for one in batch]
    assert all(one.sum() == 1 for one in found)
    return [int(one.argmax()) for one in found]


def flipped(count: int = 10) -> tuple[Data, Flipped]:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 1, 4, 4), np.uint8)
    condition = np.random.default_rng(1).uniform(-1, 1, (count, 3, 4, 4)).astype(np.float32)
    plain = Pictures(name="a", pixels=pixels, labels=np.arange(count), condition=condition)
    return plain, Flipped(plain)


def test_half_of_the_pictures_are_mirrored_and_their_conditions_with_them() -> None:
    plain, data = flipped()
    before, after = plain.batch(0, 0, 10_000), data.batch(0, 0, 10_000)
    assert torch.equal(before["labels"], after["labels"])
    mirrored = (after["real"] != before["real"]).flatten(1).any(dim=1)
    assert torch.equal(after["real"][mirrored], before["real"][mirrored].flip(3))
    assert torch.equal(after["condition"][mirrored], before["condition"][mirrored].flip(3))
    assert torch.equal(after["condition"][~mirrored], before["condition"][~mirrored])
    # 10,000 fair coins: a standard deviation of 50; and each picture falls both ways.
    assert abs(int(mirrored.sum()) - 5000) < 200
    assert len(set(zip(after["labels"].tolist(), mirrored.tolist(), strict=True))) == 20
    assert (data.digest, data.names, data.shape) == (plain.digest, plain.names, plain.shape)


@pytest.mark.parametrize("position", [0, 4090, 8191])
def test_flips_are_a_function_of_seed_and_position(position: int) -> None:
    _, data = flipped()
    whole = data.batch(3, position, 20)["real"]
    parts = [data.batch(3, position + at, size)["real"] for at, size in ((0, 7), (7, 13))]
    assert torch.equal(whole, torch.cat(parts))
    assert not torch.equal(whole, data.batch(4, position, 20)["real"])


def test_pairs_have_one_name(photos: Path, sketches: Path) -> None:
    data = open_data(str(photos), second=str(sketches))
    batch = data.batch(0, 0, 20)
    assert batch.names == data.names == ("real", "labels", "condition")
    swapped = [*range(18), 19, 18]
    assert places(batch["real"], photos) == [
        swapped[place] for place in places(batch["condition"], sketches)
    ]
    assert sorted(places(batch["real"], photos)) == list(range(20))
    assert data.source_of("condition") == str(sketches)
    small = open_data(str(photos), second=str(sketches), size=8)
    text = f"folder:{sketches},size=8,crop=center"
    assert small.source_of("condition") == text
    source = ganeval.open_source(text, policy=ganeval.Settings().decode)
    items = source.load(range(20))
    expected = {item.picture().pixels.tobytes() for item in items}
    pixels = ((small.batch(0, 0, 20)["condition"] + 1) * 127.5).round().to(torch.uint8).numpy()
    assert {one.tobytes() for one in pixels} == expected


def test_a_condition_has_three_channels_where_pictures_have_one(
    photos: Path, sketches: Path
) -> None:
    data = open_data(str(photos), second=str(sketches), channels=1)
    batch = data.batch(0, 0, 4)
    assert (batch["real"].shape, batch["condition"].shape) == ((4, 1, 16, 16), (4, 3, 16, 16))


def test_pairs_by_place(tmp_path: Path, photos: Path) -> None:
    others = write(tmp_path / "others", [f"{number:02}.png" for number in range(20)], seed=1)
    data = open_data(str(photos), second=str(others), pair_by="index")
    batch = data.batch(0, 0, 20)
    assert places(batch["real"], photos) == places(batch["condition"], others)
    (others / "00.png").unlink()
    with pytest.raises(
        ganeval.GanevalError, match=r"has 20 pictures, .* 19; needed: the same number in both"
    ):
        open_data(str(photos), second=str(others), pair_by="index")


def test_missing_partners_are_counted_and_named(photos: Path, sketches: Path) -> None:
    for name in NAMES[3:9]:
        (sketches / f"{name}.bmp").unlink()
    (photos / f"{NAMES[0]}.png").unlink()
    with pytest.raises(ganeval.GanevalError) as caught:
        open_data(str(photos), second=str(sketches))
    assert caught.value.found == (
        f"pictures without a partner: 6 of {photos} (0/03, 0/04, 0/05, 0/06, 0/07 and 1 more) "
        f"and 1 of {sketches} (0/00)"
    )
    (photos / "0/01.jpg").write_bytes((photos / "0/01.png").read_bytes())
    with pytest.raises(ganeval.GanevalError, match=r"'0/01\.jpg' and '0/01\.png' differ only"):
        open_data(str(photos), second=str(sketches))


def test_pairs_have_one_size(photos: Path, tmp_path: Path) -> None:
    large = write(tmp_path / "large", [f"{name}.png" for name in NAMES], seed=1, size=24)
    with pytest.raises(ganeval.GanevalError, match=r"of 16 pixels, .* of 24; .*image_size=16"):
        open_data(str(photos), second=str(large))
    assert open_data(str(photos), second=str(large), size=16).shape == (3, 16, 16)


@pytest.mark.parametrize("size", [None, 16])
def test_a_condition_may_have_a_size_of_its_own(photos: Path, size: int | None) -> None:
    data = open_data(str(photos), second=f"folder:{photos},size=8", size=size)
    batch = data.batch(0, 0, 20)
    assert (batch["real"].shape[1:], batch["condition"].shape[1:]) == ((3, 16, 16), (3, 8, 8))
    small = batch["real"].reshape(20, 3, 8, 2, 8, 2).mean(dim=(3, 5))
    assert (batch["condition"] - small).abs().mean() < 0.25  # the same picture; others: 0.5
    assert (batch["condition"].roll(1, 0) - small).abs().mean() > 0.3
    assert data.source_of("condition") == f"folder:{photos},size=8"
    (tmp, settings) = photos.parent / "run", {"data_b": f"folder:{photos},size=8"}
    with pytest.raises(ganeval.GanevalError, match=r"conditions of 8 pixels .* of 16; .* of 16"):
        run_training("pix2pix", folder=tmp, data=str(photos), settings=settings, steps=1)


def test_unpaired_streams_have_orders_of_their_own(tmp_path: Path, photos: Path) -> None:
    zebras = write(tmp_path / "zebras", [f"{number:02}.png" for number in range(7)], seed=1)
    data = open_data(str(photos), second=str(zebras), pair_by="none")
    batch = data.batch(0, 0, 140)
    assert batch.names == data.names == ("real", "labels", "condition")
    real, condition = places(batch["real"], photos), places(batch["condition"], zebras)
    for order, count in ((real, 20), (condition, 7)):
        epochs = np.reshape(order, (-1, count))
        assert (np.sort(epochs, axis=1) == np.arange(count)).all()
    other = data.batch(1, 0, 140)
    assert places(other["condition"], zebras) != condition
    assert torch.equal(data.batch(0, 33, 5)["condition"], batch["condition"][33:38])
    same = open_data(str(photos), second=str(photos), pair_by="none").batch(0, 0, 20)
    assert places(same["real"], photos) != places(same["condition"], photos)
    assert data.source_of("condition") == str(zebras)
    assert data.source_of("real") == str(photos)


def test_digests_tell_pairs_apart(photos: Path, sketches: Path, tmp_path: Path) -> None:
    others = write(tmp_path / "others", [f"{name}.png" for name in NAMES], seed=2)
    swapped = write(tmp_path / "swapped", [f"{name}.png" for name in NAMES], seed=1)
    one, two = (swapped / f"{name}.png" for name in NAMES[:2])
    one.rename(tmp_path / "three.png")
    two.rename(one)
    (tmp_path / "three.png").rename(two)
    digests = [
        open_data(str(photos)).digest,
        *(open_data(str(photos), second=str(one)).digest for one in (sketches, others, swapped)),
        open_data(str(photos), second=str(sketches), pair_by="none").digest,
    ]
    assert len(set(digests)) == 5


def test_settings_say_what_is_learned_from(photos: Path, sketches: Path) -> None:
    recipe = recipe_of("pix2pix", {"image_size": 8, "flip": True}, data=str(photos))
    recipe = with_settings(recipe, {"data_b": str(sketches), "crop": "none", "channels": 1})
    data = training_data(recipe)
    assert isinstance(data, Flipped)
    assert data.shape == (1, 8, 8)
    assert data.name == (
        f"folder:{photos},size=8,crop=none from folder:{sketches},size=8,crop=none"
    )
    digits = training_data(recipe_of("dcgan", {"image_size": 32, "channels": 3}))
    assert digits.shape == (3, 32, 32)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"channels": 2}, "setting channels is 2; needed: 1 .grey., 3 .RGB. or 0"),
        (
            {"crop": "centre"},
            "unknown crop 'centre'; needed: one of center, none; did you mean 'center'",
        ),
        ({"pair_by": "names"}, "did you mean 'name'"),
        ({"image_size": -1}, "setting image_size is -1; needed: at least 0"),
        ({"flip": 1}, "setting flip is 1; needed: true or false"),
        (
            {"data_b": "faces/"},
            "data_b faces/ beside data 'digits'; needed: a source of pictures for both",
        ),
        ({"data": "ring8", "flip": True}, "flip for data 'ring8' of points; needed: pictures"),
        ({"crop": "none"}, "crop none for data 'digits'; needed: a source of pictures"),
        ({"pair_by": "index"}, "pair_by index without data_b; needed: a second source"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ganeval.GanevalError, match=said):
        training_data(with_settings(find_recipe("gan"), settings))


def test_pix2pix_learns_from_the_pairs_of_a_user(
    photos: Path, sketches: Path, tmp_path: Path
) -> None:
    settings = {"data_b": str(sketches), "image_size": 8, "batch_size": 4}
    checkpoint = run_training(
        "pix2pix", folder=tmp_path / "run", data=str(photos), settings=settings, steps=2
    )
    assert checkpoint is not None
    card = ganeval.read_card(checkpoint)
    assert card.condition == f"folder:{sketches},size=8,crop=center"
    assert (card.settings["image_size"], card.settings["pair_by"]) == (8, "name")
    (sample,) = ganeval.open_source(
        str(checkpoint), policy=ganeval.Settings().decode, generator={"num_images": 1}
    ).load([0])
    assert sample.picture().pixels.shape == (3, 8, 8)
    assert "no pictures to make others from; needed: data with pictures to make" in str(
        refused(photos, tmp_path)
    )


def refused(photos: Path, tmp_path: Path) -> ganeval.GanevalError:
    with pytest.raises(ganeval.GanevalError) as caught:
        run_training("pix2pix", folder=tmp_path / "other", data=str(photos), steps=1)
    return caught.value


def test_a_flipped_set_has_as_many_pictures_as_it_is_made_of() -> None:
    """So that the reference of a curve holds each of them once."""
    data = digits()
    assert len(Flipped(data)) == len(data)
