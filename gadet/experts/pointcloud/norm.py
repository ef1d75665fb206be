"""What is normal: a surface through the references, and what clean points do around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from gadet.experts.pointcloud.cells import Floats, thinned
from gadet.experts.pointcloud.evened import Doubt, evened
from gadet.experts.pointcloud.registration import moved, register
from gadet.experts.pointcloud.sheets import LINKS, STEPS, partakers, sheets
from gadet.experts.pointcloud.surface import Surface, surface_of
from gadet.media.pointcloud import Cloud
from gadet.media.pointcloud.needs import needed

__all__ = ["MOST", "Norm", "norm_of", "scales_of"]

MOST = 60_000
"""Points at which a cloud is measured; larger ones are thinned to as many."""
MOST_SHARE = 1 / 50
"""Largest share of a cloud that is averaged over."""
OF_VARIANCE, OF_DOUBT = 0.1, 0.24
"""How much the logarithms of the variances at sites vary on an even surface, and those of how much
the sites around a point disagree: measured on planes with noise."""
_DENSITY = 12
"""Points of each reference among which the density at a site is measured …"""
_EVEN = 4
"""… and how often it is averaged over neighbouring sites: it varies slowly."""


@dataclass(frozen=True, eq=False)
class Norm:
    """What is normal at each of S sites of a surface.

    Attributes:
        surface: The surface.
        bias: float64 `(S, scales)` mean distance of clean points from the surface, by scale.
        variance: float64 `(S,)` of their distances.
        density: float64 `(S,)` points of one reference per unit of area.
        doubt: What the disagreement of the nearest sites says of it.
        scales: Steps of averaging, of `STEPS`.
        references: How many references took part.
        points: Mean number of points of one of them.
        clean: float64 `(S, lenses)` how high clean points score there, by `rehearsed`; or None.
        room: How many times as high as was seen the points of another clean cloud may score.
    """

    surface: Surface = field(repr=False)
    bias: Floats = field(repr=False)
    variance: Floats = field(repr=False)
    density: Floats = field(repr=False)
    doubt: Doubt
    scales: tuple[int, ...]
    references: int
    points: int
    clean: Floats | None = field(default=None, repr=False)
    room: float = 1.0

    @cached_property
    def noise(self) -> float:
        """Variance of the distances at the median site."""
        return float(np.median(self.variance))


def scales_of(count: int) -> tuple[int, ...]:
    """The scales at which a cloud of so many points is looked at."""
    return tuple(steps for steps in STEPS if steps == 1 or partakers(steps) <= MOST_SHARE * count)


def norm_of(
    clouds: Sequence[Floats],
    sensor: Floats | None = None,
    *,
    sites: int = MOST,
    noise: float = 0.0,
) -> Norm:
    """What is normal by clean clouds that lie in one frame.

    Args:
        clouds: `(Ni, 3)` each.
        sensor: `(3,)` where the sensor stood.
        sites: Most sites of the surface: fewer make it smoother.
        noise: Variance that clouds under test have beyond that of these.
    """
    raw = np.concatenate([thinned(one, MOST).points for one in clouds])
    known = len(clouds)
    cells = thinned(raw, sites)
    surface = surface_of(cells.points, sensor)
    off = surface.offsets(raw, cells)
    links = sheets(raw, surface.normals[off.site])
    count = len(raw) // known
    scales = scales_of(count)
    level, done, bias = off.signed, 0, []
    for steps in scales:
        level = links.spread(level, known * steps - done)
        done = known * steps
        bias.append(cells.mean(level))
    rough = (off.signed - links.spread(off.signed, 1)) ** 2 * (LINKS / (LINKS - 1))
    variance = np.maximum(cells.mean(links.spread(rough, 2)), 1e-300)
    disagreed = np.maximum(off.doubt, 1e-300)
    scale = float(np.median(variance) / np.median(disagreed))
    doubt = Doubt(scale, noise, evened(scale * disagreed + noise, OF_DOUBT))
    return Norm(
        surface=surface,
        bias=np.stack(bias, axis=1),
        variance=evened(variance + noise, OF_VARIANCE)(variance + noise),
        density=_density(surface, raw, known),
        doubt=doubt,
        scales=scales,
        references=known,
        points=count,
    )


def _density(surface: Surface, raw: Floats, known: int) -> Floats:
    """float64 `(S,)` how many points of one of the `known` references lie on a unit of area."""
    around = min(_DENSITY * known, len(raw) - 1)
    tree = needed("scipy.spatial", "Comparing point clouds").cKDTree(raw)
    reach = tree.query(surface.sites, k=[around + 1])[0][:, 0]
    # Where points are double, no distance is left; they are as dense as a thousandth spacing.
    reach = np.maximum(reach, 1e-3 * surface.spacing)
    area = sheets(surface.sites, surface.normals).spread(np.pi * reach**2, _EVEN)
    return np.asarray(around / known / area)


def clouds_in_one_frame(
    references: Sequence[Cloud],
) -> tuple[list[Floats], tuple[int, ...]]:
    """The points of all references in the frame of the first, and which could not be brought."""
    clouds, failed = [references[0].points], []
    for number, one in enumerate(references[1:], start=1):
        found = register(one, references[0])
        if found.failed:
            failed.append(number)
        else:
            clouds.append(moved(one.points, found.transform))
    return clouds, tuple(failed)
