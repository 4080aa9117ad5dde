"""Compute the metrics of a plan from what was collected: summaries in, rows of a report out."""

from ganeval.features.derived import Summary
from ganeval.flow.choose import MetricChoice
from ganeval.flow.collect import Collected, is_served
from ganeval.flow.plan import Plan, check_minimum
from ganeval.flow.streams import derive_rng
from ganeval.flow.workspace import Workspace
from ganeval.influence import Influence
from ganeval.metrics.base import Need, Pairs, Role
from ganeval.results.row import ScoreRow


def compute(
    choice: MetricChoice, plan: Plan, workspace: Workspace, collected: Collected, sample: str
) -> list[tuple[ScoreRow, Influence | None]]:
    """Return a metric's scores as report rows, each with the influence of the items.

    Raises:
        InputError: Too few items are left for the metric.
    """
    inputs: dict[Need, Summary] = {}
    extractors: dict[str, None] = {}
    nums: dict[Role, int | None] = {}
    for need in choice.metric.needs:
        place = choice.place(need, plan.settings.extractor)
        inputs[need] = summary = collected.summary(sample, need, place)
        if summary.rows is not None and not is_served(need, place, collected.stats):
            where = sample if need.role == "sample" else f"the {need.role}"
            check_minimum(choice, need, where, summary.num or 0, summary.noun)
        extractors[workspace.networks[place[0]].info.name] = None
        nums[need.role] = summary.num
        if isinstance(need.view, Pairs):
            nums[need.view.to] = summary.num
    rng = derive_rng(plan.settings.seed, f"metric/{choice.metric.kinds[0].stream}")
    result = choice.metric.compute(inputs, rng)
    sources = {role: plan.others[role].location for role in nums if role != "sample"}
    return [
        (
            ScoreRow(
                sample=sample,
                reference=sources.get("reference"),
                name=score.name,
                value=score.value,
                se=score.se,
                interval=score.interval,
                direction=score.direction,
                num_sample=nums.get("sample") or 0,
                num_reference=nums.get("reference"),
                extractor=", ".join(extractors),
                protocol=plan.protocol.name,
                options=choice.options,
                details=score.details,
                notes=score.notes,
                cautions=score.cautions,
            ),
            score.influence,
        )
        for score in result.scores
    ]
