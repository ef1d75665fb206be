"""Finding the adapter."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.choice import adapter_for
from gadet.media.image import ImageAdapter, ImageInput
from tests.media.pictures import as_file, colours


class Clouds:
    """A second adapter, for arrays of points."""

    modality: Any = "pointcloud"

    def accepts(self, item: Any) -> bool:
        return isinstance(item, np.ndarray)

    def load(self, item: Any, limits: Any) -> Any:
        return "a cloud"


BOTH: dict[Any, Any] = {"image": ImageAdapter(), "pointcloud": Clouds()}


IMAGES: dict[Any, Any] = {"image": ImageAdapter()}


def test_one_taker() -> None:
    assert adapter_for(as_file(colours()), IMAGES) is IMAGES["image"]
    assert adapter_for(np.zeros((5000, 3)), BOTH) is BOTH["pointcloud"]
    assert adapter_for(ImageInput(np.zeros((50, 3))), BOTH) is BOTH["image"]


def test_two_takers_need_a_choice() -> None:
    with pytest.raises(InputError, match=r"ndarray of shape \(8, 8\) and dtype uint8 can be read"):
        adapter_for(np.zeros((8, 8), np.uint8), BOTH)


def test_no_taker() -> None:
    with pytest.raises(InputError, match=r"image or pointcloud; got dict\. Accepted are"):
        adapter_for({}, BOTH)
    with pytest.raises(InputError, match=r"got 'notes\.csv', which is no file"):
        adapter_for("notes.csv", BOTH)
    with pytest.raises(InputError, match="got bytes of 3 bytes"):
        adapter_for(b"abc", BOTH)
    with pytest.raises(InputError, match="read as image; got NoneType"):
        adapter_for(None, IMAGES)


def test_only_adapter_explains_what_is_wrong() -> None:
    with pytest.raises(InputError, match="channels first"):
        adapter_for(np.zeros((3, 5, 7)), IMAGES).load(np.zeros((3, 5, 7)), LoadLimits())
    with pytest.raises(InputError, match="there is none at 'absent'"):
        adapter_for("absent", IMAGES).load("absent", LoadLimits())


ACCEPTED: list[Any] = [
    "https://example.com/a.png", "https://example.com/a.PNG?x=.csv", "http://example.com/photo",
    "data:image/png;base64,xx", "missing.jpeg", Path("missing.tif"), as_file(colours()),
    np.zeros((9, 9)), np.zeros((9, 9, 4)), np.zeros((3, 9, 9)), np.zeros((9, 3), np.uint8),
    ImageInput(None),
]  # fmt: skip
NOT_ACCEPTED: list[Any] = [
    "https://example.com/a.mp4", "https://[broken/a", "data:text/csv,1", "data:,x", "missing",
    "a.csv", "a\0b", Path("a.ply"), b"", b"abc", io.BytesIO(b"abc"), io.StringIO("abc"),
    memoryview(b"abc"), np.zeros(9), np.zeros((9, 3)), np.zeros((9, 9, 9)), np.zeros((2, 9, 9, 3)),
    np.zeros((3, 3), "O"), 3, None, [], object(),
]  # fmt: skip


@pytest.mark.parametrize("item", ACCEPTED, ids=lambda item: str(item)[:24])
def test_accepted(item: Any) -> None:
    assert ImageAdapter().accepts(item)


@pytest.mark.parametrize("item", NOT_ACCEPTED, ids=lambda item: str(item)[:24])
def test_not_accepted(item: Any) -> None:
    assert not ImageAdapter().accepts(item)


def test_content_decides_where_the_ending_does_not(tmp_path: Path) -> None:
    for name, data, expected in (
        ("scan.dat", as_file(colours()), True),
        ("scan", as_file(colours()), True),
        ("table.dat", b"1,2,3", False),
        ("empty", b"", False),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        assert ImageAdapter().accepts(path) is expected
        with path.open("rb") as file:
            assert ImageAdapter().accepts(file) is expected
    for array, expected in ((np.zeros((9, 9)), True), (np.zeros((99, 3)), False)):
        np.save(tmp_path / "a.npy", array)
        assert ImageAdapter().accepts(tmp_path / "a.npy") is expected
