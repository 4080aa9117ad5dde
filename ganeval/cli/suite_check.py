"""Check how a suite scores its runs, before anything is trained."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ganeval.errors import UsageError

if TYPE_CHECKING:
    from ganeval.flow.choose import MetricChoice
    from ganeval.flow.settings import Settings
    from reference_models.benchmark.suite import Suite


def check_scoring(suite: "Suite", settings: "Settings") -> None:
    """Refuse a way of scoring that would fail for every run, without decoding a picture.

    Args:
        suite: The suite.
        settings: Cache, device and network connection.

    Raises:
        GanevalError: A name or number in `[scoring]`, or a reference in `[data.NAME]`, cannot be
            used; the message names the file and the key.
    """
    from ganeval.extractors.base import find_extractor
    from ganeval.flow.choose import choose_metrics, choose_rank, find_protocol
    from ganeval.flow.plan import check_for_stream, make_plan
    from ganeval.flow.sides import num_generated, open_reference
    from ganeval.flow.workspace import opened_index
    from reference_models.benchmark.scores import settings_of_suite
    from reference_models.benchmark.trials import named

    scoring, path = suite.scoring, suite.path
    with named(f"{path}: protocol of [scoring]"):
        protocol = find_protocol(scoring.protocol)
    with named(f"{path}: extractor of [scoring]"):
        find_extractor(scoring.extractor)
    with named(f"{path}: metrics of [scoring]"):
        choices = choose_metrics(
            scoring.metrics,
            protocol,
            roles=("sample", "reference"),
            networks={},
            run_network=scoring.extractor,
        )
    with named(f"{path}: rank of [scoring]"):
        choose_rank(scoring.rank, choices)
    with named(f"{path}: [scoring]"):
        own = settings_of_suite(suite, settings)
    with opened_index(own) as index:
        for name, data in suite.data.items():
            with named(f"{path}: reference of [data.{name}]"):
                side = open_reference(data.reference, replace(own, num_images=None), index=index)
            num, wanted = num_generated(side), scoring.num_images
            if num is not None and side.source is not None and wanted and wanted > num:
                raise UsageError(
                    f"{path}: num_images of [scoring] is {wanted:,}, and the reference of "
                    f"[data.{name}] has {num:,} {side.source.info.noun}",
                    f"at most {num:,}",
                    "lower num_images, or leave it out for all",
                )
            with named(f"{path}: [scoring] on [data.{name}]"):
                plan = make_plan(
                    [], {"reference": data.reference}, scoring.metrics, own, index=index
                )
                content = "picture" if side.source is None else side.source.info.content
                for choice in plan.choices:
                    _check_numbers(choice, "num_images", wanted or num)
                    if scoring.eval_every:
                        check_for_stream(choice, str(path), content)
                        _check_numbers(choice, "eval_images", scoring.eval_images)


def _check_numbers(choice: "MetricChoice", key: str, num: int | None) -> None:
    """Refuse fewer samples than a metric needs."""
    from ganeval.flow.plan import check_minimum

    for need in choice.metric.needs:
        if need.role == "sample" and num is not None:
            check_minimum(choice, need, key, num, "images")
