"""What is compared is the same thing: every setting of every source, at every place they meet."""

import dataclasses
import json
import logging
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import soundfile
import torch

import ganeval
from ganeval.errors import MismatchError, UsageError
from ganeval.features.extraction import Extraction
from ganeval.flow.settings import Settings
from ganeval.gate.baseline import accept
from ganeval.gate.change import change_of
from ganeval.gate.gate import check
from ganeval.gate.limits import parse_limits
from ganeval.images.picture import DecodePolicy
from ganeval.metrics.parts import discrepancy
from ganeval.pytest_plugin import Check
from ganeval.report.comparisons import measured
from ganeval.report.report import Report
from ganeval.scores.differences import difference
from ganeval.sources.arrays.memory import Images, images_source
from ganeval.sources.base import Source
from ganeval.sources.generator import Generator, generator_source
from ganeval.sources.kinds import SOURCES
from tests.results.any_network import Any16, Sound

NUM = 24
NAME = "real"
NETWORK = "tests.results.any_network"
LIMITS = parse_limits(["kid=1"])
FAST = {"extractor": "random", "cache": False, "device": "cpu"}
FIXED = np.random.default_rng(9).integers(0, 256, (NUM, 3, 16, 16), dtype=np.uint8)

# The setting, changed alone: what stands in the place of the base's value.
OTHER: dict[str, Any] = {
    "size": 8,
    "crop": "center",
    "split": "train",
    "transparency": "white",
    "animated": "first",
    "exif": "apply",
    "float_range": (0.0, 1.0),
    "max_pixels": 10_000,
    "num_images": NUM - 4,
    "seed": 1,
    "batch_size": 8,
    "device": "cpu:0",
    "condition": "data:digits",
    "entry": f"{NETWORK}:Other16",
    "kwargs": '{"shift": 0.5}',
    "key": None,  # see `KEYS`
    "latent_size": 9,
    "latent_layout": "map",
    "prior": "uniform",
    "truncation": 0.5,
    "num_classes": 5,
    "label_policy": "balanced",
    "value_range": (-2.0, 2.0),
    "image_layout": "nhwc",
    "trust": True,
    "pattern": "00*.png",
    "label_form": "onehot",
    "inputs": "latent,latent",
    "noise": "fixed",
    "clamp": True,
    "image_output": "1",
    "submodule": "two",
    "allow_missing": "noises.*",
    "module": None,  # see `generator_of`
    "name": "another",
    "data": 255 - FIXED,
    "labels": "folders",  # see `LABELS`
}
# Settings that change no pixel, whatever their value.
WITHOUT_EFFECT = {"max_pixels", "device", "trust", "name", "allow_missing", "labels"}
# The digits are arrays, so nothing is decoded.
WITHOUT_EFFECT_ON = {"data": ("transparency", "animated", "exif", "float_range")}
# What stands beside a setting, before it is changed and after, so that it means anything.
BEFORE: dict[str, dict[str, Any]] = {
    "crop": {"size": 12},
    "label_form": {"num_classes": 5},
    "image_output": {"kwargs": '{"twice": true}', "image_output": "0"},
}
BEFORE["submodule"] = {"entry": f"{NETWORK}:Pair", "key": "pair", "submodule": "one"}
AFTER = BEFORE | {"image_layout": {"kwargs": '{"last": true}'}}
# The keys of files, by kind of source: before and after.
KEYS = {"generator": ("g", "h"), "npz": ("arr_0", "other"), "tensor": ("a", "b")}
LABELS = {"npz": "other", "tensor": "b", "Images": [at % 3 for at in range(NUM)]}
ARRAYS = ("npy", "npz", "tensor")
GENERATOR = {"latent_size": 8, "value_range": (-1.0, 1.0), "num_images": NUM}
CLIPS = np.random.default_rng(8).uniform(-0.5, 0.5, (NUM, 2, 1600)).astype(np.float32)
RATE = {"rate": 16_000}
# Settings of clips: before they are changed, and after.
OF_CLIPS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "rate": (RATE, {"rate": 8000}),
    "channels": ({}, {"channels": "mono"}),
    "seconds": ({}, {"seconds": 0.05}),
    "cut": ({"seconds": 0.05}, {"seconds": 0.05, "cut": "center"}),
    "pad": ({"seconds": 0.05}, {"seconds": 0.05, "pad": "zeros"}),
    "max_seconds": ({}, {"max_seconds": 100.0}),
    "content": ({}, {"content": "clips"}),
}
WITHOUT_EFFECT |= {"max_seconds", "content"}
POLICY = [field.name for field in dataclasses.fields(DecodePolicy)]


