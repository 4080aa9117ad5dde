"""The birthday test on samples whose support is known."""

import numpy as np
import pytest
import torch

from reference_models.experiments.support import nearest_pair, support


def uniform(num_atoms: int, num: int, seed: int, noise: float = 0.0) -> torch.Tensor:
    """Samples of a uniform distribution over random atoms in the unit cube of 16 dimensions."""
    rng = np.random.default_rng(seed)
    atoms = rng.random((num_atoms, 4, 4))
    samples = atoms[rng.integers(num_atoms, size=num)]
    return torch.from_numpy(samples + noise * rng.standard_normal(samples.shape))


@pytest.mark.parametrize("num_atoms", [1, 50, 1000, 20_000])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_recovers_the_number_of_atoms(num_atoms: int, seed: int) -> None:
    found = support(uniform(num_atoms, 1000, seed), reach=0)
    assert num_atoms / 2 <= found <= 2 * num_atoms


def test_copies_may_differ_within_reach() -> None:
    samples = uniform(50, 400, seed=3, noise=1e-3)
    assert support(samples, reach=0) == 400 * 399 / 2  # a lower bound: no two are the same
    assert 25 <= support(samples, reach=0.05) <= 100


def test_pairs_are_counted_in_the_square_of_the_samples() -> None:
    samples = torch.tensor([[0.0], [0.0], [0.0], [3.0], [7.0]])
    assert support(samples, reach=0) == 10 / 3
    assert support(samples, reach=3) == 10 / 6
    assert nearest_pair(samples[2:]) == 3
