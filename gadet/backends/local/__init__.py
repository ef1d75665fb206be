"""Models on the user's own machine, run by transformers in this process."""

from gadet.backends.local.backend import LocalBackend

__all__ = ["LocalBackend"]