@pytest.fixture(autouse=True)
def few_images_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give KID an error from the few pictures here: these tests are about what is compared."""
    monkeypatch.setattr(discrepancy, "ENOUGH_FOR_ERROR", 2)
    monkeypatch.setattr(discrepancy, "ENOUGH_THAT_COUNT", 2)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same pictures in every kind of source, and a generator's file; locations by kind."""
    top = tmp_path_factory.mktemp("places")
    folder = top / "folder"
    folder.mkdir()
    pictures = np.random.default_rng(0).integers(0, 256, (NUM, 20, 16, 3), dtype=np.uint8)
    for number, pixels in enumerate(pictures):
        PIL.Image.fromarray(pixels).save(folder / f"{number:03}.png")
    with zipfile.ZipFile(top / "a.zip", "w") as archive, tarfile.open(top / "a.tar", "w") as tar:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
            tar.add(path, path.name)
    classes = top / "classes"
    with (
        zipfile.ZipFile(top / "classes.zip", "w") as archive,
        tarfile.open(top / "classes.tar", "w") as tar,
    ):
        for number, path in enumerate(sorted(folder.iterdir())):
            name = f"{number % 2}/{path.name}"
            (classes / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, classes / name)
            archive.write(path, name)
            tar.add(path, name)
    floats = pictures.astype(np.float32) / 255
    for name, array in (("a", pictures), ("floats", floats)):
        np.save(top / f"{name}.npy", array)
        np.savez(top / f"{name}.npz", arr_0=array, other=1 - array)
        tensors = {"a": torch.from_numpy(array), "b": torch.from_numpy(1 - array)}
        torch.save(tensors, top / f"{name}.tensor")
    sounds = top / "clips"
    sounds.mkdir()
    for number, samples in enumerate(CLIPS):
        soundfile.write(sounds / f"{number:03}.wav", samples.T, 16_000, "FLOAT")
    with (
        zipfile.ZipFile(top / "clips.zip", "w") as archive,
        tarfile.open(top / "clips.tar", "w") as tar,
    ):
        for path in sorted(sounds.iterdir()):
            archive.write(path, path.name)
            tar.add(path, path.name)
    np.save(top / "clips.npy", CLIPS)
    np.savez(top / "clips.npz", arr_0=CLIPS)
    torch.save({"a": torch.from_numpy(CLIPS)}, top / "clips.tensor")
    torch.save(sound().state_dict(), top / "clips.pt")
    state = network(0).state_dict()
    other = network(1).state_dict()
    pair = {f"one.{name}": value for name, value in state.items()}
    pair |= {f"two.{name}": value for name, value in other.items()}
    torch.save({"g": state, "h": other, "pair": pair}, top / "g.pt")
    found = {"folder": folder, "data": "digits", "generator": top / "g.pt"}
    found |= {kind: top / f"a.{kind}" for kind in ("zip", "tar", *ARRAYS)}
    found |= {f"{kind} of classes": top / f"classes.{kind}" for kind in ("zip", "tar")}
    found["folder of classes"] = classes
    found["folder of clips"], found["generator of clips"] = sounds, top / "clips.pt"
    found |= {f"{kind} of clips": top / f"clips.{kind}" for kind in ("zip", "tar", *ARRAYS)}
    found |= {f"{kind} of floats": top / f"floats.{kind}" for kind in ARRAYS}
    return {kind: str(place) for kind, place in found.items()}


def network(seed: int) -> torch.nn.Module:
    """A generator with weights of its own."""
    module = Any16()
    stream = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        module.layer.weight.copy_(torch.randn(3 * 16 * 16, 8, generator=stream))
        module.layer.bias.zero_()
    return module


