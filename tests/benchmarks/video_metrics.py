"""Metrics of anomaly detection in videos, of frames, pixels and events.

Scores are higher for more anomalous; labels are bool.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["auroc", "average_precision", "frame_figures", "overlap", "per_region", "smooth"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FALSE_POSITIVES = 0.3
"""Share of normal pixels up to which the overlap per region is integrated."""
LEVELS = 300
"""Thresholds at which it is taken."""


def auroc(labels: Bools, scores: npt.ArrayLike) -> float:
    """Area under the ROC curve, ties counted half: the share of pairs in the right order."""
    values = np.asarray(scores, dtype=np.float64)
    _, at, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[at]
    positives = int(labels.sum())
    negatives = labels.size - positives
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(labels: Bools, scores: npt.ArrayLike) -> float:
    """Mean precision over recall; equal scores stand at one threshold."""
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    last = np.append(np.diff(values[order]) != 0, True)
    hits = np.cumsum(labels[order])[last]
    precision = hits / (np.flatnonzero(last) + 1)
    return float(np.sum(np.diff(hits, prepend=0) * precision) / hits[-1])


def per_region(masks: Bools, maps: npt.NDArray[np.float32]) -> float:
    """AU-PRO: the mean share of each labelled region that is found, over the false positive rate.

    Args:
        masks: `(T, H, W)`; a region is a connected part of one frame's mask.
        maps: `(T, H, W)`.

    Returns:
        The area up to a rate of 0.3, divided by 0.3.

    Source: Bergmann et al., "The MVTec anomaly detection dataset", IJCV 2021,
    doi:10.1007/s11263-020-01400-4.
    """
    from skimage.measure import label

    normal = np.sort(maps[~masks])
    wanted = np.linspace(0, FALSE_POSITIVES, LEVELS)
    places = np.clip(len(normal) - 1 - np.floor(wanted * len(normal)).astype(int), 0, None)
    thresholds = normal[places]
    found = []
    for mask, one in zip(masks, maps, strict=True):
        regions = label(mask, connectivity=2)
        for number in range(1, int(regions.max()) + 1):
            inside = np.sort(one[regions == number])
            above = len(inside) - np.searchsorted(inside, thresholds, side="right")
            found.append(above / len(inside))
    curve = np.mean(found, axis=0)
    return float(np.trapezoid(curve, wanted) / FALSE_POSITIVES)


def smooth(scores: npt.ArrayLike, sigma: float) -> Floats:
    """Gaussian smoothing over frames; the ends are mirrored.

    Source: scipy.ndimage.gaussian_filter1d, which is what is called.
    """
    from scipy.ndimage import gaussian_filter1d

    return np.asarray(gaussian_filter1d(np.asarray(scores, dtype=np.float64), sigma))


def _scaled(scores: Floats) -> Floats:
    """From 0 to 1 within a clip."""
    low, high = scores.min(), scores.max()
    return (scores - low) / (high - low) if high > low else np.zeros_like(scores)


def frame_figures(
    labels: Sequence[Bools], scores: Sequence[Floats], sigma: float
) -> dict[str, float]:
    """Frame AUROC: pooled raw, pooled after scaling in each clip, mean of the clips; smoothed too.

    Args:
        labels: Of each clip.
        scores: Of each clip.
        sigma: Of the smoothing, in frames.
    """
    figures = {}
    for name, some in (("", scores), ("smoothed ", [smooth(one, sigma) for one in scores])):
        both = [
            (one, its) for one, its in zip(labels, some, strict=True) if 0 < one.sum() < one.size
        ]
        figures[f"{name}micro"] = auroc(np.concatenate(labels), np.concatenate(some))
        figures[f"{name}micro min-max"] = auroc(
            np.concatenate(labels), np.concatenate([_scaled(one) for one in some])
        )
        figures[f"{name}macro"] = float(np.mean([auroc(one, its) for one, its in both]))
    return figures


def overlap(labels: Bools, flagged: Bools) -> float:
    """Intersection over union of labelled and flagged frames; 1 when there are neither."""
    union = int((labels | flagged).sum())
    return float((labels & flagged).sum() / union) if union else 1.0
