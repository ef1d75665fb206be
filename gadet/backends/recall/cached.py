"""`CachedBackend`: a backend that is asked only what a cache does not know."""

from __future__ import annotations

import threading
from asyncio import to_thread
from collections.abc import Collection
from dataclasses import replace

from gadet.backends.base import Backend, Completion
from gadet.backends.recall.cache import AnswerCache
from gadet.backends.recall.fingerprint import asking_of, fingerprint
from gadet.backends.recall.flights import Flights
from gadet.prompts.prompt import Prompt
from gadet.report import Stop, Usage

__all__ = ["CachedBackend"]

KEPT: tuple[Stop, ...] = ("complete",)
_FREE = Usage()


class CachedBackend:
    """A backend that is asked only what the cache does not know.

    Equal questions that are asked at the same time, from threads and tasks of this process, are
    sent once. An answer from the cache costs nothing: its `usage` is empty, its `origin` is
    `cache`; what it cost when it was given adds up in `saved`.

    Args:
        backend: Who is asked.
        cache: Where answers are kept.
        keep: Which answers are kept, by how they ended. By default only complete ones: a
            truncation, a block or a refusal would otherwise stay for ever, although the next try
            may well be answered. An empty answer is never kept.

    Attributes:
        name: The backend's own.
        profile: The backend's own.
        backend: Who is asked.
        cache: Where answers are kept.

    Raises:
        ConfigurationError: The backend's settings cannot be expressed in JSON.
    """

    def __init__(
        self, backend: Backend, cache: AnswerCache, *, keep: Collection[Stop] = KEPT
    ) -> None:
        """Take the two; nothing is asked."""
        self.name = backend.name
        self.profile = backend.profile
        self.backend = backend
        self.cache = cache
        self._keep = frozenset(keep)
        self._asking = asking_of(backend)
        self._flights = Flights()
        self._saved = _FREE
        self._saved_lock = threading.Lock()

    def __repr__(self) -> str:
        """The backend and the cache."""
        return f"CachedBackend({self.backend!r}, {self.cache!r})"

    @property
    def saved(self) -> Usage:
        """What the answers that this object took from the cache cost when they were given."""
        return self._saved

    def complete(self, prompt: Prompt) -> Completion:
        """Give the answer that is known, or ask; errors are the backend's."""
        key, known = self._look_up(prompt)
        if known is not None:
            return known

        def ask() -> Completion:
            # It may have come in between the look into the cache and the turn to ask.
            return self._recall(key) or self._kept(key, self.backend.complete(prompt))

        return self._flights.join(key, ask, self._free)

    async def acomplete(self, prompt: Prompt) -> Completion:
        """Like `complete`, without blocking the event loop; the file is read in a thread."""
        key, known = await to_thread(self._look_up, prompt)
        if known is not None:
            return known

        async def ask() -> Completion:
            known = await to_thread(self._recall, key)
            if known is not None:
                return known
            return await to_thread(self._kept, key, await self.backend.acomplete(prompt))

        return await self._flights.ajoin(key, ask, self._free)

    def close(self) -> None:
        """Close the backend and release the file; both may be used again."""
        self.backend.close()
        self.cache.close()

    def _look_up(self, prompt: Prompt) -> tuple[str, Completion | None]:
        key = fingerprint(self._asking, prompt)
        return key, self._recall(key)

    def _recall(self, key: str) -> Completion | None:
        known = self.cache.get(key)
        return None if known is None else self._free(known)

    def _kept(self, key: str, completion: Completion) -> Completion:
        if completion.stop in self._keep and completion.text.strip():
            self.cache.put(key, completion, backend=self.name)
        return completion

    def _free(self, completion: Completion) -> Completion:
        """The answer as one that costs nothing now."""
        with self._saved_lock:
            self._saved += completion.usage
        return replace(completion, usage=_FREE, origin="cache")
