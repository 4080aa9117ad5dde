"""Networks that are called or that answer in another way than most give the right images."""

import importlib
import logging
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganeval
from ganeval.errors import InputError, UsageError
from ganeval.generators.drawing import Drawing
from ganeval.generators.inputs import Argument, parse_inputs
from ganeval.images.picture import DecodePolicy
from ganeval.sources.arrays.memory import Images
from ganeval.sources.generator import Generator
from ganeval.sources.open import open_source
from tests.generators import feeds
from tests.generators.networks import seeded
from tests.pictures import blobs

NUM = 20
FAST: dict[str, Any] = {"metrics": ["fid"], "extractor": "random"}


def opened(network: Any, **options: Any) -> Any:
    given = {"latent_size": feeds.SIZE, "value_range": (-1, 1), "num_images": NUM, **options}
    return open_source(Generator(network, **given), policy=DecodePolicy())


def pixels(source: Any, indices: Any = range(NUM)) -> Any:
    return np.stack([item.picture().pixels for item in source.load(indices)])


def made(network: type[torch.nn.Module], **options: Any) -> Any:
    return pixels(opened(seeded(network()), **options))


def test_clamped_output_is_that_of_the_network_that_clamps_itself() -> None:
    remedy = (
        r"observed from -\S+ to \S+; "
        r"needed: values in the declared range, -1 to 1; add --clamp .*clips to -1"
    )
    with pytest.raises(InputError, match=remedy):
        opened(seeded(feeds.Stretched()))
    np.testing.assert_array_equal(made(feeds.Stretched, clamp=True), made(feeds.Clamped))


def test_a_range_that_clips_most_is_worth_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    opened(seeded(feeds.Stretched(scale=100.0)), clamp=True)
    assert "of the values of 8 images are beyond the declared range -1 to 1" in caplog.text
    caplog.clear()
    opened(seeded(feeds.Stretched(scale=1.2)), clamp=True)
    assert not caplog.records


def test_infinite_values_are_not_clamped() -> None:
    with pytest.raises(InputError, match="NaN or infinity"):
        opened(lambda z: z[:, :1, None, None].expand(-1, 3, 8, 8) / 0, clamp=True)


@pytest.mark.parametrize("noise", ["random", "fixed"])
def test_noise_is_a_function_of_the_sample(noise: Any) -> None:
    """The right images: each latent alone, after torch's generator got the sample's seed."""
    network = seeded(feeds.Noisy()).eval()
    drawing = Drawing(latent_size=feeds.SIZE, noise=noise)
    expected = []
    for index in range(NUM):
        with torch.random.fork_rng(devices=[]), torch.inference_mode():
            torch.default_generator.manual_seed(drawing.noise_seed(index))
            expected.append(network(drawing.latents([index]))[0])
    rounded = np.floor(torch.stack(expected).double().numpy() * 127.5 + 128)
    state = torch.get_rng_state()
    whole = pixels(opened(network, noise=noise))
    assert torch.equal(torch.get_rng_state(), state)
    assert np.abs(whole - rounded).max() <= 1
    np.testing.assert_array_equal(pixels(opened(network, noise=noise, batch_size=3)), whole)
    np.testing.assert_array_equal(pixels(opened(network, noise=noise), [13, 2]), whole[[13, 2]])
    seeds = {drawing.noise_seed(index) for index in range(NUM)}
    assert len(seeds) == (1 if noise == "fixed" else NUM)


def test_noise_without_the_option_is_refused_and_the_option_named() -> None:
    with pytest.raises(InputError, match=r"random numbers of its own.*--noise random .*fixed"):
        opened(seeded(feeds.Noisy()))


def test_noise_that_is_not_torchs_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match=r"not torch's: --noise does not reach"):
        opened(lambda z: seeded(feeds.Plain())(z) * float(rng.uniform(0, 1)), noise="random")


@pytest.mark.parametrize(
    ("network", "options", "advice"),
    [
        (feeds.LabelFirst, {"inputs": "label,latent"}, "--inputs label,latent"),
        (feeds.OneHot, {"label_form": "onehot"}, "--label-form onehot"),
        (feeds.FloatLabel, {"label_form": "float"}, "--label-form float"),
    ],
)
def test_labels_of_any_form_and_place_give_the_same_images(
    network: Any, options: Any, advice: str
) -> None:
    usual = made(feeds.Indexed, num_classes=feeds.CLASSES)
    np.testing.assert_array_equal(made(network, num_classes=feeds.CLASSES, **options), usual)
    with pytest.raises(
        InputError, match=rf"network fails.*it runs with {advice} .in Python .*: add"
    ):
        made(network, num_classes=feeds.CLASSES)


