"""The file of the cache: what it keeps, what it lets go, and what it does when it is broken."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
import subprocess
import sys
import warnings
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.backends.base import Completion, TokenLogprob
from gadet.backends.recall.answer_file import PAGE, open_answers
from gadet.backends.recall.cache import AnswerCache, default_path
from gadet.errors import ConfigurationError
from gadet.report import Usage

FULL = Completion(
    text='{"score": 0.5, "ü": "\\u0000"}',
    usage=Usage(requests=2, input_tokens=700, cached_tokens=10, output_tokens=90),
    model="a-model-2026",
    request_id="req-1",
    logprobs=(TokenLogprob("{", -0.25, (("{", -0.25), ("[", -1.5))),),
)


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def said(text: str = "fine") -> Completion:
    return Completion(text=text)


def keep(cache: AnswerCache, *keys: str, backend: str = "a:b") -> None:
    for key in keys:
        cache.put(key, said(key), backend=backend)


def test_an_answer_comes_back_as_it_was_given(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "deep" / "er" / "answers.db")
    assert cache.get("k") is None
    cache.put("k", FULL, backend="a:b")
    assert cache.get("k") == FULL
    cache.put("k", said("another"), backend="a:b")
    assert cache.get("k") == said("another")
    assert cache.info().entries == 1
    cache.close()
    assert cache.get("k") == said("another"), "a closed cache opens again"
    cache.close()
    other = AnswerCache(cache.path)
    assert other.get("k") == said("another")
    assert repr(other) == f"AnswerCache({str(cache.path)!r})"


@settings(max_examples=30, deadline=None)
@given(text=st.text(st.characters()), refusal=st.none() | st.text(), logprob=st.floats(max_value=0))
def test_every_answer_survives(
    tmp_path_factory: pytest.TempPathFactory, text: str, refusal: str | None, logprob: float
) -> None:
    kept = Completion(text, refusal=refusal, logprobs=(TokenLogprob(text, logprob),))
    cache = AnswerCache(tmp_path_factory.mktemp("c") / "answers.db")
    cache.put("k", kept, backend="b")
    expected = kept if _can_be_written(text, refusal, logprob) else None
    assert cache.get("k") == expected
    cache.close()


def _can_be_written(text: str, refusal: str | None, logprob: float) -> bool:
    try:
        (text + (refusal or "")).encode()
    except UnicodeEncodeError:
        return False
    return logprob != float("-inf")


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "answers.db")
    keep(cache, "k")
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 or os.name == "nt"


def test_it_says_what_it_holds(tmp_path: Path) -> None:
    clock = Clock()
    cache = AnswerCache(tmp_path / "answers.db", clock=clock)
    empty = cache.info()
    assert (empty.entries, empty.bytes, empty.oldest, empty.backends) == (0, 0, None, {})
    keep(cache, "1", backend="x:y")
    clock.now += 60
    keep(cache, "2", "3")
    info = cache.info()
    assert (info.path, info.entries) == (cache.path, 3)
    assert dict(info.backends) == {"a:b": 2, "x:y": 1}
    assert (info.oldest, info.newest) == (
        datetime(1970, 1, 1, 0, 16, 40, tzinfo=UTC),
        datetime(1970, 1, 1, 0, 17, 40, tzinfo=UTC),
    )
    with sqlite3.connect(cache.path) as plain:
        assert info.bytes == plain.execute("SELECT sum(size) FROM answers").fetchone()[0]
    plain.close()
    assert cache.clear() == 3
    assert cache.info() == empty
    assert cache.get("1") is None


def test_clearing_gives_the_space_back(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "answers.db")
    for number in range(50):
        cache.put(str(number), said("secret words " * 800), backend="b")
    large = sum(path.stat().st_size for path in tmp_path.iterdir())
    cache.clear()
    small = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert small < large / 5
    assert not any(b"secret words" in path.read_bytes() for path in tmp_path.iterdir())


def test_old_answers_are_not_given(tmp_path: Path) -> None:
    clock = Clock()
    cache = AnswerCache(tmp_path / "answers.db", max_age=timedelta(minutes=1), clock=clock)
    keep(cache, "old")
    clock.now += 59.9
    keep(cache, "young")
    assert cache.get("old") == said("old")
    clock.now += 0.1
    assert cache.get("old") is None
    assert cache.get("young") == said("young")
    assert (cache.prune(), cache.info().entries) == (1, 1)
    keep(cache, "old")
    assert cache.get("old") == said("old"), "asked again, it is good again"
    assert AnswerCache(cache.path, clock=clock).prune() == 0, "without a limit nothing is too old"


def test_the_least_recently_used_makes_room(tmp_path: Path) -> None:
    clock = Clock()
    cache = AnswerCache(tmp_path / "answers.db", max_entries=3, clock=clock)
    for key in "abc":
        clock.now += 1
        keep(cache, key)
    clock.now += 1
    assert cache.get("a") is not None
    clock.now += 1
    keep(cache, "d")
    assert [key for key in "abcd" if cache.get(key)] == ["a", "c", "d"]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), most=st.integers(1, 9))
def test_eviction_follows_a_plain_model(
    tmp_path_factory: pytest.TempPathFactory, seed: int, most: int
) -> None:
    """With so few entries a batch of evictions is one, as in an ordered dictionary."""
    clock, rng = Clock(), random.Random(seed)
    cache = AnswerCache(tmp_path_factory.mktemp("c") / "a.db", max_entries=most, clock=clock)
    model: OrderedDict[str, None] = OrderedDict()
    for _ in range(60):
        clock.now += 1
        key = str(rng.randrange(12))
        if rng.random() < 0.5:
            assert (cache.get(key) is not None) == (key in model)
            if key in model:
                model.move_to_end(key)
        else:
            keep(cache, key)
            model[key] = None
            model.move_to_end(key)
            while len(model) > most:
                model.popitem(last=False)
    assert cache.info().entries == len(model)
    cache.close()


def test_bytes_are_bounded_and_the_newest_stays(tmp_path: Path) -> None:
    clock = Clock()
    cache = AnswerCache(tmp_path / "answers.db", max_bytes=200_000, clock=clock)
    for number in range(400):
        clock.now += 1
        cache.put(str(number), said("x" * (number * 37 % 3000)), backend="b")
        assert cache.info().bytes <= 200_000
        assert cache.get(str(number)) is not None
    assert cache.info().bytes > 100_000, "no more is let go than a tenth at a time"
    assert cache.get("0") is None
    cache.put("huge", said("x" * 300_000), backend="b")
    assert cache.get("huge") is None, "what can never fit does not push out everything else"
    assert cache.info().bytes > 100_000
    cache.close()
    # On disk it is bounded too, but for the places in the indexes and half-filled pages.
    assert cache.path.stat().st_size < 2 * 200_000


def test_closing_makes_nothing_anew(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "answers.db")
    keep(cache, "k")
    cache.close()
    cache.path.unlink()
    cache.close()
    assert not list(tmp_path.iterdir())


def test_uses_are_remembered_across_runs(tmp_path: Path) -> None:
    clock = Clock()
    cache = AnswerCache(tmp_path / "answers.db", clock=clock)
    for key in "ab":
        clock.now += 1
        keep(cache, key)
    clock.now += 1
    cache.get("a")
    cache.close()
    later = AnswerCache(cache.path, max_entries=2, clock=clock)
    keep(later, "c")
    assert [key for key in "abc" if later.get(key)] == ["a", "c"]


def test_many_uses_are_written_in_between(tmp_path: Path) -> None:
    clock = Clock()
    cache = AnswerCache(tmp_path / "answers.db", clock=clock)
    keep(cache, *map(str, range(300)))
    clock.now += 5
    for number in range(300):
        cache.get(str(number))
    plain = sqlite3.connect(cache.path)
    assert plain.execute("SELECT count(*) FROM answers WHERE used > 1000").fetchone() == (256,)
    plain.close()


@pytest.mark.parametrize(
    "limits",
    [{"max_bytes": 0}, {"max_entries": -1}, {"max_age": 0}, {"max_age": timedelta(-1)},
     {"max_age": float("nan")}],
)  # fmt: skip
def test_limits_that_make_no_sense(tmp_path: Path, limits: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"{next(iter(limits))} needs a number above 0"):
        AnswerCache(tmp_path / "answers.db", **limits)
    assert not list(tmp_path.iterdir())


def foreign(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    text, database = tmp_path / "notes.txt", tmp_path / "app.db"
    text.write_text("my notes\n" * 500)
    foreign(database, "CREATE TABLE mine (a)", "INSERT INTO mine VALUES (1)")
    newer = tmp_path / "newer.db"
    AnswerCache(newer).close()
    foreign(newer, "PRAGMA user_version = 99")
    for path in (text, database, newer):
        before = path.read_bytes()
        with pytest.raises(ConfigurationError, match=r"needs a file that gadet wrote.*name an"):
            AnswerCache(path)
        assert path.read_bytes() == before
    with pytest.raises(ConfigurationError, match="is a folder"):
        AnswerCache(tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    cache = AnswerCache(path)
    keep(cache, *map(str, range(200)))
    cache.close()
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ConfigurationError, match=r"is damaged.*delete it"):
        AnswerCache(path)


def hammer(cache: AnswerCache) -> None:
    for number in range(200):
        cache.get(str(number))
        cache.put(f"new {number}", said("x" * 5000), backend="b")


def test_damage_during_a_run_ends_the_cache_not_the_run(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    cache = AnswerCache(path)
    keep(cache, *map(str, range(200)))
    cache.close()
    whole = path.read_bytes()
    # The pages that are read on opening stay.
    path.write_bytes(whole[: 6 * PAGE] + os.urandom(len(whole) - 6 * PAGE))
    cache = AnswerCache(path)
    with pytest.warns(RuntimeWarning, match=r"cannot be .*: the run goes on without it") as caught:
        hammer(cache)
    assert len(caught) == 1
    assert cache.get("0") is None
    assert (cache.info().entries, cache.clear(), cache.prune()) == (0, 0, 0)
    cache.close()


def test_a_row_that_cannot_be_read_is_asked_for_again(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "answers.db")
    keep(cache, "k")
    foreign(cache.path, """UPDATE answers SET completion = '{"text": 7}'""")
    assert cache.get("k") is None
    keep(cache, "k")
    assert cache.get("k") == said("k")


def test_a_full_disk_is_one_warning(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "answers.db")
    keep(cache, "before")
    with cache._writer as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.warns(RuntimeWarning, match=r"written \(database or disk is full\)") as caught:
        hammer(cache)
    assert len(caught) == 1
    assert cache.get("before") == said("before"), "what is there can still be read"
    cache.close()


def test_a_file_that_may_only_be_read(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "answers.db")
    keep(cache, "before")
    with cache._writer as connection:
        connection.execute("PRAGMA query_only = ON")
    with pytest.warns(RuntimeWarning, match=r"cannot be written \(attempt to write a readonly"):
        keep(cache, "after")
    assert cache.get("before") == said("before")
    assert cache.get("after") is None


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder nobody can write into")
def test_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.warns(RuntimeWarning, match="cannot be opened") as caught:
        cache = AnswerCache("/proc/none/answers.db")
    keep(cache, "k")
    assert cache.get("k") is None
    assert cache.info().entries == 0
    assert len(caught) == 1


def test_a_file_in_use_is_waited_for_and_then_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gadet.backends.recall.answer_file.PATIENCE", 0.05)
    caplog.set_level("INFO", logger="gadet")
    cache = AnswerCache(tmp_path / "answers.db")
    keep(cache, "k")
    cache.close()
    other = open_answers(cache.path)
    other.execute("BEGIN IMMEDIATE")
    keep(cache, "l")
    assert "in use and could not be written in time" in caplog.text
    assert cache.get("k") == said("k"), "readers do not wait for writers"
    other.execute("ROLLBACK")
    other.close()
    keep(cache, "l")
    assert cache.get("l") == said("l"), "the next try goes well"


def test_threads_share_it(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "answers.db", max_entries=500)

    def work(number: int) -> bool:
        key = str(number % 100)
        keep(cache, key)
        return cache.get(key) == said(key)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(800)))
    assert cache.info().entries == 100


HAMMER = """
import sys, warnings
warnings.simplefilter("error")
from gadet.backends.base import Completion
from gadet.backends.recall.cache import AnswerCache
cache = AnswerCache(sys.argv[1], max_entries=150)
wrong = 0
for number in range(400):
    key = str((number * 7 + int(sys.argv[2])) % 200)
    cache.put(key, Completion("answer " + key), backend="b")
    for other in range(0, 200, 40):
        found = cache.get(str(other))
        wrong += found is not None and found.text != f"answer {other}"
