"""A large file over HTTP: continued where it broke off, bounded in bytes, with a progress bar.

`media.fetch` downloads what a caller's data names and trusts nothing about the address; here the
address is ours or the caller's own, the file may be gigabytes, and a hash proves it afterwards.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gadet._version import __version__
from gadet.errors import ConfigurationError, MissingDependencyError
from gadet.media.source import public_url

if TYPE_CHECKING:
    import httpx

__all__ = ["download"]

Show = Callable[[int], None]
"""Tells how many bytes are there."""

# Seconds between two tries.
_PAUSES: Final = (1, 2, 4, 8)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


def download(
    url: str,
    path: Path,
    *,
    size: int,
    progress: bool | None = None,
) -> None:
    """Bring a file to `size` bytes from a URL, beginning with what it already holds.

    What came is not checked beyond its size and that it is no web page.

    Args:
        url: `https`, or `http` to this machine.
        path: The file; created, continued, or begun anew when the server cannot continue it.
        size: The bytes that it must have in the end.
        progress: Whether a bar is shown on stderr; None shows one on a terminal.

    Raises:
        ConfigurationError: The network is not allowed or fails, or something else came.
        MissingDependencyError: httpx is not installed, or tqdm when a bar was asked for.
    """
    try:
        import httpx
    except ImportError as error:
        raise MissingDependencyError("Fetching weights", package="httpx", extra="sam") from error
    shown = public_url(url)
    headers = {"user-agent": f"gadet/{__version__}", "accept-encoding": "identity"}
    if path.is_file() and path.stat().st_size > size:
        path.unlink()
    with (
        _bar(path.name, size, progress) as show,
        httpx.Client(
            headers=headers,
            follow_redirects=True,
            timeout=httpx.Timeout(60, connect=30),
            event_hooks={"request": [_check_address]},
        ) as client,
    ):
        for pause in (*_PAUSES, None):
            try:
                if _continue(client, url, path, size, show):
                    return
                problem = "the connection ended too early"
            except httpx.InvalidURL as error:
                raise ConfigurationError(f"weights need a URL; got {shown}: {error}") from error
            except httpx.HTTPStatusError as error:
                problem = f"it answers {error.response.status_code}"
            except httpx.HTTPError as error:
                problem = type(error).__name__ if "://" in str(error) else repr(error)
            if pause is not None:
                time.sleep(pause)
    have = path.stat().st_size if path.is_file() else 0
    raise ConfigurationError(
        f"{shown} could not be fetched in {len(_PAUSES) + 1} tries ({problem}); {have:,} of "
        f"{size:,} bytes are here: call again to continue, or put the file into the folder yourself"
    )


def _continue(client: httpx.Client, url: str, path: Path, size: int, show: Show) -> bool:
    """Ask for what is missing and append it; whether the file is complete now."""
    have = path.stat().st_size if path.is_file() else 0
    if have == size:
        show(have)
        return True
    with client.stream("GET", url, headers={"range": f"bytes={have}-"} if have else {}) as answer:
        if answer.status_code == 429 or answer.status_code >= 500:
            answer.raise_for_status()
        start = _start(answer, url, have, size)
        if start is None:
            path.unlink()
            return False
        with open(path, "r+b" if start else "wb") as file:
            file.seek(start)
            show(start)
            # Without a size: what was gathered towards one is lost when the connection breaks.
            for part in answer.iter_raw():
                if file.tell() + len(part) > size:
                    raise _other(url, f"more than {size:,} bytes")
                file.write(part)
                show(file.tell())
    return path.stat().st_size == size


def _start(answer: httpx.Response, url: str, have: int, size: int) -> int | None:
    """Where in the file the answer's bytes belong; None when it must be begun anew.

    Raises:
        ConfigurationError: The answer is not the file.
    """
    if answer.status_code == 416 and have:
        return None
    if answer.status_code not in (200, 206):
        raise _other(url, f"the status {answer.status_code} {answer.reason_phrase}")
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        raise _other(url, "a web page")
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise _other(url, "a compressed body, although none was asked for")
    if answer.status_code == 200:
        whole = answer.headers.get("content-length", "")
        if whole.isdecimal() and int(whole) != size:
            raise _other(url, f"{int(whole):,} bytes")
        return 0
    told = _RANGE.fullmatch(answer.headers.get("content-range", "").strip())
    if told is None or int(told[1]) != have or told[2] not in ("*", str(size)):
        return None
    return have


def _other(url: str, came: str) -> ConfigurationError:
    return ConfigurationError(
        f"expected the file of weights from {public_url(url)}; {came} came: fetch the file "
        "yourself and give its path"
    )


def _check_address(request: httpx.Request) -> None:
    """Refuse an address before anything is sent to it, that of a redirect too."""
    local = request.url.host in _LOOPBACK
    if os.environ.get("GADET_ALLOW_NETWORK") == "0" and not local:
        raise ConfigurationError(
            f"expected no network, as GADET_ALLOW_NETWORK=0 says; {request.url.host!r} needs it: "
            "unset the variable, or put the file into the folder yourself"
        )
    if request.url.scheme != "https" and not (local and request.url.scheme == "http"):
        raise ConfigurationError(
            f"weights are fetched over https; got {request.url.scheme}://{request.url.host}"
        )


@contextmanager
def _bar(name: str, size: int, progress: bool | None) -> Iterator[Show]:
    """Show a bar on stderr while the block runs; gives what sets it to a number of bytes."""
    wanted = sys.stderr.isatty() if progress is None else progress
    if not wanted:
        yield lambda _: None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        if progress:
            raise MissingDependencyError("A progress bar", package="tqdm", extra="cli") from error
        yield lambda _: None
        return
    with tqdm(total=size, desc=name, unit="B", unit_scale=True, file=sys.stderr) as bar:

        def show(done: int) -> None:
            bar.update(done - bar.n)

        yield show