def test_several_latents_and_lists() -> None:
    plain = made(feeds.Plain)
    np.testing.assert_array_equal(made(feeds.Styles, inputs="[latent]"), plain)
    with pytest.raises(InputError, match=r"it runs with --inputs '\[latent\]'"):
        made(feeds.Styles)
    drawing = Drawing(latent_size=feeds.SIZE)
    first, second = (drawing.latents(range(NUM), number=number) for number in (0, 1))
    mixed = torch.cat([first[:, :3], second[:, 3:]], 1)
    network = seeded(feeds.Plain()).eval()
    with torch.inference_mode():
        expected = np.floor(network(mixed).double().numpy() * 127.5 + 128)
    assert np.abs(made(feeds.Styles, inputs="[latent,latent]") - expected).max() <= 1
    short = drawing.latents(range(NUM), number=1, size=2)
    with torch.inference_mode():
        images = network(torch.cat([first[:, :4], short], 1)).double().numpy()
    expected = np.floor(images * 127.5 + 128)
    assert np.abs(made(feeds.TwoLatents, inputs="latent,latent:2") - expected).max() <= 1
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.3


def test_inputs_are_read_as_they_stand() -> None:
    assert parse_inputs("label, [latent,latent:7] ,condition") == (
        Argument("label"), Argument("latent", (None, 7), True), Argument("condition"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "latents", "label", "label,label,latent", "[latent", "latent]", "[label]",
             "latent:0", "condition,condition", "latent,,label", "[latent,[latent]]"],
)  # fmt: skip
def test_inputs_that_mean_nothing(text: str) -> None:
    with pytest.raises(UsageError, match="inputs '"):
        parse_inputs(text)


def test_what_is_given_must_be_fed_and_what_is_fed_given() -> None:
    with pytest.raises(UsageError, match="inputs 'latent,label' without num_classes"):
        made(feeds.Indexed, inputs="latent,label")
    with pytest.raises(UsageError, match="num_classes is given, but inputs 'latent' have no label"):
        made(feeds.Plain, inputs="latent", num_classes=3)
    with pytest.raises(UsageError, match="inputs 'latent' without latent_size"):
        made(feeds.Plain, inputs="latent", latent_size=None)


def test_images_among_other_outputs() -> None:
    plain = made(feeds.Plain)
    np.testing.assert_array_equal(made(feeds.Tuple), plain)
    np.testing.assert_array_equal(made(feeds.Tuple, image_output="sample"), plain)
    with pytest.raises(InputError, match=r"dict, in which 2 outputs .*of all\.0, all\.1 holds the"):
        made(feeds.Dict)
    np.testing.assert_array_equal(made(feeds.Dict, image_output="all.0"), plain)
    assert (made(feeds.Dict, image_output="all.1") != plain).any()
    with pytest.raises(
        InputError, match=r"none is called 'x'; needed: one of all\.0, all\.1, z; correct"
    ):
        made(feeds.Dict, image_output="x")
    with pytest.raises(InputError, match=r"its output z returns shape \[8, 6\]"):
        made(feeds.Dict, image_output="z")
    with pytest.raises(InputError, match="leave --image-output out"):
        made(feeds.Plain, image_output="0")


def test_pictures_are_made_of_pictures() -> None:
    given = blobs(7, seed=4)
    network = seeded(feeds.Painter())
    options: Any = {"latent_size": None, "condition": Images(given)}
    with torch.inference_mode():
        floats = torch.from_numpy(given.transpose(0, 3, 1, 2).copy()).float() / 127.5 - 1
        expected = np.floor(network(floats).double().numpy() * 127.5 + 128)
    got = pixels(opened(network, **options))
    assert np.abs(got - expected[np.arange(NUM) % 7]).max() <= 1


def test_a_function_is_as_good_as_a_network(real: Path) -> None:
    network = seeded(feeds.Plain()).train()
    plain = made(feeds.Plain)
    calls: list[Any] = [
        lambda z: network(z), network.forward, lambda z: (None, network(z)),
    ]  # fmt: skip
    for function in calls:
        np.testing.assert_array_equal(pixels(opened(function)), plain)
    assert network.training  # and its statistics are as they were
    assert int(network.norm.num_batches_tracked) == 0
    wrapped = Generator(network, latent_size=feeds.SIZE, value_range=(-1, 1))
    direct = ganeval.evaluate(sample=wrapped, reference=real, **FAST)
    for bare in (calls[0], network):
        report = ganeval.evaluate(
            sample=bare, reference=real, latent_size=feeds.SIZE, value_range=(-1, 1), **FAST
        )
        assert report["fid"].value == direct["fid"].value
        with pytest.raises(UsageError, match=r"wrap it as ganeval\.Generator\(net, latent_size="):
            ganeval.evaluate(sample=bare, reference=real, **FAST)
        with pytest.raises(UsageError, match="option entry is given with a network in memory"):
            ganeval.evaluate(sample=bare, reference=real, entry="a:b", **FAST)
    with pytest.raises(InputError, match="type given as a source of images"):
        ganeval.evaluate(sample=feeds.Plain, reference=real, **FAST)


