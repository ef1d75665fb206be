"""What hosts of chat completions do differently: Azure, gateways, local servers, and others."""

from __future__ import annotations

from typing import Any

import pytest

from gadet.backends.codecs import azure_chat
from gadet.backends.codecs.base import Asking
from gadet.backends.codecs.openai_chat import decode, encode
from gadet.backends.facts.profile import Profile
from gadet.backends.facts.profiles import profile_for
from gadet.errors import (
    AuthenticationError,
    BackendError,
    RateLimitError,
    ResponseError,
    ServerError,
)
from tests.backends import conftest
from tests.backends.native import assert_stored
from tests.backends.prompts import SCHEMA, k_shot, zero_shot

RESPONSES = conftest.RESPONSES / "hosts"
JSON = {"content-type": "application/json"}


def read(name: str, status: int = 200) -> Any:
    return decode(status, JSON, (RESPONSES / name).read_bytes())


@pytest.mark.parametrize(
    ("name", "deployment"), [("deployment_of_any_name", "inspector"), ("gpt_4o", "gpt-4o")]
)
def test_the_whole_body_for_azure_is_as_stored(name: str, deployment: str) -> None:
    asking = Asking(deployment, profile_for("azure", deployment), temperature=0.0)
    body = azure_chat.CODEC.encode(zero_shot(), asking)
    assert_stored(body, conftest.BODIES / "azure" / f"{name}.json")


def test_azure_has_a_header_of_its_own_and_reads_like_the_others() -> None:
    assert azure_chat.CODEC.key_header == ("api-key", "")
    assert azure_chat.CODEC.decode is decode
    assert azure_chat.CODEC.path("m") == "chat/completions"


def test_the_two_dialects_of_strict_are_not_mixed_up() -> None:
    asking = Asking("m", Profile(schema_mode="openai_strict"))
    for encoder, limited in ((encode, True), (azure_chat.CODEC.encode, False), (encode, True)):
        schema = encoder(zero_shot(), asking)["response_format"]["json_schema"]["schema"]
        assert ("minimum" in schema["properties"]["score"]) is limited


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("azure_content_filter.json", "content management policy. (jailbreak, violence)"),
        ("azure_inner_error.json", "was rejected. (ResponsibleAIPolicyViolation)"),
    ],
)
def test_a_prompt_that_azure_filters_is_blocked_and_says_for_what(name: str, words: str) -> None:
    completion = read(name, 400)
    assert (completion.stop, completion.text) == ("blocked", "")
    assert completion.refusal is not None
    assert completion.refusal.endswith(words)


def test_an_answer_that_azure_filters_is_blocked() -> None:
    completion = read("azure_filtered_answer.json")
    assert (completion.stop, completion.text) == ("blocked", "")
    assert completion.usage.output_tokens == 3


def test_a_gateway_that_moderates_blocks() -> None:
    completion = read("openrouter_moderation.json", 403)
    assert completion.stop == "blocked"
    assert completion.refusal is not None
    assert completion.refusal.endswith("was flagged (violence/graphic)")


@pytest.mark.parametrize(
    ("name", "status", "kind", "words", "told"),
    [
        ("azure_401.json", 401, AuthenticationError, "invalid subscription key", 401),
        ("azure_404.json", 404, ResponseError, "DeploymentNotFound.*the model's name", 404),
        ("openrouter_upstream.json", 200, ServerError, "CUDA out of memory", 502),
        ("openrouter_402.json", 402, ResponseError, "the account's balance", 402),
        ("openrouter_402.json", 200, ResponseError, "the account's balance", 402),
        ("overloaded_in_200.json", 200, ServerError, "overloaded_error.*Overloaded", 529),
        ("quota.json", 429, RateLimitError, "insufficient_quota.*the account's balance", 429),
        ("xai_key.json", 400, ResponseError, "Incorrect API key provided", 400),
    ],
)
def test_errors(name: str, status: int, kind: type[BackendError], words: str, told: int) -> None:
    with pytest.raises(BackendError, match=words) as caught:
        read(name, status)
    assert type(caught.value) is kind
    assert caught.value.status == told


@pytest.mark.parametrize(
    ("name", "stop", "refusal"),
    [
        ("refusal_part.json", "refused", "I cannot look at this."),
        ("native_refusal.json", "refused", None),
        ("finish_refusal.json", "refused", None),
        ("gemini_safety.json", "blocked", None),
        ("mistral_model_length.json", "truncated", None),
        ("together_eos.json", "complete", None),
        ("vllm_reasoning_only.json", "truncated", None),
    ],
)
def test_ends_in_the_words_of_other_hosts(name: str, stop: str, refusal: str | None) -> None:
    completion = read(name)
    assert (completion.stop, completion.refusal) == (stop, refusal)


def test_thoughts_that_leave_no_room_for_an_answer_are_not_the_answer() -> None:
    assert read("vllm_reasoning_only.json").text == ""


@pytest.mark.parametrize("provider", ["vllm", "llamacpp"])
def test_local_servers_are_asked_for_log_probabilities_and_a_schema(provider: str) -> None:
    body = encode(k_shot(), Asking("m", profile_for(provider, "qwen3-vl-8b")))
    assert body["logprobs"] is True
    schema = body["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]) == list(SCHEMA["properties"])
    assert body["response_format"].get("schema") == (schema if provider == "llamacpp" else None)


@pytest.mark.parametrize("mode", ["anthropic", "gemini", "gemini_legacy", "ollama"])
def test_the_dialect_of_another_format_means_a_plain_schema(mode: Any) -> None:
    plain = encode(zero_shot(), Asking("m", Profile()))
    assert encode(zero_shot(), Asking("m", Profile(schema_mode=mode))) == plain


def test_effort_is_sent_when_it_is_set() -> None:
    assert "reasoning_effort" not in encode(zero_shot(), Asking("m", Profile()))
    body = encode(zero_shot(), Asking("m", Profile(), effort="none"))
    assert body["reasoning_effort"] == "none"


def test_extra_fields_go_into_those_that_are_there() -> None:
    extra = {"response_format": {"json_schema": {"name": "mine"}}, "provider": {"sort": "price"}}
    body = encode(zero_shot(), Asking("m", Profile(), extra=extra))
    assert body["response_format"]["json_schema"]["name"] == "mine"
    assert body["response_format"]["json_schema"]["schema"]["type"] == "object"
    assert body["provider"] == {"sort": "price"}
    # The format is shared by all prompts, so it must not keep what one of them added.
    again = encode(zero_shot(), Asking("m", Profile()))
    assert again["response_format"]["json_schema"]["name"] == "small_answer"
