"""The clusters of items by their names."""

import numpy as np
import pytest

from ganeval.images.picture import DecodePolicy
from ganeval.sources.arrays.memory import Images, images_source
from ganeval.sources.base import Source
from ganeval.sources.clusters import cluster_names


class Named:
    """A source of which only the names are looked at."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def __len__(self) -> int:
        return len(self._names)

    def names(self) -> tuple[str, ...]:
        return self._names


def cluster(name: str, by: str) -> str:
    found = cluster_names(Named(name, "x"), by)  # type: ignore[arg-type]
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    ("name", "prefix", "folder"),
    [
        ("img12_crop3.png", "img12", ""),
        ("img12_crop4.png", "img12", ""),
        ("video7-frame0012.png", "video7", ""),
        ("scene.12.jpg", "scene", ""),
        ("a_b-c.d.webp", "a_b-c", ""),
        ("img12.png", "img12", ""),  # with its crops
        ("0001.png", "0001", ""),
        ("_1.png", "_1", ""),  # nothing stands before the part
        ("img12_.png", "img12_", ""),
        ("cat/img12_crop3.png", "cat/img12", "cat"),
        ("cat_1/0001.png", "cat_1/0001", "cat_1"),
        ("a/b/img-1.png", "a/b/img", "a/b"),
        ("noending", "noending", ""),
    ],
)
def test_the_cluster_of_a_name(name: str, prefix: str, folder: str) -> None:
    assert cluster(name, "name-prefix") == prefix
    assert cluster(name, "folder") == folder


def test_one_picture_in_two_folders_is_two() -> None:
    assert cluster("cat/1_a.png", "name-prefix") != cluster("dog/1_a.png", "name-prefix")


def test_numbers_are_no_names() -> None:
    pixels = np.zeros((3, 8, 8, 3), np.uint8)
    source: Source = images_source(Images(pixels), policy=DecodePolicy())
    assert cluster_names(source, "name-prefix") is None
    assert cluster_names(source, "folder") is None
    assert cluster_names(Named("0", "1"), "folder") is None  # type: ignore[arg-type]
    assert cluster_names(Named("0.png", "1.png"), "folder") == ("", "")  # type: ignore[arg-type]
