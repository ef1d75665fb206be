"""Azure OpenAI: a resource of one's own, a deployment in the place of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from gadet.backends.base import Backend
from gadet.backends.providers.presets import Preset
from gadet.errors import AuthenticationError, ConfigurationError

__all__ = ["AzurePreset", "azure", "azure_address"]

# Versions that are not dates are those of the address without deployments.
_UNDATED = ("preview", "latest")


def azure_address(endpoint: str, deployment: str, version: str | None) -> str:
    """The base URL of a deployment.

    With a dated version it is the deployment's own address, which every resource has. Without one,
    or with `preview` or `latest`, it is the newer address of all deployments, which needs none. An
    endpoint that goes on behind the host is taken as it is.

    Source: https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle
    """
    place, _, query = endpoint.partition("?")
    place = place.rstrip("/")
    if not urlsplit(place).path.strip("/"):
        dated = version is not None and version.lower() not in _UNDATED
        place += f"/openai/deployments/{quote(deployment, safe='')}" if dated else "/openai/v1"
    if version is not None:
        query = "&".join(filter(None, [query, urlencode({"api-version": version})]))
    return f"{place}?{query}" if query else place


@dataclass(frozen=True)
class AzurePreset(Preset):
    """Azure OpenAI, where the address depends on the resource, the deployment and a version.

    Attributes:
        version_env: Environment variable of the version.
    """

    version_env: str = "OPENAI_API_VERSION"

    def __call__(
        self,
        model: str = "",
        *,
        base_url: str | None = None,
        api_version: str | None = None,
        **options: Any,
    ) -> Backend:
        """Make the backend of a deployment; what is not given comes from the environment.

        Args:
            model: The name of the deployment.
            base_url: The endpoint of the resource, such as `https://RESOURCE.openai.azure.com`.
            api_version: A dated version, `preview` or `latest`; without one the newer address is
                asked, which needs none.
            options: More arguments of `Preset` and `HttpBackend`: `api_key`, or `headers` with a
                token in `authorization`.

        Raises:
            ConfigurationError: There is no deployment or no endpoint.
            AuthenticationError: There is no key.
        """
        endpoint = base_url or self._from_environment(self.base_url_env)
        if not endpoint:
            raise ConfigurationError(f"{self.name} needs an endpoint: {self._how_to_give_one()}")
        if not (options.get("api_key") or options.get("headers") or self._key()):
            raise AuthenticationError(
                f"{self.name} needs a key: {self._how_to_give_a_key()}",
                backend=f"{self.name}:{model}",
            )
        version = api_version or self._from_environment(self.version_env)
        return super().__call__(model, base_url=azure_address(endpoint, model, version), **options)

    def missing(self) -> str | None:
        """What keeps the provider from being used here, or None; nothing is sent to find out."""
        if not self._from_environment(self.base_url_env):
            return f"no endpoint: {self._how_to_give_one()}"
        return None if self._key() else f"no key: {self._how_to_give_a_key()}"

    def _key(self) -> str | None:
        return self._from_environment(self.key_env)

    def _how_to_give_one(self) -> str:
        return (
            f"set {self.base_url_env} to the address of your resource, like "
            "https://RESOURCE.openai.azure.com, or pass `base_url`"
        )


azure = AzurePreset(
    "azure",
    "",
    base_url_env="AZURE_OPENAI_ENDPOINT",
    key_env="AZURE_OPENAI_API_KEY",
    key_needed=True,
    codec="azure_chat",
)
