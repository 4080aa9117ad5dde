"""Data of the reference models: streams, pictures that are known, what is refused."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
import scipy.ndimage
import torch
from sklearn.datasets import load_digits

import ganeval
from reference_models.data.densities import ring8
from reference_models.data.digits import edges
from reference_models.data.pictures import Pictures
from reference_models.data.shapes import ATTRIBUTES, COLOURS, SHAPES, shapes
from reference_models.data.streams import PreparedPictures, Unpaired
from reference_models.engine.data import DATA, Batch, Data, open_data

LABELLED = ("digits", "edges", "shapes", "sr", "stacked", "tint", "tones")
SHAPE_OF = {
    "ring8": (2,),
    "grid25": (2,),
    "mix1d": (1,),
    "digits": (1, 16, 16),
    "edges": (1, 16, 16),
    "sr": (1, 16, 16),
    "tint": (3, 16, 16),
    "shapes": (3, 16, 16),
    "stacked": (3, 16, 16),
    "tones": (1, 512),
    "lagchain": (1, 128),
}
each = pytest.mark.parametrize("name", sorted(DATA))

_OPENED: dict[str, Data] = {}  # what is opened is immutable, so tests share it


def opened(name: str) -> Data:
    if name not in _OPENED:
        _OPENED[name] = open_data(name)
    return _OPENED[name]


def pictures(name: str) -> Pictures:
    data = opened(name)
    assert isinstance(data, Pictures)
    return data


def pixels_of(data: Data) -> npt.NDArray[np.uint8]:
    """The prepared pictures of a source in its order."""
    assert isinstance(data, PreparedPictures)
    return data.prepared.pixels[:]


def assert_equal(one: Batch, other: Batch) -> None:
    assert one.names == other.names
    for name in one.names:
        assert torch.equal(one[name], other[name])


def joined(batches: list[Batch]) -> Batch:
    names = batches[0].names
    return Batch({name: torch.cat([batch[name] for batch in batches]) for name in names})


@each
def test_items_are_what_the_data_says(name: str) -> None:
    data = opened(name)
    batch = data.batch(0, 0, 64)
    assert data.name == name
    assert data.shape == SHAPE_OF[name]
    assert batch.size == 64
    assert batch.names == data.names
    assert batch["real"].shape == (64, *data.shape)
    assert batch["real"].dtype == torch.float32
    if name in LABELLED:
        assert batch["labels"].dtype == torch.int64
        assert batch["labels"].shape == (64,)
        assert int(batch["labels"].max()) < (data.num_classes or 0)
    if data.kind == "pictures":
        assert (batch["real"].min().item(), batch["real"].max().item()) == (-1, 1)
    assert ("condition" in batch.names) == (name in ("edges", "sr", "tint", "tones"))


@each
@pytest.mark.parametrize("position", [0, 250, 1430, 10_000])
def test_a_stream_is_the_same_however_it_is_cut(name: str, position: int) -> None:
    data = opened(name)
    whole = data.batch(3, position, 20)
    for cuts in ([10, 10], [1, 18, 1], [7, 13]):
        starts = position + np.cumsum([0, *cuts[:-1]])
        parts = [data.batch(3, int(at), size) for at, size in zip(starts, cuts, strict=True)]
        assert_equal(whole, joined(parts))


@each
def test_a_stream_knows_no_history(name: str) -> None:
    data = opened(name)
    state = torch.random.get_rng_state()
    first = data.batch(0, 100, 30)
    data.batch(1, 5000, 30)
    assert_equal(first, data.batch(0, 100, 30))
    assert_equal(first, open_data(name).batch(0, 100, 30))
    assert not torch.equal(first["real"], data.batch(1, 100, 30)["real"])
    assert not torch.equal(first["real"], data.batch(0, 130, 30)["real"])
    assert torch.equal(state, torch.random.get_rng_state())


def numbered(count: int) -> Pictures:
    """Pictures of two pixels, which write their index to the base of 256; labels likewise."""
    index = np.arange(count)
    pixels = np.stack([index // 256, index % 256], axis=1).astype(np.uint8)
    return Pictures(name="numbered", pixels=pixels[:, None, None], labels=index)


@pytest.mark.parametrize("count", [1, 7, 1437])
@pytest.mark.parametrize("batch_size", [5, 64])
def test_every_epoch_is_a_permutation(count: int, batch_size: int) -> None:
    data = numbered(count)
    steps = -(-3 * count // batch_size)
    batches = joined([data.batch(2, step * batch_size, batch_size) for step in range(steps)])
    epochs = batches["labels"][: 3 * count].reshape(3, count)
    assert torch.equal(epochs.sort(dim=1).values, torch.arange(count).expand(3, count))
    if count == 1437:
        orders = {tuple(epoch.tolist()) for epoch in (*epochs, torch.arange(count))}
        assert len(orders) == 4


def test_labels_stay_with_their_pictures() -> None:
    batch = numbered(1437).batch(0, 1000, 2000)
    pixels = ((batch["real"] + 1) * 127.5).round().long().flatten(1)
    assert batch["labels"] is not None
    assert torch.equal(pixels[:, 0] * 256 + pixels[:, 1], batch["labels"])


def test_orders_of_seeds_and_epochs_are_unrelated() -> None:
    data = numbered(1437)

    def order(seed: int, epoch: int) -> npt.NDArray[np.int64]:
        labels = data.batch(seed, epoch * 1437, 1437)["labels"]
        assert labels is not None
        return labels.numpy()

    for other in (order(0, 1), order(1, 0), order(1, 1)):
        assert (order(0, 0) == other).mean() < 0.01
        assert abs(np.corrcoef(order(0, 0), other)[0, 1]) < 4 / np.sqrt(1437)


def test_digits_are_those_of_scikit_learn_with_their_classes() -> None:
    bunch = load_digits()
    class_of = {
        np.rint(image * 255 / 16).astype(np.uint8).tobytes(): int(target)
        for image, target in zip(bunch.images, bunch.target, strict=True)
    }
    assert len(class_of) == 1797  # no picture twice
    seen = set()
    for split, count in (("train", 1437), ("test", 360)):
        data = open_data("digits", size=8, split=split)
        assert isinstance(data, Pictures)
        assert data.pixels.shape == (count, 1, 8, 8)
        assert data.labels is not None
        assert [class_of[picture.tobytes()] for picture in data.pixels] == data.labels.tolist()
        seen |= {picture.tobytes() for picture in data.pixels}
    assert seen == class_of.keys()


@pytest.mark.parametrize("size", [16, 32])
def test_digits_are_resized_by_pillow(size: int) -> None:
    small, large = open_data("digits", size=8), open_data("digits", size=size)
    assert isinstance(small, Pictures)
    assert isinstance(large, Pictures)
    for index in (0, 700, 1436):
        picture = PIL.Image.fromarray(small.pixels[index, 0])
        expected = picture.resize((size, size), PIL.Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(large.pixels[index, 0], np.asarray(expected))
    assert small.labels is not None
    assert large.labels is not None
    np.testing.assert_array_equal(small.labels, large.labels)


def test_digits_in_three_channels_are_grey() -> None:
    grey, colour = pictures("digits"), open_data("digits", channels=3)
    assert isinstance(colour, Pictures)
    np.testing.assert_array_equal(colour.pixels, np.repeat(grey.pixels, 3, axis=1))


def squared_gradients(floats: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Filter pictures [N, H, W] one at a time: scipy's filter blurs along every other axis."""
    return np.stack(
        [
            scipy.ndimage.sobel(picture, axis=0) ** 2 + scipy.ndimage.sobel(picture, axis=1) ** 2
            for picture in floats
        ]
    )


