"""The page that shows what was measured of training runs, and what was simulated from it."""

from collections.abc import Sequence
from typing import Any

from scripts.training_runs.groups import LAWS


def components_table(scores: Sequence[dict[str, Any]]) -> str:
    """Return the variance components as a Markdown table."""
    lines = [
        "| score | images | mean | SD between runs | its 95% interval | SD within | mean SE "
        "| from the sample | between / within | between / mean | within / mean |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in scores:
        mean, between, within = one["mean"], one["between"], one["within"]
        low, high = one["between_interval"]
        cells = [
            one["score"],
            f"{one['images']:,}",
            f"{mean:.4g}",
            f"{between:.2g}",
            f"{low:.2g} to {high:.2g}",
            f"{within:.2g}",
            *(
                "-" if error is None else f"{error:.2g}"
                for error in (one["mean_se"], one["mean_se_of_sample"])
            ),
            f"{between / within:.1f}" if within else "-",
            *(f"{part / mean:.1%}" if mean else "-" for part in (between, within)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def alarms_table(found: Sequence[dict[str, Any]]) -> str:
    """Return the false alarms as a Markdown table."""
    lines = [
        "| score | runs | images alone, normal | images alone, resampled | t over runs, normal "
        "| t over runs, resampled |",
        "|---|---|---|---|---|---|",
    ]
    for one in found:
        shares = [one[law][test] for test in (0, 1) for law in LAWS]
        cells = [
            one["score"],
            f"{one['before']} v {one['after']}",
            *("no test" if share is None else f"{share:.1%}" for share in shares),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def page(measured: dict[str, Any], found: Sequence[dict[str, Any]], trials: int) -> str:
    """Return the page with both tables."""
    scores, machine = measured["scores"], measured["machine"]
    drawn = scores[0]["images"]
    sizes = dict.fromkeys((one["images"], len(one["values"][0])) for one in scores)
    draws = ", and ".join(f"{number} draws of {num} images" for num, number in sizes)
    kid = next(one for one in scores if (one["score"], one["images"]) == ("kid", drawn))
    by_images = ", ".join(
        f"{one['normal'][0]:.0%} ({one['score']})"
        for one in found
        if (one["before"], one["after"]) == (1, 1)
    )
    by_runs = [one[law][1] for one in found for law in LAWS if one[law][1] is not None]
    training = f"ganeval train {measured['model']} --data {measured['data']}"
    between, within = (f"{kid[what] / kid['mean']:.1%}" for what in ("between", "within"))
    good_to = f"{196 * (0.05 * 0.95 / trials) ** 0.5:.1f} points"
    return f"""# How far scores move when a model is trained again

`{measured["command"]}`, {measured["date"]}, {machine["cpu"]} ({machine["cores"]} cores),
{", ".join(f"{name} {number}" for name, number in measured["versions"].items())}.

{measured["runs"]} runs of `{training} --steps {measured["steps"]}` that differ in `--seed` alone.
From each checkpoint {draws} (their halves), against all
{measured["reference_images"]:,} digits at 16x16 pixels, through {measured["extractor"]} (1,280
dimensions). The values are in [retraining.json](retraining.json).

* Training again with another seed moves kid by {between} of its value (one SD), drawing other
  {drawn} images from one checkpoint by {within}; the error that is printed beside the score of one
  checkpoint covers the second alone.
* So a test that knows images alone calls an unchanged model worse, with one run a side, in
  {by_images} of the checks where 5% is promised; more runs
  a side do not cure it, since the noise that it leaves out shrinks no faster than what it counts.
* A t test over runs alarms in {min(by_runs):.1%} to {max(by_runs):.1%} of the checks of the second
  table; with one run a side nothing tells how far training moves a score, so there is no such test.

## Where the variance comes from

One-way analysis of variance with random effects; the interval of the SD between runs is that of
chi-square with {measured["runs"] - 1} degrees of freedom, a little too narrow where that SD is no
larger than the one within. "Mean SE" is the standard error that the tool prints. It counts the
reference's images as a random draw too, which here are the same in every score; "from the sample"
is the part without them, to be read beside "SD within". FID has no standard error below 2,560
images a side (2 per dimension), and the digits are fewer; FID of the halves, which would be mostly
bias, is left out.

{components_table(scores)}

## What tests between groups of runs do

False alarms at 5%, one-sided, where nothing changed: {trials:,} simulated trials each, so that a
share of 5% is good to {good_to}. Each run is scored by one draw of {drawn} images.
"Normal": effects of runs and draws are normal with the SDs above; "resampled": the effects of runs
are those measured, with replacement. "Images alone" is the z test with the true SD within; "t over
runs" is Welch's where both sides have two runs or more, and pooled where one has a single run.
Scores that are 0 in most draws are left out.

{alarms_table(found)}
"""
