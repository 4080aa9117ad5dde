"""Compute the metrics of a plan from what was collected: summaries in, rows of a report out."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from ganeval.features.derived import Summary
from ganeval.flow.checked_result import checked
from ganeval.flow.choose import MetricChoice
from ganeval.flow.collect import Collected, is_served
from ganeval.flow.independence import (
    caution_of_copies,
    checked_for_clusters,
    num_copies,
    with_cautions,
)
from ganeval.flow.kept_results import find_result, keep_result
from ganeval.flow.plan import Plan, check_minimum
from ganeval.flow.sides import Side
from ganeval.flow.streams import derive_rng
from ganeval.flow.thumbnails import is_seen, names_of_pairs, pictures_of, pictures_of_pairs
from ganeval.flow.workspace import Workspace
from ganeval.metrics.base import (
    Each,
    Evidence,
    Inputs,
    Need,
    Pairs,
    Result,
    Role,
    counts_copies,
    roles_of,
)
from ganeval.report.items import ItemPairs, MetricItems
from ganeval.scores.influence import Influence
from ganeval.scores.row import Key, ScoreRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """The results of a metric for one sample.

    Attributes:
        rows: Its scores as rows of a report.
        influences: Influences of the items, by score, if they are known.
        items: What it found besides its scores, by metric; may be empty.
    """

    rows: tuple[ScoreRow, ...]
    influences: Mapping[Key, Influence]
    items: Mapping[Key, MetricItems]


def compute(
    choice: MetricChoice, plan: Plan, workspace: Workspace, collected: Collected, sample: str
) -> Computed:
    """Return the results of a metric for one sample.

    Raises:
        InputError: Too few items are left for the metric, or one of its numbers is not finite.
        UnstableError: An item that is shown has changed since it was scored.
    """
    inputs: dict[Need, Summary] = {}
    networks: dict[str, str] = {}
    nums: dict[str, int | None] = {}
    noun = ""
    for need in choice.metric.needs:
        place = choice.place(need, plan.settings.extractor)
        inputs[need] = summary = collected.summary(sample, need, place)
        if summary.rows is not None and not is_served(need, place, collected.stats):
            where = sample if need.role == "sample" else f"the {need.role}"
            check_minimum(choice, need, where, summary.num or 0, summary.noun)
        networks[place[0]] = workspace.networks[place[0]].info.name
        nums[need.role] = summary.num
        if need.role == "sample":
            noun = summary.noun
    seed, store = plan.settings.seed, workspace.store
    result = find_result(store, choice.metric, inputs, seed)
    if result is None:
        rng = derive_rng(seed, f"metric/{choice.metric.kinds[0].stream}")
        result = checked(choice.metric.compute(inputs, rng), choice.label, sample, noun)
        keep_result(store, choice.metric, inputs, seed, result)
    scores = checked_for_clusters(choice.metric, inputs, result.scores)
    if any(score.se is not None or score.interval is not None for score in scores):
        scores = with_cautions(scores, _copies(inputs, choice, plan, collected, sample))
    num_sample = nums.pop("sample", None)
    roles = [role for role in roles_of(choice.metric) if role != "sample"]
    for role in roles:
        if role not in nums and role in collected.others:  # partners of the sample's items
            nums[role] = collected.others[role][Each()].num
    partners = next(
        filter(None, (_partners(need, plan, collected, sample) for need in choice.metric.needs)),
        None,
    )
    rows = tuple(
        ScoreRow(
            sample=sample,
            roles={role: plan.others[role].location for role in roles},
            metric=choice.name,
            kind=score.kind,
            value=score.value,
            se=score.se,
            interval=score.interval,
            num_sample=num_sample or 0,
            noun=noun,
            nums=nums,
            network=choice.network,
            networks=tuple(networks),
            extractor=", ".join(dict.fromkeys(networks.values())),
            protocol=plan.protocol.name,
            options=choice.options,
            details=score.details,
            notes=score.notes,
            cautions=score.cautions,
            partners=partners,
            labels=_labels(inputs),
            enough=score.enough,
        )
        for score in scores
    )
    influences = {
        row.key: score.influence
        for row, score in zip(rows, scores, strict=True)
        if score.influence is not None
    }
    found = _items(result, plan, collected, sample)
    return Computed(
        rows=rows,
        influences=influences,
        items={} if found is None else {rows[0].metric_key: found},
    )


def _copies(
    inputs: Inputs, choice: MetricChoice, plan: Plan, collected: Collected, sample: str
) -> dict[str, str]:
    """Return the cautions about sources of a metric that have many copies.

    The training data of the generator are fixed, so they play no part in an error.
    """
    cautions: dict[str, str] = {}
    if counts_copies(choice.metric):
        return cautions
    for need, summary in inputs.items():
        place = choice.place(need, plan.settings.extractor)
        if need.role == "train" or is_served(need, place, collected.stats):
            continue
        features = collected.features(sample, need)
        side = _side(plan, need.role, sample)
        source = None if side is None else side.source
        generated = source is not None and source.info.kind == "generator"
        num = num_copies(features, summary, by_rows=generated and need.view == Each())
        of_role = "" if need.role == "sample" else f" of the {need.role}"
        cautions |= caution_of_copies(num, features, of_role)
    return cautions


def _labels(inputs: Inputs) -> str | None:
    """Return the digest of the class labels of the other sides; None without labels."""
    classes = [
        (need.role, list(summary.labels))
        for need, summary in inputs.items()
        if need.role != "sample" and summary.labels is not None
    ]
    if not classes:
        return None
    return f"sha256:{hashlib.sha256(ascii(classes).encode()).hexdigest()}"


def _partners(need: Need, plan: Plan, collected: Collected, sample: str) -> str | None:
    """Return the digest of the partners of a sample's items; None if they have none.

    It covers names and contents, in the order of the sample: a picture under another name is
    another partner. With `num_images` the run may have read other items of that side. The partners
    that it has not read are read here for their digests, and not decoded.
    """
    viewed = plan.viewed.get((sample, need.role, need.view))
    if viewed is None or viewed.pairing is None or not isinstance(need.view, Pairs):
        return None
    other = plan.others[need.view.to]
    assert other.source is not None
    each, names = collected.others[need.view.to][Each()], other.source.names()
    contents = {
        other.indices[place]: digest.hex()
        for place, digest in zip(each.places(), each.digests, strict=True)
    }
    scored = collected.samples[sample][need.view].places()
    places = [viewed.pairing.places[viewed.indices[at]][1] for at in scored]
    rest = [place for place in places if place not in contents]
    contents |= {
        place: item.digest.hex() for place, item in zip(rest, other.source.load(rest), strict=True)
    }
    partners = [(names[place], contents[place]) for place in places]
    return f"sha256:{hashlib.sha256(ascii(partners).encode()).hexdigest()}"


def _items(result: Result, plan: Plan, collected: Collected, sample: str) -> MetricItems | None:
    """Return what a metric found besides its scores, with the items' names; None if nothing."""
    if not (result.curves or result.per_item or result.evidence):
        return None
    return MetricItems(
        curves=result.curves,
        per_item=result.per_item,
        evidence={
            name: _named(evidence, plan, collected, sample)
            for name, evidence in result.evidence.items()
        },
    )


