"""Scale bars, axes and contact sheets."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gadet.errors import ConfigurationError
from gadet.media.pointcloud.render import Camera, Scene, annotated, contact_sheet, render
from gadet.media.pointcloud.render.sheet import _INK, _round_length
from tests.media.pointcloud.render.shapes import ball


@pytest.mark.parametrize("scale", [0.0037, 1.0, 77.0, 512.0, 1e6])
def test_the_bar_has_a_round_length_and_its_true_size(scale: float) -> None:
    length, pixels = _round_length(Camera(np.eye(3), np.zeros(3), scale), 512)
    assert pixels == round(length * scale)
    assert 40 <= pixels <= 103
    digits = f"{length:e}".split("e")[0]
    assert float(digits) in (1.0, 2.0, 5.0)


def test_the_bar_is_drawn_as_long_as_it_says() -> None:
    scene = Scene.of(ball(300))
    camera = Camera(np.eye(3), np.zeros(3), 100.0)
    plain, drawn = (
        np.asarray(picture)
        for picture in (
            render(scene, camera).picture(),
            annotated(render(scene, camera), units="mm"),
        )
    )
    _, pixels = _round_length(camera, 512)
    letter = 512 // 36
    bar = (drawn[512 - letter] == _INK).all(axis=1)
    assert np.ptp(np.flatnonzero(bar)) in range(pixels - 1, pixels + 4)
    changed = (plain != drawn).any(axis=2)
    assert changed[-100:, -100:].any()
    assert changed[-60:, :120].any()
    assert not changed[:400].any()


def test_a_tiny_picture_stays_free() -> None:
    rendering = render(Scene.of(ball(300)), Camera(np.eye(3), np.zeros(3), 20.0, 64, 64))
    assert np.array_equal(np.asarray(annotated(rendering)), rendering.pictures["shaded"])


@pytest.mark.parametrize(("count", "columns", "size"), [(5, None, (3, 2)), (2, 1, (1, 2))])
def test_a_sheet_holds_every_picture_once(
    count: int, columns: int | None, size: tuple[int, int]
) -> None:
    pictures = [Image.new("RGB", (40, 30), (10 * n + 20, 0, 0)) for n in range(count)]
    sheet = contact_sheet(pictures, [f"view {n}" for n in range(count)], columns=columns)
    assert sheet.width == size[0] * 48 + 8
    pixels = np.asarray(sheet)
    for n in range(count):
        assert np.count_nonzero((pixels == (10 * n + 20, 0, 0)).all(axis=2)) == 40 * 30
    assert contact_sheet(pictures).height < sheet.height or columns


def test_sheets_that_do_not_add_up_are_refused() -> None:
    picture = Image.new("RGB", (10, 10))
    for pictures, captions, columns in (
        ([], (), None),
        ([picture], ("a", "b"), None),
        ([picture], (), 0),
    ):
        with pytest.raises(ConfigurationError, match="expected"):
            contact_sheet(pictures, captions, columns=columns)
