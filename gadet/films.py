"""Draws the clips of the sample data: places seen by a fixed camera, and what may happen there.

Each function draws one kind of place with a seeded generator, with whatever events are named, and
says in which frames they are and where.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from gadet.geometry import Box
from gadet.media.video import VideoInput

__all__ = ["RATE", "SIZE", "Film", "road", "walkway"]

Events = tuple[str, ...]
Colour = tuple[int, int, int]
Draw = Callable[[ImageDraw.ImageDraw, float, float], None]

SIZE: Final = (288, 180)
"""Width and height of a frame in pixels."""
RATE: Final = 10.0
_SECONDS: Final = 9.0
_FINE: Final = 2
_CLOTHES: Final = ("#31425e", "#7b3030", "#3d5a3c", "#6b5a3a", "#4a3a5e", "#8a8378", "#2b2b30")
_PAINT: Final = ("#8c2f2b", "#c9c9c4", "#2e4a6b", "#3a3f45", "#b8b4a8", "#59684b")


@dataclass(frozen=True, eq=False)
class Film:
    """A clip, and what is unusual in it.

    Attributes:
        frames: uint8 `(T, H, W, 3)`, RGB.
        boxes: Of each frame the box around what is unusual, native pixels; None where nothing is.
    """

    frames: npt.NDArray[np.uint8] = field(repr=False)
    boxes: tuple[Box | None, ...] = field(repr=False)

    @property
    def item(self) -> VideoInput:
        """The clip as it is given to a detector."""
        return VideoInput(self.frames, rate=RATE)

    @property
    def truth(self) -> npt.NDArray[np.bool_]:
        """`(T,)` bool, the frames in which something unusual is seen."""
        return np.array([box is not None for box in self.boxes])


@dataclass(frozen=True, eq=False)
class _Mover:
    """Something that crosses the picture.

    Attributes:
        x: Where its middle is at a moment in seconds, in pixels.
        foot: Where it touches the ground, in pixels from the top.
        size: `(width, height)` in pixels.
        draw: Draws it, given the moment and where its middle is.
        unusual: Whether it is what the clip is about.
    """

    x: Callable[[float], float]
    foot: float
    size: tuple[float, float]
    draw: Draw
    unusual: bool = False

    def box(self, moment: float) -> Box | None:
        """The part of it that is in the picture; None when less than a third of it is."""
        middle, (width, height) = self.x(moment), self.size
        whole = Box.of(middle - width / 2, self.foot - height, middle + width / 2, self.foot)
        seen = whole.clipped(*SIZE)
        return seen if seen is not None and seen.area > whole.area / 3 else None


def walkway(random: np.random.Generator, events: Events) -> Film:
    """People who walk along a path across a lawn; with `cyclist`, somebody who rides there."""
    lawn = _textured((96, 122, 74), 9)
    pen = ImageDraw.Draw(lawn)
    for top, bottom, shade in ((62, 172, "#a39c8f"), (66, 168, "#b5aea0")):
        pen.rectangle((0, top * _FINE, SIZE[0] * _FINE, bottom * _FINE), fill=shade)
    for x in range(-20, SIZE[0], 36):
        slab = ((x + 30) * _FINE, 66 * _FINE, x * _FINE, 168 * _FINE)
        pen.line(slab, fill="#a9a294", width=_FINE)
    movers = [_walker(random, number) for number in range(7)]
    if "cyclist" in events:
        movers.append(_cyclist(random))
    return _filmed(random, lawn, movers)


def road(random: np.random.Generator, events: Events) -> Film:
    """A road with a lane for each direction; with `wrong way`, one races up the wrong lane."""
    verge = _textured((104, 116, 88), 8)
    pen = ImageDraw.Draw(verge)
    width = SIZE[0] * _FINE
    pen.rectangle((0, 58 * _FINE, width, 146 * _FINE), fill="#6f7174")
    for y in (60, 142):
        pen.line((0, y * _FINE, width, y * _FINE), fill="#d9d6cc", width=2 * _FINE)
    for x in range(0, SIZE[0], 26):
        pen.rectangle((x * _FINE, 100 * _FINE, (x + 14) * _FINE, 102 * _FINE), fill="#d9d6cc")
    wrong = "wrong way" in events
    movers = [_car(random, start, 92.0, -1) for start in (-4.6, -2.4, 0.3, 2.6, 4.6, 7.0)]
    movers += [
        _car(random, start, 134.0, 1)
        for start in (-5.0, -2.7, 0.0, 2.2, 4.6, 7.0)
        # Nobody drives into the one who comes the wrong way.
        if not wrong or start not in (0.0, 2.2, 4.6)
    ]
    if wrong:
        movers.append(_car(random, 3.4, 134.0, -1, racing=True))
    return _filmed(random, verge, movers)


def _textured(colour: Colour, grain: float) -> Image.Image:
    """A ground of one colour with the grain of grass, the same in all clips of a place."""
    random = np.random.default_rng(1)
    width, height = SIZE
    speckle = random.normal(0, grain, (height, width, 1)) + random.normal(0, 3, (height, width, 3))
    ground = np.clip(np.array(colour) + speckle, 0, 255).astype(np.uint8)
    return Image.fromarray(ground).resize((width * _FINE, height * _FINE), Image.Resampling.BICUBIC)


def _filmed(random: np.random.Generator, ground: Image.Image, movers: list[_Mover]) -> Film:
    """Film what moves over a ground, what is farther away first."""
    movers = sorted(movers, key=lambda mover: mover.foot)
    moments = np.arange(round(_SECONDS * RATE)) / RATE
    frames = np.stack([_frame(random, ground, movers, float(moment)) for moment in moments])
    unusual = next((mover for mover in movers if mover.unusual), None)
    boxes = tuple(unusual.box(float(moment)) if unusual else None for moment in moments)
    return Film(frames, boxes)


def _frame(
    random: np.random.Generator, ground: Image.Image, movers: list[_Mover], moment: float
) -> npt.NDArray[np.uint8]:
    picture = ground.copy()
    pen = ImageDraw.Draw(picture)
    for mover in movers:
        mover.draw(pen, moment, mover.x(moment))
    small = picture.resize(SIZE, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(0.4))
    noise = random.normal(0, 2.0, (SIZE[1], SIZE[0], 1))
    return np.clip(np.rint(np.asarray(small) + noise), 0, 255).astype(np.uint8)


def _walker(random: np.random.Generator, number: int) -> _Mover:
    """Somebody who walks, smaller the farther away."""
    foot = 84.0 + 12.5 * number + random.uniform(-3, 3)
    scale = _scale(foot)
    heading = 1 if number % 2 else -1
    speed = heading * random.uniform(20, 27) * scale
    start = random.uniform(0.05, 0.95) * SIZE[0]
    if abs(speed) * _SECONDS > SIZE[0] / 2:
        start -= heading * 0.3 * SIZE[0]
    coat, legs = (random.choice(_CLOTHES) for _ in range(2))
    pace, height = random.uniform(5.2, 6.2), 34 * scale

    def draw(pen: ImageDraw.ImageDraw, moment: float, x: float) -> None:
        swing = 0.16 * height * math.sin(pace * moment + number)
        hip = foot - 0.47 * height
        for step in (-swing, swing):
            _line(pen, (x, hip), (x + step, foot), legs, 0.11 * height)
            _line(pen, (x, foot - 0.78 * height), (x - 0.7 * step, hip), coat, 0.07 * height)
        _oval(pen, x, foot - 0.64 * height, 0.13 * height, 0.21 * height, coat)
        _oval(pen, x, foot - 0.92 * height, 0.075 * height, 0.085 * height, "#c49a7a")

    return _Mover(_moving(start, speed), foot, (0.4 * height, height), draw)


def _cyclist(random: np.random.Generator) -> _Mover:
    """Somebody who rides a bicycle, three times as fast as people walk."""
    foot = 128.0
    height = 37 * _scale(foot)
    wheel = 0.24 * height

    def draw(pen: ImageDraw.ImageDraw, moment: float, x: float) -> None:
        hub, saddle, bar = foot - wheel, (x - 0.13 * height, foot - 0.56 * height), 0.26 * height
        for side in (-1, 1):
            _ring(pen, x + side * 0.34 * height, hub, wheel, 0.05 * height)
        _line(pen, (x - 0.34 * height, hub), (x + 0.05 * height, hub), "#20242a", 0.05 * height)
        _line(pen, (x + 0.05 * height, hub), (x + bar, foot - 0.6 * height), "#20242a", 2.0)
        turn = 9.0 * moment
        for phase in (0.0, math.pi):
            pedal = (
                x + 0.02 * height + 0.12 * height * math.cos(turn + phase),
                hub + 0.12 * height * math.sin(turn + phase),
            )
            _line(pen, saddle, pedal, "#2f3440", 0.1 * height)
        shoulder = (x + 0.12 * height, foot - 0.82 * height)
        _line(pen, saddle, shoulder, "#b4471f", 0.18 * height)
        _line(pen, shoulder, (x + bar, foot - 0.6 * height), "#b4471f", 0.07 * height)
        _oval(pen, x + 0.2 * height, foot - 0.92 * height, 0.085 * height, 0.09 * height, "#22303c")

    speed = random.uniform(72, 78) * _scale(foot)
    return _Mover(_moving(-3.2 * speed, speed), foot, (1.16 * height, height), draw, unusual=True)


def _car(
    random: np.random.Generator, start: float, foot: float, heading: int, *, racing: bool = False
) -> _Mover:
    """A car that enters the picture `start` seconds after the beginning.

    One that is racing is twice as fast as the others.
    """
    paint = str(random.choice(_PAINT))
    length, height = random.uniform(46, 54), random.uniform(18, 21)
    speed = (64.0 + random.uniform(-2, 2)) * (2.1 if racing else 1)
    edge = -length / 2 if heading > 0 else SIZE[0] + length / 2

    def draw(pen: ImageDraw.ImageDraw, moment: float, x: float) -> None:
        front = x + heading * length / 2
        body = (x - length / 2, foot - 0.68 * height, x + length / 2, foot - 0.12 * height)
        roof = (
            x - 0.28 * length - 2 * heading,
            foot - height,
            x + 0.24 * length,
            foot - height / 2,
        )
        _block(pen, roof, paint, 5)
        window = (roof[0] + 4, roof[1] + 3, roof[2] - 4, foot - 0.62 * height)
        _block(pen, window, "#2c3a44", 2)
        _block(pen, body, paint, 4)
        for side in (-0.3, 0.3):
            _oval(pen, x + side * length, foot - 4, 4.4, 4.4, "#17181a")
        _oval(pen, front - heading * 2, foot - 0.5 * height, 1.8, 1.6, "#f2e6b8")

    x = _moving(edge - heading * speed * start, heading * speed)
    return _Mover(x, foot, (length, height), draw, racing)


def _scale(foot: float) -> float:
    """How large things are whose foot is at a height of the picture: nearer ones are larger."""
    return 0.55 + 0.6 * (foot - 66) / 102


def _moving(start: float, speed: float) -> Callable[[float], float]:
    return lambda moment: start + speed * moment


def _scaled(*values: float) -> Iterator[float]:
    return (value * _FINE for value in values)


def _line(
    pen: ImageDraw.ImageDraw,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: str,
    width: float,
) -> None:
    pen.line(list(_scaled(*start, *end)), fill=colour, width=max(1, round(width * _FINE)))


def _oval(
    pen: ImageDraw.ImageDraw, x: float, y: float, across: float, down: float, colour: str
) -> None:
    pen.ellipse(list(_scaled(x - across, y - down, x + across, y + down)), fill=colour)


def _ring(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, width: float) -> None:
    box = list(_scaled(x - radius, y - radius, x + radius, y + radius))
    pen.ellipse(box, outline="#1d2024", width=max(1, round(width * _FINE)))


def _block(
    pen: ImageDraw.ImageDraw, box: tuple[float, float, float, float], colour: str, round_: float
) -> None:
    pen.rounded_rectangle(list(_scaled(*box)), fill=colour, radius=round_ * _FINE)
