"""What builds a network, and whom a file may ask for it."""

import sys

import pytest
import torch

import reference_models
from ganeval.errors import InputError, UsageError
from ganeval.generators.entries import build, check_listed
from ganeval.registry import Registry

EXAMPLE = "tests.generators.networks:Example"
LISTED = Registry("model", reference_models.MODELS)


@pytest.mark.parametrize("name", LISTED.names())
def test_the_entries_of_listed_recipes_may_be_asked_for(name: str) -> None:
    check_listed(LISTED.load(name).entry, name="g.safetensors")


@pytest.mark.parametrize(
    "entry",
    [
        "os:system",
        "reference_models.dcgan:build_game",
        "reference_models.dcgan:torch",
        "reference_models.dcgan:Generator.__init__",
        "reference_models.dcgan",
        "reference_models:MODELS",
        "antigravity:fly",
        "",
    ],
)
def test_nothing_else_may_and_is_not_imported(entry: str) -> None:
    with pytest.raises(InputError, match="none of ganeval's models"):
        check_listed(entry, name="g.safetensors")
    assert "antigravity" not in sys.modules


def test_building_leaves_the_global_random_numbers_alone() -> None:
    before = torch.get_rng_state()
    network = build(EXAMPLE, {"ngf": 4})
    assert torch.equal(torch.get_rng_state(), before)
    assert next(network.parameters()).std() > 0


@pytest.mark.parametrize(
    ("entry", "kwargs", "said"),
    [
        ("Example", {}, "name both parts"),
        ("tests.generators.nowhere:Example", {}, "cannot be imported"),
        ("tests.generators.networks:Exampel", {}, "cannot be imported"),
        (EXAMPLE, {"width": 3}, "fails with {'width': 3}.*correct kwargs"),
        ("builtins:dict", {}, "returns dict"),
    ],
)
def test_entries_that_build_nothing(entry: str, kwargs: dict[str, int], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        build(entry, kwargs)
