"""Small pictures made on the spot: a printed part, a texture, and what can go wrong with them."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Pixels = npt.NDArray[np.uint8]


def part(size: int = 240, seed: int = 0) -> Pixels:
    """A light board with dark tracks, a disc and a little sensor noise."""
    rng = np.random.default_rng(seed)
    ys, xs = np.mgrid[0:size, 0:size] / size
    board = np.full((size, size), 205.0) + 12 * xs
    board[(np.abs(ys - 0.25) < 0.03) & (xs > 0.1) & (xs < 0.8)] = 60
    board[(np.abs(xs - 0.8) < 0.03) & (ys > 0.25) & (ys < 0.9)] = 60
    board[(ys - 0.65) ** 2 + (xs - 0.35) ** 2 < 0.02] = 90
    board = board[..., None] * np.array([1.0, 0.97, 0.9])
    return np.clip(board + rng.normal(0, 2, board.shape), 0, 255).astype(np.uint8)


def texture(seed: int, size: int = 160) -> Pixels:
    """A woven texture; each seed is another place of the same cloth."""
    rng = np.random.default_rng(seed)
    ys, xs = np.mgrid[0:size, 0:size] + rng.uniform(0, 40, 2)[:, None, None]
    weave = 120 + 25 * np.sin(xs / 2.3) + 25 * np.sin(ys / 3.1)
    cloth = weave[..., None] * np.array([1.0, 0.95, 0.8])
    return np.clip(cloth + rng.normal(0, 6, cloth.shape), 0, 255).astype(np.uint8)


def painted(pixels: Pixels, box: tuple[int, int, int, int], colour: tuple[int, ...]) -> Pixels:
    """A copy with a filled box `x0, y0, x1, y1`."""
    x0, y0, x1, y1 = box
    copy = pixels.copy()
    copy[y0:y1, x0:x1] = colour
    return copy


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make packages look as if they were not installed."""
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] in names:
            raise ImportError(f"{name} is hidden")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
