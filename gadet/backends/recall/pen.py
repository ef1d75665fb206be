"""A `Pen`: appends whole lines to a file that nobody else writes meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from gadet.errors import ConfigurationError

__all__ = ["Pen"]


class Pen:
    """Appends lines to a file; from the first one on the file is its own until it is lifted.

    Args:
        path: The file; it is made when it does not exist.

    Raises:
        ConfigurationError: The file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = os.getpid()
        self._descriptor = self._opened()
        # The size that the file must still have when it is claimed.
        self._size = 0
        self._kept: int | None = None
        self._first = b""
        self._wrote = False
        self.lift()

    def __del__(self) -> None:
        """Release the file, also when nobody did, as in a notebook whose cell is run again."""
        if getattr(self, "_descriptor", -1) >= 0:
            self.lift()

    @property
    def blank(self) -> bool:
        """Whether nothing stood in the file when it was last looked at."""
        return self._size == 0

    def keep(self, length: int, then: bytes = b"") -> None:
        """Have the first line cut the file to a length in bytes, and put something before it."""
        self._kept, self._first = length, then

    def write(self, line: bytes) -> None:
        """Append a line.

        Raises:
            ConfigurationError: The file cannot be written, is in use, or was changed by others.
        """
        if self._descriptor < 0:
            self._descriptor = self._claimed()
        try:
            if self._kept is not None:
                os.ftruncate(self._descriptor, self._kept)
                line, self._kept, self._first = self._first + line, None, b""
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError as error:
            raise self._unwritable(error) from error
        self._wrote = True

    def rewrite(self, lines: Iterable[bytes]) -> None:
        """Put these lines in the place of the whole file, when a line was written, and lift.

        Raises:
            ConfigurationError: They cannot be written; the file is then as it was.
        """
        mine = self._descriptor >= 0 and self._process == os.getpid()
        if mine and self._wrote:
            draft = self._path.with_name(f".{self._path.name}.draft")
            try:
                draft.write_bytes(b"".join(lines))
                self.lift()
                os.replace(draft, self._path)
                self._size = self._path.stat().st_size
            except OSError as error:
                draft.unlink(missing_ok=True)
                raise self._unwritable(error) from error
            self._wrote = False
        elif self._descriptor >= 0:
            # A forked child knows only its own lines, so it leaves the order alone.
            self.lift()

    def lift(self) -> None:
        """Release the file, whose descriptor is open."""
        self._size = os.fstat(self._descriptor).st_size
        os.close(self._descriptor)
        self._descriptor = -1

    def _opened(self) -> int:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise self._unwritable(error) from error

    def _claimed(self) -> int:
        descriptor = self._opened()
        try:
            self._lock(descriptor)
            if os.fstat(descriptor).st_size != self._size:
                raise ConfigurationError(
                    f"{self._path} was changed by another recording since it was read: start this "
                    "one anew"
                )
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _lock(self, descriptor: int) -> None:
        """Hold the file against others, where the system has such locks."""
        try:
            import fcntl
        except ImportError:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(
                f"{self._path} is in use by another recording: close that one, or record into "
                "another file"
            ) from error

    def _unwritable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"recording needs a file that can be written; {self._path} gave: {error.strerror}"
        )
