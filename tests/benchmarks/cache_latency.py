"""How long a hit in the cache takes, beside other stores of the same answers.

    python -m tests.benchmarks.cache_latency [--out FILE]

Each store is filled with answers of about two kilobytes, closed and opened again. `first` is the
time until the first hit, with opening the file; `p50` and `p99` are of random hits afterwards, each
timed on its own, by one thread and by eight at once; `hits/s` is over all threads. Every hit ends
in a `Completion`, decoded alike for all stores. `put` is the median of keeping one more answer.
`CachedBackend` is the whole way of a hit: the key of a prompt whose pictures are hashed already,
the look-up, and the answer. Peers: the standard library's `dbm`, which no two threads or processes
may share, so a lock is held around it; and `diskcache`, when it is installed.
"""

from __future__ import annotations

import dbm
import gc
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter

from gadet.backends.base import Completion
from gadet.backends.recall.cache import AnswerCache
from gadet.backends.recall.cached import CachedBackend
from gadet.backends.recall.fingerprint import asking_of, fingerprint
from gadet.backends.scripted import ScriptedBackend
from gadet.prompts.prompt import Message, Prompt
from gadet.report import Usage
from tests.benchmarks.results import arguments, write

ENTRIES = (10_000, 100_000)
THREADS = (1, 8)
HITS = 20_000
PUTS = 500
COMPLETION = TypeAdapter(Completion)
BACKEND = ScriptedBackend([], name="a:b")
ASKING = asking_of(BACKEND)


class Store(Protocol):
    """What is measured."""

    def get(self, number: int) -> Completion | None: ...
    def put(self, number: int, completion: Completion) -> None: ...
    def close(self) -> None: ...


class Ours:
    """`AnswerCache`."""

    def __init__(self, folder: Path) -> None:
        self._cache = AnswerCache(folder / "answers.db")

    def get(self, number: int) -> Completion | None:
        return self._cache.get(KEYS[number])

    def put(self, number: int, completion: Completion) -> None:
        self._cache.put(KEYS[number], completion, backend="a:b")

    def close(self) -> None:
        self._cache.close()


class Whole(Ours):
    """`CachedBackend`, from a prompt to its answer."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._backend = CachedBackend(BACKEND, self._cache)

    def get(self, number: int) -> Completion | None:
        return self._backend.complete(PROMPTS[number])


class Dbm:
    """The standard library's, whichever kind is there."""

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        self._file = dbm.open(str(folder / "answers"), "c")  # noqa: SIM115  (closed by `close`)

    def get(self, number: int) -> Completion | None:
        with self._lock:
            data = self._file[KEYS[number]]
        return COMPLETION.validate_json(data)

    def put(self, number: int, completion: Completion) -> None:
        data = COMPLETION.dump_json(completion)
        with self._lock:
            self._file[KEYS[number]] = data

    def close(self) -> None:
        self._file.close()


class DiskCache:
    """`diskcache.Cache` of JSON, least recently used first to go, as ours."""

    def __init__(self, folder: Path) -> None:
        module: Any = import_module("diskcache")
        self._cache = module.Cache(
            str(folder / "dc"), eviction_policy="least-recently-used", size_limit=1024**3
        )

    def get(self, number: int) -> Completion | None:
        return COMPLETION.validate_json(self._cache[KEYS[number]])

    def put(self, number: int, completion: Completion) -> None:
        self._cache[KEYS[number]] = COMPLETION.dump_json(completion)

    def close(self) -> None:
        self._cache.close()


# Prompts with their hashes and keys, made before anything is timed.
PROMPTS = [
    Prompt("", (Message("user", (f"Is part {number} anomalous?",)),), {})
    for number in range(max(ENTRIES) + PUTS)
]
WORDS = " ".join(f"{random.Random(n).randrange(10**9):x}" for n in range(220))
KEYS = [fingerprint(ASKING, prompt) for prompt in PROMPTS]


def answer(number: int) -> Completion:
    """An answer of about two kilobytes, another one each time."""
    usage = Usage(requests=1, input_tokens=1500 + number % 100, output_tokens=300)
    return Completion(f'{{"explanation": "{number} {WORDS}"}}', usage=usage, model="a-model-2026")


def main() -> None:
    options = arguments(__doc__, "cache_latency")
    kinds: list[tuple[str, Callable[[Path], Store]]] = [
        ("AnswerCache", Ours),
        (_kind_of_dbm(), Dbm),
    ]
    with suppress(ImportError):
        module: Any = import_module("diskcache")
        kinds.append((f"diskcache {module.__version__}", DiskCache))
    rows = [row for entries in ENTRIES for row in measure(kinds, entries)]
    write(
        options.out,
        "Hits in a cache of answers, in microseconds",
        rows,
        hits_per_measurement=HITS,
        bytes_of_an_answer=len(COMPLETION.dump_json(answer(0))),
    )


def measure(
    kinds: Sequence[tuple[str, Callable[[Path], Store]]], entries: int
) -> Iterator[dict[str, Any]]:
    """Fill, close, open and read every kind of store."""
    for name, kind in kinds:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            puts = fill(kind(folder), entries)
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            facts = {"put": puts, "bytes/answer": size // (entries + PUTS)}
            yield from read(name, kind, folder, entries, facts)
            if kind is Ours:
                yield from read("CachedBackend", Whole, folder, entries, facts)


def fill(store: Store, entries: int) -> float:
    """Keep the answers; returns the median time of keeping one more, in microseconds."""
    times = []
    for number in range(entries + PUTS):
        completion = answer(number)
        started = time.perf_counter()
        store.put(number, completion)
        times.append(time.perf_counter() - started)
    store.close()
    return statistics.median(times[entries:]) * 1e6


def read(
    name: str, kind: Callable[[Path], Store], folder: Path, entries: int, facts: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    for threads in THREADS:
        gc.collect()
        started = time.perf_counter()
        store = kind(folder)
        assert store.get(entries // 2) is not None
        first = time.perf_counter() - started
        timed = [
            random.Random(seed).choices(range(entries), k=HITS // threads) for seed in range(8)
        ]
        started = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            jobs = [pool.submit(hits, store, timed[n]) for n in range(threads)]
            times = sorted(seconds for job in jobs for seconds in job.result())
        wall = time.perf_counter() - started
        store.close()
        yield {
            "store": name,
            "entries": entries,
            "threads": threads,
            "first": first * 1e6,
            "p50": times[len(times) // 2] * 1e6,
            "p99": times[len(times) * 99 // 100] * 1e6,
            "hits/s": round(len(times) / wall),
            **facts,
        }


def hits(store: Store, numbers: Sequence[int]) -> list[float]:
    times = []
    for number in numbers:
        started = time.perf_counter()
        found = store.get(number)
        times.append(time.perf_counter() - started)
        assert found is not None
    return times


def _kind_of_dbm() -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "x")
        dbm.open(path, "c").close()
        return dbm.whichdb(path) or "unknown"


if __name__ == "__main__":
    main()
