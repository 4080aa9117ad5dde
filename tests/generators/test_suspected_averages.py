"""Averages of weights that are not recognised well enough to be taken, and what is none."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from ganeval.errors import InputError
from ganeval.generators.filling import fill
from tests.generators.networks import seeded


class Equal(nn.Module):
    """Blocks of one shape, and BatchNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.bn = nn.Linear(8, 8), nn.Linear(8, 8), nn.BatchNorm1d(8)


RAW, AVERAGE = seeded(Equal()), seeded(Equal(), seed=1)
STATE, MEAN = RAW.state_dict(), AVERAGE.state_dict()
IN_ORDER = [value.detach() for value in AVERAGE.parameters()]


def beside(rename: Callable[[str], str]) -> dict[str, torch.Tensor]:
    """A flat file of the weights and of the average under other names."""
    weights = {f"net.{name}": value for name, value in STATE.items()}
    return weights | {rename(name): value for name, value in MEAN.items()}


def kept_by_optimiser(key: str) -> dict[str, Any]:
    """What an optimiser keeps for each parameter, under its number."""
    state = {number: {"step": torch.ones(()), key: one} for number, one in enumerate(IN_ORDER)}
    return {"state": state, "param_groups": [{"lr": 0.1, "params": list(state)}]}


def kept_as(key: str) -> dict[str, Any]:
    return {"netG": STATE, key: MEAN}


def each(change: Callable[[torch.Tensor], torch.Tensor]) -> dict[str, Any]:
    return {"netG": STATE, "netG_ema": {name: change(value) for name, value in MEAN.items()}}


SUSPECTED: dict[str, Any] = {
    "a tuple in an optimiser": {
        "state_dict": STATE, "optimizer_states": [{"opt": {"state": {}}, "ema": tuple(IN_ORDER)}]
    },
    "a state dict in an optimiser": {"netG": STATE, "optimizer": {"state": {}, "ema": MEAN}},
    **{
        f"{key} in an optimiser": {"netG": STATE, "optG": kept_by_optimiser(key)}
        for key in ("ema", "param_exp_avg", "swa_buffer")
    },
    **{
        key: kept_as(key)
        for key in ("momentum_netG", "netG_momentum", "ema_momentum_0.999", "current_ema.x")
    },
    "one dict a parameter": {
        "netG": STATE, "averager": {number: {"avg": one} for number, one in enumerate(IN_ORDER)}
    },
    "value and average": {
        "netG": STATE, "weights": {k: {"value": STATE[k], "ema": MEAN[k]} for k in STATE}
    },
    "a list of dicts": {
        "netG": STATE, "averages": [{"name": k, "value": one} for k, one in MEAN.items()]
    },
    "a dict for each of ewma": {"netG": STATE, "ewma": {k: {"m": one} for k, one in MEAN.items()}},
    "a dict for each of a teacher": {
        "netG": STATE, "mean_teacher": {k: {"v": one} for k, one in MEAN.items()}
    },
    "a list of ewma": {"netG": STATE, "ewma": IN_ORDER},
    "slash": beside("ema/{}".format),
    "colon": beside("ema:{}".format),
    "dash": beside("ema-{}".format),
    "in front": beside("g_ema_{}".format),
    "capitals": beside("EMA_{}".format),
    "behind": beside("{}.ema".format),
    "joined behind": beside("{}_ema".format),
    "inside": beside(lambda name: name.replace(".", "_ema.")),
    "of a flat optimiser": beside("optimizer.ema.{}".format),
    "one vector": {"netG": STATE, "ema": torch.cat([one.flatten() for one in IN_ORDER])},
    "sparse": each(lambda one: one.to_sparse() if one.ndim else one),
    "complex": each(lambda one: one.to(torch.complex64)),
    "float8": each(lambda one: one.float().to(torch.float8_e4m3fnuz)),
    "a misfit by its form": {
        "netG": STATE, "second": {"n_averaged": torch.tensor(3), "x": torch.cat(IN_ORDER[:4:2])}
    },
    "the other of two": {
        "netG": STATE, "ema_0.9": STATE, "ema_0.9999": {f"x.{k}.v": one for k, one in MEAN.items()}
    },
}  # fmt: skip


