from __future__ import annotations

import json
from typing import Any

import pytest

from gadet.backends.codecs.base import Asking
from gadet.backends.codecs.openai_responses import CODEC, decode, encode
from gadet.backends.facts.profile import Profile
from gadet.backends.facts.profiles import profile_for
from gadet.errors import (
    AuthenticationError,
    BackendError,
    ConfigurationError,
    InputError,
    RateLimitError,
    ResponseError,
    ServerError,
)
from gadet.prompts.prompt import Message, Prompt
from gadet.report import Usage
from tests.backends import conftest
from tests.backends.native import assert_stored
from tests.backends.prompts import SCHEMA, k_shot, re_ask, text_only, view, zero_shot

BODIES = conftest.BODIES / "openai_responses"
RESPONSES = conftest.RESPONSES / "openai_responses"
JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html; charset=utf-8"}
STRICT = Profile(schema_mode="openai_strict")

CASES: dict[str, tuple[Prompt, Profile, dict[str, Any]]] = {
    "zero_shot": (
        zero_shot(),
        profile_for("openai-responses", "gpt-5.6-sol"),
        {"temperature": 0.0, "effort": "low"},
    ),
    "zero_shot_with_logprobs": (
        zero_shot(),
        profile_for("openai-responses", "gpt-4.1"),
        {"temperature": 0.0},
    ),
    "zero_shot_json_schema": (zero_shot(), Profile(), {}),
    "zero_shot_json_object": (zero_shot(), Profile(schema_mode="json_object"), {}),
    "zero_shot_prompt_only": (zero_shot(), Profile(schema_mode="prompt_only"), {}),
    "k_shot": (k_shot(), STRICT, {}),
    "re_ask": (re_ask(), STRICT, {}),
    "free_text": (
        zero_shot(schema={}).followed_by("It is scratched.", "How deep is the scratch?"),
        STRICT,
        {},
    ),
    "text_only_with_extra": (
        text_only(max_output_tokens=7),
        STRICT,
        {"extra": {"text": {"verbosity": "low"}, "service_tier": "flex"}},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_whole_body_is_as_stored(name: str) -> None:
    prompt, profile, options = CASES[name]
    assert_stored(encode(prompt, Asking("m", profile, **options)), BODIES / f"{name}.json")


def test_the_key_is_a_bearer() -> None:
    assert CODEC.path("m") == "responses"
    assert CODEC.key_header == ("authorization", "Bearer ")


@pytest.mark.parametrize("mode", ["openai_strict", "json_schema", "json_object", "prompt_only"])
def test_no_schema_asks_for_no_format(mode: Any) -> None:
    body = encode(zero_shot(schema={}), Asking("m", Profile(schema_mode=mode)))
    assert "text" not in body
    assert body["instructions"] == "You inspect."


def test_no_instructions_are_no_field() -> None:
    prompt = Prompt("", (Message("user", ("Hello",)),), {})
    assert "instructions" not in encode(prompt, Asking("m", STRICT))


def test_nothing_is_stored_unless_asked() -> None:
    assert encode(zero_shot(), Asking("m", STRICT))["store"] is False
    assert encode(zero_shot(), Asking("m", STRICT, extra={"store": True}))["store"] is True


def test_prompts_that_no_model_takes() -> None:
    with pytest.raises(ConfigurationError, match="at most 3 pictures"):
        encode(k_shot(), Asking("m", Profile(max_images=3)))
    with pytest.raises(ConfigurationError, match="text only"):
        encode(Prompt("", (Message("assistant", (view(),)),), SCHEMA), Asking("m", STRICT))


def read(name: str, status: int = 200, headers: dict[str, str] | None = None) -> Any:
    return decode(status, headers or JSON, (RESPONSES / name).read_bytes())


def test_a_normal_answer() -> None:
    completion = read("normal.json", headers=JSON | {"x-request-id": "req_1"})
    assert json.loads(completion.text)["score"] == 0.08
    assert completion.stop == "complete"
    assert completion.usage == Usage(
        requests=1,
        input_tokens=1480,
        cached_tokens=1024,
        cache_write_tokens=256,
        output_tokens=212,
        reasoning_tokens=128,
    )
    assert completion.model == "gpt-5.6-sol-2026-08-01"
    assert completion.request_id == "req_1"
    assert completion.refusal is None
    assert completion.logprobs == ()
    assert "thinking" not in completion.text
    assert read("normal.json").request_id == "resp_01"


@pytest.mark.parametrize(
    ("name", "stop", "text"),
    [
        ("two_parts.json", "complete", '{"observations"'),
        ("fenced.json", "complete", "```json"),
        ("max_output_tokens.json", "truncated", '{"observations"'),
        ("only_reasoning.json", "truncated", ""),
        ("content_filter.json", "blocked", ""),
        ("incomplete_unknown.json", "other", ""),
        ("incomplete_bare.json", "other", ""),
        ("cancelled.json", "other", ""),
        ("queued.json", "other", ""),
        ("unknown_status.json", "other", '{"observations"'),
        ("empty_output.json", "complete", ""),
        ("unknown_fields.json", "complete", '{"observations"'),
        ("no_usage.json", "complete", '{"observations"'),
    ],
)
def test_how_an_answer_ended(name: str, stop: str, text: str) -> None:
    completion = read(name)
    assert completion.stop == stop
    assert completion.text.startswith(text)
    assert bool(completion.text) == bool(text)


def test_parts_of_text_are_one_answer() -> None:
    assert read("two_parts.json").text == read("normal.json").text
    assert read("unknown_fields.json").text == read("normal.json").text


def test_a_refusal_keeps_the_models_words() -> None:
    completion = read("refusal.json")
    assert (completion.stop, completion.text) == ("refused", "")
    assert completion.refusal == "I can't help with identifying people."


@pytest.mark.parametrize("name", ["no_usage.json", "odd_usage.json"])
def test_usage_that_is_not_told_counts_one_request(name: str) -> None:
    assert read(name).usage == Usage(requests=1)


def test_log_probabilities() -> None:
    first, second = read("logprobs.json").logprobs
    assert (first.token, first.logprob) == ("nor", -0.25)
    assert first.alternatives == (("nor", -0.25), ("an", -1.5))
    assert (second.token, second.logprob, second.alternatives) == ("mal", -9999.0, ())


@pytest.mark.parametrize(
    ("name", "status", "kind", "words", "told"),
    [
        ("failed.json", 200, ServerError, "server_error.*failed to generate", 500),
        ("failed_rate_limit.json", 200, RateLimitError, "Slow down", 429),
        ("failed_bare.json", 200, ServerError, "says no more", 500),
        ("no_output.json", 200, ResponseError, "no `output`, only id, object, status", 200),
        ("../401.json", 401, AuthenticationError, "Incorrect API key", 401),
        ("../400_bad_parameter.json", 400, ResponseError, "max_tokens", 400),
        ("../429_openai.json", 429, RateLimitError, "rate_limit_exceeded", 429),
        ("../413.html", 413, ResponseError, "web page.*fewer or smaller pictures", 413),
        ("../500.json", 500, ServerError, "try again later", 500),
        ("../529.json", 529, ServerError, "Overloaded", 529),
        ("../proxy.html", 200, ResponseError, "expected a JSON object", 200),
        ("../truncated.json", 200, ResponseError, "cut off on the way", 200),
    ],
)
def test_errors(name: str, status: int, kind: type[BackendError], words: str, told: int) -> None:
    headers = HTML if name.endswith("html") else JSON
    with pytest.raises(BackendError, match=words) as caught:
        read(name, status, headers | {"x-request-id": "req_2"})
    assert type(caught.value) is kind
    assert caught.value.status == told
    assert caught.value.request_id == "req_2"


def test_a_picture_that_cannot_be_read_is_the_callers() -> None:
    with pytest.raises(InputError, match="image_parse_error"):
        read("failed_image.json")
    with pytest.raises(InputError, match="image_too_large"):
        read("../400_image_too_large.json", 400)


@pytest.mark.parametrize(
    ("name", "status", "stop"),
    [
        ("failed_policy.json", 200, "refused"),
        ("../400_image_policy.json", 400, "refused"),
        ("../403_misalignment.json", 403, "refused"),
        ("../400_content_filter.json", 400, "blocked"),
        ("../hosts/azure_content_filter.json", 400, "blocked"),
    ],
)
def test_a_policy_is_an_outcome_and_not_an_error(name: str, status: int, stop: str) -> None:
    completion = read(name, status)
    assert (completion.stop, completion.text) == (stop, "")
    assert completion.refusal


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"text"', b"\xff\xfe", b"{}", b'{"output": "text"}']
)
def test_what_is_not_an_answer_is_an_error_that_says_so(body: bytes) -> None:
    with pytest.raises(ResponseError, match="expected"):
        decode(200, JSON, body)


@pytest.mark.parametrize(
    "item",
    [
        b"null", b"7", b'{"type": "message"}', b'{"type": "message", "content": [null, 3]}',
        b'{"type": "message", "content": [{"type": "output_text", "text": 5, "logprobs": 3}]}',
        b'{"type": "message", "content": [{"type": "refusal", "refusal": ""}]}',
    ],
)  # fmt: skip
def test_odd_items_say_nothing(item: bytes) -> None:
    completion = decode(200, JSON, b'{"status": "completed", "output": [' + item + b"]}")
    assert (completion.text, completion.stop, completion.logprobs) == ("", "complete", ())
