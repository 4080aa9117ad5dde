"""Every kind of source is looked over, also where a picture of it cannot be had."""

import ast
import io
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from ganeval.doctor import checks
from ganeval.doctor.checks import sounds
from ganeval.doctor.checks.values import value_range
from ganeval.doctor.examine import CHECKS, PAIR_CHECKS, PICTURE_CHECKS, examine
from ganeval.doctor.finding import SEVERITIES
from ganeval.doctor.inventory import Inventory, look_over
from ganeval.errors import InputError, UsageError
from ganeval.extract import make_stats
from ganeval.extractors.base import EXTRACTORS, ExtractorRequest, find_extractor
from ganeval.flow.settings import Settings
from ganeval.generators.options import GeneratorOptions
from ganeval.machine.progress import silent
from ganeval.sources.files.folder import FolderFiles
from ganeval.sources.generator import Generator, generator_source
from tests.doctor.conftest import NUM, Look
from tests.doctor.sharp import sharp
from tests.generators.networks import Example, seeded

RANDOM = Settings(extractor="random")


def test_archives(stored: Path, tmp_path: Path, look: Look) -> None:
    contents = [(path.name, path.read_bytes()) for path in sorted(stored.iterdir())]
    contents[3] = ("0003.png", contents[3][1][:500])
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in contents:
            archive.writestr(name, content)
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name, content in contents:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    for path in (tmp_path / "a.zip", tmp_path / "a.tar"):
        (finding,) = look(path)
        assert (finding.check, finding.examples) == ("refused", (f"{path}:0003.png",))
        assert "truncated" in finding.what
        same = {finding.check: finding.what for finding in look(stored, path)}
        assert same["overlap"] == f"in both: 129 of 129 pictures of {path}"


def test_arrays(tmp_path: Path, look: Look) -> None:
    pictures = sharp(NUM, seed=1)
    np.savez(tmp_path / "a.npz", pictures)
    np.save(tmp_path / "a.npy", pictures.transpose(0, 3, 1, 2))
    assert look(tmp_path / "a.npz") == []
    (finding,) = look(tmp_path / "a.npz", tmp_path / "a.npy")
    assert finding.check == "overlap"


def test_data_sets(look: Look) -> None:
    assert [finding.check for finding in look("data:digits,split=all")] == ["small"]


def test_generators(tmp_path: Path, stored: Path) -> None:
    path = tmp_path / "netG.pth"
    torch.save(seeded(Example()).state_dict(), path)
    options = GeneratorOptions(
        entry="tests.generators.networks:Example",
        latent_size=8,
        latent_layout="map",
        value_range="-1,1",
    )
    settings = Settings(extractor="random", generator=options)
    alone = examine([str(path)], settings)
    assert alone.inventories[0].count == 2000
    assert {finding.check for finding in alone.findings} >= {"small"}
    assert "few-images" not in {finding.check for finding in alone.findings}
    beside = examine([str(stored), str(path)], settings)
    assert beside.inventories[1].count == NUM
    with pytest.raises(UsageError, match="no source is a generator's file"):
        examine([str(stored)], settings)


def test_a_generator_whose_range_is_wrong(tmp_path: Path) -> None:
    class Positive(Example):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return super().forward(z) / 2 + 0.5

    source = generator_source(
        Generator(
            seeded(Positive()),
            latent_size=8,
            latent_layout="map",
            value_range=(-1, 1),
            num_images=20,
        )
    )
    with ThreadPoolExecutor(1) as pool:
        looks, refusals = look_over(source, range(20), pool=pool, progress=silent)
    assert refusals == []
    inventory = Inventory(
        location="g",
        kind="generator",
        count=20,
        looks=looks,
        ignored={},
        stats=None,
        extractor="random",
        num_features=64,
    )
    (finding,) = value_range(inventory)
    assert "floats from 0 to 1 seem to have been read as -1 to 1" in finding.what


def write_stats(path: Path, width: int, **extra: object) -> Path:
    np.savez(path, mu=np.zeros(width), sigma=np.eye(width), **extra)  # type: ignore[arg-type]
    return path


def test_statistics_of_another_tool(tmp_path: Path, stored: Path, look: Look) -> None:
    path = write_stats(tmp_path / "s.npz", 64)
    names = ["unverified-statistics", "statistics-without-number"]
    assert [finding.check for finding in look(path, stored)] == names
    wrong = write_stats(tmp_path / "w.npz", 65, num=100)
    first, second = look(wrong, stored)
    assert (first.check, first.severity) == ("statistics-of-another-network", "error")
    assert "65 features" in first.what
    assert second.check == "unverified-statistics"


