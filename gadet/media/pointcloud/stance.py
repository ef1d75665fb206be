"""A `Stance`: a cloud is shown as another one is, from where that one is looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gadet._lazy import lazy

if TYPE_CHECKING:
    from gadet.media.pointcloud.sample import PointCloudSample

__all__ = ["Stance"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stance:
    """Another cloud that one is shown like.

    Attributes:
        like: The other one.
        find: Finds the rigid transform `(4, 4)` from the cloud's own frame to that of the other;
            None when the two cannot be brought onto each other.
    """

    like: PointCloudSample
    find: Callable[[], Floats | None] = field(repr=False)

    @lazy
    def transform(self) -> Floats | None:
        """What `find` found; it is looked for once."""
        return self.find()
