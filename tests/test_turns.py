from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gadet.batch import Turns


def test_no_more_work_at_once_than_turns_and_waiting_is_not_work() -> None:
    lock, working, waiting = threading.Lock(), [0, 0], [0, 0]
    turns = Turns(2)

    def enter(count: list[int], by: int) -> None:
        with lock:
            count[0] += by
            count[1] = max(count)

    def wait(seconds: float) -> float:
        enter(working, -1)
        enter(waiting, 1)
        time.sleep(seconds)
        enter(waiting, -1)
        return seconds

    left = turns.left_while(wait)

    def item(_: int) -> None:
        with turns:
            enter(working, 1)
            time.sleep(0.002)
            left(0.03)
            enter(working, 1)
            enter(working, -1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(item, range(24)))
    assert working[1] <= 2
    assert waiting[1] > 2


def test_a_turn_comes_back_after_an_error() -> None:
    turns = Turns(1)

    def fail(_: int) -> int:
        raise ValueError("gone")

    for _ in range(3):
        with pytest.raises(ValueError, match="gone"), turns:
            turns.left_while(fail)(1)
    with turns:
        pass
