"""Which provider's batch API is spoken how."""

from __future__ import annotations

from collections.abc import Callable

from gadet.backends.jobs.anthropic import AnthropicJobs
from gadet.backends.jobs.base import JobClient
from gadet.backends.jobs.desk import Desk
from gadet.backends.jobs.gemini import GeminiJobs
from gadet.backends.jobs.openai import OpenAIJobs, azure_jobs
from gadet.errors import ConfigurationError

__all__ = ["client_of"]

_CLIENTS: dict[str, Callable[[Desk], JobClient]] = {
    "anthropic": AnthropicJobs,
    "azure": azure_jobs,
    "gemini": GeminiJobs,
    "openai": OpenAIJobs,
    "openai-responses": OpenAIJobs,
}


def client_of(provider: str, desk: Desk) -> JobClient:
    """The client of a provider's batch API.

    Args:
        provider: Who is called, as in a model string.
        desk: The server.

    Raises:
        ConfigurationError: The provider has none that is known here, or not at this address.
    """
    if provider not in _CLIENTS:
        raise ConfigurationError(
            f"{desk.name}: batch_api needs a provider whose batch API is known, which are "
            f"{', '.join(_CLIENTS)}; got {provider}: leave batch_api out, or, when the server "
            "speaks OpenAI's, name it as openai:MODEL with its base_url"
        )
    return _CLIENTS[provider](desk)
