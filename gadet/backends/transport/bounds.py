"""Bounds on a request: how long it may take, and how large its answer may be."""

from __future__ import annotations

import time
from dataclasses import dataclass

from gadet.errors import ResponseError, TransportError

__all__ = ["LARGEST_ANSWER", "Intake", "Timeouts"]

LARGEST_ANSWER = 32 * 1024 * 1024


@dataclass(frozen=True)
class Timeouts:
    """How long each part of a request may take, in seconds.

    Attributes:
        connect: Until the connection stands.
        read: Between two pieces of the answer; a model that thinks sends nothing for minutes.
        write: Between two pieces of the request.
        total: Until the answer is complete, so that a server that drips bytes is left.
    """

    connect: float = 10.0
    read: float = 600.0
    write: float = 120.0
    total: float = 900.0

    @classmethod
    def of(cls, value: float | Timeouts | None) -> Timeouts:
        """Timeouts from one number for the whole request, or from None for the defaults."""
        if isinstance(value, Timeouts):
            return value
        if value is None:
            return cls()
        return cls(connect=min(value, cls.connect), read=value, write=value, total=value)


class Intake:
    """Collects the pieces of an answer within bounds of size and time.

    Args:
        limit: Most bytes.
        seconds: Time from now on until the last piece.
    """

    def __init__(self, limit: int, seconds: float) -> None:
        """Start the clock."""
        self._limit = limit
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._pieces: list[bytes] = []
        self._size = 0

    def take(self, piece: bytes) -> None:
        """Keep a piece.

        Raises:
            ResponseError: The answer is too large.
            TransportError: It takes too long.
        """
        self._size += len(piece)
        if self._size > self._limit:
            raise ResponseError(
                f"expected an answer of at most {self._limit} bytes, got more: check `base_url`, "
                "or lower the number of output tokens"
            )
        if time.monotonic() > self._deadline:
            raise TransportError(
                f"expected a complete answer within {self._seconds:g} s, got {self._size} bytes: "
                "raise the timeout, or use a faster model"
            )
        self._pieces.append(piece)

    def body(self) -> bytes:
        """Everything that was taken."""
        return b"".join(self._pieces)
