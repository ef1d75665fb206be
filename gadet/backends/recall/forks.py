"""What must not be carried into a forked child: locks that nobody frees, files with one owner."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet

__all__ = ["Renewable", "renew_after_fork"]


class Renewable(Protocol):
    """Something that can begin anew."""

    def renew(self) -> None:
        """Drop what belongs to the parent process, without touching it."""


_known: WeakSet[Renewable] = WeakSet()


def renew_after_fork(thing: Renewable) -> None:
    """Have `thing.renew()` called in every child that this process forks."""
    _known.add(thing)


def _renew_all() -> None:
    for thing in list(_known):
        thing.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
