"""Moving averages of weights in every form they are saved in, beside the weights themselves."""

import copy
import io
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganeval.errors import InputError
from ganeval.generators.filling import fill
from ganeval.generators.foreign import read_content
from tests.generators.networks import Example, seeded

RAW = seeded(Example())
AVERAGE = seeded(copy.deepcopy(RAW), seed=1)  # other parameters, and the buffers of RAW
for _name, _value in AVERAGE.state_dict().items():
    if _name not in dict(RAW.named_parameters()):
        _value.copy_(RAW.state_dict()[_name])

BY_NAME = {name: value.detach() for name, value in AVERAGE.named_parameters()}
IN_ORDER = list(BY_NAME.values())
CRITIC = {"layer.weight": torch.zeros(3)}


def dotless(prefix: str = "") -> dict[str, torch.Tensor]:
    return {prefix + name.replace(".", ""): value for name, value in BY_NAME.items()}


def prefixed(prefix: str, tensors: Any) -> dict[str, Any]:
    return {prefix + name: value for name, value in tensors.items()}


def torch_file(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def flat(content: Any, prefix: str = "") -> dict[str, torch.Tensor]:
    """The tensors of nested containers under dotted names, as a safetensors file has them."""
    entries = content.items() if isinstance(content, dict) else enumerate(content)
    found: dict[str, torch.Tensor] = {}
    for key, value in entries:
        if isinstance(value, torch.Tensor):
            found[f"{prefix}{key}"] = value.clone().contiguous()
        elif isinstance(value, tuple) and isinstance(value[0], str):
            found[f"{prefix}{value[0]}"] = value[1].clone().contiguous()
        elif isinstance(value, dict | list | tuple):
            found |= flat(value, f"{prefix}{key}.")
    return found


def holds(network: nn.Module, other: nn.Module) -> bool:
    """Whether two networks have the same values."""
    own, others = network.state_dict(), other.state_dict()
    return all(torch.equal(value, others[name]) for name, value in own.items())


# torch_ema, FastGAN, a dict of EMA classes, LDM, AveragedModel, ema-pytorch, flat files, ...
FORMS: dict[str, Any] = {
    "torch_ema": {
        "model": RAW.state_dict(),
        "ema": {
            "decay": 0.9, "num_updates": 9, "shadow_params": IN_ORDER,
            "collected_params": [value.detach() for value in RAW.parameters()],
        },
    },
    "a list": {"g": RAW.state_dict(), "d": CRITIC, "g_ema": IN_ORDER},
    "a tuple": {"netG": RAW.state_dict(), "avg_param_G": tuple(IN_ORDER)},
    "pairs": {"g": RAW.state_dict(), "ema": list(BY_NAME.items())},
    "by name": {"model": RAW.state_dict(), "ema": {"shadow": BY_NAME}},
    "with a backup": {
        "model": RAW.state_dict(),
        "ema": {"shadow": BY_NAME, "backup": dict(RAW.named_parameters())},
    },
    "beside bare names": {**RAW.state_dict(), "ema": BY_NAME},
    "litema": {
        "state_dict": prefixed("model.", RAW.state_dict())
        | {"model_ema.decay": torch.tensor(0.9), "model_ema.num_updates": torch.tensor(3)}
        | prefixed("model_ema.", dotless()),
    },
    "litema of a wrapper": {
        "state_dict": prefixed("model.diffusion_model.", RAW.state_dict())
        | {"model_ema.decay": torch.tensor(0.9)}
        | prefixed("model_ema.", dotless("diffusion_model")),
    },
    "underscores": {
        "g": RAW.state_dict(), "ema": {name.replace(".", "_"): one for name, one in BY_NAME.items()}
    },
    "a prefix of names": {
        "state_dict": RAW.state_dict() | prefixed("ema_", BY_NAME)
    },
    "averaged model": {
        "g": RAW.state_dict(),
        "swa_G": {"n_averaged": torch.tensor(3)} | prefixed("module.", AVERAGE.state_dict()),
    },
    "averaged model by its form": {
        "g": RAW.state_dict(),
        "second": {"n_averaged": torch.tensor(3)} | prefixed("module.", AVERAGE.state_dict()),
    },
    "ema-pytorch": {
        "ema": prefixed("online_model.", RAW.state_dict())
        | prefixed("ema_model.", AVERAGE.state_dict())
        | {"initted": torch.tensor(True), "step": torch.tensor(4)},
    },
    "lightning": {
        "state_dict": prefixed("generator.", RAW.state_dict()) | prefixed("critic.", CRITIC),
        "callbacks": {"EMACallback": {"state": {"generator": {"ema_weights": IN_ORDER}}}},
        "optimizer_states": [{"state": {0: {"exp_avg": IN_ORDER[0], "step": torch.tensor(1)}}}],
    },
    "with adam": {
        "g": RAW.state_dict(), "g_ema": IN_ORDER,
        "g_optim": {"exp_avg": [one * 0 for one in IN_ORDER], "exp_avg_sq": IN_ORDER},
    },
    "parallel": {
        "g": prefixed("module.", RAW.state_dict()), "g_ema": prefixed("module.", BY_NAME)
    },
    "twice": {"g": RAW.state_dict(), "g_ema": IN_ORDER, "ema": AVERAGE.state_dict()},
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("container", ["pt", "safetensors"])
def test_every_form_of_an_average_is_the_same_network(form: str, container: str) -> None:
    content = FORMS[form]
    data = torch_file(content) if container == "pt" else safetensors.torch.save(flat(content))
    network = Example()
    filled = fill(network, read_content(data, name="g.pt"), name="g.pt")
    assert filled.averaged
    assert holds(network, AVERAGE)
    assert filled.missing == ()


@pytest.mark.parametrize(
    ("key", "expected"), [("model", RAW), ("ema.shadow_params", AVERAGE), ("ema", AVERAGE)]
)
def test_a_key_names_either(key: str, expected: nn.Module) -> None:
    network = Example()
    filled = fill(network, FORMS["torch_ema"], name="g.pt", key=key)
    assert holds(network, expected)
    assert filled.averaged == (expected is AVERAGE)


def test_a_key_names_the_top_of_a_file() -> None:
    network = Example()
    assert not fill(network, FORMS["beside bare names"], name="g.pt", key=".").averaged
    assert holds(network, RAW)


def test_the_report_says_what_completed_an_average() -> None:
    origin = fill(Example(), FORMS["a list"], name="g.pt").origin()
    assert origin == {"key": "g_ema", "ema": True, "completed_by": "g"}
    assert fill(Example(), RAW.state_dict(), name="g.pt").origin() == {"key": "", "ema": False}


def stops_with(network: nn.Module, content: Any, **options: Any) -> str:
    """The line of an error, which leaves the network as it was."""
    before = dict(network.state_dict(keep_vars=True))
    with pytest.raises(InputError) as caught:
        fill(network, content, name="g.pt", **options)
    assert all(one is before[name] for name, one in network.state_dict(keep_vars=True).items())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def stops(content: Any) -> str:
    return stops_with(Example(), content)


@pytest.mark.parametrize(
    ("average", "reason"),
    [
        (IN_ORDER[:-1], "a list of 6 tensors, whose shapes are not those of the 7 parameters"),
        (IN_ORDER[::-1], "whose shapes are not those of the 7 parameters in their order"),
        ({name + "x": one for name, one in BY_NAME.items()}, "7 tensors unknown"),
        ({**BY_NAME, "main.0.weight": torch.full((8, 8, 4, 4), torch.nan)}, "NaN or infinity"),
        ({name: {"value": one} for name, one in BY_NAME.items()}, "does not fit"),
        ({**BY_NAME, "main.9.x": torch.zeros(3)}, "1 tensor unknown (main.9.x)"),
    ],
    ids=["short", "reversed", "renamed", "nan", "each in a dict", "more"],
)
def test_weights_are_not_taken_beside_an_average_that_does_not_fit(
    average: Any, reason: str
) -> None:
    content = {"g": RAW.state_dict(), "g_ema": average}
    message = stops(content)
    assert "'g_ema' looks like an average of weights" in message
    assert reason in message
    assert "add --key g (in Python key='g'), or " in message
    assert ("entry or kwargs" in message) == (reason != "NaN or infinity")
    network = Example()
    fill(network, content, name="g.pt", key="g")
    assert holds(network, RAW)


def test_a_list_without_a_name_is_a_choice() -> None:
    message = stops({"g": RAW.state_dict(), "w": IN_ORDER})
    assert "2 sets of tensors fit the network: 'g' (13 tensors), 'w' (7 tensors)" in message
    network = Example()
    fill(network, {"g": RAW.state_dict(), "w": IN_ORDER}, name="g.pt", key="w")
    assert holds(network, AVERAGE)


def test_two_averages_are_a_choice() -> None:
    other = [one + 1 for one in IN_ORDER]
    assert "--key ema_0.9" in stops({"g": RAW.state_dict(), "ema_0.9": IN_ORDER, "ema_0.99": other})


def test_an_average_needs_its_buffers_from_somewhere() -> None:
    message = stops({"g_ema": BY_NAME})
    assert "8 tensors missing" not in message  # counters play no part
    assert "4 tensors missing (main.1.running_mean, " in message
    two = {"a": RAW.state_dict(), "b": {k: v + 1 for k, v in RAW.state_dict().items()}}
    assert "2 sets of tensors fit" in stops({**two, "w": IN_ORDER})


@pytest.mark.parametrize("average", [{"shadow_params": IN_ORDER}, {"g_ema": BY_NAME}, IN_ORDER])
def test_an_average_without_statistics_says_what_is_missing_and_the_way_out(average: Any) -> None:
    message = stops(average)
    assert "another network" not in message
    assert "lack buffers of the entry's network: 4 tensors missing (main.1.running_mean" in message
    assert "--allow-missing" not in message  # its images do depend on them
    assert message.endswith("torch.save({'G': G.state_dict(), 'ema': ema.state_dict()}, 'both.pt')")
    network = Example()
    assert fill(network, {"G": RAW.state_dict(), "ema": average}, name="both.pt").averaged
    assert holds(network, AVERAGE)


def test_a_state_dict_without_statistics_is_saved_whole() -> None:
    assert stops(dict(RAW.named_parameters())).endswith("torch.save(G.state_dict(), 'G.pt')")


def test_small_averages_inside_other_networks_are_none_of_the_weights() -> None:
    network = Example()
    content = {
        "g": RAW.state_dict(),
        "codes": {"embed_avg": torch.zeros(4), "ema.w": torch.ones(2)},
    }
    assert not fill(network, content, name="g.pt").averaged
    assert holds(network, RAW)


class Tied(nn.Module):
    """Two names for one weight, a frozen one, and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3)
        self.b.weight = self.a.weight
        self.c.requires_grad_(False)
        self.register_buffer("scale", torch.zeros(2))


@pytest.mark.parametrize("all_of_them", [True, False])
def test_tied_and_frozen_parameters_in_a_list(all_of_them: bool) -> None:
    raw, average = seeded(Tied()), seeded(Tied(), seed=1)
    if not all_of_them:
        average.c.load_state_dict(raw.c.state_dict())  # type: ignore[union-attr, operator]
    average.scale.copy_(raw.scale)  # type: ignore[union-attr, operator]
    kept = [one for one in average.parameters() if all_of_them or one.requires_grad]
    network = Tied()
    fill(network, {"g": raw.state_dict(), "ema": kept}, name="g.pt")
    assert holds(network, average)
    assert network.b.weight is network.a.weight


@pytest.mark.parametrize("kept", ["a.weight", "b.weight"])
def test_a_tied_weight_may_stand_under_one_name(kept: str) -> None:
    right, network = seeded(Tied()), Tied()
    state = right.state_dict()
    lean = {name: one for name, one in state.items() if name == kept or name[2:] != "weight"}
    lean["c.weight"] = state["c.weight"]
    fill(network, lean, name="g.pt")
    assert holds(network, right)


def test_containers_in_themselves_end() -> None:
    content: dict[str, Any] = {"g": RAW.state_dict()}
    content["again"] = content
    content["list"] = [content]
    assert fill(Example(), content, name="g.pt").path == "g"
    wide: Any = {"x": torch.zeros(1)}
    for _ in range(15):
        wide = [wide] * 9
    assert "holds more than 100,000 dicts and lists" in stops({"g": RAW.state_dict(), "w": wide})


wrapper = st.sampled_from(["state", "model", "generator", "net", "module", "nested.twice"])


@settings(max_examples=40, deadline=None)
@given(
    form=st.sampled_from(sorted(FORMS)),
    wrappers=st.lists(wrapper, max_size=4),
    beside=st.dictionaries(
        st.sampled_from(["epoch", "args", "losses", "d", "d_optim"]),
        st.sampled_from([3, "text", None, [1.0, 2.0], {"lr": 0.1}, CRITIC, [torch.zeros(2)]]),
    ),
)
def test_nesting_changes_no_network(form: str, wrappers: list[str], beside: Any) -> None:
    content = FORMS[form]
    for key in wrappers:
        content = {**beside, key: content}
    network = Example()
    assert fill(network, content, name="g.pt").averaged
    assert holds(network, AVERAGE)


BYTES = {form: torch_file(content) for form, content in FORMS.items()} | {
    f"flat {form}": safetensors.torch.save(flat(content)) for form, content in FORMS.items()
}


@settings(max_examples=60, deadline=None)
@given(
    form=st.sampled_from(sorted(BYTES)),
    share=st.floats(0, 1, exclude_max=True),
    changes=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255), st.booleans())),
)
def test_a_damaged_file_is_one_line(form: str, share: float, changes: Any) -> None:
    whole = BYTES[form]
    cut = whole[: int(share * len(whole))]
    changed = bytearray(whole)
    for at, value, from_the_end in changes:  # the directories of files stand at one of their ends
        changed[-1 - at if from_the_end else at] = value
    for data in (cut, bytes(changed)):
        said = ""
        try:
            fill(Example(), read_content(data, name="g.pt"), name="g.pt")
        except InputError as error:
            said = str(error)
        assert "\n" not in said
        assert said or data != cut
