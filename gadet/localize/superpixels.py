"""Superpixels: a picture cut into small even pieces whose borders follow its own.

One implementation in numpy, so that the same picture gives the same pieces whatever is installed.

Source: Achanta et al., *SLIC Superpixels*, https://doi.org/10.1109/TPAMI.2012.120. We depart from
it in that stray pixels are not joined to a neighbour: what uses the pieces keeps whole regions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gadet.experts.filters import box_mean
from gadet.experts.lab import lab

__all__ = ["Pieces", "cut", "features_of"]

IntArray = npt.NDArray[np.intp]
Features = npt.NDArray[np.float32]

ROUNDS = 4
COMPACT = 9.0
"""Colour difference (L*a*b*) that weighs as much as the distance between two seeds."""
GRAIN = 2
"""Radius in pixels over which roughness is measured."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """A picture cut into pieces.

    Attributes:
        labels: `(H, W)` int, the piece of each pixel, from 0 without gaps.
        sizes: `(N,)` float64, pixels of each piece.
        means: `(N, C)` float64, the mean features of each piece.
        links: `(M, 2)` int, neighbouring pieces, each pair once, the lower number first.
        borders: `(M,)` float64, how many pixel edges a pair shares.
    """

    labels: IntArray = field(repr=False)
    sizes: npt.NDArray[np.float64] = field(repr=False)
    means: npt.NDArray[np.float64] = field(repr=False)
    links: IntArray = field(repr=False)
    borders: npt.NDArray[np.float64] = field(repr=False)

    def mean_of(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """The mean of an array `(H, W)` in each piece, `(N,)`."""
        total = np.bincount(self.labels.ravel(), values.ravel().astype(np.float64), len(self.sizes))
        return np.asarray(total / self.sizes)


def features_of(pixels: npt.NDArray[np.uint8]) -> Features:
    """What pieces are told apart by: L*, a*, b* and roughness, `(H, W, 4)` float32.

    Roughness is the standard deviation of L* nearby, since a region may differ from its
    surroundings by texture alone.

    Args:
        pixels: `(H, W, 3)` uint8 RGB.
    """
    colours = lab(pixels)
    light = np.ascontiguousarray(colours[..., 0], dtype=np.float32)
    mean = box_mean(light, GRAIN)
    spread = np.sqrt(np.maximum(box_mean(light * light, GRAIN) - mean * mean, 0))
    return np.dstack((colours, spread)).astype(np.float32)


def cut(features: Features, side: int) -> Pieces:
    """Cut a picture into pieces of about `side` × `side` pixels.

    Args:
        features: `(H, W, C)` float32, as `features_of` gives them.
        side: Distance between the seeds in pixels, at least 1.
    """
    height, width, channels = features.shape
    rows, columns = max(1, round(height / side)), max(1, round(width / side))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    home_row = np.minimum((y * (rows / height)).astype(np.intp), rows - 1)
    home_column = np.minimum((x * (columns / width)).astype(np.intp), columns - 1)
    labels = home_row * columns + home_column
    # Distances in space and colour are joined by making both coordinates of one feature space.
    scale = np.float32(COMPACT / side)
    space = np.dstack((features, y * scale, x * scale)).reshape(-1, channels + 2)
    for _ in range(ROUNDS):
        centres = _means(labels.ravel(), space, rows * columns).astype(np.float32)
        nearest = np.full(height * width, np.inf, dtype=np.float32)
        found = np.zeros(height * width, dtype=np.intp)
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                row, column = home_row + down, home_column + across
                row = np.clip(row, 0, rows - 1)
                column = np.clip(column, 0, columns - 1)
                name = (row * columns + column).ravel()
                gap = space - centres[name]
                distance = np.einsum("ij,ij->i", gap, gap)
                closer = distance < nearest
                nearest[closer] = distance[closer]
                found[closer] = name[closer]
        labels = found.reshape(height, width)
    _, flat = np.unique(labels.ravel(), return_inverse=True)
    return pieces_of(flat.reshape(height, width), features)


def pieces_of(labels: IntArray, features: Features) -> Pieces:
    """Measure the pieces that `labels` `(H, W)` name from 0 without gaps."""
    count = int(labels.max()) + 1
    sizes = np.bincount(labels.ravel(), minlength=count).astype(np.float64)
    means = _means(labels.ravel(), features.reshape(-1, features.shape[2]), count)
    pairs = np.concatenate(
        [
            np.stack((labels[:, 1:].ravel(), labels[:, :-1].ravel()), axis=1),
            np.stack((labels[1:].ravel(), labels[:-1].ravel()), axis=1),
        ]
    )
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    codes, borders = np.unique(pairs.min(axis=1) * count + pairs.max(axis=1), return_counts=True)
    links = np.stack((codes // count, codes % count), axis=1)
    return Pieces(labels, sizes, means, links, borders.astype(np.float64))


def _means(labels: IntArray, values: Features, count: int) -> npt.NDArray[np.float64]:
    sizes = np.maximum(np.bincount(labels, minlength=count), 1)
    columns = [np.bincount(labels, column, count) / sizes for column in values.T]
    return np.stack(columns, axis=1)
