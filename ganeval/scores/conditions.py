"""The conditions of scores: what has to agree in networks and conventions."""

from collections.abc import Mapping, Sequence
from typing import Any

from ganeval.scores.identity import INDEPENDENT, Findings, Names, compare_conditions
from ganeval.scores.row import ScoreRow


def cards_of(
    provenance: Mapping[str, Any], rows: Sequence[ScoreRow]
) -> dict[str, Mapping[str, Any]]:
    """Return the provenance of each network behind some scores, by name.

    Files of older versions have one network, with its facts among the others.
    """
    said: Mapping[str, Any] = provenance.get("networks", {})
    weights = provenance.get("weights") or {}
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        for name in row.networks or (row.extractor,):
            only = {**provenance, "extractor": row.extractor, "weights": weights.get(row.extractor)}
            found[name] = said.get(name, only)
    return found


def conditions(provenance: Mapping[str, Any], row: ScoreRow) -> dict[str, Any]:
    """Return what compared scores have to have in common, by name."""
    cards = cards_of(provenance, [row])
    found: dict[str, Any] = {"extractor": row.extractor}
    for name, card in cards.items():
        # The network need not be named if the run's is the only one.
        of = f" of {name}" if row.network is not None or len(cards) > 1 else ""
        found |= _of_network(card, of)
    return {**found, **_of_protocol(provenance, [row])}


def network_of_run(provenance: Mapping[str, Any], rows: Sequence[ScoreRow]) -> str | None:
    """Return the name of the default network of scores.

    None if there is no such score.
    """
    used = [name for row in rows for name in row.networks or (row.extractor,)]
    said: str | None = provenance.get("network", next(iter(used), None))
    return said if said in used else None


def compare_shared(
    one: tuple[Mapping[str, Any], Sequence[ScoreRow]],
    other: tuple[Mapping[str, Any], Sequence[ScoreRow]],
    names: Names,
) -> Findings:
    """Find where two reports differ in what scores of one table must have in common.

    These are the protocol, the network of the run, and every other network that both name.

    Args:
        one: Provenance and scores of one report.
        other: Provenance and scores of the other.
        names: Names of the two in messages.
    """
    found = compare_conditions(_of_protocol(*one), _of_protocol(*other), names)
    sides = []
    for provenance, rows in (one, other):
        run = network_of_run(provenance, rows)
        cards = cards_of(provenance, rows)
        sides.append({("" if name == run else name): card for name, card in cards.items()})
    for name in sides[0].keys() & sides[1].keys():
        of = f" of {name}" if name else ""
        mine, others = (
            {f"extractor{of}": side[name].get("extractor"), **_of_network(side[name], of)}
            for side in sides
        )
        found += compare_conditions(mine, others, names)
    return found


def _of_network(card: Mapping[str, Any], of: str) -> dict[str, Any]:
    """Return what has to agree for a network; `of` names it."""
    return {
        f"extractor version{of}": card.get("extractor_version"),
        f"weights{of}": card.get("weights"),
        f"package{of}": card.get("package"),
        f"precision{of}": card.get("precision"),
        **{
            f"{what}{of}": one for what, one in _flat("preprocessing", card.get("preprocess") or {})
        },
    }


def _of_protocol(provenance: Mapping[str, Any], rows: Sequence[ScoreRow]) -> dict[str, Any]:
    """Return what has to agree in the conventions."""
    return {
        "protocol": ", ".join(dict.fromkeys(row.protocol for row in rows)) or None,
        "protocol version": provenance.get("protocol_version"),
        # A file that does not say it comes from a run without clusters; older versions had none.
        "cluster-by": provenance.get("cluster_by") or INDEPENDENT,
    }


def _flat(name: str, value: Any) -> list[tuple[str, Any]]:
    """Return the leaves of nested mappings, each with the names that lead to it."""
    if not isinstance(value, Mapping):
        return [(name, value)]
    return [leaf for key, inner in value.items() for leaf in _flat(f"{name} {key}", inner)]


def arithmetic(provenance: Mapping[str, Any], rows: Sequence[ScoreRow]) -> dict[str, Any]:
    """Return the facts that features of one image depend on only in their last digits."""
    libraries = provenance.get("libraries", {})
    cards = cards_of(provenance, rows)
    batches = dict.fromkeys(str(card.get("micro_batch")) for card in cards.values())
    return {
        "device": provenance.get("device"),
        "micro_batch": None if list(batches) == ["None"] else ", ".join(batches),
        **{name: libraries.get(name) for name in ("torch", "pillow")},
    }
