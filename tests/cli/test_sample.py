"""`ganeval sample`: exactly N files and nothing else, killed or not, never of two checkpoints."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

import ganeval.flow.sample as sample_module
from tests.command import Command
from tests.generators.networks import Example, seeded
from tests.waiting import until

OPTIONS = (
    *("--entry", "tests.generators.networks:Example", "--latent-size", "8"),
    *("--latent-layout", "map", "--value-range", "-1,1"),
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.save({"g_ema": seeded(Example()).state_dict()}, tmp_path / "g.pt")
    return tmp_path / "g.pt"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_foreign_files_are_sampled_with_options(
    checkpoint: Path, tmp_path: Path, ganeval: Command
) -> None:
    done = ganeval("sample", checkpoint, "-n", 20, "-o", tmp_path / "out", *OPTIONS)
    assert done.code == 0
    network = seeded(Example()).eval()
    rows = [
        np.random.Generator(np.random.Philox(np.random.SeedSequence([0, index]))).standard_normal(
            8, dtype=np.float32
        )
        for index in range(16)
    ]
    with torch.inference_mode():
        images = network(torch.from_numpy(np.stack(rows))[:, :, None, None]).double().numpy()
    expected = np.floor(np.clip(images[7] * 127.5 + 128, 0, 255)).astype(np.uint8)
    with PIL.Image.open(tmp_path / "out" / "00007.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), expected.transpose(1, 2, 0))


def test_a_picture_is_the_same_whatever_the_batch_and_number(
    checkpoint: Path, tmp_path: Path, ganeval: Command
) -> None:
    ganeval("sample", checkpoint, "-n", 20, "-o", tmp_path / "usual", *OPTIONS)
    usual = contents(tmp_path / "usual")
    ganeval("sample", checkpoint, "-n", 3, "-o", tmp_path / "few", *OPTIONS)
    assert contents(tmp_path / "few").items() <= usual.items()
    for size in (1, 7, 64):
        out, text = tmp_path / f"b{size}", f"generator:{checkpoint},batch_size={size}"
        assert ganeval("sample", text, "-n", 20, "-o", out, *OPTIONS).code == 0
        for name in usual:
            pair = [np.asarray(PIL.Image.open(path / name)) for path in (tmp_path / "usual", out)]
            assert np.abs(pair[0].astype(int) - pair[1]).max() <= 1


@pytest.mark.parametrize(
    "change",
    [("--seed", "1"), ("--truncation", "0.5"), ("--key", "g")],
)
def test_pictures_of_another_command_are_never_mixed_in(
    change: tuple[str, str], tmp_path: Path, ganeval: Command
) -> None:
    state = seeded(Example()).state_dict()
    other = {name: value + 1 for name, value in state.items()}
    torch.save({"g": other, "g_ema": state}, tmp_path / "g.pt")
    out = tmp_path / "out"
    words = ("sample", tmp_path / "g.pt", "-n", 20, "-o", out, *OPTIONS)
    ganeval(*words)
    (out / "00005.png").unlink()
    before = contents(out)
    found = ganeval(*words, *change)
    assert found.code == 2
    assert f"{out / '00000.png'}: not of this checkpoint, seed and options" in found.error
    assert contents(out) == before


def test_strange_pictures_are_never_mixed_in(
    checkpoint: Path, tmp_path: Path, ganeval: Command
) -> None:
    out = tmp_path / "out"
    words = ("sample", checkpoint, "-n", 20, "-o", out, *OPTIONS)
    ganeval(*words)
    for content in (b"", b"no picture"):
        (out / "00004.png").write_bytes(content)
        assert "00004.png: not of this checkpoint" in ganeval(*words).error
    PIL.Image.new("RGB", (16, 16)).save(out / "00004.png")
    assert "00004.png: not of this checkpoint" in ganeval(*words).error
    (out / "00004.png").unlink()
    (out / ".00004.png.tmp").touch()
    assert "holds other files, such as .00004.png.tmp" in ganeval(*words).error


def test_more_pictures_can_be_added(checkpoint: Path, tmp_path: Path, ganeval: Command) -> None:
    for num, out in ((20, "out"), (40, "out"), (40, "new")):
        ganeval("sample", checkpoint, "-n", num, "-o", tmp_path / out, *OPTIONS)
    assert contents(tmp_path / "out") == contents(tmp_path / "new")
    found = ganeval("sample", checkpoint, "-n", 20, "-o", tmp_path / "out", *OPTIONS)
    assert "holds other files, such as 00020.png" in found.error


def killed_in_the_middle(words: list[str], tmp_path: Path) -> Path:
    """Run a command until some of its pictures are there, kill it, and return their folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ganeval", *words], stderr=subprocess.PIPE, env=os.environ
    )

    def begun() -> list[Path]:
        return [path for path in tmp_path.glob("*out*") if len(list(path.glob("*.png"))) > 5]

    until(lambda: bool(begun()), process)
    found = begun()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    return found[0]


