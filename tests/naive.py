"""Independent slow implementations: the oracles of the fast ones."""

from __future__ import annotations

from collections.abc import Sequence


def run_lengths(rows: Sequence[Sequence[int]]) -> list[int]:
    """COCO run lengths of a mask given as rows of 0 and 1, pixel by pixel down the columns."""
    counts, value = [0], 0
    for x in range(len(rows[0])):
        for y in range(len(rows)):
            if rows[y][x] != value:
                counts.append(0)
                value = rows[y][x]
            counts[-1] += 1
    return counts


def lifted(
    mask: Sequence[Sequence[bool]],
    native: tuple[int, int],
    source: tuple[float, float, float, float],
) -> list[list[bool | None]]:
    """A view's mask in native pixels, asking for every native pixel which view pixel holds it.

    Where a native pixel's centre lies on the border of two view pixels, either is right: None.
    """
    width, height = native
    rows, columns = len(mask), len(mask[0])
    left, top, right, bottom = source
    result: list[list[bool | None]] = []
    for y in range(height):
        line: list[bool | None] = []
        for x in range(width):
            u = (x + 0.5 - left) / (right - left) * columns
            v = (y + 0.5 - top) / (bottom - top) * rows
            if min(abs(u - round(u)), abs(v - round(v))) < 1e-9:
                line.append(None)
                continue
            inside = 0 <= u < columns and 0 <= v < rows
            line.append(bool(inside and mask[int(v)][int(u)]))
        result.append(line)
    return result


def overlap(a: Sequence[float], b: Sequence[float], steps: int = 200) -> float:
    """Intersection over union of two boxes on a fine grid."""
    x0, y0 = min(a[0], b[0]), min(a[1], b[1])
    x1, y1 = max(a[2], b[2]), max(a[3], b[3])
    both = either = 0
    for i in range(steps):
        for j in range(steps):
            x, y = x0 + (i + 0.5) * (x1 - x0) / steps, y0 + (j + 0.5) * (y1 - y0) / steps
            in_a = a[0] <= x < a[2] and a[1] <= y < a[3]
            in_b = b[0] <= x < b[2] and b[1] <= y < b[3]
            both += in_a and in_b
            either += in_a or in_b
    return both / either if either else 0.0