cache.close()
print("wrong", wrong)
"""


def test_processes_hammer_one_file(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", HAMMER, str(path), str(number)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    said = [process.communicate(timeout=120) for process in running]
    assert said == [("wrong 0\n", "")] * 4
    assert 100 < AnswerCache(path).info().entries <= 150
    plain = sqlite3.connect(path)
    assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    counted = plain.execute("SELECT count(*), sum(size) FROM answers").fetchone()
    assert plain.execute("SELECT entries, bytes FROM totals").fetchone() == counted
    plain.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_opens_the_file_for_itself(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "answers.db")
    keep(cache, "parent")
    with cache._reader, cache._writer, warnings.catch_warnings():
        # Both locks are held, as they may be by another thread when a process forks.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
        if child == 0:
            known = cache.get("parent") == said("parent")
            keep(cache, "child")
            os._exit(0 if known and cache.get("child") == said("child") else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert cache.get("child") == said("child")
    keep(cache, "after")
    assert cache.info().entries == 3


def test_the_place_when_none_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GADET_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    places = {
        "linux": tmp_path / ".cache" / "gadet",
        "darwin": tmp_path / "Library" / "Caches" / "gadet",
        "win32": tmp_path / "AppData" / "Local" / "gadet",
    }
    for platform, folder in places.items():
        monkeypatch.setattr(sys, "platform", platform)
        assert default_path() == folder / "answers.sqlite3"
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert default_path().parent == places["linux"]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_path().parent == tmp_path / "xdg" / "gadet"
    monkeypatch.setenv("GADET_CACHE", str(tmp_path / "mine"))
    assert default_path() == tmp_path / "mine" / "answers.sqlite3"
    keep(AnswerCache(), "k")
    assert (tmp_path / "mine" / "answers.sqlite3").exists()
