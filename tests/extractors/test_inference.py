import copy

import pytest
import torch
from torch import nn

from ganeval.exact import exact_float32
from ganeval.extractors.inference import fold_batch_norms, inference

CPU = torch.device("cpu")


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


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_settings_are_exact_inside_and_restored_after(precision: str) -> None:
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(precision)
        outside = settings()
        older = torch.backends.cudnn.allow_tf32
        with inference(CPU):
            assert settings() == ["ieee"] * 4 + [False, "highest"]
            assert torch.is_inference_mode_enabled()
        assert settings() == outside
        assert torch.backends.cudnn.allow_tf32 == older
        assert not torch.is_inference_mode_enabled()
    finally:
        torch.set_float32_matmul_precision(before)


def settings() -> list[object]:
    """Return torch's switches, in the newer reading and in the older one."""
    backends = torch.backends
    return [
        backends.cudnn.conv.fp32_precision,
        backends.cuda.matmul.fp32_precision,
        backends.mkldnn.conv.fp32_precision,
        backends.mkldnn.matmul.fp32_precision,
        backends.cuda.matmul.allow_tf32,
        torch.get_float32_matmul_precision(),
    ]


def test_settings_stay_exact_until_the_last_has_left() -> None:
    """A generator may run in a pool while an extractor runs: neither may end the other's."""
    outside = settings()
    one, other = inference(CPU), exact_float32(CPU)
    with other:
        one.__enter__()
        inner = exact_float32(CPU)
        inner.__enter__()
        one.__exit__(None, None, None)
        assert settings() == ["ieee"] * 4 + [False, "highest"]
        inner.__exit__(None, None, None)
        assert settings() == ["ieee"] * 4 + [False, "highest"]
    assert settings() == outside


def test_settings_are_restored_after_an_error() -> None:
    outside = settings()
    with pytest.raises(RuntimeError, match="shapes"), inference(CPU):
        torch.zeros(2, 3) @ torch.zeros(2, 3)
    assert settings() == outside
