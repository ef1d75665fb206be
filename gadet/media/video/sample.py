"""A `VideoSample`: a loaded video, and pictures of it."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet._lazy import lazy
from gadet.errors import InputError
from gadet.geometry import Box
from gadet.media.video.activity import Activity
from gadet.media.video.clip import Clip
from gadet.media.video.grid import MOST_CELLS, cells_within, frames_within, grid_for
from gadet.media.video.looks import LOOKS, Look, drawn_as, trail_of
from gadet.media.video.sampling import by_scene, uniform
from gadet.media.video.sheet import Kind, Role, Tile, compose, cropped, label_of
from gadet.media.video.still import clock
from gadet.media.video.view import VideoView
from gadet.report import ItemInfo
from gadet.view import ViewLimits

__all__ = ["VideoSample"]

_SHEETS: Final = 4
_PER_SECOND: Final = 1.0  # frames of the first pictures, where there are few enough
_OF_REFERENCE: Final = 9
_TRAIL: Final = 24  # frames that a trail is made of


@dataclass(frozen=True, eq=False)
class VideoSample:
    """A loaded video.

    Native coordinates of a place are pixels of a frame; those of a moment are frames from 0 and
    seconds on the clip's own clock.

    Attributes:
        info: What it is and what was done to read it.
        clip: Its frames.
        normal_until: Up to when it is known to be normal, in seconds on the clip's own clock; None
            where nobody said.
    """

    info: ItemInfo
    clip: Clip = field(repr=False)
    normal_until: float | None = None

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.clip)

    @property
    def moments(self) -> str:
        """How moments are written in an answer: as the pictures write them."""
        return "seconds like 12.3 or times like 0:12.3"

    @property
    def words(self) -> str:
        """How long the video is, which its pictures do not say."""
        clip = self.clip
        last = len(clip) - 1
        return (
            f"The video lasts {clip.duration:.1f} s, from {clip.stamp(0)} to {clip.stamp(last)}: "
            f"{len(clip)} frames, {clip.rate:.3g} per second."
        )

    @lazy
    def activity(self) -> Activity:
        """How much changes when; looks through the whole clip once, at small size."""
        return Activity.of(self.clip)

    @lazy
    def pixels(self) -> npt.NDArray[np.uint8]:
        """The frame in the middle, `(H, W, 3)` uint8 RGB."""
        return self.clip.frames([self.clip.index_of((self.clip.start + self.clip.end) / 2)])[
            0
        ].pixels

    def views(self, limits: ViewLimits, *, role: Role = "item") -> tuple[VideoView, ...]:
        """Contact sheets of the whole clip, up to four, with more frames where something happens.

        A reference is shown on one sheet of a few frames: it says what is usual, not when.
        """
        if role == "reference":
            count = min(cells_within(self.clip.size, limits), _OF_REFERENCE)
            return (self.sheet(uniform(self.clip, count), limits, role=role),)
        return self.sheets(self.chosen(limits), limits)

    def chosen(
        self,
        limits: ViewLimits,
        pictures: int = _SHEETS,
        *,
        tokens: int | None = None,
        cost: Callable[[int, int], int] | None = None,
    ) -> list[int]:
        """The frames for a first look: one per second or more, as far as the pictures hold them.

        Args:
            limits: What the model takes as one picture.
            pictures: Most contact sheets.
            tokens: Most tokens for all of them; None is no bound.
            cost: The tokens of a picture by its width and height, needed with `tokens`.

        Raises:
            InputError: No picture, or tokens without their cost.
        """
        size = self.clip.size
        most = frames_within(size, limits, pictures=pictures, tokens=tokens, cost=cost)
        wanted = max(cells_within(size, limits), round(self.clip.duration * _PER_SECOND))
        return by_scene(self.activity, min(wanted, most))

    def sheets(
        self, frames: Sequence[int], limits: ViewLimits, *, look: Look = "plain"
    ) -> tuple[VideoView, ...]:
        """Frames on as many sheets as they take to be seen well, evenly filled."""
        each = cells_within(self.clip.size, limits)
        count = -(-len(frames) // each)
        parts = np.array_split(np.asarray(frames), count)
        return tuple(self.sheet(part.tolist(), limits, look=look) for part in parts)

    def sheet(
        self,
        frames: Sequence[int],
        limits: ViewLimits,
        *,
        look: Look = "plain",
        part: Box | None = None,
        role: Role = "item",
        kind: Kind = "clean",
    ) -> VideoView:
        """Frames side by side in the order of time, each below its number and time.

        Args:
            frames: Numbers of frames, up to 16.
            limits: What the model takes.
            look: `plain`, or for each frame what is different since the one before it on the sheet
                (`difference`), or how things move at that moment (`flow`).
            part: The part of each frame to show, in native pixels; None shows all.
            role: Whether the item is shown or a normal sample.
            kind: What the view is; one of part of the frame is a `zoom`.

        Raises:
            InputError: No frames, too many, one that there is not, another look, or a part beside
                the frame.
        """
        wanted = sorted(set(frames))
        if not 1 <= len(wanted) <= MOST_CELLS:
            raise InputError(f"expected 1 to {MOST_CELLS} frames on a sheet; got {len(wanted)}")
        if look not in LOOKS:
            raise InputError(f"expected look to be one of {', '.join(LOOKS)}; got {look!r}")
        box = self._part(part)
        native = (int(box.width), int(box.height))
        grid = grid_for(len(wanted), native, limits)
        size = self._read_size(box, grid.cell)
        drawn = drawn_as(look, self.clip, wanted, size)
        digits = _digits(self.clip.times[wanted])
        tiles = [
            Tile(
                still.index,
                still.seconds,
                cropped(still.pixels, box, self.clip.size),
                label_of(still.index, still.seconds, digits),
            )
            for still in drawn
        ]
        caption = self._caption(wanted, LOOKS[look])
        return compose(
            tiles, grid, box, self.clip.size, limits, role=role, kind=kind, caption=caption
        )

    def still_view(
        self,
        frame: int,
        limits: ViewLimits,
        *,
        look: Look = "plain",
        part: Box | None = None,
        role: Role = "item",
        kind: Kind = "clean",
    ) -> VideoView:
        """One frame, as large as it is worth; see `sheet`."""
        return self.sheet([frame], limits, look=look, part=part, role=role, kind=kind)

    def trail(
        self, start: int, stop: int, limits: ViewLimits, *, part: Box | None = None
    ) -> VideoView:
        """What moved during a stretch, on one picture, coloured by when it was there.

        The way back is exact: of each pixel that is coloured the view knows the frame it is from.

        Args:
            start: First frame.
            stop: Frame before which the stretch ends.
            limits: What the model takes.
            part: The part of the frame to show, in native pixels; None shows all.

        Raises:
            InputError: Frames that there are not, or a part beside the frame.
        """
        frames = uniform(self.clip, _TRAIL, start, stop)
        box = self._part(part)
        grid = grid_for(1, (int(box.width), int(box.height)), limits)
        stills = self.clip.frames(frames, self._read_size(box, grid.cell))
        pixels, latest = trail_of([cropped(still.pixels, box, self.clip.size) for still in stills])
        first, last = stills[0], stills[-1]
        when = f"{clock(first.seconds)} blue to {clock(last.seconds)} red"
        tile = Tile(first.index, first.seconds, pixels, f"#{first.index} to #{last.index}  {when}")
        caption = (
            f"what moved from {clock(first.seconds)} to {clock(last.seconds)}, coloured by time "
            "from blue over green to red; what stood still is grey"
        )
        joined = tuple((still.index, still.seconds) for still in stills)
        return compose(
            [tile],
            grid,
            box,
            self.clip.size,
            limits,
            caption=caption,
            latest=latest,
            joined=joined,
        )

    def preview(self, max_side: int = 1024) -> bytes:
        """A JPEG file of at most `max_side` pixels for people to look at."""
        size = ViewLimits(max_side=max_side, max_pixels=max_side**2).fit(*self.clip.size)
        buffer = io.BytesIO()
        picture = Image.fromarray(self.pixels).resize(size, Image.Resampling.LANCZOS)
        picture.save(buffer, format="JPEG", quality=85)
        return buffer.getvalue()

    def _part(self, part: Box | None) -> Box:
        """The part to show in whole native pixels."""
        width, height = self.clip.size
        if part is None:
            return Box.of(0, 0, width, height)
        x0, y0, x1, y1 = part.rounded_out()
        inside = Box.of(x0, y0, x1, y1).clipped(width, height)
        if inside is None:
            raise InputError(
                f"expected a part within the frame of {width} x {height} pixels; got one beside it"
            )
        return inside

    def _read_size(self, part: Box, cell: tuple[int, int]) -> tuple[int, int]:
        """The size that whole frames are read at: no larger than the part is shown at."""
        width, height = self.clip.size
        if (part.width, part.height) != (width, height):
            return width, height  # a part of whole pixels is cut exactly at native size only
        return min(cell[0], width), min(cell[1], height)

    def _caption(self, frames: Sequence[int], look: str) -> str:
        digits = _digits(self.clip.times[list(frames)])
        first, last = (self.clip.stamp(frame, digits) for frame in (frames[0], frames[-1]))
        if len(frames) == 1:
            return f"{look}frame {frames[0]} at {first}"
        return (
            f"{look}{len(frames)} frames in the order of time, row by row, from {first} to {last}; "
            "above each are its number and its time"
        )


def _digits(times: npt.NDArray[np.float64]) -> int:
    """Digits after the second with which the times of neighbours differ."""
    steps = np.diff(times)
    least = float(steps.min()) if len(steps) else 1.0
    return 1 if least > 0.099 else 2 if least > 0.0099 else 3
