"""The point-cloud expert: the surface that references have, and where a cloud leaves it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gadet.errors import InputError
from gadet.experts.base import Evidence
from gadet.experts.cache import Cache
from gadet.experts.pointcloud.candidate import PointsCandidate, oriented_box
from gadet.experts.pointcloud.cells import Floats, Indices, Thinned, thinned
from gadet.experts.pointcloud.facts import Traits, described, number
from gadet.experts.pointcloud.lenses import Look, look, polished
from gadet.experts.pointcloud.norm import MOST, Norm, clouds_in_one_frame, norm_of
from gadet.experts.pointcloud.regions import parts_of
from gadet.experts.pointcloud.register import cloud_key, landmarks_of, moved, placed
from gadet.media.base import Sample
from gadet.media.pointcloud import Cloud, PointCloudSample
from gadet.report import Modality

__all__ = ["PointCloudExpert"]

MARGIN = 0.5
"""Standard deviations above what chance alone reaches somewhere in a cloud."""
TOP = 20
"""Points whose mean is the score of a part."""
MOST_PARTS = 30
"""Parts that are told, the most suspicious first."""
CORE = 0.15
"""Share of a part's peak that its points reach: averages reach a little beyond what they show."""
UNSURE = 0.49
"""The score of what cannot be judged: below the boundary, and said in a note."""


class PointCloudExpert:
    """Measures point clouds without a language model and without training.

    With references it finds the pose of the cloud on them and compares it with the surface that
    runs through them: points before and behind it, and places of it where points are missing, at
    several scales, each in standard errors of what sampling and sensor noise let one expect.

    Safe to use from several threads; the same input gives the same evidence.

    Args:
        kept: For how many sets of references what was computed is kept.
    """

    modality: Modality = "pointcloud"
    name = "pointcloud:surface"

    def __init__(self, *, kept: int = 8) -> None:
        """Nothing is computed yet."""
        self._norms: Cache[tuple[Norm, tuple[int, ...]]] = Cache(kept)

    def assess(self, sample: Sample, references: Sequence[Sample] = ()) -> Evidence:
        """Measure a cloud against normal ones of the same kind.

        Args:
            sample: The cloud; scores follow the rows of `sample.cloud.points`.
            references: Normal clouds, in any pose, in the same unit.

        Raises:
            InputError: A sample is no point cloud.
            MissingDependencyError: scipy is not installed.
        """
        cloud = _cloud_of(sample, "the item")
        normals = [
            _cloud_of(one, f"reference {number}") for number, one in enumerate(references, start=1)
        ]
        if not normals:
            return _unsure(cloud, self.name, "no references: nothing to compare the cloud with")
        norm, lost = self._norms.get(tuple(map(cloud_key, normals)), lambda: _norm_of(normals))
        return self._against(cloud, norm, [f"reference {n + 1} was left out: it does not fit the "
                                           "first" for n in lost])  # fmt: skip

    def _against(self, cloud: Cloud, norm: Norm, notes: list[str]) -> Evidence:
        found = placed(landmarks_of(cloud), norm.places)
        if found.failed:
            notes.append(
                f"only {100 * found.fitness:.0f} % of the cloud lies on the references: no pose "
                "was found that can be trusted"
            )
        cells = thinned(cloud.points, MOST)
        if len(cells.points) < len(cloud):
            notes.append(f"measured at {len(cells.points):,} places, means of points in cells")
        points = moved(cells.points, found.transform)
        seen = look(moved(points, polished(points, norm)), norm)
        levels = seen.lenses.max(axis=1)
        boundary = math.sqrt(2 * math.log(max(seen.lenses.size, 2))) + MARGIN
        levels = np.maximum(levels, 0.0)
        scores = levels / (levels + boundary)
        parts = _parts(cloud, cells, seen, norm, scores)
        score = max((one.score for one in parts), default=min(float(scores.max()), UNSURE))
        return Evidence(
            score_map=scores[cells.home].astype(np.float32),
            score=score,
            candidates=tuple(parts),
            facts=(_fit_fact(found.fitness), _noise_fact(norm, cloud)),
            expert=self.name,
            notes=tuple(notes),
        )


