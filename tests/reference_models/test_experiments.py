"""Every system meets its criterion and its control does not; docs/experiments.md has five seeds."""

import importlib

import pytest

from reference_models import MODELS
from reference_models.experiments import EXPERIMENTS
from reference_models.experiments.base import Experiment

SEED = 0


def experiment_of(name: str) -> Experiment:
    module, _, attribute = EXPERIMENTS[name].partition(":")
    experiment: Experiment = getattr(importlib.import_module(module), attribute)
    return experiment


EVERY = pytest.mark.parametrize("name", sorted(EXPERIMENTS))


def test_every_model_has_an_experiment_of_its_own() -> None:
    assert sorted(EXPERIMENTS) == sorted(MODELS)
    for name in EXPERIMENTS:
        assert experiment_of(name).model == name


@EVERY
def test_the_system_meets_its_criterion(name: str) -> None:
    experiment = experiment_of(name)
    value = experiment.system(SEED)
    assert experiment.passes(value), f"{experiment.criterion}: {value}"


@EVERY
def test_the_control_does_not(name: str) -> None:
    experiment = experiment_of(name)
    value = experiment.control(SEED)
    assert not experiment.passes(value), f"{experiment.control_is}: {value}"