@pytest.mark.parametrize("split", ["train", "test"])
def test_edges_are_those_of_scipy(split: str) -> None:
    data = edges(split=split)
    assert data.condition is not None
    lengths = np.sqrt(squared_gradients(data.pixels[:, 0] / 255.0) / 20)
    expected = np.floor(lengths * 255 + 0.5) / 127.5 - 1
    np.testing.assert_allclose(data.condition[:, 0], expected, atol=1e-6)
    assert data.condition.dtype == np.float32


def test_no_picture_has_a_longer_gradient() -> None:
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    patches = np.insert(bits, 4, 0, axis=1).reshape(256, 3, 3).astype(float)
    assert squared_gradients(patches)[:, 1, 1].max() == 20


def test_edges_come_with_their_digits() -> None:
    data = pictures("edges")
    batch = data.batch(0, 1400, 100)
    floats = (batch["real"][:, 0].double().numpy() + 1) / 2
    expected = 2 * np.sqrt(squared_gradients(floats) / 20) - 1
    half_a_level = 1 / 255 + 1e-5
    np.testing.assert_allclose(batch["condition"][:, 0].numpy(), expected, atol=half_a_level)
    np.testing.assert_array_equal(data.pixels, pictures("digits").pixels)


PAINT = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]  # red, green, blue, yellow


def read_attributes(picture: npt.NDArray[np.uint8]) -> list[int]:
    """Tell the attributes from the pixels: the box of what is not black, and its first row."""
    inside = (picture > 0).max(axis=0)
    ys, xs = np.nonzero(inside)
    height, width = np.ptp(ys) + 1, np.ptp(xs) + 1
    assert height == width
    colours = {tuple(pixel) for pixel in picture[:, inside].T.tolist()}
    assert len(colours) == 1
    kind = {height: "square", 1: "triangle"}.get(inside[ys.min()].sum(), "disc")
    return [
        SHAPES.index(kind),
        PAINT.index(colours.pop()),
        int(ys.min() + ys.max()) // 2,
        int(xs.min() + xs.max()) // 2,
        int(height) // 2,
    ]