def test_features_of_a_network_in_memory_are_never_stale(real: Path) -> None:
    """A closure, a plain attribute, a network that is trained: the cache finds what is the same."""
    scale = [1.0]
    network = seeded(feeds.Stretched(scale=1.0))

    def scores(*, cache: bool) -> list[float]:
        samples = [lambda z: network(z) * scale[0], network]
        return [
            ganeval.evaluate(
                sample=Generator(one, latent_size=feeds.SIZE, value_range=(-1, 1)),
                reference=real, cache=cache, **FAST,
            )["fid"].value
            for one in samples
        ]  # fmt: skip

    seen = [scores(cache=True)]
    for change in (
        lambda: scale.__setitem__(0, 0.5),
        lambda: setattr(network, "scale", 0.7),
        lambda: network.layer.weight.data.mul_(2),
    ):
        change()
        seen.append(scores(cache=True))
        assert seen[-1] == scores(cache=False)
    assert len({one[0] for one in seen}) == 4
    assert len({one[1] for one in seen}) == 3


HIDDEN = {
    "an object": "BOX = types.SimpleNamespace(gain={gain})\ngain = lambda: BOX.gain",
    "a scalar of NumPy": "BOX = numpy.float32({gain})\ngain = lambda: float(BOX)",
    "a function in a table": "TABLE = {{'gain': lambda: {gain}}}\ngain = lambda: TABLE['gain']()",
    "a bound argument": "gain = functools.partial(float, {gain})",
    "a file": "gain = lambda: json.loads(pathlib.Path(__file__).with_suffix('.json').read_text())",
    "a builder": "gain = None",
}
MODULE = """import functools, json, pathlib, types
import numpy
from tests.generators import feeds

{hidden}

class G(feeds.Plain):
    def __init__(self, gain_now):
        super().__init__()
        self.gain_now = gain_now

    def forward(self, z):
        return super().forward(z) * self.gain_now

def build():
    return G(gain() if gain else {gain})
"""


