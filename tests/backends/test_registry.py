from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from gadet.backends import registry
from gadet.backends.base import Backend, Completion
from gadet.backends.hosted import HttpBackend
from gadet.backends.offline import OfflineBackend
from gadet.backends.providers.presets import ollama_address
from gadet.backends.registry import available, connect, register
from gadet.backends.scripted import ScriptedBackend
from gadet.backends.transport.call import Call
from gadet.errors import AuthenticationError, ConfigurationError
from gadet.prompts.prompt import Prompt
from tests.backends.prompts import text_only

VARIABLES = (
    "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OLLAMA_HOST",
    "OLLAMA_API_KEY", "OPENROUTER_API_KEY", "VLLM_API_KEY", "LLAMA_API_KEY",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No keys of the machine, and no provider of another test."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(registry, "_registered", {})
    registry._installed.cache_clear()
    yield
    registry._installed.cache_clear()


def install(monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str]) -> None:
    """Make entry points appear as if packages with them were installed."""
    found = [EntryPoint(name, value, registry.GROUP) for name, value in points]
    monkeypatch.setattr(registry, "entry_points", lambda *, group: found)
    registry._installed.cache_clear()


def url(backend: Backend) -> str:
    assert isinstance(backend, HttpBackend)
    return str(backend._channel._url)


def sent(backend: Backend) -> dict[str, str]:
    assert isinstance(backend, HttpBackend)
    return dict(backend._channel._request(Call("POST")).headers)


def plugin(model: str = "", **options: Any) -> Backend:
    return ScriptedBackend([f"{model} {sorted(options)}"], name=f"plugin:{model}")


not_callable = 3


@pytest.mark.parametrize(
    ("spec", "name", "address"),
    [
        ("ollama:qwen3-vl:8b", "ollama:qwen3-vl:8b", "http://127.0.0.1:11434/api/chat"),
        ("ollama/qwen3-vl:8b", "ollama:qwen3-vl:8b", "http://127.0.0.1:11434/api/chat"),
        (" Ollama:Qwen3-VL ", "ollama:Qwen3-VL", "http://127.0.0.1:11434/api/chat"),
        (
            "vllm:Qwen/Qwen3-VL-8B",
            "vllm:Qwen/Qwen3-VL-8B",
            "http://127.0.0.1:8000/v1/chat/completions",
        ),
        (
            "vllm/Qwen/Qwen3-VL-8B",
            "vllm:Qwen/Qwen3-VL-8B",
            "http://127.0.0.1:8000/v1/chat/completions",
        ),
        ("llamacpp:default", "llamacpp:default", "http://127.0.0.1:8080/v1/chat/completions"),
        (
            "lmstudio:google/gemma-3",
            "lmstudio:google/gemma-3",
            "http://127.0.0.1:1234/v1/chat/completions",
        ),
        (
            "http://localhost:9/v1#a/b:c",
            "http://localhost:9/v1#a/b:c",
            "http://localhost:9/v1/chat/completions",
        ),
        (
            "https://h.example/v1/#m",
            "https://h.example/v1/#m",
            "https://h.example/v1/chat/completions",
        ),
    ],
)
def test_model_strings(spec: str, name: str, address: str) -> None:
    backend = connect(spec)
    assert isinstance(backend, Backend)
    assert backend.name == name
    assert url(backend) == address


def test_the_query_of_an_address_is_sent_but_not_shown() -> None:
    backend = connect("https://h.example/v1?key=abc#m")
    assert backend.name == "https://h.example/v1#m"
    assert url(backend) == "https://h.example/v1/chat/completions?key=abc"
    assert "abc" not in repr(backend)


def test_offline_needs_nothing() -> None:
    assert isinstance(connect("offline"), OfflineBackend)


def test_a_backend_is_taken_as_it_is() -> None:
    backend = ScriptedBackend(["x"])
    assert connect(backend) is backend
    with pytest.raises(ConfigurationError, match=r"options go to a backend.*temperature"):
        connect(backend, temperature=0.0)


