"""What builds a network, and whom a file may ask for it."""

import sys
from collections.abc import Iterator
from pathlib import Path

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
    for one in LISTED.load(name).exported.values():
        check_listed(one.entry, name="g.safetensors")


@pytest.mark.parametrize(
    "entry",
    [
        "os:system",
        "reference_models.dcgan:make_game",
        "reference_models.dcgan:torch",
        "reference_models.dcgan:Generator.__init__",
        "reference_models.dcgan",
        "reference_models:MODELS",
        "antigravity:fly",
        "",
    ],
)
def test_nothing_else_may_and_is_not_imported(entry: str) -> None:
    with pytest.raises(InputError, match="not one of ganeval's models"):
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


NETWORK = "import torch\nfrom {0} import WIDTH\ndef make(): return torch.nn.Linear(3, WIDTH)\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder with a module and what that imports, as a console script finds it."""
    (tmp_path / "own_networks_of_a_user.py").write_text(NETWORK.format("own_parts_of_a_user"))
    (tmp_path / "own_parts_of_a_user.py").write_text("WIDTH = 7\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one])
    yield tmp_path
    for name in ("own_networks_of_a_user", "own_parts_of_a_user"):
        sys.modules.pop(name, None)


def test_an_entry_is_found_in_the_current_folder_for_who_names_it(here: Path) -> None:
    before = list(sys.path)
    with pytest.raises(UsageError, match="cannot be imported"):
        build("own_networks_of_a_user:make", {})
    network = build("own_networks_of_a_user:make", {}, here=True)
    assert network.out_features == 7
    assert sys.path == before


def test_an_entry_whose_import_fails_is_said_in_one_line(here: Path) -> None:
    (here / "own_parts_of_a_user.py").write_text("1 / 0\n")
    with pytest.raises(UsageError, match=r"cannot be imported \(ZeroDivisionError"):
        build("own_networks_of_a_user:make", {}, here=True)
    (here / "own_parts_of_a_user.py").write_text("def :\n")
    with pytest.raises(UsageError, match=r"cannot be imported \(SyntaxError"):
        build("own_networks_of_a_user:make", {}, here=True)


@pytest.mark.parametrize(
    ("entry", "remedy"),
    [
        ("own_networks_of_a_user.py:make", "not its file: 'own_networks_of_a_user:make'"),
        ("./own_networks_of_a_user.py:make", "not its file: 'own_networks_of_a_user:make'"),
        ("parts/nets.py:make", "name the module, not its file: 'parts.nets:make'"),
        ("/there/nets.py:make", "go to /there and name the module, not its file: 'nets:make'"),
        ("own_networks_of_a_user:Mak", "did you mean 'own_networks_of_a_user:make'?"),
        ("own_networks_of_a_user:x", "name one of make"),
        ("own_network_of_a_user:make", "did you mean 'own_networks_of_a_user:make'?"),
        ("nowhere:make", "install it, go to its folder, or add that to PYTHONPATH"),
    ],
)
def test_an_entry_that_is_nearly_right_is_told_how_to_write_it(
    here: Path, entry: str, remedy: str
) -> None:
    with pytest.raises(UsageError) as caught:
        build(entry, {}, here=True)
    assert caught.value.remedy.endswith(remedy)
    if "own_networks_of_a_user:make" in remedy:
        assert build("own_networks_of_a_user:make", {}, here=True).out_features == 7


def test_a_network_is_built_in_float32_whatever_the_default_is() -> None:
    expected = build(EXAMPLE, {}).state_dict()
    torch.set_default_dtype(torch.float64)
    try:
        found = build(EXAMPLE, {}).state_dict()
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(torch.equal(found[name], one) for name, one in expected.items())
    assert {one.dtype for one in found.values()} == {torch.float32, torch.int64}


def test_what_a_constructor_draws_is_the_same_each_time() -> None:
    first = build(EXAMPLE, {})
    torch.rand(3)
    again = build(EXAMPLE, {})
    assert all(map(torch.equal, first.parameters(), again.parameters()))
