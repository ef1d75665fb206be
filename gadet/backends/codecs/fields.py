"""Reading a provider's JSON: a field of another kind than expected counts as absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["count", "mapping", "sequence", "string"]


def mapping(value: Any) -> Mapping[str, Any]:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """The value when it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def string(value: Any) -> str | None:
    """The value when it is a text that is not empty, else None."""
    return value if isinstance(value, str) and value else None


def count(value: Any) -> int:
    """The value when it is a whole number from 0, else 0."""
    return value if isinstance(value, int) and value >= 0 else 0
