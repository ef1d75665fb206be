"""Drawings for the sample data: five kinds of things, and what can be wrong with them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

__all__ = [
    "FINE",
    "Defects",
    "Sheet",
    "bottle_top",
    "brushed_metal",
    "circuit_board",
    "parts_tray",
    "woven_fabric",
]

Floats = npt.NDArray[np.floating[Any]]
Defects = tuple[str, ...]

FINE: Final = 2
"""Pictures are drawn this many times larger and then reduced, which smooths their edges."""


@dataclass
class Sheet:
    """A drawing in progress: the picture, its truth mask and its source of chance.

    Attributes:
        side: Length of the drawing's sides in its own units, the pixels of the finished picture.
        random: What varies from one picture of the same scene to the next.
        picture: RGB, `FINE` times as large as `side`.
        truth: L, the same size; 255 where a defect is.
    """

    side: int
    random: np.random.Generator
    picture: Image.Image = field(init=False)
    truth: Image.Image = field(init=False)

    def __post_init__(self) -> None:
        """Start with black and an empty mask."""
        size = (self.side * FINE, self.side * FINE)
        self.picture = Image.new("RGB", size)
        self.truth = Image.new("L", size)

    @property
    def axes(self) -> tuple[Floats, Floats]:
        """Coordinates `(y, x)` of the pixels in units of the drawing, broadcasting to `(H, W)`."""
        steps = ((np.arange(self.side * FINE) + 0.5) / FINE).astype(np.float32)
        return steps[:, None], steps[None, :]

    def cover(self, colour: Floats, where: Floats | None = None) -> None:
        """Paint an array `(H, W, 3)` or one colour, in 0 … 255, with opacity `where` in [0, 1]."""
        paint = np.broadcast_to(colour, (self.side * FINE, self.side * FINE, 3))
        coat = Image.fromarray(np.clip(np.rint(paint), 0, 255).astype(np.uint8))
        if where is None:
            self.picture = coat
        else:
            self.picture.paste(coat, mask=Image.fromarray(np.rint(where * 255).astype(np.uint8)))

    def window(self, left: int, top: int, side: int) -> Sheet:
        """A square part of the drawing as a drawing of its own; `put_back` returns it."""
        part = Sheet(side, self.random)
        box = (left * FINE, top * FINE, (left + side) * FINE, (top + side) * FINE)
        part.picture, part.truth = self.picture.crop(box), self.truth.crop(box)
        return part

    def put_back(self, part: Sheet, left: int, top: int) -> None:
        """Put a part that `window` took where it came from."""
        self.picture.paste(part.picture, (left * FINE, top * FINE))
        self.truth.paste(part.truth, (left * FINE, top * FINE))

    def mark(self, where: Floats) -> None:
        """Add to the truth mask where the opacity of a defect is over a half."""
        truth = np.asarray(self.truth) | np.where(where > 0.5, 255, 0).astype(np.uint8)
        self.truth = Image.fromarray(truth)

    def line(
        self, points: list[tuple[float, float]], width: float, colour: str, *, truth: bool = False
    ) -> None:
        """Draw a line with round ends."""
        scaled = [(x * FINE, y * FINE) for x, y in points]
        radius = width * FINE / 2
        for image, ink in ((self.picture, colour), (self.truth, 255)):
            if image is self.truth and not truth:
                continue
            draw = ImageDraw.Draw(image)
            draw.line(scaled, fill=ink, width=round(width * FINE), joint="curve")
            for x, y in scaled:
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)

    def disc(self, x: float, y: float, radius: float, colour: str) -> None:
        """Draw a filled circle."""
        box = [value * FINE for value in (x - radius, y - radius, x + radius, y + radius)]
        ImageDraw.Draw(self.picture).ellipse(box, fill=colour)

    def box(
        self, box: tuple[float, float, float, float], colour: str, *, round_: float = 0
    ) -> None:
        """Draw a filled rectangle with round corners."""
        scaled = [value * FINE for value in box]
        ImageDraw.Draw(self.picture).rounded_rectangle(scaled, round_ * FINE, fill=colour)


def _noise(random: np.random.Generator, size: tuple[int, int], cells: tuple[int, int]) -> Floats:
    """Smooth noise `(H, W)` with a standard deviation of one, from `cells` `(rows, columns)`."""
    grid = Image.fromarray(random.standard_normal(cells).astype(np.float32))
    smooth: Floats = np.array(grid.resize(size[::-1], Image.Resampling.BICUBIC))
    smooth -= smooth.mean()
    smooth /= smooth.std()
    return smooth


def _blob(sheet: Sheet, x: float, y: float, radius: float, seed: int, soft: float) -> Floats:
    """The opacity `(H, W)` of a spot with an uneven edge that is `soft` units wide."""
    ys, xs = sheet.axes
    angle = np.arctan2(ys - y, xs - x)
    random = np.random.default_rng(seed)
    edge = radius * np.ones_like(angle)
    for wave in range(2, 8):
        height, phase = random.uniform(0.3, 1.0), random.uniform(0, 2 * math.pi)
        edge += radius * 0.22 / wave**0.7 * height * np.sin(wave * angle + phase)
    return _step(edge - np.hypot(ys - y, xs - x), soft)


def _step(distance: Floats, soft: float) -> Floats:
    """0 outside, 1 inside, with a smooth edge `soft` units wide."""
    level = np.clip(distance / soft + 0.5, 0.0, 1.0)
    return np.asarray(level * level * (3 - 2 * level), dtype=np.float32)


def _tint(red: float, green: float, blue: float) -> Floats:
    return np.array([red, green, blue], dtype=np.float32)


def _rgb(text: str) -> Floats:
    return np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float32)


def circuit_board(sheet: Sheet, defects: Defects) -> None:
    """Traces, pads and a chip's footprint under green solder mask."""
    size = sheet.picture.size
    laminate = _noise(np.random.default_rng(11), size, (90, 90))
    sheet.cover(_rgb("#0f4a33") + laminate[..., None] * _tint(1.2, 2.2, 1.6))
    copper, metal, hole = "#2f8a5c", "#c9b878", "#1b211d"
    traces: list[list[tuple[float, float]]] = []
    for i in range(4):
        # The outer trace of a bend lands farthest, so that none crosses another.
        x, y = 204.5 - 18 * i, 52 + 16 * i
        traces.append([(-9, y), (x - 24, y), (x, y + 24), (x, 148)])
        x, y = 150.5 + 18 * i, 336 - 12 * i
        traces.append([(x, 244), (x, y), (409, y)])
        traces.append([(252, 150 + 18 * i), (300 + 10 * i, 150 + 18 * i), (340, 110 + 28 * i)])
        traces.append([(128, 232 - 18 * i), (76, 232 - 18 * i), (44, 264 - 40 * i)])
    traces += [[(44, 310), (44, 350), (120, 350)], [(250, 40), (280, 40), (310, 70), (409, 70)]]
    for trace in traces:
        sheet.line(trace, 5, copper)
    pads = [(44, 264 - 40 * i) for i in range(4)] + [(340, 110 + 28 * i) for i in range(4)]
    pads += [(44, 310), (120, 350), (250, 40), (330, 250), (90, 296)]
    for x, y in pads:
        sheet.disc(x, y, 10, metal)
        sheet.disc(x, y, 4.5, hole)
    sheet.box((132, 150, 250, 244), "#0c3d2a", round_=3)
    for i in range(4):
        for y in (142, 236):
            sheet.box((146 + 18 * i, y, 155 + 18 * i, y + 17), metal, round_=1.5)
        for x in (123, 240):
            sheet.box((x, 146 + 18 * i, x + 17, 155 + 18 * i), metal, round_=1.5)
    sheet.box((158, 168, 224, 226), "#16181a", round_=3)
    sheet.disc(167, 177, 3, "#3c4146")
    for x, y in ((300, 30), (300, 340), (80, 110)):
        sheet.box((x, y, x + 10, y + 16), metal)
        sheet.box((x + 24, y, x + 34, y + 16), metal)
        sheet.box((x + 9, y + 1, x + 25, y + 15), "#8a6a4a")
    if "open" in defects:
        sheet.line([(294, 312), (305, 312)], 7, "#0f4a33", truth=True)
    if "short" in defects:
        sheet.line([(56, 70), (58, 82)], 5, copper, truth=True)
    if "spur" in defects:
        sheet.line([(284, 186), (287, 197)], 4, copper, truth=True)


