"""The text and the JSON of a likelihood estimate."""

import json
from typing import Any

from ganeval.likelihood.parzen import BANDWIDTHS, NUM_SAMPLES
from ganeval.likelihood.result import Likelihood, mean_and_error
from ganeval.likelihood.variance import GRID

SCHEMA = "ganeval.likelihood/1"

_NAMES = {
    "lower": "lower bound (AIS)",
    "exact": "exact",
    "simulated_lower": "simulated: lower bound",
    "simulated_upper": "simulated: upper bound",
    "gap": "simulated: gap (BDMC)",
    "parzen": "Parzen windows",
}


def to_json(found: Likelihood) -> str:
    """Return the whole result as JSON, with a line end."""
    conditions = found.conditions
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "generator": conditions.generator,
        "data": conditions.data,
        "method": found.method,
        "scale": "x = (pixel + uniform noise) / 256; the generator's low and high are pixels 0 and "
        "255, at x = 1/512 and 511/512",
        "shape": list(conditions.shape),
        "dimensions": conditions.dimensions,
        "variance": None if found.noise is None else found.noise.variance,
        "variance_fitted_on": None if found.noise is None else found.noise.fitted_on,
        "validation": conditions.validation,
        "num_validation": conditions.num_validation,
        "num_images": len(found.names),
        "num_steps": conditions.num_steps,
        "num_chains": conditions.num_chains,
        "seed": conditions.seed,
        "parzen_bandwidth": found.bandwidth,
        "parzen_samples": NUM_SAMPLES,
        "mean": {},
        "pictures": [
            {"name": name, "nats": value, "parzen": window}
            for name, value, window in zip(
                found.names, found.values.tolist(), found.parzen.tolist(), strict=True
            )
        ],
        "simulated": [
            {"lower": lower, "upper": upper}
            for lower, upper in zip(
                found.simulated_lower.tolist(), found.simulated_upper.tolist(), strict=True
            )
        ],
    }
    for name, nats in found.rows().items():
        mean, error = mean_and_error(nats)
        bits, bits_error = mean_and_error(found.bits(name, nats))
        content["mean"][name] = {
            "nats": mean,
            "se": error,
            "bits_per_dimension": bits,
            "bits_se": bits_error,
        }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def to_text(found: Likelihood, *, each: bool) -> list[str]:
    """Return lines: the data and generator, the method, the means, perhaps each picture."""
    conditions = found.conditions
    channels, height, width = conditions.shape
    lines = [
        f"log-likelihood of {len(found.names):,} pictures of {conditions.data} under "
        f"{conditions.generator}",
        f"{width}x{height}x{channels} = {conditions.dimensions:,} dimensions; "
        "x = (pixel + uniform noise) / 256; bits per dimension of 8-bit pixels",
        *_about(found),
        "",
        f"{'mean':<24}{'nats':>12}{'+-':>10}{'bits/dim':>12}{'+-':>10}",
    ]
    for name, nats in found.rows().items():
        (mean, error), (bits, bits_error) = (
            mean_and_error(nats),
            mean_and_error(found.bits(name, nats)),
        )
        lines.append(
            f"{_NAMES[name]:<24}{mean:>12.2f}{_error(error, 2)}{bits:>12.4f}{_error(bits_error, 4)}"
        )
    if each:
        lines += ["", f"{'picture':<24}{'nats':>12}{'Parzen':>12}"]
        lines += [
            f"{name:<24}{value:>12.2f}{window:>12.2f}"
            for name, value, window in zip(found.names, found.values, found.parzen, strict=True)
        ]
        if len(found.simulated_lower):
            lines += ["", f"{'simulated':<24}{'lower':>12}{'upper':>12}{'gap':>12}"]
        lines += [
            f"{number:<24}{lower:>12.2f}{upper:>12.2f}{upper - lower:>12.2f}"
            for number, (lower, upper) in enumerate(
                zip(found.simulated_lower, found.simulated_upper, strict=True)
            )
        ]
    return lines


def _about(found: Likelihood) -> list[str]:
    """Return lines on noise, chains and Parzen windows."""
    conditions, lines = found.conditions, []
    if found.noise is None:
        lines.append("exact: the network's own log_prob; no observation noise")
    else:
        variance, fitted = found.noise.variance, found.noise.fitted_on
        how = "given" if fitted is None else f"fitted on {fitted} of the validation pictures"
        if fitted is not None and variance in (GRID[0], GRID[-1]):
            how += ", the smallest or largest one tried: choose another with --variance"
        lines.append(
            f"N(x; G(z), {variance:.3g} I), the variance {how}; {conditions.num_steps:,} "
            f"temperatures, {conditions.num_chains} chains"
        )
    edge = found.bandwidth in (BANDWIDTHS[0], BANDWIDTHS[-1])
    lines.append(
        f"Parzen windows of {NUM_SAMPLES:,} samples, bandwidth {found.bandwidth:.3g} chosen on "
        f"{conditions.num_validation:,} pictures of {conditions.validation}"
        + (" (the smallest or largest one tried)" if edge else "")
        + "; they are known to misorder generators"
    )
    return lines


def _error(error: float | None, digits: int) -> str:
    """Return a standard error formatted for its column."""
    return f"{'':>10}" if error is None else f"{error:>10.{digits}f}"
