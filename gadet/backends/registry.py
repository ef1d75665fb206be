"""From a model string to a backend.

A provider is a callable `connect(model, **options) -> Backend` under a name; it is called without a
model when the string names none. The ones that ship with gadet are entry points like those of a
plugin, only listed here instead of in package metadata:

    [project.entry-points."gadet.backends"]
    acme = "acme_gadet:connect"

A provider may also have a method `missing() -> str | None` that tells, without sending anything,
what keeps it from being used. Providers are imported when they are asked for.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, runtime_checkable

from gadet.backends.base import Backend
from gadet.backends.scripted import ScriptedAnswer, ScriptedBackend
from gadet.errors import ConfigurationError
from gadet.prompts.prompt import Prompt

__all__ = ["BackendLike", "Provider", "ProviderStatus", "available", "connect", "register"]

GROUP = "gadet.backends"

Provider = Callable[..., Backend]
BackendLike = str | Backend | Callable[[Prompt], ScriptedAnswer]

_BUILT_IN = {
    "anthropic": "gadet.backends.providers.presets:anthropic",
    "azure": "gadet.backends.providers.azure:azure",
    "fireworks": "gadet.backends.providers.presets:fireworks",
    "gemini": "gadet.backends.providers.presets:gemini",
    "groq": "gadet.backends.providers.presets:groq",
    "huggingface": "gadet.backends.providers.presets:huggingface",
    "llamacpp": "gadet.backends.providers.presets:llamacpp",
    "lmstudio": "gadet.backends.providers.presets:lmstudio",
    "mistral": "gadet.backends.providers.presets:mistral",
    "nvidia": "gadet.backends.providers.presets:nvidia",
    "offline": "gadet.backends.offline:OfflineBackend",
    "ollama": "gadet.backends.providers.presets:ollama",
    "openai": "gadet.backends.providers.presets:openai",
    "openai-responses": "gadet.backends.providers.presets:openai_responses",
    "openrouter": "gadet.backends.providers.presets:openrouter",
    "together": "gadet.backends.providers.presets:together",
    "transformers": "gadet.backends.local:LocalBackend",
    "vllm": "gadet.backends.providers.presets:vllm",
    "xai": "gadet.backends.providers.presets:xai",
}
_FORMS = "provider:model, https://host/v1#model, or a backend object"


@runtime_checkable
class _SelfChecking(Protocol):
    def missing(self) -> str | None: ...


@dataclass(frozen=True)
class ProviderStatus:
    """Whether a provider can be used here.

    Attributes:
        name: The part of a model string before the colon.
        origin: The module and object it comes from.
        problem: What keeps it from being used; None when nothing is known to.
    """

    name: str
    origin: str
    problem: str | None

    @property
    def usable(self) -> bool:
        """Whether nothing is known to keep it from being used."""
        return self.problem is None


@dataclass(frozen=True)
class _Registered:
    """A provider that was registered by a call, in the shape of an entry point."""

    value: str
    provider: Provider

    def load(self) -> Provider:
        return self.provider


_registered: dict[str, _Registered] = {}


def register(name: str, provider: Provider) -> None:
    """Make a provider known in this process.

    Raises:
        ConfigurationError: The name is taken, or is not a plain word.
    """
    if not name.replace("-", "_").isidentifier() or name != name.lower():
        raise ConfigurationError(
            f"the name of a provider is a word in lower case, as it stands before the colon of a "
            f"model string; got {name!r}"
        )
    origin = f"{provider.__module__}:{getattr(provider, '__qualname__', type(provider).__name__)}"
    taken = _sources().get(name)
    if taken:
        raise ConfigurationError(
            f"the provider {name!r} is already {taken[0].value}; {origin} needs another name"
        )
    _registered[name] = _Registered(origin, provider)


def connect(spec: BackendLike, **options: Any) -> Backend:
    """Turn a model string, or something that can answer, into a backend.

    Args:
        spec: `provider:model` (split at the first colon), `provider/model` for a known provider,
            `https://host/v1#model` for any OpenAI-compatible server, a backend, or a function of
            the prompt that returns answers for a `ScriptedBackend`.
        options: Arguments for the provider, such as `api_key`, `base_url`, `profile` or `timeout`.

    Raises:
        ConfigurationError: The provider is unknown, registered twice or broken, or an option is
            not one that it takes.
        AuthenticationError: It needs a key and there is none.
    """
    if isinstance(spec, str):
        return _from_string(spec.strip(), options)
    if options:
        raise ConfigurationError(
            f"options go to a backend that is made from a string; got {', '.join(options)} with a "
            f"{type(spec).__name__}: set them where it is made"
        )
    if isinstance(spec, Backend):
        return spec
    if callable(spec):
        return ScriptedBackend(spec)
    raise ConfigurationError(f"expected {_FORMS}; got {type(spec).__name__}")


def available() -> tuple[ProviderStatus, ...]:
    """Every provider by name, and whether it can be used here; nothing is sent to find out."""
    return tuple(_status(name, sources) for name, sources in sorted(_sources().items()))


def _from_string(spec: str, options: dict[str, Any]) -> Backend:
    if spec.startswith(("http://", "https://")):
        return _from_url(spec, options)
    name, model = _split(spec)
    return _called(_load(name), name, *filter(None, [model]), **options)


def _from_url(spec: str, options: dict[str, Any]) -> Backend:
    base_url, _, model = spec.partition("#")
    if not model:
        raise ConfigurationError(
            "an address needs the model behind a #, like http://localhost:8000/v1#qwen3-vl; got "
            "none"
        )
    from gadet.backends.hosted import HttpBackend

    shown = f"{base_url.partition('?')[0]}#{model}"
    options = {"name": shown, "base_url": base_url, **options}
    return _called(HttpBackend, shown, model, **options)


def _called(provider: Provider, shown: str, *model: str, **options: Any) -> Backend:
    """The backend that a provider makes, with an error of ours for an argument it does not know."""
    try:
        return provider(*model, **options)
    except TypeError as error:
        if "argument" not in str(error):
            raise
        raise ConfigurationError(
            f"{shown} does not take the model or the options it was given: {error}"
        ) from error


def _split(spec: str) -> tuple[str, str]:
    """Provider and model: split at the first colon, or at a slash behind a known provider."""
    name, colon, model = spec.partition(":")
    before, slash, after = name.partition("/")
    if slash and before.lower() in _sources():
        return before.lower(), after + colon + model
    if slash:
        raise ConfigurationError(f"expected {_FORMS}; got {spec!r}{_suggestion(before)}")
    return name.lower(), model


def _load(name: str) -> Provider:
    sources = _sources().get(name)
    if not sources:
        known = ", ".join(sorted(_sources()))
        raise ConfigurationError(
            f"expected {_FORMS}; there is no provider {name!r}{_suggestion(name)} (known: {known}; "
            f"for a model write its provider before it, as in provider:{name})"
        )
    if len(sources) > 1:
        both = " and ".join(source.value for source in sources)
        raise ConfigurationError(
            f"the provider {name!r} is registered more than once, by {both}: uninstall one of them"
        )
    try:
        provider: Provider = sources[0].load()
        if not callable(provider):
            raise TypeError(f"a callable is needed, got {type(provider).__name__}")
    except Exception as error:
        raise ConfigurationError(
            f"the provider {name!r} ({sources[0].value}) could not be loaded: {error!r}"
        ) from error
    return provider


def _suggestion(name: str) -> str:
    close = get_close_matches(name.lower(), _sources(), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _status(name: str, sources: tuple[EntryPoint | _Registered, ...]) -> ProviderStatus:
    origin = " and ".join(source.value for source in sources)
    try:
        provider = _load(name)
    except ConfigurationError as error:
        warnings.warn(str(error), RuntimeWarning, stacklevel=3)
        return ProviderStatus(name, origin, str(error))
    problem = provider.missing() if isinstance(provider, _SelfChecking) else None
    return ProviderStatus(name, origin, problem)


def _sources() -> dict[str, tuple[EntryPoint | _Registered, ...]]:
    """Where each provider comes from; more than one place is an error for who asks for it."""
    sources: dict[str, tuple[EntryPoint | _Registered, ...]] = dict(_installed())
    for name, registered in _registered.items():
        sources[name] = (*sources.get(name, ()), registered)
    return sources


@cache
def _installed() -> dict[str, tuple[EntryPoint, ...]]:
    built_in = (EntryPoint(name, value, GROUP) for name, value in _BUILT_IN.items())
    found: dict[str, dict[str, EntryPoint]] = {}
    for point in (*built_in, *entry_points(group=GROUP)):
        found.setdefault(point.name.lower(), {}).setdefault(point.value, point)
    return {name: tuple(points.values()) for name, points in found.items()}
