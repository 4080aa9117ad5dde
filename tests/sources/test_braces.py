"""Braces stand for the names that WebDataset's own expansion gives, and none is an error."""

import pytest

from ganeval.sources.braces import expand_braces


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("s3://x/{8..11}.tar", ["s3://x/8.tar", "s3://x/9.tar", "s3://x/10.tar", "s3://x/11.tar"]),
        ("{008..10}", ["008", "009", "010"]),
        ("{2..0}", ["2", "1", "0"]),
        ("{train,}-{0..1}.tar", ["train-0.tar", "train-1.tar", "-0.tar", "-1.tar"]),
        ("x{{0..1},b}", ["x0", "x1", "xb"]),
        ("C:\\x\\{0..1}.tar", ["C:\\x\\0.tar", "C:\\x\\1.tar"]),
    ],
)
def test_as_webdataset_does(text: str, names: list[str]) -> None:
    assert expand_braces(text) == names


@pytest.mark.parametrize(
    "text", ["faces.tar", "", "{}", "{a}", "{0..}", "a{b", "{0..1", "a}", "{a..b..c}", "a\\"]
)
def test_other_texts_stay(text: str) -> None:
    assert expand_braces(text) == [text]
