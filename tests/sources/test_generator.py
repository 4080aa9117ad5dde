"""Networks and checkpoints as sources, through the same door as pictures."""

import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import ganeval
from ganeval.errors import InputError, UsageError
from ganeval.generators.card import Card, parse_checkpoint, write_checkpoint
from ganeval.images.picture import DecodePolicy
from ganeval.sources.generator import Generator
from ganeval.sources.open import open_source
from tests.generators.networks import Conditional, Example, seeded

ENTRY = "entry=tests.generators.networks:Example"
OPTIONS = f"{ENTRY},latent_size=8,latent_layout=map,value_range=-1,1"


def source_of(thing: Any) -> Any:
    return open_source(thing, policy=DecodePolicy())


def pixels(source: Any, indices: Any) -> list[Any]:
    return [item.picture().pixels for item in source.load(indices)]


def example(**options: Any) -> Generator:
    given = {"latent_size": 8, "latent_layout": "map", "value_range": (-1, 1), "num_images": 40}
    return Generator(seeded(Example()), **(given | options))


def test_samples_are_the_networks_own_output_rounded() -> None:
    network = seeded(Example()).eval()
    rows = [
        np.random.Generator(np.random.Philox(np.random.SeedSequence([3, i]))).standard_normal(
            8, dtype=np.float32
        )
        for i in range(16)
    ]
    with torch.inference_mode():
        images = network(torch.from_numpy(np.stack(rows))[:, :, None, None]).double().numpy()
    expected = np.floor(np.clip(images * 127.5 + 128, 0, 255))
    got = pixels(source_of(example(seed=3)), range(16))
    assert np.abs(np.stack(got) - expected).max() <= 1
    assert np.mean(np.stack(got) == expected) > 0.999


def test_a_network_is_fed_in_the_type_of_its_parameters() -> None:
    class Doubled(Example):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            assert z.dtype == torch.float64
            return super().forward(z)

    wide = Generator(
        seeded(Example()).double(), latent_size=8, latent_layout="map", value_range=(-1, 1)
    )
    wide.module.__class__ = Doubled
    gaps = np.stack(pixels(source_of(wide), range(16))).astype(int)
    gaps -= np.stack(pixels(source_of(example()), range(16)))
    assert np.abs(gaps).max() <= 1  # rounded from more digits
    assert np.abs(gaps).mean() < 0.01


def test_a_sample_depends_on_its_index_alone() -> None:
    whole = pixels(source_of(example()), range(40))
    other = source_of(example(num_images=19))
    for at in (18, 0, 16, 5):
        np.testing.assert_array_equal(pixels(other, [at])[0], whole[at])
    for size in (1, 7, 64):
        parts = pixels(source_of(example(batch_size=size)), range(40))
        gaps = np.abs(np.stack(parts).astype(int) - np.stack(whole).astype(int))
        assert gaps.max() <= 1
    digests = {item.digest for item in source_of(example()).load(range(40))}
    assert len(digests) == 40
    assert not digests & {item.digest for item in source_of(example(seed=1)).load(range(40))}


def test_items_can_be_asked_again_and_batches_are_made_on_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    forward = Example.forward

    def counting(self: Example, z: torch.Tensor) -> torch.Tensor:
        calls.append(len(z))
        return forward(self, z)

    monkeypatch.setattr(Example, "forward", counting)
    torch.save(STATE, tmp_path / "g.pt")
    source = source_of(f"generator:{tmp_path / 'g.pt'},{OPTIONS},num_images=40")
    calls.clear()
    items = source.load(range(40))
    assert calls == []
    first = [item.picture().pixels for item in items]
    assert calls == [16, 16, 16]
    np.testing.assert_array_equal(items[7].picture().pixels, first[7])


