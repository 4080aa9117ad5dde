"""Networks of the usual families, and all that torch itself loads under other names."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from ganeval.errors import InputError, UsageError
from ganeval.generators.entries import build
from ganeval.generators.filling import Filled, fill
from tests.generators.families import AutoEncoder, BigGan, Mimicry, StyleGan2, StyleGan2Ada
from tests.generators.networks import seeded
from tests.generators.test_averages import holds, prefixed, stops_with

FAMILIES = [Mimicry, BigGan, StyleGan2, StyleGan2Ada]
Z = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))


def images(network: nn.Module, z: torch.Tensor = Z) -> torch.Tensor:
    with torch.no_grad():
        return network.eval()(z)


def filled(network: nn.Module, content: Any, **options: Any) -> Filled:
    return fill(network, content, name="g.pt", **options)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "save",
    [
        lambda state, _: state,
        lambda state, _: {"model_state_dict": state, "global_step": 3},  # mimicry
        lambda state, other: {"g": other, "d": {"x": torch.ones(9)}, "g_ema": state},  # rosinality
        lambda state, _: {"state_dict": prefixed("generator.module.", state)},
        lambda state, other: {
            "g": other, "g_ema": [one for one in state.values() if isinstance(one, nn.Parameter)],
        },
    ],
    ids=["bare", "mimicry", "rosinality", "lightning", "list"],
)  # fmt: skip
def test_families_make_their_own_images(family: Any, save: Callable[..., Any]) -> None:
    right, raw, network = seeded(family()), seeded(family(), seed=1), family()
    for name, value in raw.named_buffers():  # a list takes the buffers of the network beside it
        value.copy_(right.get_buffer(name))
    filled(network, save(right.state_dict(keep_vars=True), raw.state_dict()))
    assert torch.equal(images(network), images(right))


def weight_normed(how: Callable[..., nn.Module]) -> nn.Module:
    return nn.Sequential(nn.Linear(8, 8), how(nn.Linear(8, 6)))


@pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")
@pytest.mark.parametrize("wrapper", ["", "module.", "_orig_mod.module."])
def test_old_weight_norm_goes_into_the_new_parametrization(wrapper: str) -> None:
    old = seeded(weight_normed(nn.utils.weight_norm))
    new = weight_normed(parametrizations.weight_norm)
    assert "1.weight_g" in old.state_dict()
    assert "1.parametrizations.weight.original0" in new.state_dict()
    filled(new, prefixed(wrapper, old.state_dict()))
    assert torch.allclose(images(new), images(old), atol=1e-6)


def test_lazy_layers_take_their_shapes_from_the_file() -> None:
    right = nn.Sequential(nn.Linear(8, 5), nn.BatchNorm1d(5))
    lazy = nn.Sequential(nn.LazyLinear(5), nn.LazyBatchNorm1d())
    content = {"d": {"0.weight": torch.zeros(7, 80), "0.bias": torch.zeros(7)}}
    filled(lazy, {**content, "g": seeded(right).state_dict()})
    assert torch.equal(images(lazy), images(right))
    partly = nn.Sequential(nn.LazyLinear(5))
    assert "1 tensor missing (0.bias)" in stops_with(partly, {"0.weight": torch.zeros(5, 8)})


@pytest.mark.parametrize("wrapped_part", ["", "block1.", "block1.c1."])
@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod.", "_orig_mod.module."])
def test_names_of_wrappers_anywhere(wrapped_part: str, wrapper: str) -> None:
    right, network = seeded(Mimicry()), Mimicry()
    state = {
        name.replace(wrapped_part, wrapped_part + wrapper, 1)
        if name.startswith(wrapped_part)
        else name: value
        for name, value in right.state_dict().items()
    }
    filled(network, state)
    assert holds(network, right)


def test_a_part_that_is_really_called_module() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module, self.weight = nn.Linear(3, 3, bias=False), nn.Parameter(torch.zeros(3, 3))

    right, network = seeded(Both()), Both()
    filled(network, right.state_dict())
    assert holds(network, right)


@pytest.mark.parametrize("wrap", [nn.DataParallel, nn.Sequential])
def test_an_entry_that_wraps_the_network(wrap: Any) -> None:
    right, network = seeded(Mimicry()), wrap(Mimicry())
    filled(network, {"g": right.state_dict()})
    assert holds(next(network.children()), right)


def test_buffers_that_are_not_needed_may_be_missing() -> None:
    right, network = seeded(StyleGan2(with_noises=False)), StyleGan2()
    message = stops_with(StyleGan2(), right.state_dict())
    assert "3 tensors missing (noises.noise_0, noises.noise_1, noises.noise_2)" in message
    assert message.endswith("add --allow-missing 'noises.*' (in Python allow_missing='noises.*')")
    found = filled(network, right.state_dict(), allow_missing="noises.*")
    assert found.origin()["missing"] == ["noises.noise_0", "noises.noise_1", "noises.noise_2"]
    assert torch.equal(images(network), images(right))
    content = {"g": right.state_dict(), "ema": [one + 1 for one in right.parameters()]}
    assert filled(StyleGan2(), content, allow_missing="noises.*").missing == found.missing


def test_what_may_be_missing_still_comes_from_the_network_beside_an_average() -> None:
    right, raw, network = seeded(Mimicry()), seeded(Mimicry(), seed=1), Mimicry()
    for name, value in right.named_buffers():
        value.copy_(raw.get_buffer(name))
    content = {"g": raw.state_dict(), "ema": list(right.parameters())}
    found = filled(network, content, allow_missing="*")
    assert (found.completed_by, found.missing) == ("g", ())
    assert holds(network, right)


def test_one_pattern_covers_the_buffers_of_every_layer() -> None:
    state = seeded(StyleGan2Ada()).state_dict()
    lean = {name: one for name, one in state.items() if "noise_const" not in name}
    assert "add --allow-missing '*noise_const' (in Python " in stops_with(StyleGan2Ada(), lean)
    found = filled(StyleGan2Ada(), lean, allow_missing="w_avg, *noise_const")
    assert len(found.missing) == 2


def test_parameters_may_not_be_missing() -> None:
    state = seeded(StyleGan2()).state_dict()
    del state["conv1.activate.bias"]
    message = stops_with(StyleGan2(), state, allow_missing="*")
    assert "1 tensor missing (conv1.activate.bias)" in message
    assert "--allow-missing" not in message


def test_what_a_file_lacks_is_the_same_in_every_run() -> None:
    entry = "tests.generators.families:StyleGan2"
    assert holds(build(entry, {}), build(entry, {}))


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("prefix", ["", "model."])
def test_a_submodule_of_a_larger_network(whole: bool, prefix: str) -> None:
    right, network = seeded(AutoEncoder()), AutoEncoder()
    other = {"encoder.weight": torch.zeros(2, 2)}  # that of another version
    state = right.state_dict() if whole else {**right.state_dict(), **other}
    if not whole:
        del state["encoder.bias"]
    found = filled(network, {"state_dict": prefixed(prefix, state)}, submodule="decoder")
    assert found.network is network.decoder
    assert torch.equal(images(found.network), images(right.decoder))  # type: ignore[arg-type]
    assert found.missing == ()


def test_a_submodule_alone_in_a_file_and_its_average() -> None:
    right, raw = seeded(Mimicry()), seeded(AutoEncoder())
    content = {"model": raw.state_dict(), "decoder_ema": right.state_dict()}
    found = filled(AutoEncoder(), content, submodule="decoder")
    assert holds(found.network, right)
    with pytest.raises(UsageError, match=r"submodule 'decodr'.* encoder, decoder"):
        filled(AutoEncoder(), content, submodule="decodr")


def test_an_error_names_the_best_match() -> None:
    state = seeded(StyleGan2()).state_dict()
    state["conv1.conv.weight"] = torch.zeros(1, 5, 5, 3, 3)
    content = {
        "state": {"model": {"g": state, "steps": {"small": torch.zeros(1)}}},
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}},
    }
    message = stops_with(StyleGan2(), content)
    assert "the tensors under 'state.model.g' are those of another network: 1 tensor of" in message
    assert "conv1.conv.weight [1, 5, 5, 3, 3] instead of [1, 4, 4, 3, 3]" in message


def test_trying_leaves_a_network_as_it_was() -> None:
    network = nn.ModuleDict({"rnn": nn.LSTM(3, 3), "lazy": nn.LazyLinear(2)})
    before = dict(network.named_parameters())
    state = {f"rnn.{name}": value + 1 for name, value in seeded(nn.LSTM(3, 3)).state_dict().items()}
    with pytest.raises(InputError):
        filled(network, {**state, "lazy.weight": torch.zeros(2, 3)})
    assert all(value is before[name] for name, value in network.named_parameters())
    assert all(one is before[f"rnn.{name}"] for one, name in zip(
        network["rnn"]._flat_weights, network["rnn"]._flat_weights_names, strict=True))  # type: ignore[arg-type, union-attr]  # fmt: skip
    other = copy.deepcopy(nn.LSTM(3, 3))
    filled(other, {name.removeprefix("rnn."): one for name, one in state.items()})
    x = torch.ones(1, 1, 3)
    torch_own = nn.LSTM(3, 3)
    torch_own.load_state_dict({name.removeprefix("rnn."): one for name, one in state.items()})
    assert torch.equal(other(x)[0], torch_own(x)[0])
