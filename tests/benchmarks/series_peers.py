"""The other detectors of the series benchmark; those whose package is missing are left out.

Each is `detect(values (T, 1), window, normal (N, 1) | None) -> scores (T,)`, higher for more
anomalous, at the settings their packages ship with.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["PEERS", "Detect", "absent"]

Floats = npt.NDArray[np.float64]
Detect = Callable[[Floats, int, Floats | None], Floats]


def _windows(values: Floats, window: int) -> Floats:
    """Every window of the series as a row, standardised as one."""
    series = values[:, 0]
    return np.lib.stride_tricks.sliding_window_view(series, window)


def _spread(scores: Floats, window: int, length: int) -> Floats:
    """Scores of windows to scores of rows: the mean of the windows that hold a row."""
    total, count = np.zeros(length + 1), np.zeros(length + 1)
    starts = np.arange(scores.size)
    np.add.at(total, starts, scores)
    np.add.at(total, starts + window, -scores)
    np.add.at(count, starts, 1.0)
    np.add.at(count, starts + window, -1.0)
    return np.asarray(np.cumsum(total)[:-1] / np.maximum(np.cumsum(count)[:-1], 1.0))


def _placed(scores: Floats, window: int, length: int) -> Floats:
    """Scores of windows to scores of rows, as is usual: at the middle of the window."""
    before = window // 2
    return np.pad(scores, (before, length - scores.size - before), mode="edge")


def smoothed(detect: Detect) -> Detect:
    """A detector smoothed over a window; it raises most detectors."""

    def smooth(values: Floats, window: int, normal: Floats | None) -> Floats:
        found = np.nan_to_num(detect(values, window, normal))
        return _spread(found[window // 2 :][: len(found) - window + 1], window, len(found))

    return smooth


def random(values: Floats, window: int, normal: Floats | None) -> Floats:
    """The floor."""
    return np.random.default_rng(0).random(len(values))


def matrix_profile(values: Floats, window: int, normal: Floats | None) -> Floats:
    """Distance to the nearest other window, z-normalised; to the normal part when there is one."""
    import stumpy

    window = max(window, 4)
    series = np.ascontiguousarray(values[:, 0])
    if normal is None:
        profile = stumpy.stump(series, window)[:, 0]
    else:
        train = np.ascontiguousarray(normal[:, 0])
        profile = stumpy.stump(series, window, train, ignore_trivial=False)[:, 0]
    found = np.nan_to_num(profile.astype(np.float64), posinf=0.0)
    return _placed(found, window, len(values))


def _pyod(model: object, values: Floats, window: int, normal: Floats | None) -> Floats:
    """A PyOD model on standardised windows."""
    train = values if normal is None else normal
    mean, std = train.mean(), train.std() or 1.0
    window = min(window, len(train) // 2)
    model.fit(_windows((train - mean) / std, window))  # type: ignore[attr-defined]
    rows = _windows((values - mean) / std, window)
    return _placed(model.decision_function(rows), window, len(values))  # type: ignore[attr-defined]


def isolation_forest(values: Floats, window: int, normal: Floats | None) -> Floats:
    """PyOD's IForest."""
    from pyod.models.iforest import IForest

    return _pyod(IForest(random_state=0), values, window, normal)


def local_outlier_factor(values: Floats, window: int, normal: Floats | None) -> Floats:
    """PyOD's LOF."""
    from pyod.models.lof import LOF

    return _pyod(LOF(), values, window, normal)


def principal_components(values: Floats, window: int, normal: Floats | None) -> Floats:
    """PyOD's PCA."""
    from pyod.models.pca import PCA

    return _pyod(PCA(), values, window, normal)


def pca_residual(values: Floats, window: int, normal: Floats | None) -> Floats:
    """How badly the components that hold 90 % of the variance of windows rebuild a window."""
    train = _windows(values if normal is None else normal, window)
    mean = train.mean(axis=0)
    _, sizes, axes = np.linalg.svd(train - mean, full_matrices=False)
    shares = np.cumsum(sizes**2) / max(float(np.sum(sizes**2)), 1e-12)
    axes = axes[: int(np.searchsorted(shares, 0.9)) + 1]
    rows = _windows(values, window) - mean
    rest = rows - (rows @ axes.T) @ axes
    return _placed(np.linalg.norm(rest, axis=1), window, len(values))


def nearest_centre(values: Floats, window: int, normal: Floats | None) -> Floats:
    """Distance of windows to the nearest of twenty k-means centres."""
    from sklearn.cluster import KMeans

    train = _windows(values if normal is None else normal, window)
    model = KMeans(n_clusters=min(20, len(train)), n_init=3, random_state=0).fit(train)
    apart = model.transform(_windows(values, window)).min(axis=1)
    return _placed(apart, window, len(values))


def spectral_residual(values: Floats, window: int, normal: Floats | None) -> Floats:
    """Saliency of the log spectrum less its moving mean. Source: doi:10.1145/3292500.3330680."""
    series = values[:, 0] - values[:, 0].mean()
    spectrum = np.fft.fft(series)
    size = np.log(np.abs(spectrum) + 1e-8)
    smooth = np.convolve(size, np.ones(3) / 3, mode="same")
    turned = spectrum / np.maximum(np.abs(spectrum), 1e-8)
    saliency = np.abs(np.fft.ifft(np.exp(size - smooth) * turned))
    local = np.convolve(saliency, np.ones(21) / 21, mode="same")
    return np.asarray((saliency - local) / np.maximum(local, 1e-8))


def rolling_z(values: Floats, window: int, normal: Floats | None) -> Floats:
    """Distance to the median of the rolling window in its median absolute deviations."""
    width = max(2 * window + 1, 5)
    padded = np.pad(values[:, 0], width // 2, mode="edge")
    out = np.empty(len(values))
    for start in range(0, len(values), 2048):
        rows = np.lib.stride_tricks.sliding_window_view(
            padded[start : start + 2048 + width - 1], width
        )
        middle = np.median(rows, axis=1)
        spread = np.median(np.abs(rows - middle[:, None]), axis=1)
        here = values[start : start + 2048, 0]
        out[start : start + 2048] = np.abs(here - middle) / (1.4826 * spread + 1e-6)
    return out


PEERS: dict[str, tuple[Detect, str]] = {
    "random": (random, ""),
    "matrix profile (stumpy)": (matrix_profile, "stumpy"),
    "IForest (PyOD)": (isolation_forest, "pyod"),
    "LOF (PyOD)": (local_outlier_factor, "pyod"),
    "matrix profile, smoothed": (smoothed(matrix_profile), "stumpy"),
    "LOF, smoothed": (smoothed(local_outlier_factor), "pyod"),
    "PCA (PyOD)": (principal_components, "pyod"),
    "PCA residual": (pca_residual, ""),
    "k-means windows": (nearest_centre, "sklearn"),
    "spectral residual": (spectral_residual, ""),
    "rolling robust z": (rolling_z, ""),
}
"""Each detector by its name in the table, with the package it needs."""


def absent() -> list[str]:
    """The peers that cannot run here."""
    return [
        name
        for name, (_, package) in PEERS.items()
        if package and importlib.util.find_spec(package) is None
    ]
