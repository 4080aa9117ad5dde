"""The features of every bundled discriminator, and its logits as a function of them."""

import pytest
import torch

from reference_models.parts.discriminator import Discriminator
from reference_models.parts.networks import discriminator_for

SHAPES = {"points": (2,), "plain": (3, 16, 16), "residual": (1, 8, 8)}


def discriminator(kind: str, *, num_outputs: int = 1) -> Discriminator:
    body = "residual" if kind == "residual" else "plain"
    return discriminator_for(SHAPES[kind], 4, num_outputs=num_outputs, body=body)


@pytest.mark.parametrize("num_outputs", [1, 3])
@pytest.mark.parametrize("kind", SHAPES)
def test_logits_are_an_affine_map_of_the_features(kind: str, num_outputs: int) -> None:
    judge = discriminator(kind, num_outputs=num_outputs).double()
    x = torch.randn(5, *SHAPES[kind], generator=torch.Generator().manual_seed(0)).double()
    features = judge.features(x)
    assert features.shape == (5, judge.num_features)
    assert torch.equal(judge.logits(features), judge(x))
    assert judge(x).shape == ((5,) if num_outputs == 1 else (5, num_outputs))
    # An affine map of a mean of features is the mean of its values; a deeper head's is not.
    middle = judge.logits(features.mean(dim=0, keepdim=True))
    torch.testing.assert_close(middle, judge(x).mean(dim=0, keepdim=True))