def test_statistics_of_ours(tmp_path: Path, stored: Path, look: Look) -> None:
    make_stats(str(stored), tmp_path / "s.npz", RANDOM)
    assert look(tmp_path / "s.npz", stored) == []
    (finding,) = [
        finding
        for finding in examine([str(tmp_path / "s.npz")], Settings()).findings
        if finding.severity == "error"
    ]
    assert "64 features (random)" in finding.what


def test_statistics_with_images_serve_both_ways(tmp_path: Path, look: Look) -> None:
    path = write_stats(tmp_path / "both.npz", 64, num=NUM, arr_0=sharp(NUM, seed=1))
    assert [finding.check for finding in look(path)] == ["unverified-statistics"]
    (inventory,) = examine([str(path)], RANDOM).inventories
    assert len(inventory.looks) == NUM


@pytest.mark.parametrize(
    ("num", "severity"), [(64, "warning"), (127, "warning"), (128, "note"), (320, None)]
)
def test_few_images(num: int, severity: str | None, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", sharp(320, seed=1)[:num])
    findings = examine([str(tmp_path / "a.npy")], RANDOM).findings
    assert [finding.severity for finding in findings] == ([severity] if severity else [])
    if num == 64:
        assert "singular" in findings[0].what


def test_more_images_than_there_are(stored: Path, look: Look) -> None:
    (finding,) = look(stored, num_images=NUM + 1)
    assert (finding.check, finding.severity) == ("fewer-than-asked", "error")
    assert look(stored, num_images=NUM) == []


def test_a_subset_is_seeded(stored: Path) -> None:
    def names(seed: int) -> list[str]:
        settings = Settings(extractor="random", num_images=20, seed=seed)
        return [look.name for look in examine([str(stored)], settings).inventories[0].looks]

    assert len(names(0)) == 20
    assert names(0) == names(0) == sorted(names(0))
    assert names(0) != names(1)


def test_all_that_cannot_be_opened_is_listed(tmp_path: Path, stored: Path) -> None:
    words = [str(tmp_path / "nope"), str(stored), str(tmp_path / "nope2")]
    with pytest.raises(InputError, match="nope: no such file") as caught:
        examine(words, RANDOM)
    assert len(caught.value.details) == 2
    with pytest.raises(InputError) as caught:
        examine(words[:2], RANDOM)
    assert caught.value.details == ()


def test_a_picture_that_changes_or_goes_is_a_finding(
    clean: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganeval.sources.items.KEPT_BYTES", 0)
    read = FolderFiles.read
    reads: dict[int, int] = {}

    def changing(self: FolderFiles, index: int) -> bytes:
        reads[index] = reads.get(index, 0) + 1
        return read(self, index) + bytes(index == 7 and reads[index] > 1)

    monkeypatch.setattr(FolderFiles, "read", changing)
    (finding,) = look(clean)
    assert "changed while it was read" in finding.what


def test_every_extractor_says_its_width_without_weights() -> None:
    request = ExtractorRequest()
    expected = {"inception": 2048, "efficientnet-lite0": 1280, "random": 64}
    assert {name: find_extractor(name).width("pool", request) for name in expected} == expected
    others = set(EXTRACTORS.names()) - set(expected)
    assert others == {
        *("pixels", "lpips-alex", "lpips-vgg", "lpips-squeeze", "log-mel", "crepe-tiny", "vggish"),
        *("waveforms", "log-mel-pairs"),
    }


def test_a_comparer_has_no_features_that_a_source_could_be_too_small_for(clean: Path) -> None:
    with pytest.raises(
        UsageError, match="extractor pixels has no layer pool; needed: one of psnr-mse, "
    ):
        examine([str(clean)], Settings(extractor="pixels"))


def test_findings_are_sorted_by_severity(clean: Path) -> None:
    (clean / "broken.png").write_bytes(b"")
    (clean / "notes.txt").write_text("x")
    found = [finding.severity for finding in examine([str(clean)], RANDOM).findings]
    assert found == sorted(found, key=SEVERITIES.index)
    assert found[0] == "error"


def test_every_check_is_in_the_tables() -> None:
    names = set()
    for path in Path(checks.__path__[0]).glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if (
                isinstance(node, ast.FunctionDef)
                and node.returns is not None
                and ast.unparse(node.returns) == "list[Finding]"
                and not node.name.startswith("_")
            ):
                names.add(node.name)
    tables = (CHECKS, PICTURE_CHECKS, PAIR_CHECKS, sounds.CHECKS, sounds.PAIR_CHECKS)
    assert names == {check.__name__ for table in tables for check in table}
