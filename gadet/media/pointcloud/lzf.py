"""LZF, the compression within PCD files.

A stream of runs: a control byte below 32 is followed by that many bytes and one more, to be taken
as they are; any other one says in its upper three bits how many bytes to repeat, less two, and in
the lower five, with the byte that follows, how far back they are, less one. Seven in the upper bits
adds another byte to the count.

Source: Marc Lehmann's LibLZF, http://oldhome.schmorp.de/marc/liblzf.html
"""

from __future__ import annotations

from typing import Final

from gadet.errors import InputError

__all__ = ["lzf_unpacked"]

_MOST: Final = 88  # three bytes become 264 at most


def lzf_unpacked(data: bytes, size: int) -> bytearray:
    """Unpack.

    Args:
        data: What was packed.
        size: How many bytes it must become.

    Raises:
        InputError: It becomes another number of bytes, or points outside of itself.
    """
    if size > _MOST * len(data):
        raise InputError(
            f"expected compressed data that can become {size:,} bytes; {len(data):,} bytes cannot: "
            "the file is broken"
        )
    out, at = bytearray(), 0
    try:
        while at < len(data):
            control = data[at]
            at += 1
            if control < 32:
                out += data[at : at + control + 1]
                at += control + 1
                continue
            length = (control >> 5) + 2
            if length == 9:
                length += data[at]
                at += 1
            back = ((control & 31) << 8) + data[at] + 1
            at += 1
            start = len(out) - back
            if start < 0 or len(out) > size:
                break
            if length <= back:
                out += out[start : start + length]
            else:
                # It repeats what it is about to write.
                out += (out[start:] * (length // back + 1))[:length]
    except IndexError as error:
        raise InputError("expected whole compressed data; it ends within a run") from error
    if at != len(data) or len(out) != size:
        raise InputError(
            f"expected compressed data of {size:,} bytes; it is broken after {len(out):,}"
        )
    return out
