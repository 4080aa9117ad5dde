"""What is typed: texts of sources and metrics, values of options, JSON, variables."""

from functools import cache
from pathlib import Path
from random import Random

import click

from ganeval.cli.main import COMMANDS, cli
from scripts.fuzzing.case import FAST, Case
from scripts.fuzzing.mutation import (
    JSON_VALUES,
    LETTERS,
    WORDS,
    hostile_text,
    json_text,
    mutate_json,
)
from scripts.fuzzing.originals import (
    FAKE,
    NETWORK,
    REAL,
    encoded,
    scored,
    tensors_file,
    write_pair,
)

SOURCES = (
    *(FAKE, f"npz:{FAKE},size=8", f"npz:{FAKE},size=8,crop=center", "folder:fake/,size=8", "fake"),
    *(
        "zip:fake.zip",
        "tar:fake{0..3}.tar",
        "data:digits,split=test",
        "data:cifar10",
        "data:digits",
    ),
    *("generator:g.safetensors,num_images=3,latent_size=8", "generator:g.pt,key=g_ema,trust=1"),
    *(
        "https://example.com/a.zip",
        "s3://bucket/a.tar",
        "file:///etc/passwd",
        "memory://a",
        "npy:a",
    ),
    *("folder:fake,pattern=*.png", "npz:fake.npz,key=arr_0", "folder:fake,transparency=white"),
)
METRICS = (
    *("fid", "is:splits=2", "kid:subset_size=5", "kid:subset_size=5:num_subsets=3", "pr:k=3"),
    *("dc:k=2:inclusion=closed", "fid-debiased", "fid-infinity", "pr:k=5:inclusion=strict"),
    *("fid@random", "all", "set:fidelity", "kid:degree=3"),
)
VARIABLES = (
    *("GANEVAL_CACHE", "GANEVAL_WEIGHTS", "TORCH_HOME", "GITHUB_STEP_SUMMARY", "COLUMNS", "TMPDIR"),
    *("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "RAY_ADDRESS", "LINES"),
    *("NO_COLOR", "TERM", "HOME", "XDG_CACHE_HOME", "GANEVAL_TIMEOUT", "LANG"),
)
SKIPPED = {"--help", "--device", "--engine", "--trust", "--traceback", "--entry", "--paired"}
"""Options that start something outside, or whose meaning is to show a traceback."""
COSTLY = {
    *("--steps", "-n", "--num-images", "--grid-every", "--eval-every"),
    *("--chains", "--starts", "--rows", "--columns"),
}
"""Options whose large values are honest work."""


def sources(rng: Random, folder: Path) -> Case:
    """Texts of sources."""
    _write_sources(folder)
    text = rng.choice(SOURCES)
    if rng.random() < 0.5:
        names = ("size", "crop", "num_images", "split", "key", "a", "location", "seed", "pattern")
        text += f",{rng.choice(names)}={rng.choice(WORDS)}"
    if rng.random() < 0.6:
        text = hostile_text(rng, text)
    command = rng.choice(("fid", "fid", "fid", "doctor", "is"))
    offline = [] if "://" not in text or rng.random() < 0.5 else ["--offline"]
    if command == "is":
        return Case(words=["is", *FAST, *offline, "--", text])
    fast = FAST if command == "fid" else []
    pair = [REAL, text] if rng.random() < 0.7 else [text, FAKE]
    return Case(words=[command, *fast, *offline, "--", *pair])


def metrics(rng: Random, folder: Path) -> Case:
    """Texts of metrics and of limits of the gate."""
    write_pair(folder)
    parts = rng.sample(METRICS, rng.randint(1, 3))
    if rng.random() < 0.5:
        at = rng.randrange(len(parts))
        options = ("k", "subset_size", "num_subsets", "splits", "inclusion", "a", "degree")
        parts[at] += f":{rng.choice(options)}={rng.choice(WORDS)}"
    text = ",".join(parts)
    if rng.random() < 0.5:
        text = hostile_text(rng, text)
    if rng.random() < 0.2:
        for name in ("run.json", "base.json"):
            (folder / name).write_bytes(scored()[name])
        limits = hostile_text(rng, rng.choice(("fid=2%", "fid=2%,kid=0.001", "recall=5%")))
        if rng.random() < 0.5:
            limits = f"{rng.choice(('fid', 'kid'))}={rng.choice(WORDS)}"
        words = ["check", "run.json", "--baseline", "base.json", f"--max-regress={limits}"]
        return Case(words=words)
    protocol = rng.choice(("standard", "standard", "torch-fidelity", "torchmetrics", "clean-fid"))
    words = ["eval", REAL, FAKE, *FAST, "--protocol", protocol, f"--metrics={text}"]
    return Case(words=[*words, *rng.choice(([], [], ["--json"]))])


def options(rng: Random, folder: Path) -> Case:
    """Values of every option of every command."""
    _write_sources(folder)
    name, words = rng.choice(_commands())
    given = list(words)
    flags = _options_of(name)
    for flag, kind in rng.sample(flags, min(len(flags), rng.randint(1, 3))):
        if kind == "flag":
            given.append(flag)
            continue
        value = rng.choice(WORDS)
        if flag in COSTLY and value.strip("-").isdigit() and len(value) > 2:
            value = "7"
        if kind != "text" and rng.random() < 0.3:
            value = rng.choice(kind.split("|"))
        given.append(f"{flag}={value}" if flag.startswith("--") else f"{flag}{value}")
    if rng.random() < 0.1:
        given.insert(rng.randint(0, len(given)), rng.choice(WORDS))
    if rng.random() < 0.05:
        given[0] = hostile_text(rng, given[0])
    writes = (
        "out",
        "out.json",
        "out.npz",
        "out.png",
        "runs",
        "out.influence.safetensors",
        *_written(given),
    )
    return Case(words=given, writes=writes)


def keywords(rng: Random, folder: Path) -> Case:
    """The JSON of `--kwargs`, typed and in a file."""
    write_pair(folder)
    (folder / "g.safetensors").write_bytes(tensors_file())
    value = mutate_json(rng, {"nz": 8, "ngf": 4, "nc": 3})
    if rng.random() < 0.2:
        value = rng.choice(JSON_VALUES)
    # No network of a size that is honest work to build.
    if isinstance(value, dict):
        value = {k: min(v, 10**5) if type(v) is int else v for k, v in value.items()}
    text = json_text(rng, value)
    if rng.random() < 0.3:
        (folder / "a.json").write_bytes(text)
        typed = rng.choice(("@a.json", "@a.json", "@", "@nowhere", "@.", "@/dev/null", "@a\nb"))
    else:
        typed = text[:2000].decode("utf-8", "surrogateescape").replace("\x00", "")
        if rng.random() < 0.3:
            typed = hostile_text(rng, typed)
    words = ["sample", "g.safetensors", "-n", "2", "-o", "out", *NETWORK, f"--kwargs={typed}"]
    return Case(words=words, writes=("out",))


def environment(rng: Random, folder: Path) -> Case:
    """Variables, and what stdout can encode."""
    _write_sources(folder)
    chosen = rng.sample(VARIABLES, rng.randint(0, 3))
    values = {name: rng.choice((*WORDS, *LETTERS)).replace("\x00", "") for name in chosen}
    if "WORLD_SIZE" in values:  # of one process: more would be waited for
        values["WORLD_SIZE"] = rng.choice(("", "0", "1", "-1", "x", "1.5", "\u00b2"))
    writes = tuple(value.split("/")[0] for value in values.values())
    words = rng.choice(
        (
            ["fid", REAL, FAKE, *FAST], ["fid", REAL, FAKE, *FAST], ["cache", "info"],
            ["table", "run.json"], ["check", "run.json", "--baseline", "base.json"],
            ["weights", "path"], ["weights", "verify", "efficientnet-lite0"], ["list", "metrics"],
            ["doctor", REAL, FAKE], ["--help"], ["fid", "--help"], ["eval", "fake", REAL, *FAST],
        )
    )  # fmt: skip
    encoding = rng.choice(("utf-8", "utf-8", "ascii", "latin-1", "cp1252"))
    return Case(words=words, environment=values, writes=writes, encoding=encoding)


def _write_sources(folder: Path) -> None:
    """Write sources of some kinds, and the files of a run."""
    write_pair(folder)
    (folder / "fake").mkdir()
    for number in range(3):
        (folder / "fake" / f"{number}.png").write_bytes(encoded(2)[number])
    (folder / "g.safetensors").write_bytes(tensors_file())
    for name in ("run.json", "base.json"):
        (folder / name).write_bytes(scored()[name])


@cache
def _commands() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return every command by name, with words that make it succeed."""
    score = {
        name: (name, REAL, FAKE, *FAST) for name in ("fid", "kid", "pr", "dc", "eval", "compare")
    }
    cheap = ("--eval-extractor", "random", "--eval-images", "4")
    words: dict[str, tuple[str, ...]] = {
        **score,
        "is": ("is", FAKE, *FAST),
        "check": ("check", "run.json", "--baseline", "base.json"),
        "baseline accept": ("baseline", "accept", "run.json", "-o", "out.json"),
        "stats make": ("stats", "make", REAL, "-o", "out.npz", *FAST),
        "stats inspect": ("stats", "inspect", REAL),
        "train": ("train", "gan", "--steps", "1", "--data", f"npz:{REAL}", "--out", "out", *cheap),
        "sample": ("sample", "g.safetensors", "-n", "2", "-o", "out", *NETWORK),
        "latents": ("latents", "g.safetensors", "-o", "out.png", *NETWORK, "--steps", "2"),
        "likelihood": (
            *("likelihood", "g.safetensors", FAKE, *NETWORK, "--variance", "0.1"),
            *("--num-images", "2", "--steps", "2", "--chains", "2"),
        ),
        "table": ("table", "run.json"),
        "list": ("list", "models"),
        "weights path": ("weights", "path"),
        "weights verify": ("weights", "verify"),
        "cache info": ("cache", "info"),
        "cache prune": ("cache", "prune"),
        "extract": ("extract", REAL, *FAST),
        "doctor": ("doctor", REAL, FAKE),
    }
    assert {name.split()[0] for name in words} | {"quickstart", "benchmark"} == set(COMMANDS)
    return tuple(words.items())


@cache
def _options_of(name: str) -> list[tuple[str, str]]:
    """Return the options of a command, each with `flag`, `text` or its choices."""
    command: click.Command = cli
    for word in name.split():
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    known = []
    for parameter in command.params:
        if not isinstance(parameter, click.Option) or SKIPPED & set(parameter.opts):
            continue
        kind = "flag" if parameter.is_flag else "text"
        if isinstance(parameter.type, click.Choice):
            kind = "|".join(str(choice) for choice in parameter.type.choices)
        known.append((parameter.opts[-1] if kind == "flag" else parameter.opts[0], kind))
    return known or [("--help", "flag")]


def _written(words: list[str]) -> list[str]:
    """Return the first part of what options name that are places for output."""
    places = ("--output=", "-o", "--out=", "--plots=", "--cache-dir=")
    names = [
        word.removeprefix(place) for word in words for place in places if word[:2] == place[:2]
    ]
    names += [f"{name.removesuffix('.json')}.influence.safetensors" for name in names]
    return [name.split("/")[0] for name in names]
