"""The command line: every command as a user calls it, and the surface that must not change."""

import json
import os
import re
from pathlib import Path
from typing import Any

import click
import filelock
import numpy as np
import pytest

from ganeval.cli.call import Call
from ganeval.cli.main import COMMANDS, cli
from ganeval.cli.options import run_options
from ganeval.metrics.table import METRICS
from tests.command import Command
from tests.pictures import blobs

FAST = ("--extractor", "random")

GENERATOR = {
    *("--entry", "--kwargs", "--key", "--latent-size", "--latent-layout", "--prior"),
    *("--truncation", "--num-classes", "--label-policy", "--value-range", "--image-layout"),
    *(
        "--trust",
        "--label-form",
        "--inputs",
        "--noise",
        "--clamp",
        "--image-output",
        "--rate",
        "--condition",
    ),
    *("--allow-missing", "--submodule", "--rate"),
}
SHARED = {
    *GENERATOR,
    *("--extractor", "--weights", "--protocol", "--num-images", "--batch-size", "--engine"),
    *("--device", "--precision", "--workers", "--memory", "--seed", "--transparency", "--animated"),
    *(
        "--exif",
        "--float-range",
        "--max-pixels",
        "--on-bad-image",
        "--max-bad",
        "--cache-dir",
        "--no-cache",
    ),
    *("--offline", "--rehash", "--trust-times", "--network", "--cluster-by", "--pair-by"),
}
EVERYWHERE = {"--quiet", "-v", "--verbose", "--traceback"}
OUTPUT = {"--json", "--output", "-o"}
SHOWN = {"--digits", "--notes"}
ASKED = {"-m", "--metrics"}
REPORT = OUTPUT | SHOWN | {"--plots"}
OPTIONS = {
    **dict.fromkeys(METRICS.names(), SHARED | REPORT),
    "authenticity": SHARED | REPORT | {"--train"},
    "eval": SHARED | REPORT | ASKED | {"--train", "--heldout"},
    "compare": SHARED
    | REPORT
    | ASKED
    | {"--train", "--heldout", "--rank", "--paired", "--unpaired", "--runs"},
    "stats make": SHARED | {"-o", "--output"},
    "stats inspect": set(),
    "train": {
        *("--data", "--steps", "--seed", "--out", "--resume", "--save-every", "--grid-every"),
        *("--eval-every", "--eval-metrics", "--eval-extractor", "--eval-images"),
        *("--eval-reference", "--cache-dir", "--device", "--precision"),
        *("--preset", "--config", "--set", "--show", "--snapshot-every", "--data-b"),
    },
    "benchmark": SHOWN
    | {"--out", "--part", "--json", "--cache-dir", "--offline", "--device", "--engine"},
    "sample": GENERATOR | {"-n", "--num-images", "-o", "--output", "--seed", "--device", "--grid"},
    "latents": GENERATOR
    | {"-o", "--output", "--arithmetic", "--codes", "--invert", "--inpaint", "--starts", "--steps"}
    | {"--rows", "--columns", "--seed", "--device", "--batch-size"},
    "likelihood": GENERATOR
    | {"--num-images", "--variance", "--validation", "--steps", "--chains", "--seed", "--each"}
    | {"--json", "--device", "--batch-size"},
    "table": REPORT | {"--label"},
    "check": OUTPUT | {"--baseline", "--max-regress", "--alpha", "--on-inconclusive", "--fail-on"},
    "baseline accept": {"-o", "--output", "--max-regress", "--alpha"},
    "list": {"--json"},
    "weights path": set(),
    "weights fetch": {"--offline"},
    "weights verify": set(),
    "cache info": {"--cache-dir"},
    "cache prune": {"--cache-dir", "--days"},
    "cache clear": {"--cache-dir"},
    "extract": SHARED | ASKED | {"--part", "--role"},
    "doctor": SHARED | {"--strict", "--json"},
    "quickstart": SHOWN | {"--out", "--seed", "--cache-dir", "--json"},
}


def leaves() -> dict[str, click.Command]:
    found = {}
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= {f"{name} {child}": leaf for child, leaf in command.commands.items()}
        else:
            found[name] = command
    return found


