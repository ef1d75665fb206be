"""A `Toolkit` per modality: the adapter, the expert and the localizer that belong together."""

from __future__ import annotations

from dataclasses import dataclass

from gadet.experts.base import Expert
from gadet.localize.base import Localizer
from gadet.media.base import Adapter
from gadet.report import Modality

__all__ = ["Toolkit", "default_toolkits"]


@dataclass(frozen=True)
class Toolkit:
    """What one modality is read, measured and located with.

    Attributes:
        adapter: Reads items.
        expert: Measures them; None measures nothing.
        localizer: Finds regions.
    """

    adapter: Adapter
    expert: Expert | None
    localizer: Localizer


def default_toolkits() -> dict[Modality, Toolkit]:
    """The toolkits that ship, by modality."""
    from gadet.experts.image import ImageExpert
    from gadet.experts.pointcloud import PointCloudExpert
    from gadet.experts.series import SeriesExpert
    from gadet.experts.video import VideoExpert
    from gadet.localize.image import ImageLocalizer
    from gadet.localize.pointcloud import PointCloudLocalizer
    from gadet.localize.series import SeriesLocalizer
    from gadet.localize.video import VideoLocalizer
    from gadet.media.image import ImageAdapter
    from gadet.media.pointcloud import PointCloudAdapter
    from gadet.media.series import SeriesAdapter
    from gadet.media.video import VideoAdapter

    return {
        "image": Toolkit(ImageAdapter(), ImageExpert(), ImageLocalizer()),
        "series": Toolkit(SeriesAdapter(), SeriesExpert(), SeriesLocalizer()),
        "pointcloud": Toolkit(PointCloudAdapter(), PointCloudExpert(), PointCloudLocalizer()),
        "video": Toolkit(VideoAdapter(), VideoExpert(), VideoLocalizer()),
    }
