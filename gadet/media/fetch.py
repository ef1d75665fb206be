"""Downloads of a caller's URL: bounded in bytes and time, and never into a private network.

Talking to models has its own HTTP module with retries and rate limits. This one is separate since
`media` may not import the backends, and since its duties are the opposite: the address comes with
the data, so nothing about it is trusted.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from gadet._version import __version__
from gadet.errors import InputError, MissingDependencyError
from gadet.media.base import LoadLimits
from gadet.media.source import public_url

if TYPE_CHECKING:
    import httpx

__all__ = ["checked_address", "fetch", "is_public"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_MAX_HOPS: Final = 5
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_CHUNK: Final = 65_536
_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
# How a network that has only IPv6 writes the addresses of the old internet.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


def fetch(url: str, limits: LoadLimits) -> bytes:
    """Download a URL.

    Redirects are followed by hand. For every hop the name is resolved once, every address it has
    is checked, and the connection goes to a checked address, so that a name that changes its
    address in between leads nowhere else. Proxies from the environment are not used: behind one,
    the check would look at another address than the one that is reached.

    Args:
        url: An `http` or `https` URL.
        limits: `max_bytes` of the body, `timeout` of everything together, and whether private
            addresses are allowed.

    Raises:
        InputError: Refused, not found, too large, too slow, or no answer.
        MissingDependencyError: httpx is not installed.
    """
    try:
        import httpx
    except ImportError as error:
        raise MissingDependencyError("Reading a URL", package="httpx", extra="all") from error

    deadline = _Deadline(limits.timeout)
    with deadline:
        try:
            target = httpx.URL(url)
            for _ in range(_MAX_HOPS + 1):
                answer = _hop(httpx, target, limits, deadline)
                if isinstance(answer, bytes):
                    return answer
                target = answer
        except InputError:
            raise
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            if deadline.passed or isinstance(error, httpx.TimeoutException):
                raise InputError(
                    f"expected {public_url(url)} within {limits.timeout:g} s; it took longer: "
                    "download it yourself, or raise LoadLimits(timeout=…)"
                ) from error
            raise InputError(
                f"expected an answer from {public_url(url)}; got none ({type(error).__name__}: "
                f"{_public_text(error, url)})"
            ) from error
    raise InputError(
        f"expected at most {_MAX_HOPS} redirects; {public_url(url)} leads to more: give the final "
        "URL"
    )


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, and so does what it stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved
    if address in _NAT64:
        return is_public(_last_32_bits(address))
    if address.sixtofour is not None and not is_public(address.sixtofour):
        return False
    # The rest of IPv6 is local, stands for an IPv4 address, or is not given out.
    return address in _UNICAST and address.is_global and not address.is_multicast


def _last_32_bits(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)


class _Deadline:
    """Cuts the connection when the time is up.

    The timeouts of an HTTP client hold for one read; a server that sends a byte now and then,
    in its headers for example, would never meet one.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._stream: Any = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self._end

    @property
    def left(self) -> float:
        return max(self._end - time.monotonic(), 0.001)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Keep the newest connection, as httpx reports it."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._stream = info["return_value"]
            if self.passed:
                self._cut()

    def _cut(self) -> None:
        if self._stream is None:
            return
        connection = self._stream.get_extra_info("socket")
        # A connection that closed by itself in the meantime is what was wanted.
        try:
            # Past the TLS layer, whose own shutdown would wait for the other side.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)
        except (OSError, TypeError):
            return


def _hop(
    httpx: Any, target: httpx.URL, limits: LoadLimits, deadline: _Deadline
) -> bytes | httpx.URL:
    """Ask one URL: the body, or where it sends us."""
    shown = public_url(str(target))
    if target.scheme not in ("http", "https") or not target.host:
        raise InputError(f"expected an http or https URL with a host; got {shown}")
    port = target.port or (443 if target.scheme == "https" else 80)
    address = checked_address(target.host, port, limits)
    if deadline.passed:
        raise httpx.ReadTimeout("the time is up")
    headers = {
        "Host": target.netloc.decode("ascii"),
        "User-Agent": f"gadet/{__version__}",
        "Accept": "image/*,*/*;q=0.5",
        # Compressed bodies may unpack to any size, and pictures gain nothing from it.
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    request = httpx.Request(
        "GET",
        target.copy_with(host=address),
        headers=headers,
        extensions={
            "sni_hostname": target.host,
            "timeout": httpx.Timeout(deadline.left).as_dict(),
            "trace": deadline.trace,
        },
    )
    if target.userinfo:
        request = next(httpx.BasicAuth(target.username, target.password).auth_flow(request))
    # A transport and not a client: a client logs every URL with its query, which may hold a secret.
    with (
        httpx.HTTPTransport(verify=_tls(), trust_env=False) as transport,
        closing(transport.handle_request(request)) as response,
    ):
        if response.status_code in _REDIRECTS and "location" in response.headers:
            return target.join(response.headers["location"])
        if response.status_code != 200:
            raise InputError(
                f"expected {shown} to answer 200; it answered {response.status_code} "
                f"{response.reason_phrase}"
            )
        return _body(response, shown, limits, deadline)


def _body(response: Any, shown: str, limits: LoadLimits, deadline: _Deadline) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise InputError(
            f"expected {shown} to send the file as it is; it sent it compressed although asked "
            "not to: download it yourself and give the bytes"
        )
    announced = response.headers.get("content-length", "")
    parts: list[bytes] = []
    size = int(announced) if announced.isdecimal() else 0
    if size <= limits.max_bytes:
        size = 0
        for part in response.iter_raw(_CHUNK):
            size += len(part)
            parts.append(part)
            if size > limits.max_bytes or deadline.passed:
                break
    if size > limits.max_bytes:
        raise InputError(
            f"expected at most {limits.max_bytes:,} bytes; {shown} sends more: make it smaller, "
            "or raise LoadLimits(max_bytes=…)"
        )
    if deadline.passed:
        raise TimeoutError("the time is up")
    return b"".join(parts)


def checked_address(host: str, port: int, limits: LoadLimits) -> str:
    """Resolve a host once and return an address that may be connected to.

    Raises:
        InputError: It cannot be found, leads into a private network that is not allowed, or no
            network is allowed at all.
    """
    try:
        found = _resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise InputError(f"expected a host that can be found; {host!r} cannot: {error}") from error
    addresses = [ipaddress.ip_address(text) for text in found]
    if os.environ.get("GADET_ALLOW_NETWORK") == "0" and not all(
        address.is_loopback for address in addresses
    ):
        raise InputError(
            f"expected no network, as GADET_ALLOW_NETWORK=0 says; {host!r} needs it: unset the "
            "variable, or give the file"
        )
    if not limits.allow_private_addresses:
        # All of them, not one: a name that is half public is a trick, not a host.
        for address in addresses:
            if not is_public(address):
                raise InputError(
                    f"expected a public host; {host!r} leads to the private or reserved address "
                    f"{address}: download it yourself, or set "
                    "LoadLimits(allow_private_addresses=True) if you trust the URL"
                )
    return found[0]


def _resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as texts."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes longer than most downloads.
    import httpx

    return httpx.create_ssl_context()


def _public_text(error: Exception, url: str) -> str:
    """The error's words without the URL's secrets."""
    text = " ".join(str(error).split())[:200]
    return public_url(url) if "?" in text or "@" in text else text
