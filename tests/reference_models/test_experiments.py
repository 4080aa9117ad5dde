"""Every system meets its criterion and its control does not; docs/experiments.md has five seeds."""

import importlib

import pytest

from reference_models import MODELS
from reference_models.experiments import EXPERIMENTS
from reference_models.experiments.base import Experiment

SEED = 0
SHORT = ("gan", "dcgan", "sngan", "projection", "infogan", "bigan", "unrolled", "consensus")
"""At most twelve, two minutes together; `./scripts/experiments` runs them all."""


def experiment_of(name: str) -> Experiment:
    module, _, attribute = EXPERIMENTS[name].partition(":")
    experiment: Experiment = getattr(importlib.import_module(module), attribute)
    return experiment


def test_every_model_has_an_experiment_of_its_own() -> None:
    assert {experiment_of(name).model for name in EXPERIMENTS} == set(MODELS)
    for name in MODELS:
        assert experiment_of(name).model == name


@pytest.mark.parametrize("name", SHORT)
def test_the_system_meets_its_criterion_and_the_control_does_not(name: str) -> None:
    experiment = experiment_of(name)
    system, control = experiment.system(SEED), experiment.control(SEED)
    assert experiment.passes(system), f"{experiment.criterion}: {system}"
    assert not experiment.passes(control), f"{experiment.control_is}: {control}"
