"""Every system meets its criterion, its control does not; five seeds: ./scripts/experiments."""

import pytest

from reference_models import MODELS
from reference_models.experiments import EXPERIMENTS, find_experiment

SEED = 0
SHORT = (
    *("gan", "dcgan", "sngan", "acgan", "consensus", "first-order"),
    *("optimal-d-jsd", "lsgan", "nagarajan", "energy-distance", "flow", "vae"),
)
"""At most twelve, two minutes together; `./scripts/experiments` runs them all."""


def test_every_model_has_an_experiment_of_its_own() -> None:
    assert {find_experiment(name).model for name in EXPERIMENTS} == set(MODELS)
    for name in MODELS:
        assert find_experiment(name).model == name


@pytest.mark.parametrize("name", SHORT)
def test_the_system_meets_its_criterion_and_the_control_does_not(name: str) -> None:
    experiment = find_experiment(name)
    system, control = experiment.system(SEED), experiment.control(SEED)
    assert experiment.passes(system), f"{experiment.criterion}: {system}"
    assert not experiment.passes(control), f"{experiment.control_is}: {control}"
