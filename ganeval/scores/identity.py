"""The identity of a side, the conditions of a run, and how two of them differ.

Every place where two results meet asks here: `check`, `baseline accept`, `compare`, `table`,
`Report.merge`, the pytest fixture. It reads only the provenance of reports, so it works for files
of older versions too: a fact that one of two does not state cannot be compared, and is named.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ganeval.errors import one_line
from ganeval.scores.noun import common_noun, noun_of

Names = tuple[str, str]
"""Names of the two results in messages: `("the run", "the baseline")`."""

# Settings that name the network of the images and how it is fed and read: a later version of a
# generator may differ in them. All other settings must agree for two compared samples.
_OF_THE_NETWORK = {
    *("entry", "kwargs", "key", "submodule", "allow_missing", "ema", "weights", "file", "step"),
    *("latent_size", "latent_layout", "prior", "value_range", "image_layout", "image_output"),
    *("inputs", "label_form", "network_batch", "completed_by", "missing"),
    *("generator_batch", "generator_device", "seed"),
}
# Settings without influence on the latents, labels and conditions that sample i is made from.
_NOT_OF_THE_DRAW = (_OF_THE_NETWORK - {"latent_size", "prior", "seed"}) | {
    *("size", "crop", "clamp"),
    *("transparency", "animated", "exif", "float_range"),
}
# The results of a generator's trial are among its settings; older files do not mark them.
_FOUND = ("observed_range", "normalisation", "output_channels")
INDEPENDENT = "none"
"""The value of `--cluster-by` if it was left out."""

_ROUNDING = {"rel_tol": 1e-6, "abs_tol": 1e-9}  # of one score of the same features


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The identity of a side: its images, and everything that changes their pixels.

    Attributes:
        location: Its name in the report.
        kind: Kind of source.
        content: Digest of the used images, independent of their order; None if unknown.
        order: Digest of the used images in their order; None if unknown.
        settings: Everything that changes their pixels, by name, as JSON values.
        chosen: "all", or a digest of the indices of the chosen images; None if unknown.
        noun: Plural noun of its items.
        counts: Numbers of used and skipped items, for messages.
        clusters: Which items depend on each other: "by", "count" and "digest"; None if they are
            independent.
    """

    location: str
    kind: str | None
    content: str | None
    order: str | None
    settings: Mapping[str, Any]
    chosen: str | None
    noun: str
    counts: str
    clusters: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The findings of a comparison of two results.

    Attributes:
        differing: A text for each thing that differs.
        unsaid: A text for each thing that only one of them states.
        remedies: What to do about `differing`, as options to type.
    """

    differing: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Escape texts from reports, so that each fits on one line."""
        for one in fields(self):
            texts: tuple[str, ...] = getattr(self, one.name)
            object.__setattr__(self, one.name, tuple(map(one_line, texts)))

    def __add__(self, other: "Findings") -> "Findings":
        return Findings(
            differing=tuple(dict.fromkeys(self.differing + other.differing)),
            unsaid=tuple(dict.fromkeys(self.unsaid + other.unsaid)),
            remedies=tuple(dict.fromkeys(self.remedies + other.remedies)),
        )

    @property
    def remedy(self) -> str:
        """What to do, in one text."""
        return "score again with " + (", ".join(self.remedies) or "the same options")


