"""Write a page for each metric from its docstring and from what its class says of itself.

The pages lie in `docs/metrics/`, which git ignores: the docstrings are their only source.
"""

import inspect
import re
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from ganeval.metrics.base import Metric, Pairs, Paths, roles_of
from ganeval.metrics.protocols import PROTOCOLS
from ganeval.metrics.table import METRICS

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HEADINGS = {
    "Estimand": "What it estimates",
    "Numbers": "How many items",
    "Bias": "Bias",
    "Direction": "Direction",
    "Misleads": "When it misleads",
    "Standard error": "Standard error",
    "Reference": "Source",
}
"""How a paragraph of a metric's docstring begins, and the heading of its page, in this order."""

MARKS = {
    "none": "does not depend on the numbers of items",
    "removed": "most of what depends on the numbers of items has been taken off",
    "removable": "depends on the numbers of items; the details have a value without most of that",
    "depends-on-numbers": "depends on the numbers of items: compare at equal numbers only",
}
DIRECTIONS = {
    "lower": "lower is better",
    "higher": "higher is better",
    "zero": "0 is best",
    "none": "nothing is better",
}


def facts_of(kind: type) -> dict[str, str]:
    """Return the paragraphs of a docstring that begin with one of the words of `HEADINGS`.

    More words may stand before the colon, as in "Standard error and interval". What follows such a
    paragraph and begins with no such word belongs to it.
    """
    text = inspect.cleandoc(str(kind.__doc__)).partition("\nAttributes:\n")[0]
    # [before, words, text, words, text, ...]
    pieces = re.split(rf"^((?:{'|'.join(HEADINGS)})[a-z ]*): ", text, flags=re.MULTILINE)
    return {
        words: re.sub("^[a-z](?=[a-z]*[ ,;])", lambda first: first[0].upper(), body.strip())
        for words, body in zip(pieces[1::2], pieces[2::2], strict=True)
    }


def options_of(kind: type) -> dict[str, tuple[Any, str]]:
    """Return each option of a metric with its default and what the docstring says of it."""
    text = inspect.cleandoc(str(kind.__doc__)).partition("\nAttributes:\n")[2]
    said = dict(re.findall(r"^(\w+): (.*(?:\n .*)*)", dedent(text), re.MULTILINE))
    return {
        name: (field.default, " ".join(said[name].split()))
        for name, field in getattr(kind, "__dataclass_fields__", {}).items()
        if name in said
    }


def escaped(text: str) -> str:
    """Return a docstring's text as Markdown that looks like it: formulas have `*`, `_` and `|`."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([\\*_<>\[\]|~^])", r"\\\1", piece)
        for piece in pieces
    )


def page_of(name: str) -> str:
    """Return the page of a metric as Markdown."""
    kind = METRICS.load(name)
    facts, options = facts_of(kind), options_of(kind)
    title = name if name == kind.common_name else f"{name}: {kind.common_name}"
    lines = [f"# {title}", "", escaped(METRICS.summary(name)), ""]
    first, *others = (f"| {key} | {text} |" for key, text in table_of(name, kind))
    lines += [first, "|---|---|", *others]
    for word, heading in HEADINGS.items():
        for words, fact in facts.items():
            if words.startswith(word):
                lines += ["", f"## {heading}{words.removeprefix(word)}", "", escaped(fact)]
    if options:
        lines += ["", "## Options", "", "| option | default | what it is |", "|---|---|---|"]
        lines += [
            f"| `{option}` | `{default}` | {escaped(text)} |"
            for option, (default, text) in options.items()
        ]
        lines += ["", f"An option stands after a colon: `-m {name}:{next(iter(options))}=...`."]
    return "\n".join(lines) + "\n"


def table_of(name: str, kind: type[Metric]) -> list[tuple[str, str]]:
    """Return what a class says of itself, for the table at the head of its page."""
    metric = kind()
    networks = {need.feature.extractor for need in metric.needs}
    layers = dict.fromkeys(need.feature.layer for need in metric.needs)
    least = dict.fromkeys(
        f"{need.minimum:,} of the {need.role} ({need.why})" for need in metric.needs
    )
    extras = [
        word
        for word, is_taken in (
            ("their classes", any(need.labels for need in metric.needs)),
            ("pairs", any(isinstance(need.view, Pairs) for need in metric.needs)),
            ("a generator's paths", any(isinstance(need.view, Paths) for need in metric.needs)),
        )
        if is_taken
    ]
    protocols = [one.name for one in PROTOCOLS.values() if name in one.names()]
    return [
        ("scores", ", ".join(f"`{one.name}` ({DIRECTIONS[one.direction]})" for one in kind.kinds)),
        ("looks at", ", ".join([*roles_of(metric), *extras])),
        ("network", ", ".join(sorted(filter(None, networks))) or "the one of `--extractor`"),
        ("layer", ", ".join(f"`{layer}`" for layer in layers)),
        ("at least", ", ".join(least)),
        ("expectation", "; ".join(dict.fromkeys(MARKS[one.bias] for one in kind.kinds))),
        ("protocols", ", ".join(f"`{protocol}`" for protocol in protocols)),
        ("command", f"`ganeval {command_of(name, metric)}`"),
    ]


def command_of(name: str, metric: Metric) -> str:
    """Return how the metric is called alone."""
    roles = roles_of(metric)
    words = [name, *(["real/"] if "reference" in roles else []), "fake/"]
    if any(isinstance(need.view, Paths) for need in metric.needs):
        words[-1] = "generator.safetensors"
    if any(need.labels for need in metric.needs):
        words = [name, "folder:real/,labels=folders", "folder:fake/,labels=folders"]
    return " ".join([*words, *(f"--{role} {role}/" for role in roles if role in OPTIONAL)])


OPTIONAL = ("train", "heldout")


def overview() -> str:
    """Return the table of all metrics: what each measures and when it misleads."""
    lines = ["| metric | what it measures | when it misleads |", "|---|---|---|"]
    for name in METRICS.entries:
        kind = METRICS.load(name)
        better = ", ".join(dict.fromkeys(one.direction for one in kind.kinds))
        measures = METRICS.summary(name).removeprefix("Compute ").removesuffix(".")
        measures = escaped(measures[0].upper() + measures[1:])
        misleads = " ".join(facts_of(kind)["Misleads"].split())
        lines.append(
            f"| [`{name}`](metrics/{name}.md) | {measures}; {better} is better. "
            f"| {escaped(misleads)} |"
        )
    return "\n".join(lines) + "\n"


def write_pages(folder: Path) -> None:
    """Write the pages into an own folder; one that is as it was is not touched."""
    folder.mkdir(exist_ok=True)
    pages = {f"{name}.md": page_of(name) for name in METRICS.entries}
    pages["overview.txt"] = overview()
    for stale in {path.name for path in folder.iterdir()} - pages.keys():
        (folder / stale).unlink()
    for name, text in pages.items():
        write_if_changed(folder / name, text)


def write_if_changed(path: Path, text: str) -> None:
    """Write a file unless it has the text already, so that Sphinx reads only what is new."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(app: "Sphinx") -> dict[str, bool]:
    """Tell Sphinx to write the pages before it reads."""
    app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir) / "metrics"))
    return {"parallel_read_safe": True}
