"""Measure six kinds of generative models on the same data, and write `docs/map.md`.

    .venv/bin/python scripts/map.py

Each model is trained on the ring of eight Gaussians and on the digits, and asked for everything
that it can give. What is in `docs/map.json` already is not measured again.
"""

import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import ganeval  # noqa: E402
from reference_models.engine.data import open_data  # noqa: E402
from reference_models.engine.draw import Draw  # noqa: E402
from reference_models.engine.inputs import inputs_of  # noqa: E402
from reference_models.engine.kinds.pictures import as_source  # noqa: E402
from reference_models.engine.session import find_recipe  # noqa: E402
from reference_models.engine.settings import preset_of, with_settings  # noqa: E402
from reference_models.experiments.likelihood import (  # noqa: E402
    HELD_OUT,
    NUM_HELD_OUT,
    gaussian_nats,
    log_prob_of,
    true_nats,
)
from reference_models.experiments.measure import trained  # noqa: E402
from reference_models.parts.likelihood import bits_per_dimension, dequantise  # noqa: E402
from suite import when_and_where  # noqa: E402

NUMBERS, PAGE = ROOT / "docs" / "map.json", ROOT / "docs" / "map.md"
NUM_IMAGES = 360  # as many as there are held-out digits
NUM_TIMED = 1000
EXTRACTOR = "efficientnet-lite0"
DATA = ("ring8", "digits")
Numbers = dict[str, float]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of generative model on the map.

    Attributes:
        trained_by: What is minimised, in a few words.
        likelihood: "none", "bound" or "exact".
        latents: What a sample is made of.
        passes: Passes through the network for one sample, which has D numbers.
        steps: Number of steps of training on the ring and on the digits.
    """

    trained_by: str
    likelihood: str
    latents: str
    passes: str
    steps: dict[str, int]


KINDS = {
    "gan": Kind(
        "D, a divergence", "none", "any number, no encoder", "one", {"ring8": 1500, "digits": 1500}
    ),
    "wgan-gp": Kind(
        "D, a distance", "none", "any number, no encoder", "one", {"ring8": 800, "digits": 400}
    ),
    "flow": Kind("likelihood", "exact", "D, exact inverse", "one", {"ring8": 1500, "digits": 600}),
    "flow-gan": Kind(
        "likelihood and D", "exact", "D, exact inverse", "one", {"ring8": 600, "digits": 200}
    ),
    "vae": Kind(
        "a bound", "bound", "any number, an encoder", "one", {"ring8": 1500, "digits": 1500}
    ),
    "pixelcnn": Kind(
        "likelihood", "exact", "none that mean anything", "D", {"ring8": 1500, "digits": 400}
    ),
}


@click.command()
@click.argument("models", nargs=-1)
@click.option("--seed", default=0, show_default=True)
@click.option("--processes", default=os.cpu_count(), show_default=True)
def map_of_models(models: tuple[str, ...], seed: int, processes: int) -> None:
    """Measure MODELS, or all, and write the page."""
    known: dict[str, Numbers] = {}
    if NUMBERS.exists():
        known = json.loads(NUMBERS.read_text(encoding="utf-8"))
    jobs = [(name, data, seed) for name in models or ("real", *KINDS) for data in DATA]
    with ProcessPoolExecutor(processes, initializer=_one_thread) as pool:
        running = {
            pool.submit(measure, *job): job for job in jobs if " ".join(map(str, job)) not in known
        }
        for done in as_completed(running):
            key = " ".join(map(str, running[done]))
            known[key] = done.result()
            NUMBERS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            click.echo(f"{key}: {known[key]}", err=True)
    PAGE.write_text(page(known, seed), encoding="utf-8")


def _one_thread() -> None:
    """The processes are what runs in parallel."""
    import torch

    torch.set_num_threads(1)


def measure(name: str, data_name: str, seed: int) -> Numbers:
    """Train a model on data and return what it gives, by name."""
    if name == "real":
        return _real(data_name, seed)
    data = open_data(data_name)
    recipe = find_recipe(name)
    if data.kind == "points" and "points" in recipe.presets:
        recipe = with_settings(recipe, preset_of(recipe, "points"))
    begun = time.process_time()
    run = trained(recipe, data, steps=KINDS[name].steps[data_name], seed=seed)
    found = {"training": time.process_time() - begun}
    network: Any = run.average
    inputs = inputs_of(network, recipe, data, NUM_TIMED, seed=seed)
    begun = time.process_time()
    samples = _sampled(network, inputs)
    found["sampling"] = time.process_time() - begun
    if data.kind == "points":
        found |= {key: value for key, (value, _) in data.scores(samples).items()}  # type: ignore[attr-defined]
    else:
        found |= _scores(as_source(network, recipe, data, num_images=NUM_IMAGES, seed=seed))
    if KINDS[name].likelihood == "none":
        return found
    if data.kind == "points":
        x = data.batch(HELD_OUT, 0, NUM_HELD_OUT)["real"]
        return {**found, "nats": -float(log_prob_of(network, x).mean())}
    x = open_data(data_name, split="test").batch(0, 0, NUM_IMAGES)["real"]
    x = dequantise(x, Draw(0, 0).uniform("dequantise", *x.shape))
    log_prob = log_prob_of(network, x).mean()
    return {**found, "bits": float(bits_per_dimension(log_prob, x[0].numel()))}


def _sampled(network: Any, inputs: tuple[Any, ...]) -> Any:
    """Return samples, made as `ganeval sample` does on the CPU: 16 at once."""
    import torch

    with torch.inference_mode():
        parts = [network(*part) for part in zip(*(one.split(16) for one in inputs), strict=True)]
    return torch.cat(parts)


def _real(data_name: str, seed: int) -> Numbers:
    """Return what as many real samples have: the floor; and what the truth takes."""
    if data_name == "ring8":
        data = open_data("ring8")
        x = data.batch(seed, 0, NUM_TIMED)["real"]
        scores = data.scores(x)  # type: ignore[attr-defined]
        return {**{key: value for key, (value, _) in scores.items()}, "nats": true_nats(0)}
    real = open_data("digits").batch(seed, 0, NUM_IMAGES)["real"]
    return _scores(ganeval.Images(real, value_range=(-1, 1)))


def _scores(sample: Any) -> Numbers:
    """Return FID and KID to the held-out digits."""
    report = ganeval.evaluate(
        sample=sample,
        reference="data:digits,split=test,size=16",
        metrics=["fid", "kid"],
        extractor=EXTRACTOR,
        device="cpu",
    )
    kid = report["kid"]
    found = {"fid": float(report["fid"].value), "kid": float(kid.value)}
    return found if kid.se is None else {**found, "kid_se": float(kid.se)}


def page(known: dict[str, Numbers], seed: int) -> str:
    """Return the text of the page, of the numbers that are there."""
    of = {
        data: {name: known.get(f"{name} {data} {seed}", {}) for name in ("real", *KINDS)}
        for data in DATA
    }
    minutes = (
        sum(numbers.get("training", 0) for each in of.values() for numbers in each.values()) / 60
    )
    gives = "\n".join(
        f"| `{name}` | {kind.trained_by} | {kind.likelihood} | {kind.latents} | {kind.passes} |"
        for name, kind in KINDS.items()
    )
    digits = "\n".join(
        f"| {_label(name)} | {_steps(name, 'digits')} | {_cell(name, numbers, 'bits', '.2f')} "
        f"| {_cell(name, numbers, 'fid', '.1f')} | {_kid(numbers)} "
        f"| {_cell(name, numbers, 'sampling', '.2g')} |"
        for name, numbers in of["digits"].items()
    )
    ring = "\n".join(
        f"| {_label(name)} | {_steps(name, 'ring8')} | {_cell(name, numbers, 'nats', '.2f')} "
        f"| {_cell(name, numbers, 'modes', '.0f')} | {_cell(name, numbers, 'high_quality', '.0%')} "
        f"| {_cell(name, numbers, 'mode_kl', '.3f')} | {_cell(name, numbers, 'sampling', '.2g')} |"
        for name, numbers in of["ring8"].items()
    )
    return TEXT.format(
        where=when_and_where(),
        seed=seed,
        minutes=minutes,
        gives=gives,
        digits=digits,
        ring=ring,
        num_images=NUM_IMAGES,
        num_timed=NUM_TIMED,
        gaussian=gaussian_nats(0),
    )


def _label(name: str) -> str:
    """Return the name of a row."""
    return "real ones" if name == "real" else f"`{name}`"


def _steps(name: str, data: str) -> str:
    """Return the steps of training."""
    return "" if name == "real" else f"{KINDS[name].steps[data]:,}"


def _cell(name: str, numbers: Numbers, key: str, form: str) -> str:
    """Return a number as text; a bound says so; what a model does not give is a dash."""
    if key not in numbers:
        return "-" if numbers else "not measured"
    is_bound = key in ("nats", "bits") and name != "real" and KINDS[name].likelihood == "bound"
    return f"{'at most ' if is_bound else ''}{numbers[key]:{form}}"


def _kid(numbers: Numbers) -> str:
    """Return KID in thousandths, with its standard error where there is one."""
    if "kid" not in numbers:
        return "not measured"
    error = f" ± {1000 * numbers['kid_se']:.1f}" if "kid_se" in numbers else ""
    return f"{1000 * numbers['kid']:.1f}{error}"


TEXT = """\
# A map of generative models

