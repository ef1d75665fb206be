"""A rough place made exact: pieces of the picture decide together whether they belong to it.

Each piece has an opinion, from where it lies in the rough place and from whether its colour is
found inside rather than outside; neighbours that look alike are drawn to one decision. That is the
random walker with priors, a single linear system over a few hundred pieces. It needs no sharp
border, so it serves polyps and lesions as well as holes and scratches.

Source: Grady, *Multilabel Random Walker Image Segmentation Using Prior Models*,
https://doi.org/10.1109/CVPR.2005.239. The pieces in place of pixels, and the opinion by colour,
are our own.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gadet.localize.superpixels import Pieces, cut, features_of

__all__ = ["walk"]

FloatArray = npt.NDArray[np.float64]

SIDE = 4
"""Side of a piece in pixels of the window."""
LENIENCE = 0.5
"""How much two neighbours of equal looks count, against the opinion of a piece."""
ROUNDS = 2
FEATURE_WEIGHTS = np.array([1.0, 1.5, 1.5, 1.0])
SURE = 0.02
"""No opinion is surer than this of either side."""


def walk(pixels: npt.NDArray[np.uint8], belief: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How likely each pixel of a window belongs to the place, `(H, W)` float32 in [0, 1].

    Args:
        pixels: `(H, W, 3)` uint8 RGB, the place with some of its surroundings.
        belief: `(H, W)` in [0, 1], what was believed before looking at the picture.
    """
    pieces = cut(features_of(pixels), SIDE)
    prior = np.clip(pieces.mean_of(belief), SURE, 1 - SURE)
    looks = pieces.means * FEATURE_WEIGHTS
    springs = _springs(pieces, looks)
    alike = _alike(looks)
    decided = prior
    for _ in range(ROUNDS):
        inside = alike @ (decided * pieces.sizes)
        outside = alike @ ((1 - decided) * pieces.sizes)
        inside /= max(float(inside @ pieces.sizes), 1e-12)
        outside /= max(float(outside @ pieces.sizes), 1e-12)
        colour = np.clip(inside / (inside + outside + 1e-12), SURE, 1 - SURE)
        opinion = 1 / (1 + np.exp(-(_logit(prior) + _logit(colour))))
        decided = np.clip(_settled(springs, opinion), SURE, 1 - SURE)
    return decided[pieces.labels].astype(np.float32)


def _logit(share: FloatArray) -> FloatArray:
    return np.asarray(np.log(share / (1 - share)))


def _alike(looks: FloatArray) -> FloatArray:
    """How alike every two pieces look, `(N, N)` in [0, 1], on the scale of their own spread."""
    scale = 2.0 + 0.35 * float(np.sqrt(looks.var(axis=0).sum()))
    squares = np.square(looks).sum(axis=1)
    gaps = np.maximum(squares[:, None] + squares[None] - 2 * looks @ looks.T, 0)
    return np.asarray(np.exp(-gaps / (2 * scale**2)))


def _springs(pieces: Pieces, looks: FloatArray) -> FloatArray:
    """The graph's Laplacian `(N, N)`: neighbours pull the more, the more alike they look."""
    count = len(pieces.sizes)
    matrix = np.zeros((count, count))
    if len(pieces.links) == 0:
        return matrix
    a, b = pieces.links.T
    gaps = np.square(looks[a] - looks[b]).sum(axis=1)
    pull = np.exp(-gaps / (2 * max(float(np.median(gaps)), 1.0))) * pieces.borders / SIDE
    matrix[a, b] = matrix[b, a] = -LENIENCE * pull
    matrix[np.diag_indices(count)] = -matrix.sum(axis=1)
    return matrix


def _settled(springs: FloatArray, opinion: FloatArray) -> FloatArray:
    """Where the pieces come to rest between their opinion and their neighbours."""
    matrix = springs.copy()
    matrix[np.diag_indices(len(opinion))] += 1.0
    return np.asarray(np.linalg.solve(matrix, opinion))
