import copy

import torch
from torch import nn

from ganeval.extractors.inference import fold_batch_norms


def test_folding_keeps_the_function() -> None:
    generator = torch.Generator().manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, bias=False),
        nn.BatchNorm2d(8, eps=1e-3),
        nn.ReLU(),
        nn.Sequential(nn.Conv2d(8, 8, 3, groups=8), nn.BatchNorm2d(8)),
        nn.BatchNorm2d(8),
    )
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                for values in (module.weight, module.running_var):
                    values.uniform_(0.1, 3, generator=generator)
                for values in (module.bias, module.running_mean):
                    values.normal_(generator=generator)
    images = torch.randn(2, 3, 9, 9, generator=generator)
    expected = copy.deepcopy(network).eval().double()(images.double())
    fold_batch_norms(network)
    # Only the last stands behind no convolution.
    assert sum(isinstance(module, nn.BatchNorm2d) for module in network.modules()) == 1
    torch.testing.assert_close(network(images).double(), expected, rtol=1e-5, atol=1e-6)
