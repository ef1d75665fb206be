"""Lays a reference over a picture of the same scene, and says whether it is the same scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gadet.experts.filters import FloatArray, gaussian, resize, warp

__all__ = ["Registration", "correlation", "likeness", "phase_shift", "register"]

IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
COARSE = 128
"""Longest side in pixels of the level where the search starts."""
FINE = 320
"""Longest side in pixels of the level where it ends; a tenth of a pixel there is plenty."""
STEPS = 12
"""Most Gauss-Newton steps on a level; they stop by themselves when the motion is below 0.02 px."""
ODD = 0.05
"""Share of the pixels that may belong to a defect, and are left out of the likeness."""
LEAST_SIDE = 12
"""Pictures that are narrower than this on a level are not moved there."""
LARGEST_CHANGE = 0.12
"""Largest departure of the linear part from the identity: about 7 degrees, or 12 % of scale."""
LARGEST_SHIFT = 0.2
"""Largest shift as a share of the picture's side."""
GAIN_NEEDED = 0.01
"""A motion is kept only when it lowers the mean difference by this share."""


@dataclass(frozen=True, eq=False)
class Registration:
    """How a reference lies under a picture.

    Attributes:
        matrix: `(2, 3)` float64; pixel `(x, y)` of the picture is `matrix @ (x, y, 1)` of the
            reference, both in pixels of the size they were given in.
        similarity: `likeness` of the two after registration, in [-1, 1].
        moved: Whether the motion was kept; otherwise the matrix is the identity.
    """

    matrix: npt.NDArray[np.float64]
    similarity: float
    moved: bool


def correlation(
    first: FloatArray, second: FloatArray, where: npt.NDArray[np.bool_] | None = None
) -> float:
    """Zero-mean normalised correlation of two pictures `(H, W)`, 0 if one is constant."""
    a = (first if where is None else first[where]).astype(np.float64).ravel()
    b = (second if where is None else second[where]).astype(np.float64).ravel()
    if a.size < 2:
        return 0.0
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm > 1e-6 * a.size else 0.0


def likeness(
    first: FloatArray, second: FloatArray, where: npt.NDArray[np.bool_] | None = None
) -> float:
    """Correlation without the 5 % of the pixels that fit worst, so that a defect does not count.

    Both pictures are `(H, W)`; brightness and contrast are matched first. In [-1, 1].
    """
    a = (first if where is None else first[where]).astype(np.float64).ravel()
    b = (second if where is None else second[where]).astype(np.float64).ravel()
    if a.size < 2:
        return 0.0
    keep = np.ones(a.size, dtype=bool)
    for _ in range(3):
        x, y = b[keep], a[keep]
        spread = float(((x - x.mean()) ** 2).mean())
        gain = float(((x - x.mean()) * (y - y.mean())).mean()) / max(spread, 1e-9)
        gain = min(max(gain, 0.5), 2.0)
        misfit = np.abs(a - y.mean() - gain * (b - x.mean()))
        keep = misfit <= np.quantile(misfit, 1 - ODD)
    return correlation(a[keep].astype(np.float32), b[keep].astype(np.float32))


