"""Gathers questions that many callers ask at once, so that a model answers them in one pass."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

__all__ = ["MicroBatcher"]

Q = TypeVar("Q")
A = TypeVar("A")


class MicroBatcher(Generic[Q, A]):
    """Answers questions in batches, one batch at a time, in the order of asking.

    A question waits for others until the batch is full or the window has passed. Whoever asks
    while a batch is being answered is in the next one.

    Args:
        answer: Answers a batch of questions, in their order; called from one thread at a time.
        kind: Only questions of equal kind share a batch.
        most: Most questions in a batch.
        window: Seconds that a batch which is not full waits for more.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Q]], Sequence[A]],
        *,
        kind: Callable[[Q], Hashable],
        most: int,
        window: float,
    ) -> None:
        self._answer = answer
        self._kind = kind
        self._most = most
        self._window = window
        self._waiting: deque[tuple[Q, Future[A]]] = deque()
        self._changed = threading.Condition()
        # One thread is what keeps batches apart. It ends with this object, so nothing is to close.
        self._turns = ThreadPoolExecutor(1, thread_name_prefix="gadet-local")

    def ask(self, question: Q) -> Future[A]:
        """Put a question into one of the next batches."""
        future: Future[A] = Future()
        with self._changed:
            self._waiting.append((question, future))
            self._changed.notify()
        self._turns.submit(self._take_turn)
        return future

    def _take_turn(self) -> None:
        """Answer one batch; there may be none left, because every question brings a turn."""
        batch = [one for one in self._gathered() if one[1].set_running_or_notify_cancel()]
        if batch:
            self._settle(batch)

    def _gathered(self) -> list[tuple[Q, Future[A]]]:
        with self._changed:
            if not self._waiting:
                return []
            self._changed.wait_for(lambda: len(self._alike()) >= self._most, self._window)
            batch = self._alike()[: self._most]
            for one in batch:
                self._waiting.remove(one)
            return batch

    def _alike(self) -> list[tuple[Q, Future[A]]]:
        """The questions that may share a batch with the one that waits longest."""
        kind = self._kind(self._waiting[0][0])
        return [one for one in self._waiting if self._kind(one[0]) == kind]

    def _settle(self, batch: Sequence[tuple[Q, Future[A]]]) -> None:
        """Answer a batch; one that fails is halved, so that only what is at fault fails.

        Halving also makes room on a device whose memory a batch did not fit.
        """
        answers: Sequence[A] | None = None
        try:
            answers = self._answer([question for question, _ in batch])
        except Exception as error:
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
        # Outside of the handler, because the error's traceback holds the tensors of the batch.
        if answers is None:
            middle = len(batch) // 2
            self._settle(batch[:middle])
            self._settle(batch[middle:])
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            future.set_result(answer)
