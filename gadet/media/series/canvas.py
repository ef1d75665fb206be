"""A `Canvas`: lines, boxes and words at exact pixels, through matplotlib's Agg renderer.

`pyplot` and its global state are not used, and no setting of the process is read that would change
what is drawn: everything has its place in pixels, the origin is the top left corner, y points down.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.media.series.needs import needed

__all__ = ["Canvas", "Span"]

Floats = npt.NDArray[np.floating[Any]]
Span = tuple[float, float, float, float]
"""A box `x0, y0, x1, y1` in pixels."""

_DPI: Final = 72.0  # a point is a pixel
_ACROSS: Final = {"left": "left", "middle": "center", "right": "right"}
_FEATURE: Final = "Plotting a series"


class Canvas:
    """A white picture that is drawn on.

    Args:
        width: Width in pixels.
        height: Height in pixels.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """

    def __init__(self, width: int, height: int) -> None:
        agg = needed("matplotlib.backends.backend_agg", _FEATURE)
        figure = needed("matplotlib.figure", _FEATURE)
        size = (width / _DPI, height / _DPI)
        self.width, self.height = width, height
        self._figure = figure.Figure(
            figsize=size, dpi=_DPI, facecolor="white", edgecolor="white", layout="none"
        )
        self._agg = agg.FigureCanvasAgg(self._figure)
        self._lines = needed("matplotlib.lines", _FEATURE)
        self._patches = needed("matplotlib.patches", _FEATURE)
        self._here = needed("matplotlib.transforms", _FEATURE).IdentityTransform()
        self._layer = 0

    def line(
        self,
        xs: Floats | Sequence[float],
        ys: Floats | Sequence[float],
        colour: str,
        width: float,
        *,
        dots: float = 0.0,
        dashed: bool = False,
        within: Span | None = None,
    ) -> None:
        """Draw a line through points `(N,)`; NaN breaks it.

        Args:
            xs: Places from the left.
            ys: Places from the top.
            colour: Any colour that matplotlib knows.
            width: Width of the line, 0 for none.
            dots: Diameter of a dot at each point, 0 for none.
            dashed: Whether it is drawn in dashes.
            within: What lies outside of this box is not drawn.
        """
        artist = self._lines.Line2D(
            np.asarray(xs, np.float64),
            self.height - np.asarray(ys, np.float64),
            color=colour,
            linewidth=width,
            linestyle=(0, (4, 3)) if dashed else ("-" if width else "none"),
            marker="o" if dots else "none",
            markersize=dots,
            markerfacecolor=colour,
            markeredgewidth=0,
            antialiased=True,
            solid_capstyle="butt",
            solid_joinstyle="round",
            dash_capstyle="butt",
            transform=self._here,
        )
        # Simplifying joins vertices that lie close together: a peak of one pixel may be among them.
        artist.get_path().should_simplify = False
        self._add(artist, within)

    def box(self, box: Span, colour: str, *, opacity: float = 1.0) -> None:
        """Fill a box."""
        x0, y0, x1, y1 = box
        self._add(
            self._patches.Rectangle(
                (x0, self.height - y1),
                x1 - x0,
                y1 - y0,
                facecolor=colour,
                edgecolor="none",
                linewidth=0,
                alpha=opacity,
                transform=self._here,
            ),
            None,
        )

    def picture(self, pixels: npt.NDArray[np.uint8], left: int, top: int) -> None:
        """Lay down pixels `(H, W, 3)` RGB."""
        self._layer += 1
        self._figure.figimage(
            pixels, left, self.height - top - pixels.shape[0], origin="upper", zorder=self._layer
        )

    def words(
        self,
        text: str,
        x: float,
        middle: float,
        size: float,
        colour: str = "black",
        *,
        at: Literal["left", "middle", "right"] = "middle",
        bold: bool = False,
    ) -> None:
        """Write one line.

        Args:
            text: What to write; what the font has no sign for becomes a question mark.
            x: Where its left end, middle or right end is, as `at` says.
            middle: The height of the middle of its digits.
            size: Size of the font.
            colour: Any colour that matplotlib knows.
            at: Which point of it is at `x`.
            bold: Whether it is bold.
        """
        artist = self._figure.text(
            x,
            # Digits are 0.73 of the size high and stand on the baseline.
            self.height - middle - 0.365 * size,
            writable(text),
            fontproperties=_font(size, bold),
            color=colour,
            ha=_ACROSS[at],
            va="baseline",
            transform=self._here,
            parse_math=False,
        )
        self._layer += 1
        artist.set_zorder(self._layer)

    def width_of(self, text: str, size: float, *, bold: bool = False) -> float:
        """How wide a line of text is."""
        renderer = self._agg.get_renderer()
        return float(
            renderer.get_text_width_height_descent(writable(text), _font(size, bold), False)[0]
        )

    def fitted(self, text: str, size: float, most: float) -> str:
        """The text, cut with `…` where it is wider than `most`."""
        if self.width_of(text, size) <= most:
            return text
        while text and self.width_of(f"{text}…", size) > most:
            text = text[: max(len(text) - 1 - len(text) // 16, 0)]
        return f"{text}…" if text else ""

    def finish(self) -> Image.Image:
        """The picture as RGB."""
        self._agg.draw()
        pixels = np.asarray(self._agg.buffer_rgba())
        return Image.fromarray(np.ascontiguousarray(pixels[:, :, :3]))

    def _add(self, artist: Any, within: Span | None) -> None:
        self._layer += 1
        artist.set_zorder(self._layer)
        if within is not None:
            boxes = needed("matplotlib.transforms", _FEATURE)
            x0, y0, x1, y1 = within
            artist.set_clip_box(boxes.Bbox([[x0, self.height - y1], [x1, self.height - y0]]))
        self._figure.add_artist(artist, clip=False)


def writable(text: str) -> str:
    """The text with a question mark for each sign that the font does not have."""
    known = _signs()
    return "".join(sign if ord(sign) in known else "?" for sign in text)


@cache
def _file(bold: bool) -> str:
    """The font that comes with matplotlib: the same on every machine."""
    folder = Path(needed("matplotlib", _FEATURE).get_data_path(), "fonts", "ttf")
    return str(folder / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"))


@cache
def _signs() -> frozenset[int]:
    return frozenset(needed("matplotlib.ft2font", _FEATURE).FT2Font(_file(False)).get_charmap())


def _font(size: float, bold: bool) -> Any:
    manager = needed("matplotlib.font_manager", _FEATURE)
    return manager.FontProperties(fname=_file(bold), size=size)
