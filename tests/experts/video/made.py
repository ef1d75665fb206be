"""Made videos: textured walkers on textured ground, seen by a still camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gadet.experts.filters import gaussian
from gadet.media.video import VideoAdapter, VideoInput, VideoSample

WIDTH, HEIGHT, RATE = 160, 96, 10.0
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Walker:
    """A textured rectangle that moves in a straight line.

    Attributes:
        start: Seconds at which it is at `x`.
        x: Left edge in pixels then.
        y: Top edge.
        speed: Pixels per second to the right.
        size: Width and height in pixels.
        level: Its mean level.
        until: Seconds at which it stops where it is.
    """

    start: float
    x: float
    y: float
    speed: float
    size: tuple[int, int] = (10, 20)
    level: float = 60.0
    until: float = 1e9


def _texture(height: int, width: int, seed: int, strength: float) -> npt.NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(0, 1, (height, width)).astype(np.float32)
    smooth = gaussian(noise, 1.5)
    return np.asarray(strength * smooth / smooth.std(), dtype=np.float32)


GROUND = 150 + _texture(HEIGHT, WIDTH, 0, 8.0)


def frames(walkers: list[Walker], seconds: float, seed: int = 1) -> Pixels:
    """`(T, H, W, 3)` uint8 at 10 frames per second, with a little noise."""
    rng = np.random.default_rng(seed)
    made = []
    for moment in np.arange(round(seconds * RATE)) / RATE:
        picture = GROUND.copy()
        for number, one in enumerate(walkers):
            if moment < one.start:
                continue
            x = round(one.x + one.speed * (min(moment, one.until) - one.start))
            wide, tall = one.size
            cloth = one.level + _texture(tall, wide, 100 + number, 15.0)
            left, right = max(x, 0), min(x + wide, WIDTH)
            if left < right:
                part = cloth[:, left - x : right - x]
                picture[round(one.y) : round(one.y) + tall, left:right] = part
        noisy = picture + rng.normal(0, 1.0, picture.shape)
        made.append(np.repeat(np.clip(noisy, 0, 255).astype(np.uint8)[..., None], 3, axis=2))
    return np.array(made)


def passers(seconds: float, speed: float = 15.0, seed: int = 0) -> list[Walker]:
    """Walkers of about one speed, one entering every second and a half, in two lanes."""
    rng = np.random.default_rng(seed)
    starts = np.arange(-10.0, seconds, 1.5)
    return [
        Walker(start, -10.0, 20.0 if k % 2 else 55.0, speed * rng.uniform(0.85, 1.15))
        for k, start in enumerate(starts.tolist())
    ]


def sample(pixels: Pixels, **options: object) -> VideoSample:
    """The frames as a loaded video of 10 frames per second."""
    return VideoAdapter().load(VideoInput(pixels, rate=RATE, **options))  # type: ignore[arg-type]
