"""The estimate as a user asks for it: conventions, refusals, exact where there is a log_prob."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganeval
from ganeval.errors import InputError, UsageError
from ganeval.likelihood.result import mean_and_error
from ganeval.likelihood.text import to_text
from tests.command import Command

SIZE, SIDE = 3, 8
QUICK: dict[str, Any] = {"num_images": 6, "num_steps": 40, "num_chains": 4}


class Linear(torch.nn.Module):
    """Grey pictures from -1 to 1 that are linear in the latent."""

    def __init__(self) -> None:
        super().__init__()
        rng = np.random.default_rng(0)
        self.weight = torch.nn.Parameter(
            torch.from_numpy(0.1 * rng.normal(size=(SIZE, SIDE * SIDE))).float()
        )

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return (z @ self.weight).reshape(-1, 1, SIDE, SIDE)


class Gaussian(Linear):
    """The same with a density, independent Gaussians around grey, and without gradients."""

    SCALE = 0.2

    @torch.no_grad()
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return super().forward(z)

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        return torch.distributions.Normal(0.0, self.SCALE).log_prob(x).flatten(1).sum(1)


def generator(network: torch.nn.Module) -> ganeval.Generator:
    return ganeval.Generator(network, latent_size=SIZE, value_range=(-1, 1))


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    """uint8 [30, 1, 8, 8]: what the generator makes, with noise of standard deviation 5 levels."""
    rng = np.random.default_rng(1)
    with torch.no_grad():
        made = Linear()(torch.from_numpy(rng.normal(size=(30, SIZE))).float())
    noisy = (made + 1) * 127.5 + torch.from_numpy(rng.normal(0, 5, size=made.shape))
    return noisy.round().clamp(0, 255).byte()


def test_the_bound_is_below_the_closed_form_and_near_it(pictures: torch.Tensor) -> None:
    network, variance = Linear(), 0.001
    many = {**QUICK, "num_steps": 100}
    found = ganeval.log_likelihood(generator(network), pictures, variance=variance, **many)
    assert found.method == "ais"
    # In x = (level + 1/2) / 256 the decoder is z W 127.5 / 256 + 128 / 256.
    weight = network.weight.detach().double().numpy() * 127.5 / 256
    covariance = weight.T @ weight + variance * np.eye(SIDE * SIDE)
    chosen = [int(name) for name in found.names]
    # The uniform noise that was added is not known here: its mean, plus what its variance costs.
    x = (pictures.double().numpy()[chosen].reshape(len(chosen), -1) + 0.5) / 256 - 0.5
    inverse = np.linalg.inv(covariance)
    quadratic = np.einsum("ni,ij,nj->n", x, inverse, x) + np.trace(inverse) / 12 / 256**2
    dimensions = SIDE * SIDE
    truth = -(quadratic + np.linalg.slogdet(covariance)[1] + dimensions * math.log(2 * math.pi)) / 2
    assert abs(found.values.mean() - truth.mean()) < 1.5
    assert found.gap.mean() > -1
    assert found.simulated_lower.mean() < found.simulated_upper.mean() + 1


def test_the_variance_is_fitted_and_recorded(pictures: torch.Tensor) -> None:
    found = ganeval.log_likelihood(generator(Linear()), pictures, **QUICK)
    assert found.noise is not None
    assert found.noise.fitted_on == 8
    assert 1e-4 < found.noise.variance < 1e-3  # 5 / 256 squared is 0.00038
    assert found.conditions.num_validation == 24


def test_an_exact_density_is_used_where_there_is_one(pictures: torch.Tensor) -> None:
    found = ganeval.log_likelihood(generator(Gaussian()), pictures, **QUICK)
    assert found.method == "exact"
    assert found.noise is None
    # The same Gaussian in x: its scale times 127.5 / 256, whatever the noise of the bins.
    scale = Gaussian.SCALE * 127.5 / 256
    chosen = [int(name) for name in found.names]
    x = (pictures.double().numpy()[chosen] + 0.5) / 256 - 0.5
    squares = (x**2 + 1 / 12 / 256**2).sum(axis=(1, 2, 3))
    truth = -squares / 2 / scale**2 - SIDE * SIDE * math.log(scale * math.sqrt(2 * math.pi))
    assert abs(found.values - truth).max() < 0.5
    assert set(found.rows()) == {"exact", "parzen"}
    text = "\n".join(to_text(found, each=True))
    assert "exact: the network's own log_prob" in text
    assert "simulated" not in text


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (lambda x: x.flatten(1).sum(1).numpy(), "returns a ndarray; needed: a tensor float32"),
        (lambda x: x.sum(), r"returns shape \[\]; needed: .*, \[\d+\]; correct the network"),
        (lambda x: x.flatten(1).sum(1) / 0, "returns NaN or infinity; needed: "),
        (lambda x: x.flatten(1).sum(1).to(torch.complex64), "returns a tensor of complex64"),
        (lambda x: x.flatten(1).sum(1).to(torch.bfloat16), "returns a tensor of bfloat16"),
        (lambda x: x.no_such, "log_prob fails .*no_such"),
    ],
)
def test_a_density_that_is_none_is_refused(
    returned: Any, said: str, pictures: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Gaussian, "log_prob", lambda self, x: returned(x))
    with pytest.raises(InputError, match=said):
        ganeval.log_likelihood(generator(Gaussian()), pictures, **QUICK)


def test_bits_are_those_of_pixels() -> None:
    """A density that is even over all pixels needs 8 bits for each."""
    from ganeval.likelihood.result import Conditions, Likelihood

    conditions = Conditions(
        generator="g", data="d", validation="d", num_validation=1, shape=(3, 4, 4), num_steps=1,
        num_chains=1, seed=0,
    )  # fmt: skip
    none = np.empty(0)
    found = Likelihood(
        conditions=conditions, method="exact", names=("a", "b"), values=np.zeros(2), noise=None,
        simulated_lower=none, simulated_upper=none, parzen=np.zeros(2), bandwidth=0.1,
    )  # fmt: skip
    assert found.bits("exact", found.values).tolist() == [8, 8]
    one_bit = np.array([48 * math.log(2)])
    assert found.bits("lower", one_bit) == pytest.approx(7)
    assert found.bits("gap", one_bit) == pytest.approx(1)
    assert mean_and_error(np.array([1.0, 3.0])) == (2, pytest.approx(1))
    assert mean_and_error(np.array([1.0])) == (1, None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variance": 0.0}, "variance is 0; needed: a number above 0"),
        ({"num_steps": 0}, "num_steps is 0; needed: at least 1"),
        (
            {"num_images": 30},
            "30 pictures; needed: 30, and others to choose variance and bandwidth on",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    options: dict[str, Any], message: str, pictures: torch.Tensor
) -> None:
    with pytest.raises(UsageError, match=message):
        ganeval.log_likelihood(generator(Linear()), pictures, **{**QUICK, **options})


def test_classes_are_refused(pictures: torch.Tensor) -> None:
    class Two(Linear):
        def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return super().forward(z) + 0 * labels[:, None, None, None]

    paired = ganeval.Generator(Two(), latent_size=SIZE, num_classes=2, value_range=(-1, 1))
    with pytest.raises(
        InputError, match="makes images of a class; needed: a generator without classes"
    ):
        ganeval.log_likelihood(paired, pictures, **QUICK)


def test_the_command_prints_a_table_or_json(
    pictures: torch.Tensor, tmp_path: Path, ganeval: Command
) -> None:
    torch.save(Linear().state_dict(), tmp_path / "g.pt")
    np.save(tmp_path / "real.npy", pictures.numpy())
    words = (
        *("likelihood", tmp_path / "g.pt", tmp_path / "real.npy", "--variance", "0.001"),
        *("--num-images", 4, "--steps", 10, "--chains", 2, "--device", "cpu"),
        *("--entry", "tests.likelihood.test_estimate:Linear", "--latent-size", SIZE),
        *("--value-range", "-1,1"),
    )
    shown = ganeval(*words, "--each")
    assert shown.code == 0
    assert "N(x; G(z), 0.001 I), the variance given; 10 temperatures, 2 chains" in shown.out
    assert "8x8x1 = 64 dimensions; x = (pixel + uniform noise) / 256" in shown.out
    result = json.loads(ganeval(*words, "--json").out)
    assert result["schema"] == "ganeval.likelihood/1"
    assert set(result["mean"]) == {
        *("lower", "simulated_lower", "simulated_upper", "gap", "parzen"),
    }
    assert len(result["pictures"]) == 4
    mean = result["mean"]["lower"]
    assert mean["nats"] == pytest.approx(np.mean([one["nats"] for one in result["pictures"]]))
    assert mean["bits_per_dimension"] == pytest.approx(8 - mean["nats"] / 64 / math.log(2))
    assert f"{mean['nats']:.2f}" in shown.out