@pytest.mark.parametrize("target", ["out", "out.zip"])
def test_a_killed_run_leaves_no_half_picture_and_goes_on(
    target: str, checkpoint: Path, tmp_path: Path, ganeval: Command
) -> None:
    words = ["sample", str(checkpoint), "-n", "400", *OPTIONS, "-o"]
    folder = killed_in_the_middle([*words, str(tmp_path / target)], tmp_path)
    made = sorted(path for path in folder.iterdir() if path.suffix == ".png")
    assert 0 < len(made) < 400
    assert not (tmp_path / "out.zip").exists()
    for path in made:
        with PIL.Image.open(path) as picture:
            picture.load()
    (folder / f".00001.png.{'0' * 32}.tmp").write_bytes(b"half a pict")
    times = {path.name: path.stat().st_mtime_ns for path in made[:5]}
    if target == "out":
        assert ganeval(*words, tmp_path / target).code == 0
        names = sorted(path.name for path in folder.iterdir())
        assert {name: (folder / name).stat().st_mtime_ns for name in times} == times
    else:
        assert ganeval(*words, tmp_path / target).code == 0
        with zipfile.ZipFile(tmp_path / target) as archive:
            assert archive.testzip() is None
            names = archive.namelist()
        assert {path.name for path in tmp_path.iterdir()} == {"g.pt", "out.zip"}
    assert names == [f"{number:05}.png" for number in range(400)]


