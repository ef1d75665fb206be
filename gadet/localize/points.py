"""Points that a model writes, in its own format, as pixels of a view."""

from __future__ import annotations

import math

from gadet.geometry import BoxFormat

__all__ = ["decode_point"]


def decode_point(
    values: tuple[float, float], boxes: BoxFormat, width: int, height: int
) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    """Convert a point to pixels `(x, y)` of a view, and say why when it cannot be.

    Families write points as they write the corners of boxes: in the same order, on the same scale.

    Args:
        values: Two numbers in the order of the corners of `boxes`.
        boxes: How the model writes boxes.
        width: Width of the view in pixels.
        height: Height of the view in pixels.
    """
    if not all(math.isfinite(value) for value in values):
        return None, (f"point {list(values)} was dropped: it holds a number that is not finite",)
    x, y = values if boxes.order == "xyxy" else (values[1], values[0])
    if boxes.frame == "relative":
        x, y = x * width / boxes.scale, y * height / boxes.scale
    if not (0 <= x <= width and 0 <= y <= height):
        return None, (f"point {list(values)} was dropped: it lies outside the picture",)
    # The far border belongs to the last pixel: models count it as the full scale.
    return (min(x, math.nextafter(width, 0)), min(y, math.nextafter(height, 0))), ()
