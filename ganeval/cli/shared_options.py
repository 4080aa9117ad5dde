"""The options that every scoring command shares, in the order of the help."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click

from ganeval.cli.generator_options import GENERATOR_OPTIONS
from ganeval.cli.panels import MACHINE, OUTPUT, PICTURES, SCORING, SOURCES

METRICS_OPTION = click.option(
    "-m",
    "--metrics",
    metavar="METRICS",
    panel=SCORING,
    help="Metrics, such as fid,kid:subset_size=500,pr:k=5 or fid@NETWORK, or all; see `ganeval "
    "list metrics` (default: the protocol's metrics)",
)

_Command = TypeVar("_Command", bound=Callable[..., Any])

_ROLES = {
    "train": "Images that the generator was trained on, for the metrics that need them",
    "heldout": "Real images that the generator never saw, for the metrics that need them",
}


def role_option(role: str, *, required: bool = False) -> Callable[[_Command], _Command]:
    """Return the option that names the source of a role."""
    return click.option(
        f"--{role}", metavar="SOURCE", required=required, panel=SCORING, help=_ROLES[role]
    )


RUN_OPTIONS = (
    click.option(
        "--extractor",
        default="inception",
        show_default=True,
        metavar="NAME",
        panel=SCORING,
        help="Feature network: inception, efficientnet-lite0, random; for clips: log-mel",
    ),
    click.option(
        "--network",
        "networks",
        multiple=True,
        metavar="SHORT=SPEC",
        panel=SCORING,
        help="Further network, for metrics such as fid@SHORT; may be repeated",
    ),
    click.option(
        "--num-images",
        type=int,
        metavar="N",
        panel=SCORING,
        help="Number of images of each source, drawn at random with the seed (default: all)",
    ),
    click.option(
        "--protocol",
        default="standard",
        show_default=True,
        metavar="NAME",
        panel=SCORING,
        help="Conventions of the scores: standard, torch-fidelity, pytorch-fid, clean-fid, "
        "torchmetrics, google-fad, frechet-audio-distance, fadtk",
    ),
    click.option(
        "--seed",
        type=int,
        default=0,
        show_default=True,
        metavar="N",
        panel=SCORING,
        help="Seed of every random choice",
    ),
    click.option(
        "--weights",
        type=click.Path(path_type=Path),
        metavar="FILE",
        panel=SCORING,
        help="Weight file of your own for the network",
    ),
    click.option(
        "--transparency",
        type=click.Choice(["drop", "white", "black"]),
        metavar="NAME",
        panel=PICTURES,
        help="Background of transparent pictures: white, black, or drop to ignore transparency "
        "(default: an error)",
    ),
    click.option(
        "--animated",
        type=click.Choice(["first"]),
        metavar="NAME",
        panel=PICTURES,
        help="Treatment of animations: first takes the first frame (default: an error)",
    ),
    click.option(
        "--exif",
        type=click.Choice(["ignore", "apply"]),
        default="ignore",
        show_default=True,
        metavar="NAME",
        panel=PICTURES,
        help="Treatment of the EXIF orientation: ignore, apply",
    ),
    click.option(
        "--float-range",
        metavar="LOW,HIGH",
        panel=PICTURES,
        help="Range of values of floating-point pictures, such as 0,1 (default: an error)",
    ),
    click.option(
        "--max-pixels",
        type=int,
        metavar="N",
        panel=PICTURES,
        help="Largest number of pixels of a picture (default: 64,000,000)",
    ),
    click.option(
        "--on-bad-image",
        type=click.Choice(["error", "skip"]),
        default="error",
        show_default=True,
        metavar="NAME",
        panel=PICTURES,
        help="Treatment of pictures that cannot be used: error, or skip (the report names them)",
    ),
    click.option(
        "--max-bad",
        default="1%",
        show_default=True,
        metavar="SHARE",
        panel=PICTURES,
        help="Largest share of pictures that may be skipped",
    ),
    click.option(
        "--cache-dir",
        type=click.Path(),
        metavar="PLACE",
        panel=SOURCES,
        help="Folder of the feature cache, or a URL that machines share (s3://bucket/cache)",
    ),
    click.option(
        "--pair-by",
        type=click.Choice(["name", "index"]),
        default="name",
        show_default=True,
        metavar="NAME",
        panel=SOURCES,
        help="Rule that pairs the images of two sources, for metrics of pairs: same name or same "
        "index",
    ),
    click.option(
        "--cluster-by",
        type=click.Choice(["name-prefix", "folder"]),
        metavar="NAME",
        panel=SOURCES,
        help="Images that depend on each other and form a cluster for standard errors: those with "
        "the same name-prefix (img12 of img12_crop3.png) or in the same folder (default: all are "
        "independent)",
    ),
    click.option("--no-cache", is_flag=True, panel=SOURCES, help="Keep features for this run only"),
    click.option("--offline", is_flag=True, panel=SOURCES, help="Use no network connection at all"),
    click.option(
        "--device",
        default="auto",
        show_default=True,
        metavar="NAME",
        panel=MACHINE,
        help="Device of the network: auto, cpu, cuda, cuda:1, mps; a generator's file runs on the "
        "CPU unless its source names a device (generator:FILE,device=cuda)",
    ),
    click.option(
        "--batch-size",
        type=int,
        metavar="N",
        panel=MACHINE,
        help="Number of images in one pass of the network (default: depends on the device)",
    ),
    click.option(
        "--precision",
        type=click.Choice(["float32", "bfloat16"]),
        default="float32",
        show_default=True,
        metavar="NAME",
        panel=MACHINE,
        help="Arithmetic of the network: float32, bfloat16",
    ),
    click.option(
        "--workers",
        type=int,
        metavar="N",
        panel=MACHINE,
        help="Number of decoding threads (default: one per core)",
    ),
    click.option(
        "--memory",
        default="1GB",
        show_default=True,
        metavar="SIZE",
        panel=MACHINE,
        help="Memory for metrics; features larger than a quarter of it are mapped from disk",
    ),
    click.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        metavar="NAME",
        panel=MACHINE,
        help="Place where features are computed: local, or ray (a Ray cluster); under torchrun "
        "leave it out",
    ),
    click.option(
        "--rehash",
        is_flag=True,
        panel=MACHINE,
        help="Read all files again, even those that did not change since the last run",
    ),
    click.option(
        "--trust-times",
        is_flag=True,
        panel=MACHINE,
        help="When looking for files that changed since the last run, trust the times of files on "
        "network file systems too",
    ),
    *GENERATOR_OPTIONS,
)

SHOW_OPTIONS = (
    click.option(
        "--digits",
        type=click.Choice(["error", "full"]),
        default="error",
        show_default=True,
        metavar="NAME",
        panel=OUTPUT,
        help="Digits in tables: error (two digits of the standard error) or full",
    ),
    click.option(
        "--notes",
        type=click.Choice(["few", "all"]),
        default="few",
        show_default=True,
        metavar="NAME",
        panel=OUTPUT,
        help="Notes on the terminal: few (those that limit what the scores can tell) or all",
    ),
)

OUTPUT_OPTIONS = (
    click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="FILE",
        panel=OUTPUT,
        help="File for the report: .json, .csv, .md, .tex (needs booktabs) or .html; may be "
        "repeated",
    ),
    click.option(
        "--json",
        "as_json",
        is_flag=True,
        panel=OUTPUT,
        help="Write the report to stdout as JSON, instead of the table",
    ),
    *SHOW_OPTIONS,
    click.option(
        "--plots",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        panel=OUTPUT,
        help="Folder for the plots of the HTML page, as PNG and SVG",
    ),
)
