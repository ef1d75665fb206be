"""What the video expert is measured beside: simple detectors that give a map for each frame.

Each takes the frames of a clip and of what is normal, grey `(T, H, W)` float32 in levels, or RGB
where it says so, and gives maps `(T, h, w)`. Without normal frames the clip itself stands in. The
score of a frame is the mean of the largest hundredth of its map.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from gadet.experts.backbone import LOW_GAIN, load_backbone
from gadet.experts.filters import box_mean, gaussian, luminance

__all__ = ["PEERS", "absent", "frame_scores"]

Maps = npt.NDArray[np.float32]
Frames = npt.NDArray[np.uint8]
Peer = Callable[[Frames, "list[Frames]"], Maps]

TOP = 0.01
"""Share of a map whose mean is the score of the frame."""
BANK = 8192
"""Patches that are kept of the normal frames."""


def _grey(frames: Frames) -> Maps:
    return np.array([luminance(one) for one in frames])


def _normal(clip: Frames, normals: list[Frames]) -> Frames:
    return np.concatenate(normals) if normals else clip


def frame_difference(clip: Frames, normals: list[Frames]) -> Maps:
    """How much each pixel differs from the frame before."""
    grey = _grey(clip)
    apart = np.abs(np.diff(grey, axis=0))
    return np.array([box_mean(one, 2) for one in np.concatenate((apart[:1], apart))])


def median_difference(clip: Frames, normals: list[Frames]) -> Maps:
    """How much each pixel differs from its median in the normal frames."""
    median = np.median(_grey(_normal(clip, normals)), axis=0).astype(np.float32)
    return np.array([box_mean(np.abs(one - median), 2) for one in _grey(clip)])


def background_subtraction(clip: Frames, normals: list[Frames]) -> Maps:
    """How many standard deviations each pixel differs from its mean in the normal frames."""
    normal = _grey(_normal(clip, normals))
    mean, spread = normal.mean(axis=0), normal.std(axis=0) + 4
    return np.array([box_mean(np.abs(one - mean) / spread, 3) for one in _grey(clip)])


def patch_neighbours(clip: Frames, normals: list[Frames]) -> Maps:
    """How far each patch is from the nearest one of the normal frames, wherever that lies.

    Without normal frames: from the nearest one of frames five or more away.
    """
    backbone = load_backbone()

    def described(frames: Frames) -> Maps:
        grids = np.array([backbone.features(one, (5,), LOW_GAIN)[5] for one in frames])
        return grids / np.maximum(np.linalg.norm(grids, axis=-1, keepdims=True), 1e-8)

    grids = described(clip)
    known = np.concatenate([described(one) for one in normals]) if normals else None
    maps = []
    for index, grid in enumerate(grids):
        some = known if known is not None else _elsewhere(grids, index)
        bank = some.reshape(-1, grid.shape[2])
        bank = bank[:: -(-len(bank) // BANK)]
        likeness = (grid.reshape(-1, grid.shape[2]) @ bank.T).max(axis=1)
        maps.append(np.sqrt(np.maximum(2 - 2 * likeness, 0)).reshape(grid.shape[:2]))
    return np.array(maps, dtype=np.float32)


def _elsewhere(grids: Maps, index: int, gap: int = 5) -> Maps:
    away = np.abs(np.arange(len(grids)) - index) >= gap
    return grids[away]


def flow_deviation(clip: Frames, normals: list[Frames]) -> Maps:
    """How many standard deviations the length of each pixel's flow is above normal (OpenCV)."""
    import cv2

    def lengths(frames: Frames) -> Maps:
        grey = _grey(frames).astype(np.uint8)
        flows = [
            cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 3, 15, 3, 5, 1.2, 0)
            for before, after in pairwise(grey)
        ]
        size = [gaussian(np.hypot(one[..., 0], one[..., 1]).astype(np.float32), 2) for one in flows]
        return np.array([size[0], *size])

    own = lengths(clip)
    usual = np.concatenate([lengths(one) for one in normals]) if normals else own
    mean, spread = usual.mean(axis=0), usual.std(axis=0)
    floor = float(np.median(spread)) + 0.1
    return np.asarray((own - mean) / (spread + floor), dtype=np.float32)


def place_in_clip(clip: Frames, normals: list[Frames]) -> Maps:
    """The number of the frame: what looks at no picture gets where events come last."""
    return np.arange(len(clip), dtype=np.float32)[:, None, None] * np.ones((1, 2, 2), np.float32)


PEERS: dict[str, Peer] = {
    "frame difference": frame_difference,
    "median difference": median_difference,
    "background subtraction": background_subtraction,
    "patch nearest neighbour": patch_neighbours,
    "optical flow z-score": flow_deviation,
    "number of the frame (control)": place_in_clip,
}


def absent() -> dict[str, str]:
    """Peers that cannot run here, and why."""
    try:
        import cv2  # noqa: F401
    except ImportError:
        return {"optical flow z-score": "opencv-python-headless is not installed"}
    return {}


def frame_scores(maps: Maps) -> npt.NDArray[np.float64]:
    """The mean of the largest hundredth of each map."""
    flat = np.sort(maps.reshape(len(maps), -1), axis=1)
    count = max(1, round(TOP * flat.shape[1]))
    return flat[:, -count:].mean(axis=1).astype(np.float64)
