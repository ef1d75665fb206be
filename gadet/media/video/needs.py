"""PyAV, the optional package of the `video` extra, imported when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gadet.errors import MissingDependencyError

__all__ = ["pyav"]


def pyav(feature: str = "Reading a video file") -> Any:
    """The package `av`.

    Args:
        feature: What was asked for, as the subject of a sentence.

    Raises:
        MissingDependencyError: It is not installed.
    """
    try:
        return import_module("av")
    except ImportError as error:
        raise MissingDependencyError(feature, package="av", extra="video") from error