def sound() -> torch.nn.Module:
    """A generator of clips."""
    module = Sound()
    stream = torch.Generator().manual_seed(0)
    with torch.no_grad():
        module.layer.weight.copy_(torch.randn(1600, 8, generator=stream))
        module.layer.bias.zero_()
    return module


def opened_clips(kind: str, places: dict[str, str], **values: Any) -> Source:
    """A source of clips of a kind of the table, or a `Generator` of clips."""
    if kind == "Generator":
        return generator_source(Generator(sound(), **(GENERATOR | {"name": NAME} | values)))
    if kind == "generator":
        values = {**GENERATOR, "entry": f"{NETWORK}:Sound"} | values
    place = places[f"{kind} of clips"]
    return SOURCES.load(kind)(place, **values).open(DecodePolicy(), written=NAME)


def opened(kind: str, places: dict[str, str], **values: Any) -> Source:
    """A source of a kind of the table, whatever its options called the same."""
    if kind in KEYS:
        values = {"key": KEYS[kind][0]} | values
    if kind == "generator":
        values = {**GENERATOR, "entry": f"{NETWORK}:Any16"} | values
    if kind == "data":
        values = {"split": "test"} | values
    floats = kind in ARRAYS and "value_range" in values
    place = places[f"{kind} of floats" if floats else kind]
    return SOURCES.load(kind)(place, **values).open(DecodePolicy(), written=NAME)


def generator_of(**values: Any) -> Source:
    """A `Generator` in memory."""
    kwargs = json.loads(values.pop("kwargs", "{}"))
    module = network(1) if "module" in values else network(0)
    values.pop("module", None)
    vars(module).update(kwargs)
    source = generator_source(Generator(module, **(GENERATOR | {"name": NAME} | values)))
    return source


def images_of(**values: Any) -> Source:
    """An `Images` in memory; floats if a range is declared."""
    floats = {"data": FIXED.astype(np.float32) / 255} if "value_range" in values else {}
    values = {"data": FIXED, "name": NAME} | floats | values
    return images_source(Images(**values), policy=DecodePolicy())


def cases() -> list[Any]:
    """Every setting of every source, from the dataclasses themselves."""
    found = []
    for kind in SOURCES.names():
        entry = SOURCES.load(kind)
        names = [field.name for field in dataclasses.fields(entry) if field.name != "location"]
        found += [pytest.param(kind, name, id=f"{kind}-{name}") for name in names]
    for kind, cls in (("Generator", Generator), ("Images", Images)):
        for field in dataclasses.fields(cls):
            found.append(pytest.param(kind, field.name, id=f"{kind}-{field.name}"))
    return found


def two_sources(
    kind: str, name: str, places: dict[str, str]
) -> tuple[Callable[[], Source], Callable[[], Source]]:
    """What opens a source, and what opens the same with one setting changed."""
    if name in OF_CLIPS:
        before, after = OF_CLIPS[name]
        return (
            partial(opened_clips, kind, places, **before),
            partial(opened_clips, kind, places, **after),
        )
    before = BEFORE.get(name, {})
    after = {**AFTER.get(name, {}), name: OTHER[name]}
    if name == "key":
        after = {"key": KEYS[kind][1]}
    if name == "labels":
        after = {"labels": LABELS.get(kind, OTHER[name])}
        places = {**places, kind: places.get(f"{kind} of classes", places.get(kind, ""))}
    if name == "value_range" and kind in (*ARRAYS, "Images"):
        before, after = {"value_range": (0.0, 1.0)}, {"value_range": (0.0, 2.0)}
    if kind == "Generator":
        return partial(generator_of, **before), partial(generator_of, **after)
    if kind == "Images":
        return partial(images_of, **before), partial(images_of, **after)
    return partial(opened, kind, places, **before), partial(opened, kind, places, **after)


@pytest.fixture(scope="module")
def known() -> dict[str, Report]:
    """Reports of the unchanged sources, which many tests need."""
    return {}


