"""Paths, sums and inversions of latents, against what is known of them."""

from typing import Any

import numpy as np
import pytest
import torch

import ganeval
from ganeval.errors import InputError, UsageError
from ganeval.generators.decoder import decoder_of
from ganeval.latents import drawn
from ganeval.latents.masks import mask_of
from ganeval.sources.open_decoder import open_decoder

SIZE, SIDE = 6, 8


class Linear(torch.nn.Module):
    """Grey pictures that are linear in the latent."""

    def __init__(self) -> None:
        super().__init__()
        rng = np.random.default_rng(0)
        self.weight = torch.nn.Parameter(
            torch.from_numpy(0.03 * rng.normal(size=(SIZE, SIDE * SIDE))).float()
        )

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return (0.5 + z @ self.weight).reshape(-1, 1, SIDE, SIDE)


class Coded(torch.nn.Module):
    """Brightness is the class, the slope from left to right the last latent."""

    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        code = torch.erf(z[:, -1] / 2**0.5)[:, None, None, None]
        slope = torch.linspace(-0.1, 0.1, SIDE)
        mean = (0.2 + 0.2 * labels.float())[:, None, None, None] + 0.01 * z[:, :1, None, None]
        return (mean + code * slope).expand(-1, 1, SIDE, SIDE)


def linear(**options: Any) -> ganeval.Generator:
    return ganeval.Generator(Linear(), latent_size=SIZE, value_range=(0, 1), **options)


def unit(num: int, seed: int = 0) -> torch.Tensor:
    rows = torch.from_numpy(np.random.default_rng(seed).normal(size=(num, SIZE)))
    return rows / rows.norm(dim=1, keepdim=True)


def test_slerp_stays_on_the_sphere_and_ends_at_its_ends() -> None:
    start, end = unit(20), unit(20, seed=1)
    for t in (0.0, 0.3, 1.0):
        assert (ganeval.slerp(start, end, t).norm(dim=1) - 1).abs().max() < 1e-12
    torch.testing.assert_close(ganeval.slerp(start, end, 0.0), start)
    torch.testing.assert_close(ganeval.slerp(start, end, 1.0), end)
    torch.testing.assert_close(ganeval.slerp(start, end, 0.3), ganeval.slerp(end, start, 0.7))


def test_slerp_moves_at_an_even_pace() -> None:
    start, end = unit(5), unit(5, seed=1)
    whole = torch.arccos((start * end).sum(1))
    part = torch.arccos((start * ganeval.slerp(start, end, 0.25)).sum(1))
    torch.testing.assert_close(part, whole / 4)


def test_slerp_of_near_vectors_is_the_line() -> None:
    start = unit(5)
    end = start + 1e-4 * unit(5, seed=1)
    apart = ganeval.slerp(start, end, 0.4) - torch.lerp(start, end, 0.4)
    assert apart.abs().max() < 1e-8
    torch.testing.assert_close(ganeval.slerp(start, 3 * start, 0.5), 2 * start)


def test_arithmetic_is_of_means() -> None:
    a, b, c = (torch.randn(3, SIZE, generator=torch.Generator().manual_seed(n)) for n in range(3))
    found = ganeval.latent_arithmetic([a, c], [b])
    torch.testing.assert_close(found, a.mean(0) - b.mean(0) + c.mean(0))


@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_a_decoder_makes_what_the_sampler_makes(prior: Any) -> None:
    decoder, source = open_decoder(linear(prior=prior), {})
    u, _ = decoder.draw(range(16))
    with torch.no_grad():
        levels = decoder(u).numpy()
    pixels = np.stack([item.picture().pixels[:1] for item in source.load(range(16))])
    assert abs(levels - pixels).max() <= 0.5 + 1e-3
    assert decoder.shape == (1, SIDE, SIDE)
    if prior == "uniform":
        assert u.std() > 0.8  # standard normal, where latents from -1 to 1 have 0.58


