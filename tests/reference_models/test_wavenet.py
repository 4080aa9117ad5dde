"""WaveNet: nothing comes from the future, as far back as it says, and sampled as it is scored."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import ganeval
from reference_models import wavenet
from reference_models.data.tones import tones
from reference_models.engine.data import Data
from reference_models.engine.draw import Draw
from reference_models.engine.kinds.clips import CLIPS
from reference_models.engine.recipe import Recipe
from reference_models.engine.session import Watch, run_training
from reference_models.engine.settings import with_settings
from reference_models.engine.train import train
from reference_models.parts import mu_law
from reference_models.parts.likelihood import bits_of_samples
from tests.reference_models.made import data_of

SIZES = {"num_levels": 5, "width": 4, "num_skips": 12, "num_stacks": 2, "layers_per_stack": 2}
SMALL = {f"generator.{name}": value for name, value in SIZES.items()}


def network(
    num_samples: int = 16,
    *,
    kernel: int = 2,
    num_classes: int = 0,
    condition_channels: int = 0,
    **sizes: int,
) -> wavenet.Generator:
    """A WaveNet in float64 of which no two samples are alike."""
    options = {**SIZES, **sizes}
    made = wavenet.Generator(
        num_samples=num_samples,
        kernel=kernel,
        num_classes=num_classes,
        condition_channels=condition_channels,
        **options,
    ).double()
    with torch.no_grad():
        for number, parameter in enumerate(made.parameters()):
            parameter.copy_(0.7 * random(*parameter.shape, seed=number))
        for parameter in made.head[-1].parameters():
            parameter.mul_(0.1)  # no level is certain
    return made


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def some_levels(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(5, shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kernel", [2, 3])
def test_no_sample_depends_on_itself_or_a_later_one_nor_beyond_the_field(kernel: int) -> None:
    model = network(24, kernel=kernel)
    # Two stacks of dilations 1 and 2 look back at 2 (kernel - 1) (1 + 2) inputs of the first.
    field = 1 + 2 * (kernel - 1) * (1 + 2)
    assert model.receptive_field == field
    levels = some_levels(1, 24)
    before = model.logits(levels)
    for t in range(24):
        other = levels.clone()
        other[0, t] = (other[0, t] + 1) % 5
        changed = (model.logits(other) != before).any(dim=1)[0]
        assert changed.nonzero().flatten().tolist() == list(range(t + 1, min(t + 1 + field, 24)))


def test_the_receptive_field_of_the_paper_is_1024_for_each_stack_of_ten() -> None:
    assert network(num_stacks=1, layers_per_stack=10).receptive_field == 1024
    assert network(num_stacks=3, layers_per_stack=10).receptive_field == 3 * 1023 + 1
    default = wavenet.RECIPE.build(data_of((1, 16)), torch.Generator().manual_seed(0))
    assert default.get_submodule("generator").receptive_field == 2 * 31 + 1


def test_a_layer_is_the_gated_unit_of_the_paper() -> None:
    layer = wavenet.Layer(3, 2, 2, 4, 1).double()
    u, h = random(1, 3, 10), random(1, 1, 10, seed=1)
    assert layer.given is not None
    out, skip = layer(u, layer.given(h))
    past = torch.cat([torch.zeros(1, 3, 4), u[:, :, :-4]], dim=2)
    w, v = layer.gates.weight, layer.given.weight[:, :, 0]
    bias = layer.gates.bias
    assert bias is not None
    gates = w[:, :, 0] @ past[0] + w[:, :, 1] @ u[0] + bias[:, None] + v @ h[0]
    z = torch.tanh(gates[:3]) * torch.sigmoid(gates[3:])
    assert layer.output.bias is not None
    both = layer.output.weight[:, :, 0] @ z + layer.output.bias[:, None]
    torch.testing.assert_close(out[0], u[0] + both[:3])
    torch.testing.assert_close(skip[0], both[3:])


@pytest.mark.parametrize(("num_samples", "num_levels"), [(1, 5), (3, 5), (8, 2)])
def test_the_chances_of_all_clips_sum_to_one(num_samples: int, num_levels: int) -> None:
    model = network(num_samples, num_levels=num_levels)
    every = torch.cartesian_prod(*[torch.arange(num_levels)] * num_samples)
    clips = mu_law.decode(every.reshape(-1, num_samples), num_levels)[:, None]
    with torch.inference_mode():
        chances = model.log_prob(clips).exp()
    assert chances.sum().item() == pytest.approx(1)
    assert chances.max() > 1.5 * chances.min()


GIVEN: list[dict[str, int]] = [
    {},
    {"kernel": 3},
    {"num_classes": 3},
    {"condition_channels": 2},
    {"num_classes": 3, "condition_channels": 2},
]


def given_of(options: dict[str, int], num: int) -> tuple[torch.Tensor, ...]:
    labels = (torch.arange(num) % 3,) if "num_classes" in options else ()
    condition = (random(num, 2, 8, seed=9),) if "condition_channels" in options else ()
    return (*labels, *condition)


@pytest.mark.parametrize("options", GIVEN)
def test_fast_sampling_computes_what_the_whole_network_does(options: dict[str, int]) -> None:
    model, num = network(32, **options), 20
    given = given_of(options, num)
    z = 2 * torch.rand(num, 32, generator=torch.Generator().manual_seed(1)).double() - 1
    with torch.inference_mode():
        clips = model(z, *given)
        levels = mu_law.encode(clips[:, 0], 5)
        slow = model.logits(levels, *given)
        fast = torch.stack([logits for _, logits in model.drawn((z + 1) / 2, *given)], dim=2)
        torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-12)
        # Slow sampling: the whole network for each sample.
        drawn = torch.zeros_like(levels)
        for t in range(32):
            passed = model.logits(drawn, *given)[:, :, t].softmax(dim=1).cumsum(dim=1)
            drawn[:, t] = (passed <= (z[:, t, None] + 1) / 2).sum(dim=1).clamp(max=4)
        assert torch.equal(drawn, levels)
    assert clips.shape == (num, 1, 32)
    assert len(levels.unique()) == 5


def test_a_sample_does_not_depend_on_the_others_of_its_batch() -> None:
    model, z = network(16), 2 * torch.rand(6, 16, generator=torch.Generator()).double() - 1
    torch.testing.assert_close(model(z)[2:4], model(z[2:4]))


@pytest.mark.parametrize("options", GIVEN[2:])
def test_every_condition_counts_for_the_samples_that_it_is_of(options: dict[str, int]) -> None:
    model = network(16, **options)
    levels, given = some_levels(2, 16), given_of(options, 2)
    before = model.logits(levels, *given)
    if "num_classes" in options:
        other = model.logits(levels, given[0] + 1, *given[1:])
        assert (other != before).any(dim=1).all()
    if "condition_channels" in options:
        changed = given[-1].clone()
        changed[:, 1, 3] += 1  # of samples 6 and 7, of 16 that 8 stand for
        other = model.logits(levels, *given[:-1], changed)
        first = (other != before).any(dim=1)[0].nonzero().flatten()
        assert first[0] == 6


def test_the_game_is_the_bits_of_a_sample() -> None:
    data = tones(size=32)
    recipe = with_settings(wavenet.RECIPE, SMALL)
    game = recipe.build(data, torch.Generator().manual_seed(0))
    batch = data.batch(0, 0, 4)
    expected = -game.generator.log_prob(batch["real"]).mean() / 32 / math.log(2)
    torch.testing.assert_close(game("G", batch, Draw(0, 0)), expected)
    torch.testing.assert_close(bits_of_samples(game.generator, batch).mean(), expected)
    with torch.no_grad():
        for parameter in game.generator.head.parameters():
            parameter.zero_()
    uniform = bits_of_samples(game.generator, batch)
    torch.testing.assert_close(uniform, torch.full((4,), math.log2(5)))


@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        (wavenet.RECIPE, {"generator.num_classes": 12}),
        (wavenet.LOCAL, {}),
        (wavenet.LOCAL, {"generator.num_classes": 12}),
    ],
)
def test_conditions_of_the_data_reach_the_network(
    recipe: Recipe, settings: dict[str, Any], tmp_path: Path
) -> None:
    data = tones(size=32)
    recipe = with_settings(recipe, {**SMALL, **settings, "batch_size": 4})
    before = recipe.build(data, Draw(0, 0).generator("first weights"))
    run = train(recipe, data, tmp_path, steps=1)
    moved = [
        not torch.equal(new.given.weight, old.given.weight)
        for new, old in zip(run.game.generator.gated, before.generator.gated, strict=True)
    ]
    assert all(moved)


@pytest.mark.parametrize(
    ("recipe", "settings", "data", "found"),
    [
        (wavenet.RECIPE, {"prior": "normal"}, tones(), "prior normal for wavenet"),
        (wavenet.RECIPE, {}, data_of((2, 64)), "clips of 2 channels for wavenet"),
        (wavenet.RECIPE, {"generator.num_classes": 5}, tones(), "has 12 classes; needed: 5"),
        (wavenet.RECIPE, {"generator.num_classes": 5}, data_of((1, 64)), "has no labels"),
        (wavenet.RECIPE, {"generator.condition_channels": 1}, tones(), "its recipe LOCAL"),
        (wavenet.LOCAL, {"generator.condition_channels": 0}, tones(), "its recipe LOCAL"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    recipe: Recipe, settings: dict[str, Any], data: Data, found: str
) -> None:
    recipe = with_settings(recipe, {**SMALL, **settings})
    with pytest.raises(ganeval.GanevalError, match=found):
        recipe.build(data, torch.Generator())


def test_a_checkpoint_says_its_rate_and_is_the_same_network(tmp_path: Path) -> None:
    data = tones(size=32, rate=4000)
    recipe = with_settings(wavenet.RECIPE, SMALL)
    game = recipe.build(data, torch.Generator().manual_seed(0))
    path = tmp_path / "wavenet.safetensors"
    CLIPS.export(game.generator, "generator", recipe, data, path, step=7, seed=3)
    card = ganeval.read_card(path)
    assert (card.rate, card.channels, card.image_size, card.step) == (4000, 1, 32, 7)
    assert (card.num_classes, card.condition) == (None, None)
    assert json.loads(json.dumps(card.kwargs)) == card.kwargs
    assert CLIPS.step_of(path) == 7
    source = ganeval.open_source(
        str(path), policy=ganeval.Settings().decode, generator={"num_images": 2, "seed": 5}
    )
    made = [item.content() for item in source.load([0, 1])]
    assert [(clip.rate, clip.samples.shape) for clip in made] == [(4000, (1, 32))] * 2
    levels = mu_law.encode(torch.from_numpy(made[0].samples), 5)
    assert torch.equal(mu_law.decode(levels, 5), torch.from_numpy(made[0].samples))
    assert not (made[0].samples == made[1].samples).all()


def test_a_run_leaves_spectrograms_scores_and_a_checkpoint(tmp_path: Path) -> None:
    from PIL import Image

    from reference_models.engine.kinds import Scoring

    settings = {**SMALL, "batch_size": 4, "steps": 2}
    watch = Watch(grid_every=1, scoring=Scoring(every=1, num_images=4), collapse=False, board=False)
    path = run_training("wavenet", folder=tmp_path, settings=settings, watch=watch, data="lagchain")
    assert path == tmp_path / "wavenet.safetensors"
    rows = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2]
    assert rows[0]["bits"] == pytest.approx(math.log2(5), abs=0.5)
    assert {"bits_se", "chain_gap"} <= set(rows[0])
    for name in ("samples.png", "samples/000001.png", "samples/000002.png"):
        with Image.open(tmp_path / name) as picture:
            assert min(picture.size) >= 8 * 64
    with pytest.raises(ganeval.GanevalError, match="unknown metric of wavenet 'fid'"):
        run_training(
            "wavenet",
            folder=tmp_path / "other",
            watch=replace(watch, scoring=Scoring(every=1, metrics=("fid",))),
        )


def test_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ganeval.GanevalError, match="'digits' has pictures; needed: clips, for wavenet"
    ):
        run_training("wavenet", folder=tmp_path, data="digits")
    with pytest.raises(
        ganeval.GanevalError, match="'tones' has clips; needed: pictures or points, for"
    ):
        run_training("gan", folder=tmp_path, data="tones")


def test_the_spectrogram_of_a_tone_is_a_line_at_its_pitch() -> None:
    from reference_models.engine.kinds.clips import spectrograms

    tone = torch.sin(2 * torch.pi * 32 / 126 * torch.arange(512.0))  # frequency 32 of 0 to 63
    bright = spectrograms(tone.expand(2, 1, 512)).mean(dim=1)
    assert bright.shape[:2] == (2, 64)
    assert (bright[0, :, 10:50].argmax(dim=0) == 63 - 32).all()
    assert bright[0, 31, 20:40].min() > 0.8  # nearly white at the scale's loudest
    assert bright[0, 0, 20:40].max() < -0.9