def test_commands_that_search_or_train_take_the_best_device_by_default() -> None:
    commands = leaves()
    found = {
        name: next(one for one in commands[name].params if one.name == "device").to_info_dict()
        for name in ("train", "benchmark", "latents", "likelihood")
    }
    assert found["latents"] == found["likelihood"] == found["train"] == found["benchmark"]
    assert found["latents"]["default"] == "auto"


def test_commands_and_options_stay() -> None:
    found = {
        name: {
            option
            for parameter in command.params
            if isinstance(parameter, click.Option)
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        for name, command in leaves().items()
    }
    assert found == {name: options | EVERYWHERE for name, options in OPTIONS.items()}


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_every_help_text_shows_an_example(name: str, ganeval: Command) -> None:
    shown = ganeval(*name.split(), "--help")
    assert shown.code == 0
    assert re.search(rf"^  ganeval {name}\b", shown.out, re.MULTILINE)


def test_the_main_help_lists_every_command(ganeval: Command) -> None:
    shown = ganeval("--help").out
    for name in COMMANDS:
        assert re.search(rf"^  {name} ", shown, re.MULTILINE)
    assert ganeval("--version").out.startswith("ganeval, version ")


def test_a_score_is_a_table_on_stdout(real: Path, fake: Path, ganeval: Command) -> None:
    shown = ganeval("fid", real, fake, *FAST)
    assert shown.code == 0
    assert "extractor random" in shown.out
    assert re.search(r"fid \u2193", shown.out)
    assert re.search(rf"^{re.escape(str(fake))} +25 +\d", shown.out, re.MULTILINE)
    assert "not the Inception network" in shown.out
    assert shown.err == ""


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("kid", ["kid"]),
        ("pr", ["precision", "recall"]),
        ("dc", ["density", "coverage"]),
        ("eval", ["fid", "is", "kid", "precision", "recall", "density", "coverage"]),
        ("compare", ["fid", "is", "kid", "precision", "recall", "density", "coverage"]),
    ],
)
def test_json_is_the_report(
    command: str, names: list[str], real: Path, fake: Path, ganeval: Command
) -> None:
    report = json.loads(ganeval(command, real, fake, *FAST, "--json").out)
    assert [score["name"] for score in report["scores"]] == names
    assert {score["sample"] for score in report["scores"]} == {str(fake)}
    words = f"ganeval {command} {real} {fake} --extractor random --json"
    assert report["provenance"]["command"] == words


def test_is_needs_no_reference(fake: Path, ganeval: Command) -> None:
    score = json.loads(ganeval("is", fake, *FAST, "--json").out)["scores"][0]
    assert score["reference"] is None
    assert score["num_reference"] is None
    assert score["details"]["std"] >= 0


def test_files_beside_the_table(real: Path, fake: Path, tmp_path: Path, ganeval: Command) -> None:
    paths = [tmp_path / f"run{suffix}" for suffix in (".json", ".csv", ".md", ".tex")]
    words = [word for path in paths for word in ("-o", path)]
    assert ganeval("fid", real, fake, *FAST, *words).code == 0
    assert all(path.stat().st_size > 100 for path in paths)
    joined = ganeval("table", paths[0], paths[0], "--json")
    assert json.loads(joined.out)["scores"] == json.loads(paths[0].read_text())["scores"]


def test_quiet_says_nothing_but_the_result(real: Path, ganeval: Command) -> None:
    assert ganeval("fid", real, real, *FAST, "--quiet").err == ""
    assert "same images" in ganeval("fid", real, real, *FAST).err


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (
            "metrics",
            [
                *("fid", "is", "kid", "pr", "dc", "fid-debiased", "fid-infinity", "sfid"),
                *("intra-fid", "authenticity", "birthday", "psnr", "ssim", "ppl"),
                *("fad", "kad", "snr", "si-sdr", "lsd", "log-mel-distance"),
            ],
        ),
        (
            "extractors",
            [
                *("inception", "efficientnet-lite0", "random", "pixels"),
                *("lpips-alex", "lpips-vgg", "lpips-squeeze"),
                *("log-mel", "crepe-tiny", "vggish", "waveforms", "log-mel-pairs"),
            ],
        ),
        (
            "protocols",
            [
                *("standard", "torch-fidelity", "pytorch-fid", "clean-fid", "torchmetrics"),
                *("google-fad", "frechet-audio-distance", "fadtk"),
            ],
        ),
        ("sources", ["folder", "zip", "tar", "npz", "npy", "tensor", "data", "generator"]),
        (
            "models",
            [
                *("gan", "gan-minimax", "optimal-d", "dcgan"),
                *("feature-matching", "minibatch", "semi-supervised", "infogan", "bigan", "ali"),
                *("pix2pix", "cyclegan", "srgan", "progan"),
                *("f-gan", "poole", "lsgan", "relativistic"),
                *("wgan", "wgan-gp", "gmmn", "mmd-gan", "energy-distance", "sngan"),
                *("roth", "nagarajan", "unrolled", "consensus", "projection", "acgan"),
                *("flow", "flow-gan", "vae", "pixelcnn", "wavenet", "audio-sr"),
            ],
        ),
    ],
)
def test_list_prints_a_line_each_with_the_name_first(
    kind: str, names: list[str], ganeval: Command
) -> None:
    lines = ganeval("list", kind).out.splitlines()
    assert [line.split()[0] for line in lines] == names
    assert all(len(line.split()) > 3 for line in lines)


