"""The evaluation flow: plan, collect, compute, report; the module that knows every layer."""

from collections.abc import Mapping, Sequence
from typing import Any

from ganeval.errors import InputError, UsageError
from ganeval.flow.choose import choose_metrics, choose_rank, find_protocol
from ganeval.flow.collect import Collected, collect, prepare_engine
from ganeval.flow.compute import Computed, compute
from ganeval.flow.gallery import gather_galleries
from ganeval.flow.plan import Plan, make_plan, tell_left_out
from ganeval.flow.provenance import provenance_of
from ganeval.flow.settings import Settings, build_settings
from ganeval.flow.workspace import Workspace, open_workspace, opened_index
from ganeval.machine.devices import tensors_on_the_cpu
from ganeval.machine.progress import SCORES_OF
from ganeval.metrics.base import Role
from ganeval.report.comparisons import compared
from ganeval.report.gallery import Gallery
from ganeval.report.items import MetricItems
from ganeval.report.report import Report
from ganeval.report.run_groups import of_recipes
from ganeval.scores.influence import Influence
from ganeval.scores.row import Key, ScoreRow


def evaluate(
    *,
    sample: Any,
    reference: Any = None,
    train: Any = None,
    heldout: Any = None,
    metrics: Sequence[str] | None = None,
    settings: Settings | None = None,
    **options: Any,
) -> Report:
    """Score one sample of generated images.

    >>> report = evaluate(sample="fake/", reference="real/", metrics=["fid"])  # doctest: +SKIP
    >>> report["fid"].value  # doctest: +SKIP

    Args:
        sample: Generated images: a path or source text (`"folder:fake/,size=64"`), a uint8 tensor
            or array [N, 3, H, W] or [N, H, W, 3], an `Images` or `Clips`, a map-style data set, a
            generator's file, or a network as `Generator`.
        reference: Real images in any of these forms, or stored statistics; not needed for `is`
            alone.
        train: Images that the generator was trained on, for the metrics that need them.
        heldout: Real images that it never saw, for the metrics that need them.
        metrics: Names with a network after "@" and options after colons (`"fid@mine"`,
            `"kid:subset_size=500"`), one text or several; "all" for every metric that there are
            sources, labels and weights for; None for the metrics of the protocol.
        settings: All options in one value, instead of `options`.
        **options: Fields of `Settings`, of `DecodePolicy` and of `GeneratorOptions`:
            `extractor="efficientnet-lite0"`, `protocol`, `num_images`, `device`, `seed`,
            `transparency`, `entry`, `latent_size`, ...

    Raises:
        UsageError: A name or option does not exist; raised before any image is read.
        InputError: A source cannot be used, or has too few images.
        MachineError: Weights, a device or disk space are missing.
    """
    settings = settings or build_settings(options)
    others: dict[Role, Any] = {"reference": reference, "train": train, "heldout": heldout}
    return run([sample], others, metrics, settings)


def compare(  # noqa: PLR0913 (keyword-only, each is plain)
    *,
    samples: Sequence[Any] = (),
    runs: Mapping[str, Sequence[Any]] | None = None,
    reference: Any,
    train: Any = None,
    heldout: Any = None,
    metrics: Sequence[str] | None = None,
    rank: str | None = None,
    paired: bool | None = None,
    settings: Settings | None = None,
    **options: Any,
) -> Report:
    """Score several samples against one reference, and compare all pairs of them.

    >>> compare(samples=["a/", "b/"], reference="real/").comparisons  # doctest: +SKIP

    Args:
        samples: As for `evaluate`, several.
        runs: Instead of samples, a mapping from the name of each recipe to its training runs, one
            sample for each run. The report has a row for each recipe, with the error over its runs.
        reference: As for `evaluate`.
        train: As for `evaluate`.
        heldout: As for `evaluate`.
        metrics: As for `evaluate`.
        rank: The metric or score that orders the samples; None for the first.
        paired: Whether image i of every sample comes from the same seed; None detects this for
            generators.
        settings: As for `evaluate`.
        **options: As for `evaluate`.

    Raises:
        UsageError: Both samples and runs are given, or neither, or `paired` with runs; else as in
            `evaluate`.
        InputError, MachineError: As `evaluate` does.
    """
    settings = settings or build_settings(options)
    others: dict[Role, Any] = {"reference": reference, "train": train, "heldout": heldout}
    if (runs is None) == (not samples):
        raise UsageError("samples and runs", "one of them", "leave the other out")
    if runs is not None:
        if paired is not None:
            raise UsageError(
                f"paired={paired} with runs",
                "no value for it, since training runs are independent",
                "leave it out",
            )
        return compare_recipes(runs, others, metrics, settings, rank=rank)
    return run_comparison(list(samples), others, metrics, settings, rank=rank, paired=paired)