def renamed(report: Report, name: str) -> Report:
    """The report with another name for its reference."""
    old = report.scores[0].reference
    assert old is not None
    sources = dict(report.provenance["sources"])
    sources[name] = sources.pop(old)
    return dataclasses.replace(
        report,
        scores=tuple(dataclasses.replace(row, roles={"reference": name}) for row in report.scores),
        provenance={**report.provenance, "sources": sources},
        influence={key._replace(reference=name): one for key, one in report.influence.items()},
    )


def scored(sample: Any, reference: Any, **options: Any) -> Report:
    return ganeval.evaluate(
        sample=sample, reference=reference, metrics=["kid"], **{**FAST, **options}
    )


def fixed(source: Source) -> tuple[Any, dict[str, Any]]:
    """What a source is scored with, pictures or clips, and the options for it."""
    if source.info.content == "clip":
        return ganeval.Clips(CLIPS[:, ::-1], rate=16_000), {"extractor": "log-mel"}
    return FIXED, {}


def doors(tmp_path: Path) -> dict[str, Callable[[Report, Report], str]]:
    """Every place where two reports meet; each returns what it says of the difference."""

    def refused(call: Callable[[], object]) -> str:
        with pytest.raises(MismatchError) as caught:
            call()
        return str(caught.value)

    def accepted(run: Report, baseline: Report) -> str:
        path = tmp_path / "base.json"
        accept(baseline, path)
        (line,) = accept(run, path)
        return line.partition("not comparable: ")[2]

    return {
        "check": lambda run, base: refused(lambda: check(run, base, LIMITS, 0.05)),
        "merge": lambda run, base: refused(lambda: run.merge(base)),
        "compare": lambda run, base: refused(
            lambda: difference(measured(run, run["kid"]), measured(base, base["kid"]))
        ),
        "accept": accepted,
    }


@pytest.mark.parametrize(("kind", "name"), cases())
def test_a_setting_of_the_reference_that_is_changed_alone_is_named_at_every_door(
    kind: str, name: str, places: dict[str, str], tmp_path: Path, known: dict[str, Report]
) -> None:
    one, other = two_sources(kind, name, places)
    sample, options = fixed(other())
    run = renamed(scored(sample, other(), **options), NAME)
    what = f"reference {one}"
    base = known[what] = known.get(what) or renamed(scored(sample, one(), **options), NAME)
    if name in WITHOUT_EFFECT or name in WITHOUT_EFFECT_ON.get(kind, ()):
        assert check(run, base, LIMITS, 0.05).decisions[0].evidence.se == 0
        assert len(run.merge(base).scores) == 1
        return
    for door, call in doors(tmp_path).items():
        text = call(run, base)
        others = f"{NAME}: the {run['kid'].noun} are others"
        named = f"{NAME}: {name} is " in text or others in text
        # These make another network, whose weights or labels are what is told apart.
        through = {"entry": "entry", "key": "key", "batch_size": "generator_batch is "}
        assert named or through.get(name, "?") in text, f"{door}: {text}"
        assert "\n" not in text


def test_settings_of_clips_are_typed_in_the_text_of_a_folder(places: dict[str, str]) -> None:
    sample, options = fixed(opened_clips("folder", places))
    run, base = (
        renamed(scored(sample, opened_clips("folder", places, **values), **options), NAME)
        for values in ({}, {**RATE, "seconds": 0.05})
    )
    with pytest.raises(MismatchError) as caught:
        check(run, base, LIMITS, 0.05)
    assert f"score again with folder:{NAME},rate=16000,seconds=0.05, or" in str(caught.value)


