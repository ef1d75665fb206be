"""Enlarged parts: exact ways back, within what the model takes, and only where they show more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet import Box, ViewLimits
from gadet.media.zoom import LARGEST, enlarged


def spotted(width: int, height: int, x: int, y: int, side: int = 6) -> np.ndarray:
    pixels = np.full((height, width, 3), 90, np.uint8)
    pixels[y : y + side, x : x + side] = (10, 250, 10)
    return pixels


def green(picture: np.ndarray) -> Box:
    rows, columns = np.nonzero(picture[..., 1].astype(int) - picture[..., 0] > 120)
    return Box.of(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(80, 900),
    height=st.integers(80, 900),
    place=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    longest=st.integers(128, 1024),
)
def test_what_is_seen_lies_where_the_frame_says(
    width: int, height: int, place: tuple[float, float], longest: int
) -> None:
    x, y = int(place[0] * (width - 6)), int(place[1] * (height - 6))
    limits = ViewLimits(max_side=longest)
    view = enlarged(
        spotted(width, height, x, y), Box.of(x, y, x + 6, y + 6), limits, encoding="image/png"
    )
    if view is None:
        return
    part = view.frame.to_view(Box.of(x, y, x + 6, y + 6))
    left = np.asarray(view.picture)[:, : max(int(part.x1) + 3, 8)]
    seen = green(left)
    assert np.allclose(seen.as_tuple(), part.as_tuple(), atol=2.0)
    assert max(view.picture.size) <= longest
    assert view.kind == "zoom"


def test_the_place_is_shown_larger_with_its_surroundings() -> None:
    box = Box.of(400, 300, 420, 312)
    view = enlarged(spotted(1200, 900, 404, 303), box, ViewLimits(), encoding="image/jpeg")
    assert view is not None
    shown = view.frame.to_view(box)
    assert shown.width > 5 * box.width
    assert shown.width < view.picture.width / 2
    assert max(view.picture.size) <= LARGEST * 1.3
    assert view.encoding == "image/jpeg"


def test_a_long_and_thin_place_is_no_thin_strip() -> None:
    view = enlarged(
        spotted(3000, 2000, 500, 900),
        Box.of(400, 900, 800, 904),
        ViewLimits(),
        encoding="image/png",
    )
    assert view is not None
    assert view.picture.width < 4.5 * view.picture.height


@pytest.mark.parametrize("box", [Box.of(0, 0, 90, 90), Box.of(2, 2, 60, 60)])
def test_what_shows_nothing_new_is_not_made(box: Box) -> None:
    small = spotted(90, 90, 40, 40)
    limits = ViewLimits(max_side=90)
    assert enlarged(small, box, limits, encoding="image/png") is None


def test_a_place_at_the_corner_stays_inside() -> None:
    view = enlarged(
        spotted(640, 480, 634, 474), Box.of(634, 474, 640, 480), ViewLimits(), encoding="image/png"
    )
    assert view is not None
    assert view.frame.source.y1 == pytest.approx(480)
