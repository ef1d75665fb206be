"""What a file may hold, checked on what its header says, before anything is decoded."""

from __future__ import annotations

from typing import Final

from gadet.errors import InputError
from gadet.media.base import LoadLimits

__all__ = ["check_points", "check_unpacked", "check_whole"]

_UNPACKED: Final = 8  # how many times larger than a file what it unpacks to may be


def check_points(count: int, limits: LoadLimits, what: str = "points") -> None:
    """Refuse more points (or faces) than a picture may have pixels.

    Raises:
        InputError: There are more, or the number is negative.
    """
    if count < 0:
        raise InputError(f"expected a number of {what} from 0; the file says {count:,}")
    if count > limits.max_pixels:
        raise InputError(
            f"expected at most {limits.max_pixels:,} {what}; got {count:,}: thin the cloud out "
            "first, or raise LoadLimits(max_pixels=…)"
        )


def check_unpacked(size: int, limits: LoadLimits) -> None:
    """Refuse data that unpacks to more than eight times what a file may have.

    Raises:
        InputError: It does.
    """
    if size > _UNPACKED * limits.max_bytes:
        raise InputError(
            f"expected a file that unpacks to at most {_UNPACKED * limits.max_bytes:,} bytes; it "
            f"says {size:,}: make it smaller, or raise LoadLimits(max_bytes=…)"
        )


def check_whole(needed: int, there: int, what: str) -> None:
    """Refuse a file that ends before the data that its header announces.

    Raises:
        InputError: It does.
    """
    if needed > there:
        raise InputError(
            f"expected a whole {what} file; its header announces {needed:,} bytes of data and "
            f"{there:,} follow: it is truncated"
        )
