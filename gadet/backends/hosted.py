"""`HttpBackend`: a model behind a server, hosted or on this machine, in any wire format."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr
from pydantic_core import PydanticSerializationError, to_json

from gadet.backends.base import Completion
from gadet.backends.codecs import openai_chat
from gadet.backends.codecs.base import Asking, Codec
from gadet.backends.facts.forecast import forecast_prompt
from gadet.backends.facts.profile import Profile
from gadet.backends.facts.profiles import profile_for, unknown_model_note
from gadet.backends.jobs.base import JobClient
from gadet.backends.jobs.clients import client_of
from gadet.backends.jobs.desk import Desk
from gadet.backends.transport.bounds import LARGEST_ANSWER, Timeouts
from gadet.backends.transport.breaker import BreakerPolicy, Health
from gadet.backends.transport.http import HttpChannel
from gadet.backends.transport.limiter import RateLimits
from gadet.backends.transport.redaction import Scrubber, redacted
from gadet.backends.transport.retry import RetryPolicy
from gadet.errors import ConfigurationError
from gadet.prompts.prompt import Prompt

__all__ = ["HttpBackend"]

logger = logging.getLogger("gadet")

_SECRET = re.compile("auth|cookie|key|secret|token", re.IGNORECASE)


class HttpBackend:
    """A model behind a server.

    Safe to share between threads, tasks and event loops.

    Args:
        model: The model as the server names it.
        base_url: The address that the format's path is appended to; most end in `/v1`.
        codec: The wire format; the default is OpenAI's chat completions, which most servers speak.
        api_key: Sent in the format's header for it; local servers need none.
        provider: Who is called; it selects the profile and stands in `name`.
        name: Name for reports and errors instead of `provider:model`.
        headers: More headers; secrets as `SecretStr`.
        profile: The facts of the model instead of those that ship with gadet.
        temperature: Sampling temperature; sent only where the profile allows it.
        effort: How hard a reasoning model thinks, in the provider's own word.
        extra: More fields of the request body, for options of one server.
        timeout: Seconds for the whole request, or a `Timeouts`.
        max_retries: Tries after the first one.
        retry: All the rules of trying again, instead of `max_retries`.
        rate_limits: Rate limits that are kept before the provider has to ask for it; without any,
            those that its answers tell are kept.
        breaker: When the server is left alone for a while; None never leaves it alone.
        max_response_bytes: Largest answer that is read.

    Attributes:
        name: `provider:model`, or what was given.
        profile: The facts of the model.
        hint: A sentence for the reader of a report when nothing is known of the model, else None.

    Raises:
        ConfigurationError: The base URL cannot be used.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str,
        codec: Codec = openai_chat.CODEC,
        api_key: str | SecretStr | None = None,
        provider: str = "http",
        name: str | None = None,
        headers: Mapping[str, str | SecretStr] | None = None,
        profile: Profile | None = None,
        temperature: float | None = None,
        effort: str | None = None,
        extra: Mapping[str, Any] | None = None,
        timeout: float | Timeouts | None = None,
        max_retries: int = 2,
        retry: RetryPolicy | None = None,
        rate_limits: RateLimits | None = None,
        breaker: BreakerPolicy | None = None,
        max_response_bytes: int = LARGEST_ANSWER,
    ) -> None:
        """Prepare the channel; nothing is sent."""
        self.model = model
        self.name = name or f"{provider}:{model}"
        self.profile = profile or profile_for(provider, model)
        self.hint = None if profile else unknown_model_note(provider, model)
        self._provider = provider
        self._codec = codec
        self._base_url = base_url
        self._address = base_url.partition("?")[0]
        self._asking = Asking(model, self.profile, temperature, effort, dict(extra or {}))
        sent = {**codec.headers, **_key(codec, api_key), **_guarded(headers or {})}
        self._counted = rate_limits is not None and rate_limits.tokens_per_minute is not None
        self._scrub = Scrubber(value for value in sent.values() if isinstance(value, SecretStr))
        self._channel = HttpChannel(
            _joined(base_url, codec.path(model)),
            name=self.name,
            headers=sent,
            timeouts=Timeouts.of(timeout),
            retry=retry or RetryPolicy(max_retries=max_retries),
            rate_limits=rate_limits,
            breaker=breaker,
            max_response_bytes=max_response_bytes,
        )

    def __repr__(self) -> str:
        """Name and address, never the key."""
        return f"HttpBackend({self.name!r}, {self._channel!r})"

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the answer to a prompt beside its texts and pictures; no header, no key."""
        return {
            "address": self._address,
            "format": self._codec.name,
            "model": self.model,
            "temperature": self._asking.temperature,
            "effort": self._asking.effort,
            "extra": dict(self._asking.extra),
        }

    @property
    def health(self) -> Health:
        """How the server has been doing."""
        return self._channel.health

    def complete(self, prompt: Prompt) -> Completion:
        """Ask and wait for the answer.

        Raises:
            BackendError: The server could not be asked, or its answer is not one.
            InputError: The server could not read a picture.
            ConfigurationError: The prompt does not fit the profile, or the network is not allowed.
        """
        return self._channel.post(
            self.encode(prompt), self._codec.decode, tokens=self._expected(prompt), spent=_tokens
        )

    async def acomplete(self, prompt: Prompt) -> Completion:
        """Ask without blocking the event loop."""
        return await self._channel.apost(
            self.encode(prompt), self._codec.decode, tokens=self._expected(prompt), spent=_tokens
        )

    def encode(self, prompt: Prompt) -> bytes:
        """The body of a question as it would be sent on its own.

        Raises:
            ConfigurationError: The prompt does not fit the profile.
        """
        try:
            body = self._codec.encode(prompt, self._asking)
            if logger.isEnabledFor(logging.DEBUG):
                logger.debug("%s: request %s", self.name, redacted(body))
            return to_json(body)
        except PydanticSerializationError as error:
            raise ConfigurationError(
                f"{self.name}: the prompt and `extra` must be expressible in JSON: {error}"
            ) from None

    def _expected(self, prompt: Prompt) -> int | None:
        """What a prompt will take of the tokens per minute; None where nobody counts them."""
        return forecast_prompt(prompt, self.profile).input_tokens if self._counted else None

    def batch_api(self) -> JobClient:
        """The client of the provider's batch API.

        Raises:
            ConfigurationError: The provider has none that is known here, or not at this address.
        """
        desk = Desk(self.name, self._base_url, self._codec, self.model, self._channel, self._scrub)
        return client_of(self._provider, desk)

    def close(self) -> None:
        """Release connections; the backend may be used again and then opens new ones."""
        self._channel.close()

    async def aclose(self) -> None:
        """Release the connections of the running event loop."""
        await self._channel.aclose()


def _tokens(completion: Completion) -> int:
    """What a completion cost of the tokens per minute."""
    return completion.usage.input_tokens + completion.usage.output_tokens


def _key(codec: Codec, key: str | SecretStr | None) -> dict[str, SecretStr]:
    if not key:
        return {}
    text = key.get_secret_value() if isinstance(key, SecretStr) else key
    header, before = codec.key_header
    return {header: SecretStr(before + text.strip())}


def _guarded(headers: Mapping[str, str | SecretStr]) -> dict[str, str | SecretStr]:
    """The caller's headers, those that may hold a secret by their name as one."""
    return {
        name: SecretStr(value) if isinstance(value, str) and _SECRET.search(name) else value
        for name, value in headers.items()
    }


def _joined(base_url: str, path: str) -> str:
    """The base with a path appended, before its query when it has one."""
    base, mark, query = base_url.partition("?")
    return f"{base.rstrip('/')}/{path}{mark}{query}"
