"""What ganeval keeps for itself: the cache, and the state of a training run."""

from pathlib import Path
from random import Random

from scripts.fuzzing.case import CACHE, FAST, Case
from scripts.fuzzing.mutation import JSON_VALUES, json_text, mutate_bytes, mutate_records
from scripts.fuzzing.originals import FAKE, REAL, scored, trained, write_pair

METRICS = ("fid", "kid", "pr", "fid,kid,pr")


def cache(rng: Random, folder: Path) -> Case:
    """Damaged and foreign files in the cache."""
    write_pair(folder)
    names = [name for name in scored() if name.startswith(f"{CACHE}/")]
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(scored()[name])
    for name in rng.sample(names, rng.randint(1, min(3, len(names)))):
        path, data = folder / name, scored()[name]
        kind = rng.randrange(7)
        if kind < 3:
            path.write_bytes(mutate_bytes(rng, data, front=rng.choice((400, None))))
        elif kind == 3:
            path.write_bytes(scored()[rng.choice(names)])
        elif kind == 4:
            path.unlink()
            if rng.random() < 0.5:
                path.mkdir()
            elif rng.random() < 0.5:
                path.symlink_to("nowhere")
        elif kind == 5:
            path.with_suffix(rng.choice((".tmp", ".json", ""))).write_bytes(data)
        else:
            path.write_bytes(rng.choice((b"", bytes(200), data * 2, data[:8])))
    kind = rng.randrange(12)
    if kind == 0:
        return Case(words=["cache", rng.choice(("info", "prune"))], repeats=False)
    words = ["eval", REAL, FAKE, "-m", rng.choice(METRICS), *FAST]
    # A folder where a file should be is refused.
    return Case(words=words, repeats=not any((folder / name).is_dir() for name in names))


def training(rng: Random, folder: Path) -> Case:
    """The files of a run that is to go on."""
    for name, data in trained().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    names = [name for name in trained() if name.startswith("run/")]
    weighted = [*names, *(name for name in names if name.endswith(("state.pt", ".jsonl")))]
    for name in rng.sample(weighted, rng.choice((1, 1, 2))):
        path, data = folder / name, trained()[name]
        kind = rng.randrange(5)
        if kind == 0 and path.is_file():
            path.unlink()
        elif name.endswith(".jsonl") and kind < 3:
            lines = data.splitlines()
            lines[rng.randrange(len(lines))] = json_text(rng, rng.choice(JSON_VALUES))
            path.write_bytes(b"\n".join(lines) + rng.choice((b"", b"\n", b'\n{"step": 9')))
        elif name.endswith(".pt") and kind < 3:
            path.write_bytes(mutate_records(rng, data))
        else:
            path.write_bytes(mutate_bytes(rng, data, front=3000))
    words = ["train", "gan", "--data", f"npz:{REAL}", "--out", "run", "--resume"]
    words += ["--steps", rng.choice(("2", "2", "3", "1")), "--eval-every", "1"]
    words += ["--eval-extractor", "random", "--eval-images", "8", "--grid-every", "0"]
    return Case(words=words, writes=("run",))
