"""The bounded cache."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gadet.experts.cache import Cache, pixel_key


def test_it_keeps_the_values_used_last() -> None:
    cache: Cache[int] = Cache(2)
    for key in (1, 2, 1, 3):
        assert cache.get(key, lambda key=key: 10 * key) == 10 * key
    assert (cache.hits, cache.misses, len(cache)) == (1, 3, 2)
    cache.get(1, pytest.fail)
    assert cache.get(2, lambda: 21) == 21


def test_threads_compute_a_value_once() -> None:
    cache: Cache[int] = Cache(4)
    started = threading.Barrier(6)
    calls = []

    def ask() -> int:
        started.wait()
        return cache.get("key", lambda: calls.append(1) or 7)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(lambda _: ask(), range(6))) == [7] * 6
    assert len(calls) == 1


def test_a_failure_is_not_kept() -> None:
    cache: Cache[int] = Cache(4)
    with pytest.raises(ZeroDivisionError):
        cache.get("key", lambda: 1 // 0)
    assert cache.get("key", lambda: 5) == 5


def test_pixel_key_tells_shapes_and_pixels_apart() -> None:
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    keys = {
        pixel_key(one) for one in (pixels, pixels.reshape(2, 8, 3), pixels + 1, pixels[:, ::-1])
    }
    assert len(keys) == 4
    assert pixel_key(pixels[:, ::-1]) == pixel_key(pixels[:, ::-1].copy())
