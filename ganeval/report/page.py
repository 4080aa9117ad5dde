"""The HTML report: one file, readable without network, scripts or colour."""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

from ganeval.errors import one_line
from ganeval.report import formats, plots, table
from ganeval.report.digits import Digits, show_column
from ganeval.report.drawing import INK, RULE, Plot
from ganeval.report.gallery import Gallery
from ganeval.report.items import MetricItems
from ganeval.report.letters import groups
from ganeval.report.names import letter
from ganeval.report.notes import about_detectable, cautions, notes
from ganeval.scores.difference import Difference
from ganeval.scores.noun import common_noun, noun_of
from ganeval.scores.row import Key, ScoreRow

if TYPE_CHECKING:
    import jinja2

_HEAD = re.compile(r"\A.*?<svg[^>]*?viewBox=\"([^\"]*)\"[^>]*>", re.DOTALL)


def html(
    rows: Sequence[ScoreRow],
    provenance: Mapping[str, Any],
    pairs: Sequence[Difference],
    galleries: Sequence[Gallery],
    digits: Digits = "error",
    items: Mapping[Key, MetricItems] | None = None,
) -> str:
    """Return the report as a page; all text from files and users is escaped.

    Args:
        rows: The scores, the samples in the order of the table.
        provenance: JSON values.
        pairs: The differences by the score that orders the samples; may be empty.
        galleries: Pictures of the samples; may be empty.
        digits: Which digits are shown.
        items: Further results of metrics; may be empty.
    """
    from markupsafe import Markup

    folder = files("ganeval.report")
    script = (folder / "page.js").read_text(encoding="utf-8")
    samples = tuple(dict.fromkeys(row.sample for row in rows))
    galleries = sorted(galleries, key=lambda gallery: samples.index(gallery.sample))
    names = {sample: letter(at) for at, sample in enumerate(samples)}
    scores = table.by_title(rows)
    cards: Mapping[str, Any] = provenance.get("sources", {})
    noun, nums = table.numbers(rows, provenance)
    generated = {noun_of(cards[sample]) for sample in samples if sample in cards}
    return (
        _environment(folder)
        .get_template("page.html")
        .render(
            rows=rows,
            samples=samples,
            letters=names,
            generated=common_noun(generated) if generated else noun,
            noun=noun,
            nums=nums,
            costs=table.costs(provenance, samples),
            columns={title: table.ARROWS[column[0].direction] for title, column in scores.items()},
            scores={
                (row.sample, title): (row, shown)
                for title, column in scores.items()
                for row, shown in zip(column, show_column(column, digits), strict=True)
            },
            best=table.best(rows),
            curves=_scores_of(gallery for gallery in galleries if gallery.curve),
            extremes=_scores_of(gallery for gallery in galleries if gallery.raising),
            usual=any(gallery.usual_distance for gallery in galleries),
            neighbours=any(gallery.neighbours for gallery in galleries),
            caption=table.caption(rows, provenance),
            cautions=cautions(rows, pairs, names),
            notes=notes(rows, pairs, names),
            groups=groups(samples, pairs),
            pairs=pairs,
            pair_grid=table.pair_grid(pairs, names, digits) if pairs else None,
            detectable=" ".join(about_detectable(pairs)),
            plots=plots.draw(rows, galleries, items or {}, noun),
            evidence=[
                (key, pairs)
                for key, one in (items or {}).items()
                for pairs in one.evidence.values()
            ],
            galleries=[gallery for gallery in galleries if gallery.pictures],
            seen=not cards
            or any(card.get("item", "picture") == "picture" for card in cards.values()),
            provenance=provenance,
            provenance_json=json.dumps(provenance, indent=2, ensure_ascii=True),
            markdown=formats.markdown(rows, provenance, pairs, digits),
            latex=formats.latex(rows, provenance, pairs, digits),
            debiased=list(dict.fromkeys(row.label for row in rows if "debiased" in row.details)),
            style=Markup((folder / "page.css").read_text(encoding="utf-8")),
            script=Markup(script),
            script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def _scores_of(galleries: Iterable[Gallery]) -> list[str]:
    """Return the labels of the scores that galleries illustrate."""
    return list(dict.fromkeys(gallery.score for gallery in galleries if gallery.score))


def _environment(folder: Traversable) -> "jinja2.Environment":
    """Return the values that fill the template."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "breakable": _breakable,
        "data_uri": _data_uri,
        "sound_uri": _sound_uri,
        "inline": _inline,
        "one_line": one_line,
    }
    return environment


def _breakable(name: str) -> Any:
    """Return a name that a narrow column breaks after a slash rather than within a word."""
    from markupsafe import Markup

    return Markup("/<wbr>").join(one_line(name).split("/"))


def _data_uri(content: bytes) -> str:
    """Return a WebP file as a data URL."""
    return "data:image/webp;base64," + base64.b64encode(content).decode("ascii")


def _sound_uri(content: bytes) -> str:
    """Return a WAV file as a data URL."""
    return "data:audio/wav;base64," + base64.b64encode(content).decode("ascii")


def _inline(plot: Plot) -> Any:
    """Return a plot as part of a page: as wide as there is room, in the page's colours."""
    from markupsafe import Markup, escape

    identity = f"plot-{plot.name}"
    head = Markup(
        '<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{{}}" role="img" '
        'aria-labelledby="{0}-title {0}-desc"><title id="{0}-title">{1}</title>'
        '<desc id="{0}-desc">{2}</desc>'
    ).format(identity, plot.title, plot.description)
    match = _HEAD.match(plot.svg)
    assert match is not None
    body = plot.svg[match.end() :]
    # Names that matplotlib gives to groups repeat from plot to plot, and nothing refers to them.
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    body = body.replace(INK, "var(--ink)").replace(RULE, "var(--rule)")
    return Markup(str(head).replace("{}", str(escape(match[1])))) + Markup(body)