def test_weights_are_found_and_checked(ganeval: Command, tmp_path: Path) -> None:
    path = ganeval("weights", "path", "efficientnet-lite0").out.strip()
    assert Path(path).is_file()
    assert "sha256:57934424" in ganeval("weights", "verify", "efficientnet-lite0").out
    missing = ganeval("weights", "path")
    assert missing.code == 4
    assert "ganeval weights fetch inception" in missing.error
    assert "did you mean 'inception'" in ganeval("weights", "path", "inceptoin").error


def test_the_cache_is_measured_pruned_and_cleared(
    real: Path, fake: Path, ganeval: Command, own_cache: Path
) -> None:
    assert "0 shards" in ganeval("cache", "info").out
    ganeval("fid", real, fake, *FAST)
    # A file for each layer, and what the metric made of them.
    found = f"{own_cache / 'shards'}: 4 shards, 1 value derived from them, 0.0 MiB"
    assert found in ganeval("cache", "info").out
    ganeval("kid", real, fake, *FAST)
    assert "4 shards, 4 values derived from them, 0.0 MiB" in ganeval("cache", "info").out
    assert "removed 0 shards" in ganeval("cache", "prune").out
    assert "removed 4 shards, 4 values derived" in ganeval("cache", "clear").out
    assert "0 shards" in ganeval("cache", "info").out


def test_training_pictures_are_in_the_cache(
    real: Path, ganeval: Command, own_cache: Path, tmp_path: Path
) -> None:
    folder = own_cache / "prepared"
    assert "training pictures" not in ganeval("cache", "info").out
    options = ("--data", real, "--set", "image_size=16", "--steps", 1, "--out", tmp_path / "run")
    found = ganeval("train", "gan", *options)
    assert f"folder:{real},size=16,crop=center: " in found.err
    assert f"{folder}: training pictures of 1 sources, 0." in ganeval("cache", "info").out
    assert "training pictures" not in ganeval("cache", "prune").out
    (own,) = (path for path in folder.iterdir() if path.is_dir())
    for path in own.iterdir():
        os.utime(path, (0, 0))
    with filelock.FileLock(own.with_suffix(".lock")):  # as by a process that prepares them
        for command in ("prune", "clear"):
            assert "training pictures" not in ganeval("cache", command).out
    assert own.is_dir()
    assert "removed training pictures of 1 sources, 0." in ganeval("cache", "prune").out
    assert list(folder.iterdir()) == []
    other = tmp_path / "cache"
    ganeval("train", "gan", *options[:-1], tmp_path / "other", "--cache-dir", other, "--quiet")
    assert list(folder.iterdir()) == []
    assert "of 1 sources" in ganeval("cache", "info", "--cache-dir", other).out


def test_parts_fill_the_cache(tmp_path: Path, ganeval: Command) -> None:
    path = tmp_path / "images.npy"
    np.save(path, blobs(2500, seed=9, height=8, width=8))
    first = ganeval("extract", path, "--part", "0/2", *FAST)
    assert first.out == f"{path}: 2 of 3 shards, 1,476 images, 1,476 computed\n"
    second = ganeval("extract", path, "--part", "1/2", *FAST)
    assert second.out == f"{path}: 1 of 3 shards, 1,024 images, 1,024 computed\n"
    assert "2500 images, 0 computed, 2500 found" in ganeval("is", path, *FAST, "-v").err
    for part in ("2/2", "x/2", "1", "0/0"):
        assert "--part" in ganeval("extract", path, "--part", part, *FAST).error
    more = ganeval("extract", path, "--part", "3/4", *FAST)
    assert more.out == f"{path}: 0 of 3 shards, 0 images, 0 computed\n"


