"""From what stands on the command line to items: files, folders, patterns, URLs, stdin."""

from __future__ import annotations

import glob
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from gadet.errors import InputError
from gadet.media.pointcloud.files import CLOUD_SUFFIXES as CLOUDS
from gadet.media.series.files import SUFFIXES as TABLES
from gadet.media.video.opening import SUFFIXES as VIDEOS

__all__ = ["SUFFIXES", "expand"]

PICTURES = frozenset(
    ".png .jpg .jpeg .webp .gif .bmp .tif .tiff .ppm .pgm .pbm .npy".split()  # noqa: SIM905
)
SUFFIXES = PICTURES | TABLES | VIDEOS | frozenset(CLOUDS)


def expand(arguments: Sequence[str]) -> list[str | bytes]:
    """List the items that arguments name, in a stable order.

    A folder gives every picture, series, video and point cloud below it, a pattern every one of
    them that it matches, `-` the bytes on stdin; a URL and the path of a file stand for themselves.

    Raises:
        InputError: A path does not exist, or a folder or pattern gives no item.
    """
    return [item for argument in arguments for item in _expand_one(argument)]


def _expand_one(argument: str) -> list[str | bytes]:
    if argument == "-":
        return [sys.stdin.buffer.read()]
    if argument.startswith(("http://", "https://", "data:")):
        return [argument]
    path = Path(argument)
    if path.is_dir():
        return list(_items(path.rglob("*"), argument))
    if path.exists():
        return [argument]
    if glob.has_magic(argument):
        return list(_items(map(Path, glob.glob(argument, recursive=True)), argument))
    raise InputError(
        f"a file, folder, pattern, URL or - is needed; there is nothing at {argument!r}"
    )


def _items(paths: Iterable[Path], argument: str) -> list[str]:
    found = sorted(
        str(path) for path in paths if path.is_file() and path.suffix.lower() in SUFFIXES
    )
    if not found:
        raise InputError(
            f"{argument!r} gives no picture, series, video or point cloud; files are taken that "
            "end in " + " ".join(sorted(SUFFIXES))
        )
    return found
