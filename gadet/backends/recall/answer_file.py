"""The file of the cache: an SQLite database that is ours, checked before it is touched.

Answers stand as JSON. `totals` is kept by triggers, so that the size is known at once, whoever
wrote last.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path
from weakref import finalize

from gadet.errors import ConfigurationError

__all__ = ["Line", "is_busy", "open_answers"]

# "gadt" in ASCII: SQLite keeps it at offset 68 of the file (https://www.sqlite.org/fileformat.html).
APPLICATION = 0x67616474
FORMAT = 1
PATIENCE = 10.0
# Three answers of the usual two kilobytes fill such a page; SQLite's own size would hold one.
PAGE = 8192

_SCHEMA = """
CREATE TABLE answers (
    key TEXT NOT NULL UNIQUE,
    backend TEXT NOT NULL,
    made REAL NOT NULL,
    used REAL NOT NULL,
    size INTEGER NOT NULL,
    completion TEXT NOT NULL
);
CREATE INDEX answers_by_use ON answers (used);
CREATE TABLE totals (entries INTEGER NOT NULL, bytes INTEGER NOT NULL);
INSERT INTO totals VALUES (0, 0);
CREATE TRIGGER answer_added AFTER INSERT ON answers BEGIN
    UPDATE totals SET entries = entries + 1, bytes = bytes + new.size;
END;
CREATE TRIGGER answer_removed AFTER DELETE ON answers BEGIN
    UPDATE totals SET entries = entries - 1, bytes = bytes - old.size;
END;
"""
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def open_answers(path: Path) -> sqlite3.Connection:
    """Connect to the file of a cache; it is made, for its owner alone, when there is none.

    Returns:
        A connection that begins no transaction by itself and may be used by any thread, one at a
        time.

    Raises:
        ConfigurationError: The file is damaged, or is something else than a cache of this format.
        OSError: The file or its folder cannot be made.
        sqlite3.Error: It cannot be read, or stays locked.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(
        path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
    )
    try:
        _patiently_prepare(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        if _primary(error) in _DAMAGED:
            raise ConfigurationError(
                f"a cache needs a file that gadet wrote; {path} is damaged or no database "
                f"({error}): delete it, or name another file"
            ) from error
        raise
    except BaseException:
        connection.close()
        raise
    return connection


class Line:
    """A connection for one thread at a time, opened when it is first used.

    A line that is dropped closes its connection.

    Args:
        path: The file, as in `open_answers`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._open: list[sqlite3.Connection] = []
        finalize(self, _close_all, self._open, os.getpid())

    def __enter__(self) -> sqlite3.Connection:
        """Hold the connection."""
        self._lock.acquire()
        try:
            return self.connection()
        except BaseException:
            self._lock.release()
            raise

    def __exit__(self, *_: object) -> None:
        """Take back a transaction that was not finished, and let go."""
        try:
            for connection in self._open:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        finally:
            self._lock.release()

    def connection(self) -> sqlite3.Connection:
        """The connection; whoever calls holds the lock, or is the only one to know the line."""
        if not self._open:
            self._open.append(open_answers(self._path))
        return self._open[0]

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self._lock:
            _close_all(self._open, os.getpid())


# SQLite forbids a forked child to close what its parent opened, so these are kept for ever.
_inherited: list[sqlite3.Connection] = []


def _close_all(connections: list[sqlite3.Connection], process: int) -> None:
    while connections:
        connection = connections.pop()
        if process == os.getpid():
            connection.close()
        else:
            _inherited.append(connection)


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another process held the file for too long; the next try may go well."""
    return _primary(error) in _BUSY


def _primary(error: sqlite3.Error) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _patiently_prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Prepare the connection; changing the journal's mode does not wait for others by itself."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return _prepare(connection, path)
        except sqlite3.OperationalError as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    if _is_empty(connection):
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        # Another process may have been faster.
        if _is_empty(connection):
            for statement in _statements(_SCHEMA):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("COMMIT")
    application, version = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version")
    )
    if (application, version) != (APPLICATION, FORMAT):
        raise ConfigurationError(
            f"a cache needs a file that gadet wrote (format {FORMAT}); {path} is a database of "
            "another program or format: name another file"
        )
    # A power cut may lose the answers of the last moments, never the file.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("SELECT entries, bytes FROM totals").fetchone()


def _is_empty(connection: sqlite3.Connection) -> bool:
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    return not tables and not application


def _statements(script: str) -> list[str]:
    """The statements of a script, one by one: `executescript` would commit first."""
    statements, begun = [], ""
    for line in script.splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            statements.append(begun.strip())
            begun = ""
    return statements
