"""A server that answers every chat completion alike after a delay; as light as it can be.

    python loopback_model.py DELAY_SECONDS        (prints its port)

It runs in its own process and reads no more of a request than its length, so that a benchmark
measures the client.
"""

from __future__ import annotations

import asyncio
import json
import sys

ANSWER = {
    "observations": ["A disc without marks."],
    "findings": [],
    "explanation": "Nothing departs from normal.",
    "verdict": "normal",
    "score": 0.1,
}
BODY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "loopback",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": json.dumps(ANSWER)},
            }
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150},
    }
).encode()
RESPONSE = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY)
) + BODY


class Answers(asyncio.Protocol):
    """Counts the bytes of each request, and answers when all have come."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.head = bytearray()
        self.missing: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.missing is None:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            lines = bytes(self.head[:end]).lower().split(b"\r\n")
            length = next(line for line in lines if line.startswith(b"content-length:"))
            self.missing = int(length.partition(b":")[2]) - (len(self.head) - end - 4)
            self.head.clear()
        else:
            self.missing -= len(data)
        if self.missing <= 0:
            self.missing = None
            asyncio.get_running_loop().call_later(self.delay, self.answer)

    def answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(RESPONSE)


async def main(delay: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answers(delay), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
