"""Braces stand for the names that WebDataset's own expansion gives."""

import braceexpand
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeval.sources.braces import expand_braces

NUMBERS = st.integers(0, 120).flatmap(
    lambda number: st.sampled_from([str(number), f"{number:03}", f"{number:02}"])
)
PARTS = st.one_of(
    st.sampled_from(["s3://bucket/faces-", ".tar", "x", ","]),
    st.builds("{{{}..{}}}".format, NUMBERS, NUMBERS),
    st.lists(st.sampled_from(["train", "test", "", "a1"]), min_size=2, max_size=3).map(
        lambda names: "{" + ",".join(names) + "}"
    ),
)


@given(parts=st.lists(PARTS, max_size=4).filter(lambda p: sum("{" in t for t in p) < 3))
def test_as_webdataset_does(parts: list[str]) -> None:
    text = "".join(parts)
    assert expand_braces(text) == list(braceexpand.braceexpand(text))


@pytest.mark.parametrize("text", ["faces.tar", "{}", "{a}", "{0..}", "a{b", "{0..1", "{a..b..c}"])
def test_other_braces_stay(text: str) -> None:
    assert expand_braces(text) == [text]
