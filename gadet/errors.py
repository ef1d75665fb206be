"""Everything gadet raises.

    GadetError
    ├── ConfigurationError          an argument, option, domain or model name cannot be used
    │   └── MissingDependencyError  an optional package is needed: the message holds the pip line
    ├── InputError                  the item or a reference cannot be read as what it claims to be
    ├── BackendError                a model could not be asked, or did not answer properly
    │   ├── AuthenticationError     the key is missing, wrong or not allowed (401, 403)
    │   ├── RateLimitError          the provider asks to slow down (429) and retries are used up
    │   ├── TransportError          no HTTP answer: connection, timeout, broken body
    │   ├── ServerError             the provider failed (5xx) and retries are used up
    │   └── ResponseError           an HTTP answer that the wire format does not allow
    ├── LocalizationError           a region could not be found, drawn or mapped back
    └── BudgetExceededError         the run's ceiling on requests, tokens or money was reached

Messages say what was expected, what came, and how to fix it. They never hold a key or image bytes.
Every error survives pickling, because batches run in process pools.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AuthenticationError",
    "BackendError",
    "BudgetExceededError",
    "ConfigurationError",
    "GadetError",
    "InputError",
    "LocalizationError",
    "MissingDependencyError",
    "RateLimitError",
    "ResponseError",
    "ServerError",
    "TransportError",
]


def _rebuild(kind: type[GadetError], args: tuple[Any, ...], state: dict[str, Any]) -> GadetError:
    """Rebuild an error on the other side of a pickle without running its `__init__` again."""
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class GadetError(Exception):
    """Base of everything that gadet raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Carry the message and the attributes, so that the error survives a process pool."""
        return _rebuild, (type(self), self.args, self.__dict__.copy())


class ConfigurationError(GadetError):
    """An argument, option, domain pack, profile or model name cannot be used."""


class MissingDependencyError(ConfigurationError):
    """An optional package is not installed.

    Args:
        feature: What was asked for, as the subject of a sentence ("Reading video").
        package: The package that is missing, as one installs it.
        extra: The extra of gadet that brings it.
    """

    def __init__(self, feature: str, *, package: str, extra: str) -> None:
        """Compose the message that holds the exact pip line."""
        super().__init__(f"{feature} needs the `{package}` package: pip install 'gadet[{extra}]'")
        self.package = package
        self.extra = extra


class InputError(GadetError):
    """The item or a reference cannot be read as what it claims to be."""


class BackendError(GadetError):
    """A model could not be asked, or did not answer as its wire format says.

    Args:
        message: What was expected, what came, how to fix it.
        backend: The name of the backend, for example `openai:gpt-5.6-sol`.
        status: The HTTP status, when there was one.
        request_id: The provider's id of the request, when it sent one.
        attempts: How many times the request was sent.
        retry_after: Seconds the provider asked to wait, when it said so.
        body: The start of the answer's text, for the person who reads the log.
    """

    def __init__(
        self,
        message: str,
        *,
        backend: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        attempts: int = 1,
        retry_after: float | None = None,
        body: str | None = None,
    ) -> None:
        """Keep what is needed to act on the error."""
        super().__init__(message)
        self.backend = backend
        self.status = status
        self.request_id = request_id
        self.attempts = attempts
        self.retry_after = retry_after
        self.body = body[:2000] if body else None


class AuthenticationError(BackendError):
    """The key is missing, wrong, or not allowed to use this model (401, 403)."""


class RateLimitError(BackendError):
    """The provider asks to slow down (429) and the retries are used up."""


class TransportError(BackendError):
    """There was no complete HTTP answer: no connection, a timeout, a broken body."""


class ServerError(BackendError):
    """The provider failed (5xx) and the retries are used up."""


class ResponseError(BackendError):
    """An HTTP answer came that the wire format does not allow, or that calls the request wrong."""


class LocalizationError(GadetError):
    """A region could not be found, drawn or mapped back to the input."""


class BudgetExceededError(GadetError):
    """The ceiling on requests, tokens or money that the caller set was reached."""
