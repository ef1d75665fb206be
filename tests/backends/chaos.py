"""A server that does to requests what networks and providers do, as a seed decides.

What happens to a try depends on the seed, the item and the number of the try alone, so a run can be
repeated whatever the order in which requests come. The item is read from the prompt, where the
caller writes it as `item-00042`.

The server keeps books as a provider does: an answer that was generated is billed, also when it is
cut off on its way. `Books.whole` counts answers that were written in full, `Books.cut` those that
were generated and could not be received, per item.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate

__all__ = ["FAULTS", "Books", "Chaos", "chaos"]

_ITEM = re.compile(rb"item-\d{5}")


@dataclass
class Books:
    """What a provider would know afterwards.

    Attributes:
        tries: Requests that came, by item.
        whole: Answers that were generated and written in full, by item.
        cut: Answers that were generated, and billed, but could not be received, by item.
        faults: How often each fault was done.
    """

    tries: Counter[str] = field(default_factory=Counter)
    whole: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)


@dataclass
class Exchange:
    """One request that was read, and the way back."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    item: str
    answer: bytes
    books: Books
    dice: random.Random

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def say(
        self,
        status: int,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        """Answer, with a length of the body that may be a lie."""
        named = {"content-type": "application/json", "content-length": str(length or len(body))}
        lines = [f"{name}: {value}" for name, value in (named | dict(headers or {})).items()]
        head = "\r\n".join([f"HTTP/1.1 {status} Whatever", *lines, "", ""])
        await self.send(head.encode("latin-1") + body)

    def tear(self) -> None:
        """Reset the connection, without a word of goodbye."""
        end: socket.socket = self.writer.get_extra_info("socket")
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Fault = Callable[[Exchange], Awaitable[None]]


def _error(status: int, message: str, headers: Callable[[], Mapping[str, str]] = dict) -> Fault:
    body = json.dumps({"error": {"message": message, "type": "a_kind"}}).encode()

    async def fault(exchange: Exchange) -> None:
        await exchange.say(status, body, headers())

    return fault


async def _google(exchange: Exchange) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.002s"}]
    error = {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED", "details": details}
    await exchange.say(429, json.dumps({"error": error}).encode())


async def _page(exchange: Exchange) -> None:
    page = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
    await exchange.say(502, page, {"content-type": "text/html"})


async def _page_in_200(exchange: Exchange) -> None:
    await exchange.say(200, b"<!doctype html><p>Log in", {"content-type": "text/html"})


async def _error_in_200(exchange: Exchange) -> None:
    await exchange.say(200, b'{"error": {"message": "overloaded", "code": 503}}')


async def _reset_at_once(exchange: Exchange) -> None:
    exchange.tear()


async def _closed_under_us(exchange: Exchange) -> None:
    """As a server that gives up an idle connection just when the next request comes."""
    exchange.writer.close()


async def _reset_in_the_body(exchange: Exchange) -> None:
    exchange.books.cut[exchange.item] += 1
    half = exchange.answer[: len(exchange.answer) // 2]
    await exchange.say(200, half, length=len(exchange.answer))
    await asyncio.sleep(0.001)
    exchange.tear()


async def _truncated(exchange: Exchange) -> None:
    """The JSON ends early, and the length fits what is there."""
    exchange.books.cut[exchange.item] += 1
    await exchange.say(200, exchange.answer[: len(exchange.answer) // 2])


async def _length_too_long(exchange: Exchange) -> None:
    exchange.books.cut[exchange.item] += 1
    await exchange.say(200, exchange.answer, length=len(exchange.answer) + 7)
    exchange.writer.close()


async def _length_too_short(exchange: Exchange) -> None:
    """What does not fit stays on the connection, in front of the next answer."""
    exchange.books.cut[exchange.item] += 1
    await exchange.say(200, exchange.answer, length=len(exchange.answer) - 7)


async def _slow_drip(exchange: Exchange) -> None:
    exchange.books.whole[exchange.item] += 1
    await exchange.say(200, b"", length=len(exchange.answer))
    step = len(exchange.answer) // 4 + 1
    for start in range(0, len(exchange.answer), step):
        await asyncio.sleep(0.002)
        await exchange.send(exchange.answer[start : start + step])


async def _unknown_type(exchange: Exchange) -> None:
    exchange.books.whole[exchange.item] += 1
    await exchange.say(200, exchange.answer, {"content-type": "application/x-whatever; q"})


async def _garbage_headers(exchange: Exchange) -> None:
    exchange.books.whole[exchange.item] += 1
    noise = "".join(chr(exchange.dice.randrange(0xA1, 0xFF)) for _ in range(20))
    head = (
        "HTTP/1.1 200 OK\r\n"
        f"content-length: {len(exchange.answer)}\r\n"
        "X-Request-Id: one\r\nx-request-id: two\r\nRetry-After: soon\r\nretry-after: -1\r\n"
        "x-ratelimit-limit-requests: many\r\nx-ratelimit-remaining-requests: -3\r\n"
        "x-ratelimit-limit-tokens: 1\r\nx-ratelimit-remaining-tokens: 1e999\r\n"
        f"x-noise: {noise}\r\ncontent-type:\r\n\r\n"
    )
    await exchange.send(head.encode("latin-1") + exchange.answer)


async def _answer_and_close(exchange: Exchange) -> None:
    exchange.books.whole[exchange.item] += 1
    await exchange.say(200, exchange.answer)
    exchange.writer.close()


async def _good(exchange: Exchange) -> None:
    exchange.books.whole[exchange.item] += 1
    await exchange.say(200, exchange.answer)


def _late() -> Mapping[str, str]:
    return {"retry-after": formatdate(0, usegmt=True)}


FAULTS: dict[str, Fault] = {
    "429 in milliseconds": _error(429, "slow down", lambda: {"retry-after-ms": "2"}),
    "429 in seconds": _error(429, "slow down", lambda: {"retry-after": "0.002"}),
    "429 by date": _error(429, "slow down", _late),
    "429 of Google": _google,
    "429 without a hint": _error(429, "slow down"),
    "429 with garbage": _error(429, "slow down", lambda: {"retry-after": "next week"}),
    "500": _error(500, "oops"),
    "502 as a page": _page,
    "503": _error(503, "unavailable", lambda: {"retry-after-ms": "1"}),
    "529": _error(529, "overloaded"),
    "200 with a page": _page_in_200,
    "200 with an error": _error_in_200,
    "reset at once": _reset_at_once,
    "closed under us": _closed_under_us,
    "reset in the body": _reset_in_the_body,
    "truncated": _truncated,
    "length too long": _length_too_long,
    "length too short": _length_too_short,
    "slow drip": _slow_drip,
    "unknown type": _unknown_type,
    "garbage headers": _garbage_headers,
    "answered and closed": _answer_and_close,
}


class Chaos:
    """The server's mind.

    Args:
        answer: The body of a good answer.
        seed: What decides.
        share: The share of tries that something happens to, in [0, 1].
    """

    def __init__(self, answer: bytes, *, seed: int = 0, share: float = 0.4) -> None:
        self.answer = answer
        self.seed = seed
        self.share = share
        self.books = Books()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Follow one connection until either side leaves it."""
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(re.search(rb"content-length: (\d+)", head.lower())[1])  # type: ignore[index]
                body = await reader.readexactly(length)
                await self.act(reader, writer, body)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def act(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes
    ) -> None:
        found = _ITEM.search(body)
        assert found, "the prompt names no item"
        item = found[0].decode()
        self.books.tries[item] += 1
        dice = random.Random(f"{self.seed} {item} {self.books.tries[item]}")
        exchange = Exchange(reader, writer, item, self.answer, self.books, dice)
        if dice.random() >= self.share:
            await _good(exchange)
            return
        name = dice.choice(list(FAULTS))
        self.books.faults[name] += 1
        await FAULTS[name](exchange)


@contextmanager
def chaos(answer: bytes, *, seed: int = 0, share: float = 0.4) -> Iterator[Chaos]:
    """Run the server in a thread of its own for the length of a `with` block."""
    mind, ready, done = Chaos(answer, seed=seed, share=share), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def main() -> None:
        server = await asyncio.start_server(mind.serve, "127.0.0.1", 0, backlog=256)
        mind.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        ready.set()
        await done.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    try:
        assert ready.wait(5)
        yield mind
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()
