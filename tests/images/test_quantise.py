"""The rounding rule against exact rational arithmetic and against StyleGAN's formula."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
import torch

from ganeval.errors import InputError
from ganeval.images.quantise import check_range, quantise

RANGES = [(-1.0, 1.0), (0.0, 1.0), (0.0, 255.0), (-0.5, 1.5)]


@pytest.mark.parametrize("value_range", RANGES)
def test_it_is_round_half_up_and_clip(value_range):
    low, high = map(Fraction, value_range)
    rng = np.random.default_rng(0)
    values = rng.uniform(float(low - high / 10), float(high * 11 / 10), 5000).astype(np.float32)
    levels = quantise(torch.from_numpy(values), value_range=value_range)
    assert levels.dtype == torch.uint8
    for value, level in zip(values.tolist(), levels.tolist(), strict=True):
        exact = (Fraction(value) - low) * 255 / (high - low)
        near_a_half = abs(exact % 1 - Fraction(1, 2)) < Fraction(1, 10_000)
        assert near_a_half or level == min(max(floor(exact + Fraction(1, 2)), 0), 255)


@pytest.mark.parametrize("value_range", RANGES)
def test_each_level_comes_back(value_range):
    low, high = value_range
    levels = torch.arange(256, dtype=torch.float64)
    for dtype in (torch.float32, torch.float64):
        values = (low + levels * (high - low) / 255).to(dtype)
        assert torch.equal(quantise(values, value_range=value_range), levels.to(torch.uint8))


def test_halves_go_up():
    values = torch.tensor([0.49999, 0.5, 1.5, 2.5, 254.5, 255.4, -0.4, -300.0, 999.0])
    levels = [0, 1, 2, 3, 255, 255, 0, 0, 255]
    assert quantise(values, value_range=(0, 255)).tolist() == levels


def test_it_is_the_rule_of_stylegan_for_every_float_at_a_step():
    centres = (torch.arange(-2, 259, dtype=torch.float64) - 128) / 127.5
    bits = centres.float().view(torch.int32)[:, None] + torch.arange(-2000, 2001, dtype=torch.int32)
    generator = torch.Generator().manual_seed(0)
    spread = torch.rand(3_000_000, generator=generator) * 2.4 - 1.2
    tiny = torch.tensor([0.0, -0.0, 1e-45, -1e-45, 1e-38, float("inf"), float("-inf"), 3e38])
    for values in (bits.view(torch.float32), spread, tiny):
        stylegan = (values * 127.5 + 128).clamp(0, 255).to(torch.uint8)
        assert torch.equal(quantise(values, value_range=(-1, 1)), stylegan)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_floats_are_widened_first(dtype):
    values = (torch.arange(-300, 301) / 256).to(dtype)
    expected = quantise(values.double(), value_range=(-1, 1))
    assert torch.equal(quantise(values, value_range=(-1, 1)), expected)


def test_the_input_is_left_alone():
    for dtype in (torch.float32, torch.float64):
        values = torch.linspace(-1, 1, 12, dtype=dtype).reshape(1, 3, 2, 2)
        before = values.clone()
        assert quantise(values, value_range=(-1, 1)).shape == values.shape
        assert torch.equal(values, before)


def test_values_a_little_outside_are_left_to_the_clip():
    check_range(torch.tensor([[-1.09, 1.09], [0.0, 0.0]]), (-1, 1), name="net", remedy="look")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_the_first_image_that_is_not_finite_is_named(bad):
    values = torch.zeros(4, 3, 2, 2)
    values[2, 1, 0, 1] = values[3, 0, 0, 0] = bad
    with pytest.raises(InputError, match=r"^net\[2\]: NaN or infinity"):
        check_range(values, (-1, 1), name="net", remedy="look")
    with pytest.raises(InputError, match=r"^net: NaN or infinity"):
        check_range(values[2:3], (-1, 1), name="net", remedy="look")


@pytest.mark.parametrize("value", [1.11, -1.11, 255.0])
def test_values_outside_give_declared_and_observed_range(value):
    values = torch.zeros(3, 3, 2, 2)
    values[1, 0, 0, 0] = value
    observed = f"{min(value, 0):g} to {max(value, 0):g}"
    with pytest.raises(InputError) as caught:
        check_range(values, (-1, 1), name="net", remedy="look")
    assert str(caught.value).startswith("net[1]: ")
    assert f"observed from {observed};" in str(caught.value)
    assert "values in the declared range, -1 to 1" in str(caught.value)