@pytest.mark.parametrize(("kind", "name"), cases())
def test_a_setting_of_the_sample_that_is_changed_alone_is_never_the_same_images(
    kind: str, name: str, places: dict[str, str], known: dict[str, Report]
) -> None:
    one, other = two_sources(kind, name, places)
    reference, options = fixed(other())
    run = scored(other(), reference, **options)
    what = f"sample {one}"
    base = known[what] = known.get(what) or scored(one(), reference, **options)
    if name in WITHOUT_EFFECT or name in WITHOUT_EFFECT_ON.get(kind, ()):
        same = f"the same {run['kid'].noun}"
        assert change_of(LIMITS[0], [run], base, rule=2).notes == (same,)
        return
    # Only the network behind a sample may be another one.
    preparation = ("size", "crop", *POLICY, "truncation", "num_classes", "label_policy")
    preparation += ("noise", "clamp")
    if kind not in ARRAYS:  # whose items are others at another rate
        preparation += ("rate", "channels", "seconds", "cut", "pad")
    if name in preparation or name == "condition":
        with pytest.raises(MismatchError, match=rf"{name} is "):
            check(run, base, LIMITS, 0.05)
        return
    change = change_of(LIMITS[0], [run], base, rule=2)
    verdict = check(run, base, LIMITS, 0.05)
    assert (
        change.precision is None
        or change.precision.se != 0
        or np.array_equal(*(report.influence[report["kid"].key].sample for report in (run, base)))
    )
    assert f"the same {run['kid'].noun}" not in verdict.decisions[0].evidence.notes
    # Two generators that draw differently are not called paired.
    if name in ("seed", "prior", "latent_size"):
        assert change.notes[0].startswith("unpaired")


def test_every_way_to_prepare_a_sample_is_refused_when_it_changes(places: dict[str, str]) -> None:
    base = scored(opened("folder", places), FIXED)
    for name in ("size", "transparency", "animated", "exif", "float_range"):
        run = scored(opened("folder", places, **{name: OTHER[name]}), FIXED)
        with pytest.raises(MismatchError, match=f"real: {name} is .* in the run and .* in the b"):
            check(run, base, LIMITS, 0.05)
    # On the command line it is one option for both sides.
    base, run = (
        scored(places["zip"], places["folder"], transparency=one) for one in ("error", "white")
    )
    with pytest.raises(MismatchError, match="transparency is white in the run and error in the"):
        check(run, base, LIMITS, 0.05)


def test_the_message_names_the_setting_and_what_to_type(places: dict[str, str]) -> None:
    base = scored(FIXED, f"folder:{places['folder']},size=32")
    run = scored(FIXED, f"folder:{places['folder']},size=8,crop=center")
    with pytest.raises(MismatchError) as caught:
        check(run, base, LIMITS, 0.05)
    where = f"folder:{places['folder']}"
    assert caught.value.found == (
        f"run and baseline differ: {where},size=8,crop=center: size is 8 in the run and 32 in the "
        f"baseline, {where},size=8,crop=center: crop is center in the run and none in the baseline"
    )
    assert caught.value.remedy.startswith(f"score again with {where},size=32, or accept")


# Every field of an extraction, by the option that changes it, with the word that names it.
RUN_LEVEL: dict[str, Any] = {
    "name": {"extractor": "efficientnet-lite0"},
    "info": {"extractor": "efficientnet-lite0"},
    "preparation": {"protocol": "clean-fid"},
    "precision": {"precision": "bfloat16"},
    "device_type": None,  # there is one device here; see the next test
    "micro_batch": {"batch_size": 5},
    "gpu": {},  # there is none here; see tests/gpu
    "load": {},
    "package": {},  # ours have none; see tests/extend for those of other packages
    "layers": {"metrics": ["kid", "is"]},
}
REFUSED = {"name": "extractor is", "info": "extractor is", "preparation": "protocol is"}
REFUSED |= {"precision": "precision is"}


@pytest.mark.parametrize(
    "name", [field.name for field in dataclasses.fields(Extraction)] + ["layers"]
)
def test_what_turns_pictures_into_features_is_the_same_or_named(
    name: str, places: dict[str, str], tmp_path: Path
) -> None:
    options = RUN_LEVEL[name]
    base = scored(places["zip"], places["folder"])
    if options is None:
        run = dataclasses.replace(base, provenance={**base.provenance, "device": "cuda"})
    else:
        options = {"metrics": ["kid"], **options}
        run = ganeval.evaluate(
            sample=places["zip"],
            reference=places["folder"],
            **{**FAST, **options},
        )
    if name in REFUSED:
        for door, call in doors(tmp_path).items():
            text = call(run, base)
            assert REFUSED[name] in text, door
        return
    verdict = check(run, base, LIMITS, 0.05)
    assert verdict.outcome == "pass"
    same = name in ("gpu", "layers", "load", "package")
    notes = verdict.decisions[0].evidence.notes
    assert ("the same images" in notes) == same
    # On another machine the images are paired, and the error comes from the arithmetic.
    assert same or notes[0] == "paired: both samples are the same images"


