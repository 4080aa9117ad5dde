"""The report: scores, each with all that makes it comparable, and where they came from."""

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from ganeval.errors import InputError, MismatchError, UsageError, one_line
from ganeval.influence import Influence
from ganeval.json_text import parse_json
from ganeval.registry import unknown
from ganeval.results import formats, table
from ganeval.results.differences import Difference
from ganeval.results.digits import Digits, show_column
from ganeval.results.gallery import Gallery
from ganeval.results.influence_file import (
    Key,
    beside,
    check_beside,
    load_influences,
    packed,
    scores_digest,
)
from ganeval.results.names import shorten
from ganeval.results.output import check_output, write_output
from ganeval.results.records import Provenance, check_type, read_record
from ganeval.results.row import ScoreRow

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

SCHEMA = "ganeval.report/1"
SUFFIXES = (".json", ".csv", ".md", ".tex", ".html")
_MOST_SHOWN = 5  # samples in `repr`
_NAME_SHOWN, _SCORES_SHOWN = 40, 8  # columns of a sample's name and number of its scores there
# Spellings of scores in the files of older versions.
_OLD_NAMES = {"fid_debiased": "fid-debiased", "fid_infinity": "fid-infinity"}


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """Scores and their provenance.

    `report["fid"].value` is the score of the only sample; with several samples name both:
    `report["fake/", "fid"]`.

    Attributes:
        scores: A row each.
        provenance: JSON values.
        influence: What each image adds to a score, by sample, reference and name, where known.
        comparisons: The differences between all pairs of samples, by score.
        rank: The score that orders the samples in tables, if they were compared.
        galleries: What an HTML page shows of the samples; part of no other file.
    """

    scores: tuple[ScoreRow, ...]
    provenance: Mapping[str, Any]
    influence: Mapping[Key, Influence] = field(default_factory=dict, compare=False, repr=False)
    comparisons: tuple[Difference, ...] = ()
    rank: str | None = None
    galleries: tuple[Gallery, ...] = field(default=(), compare=False, repr=False)

    def __repr__(self) -> str:
        """Return how many samples and scores there are, and a line with those of each sample."""
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

    def __getitem__(self, key: str | tuple[str, str]) -> ScoreRow:
        """Return a score by name, or by sample and name.

        Raises:
            UsageError: There is no such score, or several samples have it.
        """
        sample, name = (None, key) if isinstance(key, str) else key
        rows = [row for row in self.scores if row.name == name and sample in (None, row.sample)]
        if not rows:
            raise unknown("score", name, dict.fromkeys(row.name for row in self.scores))
        if len(rows) > 1:
            raise UsageError(
                f"{len(rows)} samples have a score '{name}'",
                "the sample's name too",
                f"use report[{rows[0].sample!r}, {name!r}]",
            )
        return rows[0]

    def frame(self) -> "pd.DataFrame":
        """Return a tidy DataFrame: one row per score, one column per field of `ScoreRow`."""
        return table.tidy(self.scores)

    def to_json(self) -> str:
        """Return the report file's text: full precision, never NaN, the same for the same run."""
        content: dict[str, Any] = {"schema": SCHEMA, "scores": self._plain()}
        if self.comparisons:
            content["rank"] = self.rank
            content["comparisons"] = [asdict(one) for one in self.comparisons]
        content["provenance"] = self.provenance
        return json.dumps(content, indent=2, ensure_ascii=True, allow_nan=False) + "\n"

    @property
    def ranked(self) -> tuple[ScoreRow, ...]:
        """The scores with the samples in the order of `rank`, best first."""
        places = {
            row.sample: row.value if row.direction == "lower" else -row.value
            for row in self.scores
            if row.name == self.rank
        }
        return tuple(sorted(self.scores, key=lambda row: places.get(row.sample, math.inf)))

    @property
    def pairs(self) -> tuple[Difference, ...]:
        """The comparisons by the score that orders the samples."""
        return tuple(one for one in self.comparisons if one.name == self.rank)

    def _plain(self) -> list[dict[str, Any]]:
        """Return the scores as JSON values."""
        return [
            asdict(row)
            | {"interval": list(row.interval) if row.interval else None, "notes": list(row.notes)}
            for row in self.scores
        ]

    def save(self, path: str | Path, *, digits: Digits = "error") -> None:
        """Write the report; the suffix chooses JSON, CSV, Markdown, LaTeX or HTML.

        JSON and CSV have full precision. The others show each value to the second digit of its
        standard error, or all digits with `digits="full"`; LaTeX needs the package booktabs.

        Beside RUN.json it leaves RUN.influence.safetensors with the influence values, if there are
        any; that file is tied to the scores, so it never serves another report.

        Raises:
            UsageError: Another suffix, a folder that does not exist, or a file of others where the
                influence values would be.
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
            text = formats.markdown(self.ranked, self.provenance, self.pairs, digits)
        elif kind == ".tex":
            text = formats.latex(self.ranked, self.provenance, self.pairs, digits)
        else:
            from ganeval.results import page  # draws, which is slow to import

            text = page.html(self.ranked, self.provenance, self.pairs, self.galleries, digits)
        contents = {path: text.encode("utf-8")}
        if kind == ".json" and self.influence:
            contents[beside(path)] = packed(self.influence, scores_digest(self._plain()))
        write_output(contents)

    def save_plots(self, folder: str | Path) -> None:
        """Write each plot of the page as `NAME.svg` and `NAME.png`; the folder is made if need be.

        Raises:
            UsageError: The folder cannot be made or written to.
            ResourceError: The disk is full.
        """
        from ganeval.results import plots  # draws, which is slow to import

        plots.save_plots(self.ranked, self.galleries, Path(folder))

    @classmethod
    def load(cls, path: str | Path) -> "Report":
        """Read a report file, and the influence values beside it if they are its own.

        Raises:
            InputError: The file is no report, or of another schema; or the influence values are
                damaged.
        """
        return read_report(Path(path), schema=SCHEMA, made_by="-o RUN.json")

    def merge(self, other: "Report") -> "Report":
        """Return both reports' scores in one, for a table across runs.

        Raises:
            MismatchError: They were made under different extractors, weights, precisions, protocols
                or preprocessing, or one score of one sample is in both with different values.
        """
        for what in ("extractor", "protocol", "precision", "weights"):
            mine, others = _condition(self, what), _condition(other, what)
            if mine != others:
                raise MismatchError(
                    f"{what} differs: {mine} and {others}",
                    "scores made under the same extractor, weights, precision and protocol",
                    "score both again with the same options",
                )
        both = {(row.sample, row.reference, row.name): row for row in self.scores}
        for row in other.scores:
            known = both.setdefault((row.sample, row.reference, row.name), row)
            if known != row:
                raise MismatchError(
                    f"{row.name} of {row.sample} is {known.value:.6g} in one and {row.value:.6g} "
                    "in the other",
                    "one score for each sample",
                    "leave out the outdated report",
                )
        sources = {**self.provenance.get("sources", {}), **other.provenance.get("sources", {})}
        galleries = {entry.sample: entry for entry in (*other.galleries, *self.galleries)}
        return Report(
            tuple(both.values()),
            {**self.provenance, "sources": sources},
            {**self.influence, **other.influence},
            galleries=tuple(galleries.values()),
        )


def read_report(path: Path, *, schema: str, made_by: str, remedy: str = "check the name") -> Report:
    """Read a file of a report's form, and the influence values beside it if they are its own.

    Args:
        path: The file.
        schema: That it must have.
        made_by: What writes such files.
        remedy: What to do if there is none.

    Raises:
        InputError: The file is of another form or schema; or the influence values are damaged.
    """

    def refuse(reason: object) -> InputError:
        kind = schema.partition("/")[0].replace(".", " ")
        return InputError(
            f"{path}: no {kind} ({reason})", f"a file with schema {schema}", "check the name"
        )

    if path.exists() and not path.is_file():  # opening a pipe would wait for ever
        raise refuse("not a regular file")
    try:
        content = parse_json(path.read_bytes())
        check_type(content, Mapping[str, Any], "it")
        if content["schema"] != schema:
            raise refuse(f"schema {content['schema']!r}")
        check_type(content["scores"], tuple[Any, ...], "scores")
        rows = tuple(_row(entry, f"score {at}") for at, entry in enumerate(content["scores"]))
        differences, rank = content.get("comparisons", []), content.get("rank")
        check_type(differences, tuple[Any, ...], "comparisons")
        pairs = tuple(
            _difference(entry, f"comparison {at}") for at, entry in enumerate(differences)
        )
        check_type(rank, str | None, "rank")
        provenance = content["provenance"]
        check_type(provenance, Mapping[str, Any], "provenance")
        for key, hint in get_type_hints(Provenance).items():
            if key in provenance:
                check_type(provenance[key], hint, f"{key} of the provenance")
        digest = scores_digest(content["scores"])
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such file", f"a file written with {made_by}", remedy
        ) from error
    except KeyError as error:
        raise refuse(f"no {error.args[0]} in it") from error
    except (OSError, ValueError) as error:
        raise refuse(error) from error
    return Report(
        rows, provenance, _influences(beside(path), digest), pairs, _OLD_NAMES.get(rank, rank)
    )


def _influences(path: Path, digest: str) -> dict[Key, Influence]:
    """Return the influence values that belong to the scores of `digest`; none if there are none."""
    try:
        influences = load_influences(path, digest)
    except FileNotFoundError:
        return {}
    if influences is None:
        log.warning("%s: belongs to other scores than the report beside it; left aside", path)
    return {
        (sample, reference, _name(name)): influence
        for (sample, reference, name), influence in (influences or {}).items()
    }


def _name(name: str) -> str:
    """Return a score's name as it is spelt now."""
    return _OLD_NAMES.get(name, name)


def _first(texts: list[str], most: int) -> list[str]:
    """Return the first of some texts, and how many more there are."""
    more = len(texts) - most
    return [*texts[:most], *([f"and {more} more"] if more > 0 else [])]


def _count(num: int, what: str) -> str:
    """Return a number of things."""
    return f"{num} {what}" if num == 1 else f"{num} {what}s"


def _condition(report: Report, what: str) -> str:
    """Return what all scores of a report have in common, as text."""
    if what in ("extractor", "protocol"):
        return ", ".join(sorted({str(getattr(row, what)) for row in report.scores}))
    return json.dumps(report.provenance.get(what), sort_keys=True)


def _row(entry: Any, name: str) -> ScoreRow:
    """Return a score from its JSON form; `name` is what messages call it.

    Raises:
        ValueError: It is none.
    """
    row = read_record(ScoreRow, entry, name)
    if row.direction not in ("lower", "higher"):
        raise ValueError(f"direction of {name} is {row.direction!r}")
    return replace(row, name=_name(row.name))


def _difference(entry: Any, name: str) -> Difference:
    """Return a difference from its JSON form; as `_row`."""
    one = read_record(Difference, entry, name)
    return replace(one, name=_name(one.name))