@pytest.mark.parametrize("where", HIDDEN)
def test_a_file_whose_code_means_something_else_now_is_scored_anew(
    where: str, tmp_path: Path, real: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the entry builds tells the features apart, not only what its code says."""
    path, name = tmp_path / "g.pt", f"hidden_{list(HIDDEN).index(where)}"
    torch.save(seeded(feeds.Plain()).state_dict(), path)
    monkeypatch.syspath_prepend(tmp_path)

    def scores(gain: float) -> list[float]:
        code = MODULE.format(hidden=HIDDEN[where].format(gain=gain), gain=gain)
        (tmp_path / f"{name}.py").write_text(code)
        (tmp_path / f"{name}.json").write_text(str(gain))
        found = []
        for cache in (True, False):
            sys.modules.pop(name, None)
            importlib.invalidate_caches()
            shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
            report = ganeval.evaluate(
                sample=path, reference=real, entry=f"{name}:build", latent_size=feeds.SIZE,
                value_range=(-1, 1), cache=cache, **FAST,
            )  # fmt: skip
            found.append(report["fid"].value)
        return found

    before, after = scores(0.25), scores(0.75)
    assert before[0] == before[1]
    assert after[0] == after[1]
    assert before[0] != after[0]


def test_a_network_that_changes_between_opening_and_scoring_is_noticed() -> None:
    network = seeded(feeds.Plain())
    source = opened(network)
    before = [item.digest for item in source.load(range(4))]
    with torch.no_grad():
        network.layer.bias.add_(1)
    items = source.load(range(4))
    assert not set(before) & {item.digest for item in items}


def test_what_is_made_twice_must_be_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganeval.sources.generator.KEPT_BYTES", 1000)
    network = seeded(feeds.Plain())
    source = opened(network)
    whole = pixels(source)
    np.testing.assert_array_equal(whole, pixels(opened(network)))
    items = source.load(range(NUM))
    with torch.no_grad():
        network.layer.bias.add_(1)
    np.testing.assert_array_equal(items[0].picture().pixels, whole[0])
    with pytest.raises(InputError, match=r"Plain\[19\]: a different image when .* again"):
        items[19].picture()


VARIANTS: list[tuple[str, dict[str, str]]] = [
    ("Stretched", {"clamp": "yes"}),
    ("Stretched", {"clamp": "yes", "value_range": "-2,2"}),
    ("Stretched", {"clamp": "yes", "kwargs": '{"scale": 3}'}),
    ("Stretched", {"clamp": "yes", "prior": "uniform"}),
    ("Stretched", {"clamp": "yes", "truncation": "0.5"}),
    ("Stretched", {"clamp": "yes", "size": "12"}),
    ("Noisy", {"noise": "fixed"}),
    ("Noisy", {"noise": "random"}),
    ("Indexed", {"num_classes": "5"}),
    ("Indexed", {"num_classes": "3"}),
    ("Indexed", {"num_classes": "5", "label_policy": "balanced"}),
    ("Styles", {"inputs": "[latent]"}),
    ("Styles", {"inputs": "[latent,latent]"}),
    ("Dict", {"image_output": "all.0"}),
    ("Dict", {"image_output": "all.1"}),
    ("Painter", {"condition": "data:digits;size=16", "latent_size": "none"}),
    ("Painter", {"condition": "data:digits;size=24", "latent_size": "none"}),
    ("Painter", {"condition": "data:digits;size=24;split=test", "latent_size": "none"}),
]


def test_every_option_alone_on_a_warm_cache(tmp_path: Path, real: Path) -> None:
    """Each variant after all the others gives what it gives alone."""
    texts = []
    for name, options in VARIANTS:
        path = tmp_path / f"{name}.pt"
        torch.save(seeded(getattr(feeds, name)()).state_dict(), path)
        given = {"latent_size": str(feeds.SIZE), "value_range": "-1,1", **options}
        given["entry"] = f"tests.generators.feeds:{name}"
        if given["latent_size"] == "none":
            del given["latent_size"]
        texts.append(f"generator:{path}," + ",".join(f"{key}={it}" for key, it in given.items()))

    def score(text: str, *, cache: bool) -> float:
        return ganeval.evaluate(sample=text, reference=real, cache=cache, **FAST)["fid"].value

    warm = [score(text, cache=True) for text in texts]
    assert warm == [score(text, cache=True) for text in texts]
    assert warm == [score(text, cache=False) for text in texts]
    names = [name for name, _ in VARIANTS]  # one list of styles gives what one latent does
    assert len(set(zip(names, warm, strict=True))) == len(warm)


def test_the_decoding_of_conditions_is_part_of_the_key(
    tmp_path: Path, real: Path, write_pictures: Callable[..., Path]
) -> None:
    alpha = np.full((10, 8, 8, 1), 128, np.uint8)
    pictures = np.concatenate([np.resize(blobs(10, seed=5), (10, 8, 8, 3)), alpha], 3)
    folder = write_pictures(tmp_path / "clear", pictures)
    torch.save(seeded(feeds.Painter()).state_dict(), tmp_path / "g.pt")

    def score(colour: Any, *, cache: bool) -> float:
        return ganeval.evaluate(
            sample=str(tmp_path / "g.pt"), reference=real, cache=cache, condition=str(folder),
            entry="tests.generators.feeds:Painter", value_range=(-1, 1), transparency=colour,
            **FAST,
        )["fid"].value  # fmt: skip

    warm = [score(colour, cache=True) for colour in ("white", "black")]
    assert warm == [score(colour, cache=False) for colour in ("white", "black")]
    assert warm[0] != warm[1]


def test_code_that_a_files_network_calls_is_part_of_its_identity(
    tmp_path: Path, real: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A helper beside the class, and a number that it reads."""
    torch.save(seeded(feeds.Plain()).state_dict(), tmp_path / "g.pt")
    text = (
        f"generator:{tmp_path / 'g.pt'},entry=tests.generators.helped:Helped,"
        f"latent_size={feeds.SIZE},value_range=-1,1"
    )

    def score(*, cache: bool = True) -> float:
        return ganeval.evaluate(sample=text, reference=real, cache=cache, **FAST)["fid"].value

    seen = [score()]
    for name, value in (("STRENGTH", 0.5), ("helper", lambda images: images * 0.3)):
        monkeypatch.setattr(f"tests.generators.helped.{name}", value)
        seen.append(score())
        assert seen[-1] == score(cache=False)
    assert len(set(seen)) == 3


def test_statistics_that_were_never_updated_are_named(caplog: pytest.LogCaptureFixture) -> None:
    network = feeds.Plain()
    source = opened(network)
    (told,) = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert "the running statistics of norm were never updated (means 0, variances 1" in told
    assert len(source.info.found["doubts"]) == 1
    caplog.clear()
    network.train()(torch.randn(16, feeds.SIZE))
    assert opened(network).info.found["doubts"] == []
    assert not caplog.records