def _norm_of(clouds: Sequence[Cloud]) -> tuple[Norm, tuple[int, ...]]:
    points, places, failed = clouds_in_one_frame(clouds)
    return norm_of(points, places, clouds[0].sensor), failed


def _cloud_of(sample: Sample, name: str) -> Cloud:
    if not isinstance(sample, PointCloudSample):
        raise InputError(
            f"expected a loaded point cloud for {name}; got {type(sample).__name__}: load it with "
            "PointCloudAdapter().load(…)"
        )
    return sample.cloud


def _unsure(cloud: Cloud, name: str, note: str) -> Evidence:
    scores = np.full(len(cloud), UNSURE, np.float32)
    return Evidence(score_map=scores, score=UNSURE, expert=name, notes=(note,))


def _fit_fact(fitness: float) -> str:
    return f"{100 * fitness:.0f} % of the surface lies on that of the references."


def _noise_fact(norm: Norm, cloud: Cloud) -> str:
    unit = f" {cloud.units}" if cloud.units else ""
    noise = math.sqrt(float(np.median(norm.variance)))
    return f"The references scatter by {number(noise)}{unit} around their surface."


def _parts(
    cloud: Cloud, cells: Thinned, seen: Look, norm: Norm, scores: Floats
) -> list[PointsCandidate]:
    """The parts that depart from normal, the most suspicious first."""
    parts = [
        _part(cloud, cells, seen, norm, scores, _core(seen, rows))
        for rows in parts_of(seen.points, scores >= 0.5, norm.surface.spacing)[:MOST_PARTS]
    ]
    return sorted(parts, key=lambda one: -one.score)


def _core(seen: Look, rows: Indices) -> Indices:
    """The points of a part that reach a share of its peak."""
    level = seen.lenses[rows].max(axis=1)
    return np.asarray(rows[level >= CORE * np.sort(level)[-TOP:].mean()])


def _part(
    cloud: Cloud, cells: Thinned, seen: Look, norm: Norm, scores: Floats, rows: Indices
) -> PointsCandidate:
    chosen = np.flatnonzero(np.isin(cells.home, rows))
    points = cloud.points[chosen]
    traits = _traits(cells, seen, norm, rows)
    told = described(traits, points.mean(axis=0), cloud.units)
    top = np.sort(scores[rows])[-TOP:]
    return PointsCandidate(
        rows=chosen,
        centroid=points.mean(axis=0),
        oriented=oriented_box(points),
        area=traits.area,
        score=float(top.mean()),
        label=told.label,
        fact=told.fact,
        measures=told.measures,
        units=cloud.units,
    )


def _traits(cells: Thinned, seen: Look, norm: Norm, rows: Indices) -> Traits:
    """What is measured on a part, on the gap where points are missing."""
    level = seen.level[rows, 0]
    noise = math.sqrt(float(np.median(norm.variance)) / 12)
    lenses = seen.lenses[rows]
    top = np.argsort(-lenses.max(axis=1), kind="stable")[:TOP]
    if np.mean(lenses[top].argmax(axis=1) == lenses.shape[1] - 1) <= 0.5:
        area = float((1 / norm.density[seen.site[rows]]).sum()) * norm.points / len(seen.points)
        return Traits(level, noise, oriented_box(cells.points[rows]), area, False, 0.0)
    edge = seen.points[rows]
    size = np.linalg.norm(norm.surface.sites[:, None] - edge[None, :1], axis=2)[:, 0]
    empty = np.flatnonzero((seen.gaps.empty > 4) & (size < 3 * np.ptp(edge, axis=0).max()))
    sites = norm.surface.sites[empty] if len(empty) else edge
    middle = edge.mean(axis=0)
    plane = np.linalg.svd(edge - middle, full_matrices=False)[2][-1]
    depth = float(np.abs((sites - middle) @ plane).max())
    area = float((1 / norm.density[empty]).sum()) * norm.points / len(norm.surface.sites)
    return Traits(level, noise, oriented_box(sites), area, True, depth)
