"""A `Feed`: frames of a source while they come, and word of when none comes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from gadet.errors import GadetError
from gadet.media.video import Still

__all__ = ["Broken", "Feed", "Silence"]


@dataclass(frozen=True)
class Silence:
    """No frame has come for a while.

    Attributes:
        seconds: For how long.
    """

    seconds: float


@dataclass(frozen=True)
class Broken:
    """No frame will come any more, although the source did not end.

    Attributes:
        problem: Why.
    """

    problem: str


class Feed:
    """Reads frames in a thread of its own, one ahead, so that waiting for one can be noticed.

    Args:
        stills: The frames.
        stall_after: Seconds without a frame after which that is told, once for every silence.
    """

    def __init__(self, stills: Iterator[Still], stall_after: float) -> None:
        self._stills, self._stall_after = stills, stall_after
        self._waiting: queue.Queue[Still | Broken | None] = queue.Queue(maxsize=1)
        self._closed = threading.Event()
        self._error: Exception | None = None

    def __iter__(self) -> Iterator[Still | Silence | Broken]:
        """Give what comes; whoever stops taking it, also by Ctrl-C, stops the thread.

        Raises:
            Exception: What the source raised that is no `GadetError`, such as a mistake in the
                caller's own iterator.
        """
        threading.Thread(target=self._read, name="gadet-watch", daemon=True).start()
        silent = False
        try:
            while True:
                try:
                    came = self._waiting.get(timeout=self._stall_after)
                except queue.Empty:
                    if not silent:
                        yield Silence(self._stall_after)
                    silent = True
                    continue
                silent = False
                if came is None:
                    if self._error is not None:
                        raise self._error
                    return
                yield came
        finally:
            self._closed.set()

    def _read(self) -> None:
        try:
            for still in self._stills:
                if not self._put(still):
                    return
        except GadetError as error:
            self._put(Broken(str(error)))
        except Exception as error:
            self._error = error  # raised again where the frames are taken
        self._put(None)

    def _put(self, what: Still | Broken | None) -> bool:
        """Hand something over; False when nobody takes it any more."""
        while not self._closed.is_set():
            try:
                self._waiting.put(what, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False
