"""A `Source`: the bytes of an item and where they came from, read within bounds."""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from gadet.errors import InputError
from gadet.media.base import LoadLimits

__all__ = ["Source", "is_data_url", "is_url", "public_url"]

# Two letters at least, so that the drive of a Windows path is not taken for a scheme.
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]+)://")
_MEMORY = "image"


@dataclass(frozen=True, eq=False)
class Source:
    """The bytes of a file, wherever they came from.

    Attributes:
        data: The whole file.
        name: A name for people: the file's name, or `image` for data in memory.
        origin: Path, or URL without credentials, query and fragment; None for data in memory.
    """

    data: bytes = field(repr=False)
    name: str = _MEMORY
    origin: str | None = None

    @classmethod
    def read(cls, item: Any, limits: LoadLimits) -> Source:
        """Read a path, URL, data URL, bytes or file object, never more than `limits.max_bytes`.

        Args:
            item: `str`, `os.PathLike`, `bytes`, `bytearray`, `memoryview` or an object with `read`.
            limits: The bounds.

        Raises:
            InputError: It is missing, empty, over the bounds, or of another type.
        """
        if isinstance(item, str):
            if is_data_url(item):
                return cls(_checked(_from_data_url(item, limits), limits, "the data URL"))
            if match := _SCHEME.match(item):
                return cls._from_url(item, match.group(1).lower(), limits)
            return cls._from_path(item, limits)
        if isinstance(item, os.PathLike):
            return cls._from_path(item, limits)
        if isinstance(item, bytes | bytearray | memoryview):
            size = item.nbytes if isinstance(item, memoryview) else len(item)
            _check_size(size, limits, f"the {type(item).__name__} object")
            return cls(_checked(bytes(item), limits, f"the {type(item).__name__} object"))
        if callable(getattr(item, "read", None)):
            return cls(_checked(_from_file_object(item, limits), limits, "the file object"))
        raise InputError(
            "expected a path, URL, data URL, bytes or a file object opened in binary mode; "
            f"got {type(item).__name__}"
        )

    @classmethod
    def _from_path(cls, item: str | os.PathLike[Any], limits: LoadLimits) -> Source:
        raw = os.fspath(item)
        path = os.fsdecode(raw) if isinstance(raw, bytes) else raw
        shown = path if len(path) <= 300 else f"{path[:120]}…"
        try:
            # Before opening: a pipe blocks on open, a device never ends.
            kind = os.stat(path)
            if not stat.S_ISREG(kind.st_mode):
                what = "a folder" if stat.S_ISDIR(kind.st_mode) else "not a regular file"
                raise InputError(f"expected a file; {shown!r} is {what}: give the path of one file")
            _check_size(kind.st_size, limits, repr(shown))
            with open(path, "rb", buffering=0) as file:
                # Asked for what is there: a buffer of the whole bound would cost more than the
                # read. The file may have grown since, so the rest has its own bound.
                data = file.read(kind.st_size + 1)
                if len(data) != kind.st_size:
                    data += _drain(file, limits.max_bytes + 1 - len(data))
        except FileNotFoundError as error:
            raise InputError(
                f"expected an existing file; there is none at {shown!r} "
                f"(relative paths start at {os.getcwd()!r})"
            ) from error
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InputError(
                f"expected a readable file; {shown!r} cannot be read: {reason}. Text that is not "
                "a path must be given as bytes, or as a data URL that starts with 'data:'"
            ) from error
        return cls(_checked(data, limits, repr(shown)), name=Path(path).name, origin=path)

    @classmethod
    def _from_url(cls, url: str, scheme: str, limits: LoadLimits) -> Source:
        if scheme not in ("http", "https"):
            raise InputError(
                f"expected an http, https or data URL; got the scheme {scheme!r}: download it "
                "first and give the path or the bytes"
            )
        # Not at the top: downloading needs httpx, and most callers never download.
        from gadet.media.fetch import fetch

        shown = public_url(url)
        data = _checked(fetch(url, limits), limits, shown)
        parts = urlsplit(shown)
        return cls(data, name=unquote(Path(parts.path).name) or parts.netloc, origin=shown)


def is_url(text: str) -> bool:
    """Whether the text is an `http` or `https` URL."""
    return text[:8].lower().startswith(("http://", "https://"))


def is_data_url(text: str) -> bool:
    """Whether the text is a `data:` URL."""
    return text[:5].lower() == "data:"


def public_url(url: str) -> str:
    """The URL without user, password, query and fragment, which may hold secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the URL"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _check_size(size: int, limits: LoadLimits, what: str) -> None:
    if size > limits.max_bytes:
        raise InputError(
            f"expected at most {limits.max_bytes:,} bytes; {what} has {size:,}: make it smaller, "
            "or raise LoadLimits(max_bytes=…)"
        )


def _checked(data: bytes, limits: LoadLimits, what: str) -> bytes:
    if not data:
        raise InputError(f"expected a file with content; {what} is empty (0 bytes)")
    if len(data) > limits.max_bytes:
        raise InputError(
            f"expected at most {limits.max_bytes:,} bytes; {what} has more: make it smaller, or "
            "raise LoadLimits(max_bytes=…)"
        )
    return data


def _from_data_url(url: str, limits: LoadLimits) -> bytes:
    # Base64 needs 4 characters for 3 bytes, percent encoding at most 3 for one.
    _check_size(len(url) // 3, limits, "the data URL")
    head, comma, body = url[5:].partition(",")
    if not comma:
        raise InputError(
            "expected a data URL 'data:image/png;base64,…'; there is no comma in what came"
        )
    if not head.lower().rstrip().endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        packed = re.sub(r"\s+", "", unquote(body))
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(
            f"expected base64 after the comma of the data URL; got text that is not: {error}"
        ) from error


def _from_file_object(file: Any, limits: LoadLimits) -> bytes:
    position = _position(file)
    try:
        data = _drain(file, limits.max_bytes + 1)
        if position is not None:
            # An item may be read twice, as a reference of many items for example.
            file.seek(position)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"expected a readable file object; reading from {type(file).__name__} failed: {error}"
        ) from error
    if not data:
        raise InputError(
            f"expected a file object with content; {type(file).__name__} gave 0 bytes: rewind it "
            "with seek(0)"
        )
    return data


def _position(file: Any) -> int | None:
    try:
        return int(file.tell()) if file.seekable() else None
    except (AttributeError, OSError, ValueError):
        return None


def _drain(file: Any, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    # Raw streams and sockets may return less than asked for; only an empty read is the end.
    while size < most:
        part = file.read(most - size)
        if isinstance(part, str):
            raise InputError(
                "expected a file object opened in binary mode; its read() gave text: open it "
                "with mode 'rb'"
            )
        if not part:
            break
        parts.append(bytes(part))
        size += len(part)
    return b"".join(parts)
