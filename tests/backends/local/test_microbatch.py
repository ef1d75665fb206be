from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.backends.local.microbatch import MicroBatcher


class Doubler:
    """Doubles numbers in batches, and keeps the batches."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        self.batches: list[list[int]] = []
        self.gate = gate

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        if self.gate is not None:
            assert self.gate.wait(10)
        if any(number < 0 for number in numbers):
            raise ArithmeticError("a negative number")
        return [2 * number for number in numbers]


def batcher(answer: Doubler, most: int = 4, window: float = 5.0) -> MicroBatcher[int, int]:
    return MicroBatcher(answer, kind=lambda number: number >= 100, most=most, window=window)


def test_a_full_batch_does_not_wait() -> None:
    double = Doubler()
    made = batcher(double, window=60.0)
    futures = [made.ask(number) for number in range(4)]
    assert [future.result(10) for future in futures] == [0, 2, 4, 6]
    assert double.batches == [[0, 1, 2, 3]]


def test_a_batch_that_is_not_full_ends_with_its_window() -> None:
    double = Doubler()
    made = batcher(double, window=0.01)
    assert made.ask(1).result(10) == 2
    assert double.batches == [[1]]


def test_who_asks_meanwhile_is_in_the_next_batch() -> None:
    gate = threading.Event()
    double = Doubler(gate)
    made = batcher(double, most=3, window=0.0)
    first = made.ask(0)
    while not double.batches:
        threading.Event().wait(0.001)
    others = [made.ask(number) for number in (1, 2, 3, 4)]
    gate.set()
    assert [future.result(10) for future in (first, *others)] == [0, 2, 4, 6, 8]
    assert double.batches == [[0], [1, 2, 3], [4]]


def test_kinds_do_not_mix() -> None:
    double = Doubler()
    made = batcher(double, window=0.05)
    futures = [made.ask(number) for number in (1, 100, 2, 200)]
    assert [future.result(10) for future in futures] == [2, 200, 4, 400]
    assert double.batches == [[1, 2], [100, 200]]


def test_only_what_is_at_fault_fails() -> None:
    double = Doubler()
    made = batcher(double)
    futures = [made.ask(number) for number in (1, 2, -3, 4)]
    wait(futures)
    assert [future.result() for future in (futures[0], futures[1], futures[3])] == [2, 4, 8]
    with pytest.raises(ArithmeticError, match="negative"):
        futures[2].result()
    assert double.batches == [[1, 2, -3, 4], [1, 2], [-3, 4], [-3], [4]]


def test_a_question_that_was_taken_back_is_not_answered() -> None:
    gate = threading.Event()
    double = Doubler(gate)
    made = batcher(double, most=1, window=0.0)
    first = made.ask(1)
    second = made.ask(2)
    third = made.ask(3)
    assert second.cancel()
    gate.set()
    assert (first.result(10), third.result(10)) == (2, 6)
    assert double.batches == [[1], [3]]


def test_a_batcher_that_nobody_holds_ends() -> None:
    made = batcher(Doubler(), window=0.0)
    made.ask(1).result(10)
    ended = weakref.ref(made._turns)
    del made
    gc.collect()
    assert ended() is None


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-3, 120), max_size=30), st.integers(1, 6))
def test_every_question_gets_its_own_answer(numbers: list[int], most: int) -> None:
    double = Doubler()
    made = batcher(double, most, window=0.001)
    with ThreadPoolExecutor(8) as pool:
        futures = list(pool.map(made.ask, numbers))
    wait(futures)
    for number, future in zip(numbers, futures, strict=True):
        if number < 0:
            assert isinstance(future.exception(), ArithmeticError)
        else:
            assert future.result() == 2 * number
    assert all(len(batch) <= most for batch in double.batches)