def identity_of(
    card: Mapping[str, Any],
    location: str,
    *,
    label: str | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Identity:
    """Return the identity of a side.

    Args:
        card: Its provenance.
        location: Its name in the report.
        label: Label of a score that uses it: for some scores, stored statistics replace the images
            of their file.
        provenance: Provenance of the whole report, with how a subset was drawn.
    """
    stats = card.get("stats")
    if stats is not None and label is not None and label in stats["used_for"]:
        return Identity(
            location=location,
            kind="stats",
            content=stats["digest"],
            order=stats["digest"],
            settings=stats.get("settings", {}),
            chosen=None,
            noun=noun_of(card),
            counts="statistics",
        )
    found = card.get("found", _FOUND)
    order, used = card.get("digest"), card.get("used", card.get("count"))
    counts = "unknown" if used is None else f"{used:,} {noun_of(card)}"
    run = provenance or {}
    if run.get("num_images") is not None and card.get("kind") != "generator":
        counts += f" of --num-images {run['num_images']} --seed {run.get('seed')}"
    if card.get("skipped"):
        counts += f", {len(card['skipped']):,} skipped"
    # A generator that does not mention conditions has none.
    absent = {"condition": None} if card.get("kind") == "generator" else {}
    return Identity(
        location=location,
        kind=card.get("kind"),
        content=card.get("content"),
        order=order,
        settings=absent
        | {name: value for name, value in card.get("settings", {}).items() if name not in found},
        chosen=card.get("chosen"),
        noun=noun_of(card),
        counts=counts,
        clusters=card.get("clusters"),
    )


def same_items(one: Identity, other: Identity) -> bool | None:
    """Tell whether two sides have the same items in any order; None if unknown."""
    if one.content is not None and other.content is not None:
        return one.content == other.content
    if one.order is not None and other.order is not None:
        return one.order == other.order
    return None


def same_order(one: Identity, other: Identity) -> bool:
    """Tell whether item i of both sides is known to be the same, in the same cluster."""
    known = one.order is not None and one.order == other.order
    return known and _same(one.clusters, other.clusters)


def compare_sides(one: Identity, other: Identity, names: Names) -> Findings:
    """Find where two sides differ that must be the same, such as references."""
    found = _compare_settings(one, other, names)
    same = same_items(one, other)
    if same:
        found += _compare_clusters(one, other, names)
    where, noun = one_line(one.location), common_noun((one.noun, other.noun))
    if same is None and (one.content or one.order or other.content or other.order):
        return found + Findings(unsaid=(f"the {noun} of {where}",))
    # The settings of a generator determine its images.
    if same is not False or (found.differing and one.kind == "generator"):
        return found
    others = Findings(
        differing=(
            f"{where}: the {noun} are others {names[0]} ({one.counts}) than {names[1]} "
            f"({other.counts})",
        ),
        remedies=(f"the same {noun}",),
    )
    return found + others


def _compare_clusters(one: Identity, other: Identity, names: Names) -> Findings:
    """Find whether two equal sides have different clusters.

    If one of them has no clusters, the conditions say so.
    """
    if one.clusters is None or other.clusters is None or _same(one.clusters, other.clusters):
        return Findings()
    here, there = one.clusters["count"], other.clusters["count"]
    # In another order the same clusters have other numbers.
    if one.order != other.order and here == there:
        return Findings()
    return Findings(
        differing=(
            f"{one.location}: its {one.noun} are in other clusters {names[0]} ({here:,}) than "
            f"{names[1]} ({there:,})",
        ),
        remedies=(f"the same names of the {one.noun} on both sides",),
    )


def compare_preparation(one: Identity, other: Identity, names: Names) -> Findings:
    """Find in what, apart from their network, two compared samples differ."""
    return _compare_settings(one, other, names, but=_OF_THE_NETWORK)


def same_latents(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell from their cards whether sample i of two generators has the same latents and labels."""
    return apart(one, other) == ()


def apart(
    one: Mapping[str, Any], other: Mapping[str, Any], names: Names = ("in one", "in the other")
) -> tuple[str, ...] | None:
    """Say why sample i of two generators is not drawn alike; None if either is not a generator."""
    if not _same(one.get("clusters"), other.get("clusters")):
        return ("their items are in other clusters",)
    if not one.get("kind") == other.get("kind") == "generator":
        return None
    sides = identity_of(one, ""), identity_of(other, "")
    counts = {card.get(key) for card in (one, other) for key in ("count", "used")}
    reasons = [] if len(counts) == 1 else [f"{sides[0].counts} and {sides[1].counts}"]
    if None not in (sides[0].chosen, sides[1].chosen) and sides[0].chosen != sides[1].chosen:
        reasons.append("other numbers of their samples were taken")
    mine, others = sides[0].settings, sides[1].settings
    reasons += [
        _said(name, mine.get(name), others.get(name), names)
        for name in dict.fromkeys([*mine, *others])
        if name not in _NOT_OF_THE_DRAW and not _same(mine.get(name), others.get(name))
    ]
    return tuple(reasons)


def compare_conditions(one: Mapping[str, Any], other: Mapping[str, Any], names: Names) -> Findings:
    """Find where the conditions of two results differ."""
    found = Findings()
    for what in dict.fromkeys([*one, *other]):
        mine, others = one.get(what), other.get(what)
        if _same(mine, others):
            continue
        if mine is None or others is None:
            found += Findings(unsaid=(what,))
            continue
        word, _, rest = what.partition(" ")
        typed = what in ("extractor", "protocol", "precision", "cluster-by")
        remedy = f"--{word} {others}" if typed else None
        if (what, others) == ("cluster-by", INDEPENDENT):
            remedy = "--cluster-by left out"
        remedies = {
            "weights": "the same --weights",
            "preprocessing": "the same --protocol",
            "labels": "the same class labels",
            "partners": "the same --pair-by and the same items",
        }
        if rest.startswith("of ") and word in ("extractor", "weights", "preprocessing"):
            remedy = f"the same network called {rest.removeprefix('of ')}"
        found += Findings(
            differing=(_said(what, mine, others, names),),
            remedies=(remedy or remedies.get(word, "the same version of ganeval"),),
        )
    return found


def same_value(one: float, other: float) -> bool:
    """Tell whether two values of a score of the same features differ only by rounding."""
    return math.isclose(one, other, **_ROUNDING)


def _compare_settings(
    one: Identity, other: Identity, names: Names, but: set[str] | frozenset[str] = frozenset()
) -> Findings:
    """Find the settings in which two sides differ."""
    mine, others = one.settings, other.settings
    where = one_line(one.location)
    everything = [name for name in dict.fromkeys([*mine, *others]) if name not in but]
    both = [name for name in everything if name in mine and name in others]
    # Another kind of source has other settings; a source of the same kind is from an older version.
    lacking = set(everything) - set(both) if one.kind == other.kind else set()
    differing = {name: others[name] for name in both if not _same(mine[name], others[name])}
    return Findings(
        differing=tuple(
            f"{where}: {_said(name, mine[name], others[name], names)}" for name in differing
        ),
        unsaid=tuple(f"{name} of {where}" for name in everything if name in lacking),
        remedies=_typed(one, differing),
    )


def _same(mine: Any, others: Any) -> bool:
    """Tell whether two values are the same in a JSON file, where a tuple is a list."""
    return json.dumps(mine, sort_keys=True) == json.dumps(others, sort_keys=True)


def _said(what: str, mine: Any, others: Any, names: Names) -> str:
    """Say that something has different values."""
    here, there = ("not set" if value is None else _text(value) for value in (mine, others))
    return f"{what} is {here} {names[0]} and {there} {names[1]}"


def _text(value: Any) -> str:
    """Return a value in the form that users write."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={one}" for name, one in value.items()) or "none"
    text = str(value)
    return text[:15] if text.startswith("sha256:") else text


# The options of a source's text, with their defaults. A network's rate is an option, --rate.
_IN_THE_TEXT = {
    **{"size": None, "crop": "none"},
    **{"rate": None, "channels": "keep", "seconds": None, "cut": "start", "pad": "error"},
}
_REFUSING = {"transparency": "error", "animated": "error"}
# Settings without an option, with what makes them the same.
_NO_OPTION = {
    **dict.fromkeys(
        ("weights", "ema", "file", "step", "missing", "completed_by"),
        "the same file of the generator",
    ),
    "generator_batch": "the same batch_size of the generator",
    "generator_device": "the generator on the same device",
}


def _typed(side: Identity, wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the options that give a side the wanted settings."""
    words = []
    in_text = {
        name: value
        for name, value in wanted.items()
        if name in _IN_THE_TEXT and (name, side.kind) != ("rate", "generator")
    }
    if in_text:
        kind, location = f"{side.kind}:", side.location.removeprefix(f"{side.kind}:")
        kept = [part for part in location.split(",") if part.partition("=")[0] not in in_text]
        given = [
            f"{name}={value}" for name, value in in_text.items() if value != _IN_THE_TEXT[name]
        ]
        words.append(one_line(",".join([kind + kept[0], *kept[1:], *given])))
    for name, value in wanted.items():
        option = f"--{name.replace('_', '-')}"
        if name in in_text:
            continue
        if name.startswith("condition"):
            words.append("the same conditions")
        elif name in _NO_OPTION:
            words.append(_NO_OPTION[name])
        elif value is None or value == _REFUSING.get(name):
            words.append(f"{option} left out")
        else:
            words.append(f"{option} {_text(value)}")
    return tuple(words)
