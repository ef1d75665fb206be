"""Providers behind an address, as data: where they are, their key, and their wire format.

Nothing here imports the HTTP client: that happens when a backend is made.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from gadet.backends.base import Backend
from gadet.errors import AuthenticationError, ConfigurationError

__all__ = [
    "Preset",
    "anthropic",
    "fireworks",
    "gemini",
    "groq",
    "huggingface",
    "llamacpp",
    "lmstudio",
    "mistral",
    "nvidia",
    "ollama",
    "ollama_address",
    "openai",
    "openai_responses",
    "openrouter",
    "together",
    "vllm",
    "xai",
]

_OLLAMA_PORT = 11434
_BIND_ADDRESSES = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (replaced, never bound)


def ollama_address(host: str) -> str:
    """The base URL for a value of `OLLAMA_HOST`, read as Ollama's own clients read it.

    The scheme may be left out. Without scheme and port the port is 11434; with a scheme and without
    a port it is the scheme's own. A bind address stands for this machine.
    """
    text = host.strip().strip("\"'")
    scheme, mark, rest = text.rpartition("://")
    parts = urlsplit(f"{scheme or 'http'}://{rest}")
    try:
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(
            f"OLLAMA_HOST must be like 127.0.0.1:11434 or https://host; got {host!r}"
        ) from error
    port = port if port is not None or mark else _OLLAMA_PORT
    name = parts.hostname or "127.0.0.1"
    name = _BIND_ADDRESSES.get(name, name)
    name = f"[{name}]" if ":" in name else name
    place = name if port is None else f"{name}:{port}"
    return urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))


@dataclass(frozen=True)
class Preset:
    """A provider that is reached through `HttpBackend`.

    Attributes:
        name: The part of a model string before the colon.
        base_url: Where it is, unless an argument or the environment says otherwise.
        base_url_env: Environment variable of another base URL.
        key_env: Environment variable of the key.
        prior_key_env: Another one, which wins where both are set.
        key_needed: Whether it cannot be asked without a key.
        header_env: Names of headers, and the environment variables they are filled from.
        address: Turns the value of `base_url_env` into a base URL.
        codec: The module under `gadet.backends.codecs` that holds its wire format.
    """

    name: str
    base_url: str
    base_url_env: str | None = None
    key_env: str | None = None
    prior_key_env: str | None = None
    key_needed: bool = False
    header_env: Mapping[str, str] = field(default_factory=dict)
    address: Callable[[str], str] = str
    codec: str = "openai_chat"

    def __call__(
        self,
        model: str = "",
        *,
        api_key: str | SecretStr | None = None,
        base_url: str | None = None,
        headers: Mapping[str, str | SecretStr] | None = None,
        **options: Any,
    ) -> Backend:
        """Make the backend of a model; what is not given comes from the environment.

        Args:
            model: The model as the provider names it.
            api_key: The key.
            base_url: Another address.
            headers: More headers.
            options: More arguments of `HttpBackend`.

        Raises:
            ConfigurationError: There is no model.
            AuthenticationError: The provider needs a key and there is none.
        """
        if not model:
            raise ConfigurationError(f"{self.name} needs a model: write {self.name}:MODEL")
        from gadet.backends.hosted import HttpBackend

        key = api_key or self._key()
        elsewhere = base_url or self._from_environment(self.base_url_env, self.address)
        if not key and self.key_needed and not elsewhere:
            raise AuthenticationError(
                f"{self.name} needs a key: {self._how_to_give_a_key()}",
                backend=f"{self.name}:{model}",
            )
        more = {
            header: value
            for header, variable in self.header_env.items()
            if (value := self._from_environment(variable))
        }
        return HttpBackend(
            model,
            base_url=elsewhere or self.base_url,
            codec=import_module(f"gadet.backends.codecs.{self.codec}").CODEC,
            api_key=key,
            provider=self.name,
            headers={**more, **(headers or {})},
            **options,
        )

    def missing(self) -> str | None:
        """What keeps the provider from being used here, or None; nothing is sent to find out."""
        elsewhere = self._from_environment(self.base_url_env)
        if self.key_needed and not elsewhere and not self._key():
            return f"no key: {self._how_to_give_a_key()}"
        return None

    def _key(self) -> str | None:
        return self._from_environment(self.prior_key_env) or self._from_environment(self.key_env)

    def _how_to_give_a_key(self) -> str:
        return f"set the environment variable {self.key_env}, or pass `api_key`"

    @staticmethod
    def _from_environment(variable: str | None, read: Callable[[str], str] = str) -> str | None:
        value = os.environ.get(variable, "").strip() if variable else ""
        return read(value) if value else None


openai = Preset(
    "openai",
    "https://api.openai.com/v1",
    base_url_env="OPENAI_BASE_URL",
    key_env="OPENAI_API_KEY",
    key_needed=True,
    header_env={
        "openai-organization": "OPENAI_ORG_ID",
        "openai-project": "OPENAI_PROJECT_ID",
    },
)
openai_responses = replace(openai, name="openai-responses", codec="openai_responses")
anthropic = Preset(
    "anthropic",
    "https://api.anthropic.com",
    base_url_env="ANTHROPIC_BASE_URL",
    key_env="ANTHROPIC_API_KEY",
    key_needed=True,
    codec="anthropic",
)
gemini = Preset(  # https://ai.google.dev/gemini-api/docs/api-key
    "gemini",
    "https://generativelanguage.googleapis.com",
    base_url_env="GOOGLE_GEMINI_BASE_URL",
    key_env="GEMINI_API_KEY",
    prior_key_env="GOOGLE_API_KEY",
    key_needed=True,
    codec="gemini",
)
ollama = Preset(
    "ollama",
    f"http://127.0.0.1:{_OLLAMA_PORT}",
    base_url_env="OLLAMA_HOST",
    key_env="OLLAMA_API_KEY",
    address=ollama_address,
    codec="ollama",
)
vllm = Preset("vllm", "http://127.0.0.1:8000/v1", key_env="VLLM_API_KEY")
llamacpp = Preset("llamacpp", "http://127.0.0.1:8080/v1", key_env="LLAMA_API_KEY")
lmstudio = Preset("lmstudio", "http://127.0.0.1:1234/v1")

# Hosts of chat completions; each address and name of the key is from the host's documentation.
openrouter = Preset(  # https://openrouter.ai/docs/quickstart
    "openrouter", "https://openrouter.ai/api/v1", key_env="OPENROUTER_API_KEY", key_needed=True
)
mistral = Preset(  # https://docs.mistral.ai/api
    "mistral", "https://api.mistral.ai/v1", key_env="MISTRAL_API_KEY", key_needed=True
)
groq = Preset(  # https://console.groq.com/docs/openai
    "groq", "https://api.groq.com/openai/v1", key_env="GROQ_API_KEY", key_needed=True
)
together = Preset(  # https://docs.together.ai/docs/inference/openai-compatibility
    "together", "https://api.together.ai/v1", key_env="TOGETHER_API_KEY", key_needed=True
)
fireworks = Preset(  # https://docs.fireworks.ai/tools-sdks/openai-compatibility
    "fireworks",
    "https://api.fireworks.ai/inference/v1",
    key_env="FIREWORKS_API_KEY",
    key_needed=True,
)
xai = Preset(  # https://docs.x.ai/docs/tutorial
    "xai", "https://api.x.ai/v1", key_env="XAI_API_KEY", key_needed=True
)
nvidia = Preset(  # https://build.nvidia.com
    "nvidia", "https://integrate.api.nvidia.com/v1", key_env="NVIDIA_API_KEY", key_needed=True
)
huggingface = Preset(  # https://huggingface.co/docs/inference-providers
    "huggingface", "https://router.huggingface.co/v1", key_env="HF_TOKEN", key_needed=True
)