def pixels_of_source(text: str) -> npt.NDArray[np.uint8]:
    source = ganeval.open_source(text, policy=ganeval.Settings().decode)
    return np.stack([item.picture().pixels for item in source.load(range(len(source)))])


def test_conditions_of_sr_are_the_same_digits_four_times_smaller() -> None:
    data, plain = pictures("sr"), pictures("digits")
    np.testing.assert_array_equal(data.pixels, plain.pixels)
    assert data.condition is not None
    small = pixels_of_source("data:digits,split=train,size=4")
    np.testing.assert_array_equal(data.condition, small.astype(np.float32) / 127.5 - 1)
    # Pillow's filter keeps the mean of an area, nearly: it clips what overshoots.
    means = plain.pixels.reshape(-1, 4, 4, 4, 4).mean(axis=(2, 4))
    assert np.abs(means - small[:, 0]).mean() < 8
    assert data.source_of("condition") == "data:digits,split=test,size=4"
    with pytest.raises(ganeval.GanevalError, match="sr of 18 pixels; needed: a multiple of 4"):
        open_data("sr", size=18)


def test_tints_are_a_bijection_and_no_picture_has_its_partner_there() -> None:
    plain = pixels_of_source("data:digits,split=train,size=16")[:, 0]
    made = pixels_of_source("data:tint,split=train,size=16")
    np.testing.assert_array_equal(made[:, 0], 255 - plain)
    np.testing.assert_array_equal(made[:, 2], np.floor((255 - plain) * (80 / 255) + 0.5))
    data = opened("tint")
    assert isinstance(data, Unpaired)
    real, condition = data.real, data.condition
    assert isinstance(real, Pictures)
    assert isinstance(condition, Pictures)
    np.testing.assert_array_equal(real.pixels, made[::2])
    np.testing.assert_array_equal(condition.pixels[:, 0], plain[1::2])
    assert len(real) + len(condition) == len(plain)
    for name, truth in (("condition", "digits"), ("real", "tint")):
        assert data.source_of(name) == f"data:{truth},split=test,size=16"
    with pytest.raises(ganeval.GanevalError, match=r"tint of 1 channels; needed: 3 \(RGB\)"):
        open_data("tint", channels=1)


def test_attributes_of_shapes_can_be_read_from_the_pixels() -> None:
    data = pictures("shapes")
    assert data.attributes is not None
    assert data.attributes.shape == (2304, len(ATTRIBUTES))
    assert [read_attributes(picture) for picture in data.pixels] == data.attributes.tolist()
    assert len(np.unique(data.attributes, axis=0)) == 2304
    assert list(COLOURS) == ["red", "green", "blue", "yellow"]
    assert data.labels is not None
    np.testing.assert_array_equal(data.labels, 4 * data.attributes[:, 0] + data.attributes[:, 1])


def test_digests_tell_data_apart() -> None:
    data = [*(opened(name) for name in DATA), ring8(std=0.02), open_data("digits", size=32)]
    data += [open_data("digits", split="test"), numbered(7), numbered(8)]
    assert all(len(one.digest) == 64 for one in data)
    assert len({one.digest for one in data}) == len(data)
    assert ring8().digest == ring8().digest
    assert shapes().digest == pictures("shapes").digest


def test_digests_see_every_part() -> None:
    pixels = np.zeros((2, 1, 2, 2), np.uint8)
    labels, condition = np.array([0, 1]), np.zeros((2, 1), np.float32)
    digests = {
        Pictures(name="a", pixels=pixels).digest,
        Pictures(name="a", pixels=pixels.reshape(2, 1, 1, 4)).digest,
        Pictures(name="a", pixels=pixels + np.uint8(1)).digest,
        Pictures(name="a", pixels=pixels, labels=labels).digest,
        Pictures(name="a", pixels=pixels, labels=labels[::-1]).digest,
        Pictures(name="a", pixels=pixels, condition=condition).digest,
        Pictures(name="a", pixels=pixels, attributes=labels).digest,
    }
    assert len(digests) == 7
    assert Pictures(name="b", pixels=pixels).digest in digests


