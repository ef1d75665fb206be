"""How a plot is laid out: how large its letters are, and where its strips lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gadet.view import ViewLimits

__all__ = ["MOST_PANELS", "Layout", "Strip", "laid_out", "room_for"]

MOST_PANELS: Final = 8
"""Most channels in one picture."""

_LETTERS: Final = (11, 22)  # pixels: less is not read, more takes the room of the data
_LETTER_SHARE: Final = 1 / 66
_SMALLEST: Final = 320  # narrower pictures are drawn larger and made smaller
_TITLE: Final = 1.5  # in heights of a letter, like all that follow
_GAP: Final = 0.7
_HEADER: Final = 1.5
_FOOTER: Final = 4.9
_LEAST_STRIP: Final = 6.5
_ONE: Final = 0.40  # of the width
_MANY: Final = 0.15


@dataclass(frozen=True)
class Strip:
    """The place of one panel in pixels: its title, and below it the box of its axes."""

    top: float
    bottom: float
    axes_top: int
    axes_bottom: int


@dataclass(frozen=True)
class Layout:
    """The places of everything but the left edge of the axes, which depends on the labels.

    Attributes:
        width: Width of the drawing in pixels.
        height: Height of the drawing.
        size: `(width, height)` of the finished picture, smaller when it is made smaller.
        letter: Size of the letters.
        strips: The panels from the top.
        right: Right edge of the axes.
    """

    width: int
    height: int
    size: tuple[int, int]
    letter: float
    strips: tuple[Strip, ...]
    right: int


def room_for(limits: ViewLimits, header: int, extras: int) -> int:
    """How many channels have room in a picture, from 1 to `MOST_PANELS`.

    Args:
        limits: What the model takes.
        header: Lines above the panels.
        extras: Panels that are no channels.
    """
    width, height = _drawn(limits.fit(limits.max_side, limits.max_side))
    letter = _letter(width)
    free = height / letter - header * _HEADER - _FOOTER - extras * _LEAST_STRIP
    return min(max(int(free / _LEAST_STRIP), 1), MOST_PANELS)


def laid_out(limits: ViewLimits, channels: int, header: int, extras: Sequence[float]) -> Layout:
    """Lay out a plot.

    Args:
        limits: What the model takes.
        channels: Number of panels of channels.
        header: Lines above the panels.
        extras: Heights of further panels, relative to that of a channel.
    """
    wide = limits.max_side
    share = _ONE if channels == 1 else _MANY
    around = (header * _HEADER + _FOOTER) * _letter(_drawn((wide, wide))[0])
    weight = channels + sum(extras)
    each = max(share * wide, _LEAST_STRIP * _letter(wide))
    size = limits.fit(wide, min(wide, max(1, round(around + weight * each))))
    width, height = _drawn(size)
    letter = _letter(width)
    top = header * _HEADER * letter + 0.3 * letter
    pitch = max(height - top - _FOOTER * letter, 1.0) / weight
    strips = []
    for height_of in (*(1.0 for _ in range(channels)), *extras):
        bottom = top + height_of * pitch
        title, low = round(top + _TITLE * letter), round(bottom - _GAP * letter)
        strips.append(Strip(top, bottom, min(title, low - 4), low))
        top = bottom
    return Layout(width, height, size, letter, tuple(strips), width - round(1.4 * letter))


def _letter(width: int) -> float:
    return float(min(max(round(width * _LETTER_SHARE), _LETTERS[0]), _LETTERS[1]))


def _drawn(size: tuple[int, int]) -> tuple[int, int]:
    times = -(-_SMALLEST // size[0])
    return size[0] * times, size[1] * times
