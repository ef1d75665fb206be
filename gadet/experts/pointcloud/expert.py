"""The point-cloud expert: the surface that references have, and where a cloud leaves it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gadet.errors import InputError
from gadet.experts.base import Evidence
from gadet.experts.cache import Cache
from gadet.experts.pointcloud.alone import alone
from gadet.experts.pointcloud.candidate import PointsCandidate
from gadet.experts.pointcloud.cells import Floats, Thinned, thinned
from gadet.experts.pointcloud.facts import number
from gadet.experts.pointcloud.lenses import Look, boundary, look, polished
from gadet.experts.pointcloud.memory import Bank, bank_of
from gadet.experts.pointcloud.norm import MOST, Norm, clouds_in_one_frame, norm_of
from gadet.experts.pointcloud.parts import parts, unlike_parts
from gadet.experts.pointcloud.registration import (
    Landmarks,
    Registration,
    cloud_key,
    landmarks_of,
    moved,
    register,
)
from gadet.experts.pointcloud.rehearsal import rehearsed
from gadet.experts.pointcloud.repeats import repeats_of
from gadet.media.base import Sample
from gadet.media.pointcloud import Cloud, PointCloudSample
from gadet.report import Modality

__all__ = ["PointCloudExpert"]

REMEMBERED = 0.5
"""Weight of the bank of descriptors beside the lenses, which see more where a pose was found."""
MOST_REMEMBERED = 6.0
"""Level beyond which the bank says no more."""
UNSURE = 0.49
"""The score of what cannot be judged: below the boundary."""


@dataclass(frozen=True, eq=False)
class _Normal:
    """What was computed of a set of references, and the numbers of those that were left out."""

    norm: Norm
    bank: Bank
    lost: tuple[int, ...]


class PointCloudExpert:
    """Measures point clouds without a language model and without training.

    With references it finds the pose of the cloud on them and compares it with the surface that
    runs through them: points before and behind it, places of it where points are missing, at
    several scales, each in standard errors of what sampling and sensor noise let one expect; and
    with a bank of descriptors of the references, which decides alone where no pose was found.
    Without references a cloud is compared with its mirror image or with its own smooth surface.

    Safe to use from several threads; the same input gives the same evidence.

    Args:
        kept: For how many sets of references what was computed is kept.
    """

    modality: Modality = "pointcloud"
    name = "pointcloud:surface"

    def __init__(self, *, kept: int = 8) -> None:
        """Nothing is computed yet."""
        self._normals: Cache[_Normal] = Cache(kept)

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
        cells = thinned(cloud.points, MOST)
        notes = []
        if len(cells.points) < len(cloud):
            notes.append(f"measured at {len(cells.points):,} places, means of points in cells")
        if not normals:
            judged = alone(cells.points, landmarks_of(cloud))
            return self._told(cloud, cells, judged.seen, judged.norm, (), [*notes, judged.note])
        key = tuple(map(cloud_key, normals))
        normal = self._normals.get(key, lambda: _normal_of(normals))
        notes += [f"reference {one + 1} was left out: it does not fit the first"
                  for one in normal.lost]  # fmt: skip
        places = landmarks_of(cloud)
        found = register(cloud, normals[0])
        remembered = _remembered(cells.points, places, normal.bank)
        if found.failed:
            return self._lost(cloud, cells, found, remembered, notes)
        points = moved(cells.points, found.transform)
        seen = look(moved(points, polished(points, normal.norm)), normal.norm)
        if seen.louder > 1:
            notes.append(
                f"the cloud scatters {math.sqrt(seen.louder):.1f} times as much as the references, "
                "which is allowed for everywhere"
            )
        facts = (
            f"{100 * found.fitness:.0f} % of the surface lies on that of the references.",
            _noise_fact(normal.norm, cloud),
        )
        return self._told(cloud, cells, seen, normal.norm, facts, notes, remembered)

    def _told(
        self,
        cloud: Cloud,
        cells: Thinned,
        seen: Look,
        norm: Norm,
        facts: tuple[str, ...],
        notes: list[str],
        remembered: Floats | None = None,
    ) -> Evidence:
        """The evidence of a cloud whose pose is known."""
        levels = seen.worst
        if remembered is not None:
            levels = np.maximum(levels, REMEMBERED * remembered / norm.room)
        scores = _scores(levels, seen.lenses.size)
        found = parts(cloud, cells, seen, norm, scores)
        return self._evidence(cells, scores, found, facts, notes)

    def _lost(
        self,
        cloud: Cloud,
        cells: Thinned,
        found: Registration,
        remembered: Floats,
        notes: list[str],
    ) -> Evidence:
        """The evidence of a cloud whose pose was not found: descriptors alone."""
        fact = f"Only {100 * found.fitness:.0f} % of the surface lies on that of the references."
        note = "no pose on the references was found that can be trusted: only the look of the "
        scores = _scores(remembered, len(remembered))
        told = unlike_parts(cloud, cells, scores)
        return self._evidence(
            cells, scores, told, (fact,), [*notes, note + "surface was compared, wherever it is"]
        )

    def _evidence(
        self,
        cells: Thinned,
        scores: Floats,
        found: Sequence[PointsCandidate],
        facts: tuple[str, ...],
        notes: Sequence[str],
    ) -> Evidence:
        top = min(float(scores.max()), UNSURE)
        return Evidence(
            score_map=scores[cells.home].astype(np.float32),
            score=max((one.score for one in found), default=top),
            candidates=tuple(found),
            facts=facts,
            expert=self.name,
            notes=tuple(notes),
        )


def _normal_of(clouds: Sequence[Cloud]) -> _Normal:
    points, lost = clouds_in_one_frame(clouds)
    known = repeats_of(points)
    norm = norm_of(known.clouds, clouds[0].sensor, noise=known.lost)
    norm = rehearsed(norm, known.clouds)
    kept = [landmarks_of(one) for number, one in enumerate(clouds) if number not in lost]
    return _Normal(norm, bank_of([kept[first] for first in known.firsts]), lost)


def _cloud_of(sample: Sample, name: str) -> Cloud:
    if not isinstance(sample, PointCloudSample):
        raise InputError(
            f"expected a loaded point cloud for {name}; got {type(sample).__name__}: load it with "
            "PointCloudAdapter().load(…)"
        )
    return sample.cloud


def _remembered(points: Floats, places: Landmarks, bank: Bank) -> Floats:
    """How unlike the references the surface around each point looks."""
    levels = np.minimum(bank.levels(places), MOST_REMEMBERED)
    return np.asarray(levels[places.tree.query(points)[1]])


def _scores(levels: Floats, tests: int) -> Floats:
    """Levels in [0, 1]: 0.5 a little above the highest of as many standard normal values."""
    return np.asarray(levels / (levels + boundary(tests)))


def _noise_fact(norm: Norm, cloud: Cloud) -> str:
    unit = f" {cloud.units}" if cloud.units else ""
    return f"The references scatter by {number(math.sqrt(norm.noise))}{unit} around their surface."
