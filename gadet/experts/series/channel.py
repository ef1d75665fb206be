"""One channel looked at through every lens."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gadet.experts.series.channels import Pair
from gadet.experts.series.combine import BOUNDARY, together, with_normals
from gadet.experts.series.lenses import LENSES, Setting
from gadet.experts.series.rolling import Floats, moving_mean
from gadet.experts.series.tails import surprise
from gadet.experts.series.track import Track

__all__ = ["RELATION", "Views", "look_at"]

RELATION = "relation"
"""The name of the lens that looks at several channels at once; it follows the others."""
HIDDEN = 0.05
"""Share of missing rows from which nothing is said, over two windows: as far as a lens and the
smoothing after it reach together."""


@dataclass(frozen=True, eq=False)
class Views:
    """What the lenses say about one channel, bin by bin.

    Attributes:
        names: The lenses, in the order of the rows below.
        odd: `(L, N)` what they measured.
        nats: `(L, N)` how surprising that is.
        evidence: `(N,)` all together, in nats; at the boundary of `combine` a bin is anomalous.
    """

    names: tuple[str, ...]
    odd: npt.NDArray[np.float32] = field(repr=False)
    nats: npt.NDArray[np.float32] = field(repr=False)
    evidence: Floats = field(repr=False)


def _surprises(
    pairs: list[Pair], missing: Floats, window: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The surprise `(L, N)` of what was measured, and that of the usual rows `(L, M)`."""
    hidden = moving_mean(missing, 2 * window) > HIDDEN
    here, usual = [], []
    for odd, normal in pairs:
        steady = moving_mean(normal, window)
        known = steady[~hidden] if odd is normal and not hidden.all() else steady
        nats = surprise(moving_mean(odd, window), known)
        nats[hidden] = 0.0
        here.append(nats.astype(np.float32))
        usual.append(surprise(steady, known).astype(np.float32))
    return np.stack(here), np.stack(usual)


def _seen(
    track: Track, base: Track | None, setting: Setting, relation: Pair | None
) -> tuple[list[str], list[Pair]]:
    """What every lens measures, by name; the relation to other channels is one more."""
    names = [lens.name for lens in LENSES]
    pairs = [lens.look(track, base, setting) for lens in LENSES]
    if relation is None:
        return names, pairs
    return [*names, RELATION], [*pairs, relation]


def look_at(
    track: Track,
    setting: Setting,
    *,
    normal: tuple[Track, Track] | None = None,
    alone: bool = False,
    relations: tuple[Pair | None, Pair | None] = (None, None),
) -> Views:
    """Look at a channel through every lens.

    Args:
        track: The channel.
        setting: Window and period.
        normal: The normal rows of the channel, when there are any, and the channel again with the
            season of the normal rows taken out in place of its own.
        alone: Whether it is compared with the normal rows alone, not with itself.
        relations: How far it is from what other channels tell: learned from itself, and from the
            normal rows.

    Returns:
        With normal rows the lenses are those of the comparison with them. When that is the only
        one, the evidence is measured from the highest of the normal rows: the tails of a few
        normal rows are too short.
    """
    width = setting.window
    own: Floats | None = None
    if normal is None or not alone:
        names, pairs = _seen(track, None, setting, relations[0])
        nats, _ = _surprises(pairs, track.missing, width)
        own = evidence = together(nats, width)
    if normal is not None:
        base, against = normal
        names, pairs = _seen(against, base, setting, relations[1])
        nats, usual = _surprises(pairs, track.missing, width)
        evidence = together(nats, width)
        if own is None:
            highest = float(together(usual, width).max())
            evidence *= BOUNDARY / (BOUNDARY + highest)
        else:
            evidence = with_normals(own, evidence)
    odd = np.stack([pair[0] for pair in pairs]).astype(np.float32)
    return Views(tuple(names), odd, nats, evidence)