def test_parts_of_a_subset_are_those_of_its_role(real: Path, fake: Path, ganeval: Command) -> None:
    subset = ("--num-images", 20, *FAST)
    ganeval("extract", real, "--role", "reference", *subset)
    ganeval("extract", fake, *subset)
    found = ganeval("fid", real, fake, *subset, "-v")
    assert found.err.count("20 images, 0 computed, 20 found") == 2


def test_parts_are_what_the_metrics_look_at(real: Path, fake: Path, ganeval: Command) -> None:
    metrics = ("-m", "fid,fid@efficientnet-lite0,sfid,authenticity")
    sides = {"sample": fake, "reference": real, "train": real}
    for role, source in sides.items():
        done = [
            ganeval("extract", source, "--role", role, "--part", part, *metrics, *FAST)
            for part in ("0/2", "1/2")
        ]
        assert [one.code for one in done] == [0, 0]
    found = ganeval("eval", real, fake, "--train", real, *metrics, *FAST, "-v")
    assert found.err.count(" images, 0 computed, ") == 3


def test_parts_of_one_role_are_no_more_than_its_metrics_look_at(
    real: Path, fake: Path, ganeval: Command
) -> None:
    ganeval("extract", fake, "-m", "fid", *FAST)
    found = ganeval("eval", real, fake, "-m", "fid", *FAST, "-v")
    assert f"{fake}: 25 images, 0 computed" in found.err
    found = ganeval("eval", real, fake, "-m", "sfid", *FAST, "-v")
    assert f"{fake}: 25 images, 25 computed" in found.err
    nobody = ganeval("extract", real, "--role", "train", "-m", "fid,kid", *FAST)
    assert "--role train: none of fid,kid uses such a source" in nobody.error


def test_parts_leave_pairs_to_the_scoring_command(fake: Path, ganeval: Command) -> None:
    what = "needs pairs or paths, which only the scoring command computes"
    for role in ("sample", "reference"):
        found = ganeval("extract", fake, "--role", role, "-m", "psnr,ssim", *FAST)
        assert f"-m psnr, ssim: {what}; " in found.error
    some = ganeval("extract", fake, "-m", "fid,psnr", *FAST)
    assert some.out == f"{fake}: 1 of 1 shards, 25 images, 25 computed\n"
    assert f"psnr: {what}" in some.err


def test_parts_need_a_cache_that_stays(real: Path, ganeval: Command, own_cache: Path) -> None:
    (own_cache / "shards").write_text("a file where a folder should be")
    found = ganeval("extract", real, *FAST)
    assert found.code == 4
    assert "shards: cannot be used as cache" in found.error
    assert "with --no-cache" in ganeval("extract", real, *FAST, "--no-cache").error


def test_no_network_and_no_weights_names_three_ways_out(real: Path, ganeval: Command) -> None:
    found = ganeval("fid", real, real, "--offline")
    assert found.code == 4
    for way in ("GANEVAL_WEIGHTS", "https://", "--extractor efficientnet-lite0"):
        assert way in found.error


