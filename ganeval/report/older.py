"""Read files of older versions: what they do not say comes from the table of metrics."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ganeval.metrics.table import METRICS
from ganeval.scores.influence import Influence
from ganeval.scores.kind import ScoreKind
from ganeval.scores.row import Key, ScoreRow


def filled_row(entry: Any, name: str) -> Any:
    """Return a score's JSON form with all that today's files say; `name` is for messages.

    Raises:
        ValueError: No metric of this version has a score of this name.
    """
    if not isinstance(entry, Mapping) or "kind" in entry:
        return entry
    called = entry["name"]
    metric, kind = _home(called, name)
    meaning = asdict(kind)
    if kind.error == "blocks":
        meaning["error"] = "jackknife"  # the method of that time
    reference = entry.get("reference")
    details = entry.get("details", {})
    if kind.bias == "removed" and isinstance(details, dict) and "biased" not in details:
        # It had the name of the biased score.
        plain = [details[one] for one in METRICS.entries if one in details]
        details = {**details, **({"biased": plain[0]} if plain else {})}
    return {
        **entry,
        "name": meaning.pop("name"),
        "details": details,
        "metric": metric,
        "network": None,
        "networks": [],
        "roles": {} if reference is None else {"reference": reference},
        "nums": {} if reference is None else {"reference": entry.get("num_reference")},
        "kind": {key: value for key, value in meaning.items() if key != "direction"},
        "partners": None,
        "labels": None,
        "enough": {},
    }


def _home(called: Any, name: str) -> tuple[str, ScoreKind]:
    """Return the metric of a score's name, in whatever spelling, and what the score means."""
    spelt = _spelt(called)
    for metric, entry in METRICS.own():
        for kind in entry.kinds:
            if kind.name == spelt:
                return metric, kind
    raise ValueError(
        f"{name} is called {called!r:.60}, and no metric of this version has that name"
    )


def filled_differences(entries: Sequence[Any], rows: Sequence[ScoreRow]) -> list[Any]:
    """Return differences in JSON form with the labels of their scores.

    Older files have only the name. If one name stands for scores under several options, their pairs
    come in the order of the scores.
    """
    met: Counter[Any] = Counter()
    filled = []
    for entry in entries:
        if not isinstance(entry, Mapping) or "label" in entry or "name" not in entry:
            filled.append(entry)
            continue
        name, reference = _spelt(entry["name"]), entry.get("reference")
        labels = list(dict.fromkeys(row.label for row in rows if row.name == name)) or [name]
        pair = (name, str(reference), frozenset(str(entry.get(x)) for x in ("sample", "other")))
        label = labels[min(met[pair], len(labels) - 1)]
        met[pair] += 1
        roles = {} if reference is None else {"reference": reference}
        filled.append({**entry, "name": name, "label": label, "roles": roles})
    return filled


def filled_rank(rank: str | None, rows: Sequence[ScoreRow]) -> str | None:
    """Return the label of the score that orders the samples; older files have its name."""
    if rank is None or rank in {row.label for row in rows}:
        return rank
    return next((row.label for row in rows if row.name == _spelt(rank)), rank)


def filled_keys(
    influences: Mapping[Key, Influence], rows: Sequence[ScoreRow]
) -> dict[Key, Influence]:
    """Return influences by the keys of their scores; older files name a score without options."""
    own = {row.key for row in rows}
    by_name = {row.key._replace(label=row.name): row.key for row in rows}
    found = {}
    for key, values in influences.items():
        spelt = key._replace(label=_spelt(key.label)) if key not in own else key
        found[spelt if spelt in own else by_name.get(spelt, spelt)] = values
    return found


def filled_provenance(provenance: Mapping[str, Any], rows: Sequence[ScoreRow]) -> dict[str, Any]:
    """Return a provenance in which stored statistics name all the scores that they served.

    Older files name one score, and mean all that need only moments of the reference.
    """
    sources = dict(provenance.get("sources", {}))
    for location, card in sources.items():
        stats = card.get("stats", {})
        if stats.get("used_for"):
            served = dict.fromkeys(
                row.label
                for row in rows
                if row.reference == location and _looks_at_moments(row.metric)
            )
            sources[location] = {**card, "stats": {**stats, "used_for": list(served)}}
    return {**provenance, "sources": sources} if sources else dict(provenance)


def _looks_at_moments(metric: str) -> bool:
    """Tell whether a metric needs only moments of the reference."""
    needs = [need for need in METRICS.load(metric)().needs if need.role == "reference"]
    return bool(needs) and all(need.form == "moments" for need in needs)


def _spelt(name: Any) -> str:
    """Return a score's name as it is spelt now."""
    return str(name).replace("_", "-")
