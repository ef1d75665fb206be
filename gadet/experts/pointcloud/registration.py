"""Where a cloud lies on another one: a rigid pose found without a first guess."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from gadet.experts.cache import Cache
from gadet.experts.pointcloud.cells import Floats, Indices, thinned
from gadet.experts.pointcloud.descriptors import BINS, descriptors
from gadet.media.pointcloud import Cloud
from gadet.media.pointcloud.needs import needed
from gadet.media.pointcloud.render.normals import relief

__all__ = [
    "Landmarks",
    "Registration",
    "cloud_key",
    "landmarks",
    "landmarks_of",
    "moved",
    "placed",
    "register",
    "rigid",
    "step",
]

FEATURE = "Comparing point clouds"
SITES = 2_500
"""Places that a pose is looked for with."""
FINE = 12_000
"""Points that it is refined with."""
WIDE, CLOSE = 40, 16
"""Neighbours that a place is described with, at two scales."""
TRIPLES = 30_000
"""Drawn triples of matches; most are dropped because their sides differ."""
ALIKE = 0.9
"""Ratio of the sides of a triple that may be the same."""
TRIED = 1_500
"""Poses from triples that are compared."""
KEPT = 12
"""Of these and the poses of principal axes, how many are refined."""
NEAR = 2.0
"""Spacings of the landmarks within which two surfaces lie on each other."""
FAILED = 0.6
"""Share of a cloud that lies on the other, below which no pose was found."""
SEED = 0


@dataclass(frozen=True, eq=False)
class Registration:
    """How a cloud is moved onto another one.

    Attributes:
        transform: float64 `(4, 4)` rigid; takes points of the query to the frame of the reference.
        fitness: Share of the query that lies on the reference afterwards, in [0, 1].
        failed: Whether too little of it does for the pose to be trusted.
    """

    transform: Floats = field(repr=False)
    fitness: float
    failed: bool


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Places of a cloud that a pose is found with.

    Attributes:
        points: float64 `(M, 3)`.
        normals: float64 `(M, 3)`.
        features: float64 `(M, 66)` descriptors at two scales, the wide one first.
        fine: float64 `(F, 3)` more of its points.
        spacing: The distance between the places.
        tree: Finds the nearest place.
    """

    points: Floats
    normals: Floats
    features: Floats
    fine: Floats
    spacing: float
    tree: Any


_LANDMARKS: Cache[Landmarks] = Cache(16)
_REGISTERED: Cache[Registration] = Cache(64)


def landmarks(cloud: Cloud) -> Landmarks:
    """Places of a cloud, spread over its surface, with normals and descriptors."""
    spatial = needed("scipy.spatial", FEATURE)
    fine = thinned(cloud.points, FINE).points
    places = thinned(fine, SITES).points
    bent = relief(places, sensor=cloud.sensor)
    tree = spatial.cKDTree(places)
    reach, near = tree.query(places, k=min(WIDE, len(places)))
    normals = bent.normals.astype(np.float64)
    features = np.concatenate(
        [descriptors(places, normals, near[:, :few], reach[:, :few]) for few in (WIDE, CLOSE)],
        axis=1,
    )
    extent = float(np.ptp(places, axis=0).max())
    # More than half of the points may be double.
    spacing = max(float(np.median(bent.spacing)), 1e-6 * extent, 1e-300)
    return Landmarks(places, normals, features, fine, spacing, tree)


def moved(points: Floats, transform: Floats) -> Floats:
    """Points `(N, 3)` under a rigid transform `(4, 4)`."""
    return np.asarray(points @ transform[:3, :3].T + transform[:3, 3])


def rigid(source: Floats, target: Floats) -> Floats:
    """The rigid transforms that bring points onto others with the least squared distance.

    Args:
        source: `(..., P, 3)`.
        target: `(..., P, 3)`.

    Returns:
        float64 `(..., 4, 4)`.

    Source: Kabsch 1976, doi:10.1107/S0567739476001873.
    """
    from_middle, to_middle = source.mean(axis=-2), target.mean(axis=-2)
    spread = np.swapaxes(source - from_middle[..., None, :], -1, -2) @ (
        target - to_middle[..., None, :]
    )
    u, _, vt = np.linalg.svd(spread)
    mirror = np.ones(u.shape[:-1])
    mirror[..., 2] = np.sign(np.linalg.det(u @ vt))
    turn = np.swapaxes(vt, -1, -2) @ (mirror[..., None] * np.swapaxes(u, -1, -2))
    poses = np.zeros((*turn.shape[:-2], 4, 4))
    poses[..., :3, :3] = turn
    poses[..., :3, 3] = to_middle - (turn @ from_middle[..., None])[..., 0]
    poses[..., 3, 3] = 1.0
    return poses