def pictures(num: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents and the pictures that the linear generator makes of them, uint8 [N, 1, H, W]."""
    z = torch.from_numpy(np.random.default_rng(3).normal(size=(num, SIZE))).float()
    with torch.no_grad():
        return z, (Linear()(z) * 255).round().clamp(0, 255).byte()


def test_the_latents_of_a_linear_generator_are_found() -> None:
    z, images = pictures(3)
    found = ganeval.invert(linear(), images, num_starts=2, num_steps=200)
    assert (found.latents - z).abs().max() < 0.05  # rounding to 8 bits moves them by 0.02
    assert found.psnr().min() > 50
    torch.testing.assert_close(found.pictures, images.float())


def test_a_start_at_the_answer_is_kept() -> None:
    z, images = pictures(3)
    found = ganeval.invert(linear(), images, first=z, num_starts=1, num_steps=1)
    assert (found.latents - z).abs().max() <= 0.11  # one step of Adam
    far = ganeval.invert(linear(), images, num_starts=1, num_steps=1)
    assert found.psnr().min() > far.psnr().max()


def test_filling_by_latents_beats_the_mean() -> None:
    z, images = pictures(6)
    mask = np.zeros((SIDE, SIDE), bool)
    mask[2:6, 2:6] = True
    hidden = images.clone()
    hidden[:, :, 2:6, 2:6] = 0
    found = ganeval.invert(linear(), hidden, mask=mask, num_images=4, num_starts=1, num_steps=200)
    assert (found.latents - z[:4]).abs().max() < 0.05  # of the visible part alone
    full = ganeval.invert(linear(), images, mask=mask, num_images=4, num_starts=1, num_steps=200)
    torch.testing.assert_close(full.latents, found.latents)
    assert full.hole_psnr().min() > 45 > 30 > full.mean_psnr().max()
    mean = (images.float().sum(0) - images[0]) / 5
    torch.testing.assert_close(full.means[0], mean)
    filled = full.filled(full.made)
    assert torch.equal(
        filled[:, :, ~torch.from_numpy(mask)], full.pictures[:, :, ~torch.from_numpy(mask)]
    )
    assert [len(row) for row in drawn.inverted(full)] == [4] * 4


def test_masks() -> None:
    centre = mask_of("centre", height=8, width=16)
    assert centre.sum() == 4 * 8
    assert centre[2:6, 4:12].all()
    with pytest.raises(InputError, match="not a mask"):
        mask_of("nowhere.png", height=8, width=8)
    _, images = pictures(2)
    with pytest.raises(UsageError, match=r"a mask \[3, 3\]"):
        ganeval.invert(linear(), images, mask=np.eye(3, dtype=bool))


def coded(**options: Any) -> ganeval.Generator:
    return ganeval.Generator(Coded(), latent_size=4, num_classes=3, value_range=(0, 1), **options)


def test_codes_are_traversed() -> None:
    decoder, _ = open_decoder(coded(), {})
    rows = drawn.traversals(decoder, 1, num_samples=2, columns=5)
    assert [len(row) for row in rows] == [3, 5, 3, 5]
    brightness = rows[0].mean(dim=(1, 2, 3))
    torch.testing.assert_close(brightness.diff(), torch.full((2,), 0.2 * 255))
    slopes = (rows[1][:, 0, 0, -1] - rows[1][:, 0, 0, 0]) / 0.2 / 255
    torch.testing.assert_close(slopes, torch.tensor([-0.8, -0.4, 0.0, 0.4, 0.8]), atol=1e-5, rtol=0)
    assert drawn.sheet(rows).shape == (4 * 66 - 2, 5 * 66 - 2, 3)


def test_interpolations_go_from_sample_to_sample() -> None:
    decoder, _ = open_decoder(linear(), {})
    rows = drawn.interpolations(decoder, 2, 5)
    samples = drawn.made(decoder, decoder.draw(range(4))[0], None)
    for pair in range(2):
        for row in rows[2 * pair : 2 * pair + 2]:
            torch.testing.assert_close(row[[0, -1]], samples[2 * pair : 2 * pair + 2])
    middle = rows[1][2] - (samples[0] + samples[1]) / 2
    assert middle.abs().max() < 1e-3
    assert (rows[0][2] - rows[1][2]).abs().max() > 1


def test_sums_are_drawn_below_their_terms() -> None:
    decoder, _ = open_decoder(linear(), {})
    terms = [drawn.Term(1, (0, 1)), drawn.Term(-1, (2,)), drawn.Term(1, (3,))]
    rows = drawn.arithmetic(decoder, terms)
    assert [len(row) for row in rows] == [3, 2, 2, 3]
    by_hand = rows[0][:2].mean(0) - rows[1][0] + rows[2][0]
    torch.testing.assert_close(rows[3][0], by_hand, atol=1e-2, rtol=0)


class OneNumber(torch.nn.Module):
    """No gradients: it forgets where its images are from."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z.detach().sigmoid().mean(1)[:, None, None, None].expand(-1, 1, SIDE, SIDE)


@pytest.mark.parametrize(
    ("generator", "message"),
    [
        (linear(truncation=0.5), "truncation 0.5; needed: the whole prior"),
        (
            ganeval.Generator(
                lambda z, w: Linear()(z) + 0 * w.sum(),
                latent_size=SIZE,
                inputs="latent,latent:3",
                value_range=(0, 1),
            ),
            "makes images from latent,latent:3; needed: a generator of one latent vector",
        ),
    ],
)
def test_others_are_refused(generator: ganeval.Generator, message: str) -> None:
    with pytest.raises(ganeval.GanevalError, match=message):
        open_decoder(generator, {})


def test_a_search_needs_gradients_and_a_path_does_not() -> None:
    generator = ganeval.Generator(OneNumber(), latent_size=2, value_range=(0, 1))
    assert len(drawn.interpolations(open_decoder(generator, {})[0], 1, 3)) == 2
    _, images = pictures(2)
    with pytest.raises(InputError, match="its images have no gradients"):
        ganeval.invert(generator, images)


def test_pictures_must_fit() -> None:
    decoder, _ = open_decoder(linear(), {})
    with pytest.raises(InputError, match="16x8 pixels; needed: 8x8"):
        decoder.matching(np.zeros((1, 3, 8, 16), np.uint8), name="x")
    colour = np.zeros((1, 3, SIDE, SIDE), np.uint8)
    colour[0, 0] = 9
    with pytest.raises(InputError, match="pictures in colour; needed: grey pictures"):
        decoder.matching(colour, name="x")
    assert decoder_of(decoder.sampler).shape == decoder.shape
