"""Downloads, against a real server on the loopback interface."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from gadet.errors import InputError
from gadet.media import fetch as module
from gadet.media.base import LoadLimits
from gadet.media.fetch import fetch, is_public
from gadet.media.image import ImageAdapter
from gadet.media.source import public_url
from tests.media.pictures import as_file, colours

RGB = colours()
Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers each path with the function of that name."""

    protocol_version = "HTTP/1.1"
    routes: dict[str, Answer]
    seen: list[dict[str, str]]

    def do_GET(self) -> None:
        self.seen.append(dict(self.headers))
        self.close_connection = True
        try:
            self.routes[self.path.split("?")[0]](self)
        except (BrokenPipeError, ConnectionResetError):
            return

    def reply(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep the output of the tests quiet."""


class Server:
    """A server and its answers."""

    def __init__(self) -> None:
        self.routes: dict[str, Answer] = {}
        self.seen: list[dict[str, str]] = []
        handler = type("Bound", (Handler,), {"routes": self.routes, "seen": self.seen})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port = self.http.server_port
        self.url = f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
    thread.join()


@pytest.fixture
def server(running: Server) -> Server:
    running.routes.clear()
    running.seen.clear()
    return running


def limits(**options: Any) -> LoadLimits:
    return LoadLimits(**{"allow_private_addresses": True, "timeout": 5.0, **options})


def test_image_from_a_url(server: Server) -> None:
    server.routes["/a%20part.png"] = lambda h: h.reply(as_file(RGB), Content_Type="text/plain")
    url = f"http://user:word@127.0.0.1:{server.port}/a%20part.png?token=hush#top"
    sample = ImageAdapter().load(url, limits())
    np.testing.assert_array_equal(sample.pixels, RGB)
    assert sample.info.source == f"{server.url}/a%20part.png"
    assert sample.info.name == "a part.png"
    (headers,) = server.seen
    assert headers["Host"] == f"127.0.0.1:{server.port}"
    assert headers["Accept-Encoding"] == "identity"
    assert headers["Authorization"].startswith("Basic ")
    assert headers["User-Agent"].startswith("gadet/")


def test_secrets_are_in_no_message_and_no_log(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.routes["/x.png"] = lambda h: h.reply(b"no picture")
    server.routes["/gone"] = lambda h: h.reply(b"", 404)
    for path in ("x.png", "gone", "nothing\x7f"):
        url = f"http://user:word@127.0.0.1:{server.port}/{path}?token=hush"
        with pytest.raises(InputError) as caught:
            ImageAdapter().load(url, limits())
        assert "hush" not in str(caught.value)
        assert "word" not in str(caught.value)
    assert "hush" not in caplog.text


def test_redirects_are_followed(server: Server) -> None:
    server.routes["/0"] = lambda h: h.reply(b"", 302, Location="/1")
    server.routes["/1"] = lambda h: h.reply(b"", 308, Location=f"{server.url}/2")
    server.routes["/2"] = lambda h: h.reply(as_file(RGB))
    assert fetch(f"{server.url}/0", limits()) == as_file(RGB)


def test_endless_redirects(server: Server) -> None:
    server.routes["/0"] = lambda h: h.reply(b"", 302, Location="/0")
    with pytest.raises(InputError, match="expected at most 5 redirects"):
        fetch(f"{server.url}/0", limits())
    assert len(server.seen) == 6


@pytest.mark.parametrize("status", [404, 500, 204, 206])
def test_other_answers(server: Server, status: int) -> None:
    server.routes["/x"] = lambda h: h.reply(b"", status)
    with pytest.raises(InputError, match=f"/x to answer 200; it answered {status}"):
        fetch(f"{server.url}/x", limits())


def test_not_an_image(server: Server) -> None:
    server.routes["/x.png"] = lambda h: h.reply(b"<!DOCTYPE html>", Content_Type="image/png")
    with pytest.raises(InputError, match=r"/x\.png: expected an image file .* an HTML page"):
        ImageAdapter().load(f"{server.url}/x.png", limits())
    server.routes["/empty.png"] = lambda h: h.reply(b"")
    with pytest.raises(InputError, match=r"empty\.png is empty \(0 bytes\)"):
        ImageAdapter().load(f"{server.url}/empty.png", limits())


def test_announced_size_is_believed_when_too_large(server: Server) -> None:
    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "999999999")
        handler.end_headers()
        handler.wfile.flush()

    server.routes["/x"] = answer
    with pytest.raises(InputError, match=r"expected at most 1,000 bytes; .*/x sends more"):
        fetch(f"{server.url}/x", limits(max_bytes=1000))


def test_unannounced_size_is_counted(server: Server) -> None:
    sent = 0

    def answer(handler: Handler) -> None:
        nonlocal sent
        handler.send_response(200)
        handler.end_headers()
        for _ in range(10_000):
            handler.wfile.write(b"x" * 10_000)
            sent += 10_000

    server.routes["/x"] = answer
    with pytest.raises(InputError, match="sends more"):
        fetch(f"{server.url}/x", limits(max_bytes=100_000))
    time.sleep(0.05)
    assert sent < 50_000_000


def test_compressed_body_is_refused(server: Server) -> None:
    server.routes["/x"] = lambda h: h.reply(b"\x1f\x8b...", Content_Encoding="gzip")
    with pytest.raises(InputError, match="sent it compressed"):
        fetch(f"{server.url}/x", limits())


@pytest.mark.parametrize("part", ["headers", "body", "silence", "redirects"])
def test_whole_time_is_bounded(server: Server, part: str) -> None:
    stop = threading.Event()

    def answer(handler: Handler) -> None:
        if part == "silence":
            stop.wait(5)
            return
        if part == "redirects":
            stop.wait(0.15)
            handler.reply(b"", 302, Location="/x")
            return
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        if part == "body":
            handler.wfile.write(b"Content-Length: 100000\r\n\r\n")
        while not stop.wait(0.05):
            handler.wfile.write(b"X-Drip: 1\r\n" if part == "headers" else b"x")
            handler.wfile.flush()

    server.routes["/x"] = answer
    started = time.monotonic()
    with pytest.raises(InputError, match=r"/x within 0\.4 s; it took longer"):
        fetch(f"{server.url}/x", limits(timeout=0.4))
    assert time.monotonic() - started < 1.5
    stop.set()


def test_broken_connections(server: Server) -> None:
    server.routes["/x"] = lambda h: h.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")
    with pytest.raises(InputError, match=r"expected an answer from .*; got none"):
        fetch(f"{server.url}/x", limits())
    server.routes["/y"] = lambda h: h.wfile.write(b"gibberish\r\n\r\n")
    with pytest.raises(InputError, match="got none"):
        fetch(f"{server.url}/y", limits())
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(InputError, match=r"got none \(ConnectError"):
            fetch(f"http://127.0.0.1:{port}/", limits())


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("http://", "with a host"),
        ("http:///x.png", "with a host"),
        ("http://exa mple/x", "got none|with a host|cannot"),
    ],
)
def test_unusable_urls(url: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        fetch(url, limits())


def test_redirect_to_another_scheme(server: Server) -> None:
    server.routes["/x"] = lambda h: h.reply(b"", 302, Location="file:///etc/passwd")
    with pytest.raises(InputError, match="expected an http or https URL"):
        fetch(f"{server.url}/x", limits())


def test_loopback_is_refused_unless_allowed(server: Server) -> None:
    for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]"):
        with pytest.raises(InputError, match=r"private or reserved address .*: download"):
            fetch(f"http://{host}:{server.port}/x", LoadLimits())
    assert server.seen == []


class Names:
    """A resolver of our own, and connections to public addresses that end at the loopback."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, table: dict[str, list[list[str]]]) -> None:
        self.asked: list[str] = []
        self.connected: list[str] = []
        real = socket.create_connection

        def resolve(host: str, port: int) -> list[str]:
            self.asked.append(host)
            answers = table[host]
            return answers.pop(0) if len(answers) > 1 else answers[0]

        def connect(address: tuple[str, int], *args: Any, **options: Any) -> socket.socket:
            self.connected.append(address[0])
            return real(("127.0.0.1", address[1]), *args, **options)

        monkeypatch.setattr(module, "_resolve", resolve)
        monkeypatch.setattr(socket, "create_connection", connect)
        monkeypatch.delenv("GADET_ALLOW_NETWORK", raising=False)


def test_checked_address_is_the_one_that_is_used(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that turns private after the check is not looked up again."""
    names = Names(monkeypatch, {"shop.test": [["93.184.215.14"], ["127.0.0.1"]]})
    server.routes["/x"] = lambda h: h.reply(as_file(RGB))
    assert fetch(f"http://shop.test:{server.port}/x", LoadLimits()) == as_file(RGB)
    assert names.asked == ["shop.test"]
    assert names.connected == ["93.184.215.14"]
    assert server.seen[0]["Host"] == f"shop.test:{server.port}"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.8", "169.254.169.254", "::1"])
def test_redirect_into_a_private_network(
    server: Server, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    names = Names(monkeypatch, {"shop.test": [["93.184.215.14"]], "evil.test": [[address]]})
    server.routes["/x"] = lambda h: h.reply(b"", 302, Location="http://evil.test/latest")
    with pytest.raises(InputError, match=f"'evil.test' leads to the private .* {address}"):
        fetch(f"http://shop.test:{server.port}/x", LoadLimits())
    assert names.connected == ["93.184.215.14"]


def test_one_private_address_among_public_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, {"shop.test": [["93.184.215.14", "192.168.0.1"]]})
    with pytest.raises(InputError, match=r"192\.168\.0\.1"):
        fetch("http://shop.test/x", LoadLimits())
    assert names.connected == []


def test_network_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch, {"shop.test": [["93.184.215.14"]]})
    monkeypatch.setenv("GADET_ALLOW_NETWORK", "0")
    with pytest.raises(InputError, match="GADET_ALLOW_NETWORK=0"):
        fetch("http://shop.test/x", LoadLimits())


def test_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(InputError, match=r"'shop\.test' cannot: .*not known"):
        fetch("http://shop.test/x", LoadLimits())


def test_proxies_of_the_environment_are_not_used(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server.routes["/x"] = lambda h: h.reply(b"ok")
    assert fetch(f"{server.url}/x", limits()) == b"ok"


PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::808:808"]
PRIVATE = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:7f00:1",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001:db8::1",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2002:7f00:1::1", "2002:a00:1::1", "fc00::1", "fd12::1",
    "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "::ffff:224.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@h.org:81/a/b.png?sig=1#f", "https://h.org:81/a/b.png"),
        ("http://[::1]/x?y", "http://[::1]/x"),
        ("http://[broken/x?sig=1", "the URL"),
    ],
)
def test_public_url(url: str, shown: str) -> None:
    assert public_url(url) == shown
