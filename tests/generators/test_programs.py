"""TorchScript and torch.export: programs, which run only for a user who says so."""

import io
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganeval.errors import InputError, UsageError
from ganeval.generators.program_kind import kind_of_members
from ganeval.images.picture import DecodePolicy
from ganeval.sources.open import open_source
from tests.generators.networks import Example, Trap, seeded
from tests.generators.test_onnx import direct, pixels


class Reshaped(torch.nn.Module):
    """Takes the batch size for a constant, as networks do that a script is traced of."""

    def __init__(self, network: torch.nn.Module, batch: int) -> None:
        super().__init__()
        self.network, self.batch = network, batch

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.network(z.reshape(self.batch, 8, 1, 1))


OPTIONS = "latent_size=8,latent_layout=map,value_range=-1,1,num_images=20"


def open_text(text: object) -> Any:
    return open_source(str(text), policy=DecodePolicy())


@pytest.mark.parametrize("name", ["g.ts", "g.pt2"])
def test_a_trusted_program_gives_the_samples_of_its_network(name: str, exported: Path) -> None:
    source = open_text(f"generator:{exported / name},trust=yes,{OPTIONS}")
    assert np.abs(pixels(source) - pixels(direct(20))).max() <= 1
    other = open_text(f"generator:{exported / 'g.onnx'},{OPTIONS}")
    assert other.load([0])[0].digest != source.load([0])[0].digest


@pytest.mark.parametrize(
    ("name", "what"), [("g.ts", "TorchScript archive"), ("g.pt2", r"program of torch\.export")]
)
def test_without_trust_a_program_is_refused_whatever_it_is_called(
    name: str, what: str, exported: Path, tmp_path: Path
) -> None:
    (tmp_path / "g.bin").write_bytes((exported / name).read_bytes())
    for text in (tmp_path / "g.bin", f"generator:{tmp_path / 'g.bin'},{OPTIONS}"):
        with pytest.raises(InputError, match=f"{what}.*export it as ONNX, or.*--trust"):
            open_text(text)


def with_trap(archive: bytes, sprung: Path) -> bytes:
    """Return an archive with a pickle that has a side effect in every place for a pickle."""
    trap, buffer = pickle.dumps(Trap(sprung)), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            is_pickle = name.endswith((".pkl", "sample_inputs/model.pt"))
            new.writestr(name, trap if is_pickle else old.read(name))
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["g.ts", "g.pt2"])
def test_nothing_of_an_untrusted_program_runs(name: str, exported: Path, tmp_path: Path) -> None:
    path, sprung = tmp_path / "g.pt", tmp_path / "sprung"
    path.write_bytes(with_trap((exported / name).read_bytes(), sprung))
    for text in (path, f"generator:{path},{OPTIONS},entry=tests.generators.networks:Example"):
        with pytest.raises(InputError, match="--trust"):
            open_text(text)
    assert not sprung.exists()


def test_a_damaged_program_says_what_it_is(exported: Path, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(exported / "g.pt2") as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"{" if name.endswith("model.json") else old.read(name))
    (tmp_path / "g.pt2").write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match=r"torch .* cannot open") as caught:
        open_text(f"generator:{tmp_path / 'g.pt2'},trust=yes,{OPTIONS}")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("seeming_cuda")
def test_an_exported_program_stays_on_the_cpu(exported: Path) -> None:
    with pytest.raises(UsageError, match="on device cuda:1; needed: the CPU"):
        open_text(f"generator:{exported / 'g.pt2'},trust=yes,{OPTIONS},device=cuda")


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        (["x/data.pkl", "x/data/0", "x/version"], None),
        (["pictures/code/1.png"], None),
        (["x/serialized_exported_program.json"], "a program of torch.export (.pt2)"),
        (["x/data.pkl", "x/code/__torch__.py"], "a TorchScript archive"),
        (["x/data.pkl", "x/constants.pkl"], "a TorchScript archive"),
    ],
)
def test_archives_are_told_by_their_members(members: list[str], kind: str | None) -> None:
    assert kind_of_members(members) == kind


@pytest.mark.parametrize("batch", [1, 3])
def test_a_batch_size_that_was_traced_is_found_out(
    batch: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated
        latents = torch.randn(batch, 8, 1, 1)
        torch.jit.save(
            torch.jit.trace(Reshaped(seeded(Example()).eval(), batch), (latents,)),
            tmp_path / "g.ts",
        )
    source = open_text(f"generator:{tmp_path / 'g.ts'},trust=yes,{OPTIONS}")
    assert np.abs(pixels(source) - pixels(direct(20))).max() <= 1
    assert source.info.settings["network_batch"] == batch
    assert caplog.text.count(f"fixed to batches of {batch}") == 1


def test_a_script_that_was_traced_in_training_is_found_out(tmp_path: Path) -> None:
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.trace(seeded(Example()).train(), (torch.randn(4, 8, 1, 1),))
        torch.jit.save(script, tmp_path / "g.ts")
    with pytest.raises(InputError, match="another batch"):
        open_text(f"generator:{tmp_path / 'g.ts'},trust=yes,{OPTIONS}")