def run_comparison(
    samples: Sequence[Any],
    others: Mapping[Role, Any],
    metrics: Sequence[str] | None,
    settings: Settings,
    *,
    rank: str | None,
    paired: bool | None,
) -> Report:
    """Score all samples, then compare every pair."""
    score = _rank_of(rank, others, metrics, settings)
    return compared(run(samples, others, metrics, settings), rank=score, paired=paired)


def compare_recipes(
    recipes: Mapping[str, Sequence[Any]],
    others: Mapping[Role, Any],
    metrics: Sequence[str] | None,
    settings: Settings,
    *,
    rank: str | None = None,
) -> Report:
    """Score all training runs of several recipes, and compare every pair of recipes.

    Args:
        recipes: The samples of each recipe by its name, one sample for every training run.
        others: As for `run_comparison`.
        metrics: As for `evaluate`.
        settings: As for `evaluate`.
        rank: As for `compare`.

    Raises:
        UsageError, InputError, MachineError: As `evaluate` does.
    """
    score = _rank_of(rank, others, metrics, settings)
    samples = [sample for runs in recipes.values() for sample in runs]
    report = run(samples, others, metrics, settings)
    locations = iter(dict.fromkeys(row.sample for row in report.scores))
    groups = {name: [next(locations) for _ in runs] for name, runs in recipes.items()}
    return of_recipes(report, groups, score)


def _rank_of(
    rank: str | None,
    others: Mapping[Role, Any],
    metrics: Sequence[str] | None,
    settings: Settings,
) -> str:
    """Return the label of the score by which samples are ordered."""
    choices = choose_metrics(
        metrics,
        find_protocol(settings.protocol),
        roles=("sample", *(role for role, thing in others.items() if thing is not None)),
        networks=settings.networks,
        run_network=settings.extractor,
    )
    return choose_rank(rank, choices)


@tensors_on_the_cpu()
def run(
    samples: Sequence[Any],
    others: Mapping[Role, Any],
    metrics: Sequence[str] | None,
    settings: Settings,
) -> Report:
    """Plan, collect every source once, compute every metric, report."""
    settings = prepare_engine(settings)
    with opened_index(settings) as index:
        plan = make_plan(samples, others, metrics, settings, index=index)
        with open_workspace(settings, plan.protocol, plan.layers) as workspace:
            return report_of(plan, workspace, collect(plan, workspace))


def report_of(plan: Plan, workspace: Workspace, collected: Collected) -> Report:
    """Compute every metric from the collected features, by sample, and report.

    What stands for all metrics is left out, with a warning, where it refuses what it looks at.

    Raises:
        InputError: Too few items for a metric.
    """
    found: list[tuple[str, Computed]] = []
    left_out: dict[str, str] = {}
    for location, by_view in collected.samples.items():
        label = f"{SCORES_OF}{location}"
        for done, choice in enumerate(plan.choices):
            plan.settings.progress(label, done, len(plan.choices))
            try:
                computed = compute(choice, plan, workspace, collected, location)
            except InputError as error:
                if not choice.optional:
                    raise
                left_out[choice.label] = error.found
            else:
                found.append((choice.label, computed))
        plan.settings.progress(label, len(plan.choices), len(plan.choices))
        for features in by_view.values():
            features.forget()
    tell_left_out(left_out)
    kept = [computed for label, computed in found if label not in left_out]
    scores: tuple[ScoreRow, ...] = tuple(row for one in kept for row in one.rows)
    influences: dict[Key, Influence] = {}
    items: dict[Key, MetricItems] = {}
    for one in kept:
        influences |= one.influences
        items |= one.items
    provenance = provenance_of(plan, workspace, collected)
    galleries: tuple[Gallery, ...] = ()
    if plan.settings.gallery:
        galleries = gather_galleries(plan, collected, scores, influences)
    return Report(scores, provenance, influences, items=items, galleries=galleries)
