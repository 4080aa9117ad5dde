"""LPIPS against the package of its authors, on one shared random trunk and with its own heads."""

from pathlib import Path

import lpips
import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image

from ganeval.errors import InputError, WeightsError
from ganeval.extractors.base import Extractor, ExtractorRequest, find_extractor
from ganeval.extractors.lpips_network import CUTS, build_trunk
from ganeval.extractors.weights import WEIGHTS, find
from ganeval.images.picture import Picture
from tests.random_inception import soft_images
from tests.random_trunks import random_trunk_state, write_random_trunk


@pytest.fixture(scope="module", params=CUTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def weights_path(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_trunk(name, tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def extractor(name: str, weights_path: Path) -> Extractor:
    request = ExtractorRequest(weights_path=weights_path, offline=True)
    return find_extractor(f"lpips-{name}").from_request(request)


def pairs() -> list[tuple[Picture, Picture]]:
    """Return photographs, soft pictures and noise, of several sizes."""
    rng = np.random.default_rng(0)
    china = load_sample_image("china.jpg").transpose(2, 0, 1)
    soft = soft_images(2, size=64, seed=1).numpy()
    noise = rng.integers(0, 256, (2, 3, 33, 47), dtype=np.uint8)
    floats = rng.uniform(0, 255, (2, 3, 40, 40)).astype(np.float32)
    return [
        (Picture(china[:, :96, :128]), Picture(china[:, 2:98, 3:131])),
        (Picture(soft[0]), Picture(soft[1])),
        (Picture(noise[0]), Picture(noise[1])),
        (Picture(floats[0]), Picture(floats[1])),
        (Picture(np.zeros((3, 64, 64), np.uint8)), Picture(soft[0])),
    ]


def distance(extractor: Extractor, pair: tuple[Picture, Picture]) -> float:
    (row,) = extractor(extractor.info.input(pair)[None], ["distance"])["distance"]
    return float(row)


@pytest.mark.filterwarnings("ignore:The parameter 'pretrained':UserWarning")
@pytest.mark.filterwarnings("ignore:Arguments other than a weight enum:UserWarning")
def test_same_distances_as_the_package_of_its_authors(name: str, extractor: Extractor) -> None:
    peer = lpips.LPIPS(net=name, pnet_rand=True, verbose=False)
    state = random_trunk_state(name)
    # Its slices keep torchvision's numbers of the layers.
    renamed = {key: f"features.{key.partition('.')[2]}" for key in peer.net.state_dict()}
    assert set(renamed.values()) == set(state)
    peer.net.load_state_dict({key: state[ours] for key, ours in renamed.items()})
    for pair in pairs():
        one, other = (torch.tensor(side.pixels).float() / 127.5 - 1 for side in pair)
        with torch.inference_mode():
            expected = float(peer(one[None], other[None]))
        assert expected > 1e-5
        assert distance(extractor, pair) == pytest.approx(expected, rel=1e-4)


def test_equal_pictures_have_no_distance_and_the_order_does_not_matter(
    extractor: Extractor,
) -> None:
    for one, other in pairs():
        assert distance(extractor, (one, one)) == 0
        assert distance(extractor, (one, other)) == pytest.approx(
            distance(extractor, (other, one)), rel=1e-5
        )


def test_a_picture_that_is_too_small_is_refused(name: str, extractor: Extractor) -> None:
    least = CUTS[name].least
    batch = torch.rand(1, 2, 3, least, least + 2) * 255
    assert extractor(batch, ["distance"])["distance"] > 0
    with pytest.raises(InputError, match=rf"^pictures of {least + 2} x {least - 1} pixels; "):
        extractor(batch[..., 1:, :], ["distance"])
    with torch.device("meta"):
        trunk, images = build_trunk(name), torch.zeros(1, 3, least - 1, least - 1)
    with pytest.raises(RuntimeError, match="too small"):
        trunk(images)


def test_the_precision_of_the_run_changes_no_bit(
    name: str, weights_path: Path, extractor: Extractor
) -> None:
    request = ExtractorRequest(weights_path=weights_path, precision="bfloat16")
    other = find_extractor(f"lpips-{name}").from_request(request)
    assert [distance(other, pair) for pair in pairs()] == [
        distance(extractor, pair) for pair in pairs()
    ]


def test_the_heads_lie_in_the_package_and_the_trunk_is_missing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("GANEVAL_CACHE", str(tmp_path))
    monkeypatch.delenv("GANEVAL_WEIGHTS", raising=False)
    heads = find(f"lpips-{name}-heads")
    assert heads is not None
    assert heads.parent.parent.parent == Path(lpips.__file__).parent
    with pytest.raises(
        WeightsError, match=r"--offline rules out.*leave out the metrics that need it"
    ):
        find_extractor(f"lpips-{name}").describe(ExtractorRequest(offline=True))


def test_the_trunks_are_torchvisions_published_ones(name: str) -> None:
    weights = WEIGHTS[f"lpips-{name}"]
    # The name carries the digest's first 8 digits, by torch hub's convention.
    assert weights.file_names[0].endswith(f"-{weights.sha256[:8]}.pth")
    enums = {"alex": "AlexNet", "vgg": "VGG16", "squeeze": "SqueezeNet1_1"}
    published = getattr(lpips.pn.tv, f"{enums[name]}_Weights").IMAGENET1K_V1
    assert weights.url == published.url
    assert weights.size / 2**20 == pytest.approx(published.meta["_file_size"], abs=1e-3)
