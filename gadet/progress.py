"""A progress bar on stderr for long work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gadet.errors import MissingDependencyError

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(total: int, progress: bool | None) -> Iterator[Callable[[], object]]:
    """Show a progress bar on stderr while the block runs; gives what advances it by one."""
    wanted = sys.stderr.isatty() if progress is None else progress
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        if progress:
            raise MissingDependencyError("A progress bar", package="tqdm", extra="cli") from error
        yield lambda: None
        return
    with tqdm(total=total, unit="item", file=sys.stderr, disable=not wanted) as bar:
        yield bar.update