def cloud_key(cloud: Cloud) -> str:
    """A key that two clouds share only if their points and their sensor are equal."""
    digest = hashlib.sha256(np.ascontiguousarray(cloud.points).data)
    digest.update(b"" if cloud.sensor is None else np.ascontiguousarray(cloud.sensor).data)
    return digest.hexdigest()


def landmarks_of(cloud: Cloud) -> Landmarks:
    """`landmarks`, kept for the clouds that were asked for last."""
    return _LANDMARKS.get(cloud_key(cloud), lambda: landmarks(cloud))


def register(query: Cloud, reference: Cloud) -> Registration:
    """Find the rigid pose of a cloud on another one of the same kind; see `placed`.

    The answers for the pairs that were asked for last are kept.

    Raises:
        MissingDependencyError: scipy is not installed.
    """
    return _REGISTERED.get(
        (cloud_key(query), cloud_key(reference)),
        lambda: placed(landmarks_of(query), landmarks_of(reference)),
    )


def placed(query: Landmarks, reference: Landmarks) -> Registration:
    """Find the pose of a cloud's landmarks on another's.

    Poses are drawn from triples of matching descriptors, and from the principal axes, which also
    cover what is symmetric. The best few are refined from point to plane, and the one under which
    most of both clouds lies on the other is kept.

    Source: Rusu et al., ICRA 2009, doi:10.1109/ROBOT.2009.5152473 (matching); Chen and Medioni
    1992, doi:10.1016/0262-8856(92)90066-C (point to plane).
    """
    poses = np.concatenate([_axes(query, reference), _triples(query, reference)])
    sample = query.points[:: max(1, len(query.points) // 300)]
    worth = np.array([_coverage(moved(sample, pose), reference) for pose in poses])
    best = np.argsort(-worth, kind="stable")[:KEPT]
    refined = [_refined(sample, poses[one], reference, 8) for one in best]
    refined = [_refined(query.points, pose, reference, 4) for pose in _distinct(
        refined, sample, reference)]  # fmt: skip
    fits = [_fit(query, pose, reference) for pose in refined]
    chosen = int(np.argmax(fits))
    pose = _refined(query.fine, refined[chosen], reference, 4)
    fitness = _fit(query, pose, reference)
    return Registration(pose, fitness, fitness < FAILED)


def _axes(query: Landmarks, reference: Landmarks) -> Floats:
    """Poses that bring principal axes onto each other in all 24 ways, and the given one."""
    frames = []
    for one in (query, reference):
        middle = one.points.mean(axis=0)
        frame = np.linalg.svd(one.points - middle, full_matrices=False)[2].T
        frame[:, 2] *= np.sign(np.linalg.det(frame))
        frames.append((middle, frame))
    (start, source), (end, target) = frames
    poses = [np.eye(4)]
    for order in ([0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 2, 1], [2, 1, 0], [1, 0, 2]):
        for signs in product((1.0, -1.0), repeat=3):
            turn = np.zeros((3, 3))
            turn[np.arange(3), order] = signs
            if np.linalg.det(turn) > 0:
                pose = np.eye(4)
                pose[:3, :3] = target @ turn @ source.T
                pose[:3, 3] = end - pose[:3, :3] @ start
                poses.append(pose)
    return np.array(poses)


def _triples(query: Landmarks, reference: Landmarks) -> Floats:
    """The poses of triples of matches under which most other matches agree."""
    rng = np.random.default_rng(SEED)
    source, target = _matches(query, reference)
    drawn = rng.integers(len(source), size=(TRIPLES, 3))
    start, end = query.points[source][drawn], reference.points[target][drawn]
    sides = [np.linalg.norm(np.roll(one, 1, axis=1) - one, axis=2) for one in (start, end)]
    low, high = np.minimum(*sides), np.maximum(*sides)
    wide = low.min(axis=1) > 4 * reference.spacing
    alike = np.flatnonzero(wide & (low > ALIKE * high).all(axis=1))[:TRIED]
    if not len(alike):
        return np.zeros((0, 4, 4))
    poses = rigid(start[alike], end[alike])
    few = rng.permutation(len(source))[:400]
    brought = query.points[source][few] @ np.swapaxes(poses[:, :3, :3], 1, 2)
    brought += poses[:, None, :3, 3]
    apart = np.linalg.norm(brought - reference.points[target][few], axis=2)
    agreed = (apart < 3 * reference.spacing).sum(axis=1)
    return np.asarray(poses[np.argsort(-agreed, kind="stable")[:60]])


def _matches(query: Landmarks, reference: Landmarks) -> tuple[Indices, Indices]:
    """Pairs of places whose descriptors are each other's nearest, else the nearest of each."""
    wide = slice(0, 3 * BINS)
    apart = _square_distances(query.features[:, wide], reference.features[:, wide])
    there, back = apart.argmin(axis=1), apart.argmin(axis=0)
    mutual = np.flatnonzero(back[there] == np.arange(len(there)))
    chosen = mutual if len(mutual) >= 30 else np.arange(len(there))
    return chosen, there[chosen]


def _square_distances(first: Floats, second: Floats) -> Floats:
    """Squared distances `(A, B)` between rows."""
    sums = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)
    return np.asarray(np.maximum(sums - 2 * first @ second.T, 0.0))


def _coverage(points: Floats, reference: Landmarks) -> float:
    """How near points lie to the reference: 1 on it, 0 beyond three times `NEAR`."""
    limit = 3 * NEAR * reference.spacing
    apart = np.minimum(reference.tree.query(points, distance_upper_bound=limit)[0], limit)
    return float(1 - (apart / limit).mean())


def _fit(query: Landmarks, pose: Floats, reference: Landmarks) -> float:
    """Share of the query's places that lie on the reference's planes, and the other way round."""
    spatial = needed("scipy.spatial", FEATURE)
    here = moved(query.points, pose)
    there = _on(here, reference.tree, reference)
    turned = query.normals @ pose[:3, :3].T
    back = Landmarks(here, turned, query.features, here, query.spacing, spatial.cKDTree(here))
    return float(min(there, _on(reference.points, back.tree, back)))


def _on(points: Floats, tree: Any, surface: Landmarks) -> float:
    """Mean closeness of points to a surface, from 1 on it to 0 a spacing away from its planes."""
    limit = NEAR * surface.spacing
    apart, nearest = tree.query(points, distance_upper_bound=limit)
    found = np.isfinite(apart)
    nearest = np.where(found, nearest, 0)
    off = np.abs(((points - surface.points[nearest]) * surface.normals[nearest]).sum(axis=1))
    close = np.clip(1 - (off / (0.5 * surface.spacing)) ** 2, 0.0, 1.0)
    return float(np.where(found, close, 0.0).mean())


def _distinct(poses: list[Floats], sample: Floats, reference: Landmarks) -> list[Floats]:
    """The poses that differ, at most four, those first that bring the sample nearest."""
    worth = [_coverage(moved(sample, pose), reference) for pose in poses]
    kept: list[Floats] = []
    for one in np.argsort([-value for value in worth], kind="stable"):
        places = moved(sample, poses[one])
        if all(
            np.linalg.norm(places - moved(sample, other), axis=1).mean() > reference.spacing
            for other in kept
        ):
            kept.append(poses[one])
    return kept[:4]


def _refined(points: Floats, pose: Floats, reference: Landmarks, rounds: int) -> Floats:
    """A pose brought nearer to where the points lie on the planes of the reference.

    Tukey's weights keep what is not there in the reference from pulling.
    """
    for _ in range(rounds):
        here = moved(points, pose)
        apart, nearest = reference.tree.query(here, distance_upper_bound=6 * reference.spacing)
        there = np.flatnonzero(np.isfinite(apart))
        if len(there) < 6:
            return pose
        normals, nearest = reference.normals[nearest[there]], nearest[there]
        off = ((here[there] - reference.points[nearest]) * normals).sum(axis=1)
        pose = step(here[there], normals, off) @ pose
    return pose


def step(points: Floats, normals: Floats, off: Floats) -> Floats:
    """The small motion that takes away distances from planes, by weighted least squares.

    Args:
        points: `(N, 3)`.
        normals: `(N, 3)` of the planes.
        off: `(N,)` signed distances from them.

    Returns:
        float64 `(4, 4)` rigid.
    """
    limit = max(4.685 * 1.4826 * float(np.median(np.abs(off))), 1e-12)
    weights = np.where(np.abs(off) < limit, (1 - (off / limit) ** 2) ** 2, 0.0)
    middle = points.mean(axis=0)
    around = points - middle
    size = max(float(np.sqrt((around**2).sum(axis=1).mean())), 1e-300)
    lever = np.concatenate([np.cross(around / size, normals), normals], axis=1)
    weighted = lever * weights[:, None]
    # A trace of damping leaves alone what the surface does not hold: sliding, turning.
    normal = weighted.T @ lever + 1e-6 * max(float(weights.sum()), 1e-300) * np.eye(6)
    turn, shift = np.split(-np.linalg.solve(normal, weighted.T @ off), 2)
    pose = np.eye(4)
    pose[:3, :3] = _rotation(turn / size)
    pose[:3, 3] = middle + shift - pose[:3, :3] @ middle
    return pose


def _rotation(axis: Floats) -> Floats:
    """The rotation `(3, 3)` about an axis by its length in radians (Rodrigues)."""
    angle = float(np.linalg.norm(axis))
    if angle < 1e-15:
        return np.eye(3)
    x, y, z = axis / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)