def test_the_network_is_left_as_it_was() -> None:
    generator = example()
    generator.module.main[1].eval()
    modes = [part.training for part in generator.module.modules()]
    state = {name: value.clone() for name, value in generator.module.state_dict().items()}
    before = torch.get_rng_state()
    pixels(source_of(generator), range(20))
    assert [part.training for part in generator.module.modules()] == modes
    assert torch.equal(torch.get_rng_state(), before)
    for name, value in generator.module.state_dict().items():
        assert torch.equal(value, state[name])


@pytest.mark.parametrize("policy", ["uniform", "balanced"])
def test_grey_and_conditional(policy: Any) -> None:
    source = source_of(
        Generator(
            seeded(Conditional()),
            latent_size=6,
            num_classes=5,
            label_policy=policy,
            value_range=(-1, 1),
            num_images=20,
            prior="uniform",
        )
    )
    image = source.load([3])[0].picture()
    assert image.notes == ("grey to RGB",)
    assert image.pixels.shape == (3, 8, 8)
    assert len({picture.tobytes() for picture in pixels(source, range(20))}) == 20


class Function(nn.Module):
    """A network out of a function, for bad behaviour."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, z: torch.Tensor) -> Any:
        return self.function(z)


def flat(z: torch.Tensor) -> torch.Tensor:
    return torch.tanh(z[:, :1, None, None].expand(-1, 3, 8, 8)).clone()


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda z: flat(z) * float("nan"), r"net\[0\] \(seed 0\): NaN"),
        (lambda z: flat(z) * 9, r"net\[\d\] \(seed 0\): values observed .*range, -1 to 1"),
        (lambda z: flat(z).byte(), "returns torch.uint8"),
        (lambda z: flat(z).permute(0, 2, 3, 1), r"shape \[8, 8, 8, 3\].*image_layout=nhwc"),
        (lambda z: flat(z)[:, [0, 1, 2, 0]], r"returns shape \[8, 4, 8, 8\]"),
        (lambda z: flat(z)[:4], "returns 4 images for 8 latents"),
        (lambda z: flat(z)[..., :4], "below 8 pixels"),
        (lambda z: [z], "returns list"),
        (lambda z: flat(z * 0), "same image for 8 latents"),
        (lambda z: flat(z - z.mean(0)), "different images in another batch"),
        (lambda z: flat(z + torch.rand(())), "random numbers of its own"),
        (lambda z: z @ torch.ones(99, 2), r"network fails \(RuntimeError.*latents \[8, 4\]"),
    ],
)
def test_a_network_that_cannot_be_scored_is_refused_at_once(function: Any, said: str) -> None:
    generator = Generator(
        Function(function), latent_size=4, value_range=(-1, 1), num_images=9, name="net"
    )
    with pytest.raises(InputError, match=said) as caught:
        source_of(generator)
    assert "\n" not in str(caught.value)


def test_channels_that_come_last_are_taken_when_said() -> None:
    options: Any = {"latent_size": 4, "value_range": (-1, 1), "num_images": 9}
    first = pixels(source_of(Generator(Function(flat), **options)), range(9))
    last = Function(lambda z: flat(z).permute(0, 2, 3, 1))
    source = source_of(Generator(last, image_layout="nhwc", **options))
    np.testing.assert_array_equal(pixels(source, range(9)), first)
    assert source.info.settings["image_layout"] == "nhwc"


def test_a_conditional_network_needs_its_number_of_classes() -> None:
    with pytest.raises(InputError, match=r"network fails .*TypeError.*num_classes"):
        source_of(Generator(seeded(Conditional()), latent_size=6, value_range=(-1, 1)))


@pytest.mark.parametrize("training", [True, False])
def test_a_network_left_in_training_is_sampled_in_evaluation(training: bool) -> None:
    usual = pixels(source_of(example()), range(20))
    generator = example()
    generator.module.train(training)
    np.testing.assert_array_equal(pixels(source_of(generator), range(20)), usual)
    assert generator.module.training is training
    assert all(parameter.grad is None for parameter in generator.module.parameters())


def test_truncated_samples_are_those_of_truncated_latents() -> None:
    free, truncated = source_of(example()), source_of(example(truncation=0.5))
    assert truncated.info.settings["truncation"] == 0.5
    assert truncated.sampler.drawing.latents(range(40)).abs().max() <= 0.5
    assert truncated.load([0])[0].digest != free.load([0])[0].digest
    spread = [np.std(pixels(source, range(40))) for source in (free, truncated)]
    assert spread[1] < spread[0]


def test_a_later_bad_sample_names_itself_and_spares_the_others() -> None:
    source = source_of(example(num_images=60, name="net"))
    forward = source.sampler.module.forward

    def spoiled(z: torch.Tensor) -> torch.Tensor:
        images = forward(z)
        images[5] = float("inf")
        return images

    source.sampler.module.forward = spoiled
    items = source.load(range(40, 60))
    with pytest.raises(InputError, match=r"^net\[53\] \(seed 0\): NaN or infinity"):
        items[13].picture()
    items[12].picture()


def test_a_range_that_is_never_used_is_worth_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    network = Function(lambda z: flat(z).abs())
    with caplog.at_level(logging.WARNING):
        source_of(Generator(network, latent_size=4, value_range=(-1, 1), num_images=9))
    assert "none of 8 images has a negative value" in caplog.text


@pytest.mark.parametrize(
    "options",
    [
        {"latent_size": 0}, {"seed": -1}, {"num_images": 0}, {"value_range": (1, -1)},
        {"batch_size": 0}, {"device": "gpu7"}, {"num_classes": 0}, {"device": "meta"},
    ],
)  # fmt: skip
def test_options_out_of_range(options: Any) -> None:
    with pytest.raises(UsageError):
        source_of(example(**options))


def test_generators_of_other_networks_are_not_equal() -> None:
    one, other = (Generator(Example(), latent_size=8, value_range=(-1, 1)) for _ in range(2))
    assert one != other
    assert len({one, other, one}) == 2


STATE = seeded(Example()).state_dict()
OTHER = {name: value + 1 for name, value in STATE.items()}
CRITIC = {"layer.weight": torch.zeros(3)}


def prefixed(state: Any, prefix: str) -> dict[str, Any]:
    return {prefix + name: value for name, value in state.items()}


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        prefixed(STATE, "module."),
        prefixed(STATE, "_orig_mod.module."),
        {"state_dict": STATE, "epoch": 3},
        {"generator": STATE, "discriminator": CRITIC},
        {"g": OTHER, "g_ema": STATE, "d": CRITIC},
        {"state_dict": prefixed(STATE, "generator.") | prefixed(CRITIC, "discriminator.")},
    ],
    ids=["bare", "parallel", "compiled", "nested", "two", "ema", "lightning"],
)
@pytest.mark.parametrize("old", [False, True])
def test_usual_nestings_are_scored_as_they_are(
    content: Any, old: bool, tmp_path: Path, real: Path
) -> None:
    path = tmp_path / "netG.pth"
    torch.save(content, path, _use_new_zipfile_serialization=not old)
    report = ganeval.evaluate(
        sample=f"generator:{path},{OPTIONS},num_images=20",
        reference=str(real), metrics=["fid"], extractor="random",
    )  # fmt: skip
    direct = ganeval.evaluate(
        sample=example(num_images=20), reference=str(real), metrics=["fid"], extractor="random"
    )
    assert report["fid"].value == direct["fid"].value


def test_the_trial_is_told_and_goes_into_the_report(
    tmp_path: Path, real: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "g.pt"
    torch.save({"g": OTHER, "g_ema": STATE, "d": CRITIC}, path)
    with caplog.at_level(logging.INFO, logger="ganeval"):
        report = ganeval.evaluate(
            sample=f"generator:{path},{OPTIONS}", reference=str(real), metrics=["fid"],
            extractor="random",
        )  # fmt: skip
    told = [record.getMessage() for record in caplog.records if str(path) in record.getMessage()]
    assert "networks:Example with the tensors under 'g_ema' (a moving average), sha256:" in told[0]
    assert "8 samples tried: 16x16, 3 channels, values -" in told[1]
    assert "(declared -1 to 1), normalisation: BatchNorm2d (running statistics)" in told[1]
    assert len(told) <= 6
    (settings,) = (
        source["settings"]
        for source in report.provenance["sources"].values()
        if source["kind"] == "generator"
    )
    low, high = settings["observed_range"]
    assert -1 <= low < high <= 1
    recorded = {"ema": True, "key": "g_ema", "normalisation": "BatchNorm2d (running statistics)"}
    assert recorded.items() <= settings.items()
    assert {"label_policy", "truncation", "prior", "seed", "value_range"} <= set(settings)


def test_no_image_touches_the_disk(
    tmp_path: Path, real: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    path = tmp_path / "g.pt"
    torch.save(STATE, path)
    before = set(tmp_path.rglob("*"))
    opened: list[str] = []
    usual = io.open

    def watch(file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if set(mode) & set("wax+"):
            opened.append(str(file))
        return usual(file, mode, *rest, **options)

    monkeypatch.setattr(io, "open", watch)
    ganeval.evaluate(
        sample=f"generator:{path},{OPTIONS}", reference=str(real), metrics=["fid"],
        extractor="random",
    )  # fmt: skip
    assert set(tmp_path.rglob("*")) == before
    kept = [path for path in own_cache.rglob("*") if path.is_file()]
    assert kept
    assert {path.suffix for path in kept} <= {".safetensors", ".json"}
    assert all(Path(name).is_relative_to(own_cache) for name in opened)


def test_ambiguity_and_misfits_are_said(tmp_path: Path) -> None:
    path = tmp_path / "two.pt"
    torch.save({"A": STATE, "B": OTHER}, path)
    with pytest.raises(InputError, match=r"2 sets of tensors fit.*'A' .*'B' .*--key A"):
        source_of(f"generator:{path},{OPTIONS}")
    assert len(source_of(f"generator:{path},{OPTIONS},key=B")) == 50_000
    with pytest.raises(InputError, match=r"no tensors under key 'C'.*'A'"):
        source_of(f"generator:{path},{OPTIONS},key=C")
    with pytest.raises(InputError, match=r"another network: .*another shape .*instead of"):
        source_of(f'generator:{path},{OPTIONS},kwargs={{"ngf": 8, "nc": 3}}')
    with pytest.raises(InputError, match="--entry MODULE:CALLABLE"):
        source_of(str(path))


CARD = Card(
    model="dcgan", entry="tests.generators.networks:Conditional", kwargs={"size": 8},
    prior="normal", latent_size=6, num_classes=5, value_range=(-1, 1), image_size=8, channels=1,
    norm_mode="none", ema=True, step=10, seed=0, data={"name": "digits"},
)  # fmt: skip


def test_a_checkpoint_of_ours_needs_no_option(
    tmp_path: Path, real: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ours.safetensors"
    state = seeded(Conditional()).state_dict()
    write_checkpoint(path, state, CARD)
    card, tensors = parse_checkpoint(path.read_bytes(), name=str(path))
    assert (card.kwargs, card.value_range, card.step) == ({"size": 8}, (-1, 1), 10)
    assert all(torch.equal(tensors[name], value) for name, value in state.items())
    with pytest.raises(InputError, match=r"not one of ganeval's models.*--entry tests\.generators"):
        source_of(str(path))
    assert len(source_of(f"generator:{path},entry={CARD.entry},num_images=9")) == 9
    monkeypatch.setattr("reference_models.MODELS", {"x": "tests.generators.networks:RECIPE"})
    report = ganeval.evaluate(
        sample=f"generator:{path},num_images=20", reference=str(real), metrics=["fid"],
        extractor="random",
    )  # fmt: skip
    assert report["fid"].num_sample == 20
    assert source_of(path).info.kind == "generator"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"SHA-256 differs"):
        source_of(str(path))