def is_like(network: nn.Module, other: nn.Module) -> bool:
    own = dict(network.named_parameters())
    return all(torch.equal(value, own[name]) for name, value in other.named_parameters())


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize("form", SUSPECTED)
def test_an_average_is_used_or_the_weights_are_taken_by_key_alone(form: str) -> None:
    network = Equal()
    try:
        fill(network, SUSPECTED[form], name="g.pt")
    except InputError as error:
        said = str(error)
    else:
        assert is_like(network, AVERAGE)
        return
    assert "like an average of weights" in said
    found = re.search(r"for th.*? add --key (\S+) ", said)
    assert found is not None
    assert not is_like(network, RAW)
    fill(network, SUSPECTED[form], name="g.pt", key=found[1])
    assert is_like(network, RAW)
    if other := re.search(r"for the other --key (\S+) ", said):
        fill(network, SUSPECTED[form], name="g.pt", key=other[1])
        assert is_like(network, AVERAGE)


def trained_by(optimiser: type[torch.optim.Optimizer], **options: Any) -> dict[str, Any]:
    """The state of an optimiser after one step."""
    network = seeded(Equal())
    stepping = optimiser(network.parameters(), lr=1e-3, **options)
    sum((one**2).sum() for one in network.parameters()).backward()  # type: ignore[union-attr]
    stepping.step()
    return stepping.state_dict()


OPTIMISERS = {
    "adam": trained_by(torch.optim.Adam, amsgrad=True),
    "sgd": trained_by(torch.optim.SGD, momentum=0.9),
    "rmsprop": trained_by(torch.optim.RMSprop, centered=True, momentum=0.9),
    "adadelta": trained_by(torch.optim.Adadelta),
    "adamax": trained_by(torch.optim.Adamax),
    "adafactor": trained_by(torch.optim.Adafactor),
}
CRITIC = {f"layers.{number}.bn.running_mean": torch.zeros(500) for number in range(3)}
PLAIN: dict[str, Any] = {
    **{name: {"netG": STATE, "optG": state} for name, state in OPTIMISERS.items()},
    "lists of moments": {
        "g": STATE, "solver": {"exp_avg": IN_ORDER[:2], "max_exp_avg_sq": IN_ORDER}
    },
    "flat moments": {f"netG.{k}": v for k, v in STATE.items()} | {
        f"adam/{k}/exp_avg_sq": v for k, v in MEAN.items()
    },
    "momentum in lists": {
        "g": STATE, "optimizer": {"momentum": IN_ORDER[:-1], "momentum_buffer": MEAN}
    },
    "lightning": {
        "state_dict": {f"netG.{k}": v for k, v in STATE.items()} | CRITIC, "epoch": 3,
        "optimizer_states": [OPTIMISERS["adam"], OPTIMISERS["sgd"]],
        "lr_schedulers": [{"last_epoch": 3, "avg": 0.1}], "callbacks": {"EMA": {"decay": 0.9}},
    },
    "numbers": {
        "g": STATE, "d": CRITIC, "ema_decay": torch.tensor(0.999), "n_averaged": torch.tensor(0),
        "ema": {"num_updates": torch.tensor(3)}, "w_avg": torch.zeros(8),
    },
    "raw copies": {"g": STATE, "ema": {"backup": {f"x{k}": v for k, v in MEAN.items()}}},
}  # fmt: skip
AVERAGED: dict[str, Any] = {
    "stylegan2": {
        "g": STATE, "d": CRITIC, "g_ema": MEAN, "g_optim": OPTIMISERS["adam"],
        "d_optim": OPTIMISERS["adam"], "mean_path": torch.zeros(()), "ada_aug_p": torch.zeros(1),
    },
    "averages of both networks": {
        "g": STATE, "d": CRITIC, "ema": {"g": MEAN, "d": CRITIC}, "d_ema": CRITIC
    },
    "with a counter": {"g": STATE, "g_ema": {"n_averaged": torch.tensor(2), **MEAN}},
    "twice": {"g": STATE, "g_ema": MEAN, "ema": {k: v.clone() for k, v in MEAN.items()}},
}  # fmt: skip


@pytest.mark.parametrize("form", PLAIN)
def test_no_average_is_suspected_in_a_plain_checkpoint(form: str) -> None:
    network = Equal()
    assert not fill(network, PLAIN[form], name="g.pt").averaged
    assert is_like(network, RAW)


@pytest.mark.parametrize("form", AVERAGED)
def test_no_other_average_is_suspected_beside_the_one_that_is_taken(form: str) -> None:
    network = Equal()
    assert fill(network, AVERAGED[form], name="g.pt").averaged
    assert is_like(network, AVERAGE)