def brushed_metal(sheet: Sheet, defects: Defects) -> None:
    """A turned hole in a plate brushed from left to right."""
    size = sheet.picture.size
    ys, xs = sheet.axes
    grain = _noise(sheet.random, size, (size[1] // 2, 7)) * 5
    grain += _noise(sheet.random, size, (size[1], 40)) * 4
    light = 168 + 26 * np.sin((xs * 0.9 + ys * 0.5) / 150 + 0.4)
    plate = (light + grain)[..., None] * _tint(0.98, 1.0, 1.03)
    sheet.cover(plate)
    centre = sheet.side * 0.5
    distance, angle = np.hypot(ys - centre, xs - centre), np.arctan2(ys - centre, xs - centre)
    bevel = 150 + 75 * np.cos(angle + 2.2)
    sheet.cover(np.repeat(bevel[..., None], 3, axis=2), _step(62 - distance, 1.5))
    bore = 34 + 16 * np.cos(angle - 0.9) * np.minimum(distance / 30, 1) + 0.3 * distance
    sheet.cover(np.repeat(bore[..., None], 3, axis=2), _step(54 - distance, 1.5))
    if "scratch" in defects:
        along: Floats = np.clip((xs - 232) / 84, 0, 1) + 0 * ys
        course = 262 + 40 * along**1.25 + 2.5 * np.sin(along * 7)
        inside = _step(np.minimum(xs - 232, 316 - xs), 6)
        width: Floats = 0.7 + 1.3 * np.sin(along * math.pi)
        groove = inside * _step(width - np.abs(ys - course), 1.0)
        ridge = inside * _step(width * 0.8 - np.abs(ys - course - 1.9), 1.2)
        sheet.cover(_rgb("#f4f6f8"), 0.8 * ridge)
        sheet.cover(_rgb("#4c4f52"), 0.85 * groove)
        sheet.mark(np.maximum(groove, ridge))


def bottle_top(sheet: Sheet, defects: Defects) -> None:
    """The mouth of a brown glass bottle, seen from above on a light table."""
    ys, xs = sheet.axes
    centre = sheet.side / 2
    distance, angle = np.hypot(ys - centre, xs - centre), np.arctan2(ys - centre, xs - centre)
    table = 226 + 0.03 * (ys - xs) + _noise(sheet.random, sheet.picture.size, (6, 6)) * 1.5
    sheet.cover(table[..., None] * _tint(1.0, 0.995, 0.98))
    shadow = _step(146 - np.hypot(ys - centre - 7, xs - centre - 6), 26)
    sheet.cover(_rgb("#8d857b"), 0.55 * shadow)
    # Shoulder, outer wall, lip and mouth, each a ring with its own light.
    for radius, colour, swing, turn in (
        (138, "#3a1d0c", 26, 0.6),
        (124, "#6b3a16", 34, 2.4),
        (112, "#a8682c", 46, 0.7),
        (98, "#53290f", 24, 3.6),
        (86, "#1a0d07", 7, 0.5),
    ):
        light = swing * (np.cos(angle - turn) + 0.4 * np.cos(2 * angle + turn))
        ring = _rgb(colour) + light[..., None] * _tint(1.0, 0.75, 0.5)
        sheet.cover(ring, _step(radius - distance, 2.5))
    for turn, radius, spread, strength in ((-2.3, 117, 0.26, 0.9), (0.9, 105, 0.18, 0.6)):
        gap = np.abs((angle - turn + math.pi) % (2 * math.pi) - math.pi)
        shine = _step(spread - gap, 0.25) * _step(4 - np.abs(distance - radius), 4)
        sheet.cover(_rgb("#fff4df"), strength * shine)
    floor = _step(80 - distance, 30) * (
        0.5 + 0.5 * np.cos(angle + 0.8) * np.minimum(distance / 40, 1)
    )
    sheet.cover(_rgb("#3b2415"), 0.5 * floor)
    if "contamination" in defects:
        spot = _blob(sheet, centre - 26, centre + 18, 25, 5, 3.0)
        mould = _noise(np.random.default_rng(3), sheet.picture.size, (60, 60))
        sheet.cover(_rgb("#a9ab8b") + mould[..., None] * 16, 0.92 * spot)
        sheet.mark(spot)
    if "chip" in defects:
        # A piece broken out of the lip: the table shows through, light catches the broken face.
        inside = _step(139 - distance, 1.0)
        spot = _blob(sheet, centre + 97, centre - 92, 27, 8, 1.5) * inside
        hole = _blob(sheet, centre + 101, centre - 97, 23, 8, 1.5) * inside
        facets = _noise(np.random.default_rng(9), sheet.picture.size, (70, 70))
        sheet.cover(_rgb("#b98750") + facets[..., None] * _tint(30, 28, 24), spot)
        sheet.cover(_rgb("#cfcac2"), hole)
        sheet.mark(spot)


_PARTS: Final = ("nut", "washer", "nut", "washer", "nut", "washer")


def parts_tray(sheet: Sheet, defects: Defects) -> None:
    """Six compartments that hold nuts and washers in turn."""
    plastic = _noise(np.random.default_rng(21), sheet.picture.size, (120, 120))
    sheet.cover(_rgb("#3d4854") + plastic[..., None] * 1.6)
    parts = list(_PARTS)
    if "missing" in defects:
        parts[4] = ""
    if "swapped" in defects:
        parts[2] = "washer"
    for place, part in enumerate(parts):
        column, row = place % 3, place // 3
        left, top = 26 + 118 * column, 72 + 138 * row
        sheet.box((left - 4, top - 4, left + 108, top + 124), "#56626f", round_=12)
        sheet.box((left, top, left + 104, top + 120), "#262d35", round_=9)
        sheet.box((left + 4, top + 8, left + 100, top + 117), "#303943", round_=7)
        # The parts lie in moulded seats, which leave them little play.
        x = left + 52 + sheet.random.uniform(-0.7, 0.7)
        y = top + 61 + sheet.random.uniform(-0.7, 0.7)
        turn = sheet.random.uniform(-0.02, 0.02)
        if part:
            cell = sheet.window(left, top + 8, 104)
            _part(cell, part, x - left, y - top - 8, turn)
            sheet.put_back(cell, left, top + 8)
        if part != _PARTS[place]:
            ys, xs = sheet.axes
            sheet.mark(_step(38 - np.hypot(ys - top - 61, xs - left - 52), 0.5))


def _part(sheet: Sheet, part: str, x: float, y: float, turn: float) -> None:
    """A hexagonal nut or a flat washer with light from the upper left."""
    ys, xs = sheet.axes
    dy, dx = ys - y, xs - x
    distance, angle = np.hypot(dy, dx), np.arctan2(dy, dx)
    sheet.cover(_rgb("#0b0d10"), 0.6 * _step(39 - np.hypot(dy - 5, dx - 4), 10))
    if part == "nut":
        sector = (angle - turn + math.pi / 6) % (math.pi / 3) - math.pi / 6
        outline = 32 - distance * np.cos(sector)
        side = np.floor((angle - turn + math.pi / 6) / (math.pi / 3))
        facet = 150 + 46 * np.cos(side * math.pi / 3 + 2.4)
        sheet.cover(facet[..., None] * _tint(1.0, 0.98, 0.94), _step(outline, 1.2))
        top = 196 + 18 * np.cos(angle + 2.4)
        sheet.cover(top[..., None] * _tint(1.0, 0.98, 0.95), _step(29 - distance, 1.5))
        thread = 88 + 50 * np.cos(angle - 0.8) + 22 * np.cos(distance * 2.1)
        sheet.cover(np.repeat(thread[..., None], 3, axis=2), _step(18 - distance, 1.2))
        sheet.cover(_rgb("#1c2128"), _step(14 - distance, 1.2))
    else:
        rings = 4 * np.cos(distance * 3.0)
        brass = 1 + 0.16 * np.cos(angle + 2.4) + 0.1 * np.cos(2 * angle - 0.5)
        colour = _rgb("#c99b45") * brass[..., None] + rings[..., None]
        sheet.cover(colour, _step(36 - distance, 1.2))
        sheet.cover(_rgb("#6d4f1c"), 0.8 * _step(2 - np.abs(distance - 20), 1.5))
        sheet.cover(_rgb("#262d35"), _step(19 - distance, 1.2))


def woven_fabric(sheet: Sheet, defects: Defects) -> None:
    """A plain weave of two coarse threads."""
    ys, xs = sheet.axes
    bend_x = 0.5 * _noise(sheet.random, sheet.picture.size, (8, 8))
    bend_y = 0.5 * _noise(sheet.random, sheet.picture.size, (8, 8))
    pitch = 8.0
    u, v = (xs + bend_x) / pitch, (ys + bend_y) / pitch
    warp_up = (np.floor(u) + np.floor(v)) % 2 == 0
    across, along = np.where(warp_up, u, v) % 1 - 0.5, np.where(warp_up, v, u) % 1 - 0.5
    height = np.maximum(np.cos(across * math.pi), 0) ** 0.7 * (
        0.62 + 0.38 * np.cos(along * math.pi)
    )
    twist = 0.06 * np.sin(2 * math.pi * (along * 2.5 + across * 2.0))
    thread = np.where(warp_up, 1.0, 0.9)
    thread = thread + 0.045 * _noise(sheet.random, sheet.picture.size, (128, 128))
    value = (0.34 + 0.66 * height + twist) * thread
    sheet.cover(_rgb("#c9bfa8") * value[..., None])
    if "stain" in defects:
        spot = _blob(sheet, 208, 118, 34, 14, 12.0)
        rim = spot * (1 - _blob(sheet, 208, 118, 30, 14, 10.0))
        soaked = np.asarray(sheet.picture) * _tint(0.62, 0.47, 0.36)
        sheet.cover(soaked, np.clip(0.8 * spot + 0.35 * rim, 0, 1))
        sheet.mark(spot)
