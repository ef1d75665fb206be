"""Optional packages that clouds need, imported when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gadet.errors import MissingDependencyError

__all__ = ["needed"]


def needed(
    module: str, feature: str, package: str | None = None, *, extra: str = "pointcloud"
) -> Any:
    """Import a module of an optional package.

    Args:
        module: Its name, `trimesh`.
        feature: What was asked for, as the subject of a sentence ("Reading STL").
        package: What one installs; None takes the first part of the module's name.
        extra: The extra that brings it.

    Raises:
        MissingDependencyError: It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = package or module.partition(".")[0]
        raise MissingDependencyError(feature, package=package, extra=extra) from error