def test_the_same_pictures_elsewhere_are_the_same(places: dict[str, str], tmp_path: Path) -> None:
    base = scored(FIXED, places["folder"])
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in Path(places["folder"]).iterdir():
        (moved / path.name).write_bytes(path.read_bytes())
    for place in (places["zip"], places["tar"], str(moved)):
        assert check(scored(FIXED, place), base, LIMITS, 0.05).outcome == "pass"


def test_other_names_of_the_same_pictures_cost_the_pairing_alone(
    places: dict[str, str], tmp_path: Path
) -> None:
    turned = tmp_path / "turned"
    turned.mkdir()
    for number, path in enumerate(sorted(Path(places["folder"]).iterdir(), reverse=True)):
        (turned / f"{number:03}.png").write_bytes(path.read_bytes())
    fresh = np.random.default_rng(1).integers(0, 256, FIXED.shape, dtype=np.uint8)
    base, run = scored(FIXED, places["folder"]), scored(fresh, str(turned))
    found = check(run, base, LIMITS, 0.05).decisions[0].evidence
    assert "the references have different orders, so their noise is counted twice" in found.notes
    influences = [report.influence[report["kid"].key] for report in (run, base)]
    variance = sum(
        side.var(ddof=1) / NUM for one in influences for side in (one.sample, one.reference)
    )
    assert found.se == pytest.approx(variance**0.5)
    # As a sample, in whatever order, they are the same images.
    base, run = scored(places["folder"], FIXED), scored(str(turned), FIXED)
    assert check(run, base, LIMITS, 0.05).decisions[0].evidence.notes == ("the same images",)


def test_subsets_of_the_reference_are_the_same_or_refused(places: dict[str, str]) -> None:
    base, again, other = (
        scored(FIXED, places["folder"], num_images=16, seed=seed) for seed in (0, 0, 1)
    )
    assert check(again, base, LIMITS, 0.05).outcome == "pass"
    with pytest.raises(MismatchError, match="16 images of --num-images 16 --seed 1"):
        check(other, base, LIMITS, 0.05)


