"""Memory that was freed and is still held."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["release"]


def release() -> None:
    """Give back to the system what the C library keeps of freed memory, where that can be asked.

    Pillow holds a picture in blocks of a megabyte, and glibc keeps freed blocks of this size for
    later: after a large picture was decoded that is more than its array takes.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
