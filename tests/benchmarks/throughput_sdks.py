"""Requests per second and processor time per request, beside bare httpx and the vendors' SDKs.

    python -m tests.benchmarks.throughput_sdks [--requests N] [--rounds N]

The same question with one 512×512 JPEG goes to the same server on loopback, which stands in a
process of its own and answers after 50 ms or at once, from 1, 16 and 64 callers at a time. Everyone
begins with the messages in memory, and ends with the answer's text read. The peers take turns, and
the median of the rounds counts. `openai` and `litellm` take part where they are installed; they are
no dependency of gadet. Required: gadet is at least as fast as every SDK that takes part.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from itertools import repeat
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from gadet import AnomalyDetector
from gadet.backends.codecs.base import Asking
from gadet.backends.codecs.openai_chat import encode
from gadet.backends.hosted import HttpBackend
from gadet.prompts.prompt import Prompt
from tests.benchmarks.results import write
from tests.benchmarks.throughput import served

CONCURRENCY = (1, 16, 64)
DELAYS = (0.05, 0.0)
SIDE = 512
NAME = "throughput_sdks"
SDKS = ("openai", "litellm")

Ask = Callable[[], Awaitable[str]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=640, help="at the highest concurrency")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks") / f"{NAME}.json")
    arguments = parser.parse_args()
    missing = [name for name in SDKS if _version(name) is None]
    rows = [row for delay in DELAYS for row in measure(delay, arguments)]
    facts = {
        "cpus": os.cpu_count(),
        "picture": f"{SIDE}x{SIDE} JPEG",
        "versions": {name: _version(name) for name in ("httpx", *SDKS) if name not in missing},
        "missing": missing,
        "passed": all(_passes(row) for row in rows),
    }
    write(
        arguments.out, "Requests per second, and milliseconds of processor time each", rows, **facts
    )
    return 0 if facts["passed"] else 1


def measure(delay: float, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One row per number of callers."""
    with served(delay) as base_url:
        backend = HttpBackend("loopback", base_url=base_url, max_retries=0)
        prompt = AnomalyDetector(backend, expert=None).prompt(picture(), marks=False)
        body = encode(prompt, Asking(backend.model, backend.profile))
        runs = contestants(base_url, backend, prompt, body)
        for callers in CONCURRENCY:
            count = max(32, arguments.requests * callers // max(CONCURRENCY))
            yield {"delay": delay, "callers": callers, **compare(runs, callers, count, arguments)}
        backend.close()


def picture() -> bytes:
    """A disc on a grainy ground."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    grey = np.where(np.hypot(x, y) < 0.3, 110, 200) + rng.normal(0, 4, (SIDE, SIDE))
    file = BytesIO()
    Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB").save(
        file, "jpeg", quality=90
    )
    return file.getvalue()


Run = Callable[[int, int], None]


def contestants(
    base_url: str, backend: HttpBackend, prompt: Prompt, body: dict[str, Any]
) -> dict[str, Run]:
    """Who takes part, each as a function of the number of callers and of requests."""
    runs: dict[str, Run] = {
        "gadet complete": lambda callers, count: in_threads(backend, prompt, callers, count),
        "gadet acomplete": lambda callers, count: asyncio.run(
            in_tasks(ours(backend, prompt), callers, count)
        ),
        "httpx": lambda callers, count: asyncio.run(in_tasks(bare(base_url, body), callers, count)),
    }
    if _version("openai"):
        runs["openai"] = lambda callers, count: asyncio.run(
            in_tasks(by_openai(base_url, body), callers, count)
        )
    if _version("litellm"):
        runs["litellm"] = lambda callers, count: asyncio.run(
            in_tasks(by_litellm(base_url, body), callers, count)
        )
    return runs


def compare(
    runs: dict[str, Run], callers: int, count: int, arguments: argparse.Namespace
) -> dict[str, float]:
    rates: dict[str, list[float]] = {name: [] for name in runs}
    costs: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run(callers, callers)
    for _ in range(arguments.rounds):
        for name, run in runs.items():
            started, spent = time.perf_counter(), time.process_time()
            run(callers, count)
            rates[name].append(count / (time.perf_counter() - started))
            costs[name].append(1000 * (time.process_time() - spent) / count)
    return {f"{name} /s": round(statistics.median(rates[name]), 1) for name in runs} | {
        f"{name} ms": round(statistics.median(costs[name]), 3) for name in runs
    }


def in_threads(backend: HttpBackend, prompt: Prompt, callers: int, count: int) -> None:
    with ThreadPoolExecutor(callers) as pool:
        for answer in pool.map(backend.complete, repeat(prompt, count)):
            assert json.loads(answer.text)["verdict"] == "normal"


async def in_tasks(client: AbstractAsyncContextManager[Ask], callers: int, count: int) -> None:
    waiting = iter(range(count))
    async with client as ask:

        async def work() -> None:
            for _ in waiting:
                assert json.loads(await ask())["verdict"] == "normal"

        await asyncio.gather(*[work() for _ in range(callers)])


@asynccontextmanager
async def ours(backend: HttpBackend, prompt: Prompt) -> AsyncIterator[Ask]:
    async def ask() -> str:
        return (await backend.acomplete(prompt)).text

    yield ask
    await backend.aclose()


@asynccontextmanager
async def bare(base_url: str, body: dict[str, Any]) -> AsyncIterator[Ask]:
    """What one would write by hand."""
    async with httpx.AsyncClient(timeout=60.0) as client:

        async def ask() -> str:
            answer = await client.post(f"{base_url}/chat/completions", json=body)
            answer.raise_for_status()
            return answer.json()["choices"][0]["message"]["content"]

        yield ask


@asynccontextmanager
async def by_openai(base_url: str, body: dict[str, Any]) -> AsyncIterator[Ask]:
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0) as client:

        async def ask() -> str:
            answer = await client.chat.completions.create(**body)
            return answer.choices[0].message.content or ""

        yield ask


@asynccontextmanager
async def by_litellm(base_url: str, body: dict[str, Any]) -> AsyncIterator[Ask]:
    import litellm

    litellm.suppress_debug_info = True
    litellm.telemetry = False
    asking = {**body, "model": f"openai/{body['model']}"}

    async def ask() -> str:
        answer = await litellm.acompletion(
            **asking, api_base=base_url, api_key="none", num_retries=0
        )
        return answer.choices[0].message.content

    yield ask


def _passes(row: dict[str, Any]) -> bool:
    """Whether the better of gadet's two ways is as fast as every SDK."""
    best = max(row["gadet complete /s"], row["gadet acomplete /s"])
    return all(best >= row.get(f"{name} /s", 0.0) for name in SDKS)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    sys.exit(main())
