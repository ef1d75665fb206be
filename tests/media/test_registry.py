"""Finding the adapter."""

from __future__ import annotations

import io
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gadet.errors import ConfigurationError, InputError
from gadet.media import registry
from gadet.media.image import ImageAdapter, ImageInput
from gadet.media.registry import adapter_for, adapters, load, register
from tests.media.pictures import as_file, colours


class Clouds:
    """A second adapter, for arrays of points."""

    modality: Any = "pointcloud"

    def accepts(self, item: Any) -> bool:
        return isinstance(item, np.ndarray)

    def load(self, item: Any, limits: Any) -> Any:
        return "a cloud"


BOTH: dict[Any, Any] = {"image": ImageAdapter(), "pointcloud": Clouds()}


def test_built_in() -> None:
    assert list(adapters()) == ["image"]
    assert load(colours()).info.modality == "image"
    assert adapter_for(as_file(colours())) is adapters()["image"]


def test_dict_cannot_be_changed_from_outside() -> None:
    adapters().clear()
    assert "image" in adapters()


def test_one_taker() -> None:
    assert adapter_for(np.zeros((5000, 3)), BOTH) is BOTH["pointcloud"]
    assert adapter_for(ImageInput(np.zeros((50, 3))), BOTH) is BOTH["image"]


def test_two_takers_need_a_choice() -> None:
    with pytest.raises(InputError, match=r"ndarray of shape \(8, 8\) and dtype uint8 can be read"):
        adapter_for(np.zeros((8, 8), np.uint8), BOTH)
    assert load(np.zeros((8, 8)), None, BOTH, modality="pointcloud") == "a cloud"


def test_no_taker() -> None:
    with pytest.raises(InputError, match=r"image or pointcloud; got dict\. Accepted are"):
        adapter_for({}, BOTH)
    with pytest.raises(InputError, match=r"got 'notes\.csv', which is no file"):
        adapter_for("notes.csv", BOTH)
    with pytest.raises(InputError, match="got bytes of 3 bytes"):
        adapter_for(b"abc", BOTH)
    with pytest.raises(InputError, match="read as image; got NoneType"):
        load(None)


def test_only_adapter_explains_what_is_wrong() -> None:
    with pytest.raises(InputError, match="channels first"):
        load(np.zeros((3, 5, 7)))
    with pytest.raises(InputError, match="there is none at 'absent'"):
        load("absent")


def test_unknown_modality() -> None:
    with pytest.raises(ConfigurationError, match="one of image; got 'smell'"):
        adapter_for(b"", modality="smell")  # type: ignore[arg-type]


def test_duplicate_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"ImageAdapter beside gadet\.media\.image"):
        register(ImageAdapter())


def points(*values: str) -> Any:
    return lambda group: [EntryPoint(value.split(":")[1], value, group) for value in values]


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    registry._load_plugins.cache_clear()
    yield
    registry._load_plugins.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "entry_points", points(f"{__name__}:Clouds"))
    assert isinstance(adapters()["pointcloud"], Clouds)


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    "value", ["nowhere.at.all:Missing", f"{ImageAdapter.__module__}:ImageAdapter"]
)
def test_broken_plugin_is_named_and_left_out(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setattr(registry, "entry_points", points(value))
    with pytest.warns(RuntimeWarning, match=f"from '{value}' was left out"):
        assert list(adapters()) == ["image"]


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
