"""The plane that a part lies on: found in a scan, so that it can be left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError

__all__ = ["Plane", "background"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

TRIES = 300
LEAST_SHARE = 0.25
_SAMPLE = 4000
_SLAB = 0.004  # of the diagonal: how far points of the plane lie from it, before it is measured
_BEYOND = 0.05  # of its own extent, by which a ground reaches farther than what lies on it
_SIDES = 3


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane, and how thick it is measured to be.

    Attributes:
        normal: float64 `(3,)` of length 1, towards the side where the rest of the cloud lies.
        offset: `normal @ point` of its points, in the cloud's units.
        thickness: The distance within which its points lie.
    """

    normal: Floats
    offset: float
    thickness: float

    def height(self, points: npt.NDArray[np.floating]) -> Floats:
        """How far points `(N, 3)` lie above it, `(N,)`, negative below."""
        return np.asarray(np.asarray(points, np.float64) @ self.normal - self.offset)

    def holds(self, points: npt.NDArray[np.floating]) -> Bools:
        """Which points `(N, 3)` belong to it, `(N,)`."""
        return np.abs(self.height(points)) <= self.thickness


def background(points: npt.NDArray[np.floating], *, seed: int = 0) -> Plane | None:
    """Find the ground or wall behind what was scanned; None where there is none.

    The plane through three random points that holds most others is fitted by least squares. It is a
    background when a quarter of the points lie on it, nearly all others on one side of it, and it
    reaches beyond them on three sides at least: the flat side of a part does not.

    Args:
        points: `(N, 3)` finite.
        seed: Of the random triples.

    Raises:
        InputError: The points are not `(N, 3)`.

    Source: Fischler and Bolles, Random Sample Consensus, https://doi.org/10.1145/358669.358692
    """
    given = np.asarray(points, np.float64)
    if given.ndim != 2 or given.shape[1] != 3:
        raise InputError(f"expected points of shape (N, 3); got {given.shape}")
    if len(given) < 4:
        return None
    middle = given.mean(axis=0)
    local = given - middle
    diagonal = float(np.linalg.norm(np.ptp(local, axis=0)))
    rng = np.random.default_rng(seed)
    some = local[rng.integers(0, len(local), min(_SAMPLE, len(local)))]
    slab = _SLAB * diagonal
    normal = _best(some, slab, rng)
    if normal is None:
        return None
    way, offset = normal
    for _ in range(3):
        held = local[np.abs(local @ way - offset) <= slab]
        if len(held) < 3:
            return None
        centre = held.mean(axis=0)
        way = np.linalg.eigh((held - centre).T @ (held - centre))[1][:, 0]
        offset = float(way @ centre)
    height = local @ way - offset
    spread = 1.4826 * float(np.median(np.abs(height[np.abs(height) <= slab])))
    thickness = min(max(3.5 * spread, 1e-6 * diagonal), slab)
    on = np.abs(height) <= thickness
    above, below = int((height > thickness).sum()), int((height < -thickness).sum())
    if on.mean() < LEAST_SHARE or above + below == 0 or min(above, below) > 0.05 * (above + below):
        return None
    if below > above:
        way, offset, height = -way, -offset, -height
    if not _reaches_beyond(local[on], local[height > thickness], way):
        return None
    return Plane(way, offset + float(way @ middle), thickness)


def _best(some: Floats, slab: float, rng: np.random.Generator) -> tuple[Floats, float] | None:
    """The plane through three of the points that holds most of them."""
    corners = some[rng.integers(0, len(some), (TRIES, 3))]
    ways = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(ways, axis=1)
    fine = length > 0
    if not fine.any():
        return None
    ways, start = ways[fine] / length[fine, None], corners[fine, 0]
    offsets = (ways * start).sum(axis=1)
    held = [
        int((np.abs(some @ way - at) <= slab).sum()) for way, at in zip(ways, offsets, strict=True)
    ]
    best = int(np.argmax(held))
    return ways[best], float(offsets[best])


def _reaches_beyond(on: Floats, rest: Floats, way: Floats) -> bool:
    """Whether the plane's points reach farther than the rest, seen along its normal."""
    across = np.linalg.svd(way[None])[2][1:]
    (low, high), (inner_low, inner_high) = (
        np.quantile(part @ across.T, (0.005, 0.995), axis=0) for part in (on, rest)
    )
    margin = _BEYOND * (high - low)
    return int((inner_low >= low + margin).sum() + (inner_high <= high - margin).sum()) >= _SIDES