def phase_shift(first: FloatArray, second: FloatArray) -> tuple[int, int]:
    """The whole-pixel shift `(dx, dy)` for which `second(x + dx, y + dy)` matches `first(x, y)`.

    Both `(H, W)`; the borders are tapered so that they do not dominate the spectrum.

    Source: Kuglin and Hines, "The phase correlation image alignment method", 1975.
    """
    height, width = first.shape
    taper = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    a = np.fft.rfft2((first - first.mean()) * taper)
    b = np.fft.rfft2((second - second.mean()) * taper)
    cross = np.conj(a) * b
    surface = np.fft.irfft2(cross / (np.abs(cross) + 1e-9), s=(height, width))
    dy, dx = np.unravel_index(int(np.argmax(surface)), surface.shape)
    return (
        int(dx) - (width if dx > width // 2 else 0),
        int(dy) - (height if dy > height // 2 else 0),
    )


def _difference(first: FloatArray, second: FloatArray, matrix: npt.NDArray[np.float64]) -> float:
    """Mean absolute difference where both show something, after matching brightness."""
    moved, inside = warp(second, matrix, first.shape[:2])
    if np.count_nonzero(inside) < 0.5 * inside.size:
        return float("inf")
    gap = first[inside] - moved[inside]
    return float(np.mean(np.abs(gap - np.median(gap))))


def _refine(
    first: FloatArray, second: FloatArray, matrix: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Gauss-Newton on the six affine parameters with gain and offset, robust against defects.

    Source: Baker and Matthews, "Lucas-Kanade 20 years on", IJCV 2004,
    doi:10.1023/B:VISI.0000011205.11775.fd
    """
    height, width = first.shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    cx, cy, unit = (width - 1) / 2, (height - 1) / 2, max(width, height) / 2
    u, v = ((xs - cx) / unit).ravel(), ((ys - cy) / unit).ravel()
    gy, gx = np.gradient(second)
    stack = np.stack((second, gx.astype(np.float32), gy.astype(np.float32)), axis=-1)
    for _ in range(STEPS):
        sampled, inside = warp(stack, matrix, first.shape)
        keep = inside.ravel()
        value, dx, dy = (sampled[..., i].ravel() for i in range(3))
        # Unknowns: the motion of x and of y as affine functions of (u, v), gain and offset.
        columns = (dx, dx * u, dx * v, dy, dy * u, dy * v, value, np.ones_like(value))
        jacobian = np.stack(columns, axis=1)
        residual = first.ravel() - value
        centred = np.abs(residual - np.median(residual[keep])) if keep.any() else residual
        scale = max(1.4826 * float(np.median(centred[keep])), 1.0) if keep.any() else 1.0
        # Cauchy weights: a defect is a large residual, and must not drag the motion along.
        weight = np.where(keep, 1.0 / (1.0 + (centred / (2.4 * scale)) ** 2), 0.0)
        weighted = jacobian * weight[:, None].astype(np.float32)
        normal = (weighted.T @ jacobian).astype(np.float64)
        ridge = 1e-6 * np.trace(normal) / 8 + 1e-9
        step = np.linalg.solve(normal + ridge * np.eye(8), (weighted.T @ residual).astype(float))
        (p0, p1, p2, q0, q1, q2) = step[:6]
        delta = np.array([[p1 / unit, p2 / unit, p0], [q1 / unit, q2 / unit, q0]])
        delta[:, 2] -= delta[:, :2] @ (cx, cy)
        matrix = matrix + delta
        if max(abs(p0) + abs(p1) + abs(p2), abs(q0) + abs(q1) + abs(q2)) < 0.02:
            break
    return matrix


def _plausible(matrix: npt.NDArray[np.float64], shape: tuple[int, ...]) -> bool:
    """Whether the motion is one that a fixture or a hand-held camera makes."""
    centre = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2, 1.0])
    shift = np.abs(matrix @ centre - centre[:2])
    limits = LARGEST_SHIFT * np.array([shape[1], shape[0]])
    change = float(np.abs(matrix[:, :2] - np.eye(2)).max())
    return bool(np.isfinite(matrix).all() and change <= LARGEST_CHANGE and (shift <= limits).all())


def _rescaled(matrix: npt.NDArray[np.float64], factor: float) -> npt.NDArray[np.float64]:
    """The same motion in a picture `factor` times as large (pixel centres at half pixels)."""
    out = matrix.copy()
    half = np.array([0.5, 0.5])
    linear = matrix[:, :2] @ half
    out[:, 2] = factor * (matrix[:, 2] + half - linear) - half + linear
    return out


def _level(image: FloatArray, longest: int) -> tuple[FloatArray, float]:
    """A smoothed copy whose longest side is at most `longest`, and its scale."""
    scale = min(1.0, longest / max(image.shape))
    shape = (max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale)))
    return gaussian(resize(image, shape), 1.0), scale


def _search(
    a: FloatArray, b: FloatArray, starts: list[npt.NDArray[np.float64]]
) -> npt.NDArray[np.float64]:
    """The best of some motions and of the refinement of the best one among them."""
    options = [one for one in starts if _plausible(one, a.shape)] or [IDENTITY]
    losses = [_difference(a, b, one) for one in options]
    best = int(np.argmin(losses))
    refined = _refine(a, b, options[best])
    better = _plausible(refined, a.shape) and _difference(a, b, refined) < losses[best]
    return refined if better else options[best]


def register(picture: FloatArray, reference: FloatArray, promising: float = -1.0) -> Registration:
    """Find the affine motion that lays `reference` under `picture`.

    The search runs from a whole-pixel shift on a small copy to a robust affine fit on a larger one.
    Its result is kept only if it lowers the difference.

    Args:
        picture: Luminance `(H, W)` float32 in levels.
        reference: Another of the same shape.
        promising: The likeness that the small copies must reach for the search to go on.
    """
    a, scale = _level(picture, COARSE)
    b, _ = _level(reference, COARSE)
    coarse = IDENTITY
    if min(a.shape) >= LEAST_SIDE:
        dx, dy = phase_shift(a, b)
        coarse = _search(a, b, [IDENTITY, np.array([[1.0, 0.0, dx], [0.0, 1.0, dy]])])
        laid, inside = warp(b, coarse, a.shape)
        found = likeness(a, laid, inside)
        if found < promising:
            return Registration(IDENTITY.copy(), found, False)
    native = _rescaled(coarse, 1 / scale)
    a, scale = _level(picture, FINE)
    b, _ = _level(reference, FINE)
    small = _rescaled(native, scale)
    if min(a.shape) >= LEAST_SIDE:
        small = _search(a, b, [small])
    moved = _difference(a, b, small) < (1 - GAIN_NEEDED) * _difference(a, b, IDENTITY)
    if not moved:
        small = IDENTITY
    laid, inside = warp(b, small, a.shape)
    return Registration(_rescaled(small, 1 / scale), likeness(a, laid, inside), moved)
