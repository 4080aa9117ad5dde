"""What stands beside the numbers of a comparison."""

from ganeval.report.notes import notes
from ganeval.scores.differences import Difference

CALLS = {"a": "A", "b": "B", "c": "C"}


def pair(sample: str, other: str, *, label: str = "kid", paired: bool, se: float | None = 1.0):
    return Difference(
        label=label,
        sample=sample,
        other=other,
        roles={},
        difference=1.0,
        values=(2.0, 1.0),
        se=se,
        method="influence" if se else "none",
        grows=False,
        paired=paired,
    )


def test_pairs_of_one_draw_are_named_unless_all_are() -> None:
    said = "item i of both comes from the same latents"
    twins, strangers = pair("a", "b", paired=True), pair("a", "c", paired=False)
    assert notes((), [twins, strangers], CALLS) == [f"paired (A - B): {said}"]
    other = pair("b", "c", paired=True)
    assert notes((), [twins, strangers, other], CALLS) == [f"paired (A - B, B - C): {said}"]
    assert notes((), [twins, other], CALLS) == [f"paired: {said}"]
    assert notes((), [strangers], CALLS) == []


def test_a_pair_is_named_once_and_a_difference_without_error_is_none() -> None:
    said = "item i of both comes from the same latents"
    twins = [pair("a", "b", label=label, paired=True) for label in ("kid", "is")]
    unknown = pair("a", "c", label="fid", paired=False, se=None)
    assert notes((), [*twins, unknown], CALLS) == [f"paired: {said}"]
    stranger = pair("a", "c", paired=False)
    assert notes((), [*twins, unknown, stranger], CALLS) == [f"paired (A - B): {said}"]
