"""The tensors of one network among all that a file holds."""

import re
from typing import Any

import pytest
import torch
from torch import nn

from ganeval.errors import InputError
from ganeval.generators.filling import fill
from tests.generators.networks import Example, seeded

STATE = seeded(Example()).state_dict()


def misfit(network: nn.Module, content: Any) -> str:
    with pytest.raises(InputError) as caught:
        fill(network, content, name="g.pt", key=None)
    return str(caught.value)


def normed(how: Any) -> nn.Module:
    return nn.Sequential(how(nn.Linear(3, 3)))


@pytest.mark.parametrize(
    ("network", "content", "hint"),
    [
        (
            normed(lambda layer: layer),
            normed(torch.nn.utils.spectral_norm).state_dict(),
            r"the file has tensors of torch\.nn\.utils\.spectral_norm",
        ),
        (
            normed(torch.nn.utils.spectral_norm),
            normed(lambda layer: layer).state_dict(),
            r"the entry's network has tensors of torch\.nn\.utils\.spectral_norm",
        ),
        (
            normed(lambda layer: layer),
            normed(torch.nn.utils.parametrizations.spectral_norm).state_dict(),
            r"the file has tensors of torch\.nn\.utils\.parametrizations",
        ),
        (
            normed(lambda layer: layer),
            {"0.weight": torch.zeros(3, 3), "0.sn_u": torch.zeros(1, 3)},
            "the file has tensors of mimicry's spectral normalisation",
        ),
    ],
)
def test_names_tell_how_another_network_was_made(
    network: nn.Module, content: Any, hint: str
) -> None:
    message = misfit(network, content)
    assert re.search(hint, message)
    assert "correct entry or kwargs" in message


def test_a_misfit_lists_the_first_five_of_each_kind() -> None:
    message = misfit(Example(), {f"other.{number}": torch.zeros(1) for number in range(9)})
    assert "9 tensors unknown (other.0, other.1, other.2, other.3, other.4 and 4 more)" in message
    assert "tensors missing (main.0.weight, " in message
    assert "has tensors of" not in message


def test_tensors_that_are_not_finite_do_not_fit() -> None:
    spoiled = {name: value.clone() for name, value in STATE.items()}
    spoiled["main.0.weight"][0] = float("nan")
    message = misfit(Example(), spoiled)
    assert "not finite: 1 tensor with NaN or infinity (main.0.weight); " in message
    assert "another network" not in message
    assert "entry or kwargs" not in message


def test_tensors_of_strange_kinds_are_none_of_the_networks() -> None:
    strange = [
        torch.eye(3).to_sparse(),
        torch.eye(3).to(torch.complex64),
        torch.empty(3, 3, device="meta"),
    ]
    for value in strange:
        message = misfit(nn.Linear(3, 3), {"weight": value, "bias": torch.zeros(3)})
        assert "1 tensor missing (weight)" in message


def test_a_file_without_tensors_says_so() -> None:
    assert "holds no tensors of a network; " in misfit(Example(), {"epoch": 3, "args": {"lr": 0.1}})


@pytest.mark.parametrize(
    ("content", "path", "averaged"),
    [
        (STATE, "", False),
        ({"generator_test": STATE, "generator": STATE}, "generator_test", True),
        ({"g": STATE, "ema": {"module": STATE}}, "ema.module", True),
        ({"model_state_dict": STATE, "global_step": 10}, "model_state_dict", False),
    ],
)
def test_the_choice_is_told(content: Any, path: str, averaged: bool) -> None:
    chosen = fill(Example(), content, name="g.pt", key=None)
    assert (chosen.path, chosen.averaged) == (path, averaged)