def _named(evidence: Evidence, plan: Plan, collected: Collected, sample: str) -> ItemPairs:
    """Return pairs of rows as pairs of items, with small copies of them for the HTML report."""
    if isinstance(evidence.view, Pairs):
        return _named_pairs(evidence, evidence.view, plan, collected, sample)
    columns = []
    pictures = []
    for role, rows in zip(evidence.roles, evidence.rows.T, strict=True):
        by_view = collected.samples[sample] if role == "sample" else collected.others[role]
        features = by_view[Each()]
        side = _side(plan, role, sample)
        if side is None or side.source is None:  # the items of a stream have only numbers
            columns.append([str(place) for place in rows.tolist()])
            continue
        names, places = side.source.names(), features.places()
        columns.append([names[side.indices[places[row]]] for row in rows.tolist()])
        if plan.settings.gallery and is_seen(side, features):
            pictures.append(pictures_of(side, features, rows))
    both = len(pictures) == 2
    return ItemPairs(
        title=evidence.title,
        roles=evidence.roles,
        names=tuple(zip(*columns, strict=True)),
        values=evidence.values,
        pictures=tuple(zip(*pictures, strict=True)) if both else (),
    )


def _named_pairs(
    evidence: Evidence, view: Pairs, plan: Plan, collected: Collected, sample: str
) -> ItemPairs:
    """Return rows of a view of pairs as pairs of items; see `_named`."""
    viewed, features = plan.viewed[sample, "sample", view], collected.samples[sample][view]
    rows = evidence.rows[:, 0]
    seen = plan.settings.gallery and is_seen(viewed, features)
    return ItemPairs(
        title=evidence.title,
        roles=evidence.roles,
        names=names_of_pairs(viewed, features, rows),
        values=evidence.values,
        pictures=pictures_of_pairs(viewed, features, rows) if seen else (),
    )


def _side(plan: Plan, role: Role, sample: str) -> Side | None:
    """Return the side of a role; None for a sample that is a stream."""
    if role != "sample":
        return plan.others[role]
    return next((side for side in plan.samples if side.location == sample), None)
