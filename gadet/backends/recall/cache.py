"""An exact cache: the same question to the same model is answered from a file, at no cost.

`AnswerCache` is the file, shared by any number of threads and processes; `CachedBackend` in
`cached.py` puts it in front of a backend. A cache never stands in the way of a run: what cannot be
read is asked for, what cannot be written is not kept, and one warning says so.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from gadet.backends.base import Completion
from gadet.backends.recall.answer_file import Line, is_busy
from gadet.backends.recall.forks import renew_after_fork
from gadet.errors import ConfigurationError

__all__ = ["AnswerCache", "CacheInfo", "default_path"]

logger = logging.getLogger("gadet")

_COMPLETION = TypeAdapter(Completion)
# What a row takes beside its texts: the key, twice, three numbers, and its places in the indexes.
_ROW_BYTES = 250
# Uses are written down together, and evictions take a tenth at a time: both cost a transaction.
_MOST_UNWRITTEN_USES = 256
_EVICTED_SHARE = 10


def default_path() -> Path:
    r"""Where the cache is when nobody names a file.

    In the folder that `GADET_CACHE` names, else in the one that the platform has for caches:
    `$XDG_CACHE_HOME/gadet` or `~/.cache/gadet`, `~/Library/Caches/gadet`, `%LOCALAPPDATA%\gadet`.

    Source: XDG Base Directory Specification 0.8, which has relative paths ignored.
    """
    return _default_folder() / "answers.sqlite3"


def _default_folder() -> Path:
    if given := os.environ.get("GADET_CACHE", "").strip():
        return Path(given).expanduser()
    match sys.platform:
        case "darwin":
            return Path.home() / "Library" / "Caches" / "gadet"
        case "win32":
            variable, other = "LOCALAPPDATA", Path.home() / "AppData" / "Local"
        case _:
            variable, other = "XDG_CACHE_HOME", Path.home() / ".cache"
    named = Path(os.environ.get(variable, ""))
    return (named if named.is_absolute() else other) / "gadet"


@dataclass(frozen=True)
class CacheInfo:
    """What a cache holds.

    Attributes:
        path: Its file.
        entries: How many answers.
        bytes: What they take; the file is a little larger.
        oldest: When the oldest answer was given, in UTC; None in an empty cache.
        newest: When the newest answer was given, in UTC.
        backends: How many answers each backend gave, most first.
    """

    path: Path
    entries: int
    bytes: int
    oldest: datetime | None
    newest: datetime | None
    backends: Mapping[str, int]


class AnswerCache:
    """Answers by key, in one file that many threads and processes may share.

    When it is full, what was not used for longest makes room. Files on a network drive are not
    supported, because SQLite's write-ahead log needs shared memory.

    Args:
        path: The file; it is made, readable by its owner only, when it does not exist. None takes
            `default_path()`.
        max_bytes: Most bytes that the answers may take.
        max_entries: Most answers; None sets no limit.
        max_age: How long an answer is good, in seconds or as a `timedelta`; None for ever.
        clock: Seconds since 1970.

    Raises:
        ConfigurationError: A limit is not positive, or the file is damaged or not a cache.

    Warns:
        RuntimeWarning: Once, when the file cannot be read or written; everything is then asked.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        max_bytes: int = 1024**3,
        max_entries: int | None = None,
        max_age: float | timedelta | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the file, and make it when there is none."""
        self.path = Path(path) if path is not None else default_path()
        self._max_bytes, self._max_entries = max_bytes, max_entries
        self._max_age = _seconds(max_age)
        _check_positive(max_bytes=max_bytes, max_entries=max_entries, max_age=self._max_age)
        self._clock = clock
        self._readable = self._writable = True
        self.renew()
        renew_after_fork(self)
        if self.path.is_dir():
            raise ConfigurationError(f"a cache is a file; {self.path} is a folder: name a file")
        try:
            self._reader.connection()
        except (sqlite3.Error, OSError) as error:
            self._give_up("opened", error)

    def __repr__(self) -> str:
        """The path."""
        return f"AnswerCache({str(self.path)!r})"

    def renew(self) -> None:
        """Begin with connections and locks of its own, in a forked child."""
        self._reader, self._writer = Line(self.path), Line(self.path)
        self._uses: dict[str, float] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> Completion | None:
        """The answer that is kept for a key, as it was given, or None."""
        if not self._readable:
            return None
        now = self._clock()
        since = now - self._max_age if self._max_age else float("-inf")
        try:
            with self._reader as connection:
                row = connection.execute(
                    "SELECT completion FROM answers WHERE key = ? AND made > ?", (key, since)
                ).fetchone()
        except (sqlite3.Error, OSError, ConfigurationError) as error:
            self._failed("read", error)
            return None
        if row is None:
            return None
        try:
            completion = _COMPLETION.validate_json(row[0])
        except ValidationError:
            # Written by another version or by hand: it is asked for again, and replaced.
            return None
        self._note_use(key, now)
        return completion

    def put(self, key: str, completion: Completion, *, backend: str) -> None:
        """Keep an answer, in place of an earlier one.

        Args:
            key: What makes two questions the same.
            completion: The answer.
            backend: Who gave it, for `info`.
        """
        try:
            text = _COMPLETION.dump_json(completion).decode()
        except PydanticSerializationError:
            return  # half a surrogate pair, which no file can hold
        size = len(text.encode()) + len(backend.encode()) + _ROW_BYTES
        if size > self._max_bytes:
            return
        now = self._clock()

        def replace_answer(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM answers WHERE key = ?", (key,))
            connection.execute(
                "INSERT INTO answers (key, backend, made, used, size, completion) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (key, backend, now, now, size, text),
            )
            self._make_room(connection)

        self._write(replace_answer)

    def info(self) -> CacheInfo:
        """What the cache holds; nothing when it cannot be read."""
        (entries, size), (oldest, newest), backends = (0, 0), (None, None), []
        if self._readable:
            try:
                with self._reader as connection:
                    (entries, size) = connection.execute(
                        "SELECT entries, bytes FROM totals"
                    ).fetchone()
                    (oldest, newest) = connection.execute(
                        "SELECT min(made), max(made) FROM answers"
                    ).fetchone()
                    backends = connection.execute(
                        "SELECT backend, count(*) FROM answers GROUP BY backend "
                        "ORDER BY count(*) DESC, backend"
                    ).fetchall()
            except (sqlite3.Error, OSError, ConfigurationError) as error:
                self._failed("read", error)
        return CacheInfo(self.path, entries, size, _moment(oldest), _moment(newest), dict(backends))

    def clear(self) -> int:
        """Remove every answer, and give its space back to the disk.

        Returns:
            How many answers were removed.
        """
        return self._remove("DELETE FROM answers", ())

    def prune(self) -> int:
        """Remove what is too old and what is too much, and give the space back to the disk.

        Returns:
            How many answers were removed.
        """
        since = self._clock() - self._max_age if self._max_age else float("-inf")
        return self._remove("DELETE FROM answers WHERE made <= ?", (since,))

    def close(self) -> None:
        """Release the file; the cache may be used again and then opens it anew."""
        if self._uses:
            self._write(lambda _: None)
        self._reader.close()
        self._writer.close()

    def _remove(self, statement: str, arguments: tuple[float, ...]) -> int:
        before = self.info().entries

        def remove(connection: sqlite3.Connection) -> None:
            connection.execute(statement, arguments)
            self._make_room(connection)

        if self._write(remove):
            with suppress(sqlite3.Error), self._writer as connection:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return max(before - self.info().entries, 0)

    def _make_room(self, connection: sqlite3.Connection) -> None:
        """Remove what was not used for longest until both limits are kept."""
        while True:
            entries, size = connection.execute("SELECT entries, bytes FROM totals").fetchone()
            if size <= self._max_bytes and entries <= (self._max_entries or entries):
                return
            connection.execute(
                "DELETE FROM answers WHERE rowid IN "
                "(SELECT rowid FROM answers ORDER BY used LIMIT ?)",
                (max(entries // _EVICTED_SHARE, 1),),
            )

    def _note_use(self, key: str, now: float) -> None:
        with self._lock:
            self._uses[key] = now
            full = len(self._uses) >= _MOST_UNWRITTEN_USES
        if full:
            self._write(lambda _: None)

    def _write(self, work: Callable[[sqlite3.Connection], None]) -> bool:
        """Do some work in one transaction, together with the uses that wait to be written."""
        with self._lock:
            uses, self._uses = self._uses, {}
        if not self._writable:
            return False
        try:
            with self._writer as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(
                    "UPDATE answers SET used = ? WHERE key = ?",
                    [(moment, key) for key, moment in uses.items()],
                )
                work(connection)
                connection.execute("COMMIT")
        except (sqlite3.Error, OSError, ConfigurationError) as error:
            self._failed("written", error)
            return False
        return True

    def _failed(self, what: str, error: Exception) -> None:
        """Go on without: for this once when another process was in the way, else for good."""
        if isinstance(error, sqlite3.Error) and is_busy(error):
            logger.info("%s was in use and could not be %s in time", self.path, what)
        else:
            self._give_up(what, error)

    def _give_up(self, what: str, error: Exception) -> None:
        with self._lock:
            warned = not (self._readable and self._writable)
            self._writable = False
            self._readable = self._readable and what == "written"
        if not warned:
            warnings.warn(
                f"the cache {self.path} cannot be {what} ({error}): the run goes on without it",
                RuntimeWarning,
                stacklevel=4,
            )


def _check_positive(**limits: float | None) -> None:
    for name, value in limits.items():
        if value is not None and not value > 0:
            raise ConfigurationError(f"{name} needs a number above 0; got {value!r}")


def _seconds(value: float | timedelta | None) -> float | None:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
