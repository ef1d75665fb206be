"""A real HTTP server on loopback that follows a script, and keeps what it was sent."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[[BaseHTTPRequestHandler], None]


def reply(status: int, body: bytes | str = b"", **headers: str) -> Act:
    """Answer with a status, a body and headers (`_` in a name stands for `-`)."""
    data = body.encode() if isinstance(body, str) else body

    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named = {"content-type": "application/json", "content-length": str(len(data))} | named
        for name, value in named.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    return act


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Begin an answer and tear the connection down."""
    reply(200, b"{}", content_length="1000")(handler)
    handler.wfile.flush()
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.close_connection = True


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Promise more than is sent, and close in good order."""
    reply(200, b'{"choices": [', content_length="1000")(handler)
    handler.close_connection = True


@dataclass
class Server:
    """The running server.

    Attributes:
        url: Its base URL, with `/v1`.
        script: What it does for each request; the last act is repeated.
        requests: `(path, headers, body)` of what it was sent; header names in lower case.
        methods: The method of each.
        stop: Set when the test is over, for acts that wait.
    """

    url: str
    script: list[Act]
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    stop: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(*script: Act) -> Iterator[Server]:
    """Run a server for the length of a `with` block."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.sent = body = self.rfile.read(int(self.headers.get("content-length", 0)))
            with lock:
                number = len(server.requests)
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.requests.append((self.path, headers, body))
                server.methods.append(self.command)
                server.connections.add(self.client_address)
                act = server.script[min(number, len(server.script) - 1)]
            try:
                act(self)
            except OSError:
                self.close_connection = True

        do_GET = do_DELETE = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    with Quiet(("127.0.0.1", 0), Handler) as http:
        server = Server(f"http://127.0.0.1:{http.server_port}/v1", list(script))
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.stop.set()
            http.shutdown()
            thread.join()
