"""A bounded cache for what is costly to compute, safe to share between threads."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["Cache", "pixel_key"]

T = TypeVar("T")


def pixel_key(pixels: npt.NDArray[np.uint8]) -> str:
    """A key that two pictures share only if their size and their pixels are equal."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


class Cache(Generic[T]):
    """Keeps the values that were used last.

    Two threads that ask for one missing key at the same time compute it once: the second waits.

    Args:
        size: Largest number of values.
    """

    def __init__(self, size: int) -> None:
        """Start empty."""
        self.size = size
        self.hits = 0
        self.misses = 0
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._building: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many values are kept."""
        return len(self._values)

    def _look(self, key: Hashable) -> tuple[bool, T | None]:
        """Whether the key is there, and its value; the caller holds the lock."""
        if key in self._values:
            self._values.move_to_end(key)
            self.hits += 1
            return True, self._values[key]
        return False, None

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of `key`, computed by `make` when it is not there."""
        with self._lock:
            there, value = self._look(key)
            if there:
                return value  # type: ignore[return-value]  # there: it was put in as a T
            turn = self._building.setdefault(key, threading.Lock())
        with turn:
            with self._lock:
                there, value = self._look(key)
                if there:
                    return value  # type: ignore[return-value]
            try:
                made = make()
            finally:
                with self._lock:
                    self._building.pop(key, None)
            with self._lock:
                self.misses += 1
                self._values[key] = made
                while len(self._values) > self.size:
                    self._values.popitem(last=False)
            return made
