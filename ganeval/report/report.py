"""The report: scores with all facts that a comparison needs, and their provenance."""

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganeval.errors import MismatchError, UsageError, one_line
from ganeval.report import formats, table
from ganeval.report.beside import scores_digest
from ganeval.report.digits import Digits, show_column
from ganeval.report.gallery import Gallery
from ganeval.report.influence_file import INFLUENCES, packed
from ganeval.report.items import ITEMS, MetricItems, packed_items
from ganeval.report.letters import groups
from ganeval.report.lookup import find_row, row_names
from ganeval.report.names import shorten
from ganeval.report.output import check_output, write_output
from ganeval.report.provenance import joined_provenance
from ganeval.report.report_file import check_beside, read_parts
from ganeval.scores.conditions import cards_of, compare_shared, network_of_run
from ganeval.scores.difference import Difference, joined
from ganeval.scores.identity import Findings, Names, compare_sides, identity_of
from ganeval.scores.influence import Influence
from ganeval.scores.kind import loss
from ganeval.scores.row import ROLES, Key, ScoreRow

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

SCHEMA = "ganeval.report/1"
NAME_THEM = "name them (--label NAME=RUN.json, in Python `Report.renamed`)"
SUFFIXES = (".json", ".csv", ".md", ".tex", ".html")
_MOST_SHOWN = 5  # samples in `repr`
_NAME_SHOWN, _SCORES_SHOWN = 40, 8  # columns of a sample's name and number of its scores there


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """Scores and their provenance.

    `report["fid"].value` is the score of the only sample, `report["precision:k=5"]` a score with an
    option, and `report["fid@mine"]` a score in another network. With several samples, name the
    sample too, `report["fake/", "fid"]`; with several references, also the reference,
    `report["fake/", "real/", "fid"]`.

    Attributes:
        scores: The rows, one for each score.
        provenance: JSON values.
        influence: What each item adds to a score, by the keys of the rows, if known.
        comparisons: The differences between all pairs of samples, by score.
        rank: Label of the score that orders the samples in tables, if they were compared.
        items: Further results of metrics, by the metric keys of the rows.
        galleries: Pictures of the samples for an HTML page; no other file has them.
    """

    scores: tuple[ScoreRow, ...]
    provenance: Mapping[str, Any]
    influence: Mapping[Key, Influence] = field(default_factory=dict, compare=False, repr=False)
    comparisons: tuple[Difference, ...] = ()
    rank: str | None = None
    items: Mapping[Key, MetricItems] = field(default_factory=dict, compare=False, repr=False)
    galleries: tuple[Gallery, ...] = field(default=(), compare=False, repr=False)

    def __repr__(self) -> str:
        """Return the numbers of samples and scores, and a line with the scores of each sample."""
        columns = table.by_title(self.ranked)
        texts: dict[str, list[str]] = {}
        for title, rows in columns.items():
            for row, shown in zip(rows, show_column(rows), strict=True):
                texts.setdefault(row.sample, []).append(f"{title} {shown.text}")
        lines = [
            f"{shorten(one_line(sample), _NAME_SHOWN)}: {', '.join(_first(scores, _SCORES_SHOWN))}"
            for sample, scores in texts.items()
        ]
        counts = f"{_count(len(lines), 'sample')}, {_count(len(columns), 'score')}"
        return "\n    ".join([f"Report({counts}:", *_first(lines, _MOST_SHOWN)]) + ")"

    def __getitem__(self, key: str | tuple[str, ...]) -> ScoreRow:
        """Return a score by its label, or the first score of a metric by the metric's label.

        A name without network and options means the score in the run's network without options, or
        the only score of that name. The sample may precede it, followed by the reference, the
        training set, and the held-out items.

        Raises:
            UsageError: There is no such score, or several samples or other sources have one.
        """
        return find_row(self.scores, [key] if isinstance(key, str) else key)

    def items_of(self, key: str | tuple[str, ...]) -> MetricItems:
        """Return the curves, values of items and pairs of items that a metric found.

        Args:
            key: Label of one of its scores, or of the metric, as for `report[key]`.

        Raises:
            UsageError: There is no such score, or its metric found nothing of that kind.
        """
        row = self[key]
        if row.metric_key not in self.items:
            raise UsageError(
                f"the report has no values of items for {row.metric_label}",
                "a metric that has values of items, and the file beside the report",
                "keep RUN.items.safetensors beside RUN.json",
            )
        return self.items[row.metric_key]

    def frame(self) -> "pd.DataFrame":
        """Return a tidy DataFrame: one row per score, one column per field of `ScoreRow`."""
        return table.tidy(self.scores)

    def to_json(self) -> str:
        """Return the report file's text: full precision, never NaN, the same for the same run."""
        content: dict[str, Any] = {
            "schema": SCHEMA,
            "scores": [row.record() for row in self.scores],
        }
        if self.comparisons:
            content["rank"] = self.rank
            content["comparisons"] = [one.record() for one in self.comparisons]
        content["provenance"] = self.provenance
        return json.dumps(content, indent=2, ensure_ascii=True, allow_nan=False) + "\n"

    @property
    def ranked(self) -> tuple[ScoreRow, ...]:
        """The scores with the samples in the order of `rank`, best first.

        If there are several references, or other sources of one role, the name of a sample includes
        those of its row. A score that uses none of them appears in every row of its sample.
        """
        rows = [
            replace(row, sample=name)
            for row in self.scores
            for name in self._row_names(row.sample, row.roles)
        ]
        losses = {
            row.sample: loss(row.direction, row.value) for row in rows if row.label == self.rank
        }

        def place(row: ScoreRow) -> float:
            worse = losses.get(row.sample)
            return math.inf if worse is None else worse

        return tuple(sorted(rows, key=place))

    @property
    def pairs(self) -> tuple[Difference, ...]:
        """The comparisons by the score that orders the samples, with the names of `ranked`."""
        return tuple(
            replace(
                one,
                sample=self._row_names(one.sample, one.roles)[0],
                other=self._row_names(one.other, one.roles)[0],
            )
            for one in self.comparisons
            if one.label == self.rank
        )

    @property
    def shown(self) -> tuple[Gallery, ...]:
        """The galleries, with the names of `ranked`."""
        return tuple(
            replace(one, sample=self._row_names(one.sample, {})[0]) for one in self.galleries
        )

    def _row_names(self, sample: str, roles: Mapping[str, str]) -> list[str]:
        """Return the name of a sample's rows in tables, for given other sources."""
        return row_names(self.scores, sample, roles)

    @property
    def groups(self) -> dict[str, str]:
        """Letters of the samples; samples that share one were not told apart. Empty if unknown."""
        return groups(list(dict.fromkeys(row.sample for row in self.ranked)), self.pairs)

    def to_markdown(self, *, digits: Digits = "error") -> str:
        """Return the tables as Markdown."""
        return formats.markdown(self.ranked, self.provenance, self.pairs, digits)

    def save(self, path: str | Path, *, digits: Digits = "error") -> None:
        """Write the report; the suffix chooses JSON, CSV, Markdown, LaTeX or HTML.

        JSON and CSV have full precision. The others show each value to the second digit of its
        standard error, or all digits with `digits="full"`; LaTeX needs the package booktabs.

        Beside RUN.json it leaves RUN.influence.safetensors with the influence values, and
        RUN.items.safetensors with values of items, if there are any. These files are tied to the
        scores, so no other report uses them.

        Raises:
            UsageError: The suffix is unknown, the folder does not exist, or a foreign file has the
                name of a file beside the report.
            ResourceError: The disk is full; an older file of that name is still there.
        """
        path = Path(path)
        check_output(path, SUFFIXES)
        check_beside(path)
        kind = path.suffix.lower()
        if kind == ".json":
            text = self.to_json()
        elif kind == ".csv":
            text = formats.csv(self.scores)
        elif kind == ".md":
            text = self.to_markdown(digits=digits)
        elif kind == ".tex":
            text = formats.latex(self.ranked, self.provenance, self.pairs, digits)
        else:
            from ganeval.report import page  # draws, which is slow to import

            text = page.html(
                self.ranked, self.provenance, self.pairs, self.shown, digits, self._shown_items
            )
        # A foreign report may have half of a surrogate pair, which is escaped as on stdout.
        contents = {path: text.encode("utf-8", "backslashreplace")}
        if kind == ".json" and (self.influence or self.items):
            digest = scores_digest([row.record() for row in self.scores])
            if self.influence:
                contents[INFLUENCES.path(path)] = packed(self.influence, digest)
            if self.items:
                contents[ITEMS.path(path)] = packed_items(self.items, digest)
        write_output(contents)

    def save_plots(self, folder: str | Path) -> None:
        """Write each plot of the page as `NAME.svg` and `NAME.png`; the folder is made if needed.

        Raises:
            UsageError: The folder cannot be made or written to.
            ResourceError: The disk is full.
        """
        from ganeval.report import plots  # draws, which is slow to import

        noun, _ = table.numbers(self.ranked, self.provenance)
        plots.save_plots(self.ranked, self.shown, self._shown_items, Path(folder), noun=noun)

    @property
    def _shown_items(self) -> dict[Key, MetricItems]:
        """The items that metrics found, with the names of `ranked`."""
        found = {}
        for key, one in self.items.items():
            roles = {role: name for role, name in zip(ROLES, key[1:4], strict=True) if name}
            found[key._replace(sample=self._row_names(key.sample, roles)[0])] = one
        return found

    @classmethod
    def load(cls, path: str | Path) -> "Report":
        """Read a report file, and the files beside it if they belong to it.

        Raises:
            InputError: The file is not a report, or has another schema, or a file beside it is
                damaged.
        """
        return cls(*read_parts(Path(path), schema=SCHEMA, made_by="-o RUN.json"))

    def renamed(self, names: Mapping[str, str]) -> "Report":
        """Return the report with new names for some samples.

        Raises:
            UsageError: Two samples would have one name, or a sample and a reference would.
        """
        samples = list(dict.fromkeys(row.sample for row in self.scores))
        wanted = [names.get(sample, sample) for sample in samples]
        others = {location for row in self.scores for location in row.roles.values()}
        for sample, name in zip(samples, wanted, strict=True):
            if wanted.count(name) > 1 or (name != sample and name in others):
                raise UsageError(
                    f"two sources would be called '{name}'", "a name for each", "choose another"
                )
        own: Mapping[str, Any] = self.provenance.get("sources", {})
        # A source that is the reference too keeps its name beside the new one.
        kept = {name: card for name, card in own.items() if name not in names or name in others}
        called = {name: own[old] for old, name in names.items() if old in own}
        return replace(
            self,
            scores=tuple(
                replace(row, sample=names.get(row.sample, row.sample)) for row in self.scores
            ),
            provenance={**self.provenance, "sources": {**called, **kept}},
            influence={
                key._replace(sample=names.get(key.sample, key.sample)): influence
                for key, influence in self.influence.items()
            },
            items={
                key._replace(sample=names.get(key.sample, key.sample)): found
                for key, found in self.items.items()
            },
            comparisons=tuple(
                replace(
                    one,
                    sample=names.get(one.sample, one.sample),
                    other=names.get(one.other, one.other),
                )
                for one in self.comparisons
            ),
            galleries=tuple(
                replace(one, sample=names.get(one.sample, one.sample)) for one in self.galleries
            ),
        )

    def merge(self, other: "Report", *, names: Names = ("in one", "in the other")) -> "Report":
        """Return both reports' scores in one, for a table across runs.

        The differences between samples are kept, and their p-values are adjusted again, because
        Holm's correction covers all pairs of a table.

        Args:
            other: The other report.
            names: Names of the two in messages.

        Raises:
            MismatchError: They were made under different extractors, weights, precisions, protocols
                or preprocessing; two sources of one name are not the same images under the same
                settings; or one score of one sample is in both with different values.
        """
        found = compare_shared(
            (self.provenance, self.scores), (other.provenance, other.scores), names
        )
        if found.differing:
            raise MismatchError(
                ", ".join(found.differing),
                "scores made under the same extractor, weights, precision, protocol and "
                "preprocessing",
                found.remedy,
            )
        found += self._compare_sources(other, names)
        if found.unsaid:
            log.warning("not compared, since only one report says it: %s", ", ".join(found.unsaid))
        both = {row.key: row for row in self.scores}
        for row in other.scores:
            known = both.setdefault(row.key, row)
            if known != row:
                raise MismatchError(
                    f"{row.label} of {row.sample} is {known.value:.6g} {names[0]} and "
                    f"{row.value:.6g} {names[1]}",
                    "one score for each sample",
                    f"leave out the outdated report, or {NAME_THEM}",
                )
        galleries = {entry.sample: entry for entry in (*other.galleries, *self.galleries)}
        return Report(
            tuple(both.values()),
            joined_provenance(
                self.provenance,
                other.provenance,
                network=network_of_run(self.provenance, self.scores)
                or network_of_run(other.provenance, other.scores),
                networks={
                    **cards_of(other.provenance, other.scores),
                    **cards_of(self.provenance, self.scores),
                },
            ),
            {**self.influence, **other.influence},
            comparisons=joined(self.comparisons, other.comparisons),
            rank=self.rank or other.rank,
            items={**self.items, **other.items},
            galleries=tuple(galleries.values()),
        )

    def _compare_sources(self, other: "Report", names: Names) -> Findings:
        """Refuse two reports in which one name stands for different sources.

        Raises:
            MismatchError: Naming what differs.
        """
        found = Findings()
        samples = {row.sample for row in (*self.scores, *other.scores)}
        for location in self._sources.keys() & other._sources.keys():
            sides = [
                identity_of(report._sources[location], location, provenance=report.provenance)
                for report in (self, other)
            ]
            one = compare_sides(sides[0], sides[1], names)
            if one.differing:
                raise MismatchError(
                    ", ".join(one.differing),
                    "one name for one source",
                    f"{NAME_THEM}, or {one.remedy}" if location in samples else one.remedy,
                )
            found += one
        return found

    @property
    def _sources(self) -> Mapping[str, Any]:
        """The provenance of each source, by its location."""
        sources: Mapping[str, Any] = self.provenance.get("sources", {})
        return sources


def _first(texts: list[str], most: int) -> list[str]:
    """Return the first of some texts, and how many more there are."""
    more = len(texts) - most
    return [*texts[:most], *([f"and {more} more"] if more > 0 else [])]


def _count(num: int, what: str) -> str:
    """Return a number of things."""
    return f"{num} {what}" if num == 1 else f"{num} {what}s"