This page compares what each kind of model gives, and how good it is on the same data. It was made by `./scripts/map`, {where}
Seed {seed} alone, one thread for each run; the training took {minutes:.0f} minutes of processor
time. The numbers come from short runs of small networks: they show what can be measured, not
which kind is the best. [map.json](map.json) has all numbers.

| model | trained by | log p(x) | latents of a sample | passes for a sample |
|---|---|---|---|---|
{gives}

D is the number of values in a sample: 256 of a digit, 2 of a point. *Exact* is `log_prob(x)` of the
checkpoint's network, *bound* is `elbo(x, noise)` (see
[a likelihood](extending.md#a-likelihood)). The samples of a model with *none* lie on a surface that
has no density. With noise added they have a density that nobody can compute, but
[annealed importance sampling](likelihood.md) estimates it.

## Digits of 16 x 16 pixels

| | steps | bits for a byte of held-out digits | FID | KID x 1000 | seconds for {num_timed:,} samples |
|---|---|---|---|---|---|
{digits}

FID and KID compare {num_images} samples with the {num_images} held-out digits by features of
`efficientnet-lite0`. FID of so few pictures has a bias. The row of real ones, which are as many digits
of the training split, has the same bias. Bits are those of dequantised pictures, so they are upper
bounds for every model. A uniform model takes 8 bits.

## Eight Gaussians on a ring

| | steps | nats for a held-out point | modes found, of 8 | within 3 std of a mode | KL of modes | seconds for {num_timed:,} samples |
|---|---|---|---|---|---|---|
{ring}

On average no density takes fewer nats than the true one. A Gaussian with the moments of the data
takes {gaussian:.2f}. 98.9 % of the true points lie within three standard deviations.

## How to read it

* **A likelihood and good samples are two things.** A flow is a bijection, so it joins the modes by
  bridges. A third of its mass on them costs every held-out point no more than log 3/2 = 0.4 nats,
  and a third of the samples.
* **A GAN has no number of its own for how well it covers the data.** It has only the numbers that
  are measured from samples.
* **One pass makes a sample** of every model but `pixelcnn`. That model has an exact likelihood of any
  distribution, and pays for it with one pass for each value, one after the other.
* **Bits do not judge pictures.** A model that is wrong by very little on every pixel loses many bits
  and no quality.
"""  # noqa: E501 (tables)


if __name__ == "__main__":
    map_of_models()
