"""The log-likelihood of held-out pictures under a generator, exact or estimated."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from ganeval.errors import InputError, UsageError
from ganeval.generators.decoder import Decoder, check_gradients, differentiable
from ganeval.generators.drawing import stream_of
from ganeval.images.picture import DecodePolicy
from ganeval.likelihood.ais import Annealing, back, forth, lower_bound, upper_bound
from ganeval.likelihood.exact import has_log_prob, log_prob
from ganeval.likelihood.observed import Observed
from ganeval.likelihood.parzen import BANDWIDTHS, NUM_SAMPLES, parzen
from ganeval.likelihood.result import LEVELS, Conditions, Floats, Likelihood, Noise
from ganeval.likelihood.variance import NUM_IMAGES as NUM_FITTED
from ganeval.likelihood.variance import fitted_variance
from ganeval.machine.progress import Progress, silent
from ganeval.sources.base import Source
from ganeval.sources.generator import Generator
from ganeval.sources.open import open_source
from ganeval.sources.open_decoder import open_decoder, pixels_of

_MOST_SIMULATED = 16
_MOST_VALIDATION = 1000
_CHOICE, _OTHERS, _SIMULATED = 3, 4, 5  # after the seed: what a stream is for


def log_likelihood(  # noqa: PLR0913 (keyword-only, each is plain)
    generator: str | os.PathLike[str] | Generator,
    data: Any,
    *,
    num_images: int = 32,
    validation: Any = None,
    variance: float | None = None,
    num_steps: int = 500,
    num_chains: int = 8,
    batch_size: int = 256,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> Likelihood:
    """Estimate how probable held-out pictures are under a generator.

    A picture is modelled as the generator's image for a latent, plus Gaussian noise. Its
    log-likelihood is bounded from below by annealed importance sampling (see
    `ganeval.likelihood.ais`). To show how loose this bound is, the model also simulates pictures,
    for which there is an upper bound too. If the network has a method `log_prob(x)`, that is used
    instead.

    Pixels become x = (pixel + uniform noise) / 256, from 0 to 1. The generator's images are put on
    the same scale: a value equal to a pixel's level becomes the mean x of that level.

    >>> found = ganeval.log_likelihood("vae.safetensors", "heldout/")  # doctest: +SKIP
    >>> found.values.mean(), found.gap.mean()  # doctest: +SKIP

    Args:
        generator: A checkpoint, or a network as `Generator`.
        data: The held-out pictures; any source.
        num_images: Number of pictures, a seeded random subset.
        validation: Source of pictures on which the variance and Parzen's bandwidth are chosen;
            None: the other pictures of `data`.
        variance: Variance of the noise; None fits it.
        num_steps: Number of temperatures.
        num_chains: Number of chains for each picture.
        batch_size: Largest number of latents that the network sees at once, which bounds the
            memory.
        seed: Seed of all random numbers.
        options: Options of a generator's file; see `GeneratorOptions`, and `device`.
        progress: Called with the progress.

    Raises:
        InputError: Generator or pictures cannot be used, or do not fit each other.
        UsageError: A number is out of its range, or there are too few pictures.
    """
    counts = {"num_images": num_images, "num_steps": num_steps, "num_chains": num_chains}
    for name, value in {**counts, "batch_size": batch_size}.items():
        if value < 1:
            raise UsageError(f"{name} is {value}", "at least 1", "change it")
    if variance is not None and not 0 < variance < np.inf:
        raise UsageError(f"variance is {variance:g}", "a number above 0", "change it")
    decoder, source = open_decoder(generator, {"seed": seed, **(options or {})})
    exact = has_log_prob(decoder)
    if decoder.sampler.drawing.num_classes is not None and not exact:
        raise InputError(
            f"{decoder.name}: makes images of a class",
            "a generator without classes",
            "choose another",
        )
    if not exact:
        check_gradients(decoder)
    pictures = open_source(data, policy=DecodePolicy())
    others = pictures if validation is None else open_source(validation, policy=DecodePolicy())
    order = stream_of([seed, _CHOICE]).permutation(len(pictures)).tolist()
    chosen, rest = order[:num_images], order[num_images:]
    if validation is not None:
        rest = stream_of([seed, _OTHERS]).permutation(len(others)).tolist()
    rest = rest[:_MOST_VALIDATION]
    if len(chosen) < num_images or not rest:
        raise UsageError(
            f"{pictures.info.location}: {len(pictures)} pictures",
            f"{num_images}, and others to choose variance and bandwidth on",
            "lower --num-images, or add --validation SOURCE",
        )
    levels = _dequantised(decoder, pictures, chosen, [seed, _CHOICE, 1])
    held = _dequantised(decoder, others, rest, [seed, _OTHERS, 1])

    noise, lower, upper = None, np.empty(0), np.empty(0)
    if exact:
        values = log_prob(decoder, levels, batch_size=batch_size)
    else:
        how = Annealing(
            num_steps=num_steps,
            num_chains=num_chains,
            num_pilots=max(1, num_chains // 4),
            seed=seed,
            progress=progress,
        )
        with differentiable(decoder.sampler):
            fitted = _observed(decoder, _scaled(held[:NUM_FITTED]), 1.0, batch_size)
            noise = Noise(
                variance=fitted_variance(fitted, how) if variance is None else variance,
                fitted_on=len(fitted.x) if variance is None else None,
            )
            observed = _observed(decoder, _scaled(levels), noise.variance, batch_size)
            values = lower_bound(forth(observed, how.of("pictures"))[0])
            lower, upper = _sandwich(observed, decoder, min(num_images, _MOST_SIMULATED), how)
        if not np.isfinite([*values, *lower, *upper]).all():
            raise InputError(
                f"{decoder.name}: a log-likelihood that is not a finite number",
                "finite images and more noise",
                "raise --variance",
            )
    density, bandwidth = _parzen(decoder, _scaled(levels), _scaled(held), batch_size, progress)
    return Likelihood(
        conditions=Conditions(
            generator=source.info.location,
            data=pictures.info.location,
            validation=others.info.location,
            num_validation=len(rest),
            shape=decoder.shape,
            num_steps=num_steps,
            num_chains=num_chains,
            seed=seed,
        ),
        method="exact" if exact else "ais",
        names=tuple(str(pictures.names()[index]) for index in chosen),
        values=values,
        simulated_lower=lower,
        simulated_upper=upper,
        noise=noise,
        parzen=density,
        bandwidth=bandwidth,
    )


def _dequantised(
    decoder: Decoder, source: Source, indices: list[int], entropy: list[int]
) -> torch.Tensor:
    """Return pictures as levels spread over their bins: level + u - 1/2, u uniform."""
    levels = decoder.matching(pixels_of(source, indices), name=source.info.location)
    spread = stream_of(entropy).random(tuple(levels.shape), dtype=np.float32)
    return levels + torch.from_numpy(spread).to(levels) - 0.5


def _scaled(levels: torch.Tensor) -> torch.Tensor:
    """Return levels [N, C, H, W] from 0 to 255 as x [N, D] from 0 to 1."""
    return ((levels + 0.5) / LEVELS).flatten(1)


def _observed(decoder: Decoder, x: torch.Tensor, variance: float, batch_size: int) -> Observed:
    """Return pictures under the observation model."""
    return Observed(
        decode=lambda u: _scaled(decoder(u)),
        latent_size=decoder.latent_size,
        x=x,
        variance=torch.full_like(x[:, 0], variance),
        batch_size=batch_size,
    )


def _sandwich(
    observed: Observed, decoder: Decoder, num: int, how: Annealing
) -> tuple[Floats, Floats]:
    """Return lower and upper bounds for pictures that the model simulates, [num] each."""
    u = torch.from_numpy(
        stream_of([how.seed, _SIMULATED]).standard_normal(
            (num, decoder.latent_size), dtype=np.float32
        )
    ).to(observed.x)
    variance = observed.variance[:1].expand(num)
    with torch.no_grad():
        means = torch.cat([observed.decode(part) for part in torch.split(u, observed.batch_size)])
    spread = stream_of([how.seed, _SIMULATED, 1]).standard_normal(
        tuple(means.shape), dtype=np.float32
    )
    x = means + variance[:, None].sqrt() * torch.from_numpy(spread).to(means)
    simulated = Observed(
        decode=observed.decode,
        latent_size=observed.latent_size,
        x=x,
        variance=variance,
        batch_size=observed.batch_size,
    )
    weights, steps = forth(simulated, how.of("simulated pictures"))
    reversed_weights = back(simulated, u, steps, how.of("simulated pictures, back"))
    return lower_bound(weights), upper_bound(reversed_weights)


def _parzen(
    decoder: Decoder, x: torch.Tensor, held: torch.Tensor, batch_size: int, progress: Progress
) -> tuple[Floats, float]:
    """Return the log density of Parzen windows at x, and the bandwidth that is best for `held`."""

    def samples() -> Iterator[Floats]:
        for start in range(0, NUM_SAMPLES, batch_size):
            progress("Parzen windows", start, NUM_SAMPLES, "samples")
            inputs = decoder.draw(range(start, min(start + batch_size, NUM_SAMPLES)))
            with differentiable(decoder.sampler), torch.no_grad():
                batch = _scaled(decoder(*inputs))
            yield _float64(batch)
        progress("Parzen windows", NUM_SAMPLES, NUM_SAMPLES, "samples")

    density = parzen(_float64(torch.cat([held, x])), samples(), BANDWIDTHS)
    best = int(density[:, : len(held)].mean(axis=1).argmax())
    return density[best, len(held) :], float(BANDWIDTHS[best])


def _float64(values: torch.Tensor) -> Floats:
    """Return a tensor as a float64 array."""
    array: Floats = values.detach().cpu().double().numpy()
    return array
