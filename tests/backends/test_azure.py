from __future__ import annotations

import pytest
from pydantic import SecretStr

from gadet.backends.hosted import HttpBackend
from gadet.backends.providers.azure import azure, azure_address
from gadet.errors import AuthenticationError, ConfigurationError

RESOURCE = "https://acme.openai.azure.com"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY", "OPENAI_API_VERSION"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize(
    ("endpoint", "version", "address"),
    [
        (RESOURCE, None, f"{RESOURCE}/openai/v1"),
        (f"{RESOURCE}/", None, f"{RESOURCE}/openai/v1"),
        (RESOURCE, "preview", f"{RESOURCE}/openai/v1?api-version=preview"),
        (RESOURCE, "Latest", f"{RESOURCE}/openai/v1?api-version=Latest"),
        (
            RESOURCE,
            "2024-10-21",
            f"{RESOURCE}/openai/deployments/my%20dep?api-version=2024-10-21",
        ),
        (f"{RESOURCE}/openai/v1/", None, f"{RESOURCE}/openai/v1"),
        (
            "https://gate.example/llm",
            "2024-10-21",
            "https://gate.example/llm?api-version=2024-10-21",
        ),
        (
            "https://gate.example/llm?team=a",
            "2024-10-21",
            "https://gate.example/llm?team=a&api-version=2024-10-21",
        ),
    ],
)
def test_the_address_of_a_deployment(endpoint: str, version: str | None, address: str) -> None:
    assert azure_address(endpoint, "my dep", version) == address


def address(backend: object) -> str:
    assert isinstance(backend, HttpBackend)
    return str(backend._channel._url)


def test_everything_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", RESOURCE)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "k-azure")
    backend = azure("inspector")
    assert isinstance(backend, HttpBackend)
    assert backend.name == "azure:inspector"
    assert backend.profile.schema_mode == "openai_strict"
    assert address(backend) == f"{RESOURCE}/openai/v1/chat/completions"
    headers = backend._channel._headers
    assert headers["api-key"] == SecretStr("k-azure")
    assert "authorization" not in headers
    monkeypatch.setenv("OPENAI_API_VERSION", "2024-10-21")
    assert address(azure("inspector")) == (
        f"{RESOURCE}/openai/deployments/inspector/chat/completions?api-version=2024-10-21"
    )
    assert "2025-01-01" in address(azure("inspector", api_version="2025-01-01"))


def test_a_token_stands_in_for_the_key() -> None:
    token = SecretStr("Bearer t0ken")
    backend = azure("m", base_url=RESOURCE, headers={"authorization": token})
    assert isinstance(backend, HttpBackend)
    assert backend._channel._headers["authorization"] == token
    assert "api-key" not in backend._channel._headers


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"needs an endpoint: set AZURE_OPENAI_ENDPOINT"):
        azure("m", api_key="k")
    assert "no endpoint" in (azure.missing() or "")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", RESOURCE)
    with pytest.raises(AuthenticationError, match=r"needs a key: set .* AZURE_OPENAI_API_KEY"):
        azure("m")
    assert "no key" in (azure.missing() or "")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "k")
    assert azure.missing() is None
    with pytest.raises(ConfigurationError, match="write azure:MODEL"):
        azure()