def test_a_traceback_is_shown_on_request(real: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from ganeval.cli.main import main
    from ganeval.errors import UsageError

    with pytest.raises(UsageError, match="unknown protocol"):
        main(["fid", str(real), str(real), "--protocol", "x", "--traceback"])


def test_usage_errors_are_one_line(ganeval: Command) -> None:
    words = {
        ("eval", "a", "b", "--metrc", "x"): "No such option '--metrc'; did you mean '--metrics'?; "
        "see `ganeval eval --help`",
        (
            "fid",
            "a",
        ): "SAMPLE is missing; write `ganeval fid REFERENCE SAMPLE`; see `ganeval fid --help`",
        ("fdi", "a"): "No such command 'fdi'; did you mean 'fid'?; see `ganeval --help`",
        ("xyz",): "No such command 'xyz'; see `ganeval --help`",
        ("cache", "prun"): "No such command 'prun'; did you mean 'prune'?; see `ganeval cache "
        "--help`",
        ("is", "a", "--engine", "x"): "Invalid value for '--engine': 'x' is not one of 'local', "
        "'ray'; see `ganeval is --help`",
    }
    for command, line in words.items():
        shown = ganeval(*command)
        assert (shown.code, shown.out) == (2, "")
        assert shown.err == f"ganeval: error: {line}\n"


def test_a_group_called_alone_shows_its_help(ganeval: Command) -> None:
    for words in ((), ("cache",)):
        assert ganeval(*words) == ganeval(*words, "--help")


@pytest.mark.parametrize("level", ["--quiet", "--verbose"])
def test_quiet_and_verbose_stand_after_the_command(
    level: str, fake: Path, ganeval: Command
) -> None:
    found = ganeval("is", fake, *FAST, level)
    assert found.code == 0
    assert ("25 images, 25 computed, 0 found in the cache" in found.err) == (level == "--verbose")
    both = ganeval("is", fake, *FAST, "--quiet", "-v")
    assert "--quiet and --verbose; needed: one of them" in both.error


def test_list_without_a_kind_is_told_what_kinds_there_are(ganeval: Command) -> None:
    found = ganeval("list")
    assert found.code == 2
    kinds = "metrics, extractors, protocols, sources, models"
    assert f"Choose from: {kinds}; see `ganeval list --help`" in found.error


def test_list_metrics_has_columns_and_data(ganeval: Command) -> None:
    lines = ganeval("list", "metrics").out.splitlines()
    entries = json.loads(ganeval("list", "metrics", "--json").out)
    places = []
    for line, entry in zip(lines, entries, strict=True):
        cells = re.split(r"  +", line)
        takes = f" ({', '.join(entry['takes'])})" if entry["takes"] else ""
        roles = ", ".join(entry["roles"]) + takes
        assert cells[:4] == [entry["name"], entry["common_name"], entry["direction"], roles]
        assert cells[4:] == [entry["network"] or "any"]
        places.append([line.index(f"  {cell}") for cell in cells[1:4]])
    assert all(place == places[0] for place in places)
    assert entries[0]["common_name"] == "Frechet Inception distance"
    assert entries[1]["roles"] == ["sample"]
    assert entries[0]["network"] is None
    networks = {None, "pixels", "lpips-vgg", "vggish", "waveforms", "log-mel-pairs"}
    assert {one["network"] for one in entries} == networks
    models = json.loads(ganeval("list", "models", "--json").out)
    assert models[0]["name"] == "gan"
    assert models[0]["summary"].endswith(".")


def test_the_directions_are_those_of_the_papers(real: Path, fake: Path, ganeval: Command) -> None:
    higher = {"is", "precision", "recall", "density", "coverage", "authenticity", "psnr", "ssim"}
    higher |= {"birthday", "snr", "si-sdr"}
    for entry in json.loads(ganeval("list", "metrics", "--json").out):
        words = ("eval", real, fake, *FAST, "-m", entry["name"], "--json")
        needs_more = entry["name"].startswith("fid-") or {"classes", "generator", "clips"} & {
            *entry["takes"]
        }
        if not needs_more and "train" not in entry["roles"]:
            scores = json.loads(ganeval(*words).out)["scores"]
            assert [score["name"] for score in scores] == entry["scores"]
            assert {score["direction"] for score in scores} == {entry["direction"]}
        assert (entry["direction"] == "higher") == (set(entry["scores"]) <= higher), entry["name"]


def test_models_of_one_file_are_told_apart(ganeval: Command) -> None:
    lines = ganeval("list", "models").out.splitlines()
    summaries = [line.partition(" ")[2].strip() for line in lines]
    assert len(set(summaries)) == len(summaries) > 10


@pytest.mark.parametrize(
    ("text", "num_bytes"),
    [
        ("2GB", 2 * 10**9),
        ("1.5 GiB", 3 * 2**29),
        ("500mb", 500_000_000),
        ("64M", 64_000_000),
        ("20000000", 20_000_000),
        ("20000000B", 20_000_000),
        ("1TB", 10**12),
    ],
)
def test_memory_is_a_size(text: str, num_bytes: int) -> None:
    seen: list[Any] = []

    @click.command()
    @run_options
    def command(*, settings: Any) -> None:
        seen.append(settings.memory)

    command.main(["--memory", text], standalone_mode=False, obj=Call([]))
    assert seen == [num_bytes]
