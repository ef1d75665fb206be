"""The network that describes cells, where it is installed."""

from __future__ import annotations

from gadet.errors import MissingDependencyError
from gadet.experts.backbone import Backbone, load_backbone

__all__ = ["network"]


def network() -> Backbone | None:
    """The image expert's network; None where torch or the weights are not installed."""
    try:
        return load_backbone()
    except MissingDependencyError:
        return None
