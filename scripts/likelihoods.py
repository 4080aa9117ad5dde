"""Hold annealed importance sampling beside the truth and beside Parzen windows.

    .venv/bin/python scripts/likelihoods.py

A flow of the ring has an exact density, to which the bounds are compared. GMMN, GAN and VAE with
the same decoder are trained on the same digits and given to `ganeval.log_likelihood`, as are the
centres of clusters of these digits, whose density is exact too. It writes
`docs/measured/likelihoods.md`; what is in `likelihoods.json` beside it is not measured again.
"""

import itertools
import json
import math
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import torch
from sklearn.cluster import KMeans
from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import ganeval  # noqa: E402
from ganeval.likelihood.ais import (  # noqa: E402
    Annealing,
    back,
    forth,
    lower_bound,
    upper_bound,
)
from ganeval.likelihood.observed import Observed  # noqa: E402
from ganeval.likelihood.result import LEVELS  # noqa: E402
from ganeval.likelihood.variance import GRID  # noqa: E402
from reference_models import flow_gan, gan, gmmn, vae  # noqa: E402
from reference_models.data.densities import ring8  # noqa: E402
from reference_models.data.digits import digits  # noqa: E402
from reference_models.engine.data import Data  # noqa: E402
from reference_models.engine.draw import Draw  # noqa: E402
from reference_models.engine.game import Game  # noqa: E402
from reference_models.engine.kinds.pictures import as_source  # noqa: E402
from reference_models.engine.recipe import Recipe  # noqa: E402
from reference_models.engine.settings import with_settings  # noqa: E402
from reference_models.experiments.likelihood import noisy_log_prob  # noqa: E402
from reference_models.experiments.measure import trained  # noqa: E402
from reference_models.experiments.ring import for_points  # noqa: E402
from reference_models.gan import MlpGenerator  # noqa: E402
from reference_models.parts.likelihood import dequantise  # noqa: E402
from reference_models.parts.matching import Matching  # noqa: E402
from reference_models.parts.weights import init_uniform  # noqa: E402
from suite import when_and_where  # noqa: E402

PAGE = ROOT / "docs" / "measured" / "likelihoods.md"
NUMBERS = PAGE.with_suffix(".json")
Numbers = dict[str, Any]
Pixels = npt.NDArray[np.uint8]

SEEDS = (0, 1, 2)

FLOW_STEPS, NUM_POINTS, NUM_CHAINS, NUM_PILOTS = 1200, 24, 8, 2
VARIANCES, TEMPERATURES = (1e-2, 1e-3), (30, 300)

SIZE, STEPS = 8, 2000
DECODER = {"generator.latent_size": 10, "generator.width": 128}
NUM_IMAGES, NUM_TEMPERATURES = 48, 500
NUM_CENTRES = 240  # one for six of the 1,437 digits, as Theis et al. have 10,000 for 60,000