def test_skipped_pictures_are_named(places: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    for path in Path(places["folder"]).iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    base = scored(FIXED, str(folder))
    (folder / "003.png").write_bytes(b"no picture")
    run = scored(FIXED, str(folder), on_bad_image="skip", max_bad=0.5)
    with pytest.raises(MismatchError, match=r"23 images, 1 skipped\) than in the baseline \(24"):
        check(run, base, LIMITS, 0.05)


def test_what_an_older_file_does_not_say_is_named_and_not_assumed(
    places: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    run = scored(FIXED, opened("folder", places))
    provenance = json.loads(json.dumps(run.provenance))
    card = provenance["sources"][NAME]
    for name in ("content", "found", "chosen"):
        del card[name]
    of_network = provenance["networks"]["random"]
    del card["settings"]["size"], of_network["extractor_version"], of_network["preprocess"]["mean"]
    old = dataclasses.replace(run, provenance=provenance)
    verdict = check(run, old, LIMITS, 0.05)
    assert verdict.outcome == "pass"
    assert verdict.unsaid == ("extractor version", "preprocessing mean", f"size of {NAME}")
    with caplog.at_level(logging.WARNING):
        run.merge(old)
    assert "only one report says it: extractor version, preprocessing mean, size of" in caplog.text


def test_statistics_made_under_other_settings_are_refused(
    places: dict[str, str], tmp_path: Path
) -> None:
    from ganeval.extract import make_stats
    from ganeval.flow.settings import build_settings

    def made(name: str, **options: Any) -> Path:
        path = tmp_path / f"{name}.npz"
        make_stats(places["folder"], path, build_settings({**FAST, **options}))
        return path

    plain, white = made("plain"), made("white", transparency="white")
    assert white.read_bytes() != plain.read_bytes()
    fid: dict[str, Any] = {"sample": places["zip"], "metrics": ["fid"], **FAST}
    for reference in (plain, white):  # no picture was transparent, else it would be refused
        assert ganeval.evaluate(reference=reference, **fid)["fid"].value < 1e-3
    with pytest.raises(MismatchError, match=r"made with transparency white, .* is read with black"):
        ganeval.evaluate(reference=white, transparency="black", **fid)
    with pytest.raises(MismatchError, match=r"made with exif apply.*score with --exif apply"):
        ganeval.evaluate(reference=made("turned", exif="apply"), **fid)
    base, run = (
        ganeval.evaluate(reference=reference, **fid)
        for reference in (plain, made("small", extractor="random", protocol="standard", seed=1))
    )
    assert check(run, base, parse_limits(["fid=1"]), 0.05).decisions[0].evidence.se == 0


def test_the_fixture_refuses_as_the_command_does(places: dict[str, str], tmp_path: Path) -> None:
    baseline = tmp_path / "base.json"
    accept(scored(FIXED, opened("folder", places)), baseline)
    call = Check(tmp_path)
    given: dict[str, Any] = {"sample": FIXED, "baseline": baseline, "max_regress": "kid=1", **FAST}
    assert call(reference=opened("folder", places), **given).outcome == "pass"
    with pytest.raises(MismatchError, match="real: size is 8 in the run and not set in the base"):
        call(reference=opened("folder", places, size=8), **given)


def test_features_are_cached_by_all_settings_of_the_conditions_too(
    tmp_path: Path, own_cache: Path
) -> None:
    folder = tmp_path / "conditions"
    folder.mkdir()
    pixels = np.random.default_rng(3).integers(0, 256, (4, 16, 16, 4), dtype=np.uint8)
    for number, one in enumerate(pixels):
        PIL.Image.fromarray(one, "RGBA").save(folder / f"{number}.png")
    found = []
    for transparency in ("white", "black"):
        sample = Generator(network(0), condition=str(folder), name="paired", **GENERATOR)
        options = {**FAST, "cache": True, "transparency": transparency}
        found.append(ganeval.evaluate(sample=sample, reference=FIXED, metrics=["kid"], **options))
    assert found[0]["kid"].value != found[1]["kid"].value
    with pytest.raises(MismatchError, match="condition_transparency is black in the run and wh"):
        check(found[1], found[0], LIMITS, 0.05)


def test_a_pairing_that_cannot_be_is_refused() -> None:
    reports = ganeval.compare(
        samples=[generator_of(name="a"), generator_of(name="b", module=None)],
        reference=FIXED, metrics=["kid"], **FAST,
    )  # fmt: skip
    assert reports.comparisons[0].paired
    assert reports.comparisons[0].reference == "reference"
    for name in ("seed", "prior", "truncation", "latent_size"):
        samples = [generator_of(name="a"), generator_of(name="b", **{name: OTHER[name]})]
        given: dict[str, Any] = {"samples": samples, "reference": FIXED, "metrics": ["kid"], **FAST}
        assert not ganeval.compare(**given).comparisons[0].paired
        with pytest.raises(UsageError, match=f"are drawn apart: {name} is .* for"):
            ganeval.compare(**given, paired=True)


def test_the_settings_of_a_run_are_all_looked_at_here() -> None:
    """A new option of `Settings` that changes features has to be added to the tests above."""
    without_effect = {
        *("engine", "workers", "memory", "cache_dir", "cache", "offline", "gallery", "progress"),
        *("command", "team", "max_bad", "rehash", "trust_times"),
    }
    here = {"extractor", "weights", "protocol", "num_images", "batch_size", "device", "precision"}
    here |= {"seed", "decode", "generator", "on_bad_image"}
    # What partners have in common is in the row, and a further network in its label.
    here |= {"pair_by", "networks"}
    # tests/flow/test_clusters.py
    here |= {"cluster_by"}
    assert {field.name for field in dataclasses.fields(Settings)} == here | without_effect
