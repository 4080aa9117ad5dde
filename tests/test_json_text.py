"""JSON of strangers: what JSON is, with its value; what only Python takes, refused."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganeval.machine.json_text import parse_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@settings(max_examples=50)
@given(VALUES)
def test_json_gives_its_value(value: object) -> None:
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "text",
    [
        *("NaN", "[-Infinity]", '{"a": Infinity}', "1e999", "[-1e999]", "[" * 100_000, "", "{"),
        *("9" * 5000, '{"a": 1} x', b"\xff\xfe", b"\x80"),
    ],
)
def test_anything_else_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)
