"""Laying one tree of settings over another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["laid_over"]


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of both; where both have an object, its fields; else those of `above`."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[key] = laid_over(old, value)
        else:
            merged[key] = value
    return merged