def test_a_function_answers_by_script() -> None:
    def answer(prompt: Prompt) -> str:
        return prompt.system

    assert connect(answer).complete(text_only()).text == "You inspect."


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("opnai:gpt-5", "no provider 'opnai'; did you mean 'openai'"),
        ("opnai/gpt-5", "got 'opnai/gpt-5'; did you mean 'openai'"),
        ("gpt-5.6-sol", "provider:gpt-5.6-sol"),
        ("", "expected provider:model"),
        ("openai", "openai needs a model: write openai:MODEL"),
        ("ollama:", "ollama needs a model"),
        ("http://localhost:8000/v1", "needs the model behind a #"),
        ("http://localhost:8000/v1#", "needs the model behind a #"),
        ("offline:big", "offline does not take"),
        (7, "got int"),
    ],
)
def test_what_is_no_backend(spec: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        connect(spec)


def test_an_option_that_nobody_takes() -> None:
    with pytest.raises(ConfigurationError, match=r"ollama does not take.*temprature"):
        connect("ollama:m", temprature=0.1)
    with pytest.raises(ConfigurationError, match=r"http.*does not take.*temprature"):
        connect("http://localhost/v1#m", temprature=0.1)


def test_a_key_that_is_missing_is_named() -> None:
    with pytest.raises(AuthenticationError, match=r"OPENAI_API_KEY.*api_key"):
        connect("openai:gpt-5.6-sol")
    with pytest.raises(AuthenticationError, match="OPENROUTER_API_KEY"):
        connect("openrouter/qwen/qwen3-vl")


def test_keys_and_addresses_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", " sk-env \n")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    backend = connect("openai:gpt-5.6-sol")
    assert url(backend) == "https://api.openai.com/v1/chat/completions"
    assert sent(backend)["authorization"] == "Bearer sk-env"
    assert sent(backend)["openai-organization"] == "org-1"
    assert "openai-project" not in sent(backend)
    assert backend.profile.schema_mode == "openai_strict"
    monkeypatch.setenv("OPENAI_BASE_URL", "https://gateway.example/v1/")
    assert url(connect("openai:m")) == "https://gateway.example/v1/chat/completions"


def test_an_argument_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://gateway.example/v1")
    backend = connect("openai:m", api_key="sk-arg", base_url="http://localhost:1/v1")
    assert sent(backend)["authorization"] == "Bearer sk-arg"
    assert url(backend).startswith("http://localhost:1/")


def test_a_key_goes_to_its_own_provider_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    for spec in ("ollama:m", "vllm:m", "https://elsewhere.example/v1#m"):
        assert "authorization" not in sent(connect(spec))


def test_another_address_may_need_no_key() -> None:
    assert "authorization" not in sent(connect("openai:m", base_url="http://localhost:1/v1"))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("gpu-box", "http://gpu-box:11434"),
        ("gpu-box:8080", "http://gpu-box:8080"),
        ("http://gpu-box", "http://gpu-box"),
        ("https://gpu-box", "https://gpu-box"),
        ("https://gpu-box:11434/ollama/", "https://gpu-box:11434/ollama"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("http://0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:8080", "http://[::1]:8080"),
        ("[::1]", "http://[::1]:11434"),
        (":8080", "http://127.0.0.1:8080"),
        ('"gpu-box"', "http://gpu-box:11434"),
    ],
)
def test_ollama_host(host: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ollama_address(host) == address
    monkeypatch.setenv("OLLAMA_HOST", host)
    assert url(connect("ollama:m")) == f"{address}/api/chat"


def test_an_ollama_host_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "host:port")
    with pytest.raises(ConfigurationError, match="OLLAMA_HOST must be like"):
        connect("ollama:m")


def test_what_is_available(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {status.name: status for status in available()}
    assert list(found) == sorted(found)
    assert {"offline", "openai", "ollama", "vllm", "llamacpp", "lmstudio"} <= set(found)
    assert found["offline"].usable
    assert found["ollama"].usable
    assert not found["openai"].usable
    assert "OPENAI_API_KEY" in (found["openai"].problem or "")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    assert {status.name: status for status in available()}["openai"].usable


def test_a_provider_of_this_process() -> None:
    register("acme", plugin)
    assert connect("acme:m", depth=3).complete(text_only()).text == "m ['depth']"
    assert connect("acme").name == "plugin:"
    assert next(s for s in available() if s.name == "acme").origin.endswith("test_registry:plugin")


def test_a_name_can_be_taken_once() -> None:
    register("acme", plugin)
    for name in ("acme", "openai"):
        with pytest.raises(ConfigurationError, match=r"is already .*; .*plugin needs another name"):
            register(name, plugin)


@pytest.mark.parametrize("name", ["", "Acme", "a:b", "a/b", "a b"])
def test_a_name_is_a_word(name: str) -> None:
    with pytest.raises(ConfigurationError, match="a word in lower case"):
        register(name, plugin)


def test_an_installed_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("acme", f"{__name__}:plugin"))
    assert connect("acme:m").name == "plugin:m"
    assert connect("acme/m").name == "plugin:m"


def test_the_same_entry_twice_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    install(
        monkeypatch,
        ("openai", "gadet.backends.providers.presets:openai"),
        ("a", f"{__name__}:plugin"),
    )
    assert connect("openai:m", api_key="k").name == "openai:m"


def test_two_plugins_of_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("openai", f"{__name__}:plugin"))
    words = f"more than once, by gadet.backends.providers.presets:openai and {__name__}:plugin"
    with pytest.raises(ConfigurationError, match=words):
        connect("openai:m", api_key="k")
    assert connect("offline").name == "offline"
    with pytest.warns(RuntimeWarning, match=words):
        statuses = available()
    assert not next(s for s in statuses if s.name == "openai").usable


@pytest.mark.parametrize(
    "value", ["absent_package:connect", f"{__name__}:absent", f"{__name__}:not_callable"]
)
def test_a_broken_plugin_breaks_only_itself(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("acme", value))
    assert connect("offline").name == "offline"
    with pytest.raises(ConfigurationError, match=f"'acme' .{value}. could not be loaded"):
        connect("acme:m")
    with pytest.warns(RuntimeWarning, match=f"'acme' .{value}."):
        status = next(s for s in available() if s.name == "acme")
    assert not status.usable


def test_a_type_error_inside_a_plugin_is_not_hidden() -> None:
    def connect(model: str, **options: Any) -> Backend:
        raise TypeError("unsupported operand")

    register("acme", connect)
    with pytest.raises(TypeError, match="unsupported operand"):
        connect("acme:m")


def test_a_completion_is_what_a_backend_gives() -> None:
    assert isinstance(connect(lambda _: "x").complete(text_only()), Completion)
