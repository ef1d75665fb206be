"""What can be exported."""

from __future__ import annotations

from typing import Protocol

from gadet.findings import Finding

__all__ = ["Exportable", "ExportedItem"]


class ExportedItem(Protocol):
    """What must be known about an inspected item; `gadet.report.ItemInfo` is one."""

    @property
    def name(self) -> str:
        """A name for people."""

    @property
    def source(self) -> str | None:
        """Path or URL, when the item came from one."""

    @property
    def modality(self) -> str:
        """`image` when the findings lie on a picture."""

    @property
    def size(self) -> tuple[int, int] | None:
        """`(width, height)` in pixels."""


class Exportable(Protocol):
    """What can be exported; `gadet.report.Report` is one."""

    @property
    def verdict(self) -> str:
        """`anomalous`, `normal`, `uncertain`, `refused` or `unparsed`."""

    @property
    def score(self) -> float | None:
        """In [0, 1], None when not judged."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong."""

    @property
    def item(self) -> ExportedItem:
        """What was inspected."""