def _gmmn(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game of GMMN with the decoder of the other two."""
    generator = MlpGenerator(**recipe.generator_options(data.shape))
    game = Matching(generator, gmmn.discrepancy(recipe.game["bandwidths"]))
    init_uniform(game, randomness)
    return game


MODELS = {
    "vae": with_settings(vae.RECIPE, DECODER),
    "gan": with_settings(gan.RECIPE, DECODER),
    "gmmn": with_settings(replace(gmmn.RECIPE, make_game=_gmmn), DECODER),
}


class Centres(nn.Module):
    """Pictures that are remembered, each as probable as the others, with noise around them."""

    def __init__(self, centres: Tensor, variance: float) -> None:
        """Take pictures [K, 1, H, W] in [-1, 1], and the noise's variance for those in [0, 1]."""
        super().__init__()
        self.register_buffer("centres", centres)
        self.variance = variance * (2 * LEVELS / (LEVELS - 1)) ** 2
        self.latent_size = 1

    def forward(self, z: Tensor) -> Tensor:
        """Return the centres that latents [B, 1] choose."""
        centres = self.get_buffer("centres")
        chosen = (len(centres) * torch.special.ndtr(z[:, 0].double())).long()
        return centres[chosen.clamp(max=len(centres) - 1)]

    def log_prob(self, x: Tensor) -> Tensor:
        """Return the log density at pictures [B, 1, H, W], in nats."""
        x, centres = x.flatten(1).double(), self.get_buffer("centres").flatten(1).double()
        exponents = -torch.cdist(x, centres).square() / (2 * self.variance)
        norm = math.log(len(centres)) + x.shape[1] / 2 * math.log(2 * math.pi * self.variance)
        return exponents.logsumexp(dim=1) - norm


@click.command()
@click.option("--processes", default=1, show_default=True)
def likelihoods(processes: int) -> None:
    """Measure everything that is not there yet, and write the page."""
    known: dict[str, Numbers] = {}
    if NUMBERS.exists():
        known = json.loads(NUMBERS.read_text(encoding="utf-8"))
    jobs = [(name, seed) for seed in SEEDS for name in ("clusters", *MODELS, "flow")]
    jobs.append(("digits", 0))
    with ProcessPoolExecutor(processes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        running = {
            pool.submit(measure, *job): f"{job[0]} {job[1]}"
            for job in jobs
            if f"{job[0]} {job[1]}" not in known
        }
        for done in as_completed(running):
            known[running[done]] = done.result()
            text = json.dumps(known, indent=1, sort_keys=True) + "\n"
            NUMBERS.write_text(text, encoding="utf-8")
            click.echo(f"{running[done]}: {known[running[done]]['seconds']:.0f} s", err=True)
    PAGE.write_text(page(known), encoding="utf-8")


def measure(name: str, seed: int) -> Numbers:
    """Return everything of one row and seed, with the processor time that it took."""
    begun = time.process_time()
    found = _flow(seed) if name == "flow" else _of_digits(name, seed)
    return {**found, "seconds": time.process_time() - begun}


def _flow(seed: int) -> Numbers:
    """Train a flow on the ring and compare both bounds with its density under noise."""
    small = {"generator.num_couplings": 4, "generator.width": 32}
    recipe = with_settings(for_points(flow_gan.FLOW), small)
    flow: Any = trained(recipe, ring8(), steps=FLOW_STEPS, seed=seed).average.double()
    rng = np.random.default_rng(seed)
    u, noise = (torch.from_numpy(rng.standard_normal((NUM_POINTS, 2))) for _ in range(2))
    rows = []
    for variance in VARIANCES:
        with torch.no_grad():
            x = flow(u) + math.sqrt(variance) * noise
            without = flow.log_prob(x).numpy()
        truth = noisy_log_prob(flow, x, variance).numpy()
        each = torch.full_like(x[:, 0], variance)
        observed = Observed(decode=flow, latent_size=2, x=x, variance=each, batch_size=4096)
        for num_steps in TEMPERATURES:
            how = Annealing(
                num_steps=num_steps, num_chains=NUM_CHAINS, num_pilots=NUM_PILOTS, seed=seed
            )
            weights, steps = forth(observed, how)
            lower, upper = lower_bound(weights), upper_bound(back(observed, u, steps, how))
            rows.append(
                {
                    "variance": variance,
                    "num_steps": num_steps,
                    "noise": float(abs(truth - without).max()),
                    "truth": float(truth.mean()),
                    "lower": float((lower - truth).mean()),
                    "largest": float(abs(lower - truth).max()),
                    "upper": float((upper - truth).mean()),
                }
            )
    return {"rows": rows}


def _of_digits(name: str, seed: int) -> Numbers:
    """Return what `ganeval likelihood` finds of held-out digits under one row."""
    held = digits(size=SIZE, split="test")
    pixels = torch.from_numpy(held.pixels)
    data, validation = pixels[:NUM_IMAGES], pixels[NUM_IMAGES:]
    if name in MODELS:
        training = digits(size=SIZE)
        run = trained(MODELS[name], training, steps=STEPS, seed=seed)
        source = as_source(run.average, MODELS[name], training, num_images=1)
        variance = None
    else:
        source, variance = _centres(name, seed, held.pixels[NUM_IMAGES:])
    found = ganeval.log_likelihood(
        source,
        data,
        num_images=NUM_IMAGES,
        validation=validation,
        num_steps=NUM_TEMPERATURES,
    )
    return {
        "variance": variance if found.noise is None else found.noise.variance,
        "values": found.values.tolist(),
        "simulated_lower": found.simulated_lower.tolist(),
        "simulated_upper": found.simulated_upper.tolist(),
        "parzen": found.parzen.tolist(),
        "bandwidth": found.bandwidth,
    }


def _centres(name: str, seed: int, validation: Pixels) -> tuple[ganeval.Generator, float]:
    """Return the training digits, or the centres of clusters of them, with their noise.

    The variance is the one of those that `ganeval likelihood` tries under which validation pictures
    have the largest mean log-likelihood: here the exact one, of all of them.
    """
    training = digits(size=SIZE).pixels
    centres = _values(training)
    if name == "clusters":
        flat = centres.flatten(1).numpy()
        found = KMeans(NUM_CENTRES, n_init=1, random_state=seed).fit(flat).cluster_centers_
        centres = torch.from_numpy(found).reshape(-1, *centres.shape[1:])
    x = _values(validation)
    x = dequantise(x, Draw(0, 0).uniform("dequantise", *x.shape))
    best = max(GRID.tolist(), key=lambda variance: Centres(centres, variance).log_prob(x).mean())
    network = Centres(centres, best)
    return ganeval.Generator(network, latent_size=1, value_range=(-1, 1), name=name), best


def _values(pixels: Pixels) -> Tensor:
    """Return bytes as float32 from -1 to 1."""
    return torch.from_numpy(pixels).float() / 127.5 - 1


ROWS = {
    "vae": "`vae`",
    "gan": "`gan`",
    "gmmn": "`gmmn`",
    "clusters": f"centres of {NUM_CENTRES} clusters of the training digits",
    "digits": "the training digits themselves",
}


def page(known: Mapping[str, Numbers]) -> str:
    """Return the text of the page."""
    rows = {
        name: [known[f"{name} {seed}"] for seed in SEEDS if f"{name} {seed}" in known]
        for name in ROWS
    }
    table = "\n".join(
        f"| {ROWS[name]} | {len(found)} | {_spread([one['variance'] for one in found], '.3g')} "
        f"| {_means(found, 'values')} | {_means(found, 'simulated_lower')} "
        f"| {_means(found, 'simulated_upper')} | {_gaps(found)} | {_means(found, 'parzen')} "
        f"| {_spread([one['bandwidth'] for one in found], '.3g')} |"
        for name, found in rows.items()
        if found
    )
    pairs = list(itertools.combinations([name for name in ROWS if rows[name]], 2))
    compared = "\n".join(_pair(rows, *pair) for pair in pairs)
    return TEXT.format(
        where=when_and_where(),
        minutes=sum(one["seconds"] for one in known.values()) / 60,
        flow=_flow_table(
            [known[f"flow {seed}"]["rows"] for seed in SEEDS if f"flow {seed}" in known]
        ),
        table=table,
        pairs=compared,
        num_wrong=sum(_is_wrong(rows, *pair) for pair in pairs),
        num_pairs=len(pairs),
        seeds=", ".join(map(str, SEEDS)),
        num_points=NUM_POINTS,
        num_chains=NUM_CHAINS,
        flow_steps=FLOW_STEPS,
        size=SIZE,
        steps=STEPS,
        num_images=NUM_IMAGES,
        num_temperatures=NUM_TEMPERATURES,
        latent_size=DECODER["generator.latent_size"],
        width=DECODER["generator.width"],
    )


def _flow_table(runs: list[list[Numbers]]) -> str:
    """Return the rows of the flow, each of all seeds."""
    keys = ("noise", "truth", "lower", "largest", "upper")
    return "\n".join(
        f"| {each[0]['variance']:g} | {each[0]['num_steps']} | {len(each)} | "
        + " | ".join(_spread([one[key] for one in each], ".3f") for key in keys)
        + " |"
        for each in zip(*runs, strict=True)
    )


def _spread(values: list[float], form: str) -> str:
    """Return the median, and the range where there is one."""
    middle, low, high = np.median(values), min(values), max(values)
    return f"{middle:{form}}" + ("" if low == high else f" [{low:{form}}, {high:{form}}]")


def _means(found: list[Numbers], key: str) -> str:
    """Return the mean over pictures, its median and range over seeds; a dash where exact."""
    return _spread([float(np.mean(one[key])) for one in found], ".1f") if found[0][key] else "-"


def _gaps(found: list[Numbers]) -> str:
    """Return upper minus lower bound of what the model simulates; `exact` where there is none."""
    if not found[0]["simulated_lower"]:
        return "exact"
    gaps = [np.subtract(one["simulated_upper"], one["simulated_lower"]).mean() for one in found]
    return _spread(gaps, ".1f")


def _difference(rows: Mapping[str, list[Numbers]], first: str, second: str, key: str) -> Any:
    """Return first minus second for each picture, the mean over seeds, [N]."""
    each = [np.mean([one[key] for one in rows[name]], axis=0) for name in (first, second)]
    return each[0] - each[1]


def _is_wrong(rows: Mapping[str, list[Numbers]], first: str, second: str) -> bool:
    """Tell whether Parzen windows order two models otherwise than their likelihoods do."""
    nats, windows = (_difference(rows, first, second, key).mean() for key in ("values", "parzen"))
    return bool(nats * windows < 0)


def _pair(rows: Mapping[str, list[Numbers]], first: str, second: str) -> str:
    """Return a row on two models."""
    cells = []
    for key in ("values", "parzen"):
        each = _difference(rows, first, second, key)
        cells.append(f"{each.mean():+.1f} +- {each.std(ddof=1) / np.sqrt(len(each)):.1f}")
    verdict = "**wrong**" if _is_wrong(rows, first, second) else "as the likelihood"
    return f"| {ROWS[first]} | {ROWS[second]} | {cells[0]} | {cells[1]} | {verdict} |"


TEXT = """\
# Likelihoods: annealing against the truth, and beside Parzen windows

`./scripts/likelihoods`, {where} It took {minutes:.0f} minutes of processor time, one thread for each
run. Training seeds {seeds}: median [smallest, largest] of the runs. All numbers are in
[likelihoods.json](likelihoods.json); what they mean is in [likelihood.md](../likelihood.md).

## The bounds and a density that is known

A `flow` (four couplings of width 32, `--preset points`) after {flow_steps:,} steps on `ring8`. Its decoder with
observation noise of variance v has the flow's density convolved with N(0, v I): not `log_prob`, but in the plane
quadrature gives it. Annealing sees the decoder alone, the truth is made of the inverse and its determinant.
{num_points} points that the model simulates, {num_chains} chains. *Noise* is the largest difference that the convolution makes to a
point's log p(x); *lower* and *upper* are the mean of each bound minus the truth, *largest* is the largest error of the
lower bound at a point. All in nats.

| v | temperatures | runs | noise | truth | lower | largest | upper |
|---|---|---|---|---|---|---|---|
{flow}

## GMMN, GAN and VAE, and what remembers

Digits of {size} x {size} pixels: the models are trained on 1,437 for {steps:,} steps, and {num_images} others are scored. All three have one
decoder: a perceptron from {latent_size} latents by two hidden layers of width {width}; all else is the recipe's. The call is that of
`ganeval likelihood` with {num_temperatures} temperatures and 8 chains; the variance is fitted, by the same rule for all, on pictures that
neither training nor scoring sees, and so is Parzen's bandwidth. The centres and the digits with noise around each
are mixtures of Gaussians, whose density is exact. Nats for a picture; more is better.

| model | runs | variance | log p(x) of held-out digits: lower bound, or exact | simulated: lower | simulated: upper | gap | Parzen windows | bandwidth |
|---|---|---|---|---|---|---|---|---|
{table}

The differences of two models, first minus second, over the same pictures (mean of the seeds, +- standard error over
pictures):

| first | second | log p(x) | Parzen windows | order |
|---|---|---|---|---|
{pairs}

Parzen windows order {num_wrong} of {num_pairs} pairs otherwise than the likelihood.
"""  # noqa: E501 (tables)


if __name__ == "__main__":
    likelihoods()