def test_an_interrupted_zip_goes_on_where_it_was(
    checkpoint: Path, tmp_path: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("sample", checkpoint, "-n", 20, "-o", tmp_path / "out.zip", *OPTIONS)
    written: list[str] = []
    usual = sample_module.write_whole

    def stop_after_seven(path: Path, content: bytes) -> None:
        if len(written) == 7:
            raise KeyboardInterrupt
        written.append(path.name)
        usual(path, content)

    monkeypatch.setattr(sample_module, "write_whole", stop_after_seven)
    stopped = ganeval(*words)
    assert stopped.code == 130
    assert "interrupted: 7 of 20 samples are in " in stopped.err
    assert not (tmp_path / "out.zip").exists()
    monkeypatch.setattr(sample_module, "write_whole", lambda path, content: (
        written.append(path.name), usual(path, content)
    ))  # fmt: skip
    assert ganeval(*words).code == 0
    assert sorted(written) == [f"{number:05}.png" for number in range(20)]
    assert {path.name for path in tmp_path.iterdir()} == {"g.pt", "out.zip"}


def test_a_zip_and_a_folder_hold_the_same_and_score_the_same(
    checkpoint: Path, tmp_path: Path, real: Path, ganeval: Command
) -> None:
    values = []
    for target in ("out", "out.zip"):
        ganeval("sample", checkpoint, "-n", 20, "-o", tmp_path / target, *OPTIONS)
        scored = ganeval("fid", real, tmp_path / target, "--extractor", "random", "--json")
        values.append(json.loads(scored.out)["scores"][0]["value"])
    text = f"generator:{checkpoint},num_images=20"
    scored = ganeval("fid", real, text, *OPTIONS, "--extractor", "random", "--json")
    assert scored.code == 0
    values.append(json.loads(scored.out)["scores"][0]["value"])
    assert len(set(values)) == 1


def test_targets_and_sources_that_cannot_be(
    checkpoint: Path, tmp_path: Path, real: Path, ganeval: Command
) -> None:
    def error(source: Any, out: Path) -> str:
        found = ganeval("sample", source, "-n", 3, "-o", out, *OPTIONS)
        assert found.code == 2
        return found.error

    assert "not a place for that file" in error(checkpoint, tmp_path / "absent" / "out.zip")
    assert "cannot be used" in error(checkpoint, checkpoint)
    assert "kind folder; needed: a generator's file" in error(real, tmp_path / "out")
    assert "num_images=5, but -n says 3" in error(
        f"generator:{checkpoint},num_images=5", tmp_path / "out"
    )
    assert not (tmp_path / "out").exists()


def test_the_device_is_the_generators_unless_its_text_says_another(
    checkpoint: Path, tmp_path: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    words = ("sample", checkpoint, "-n", 3, *OPTIONS)
    failed = ganeval(*words, "-o", tmp_path / "cuda", "--device", "cuda")
    assert failed.code == 4
    assert "device 'cuda' is not there" in failed.error
    assert not (tmp_path / "cuda").exists()
    assert ganeval(*words, "-o", tmp_path / "one").code == 0
    said = f"generator:{checkpoint},device=cpu"
    other = ("sample", said, "-n", 3, *OPTIONS, "-o", tmp_path / "two", "--device", "cuda")
    assert ganeval(*other).code == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_an_npz_has_the_layout_of_adm_and_scores_as_the_folder_does(
    checkpoint: Path, tmp_path: Path, real: Path, ganeval: Command
) -> None:
    values = []
    for target in ("out", "out.npz"):
        assert ganeval("sample", checkpoint, "-n", 20, "-o", tmp_path / target, *OPTIONS).code == 0
        scored = ganeval("fid", real, tmp_path / target, "--extractor", "random", "--json")
        values.append(json.loads(scored.out)["scores"][0]["value"])
    assert values[0] == values[1]
    with np.load(tmp_path / "out.npz") as arrays:
        assert set(arrays) == {"arr_0"}
        assert (arrays["arr_0"].dtype, arrays["arr_0"].shape[0]) == (np.uint8, 20)
        with PIL.Image.open(tmp_path / "out" / "00007.png") as picture:
            np.testing.assert_array_equal(arrays["arr_0"][7], np.asarray(picture))


def test_an_npz_has_the_classes_of_its_samples(tmp_path: Path, ganeval: Command) -> None:
    assert ganeval("train", "infogan", "--steps", 1, "--out", tmp_path / "run").code == 0
    found = ganeval("sample", tmp_path / "run" / "infogan.safetensors", "-n", 300, "-o",
                    tmp_path / "s.npz", "--label-policy", "balanced")  # fmt: skip
    assert found.code == 0
    with np.load(tmp_path / "s.npz") as arrays:
        assert arrays["arr_1"].dtype == np.int64
        np.testing.assert_array_equal(arrays["arr_1"], np.arange(300) % 10)
        assert arrays["arr_0"].shape == (300, 16, 16, 3)


def test_a_grid_has_every_sample_in_its_place(
    checkpoint: Path, tmp_path: Path, ganeval: Command
) -> None:
    ganeval("sample", checkpoint, "-n", 7, "-o", tmp_path / "out", *OPTIONS)
    done = ganeval(
        "sample", checkpoint, "-n", 7, "--grid", "2x4", "-o", tmp_path / "g.png", *OPTIONS
    )
    assert done.code == 0
    sheet = np.asarray(PIL.Image.open(tmp_path / "g.png"))
    for at in range(7):
        with PIL.Image.open(tmp_path / "out" / f"{at:05}.png") as picture:
            own = np.asarray(picture)
        factor = max(64 // own.shape[1], 1)
        step = factor * own.shape[1] + 2
        top, left = at // 4 * step, at % 4 * step
        tile = sheet[top : top + step - 2, left : left + step - 2]
        np.testing.assert_array_equal(tile[::factor, ::factor], own)
    assert sheet.shape == (2 * step - 2, 4 * step - 2, 3)
    assert (sheet[step:, 3 * step :] == 255).all()  # no eighth sample
    whole = ganeval("sample", checkpoint, "--grid", "2x4", "-o", tmp_path / "8.png", *OPTIONS)
    assert whole.out.endswith("8 samples\n")


@pytest.mark.parametrize("name", ["s.npz", "s.png"])
def test_only_what_the_same_command_wrote_is_replaced(
    name: str, checkpoint: Path, tmp_path: Path, ganeval: Command
) -> None:
    words = ["--grid", "1x3"] if name.endswith("png") else ["-n", "3"]
    path = tmp_path / name
    command = ("sample", checkpoint, *words, "-o", path, *OPTIONS)
    assert ganeval(*command).code == 0
    content = path.read_bytes()
    assert ganeval(*command).code == 0
    assert path.read_bytes() == content
    assert "exists already, with another checkpoint, seed" in ganeval(*command, "--seed", "1").error
    assert path.read_bytes() == content
    path.write_bytes(b"of a user")
    assert "exists already" in ganeval(*command).error
    assert path.read_bytes() == b"of a user"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "x.png", "-n", "3"), "x.png: a picture"),
        (("-o", "out", "--grid", "2x2"), "out: not a picture"),
        (("-o", "x.png", "--grid", "2by2"), "ROWSxCOLUMNS, such as 8x8"),
        (("-o", "x.png", "--grid", "0x2"), "ROWSxCOLUMNS"),
        (("-o", "x.png", "--grid", "2x2", "-n", "5"), "at most 4"),
        (("-o", "out"), "no number of samples; needed: -n N, or --grid"),
        (("-o", "absent/x.npz", "-n", "3"), "not a place for that file"),
    ],
)
def test_grids_and_arrays_that_cannot_be(
    words: tuple[str, ...],
    said: str,
    checkpoint: Path,
    tmp_path: Path,
    ganeval: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    found = ganeval("sample", checkpoint, *words, *OPTIONS)
    assert found.code != 0
    assert said in found.error