def test_a_folder_is_read_as_ganeval_reads_it(real: Path) -> None:
    files = [np.asarray(PIL.Image.open(path)) for path in sorted(real.iterdir())]
    expected = np.stack(files).transpose(0, 3, 1, 2)
    for data in (open_data(str(real)), open_data(f"folder:{real}", size=24, channels=3)):
        np.testing.assert_array_equal(pixels_of(data), expected)
        batch = data.batch(0, 0, 30)
        assert batch.names == ("real",)
        mean = torch.from_numpy(expected / 127.5 - 1).mean().item()
        assert batch["real"].double().mean().item() == pytest.approx(mean, abs=1e-6)
    small = open_data(f"folder:{real},size=12,crop=center")
    assert small.shape == (3, 12, 12)


def test_sources_longer_than_a_chunk_keep_their_order() -> None:
    expected = np.rint(load_digits().images * 255 / 16).astype(np.uint8)
    data = open_data("data:digits,split=all")
    assert data.shape == (1, 8, 8)  # grey stays grey
    np.testing.assert_array_equal(pixels_of(data)[:, 0], expected)


def test_pictures_of_several_sizes_are_refused(real: Path) -> None:
    PIL.Image.new("RGB", (30, 20)).save(real / "00007.png")
    with pytest.raises(ganeval.GanevalError) as caught:
        open_data(str(real))
    assert str(caught.value) == (
        f"{real}: pictures of 2 sizes, from 24x24 to 30x20 pixels; needed: one size; "
        "resize them: `--set image_size=16`, or another size"
    )


def test_pictures_that_are_not_square_are_refused(tmp_path: Path) -> None:
    for number in range(2):
        PIL.Image.new("RGB", (30, 24)).save(tmp_path / f"{number}.png")
    with pytest.raises(ganeval.GanevalError) as caught:
        open_data(str(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path}: pictures of 30x24 pixels; needed: square ones; "
        "resize them: `--set image_size=16`, or another size"
    )
    assert open_data(str(tmp_path), size=16, channels=3).shape == (3, 16, 16)


def test_transparent_pictures_are_refused_with_a_source_that_can_be_typed(tmp_path: Path) -> None:
    folder = tmp_path / "a clip"
    folder.mkdir()
    for number in range(2):
        PIL.Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(folder / f"{number}.png")
    with pytest.raises(ganeval.GanevalError) as caught:
        open_data(str(folder))
    text = f"folder:{folder},transparency=white"
    assert caught.value.remedy == f"write the source as `'{text}'` (or black, or drop)"
    data = open_data(text)
    assert (data.batch(0, 0, 1)["real"][0, 0] == 1).all()
    assert (pixels_of(data) == pixels_of(data)[:1]).all()


def test_a_damaged_picture_is_named(real: Path) -> None:
    (real / "00003.png").write_bytes(b"nothing")
    with pytest.raises(ganeval.GanevalError, match=r"00003\.png"):
        open_data(str(real))


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("rign8", {}, "unknown data 'rign8'; needed: one of ring8, .*; did you mean 'ring8'?"),
        ("zzz", {}, "unknown data 'zzz'; .*; check the spelling"),
        ("foldr:x", {}, "did you mean 'folder'?"),
        ("folder:nowhere-at-all", {}, "nowhere-at-all"),
        (
            "ring8",
            {"size": 16},
            "unknown option of data 'ring8' 'size'; needed: one of std, or none",
        ),
        ("ring8", {"std": 0.0}, r"std 0\.0 of data 'ring8'; needed: a number above 0"),
        ("ring8", {"std": float("nan")}, "std nan"),
        ("digits", {"std": 0.1}, "unknown option of data 'digits' 'std'"),
        ("digits", {"split": "tets"}, "split 'tets' of the digits; needed: one of train, test"),
        ("digits", {"size": 0}, "size"),
        ("digits", {"channels": 2}, "channels is 2; needed: 1 .grey. or 3 .RGB."),
        (
            "shapes",
            {"size": 32},
            "shapes of 32x32 pixels and 3 channels; needed: 16x16 pixels and 3",
        ),
        (
            "data:digits,size=16",
            {"size": 32},
            "but image_size is 32; needed: the same size in both; leave out one of the two",
        ),
        (
            "data:digits,size=16,crop=center",
            {"crop": "none"},
            "crop=center in its text, but the setting crop is none; needed: only one of them",
        ),
        ("data:digits,crop=none", {"size": 16}, "add `,size=16` to the text, or .*crop=none`"),
        ("data:digits", {"split": "test"}, "unknown option of source 'data:digits' 'split'"),
    ],
)
def test_what_cannot_be_opened_says_why(name: str, options: dict[str, object], said: str) -> None:
    with pytest.raises(ganeval.GanevalError, match=said):
        open_data(name, **options)  # type: ignore[arg-type]


def test_an_empty_source_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "none.npy", np.zeros((0, 8, 8, 3), np.uint8))
    with pytest.raises(ganeval.GanevalError, match=r"none\.npy"):
        open_data(str(tmp_path / "none.npy"))
