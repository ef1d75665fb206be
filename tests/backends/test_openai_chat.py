from __future__ import annotations

import gc
import json
import os
from typing import Any
from weakref import ref

import pytest

from gadet.backends.codecs import pictures
from gadet.backends.codecs.base import Asking
from gadet.backends.codecs.openai_chat import decode, encode
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
    TransportError,
)
from gadet.prompts.answer import answer_schema
from gadet.prompts.prompt import Message, Prompt
from gadet.report import Usage
from tests.backends.conftest import BODIES, RESPONSES
from tests.backends.prompts import SCHEMA, k_shot, re_ask, readable, text_only, view, zero_shot

JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html; charset=utf-8"}

CASES: dict[str, tuple[Prompt, str, Profile, dict[str, Any]]] = {
    "zero_shot_json_schema": (zero_shot(), "a-model", Profile(), {}),
    "zero_shot_gpt": (
        zero_shot(schema=answer_schema()),
        "gpt-5.6-sol",
        profile_for("openai", "gpt-5.6-sol"),
        {"temperature": 0.0},
    ),
    "zero_shot_json_object": (zero_shot(), "m", Profile(schema_mode="json_object"), {}),
    "zero_shot_prompt_only": (zero_shot(), "m", Profile(schema_mode="prompt_only"), {}),
    "zero_shot_llamacpp": (zero_shot(), "m", profile_for("llamacpp", "m"), {"temperature": 0.0}),
    "k_shot": (k_shot(), "qwen3-vl:8b", profile_for("lmstudio", "qwen3-vl:8b"), {}),
    "re_ask": (re_ask(), "m", Profile(), {}),
    "text_only_with_extra": (
        text_only(max_output_tokens=7),
        "m",
        Profile(),
        {"temperature": 0.5, "extra": {"temperature": 0.7, "seed": 3}},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_whole_body_is_as_stored(name: str) -> None:
    prompt, model, profile, options = CASES[name]
    body = readable(encode(prompt, Asking(model, profile, **options)))
    path = BODIES / f"{name}.json"
    if os.environ.get("GADET_UPDATE_BODIES"):
        path.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert body == stored
    # Models write the fields in the order of the schema, so the order counts as well.
    assert json.dumps(body) == json.dumps(stored)


def test_without_a_schema_nothing_is_said_about_the_format() -> None:
    for mode in ("openai_strict", "json_object", "prompt_only"):
        body = encode(zero_shot(schema={}), Asking("m", Profile(schema_mode=mode)))
        assert "response_format" not in body
        assert body["messages"][0]["content"] == "You inspect."


def test_no_instructions_make_no_message() -> None:
    prompt = Prompt("", (Message("user", ("Hello",)),), {})
    assert encode(prompt, Asking("m", Profile()))["messages"] == [
        {"role": "user", "content": "Hello"}
    ]


def test_too_many_pictures_are_refused_before_they_are_sent() -> None:
    with pytest.raises(ConfigurationError, match=r"at most 3 pictures.*has 4.*fewer references"):
        encode(k_shot(), Asking("m", Profile(max_images=3)))
    assert encode(k_shot(), Asking("m", Profile(max_images=4)))


def test_a_picture_in_a_turn_of_the_model_is_refused() -> None:
    prompt = Prompt("", (Message("assistant", (view(),)),), SCHEMA)
    with pytest.raises(ConfigurationError, match="text only"):
        encode(prompt, Asking("m", Profile()))


def test_a_picture_becomes_text_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real = pictures.b64encode
    monkeypatch.setattr(pictures, "b64encode", lambda data: calls.append(1) or real(data))
    prompt = zero_shot()
    first = encode(prompt, Asking("m", Profile()))
    assert encode(prompt, Asking("m", Profile())) == first
    assert calls == [1]


def test_the_text_of_a_picture_goes_with_it() -> None:
    picture = view()
    pictures.data_url(picture)
    gone = ref(picture)
    del picture
    gc.collect()
    assert gone() is None


def read(name: str, status: int = 200, headers: dict[str, str] | None = None) -> Any:
    return decode(status, headers or JSON, (RESPONSES / name).read_bytes())


def test_a_normal_answer() -> None:
    completion = read("normal.json", headers=JSON | {"x-request-id": "req_1"})
    assert json.loads(completion.text)["score"] == 0.08
    assert completion.stop == "complete"
    assert completion.usage == Usage(
        requests=1, input_tokens=1480, cached_tokens=1024, output_tokens=212, reasoning_tokens=128
    )
    assert completion.model == "gpt-5.6-sol-2026-08-01"
    assert completion.request_id == "req_1"
    assert completion.refusal is None
    assert completion.logprobs == ()


def test_the_id_in_the_body_stands_in_for_the_header() -> None:
    assert read("normal.json").request_id == "chatcmpl-1"


@pytest.mark.parametrize(
    ("name", "stop", "text"),
    [
        ("length.json", "truncated", '{"observations"'),
        ("content_filter.json", "blocked", ""),
        ("null_content.json", "complete", ""),
        ("empty_content.json", "complete", ""),
        ("list_content.json", "complete", '{"score": 0.1}'),
        ("fenced.json", "complete", "```json"),
        ("unknown_finish.json", "other", '{"observations"'),
        ("missing_finish.json", "other", '{"observations"'),
        ("tool_calls.json", "other", ""),
        ("unknown_fields.json", "complete", '{"observations"'),
        ("reasoning.json", "complete", '{"observations"'),
        ("no_usage.json", "complete", '{"observations"'),
    ],
)
def test_how_an_answer_ended(name: str, stop: str, text: str) -> None:
    completion = read(name)
    assert completion.stop == stop
    assert completion.text.startswith(text)
    assert bool(completion.text) == bool(text)


def test_thoughts_are_not_part_of_the_text() -> None:
    assert "thinking" not in read("reasoning.json").text


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
    ("name", "status", "headers", "kind", "words"),
    [
        ("400_bad_parameter.json", 400, JSON, ResponseError, "unsupported_parameter.*max_tokens"),
        ("400_vllm_old.json", 400, JSON, ResponseError, "maximum context length"),
        ("401.json", 401, JSON, AuthenticationError, "Incorrect API key.*check the API key"),
        ("404_ollama.json", 404, JSON, ResponseError, "qwen9.*check the model's name"),
        ("413.html", 413, HTML, ResponseError, "web page.*fewer or smaller pictures"),
        ("422_fastapi.json", 422, JSON, ResponseError, "Field required"),
        ("429_openai.json", 429, JSON, RateLimitError, "rate_limit_exceeded.*concurrency"),
        ("429_google.json", 429, JSON, RateLimitError, "RESOURCE_EXHAUSTED.*quota"),
        ("500.json", 500, JSON, ServerError, "had an error.*try again later"),
        ("500.json", 408, JSON, TransportError, "try again"),
        ("529.json", 529, JSON, ServerError, "Overloaded"),
        ("proxy.html", 502, HTML, ServerError, "web page"),
        ("proxy.html", 200, HTML, ResponseError, "expected a JSON object.*check `base_url`"),
        ("proxy.html", 200, {}, ResponseError, "no content type.*check `base_url`"),
        ("proxy.html", 301, HTML, ResponseError, "redirects"),
        ("truncated.json", 200, JSON, ResponseError, "cut off on the way"),
        ("no_choices.json", 200, JSON, ResponseError, "no `choices"),
        ("choices_null.json", 200, JSON, ResponseError, "only id, choices, model"),
        ("error_in_200.json", 200, JSON, RateLimitError, "Provider returned error"),
        ("error_in_choice.json", 200, JSON, ServerError, "upstream broke"),
        ("ollama_error_in_200.json", 200, JSON, ResponseError, "unexpectedly stopped"),
    ],
)
def test_errors(
    name: str, status: int, headers: dict[str, str], kind: type[BackendError], words: str
) -> None:
    with pytest.raises(BackendError, match=words) as caught:
        read(name, status, headers | {"x-request-id": "req_2"})
    assert type(caught.value) is kind
    assert caught.value.request_id == "req_2"
    assert caught.value.body
    assert caught.value.status in (status, 429, 502)


@pytest.mark.parametrize(
    ("name", "status", "stop"),
    [
        ("400_image_policy.json", 400, "refused"),
        ("403_misalignment.json", 403, "refused"),
        ("400_content_filter.json", 400, "blocked"),
    ],
)
def test_a_policy_is_an_outcome_and_not_an_error(name: str, status: int, stop: str) -> None:
    completion = read(name, status)
    assert completion.stop == stop
    assert completion.text == ""
    assert completion.refusal


def test_a_picture_that_cannot_be_read_is_the_callers() -> None:
    with pytest.raises(InputError, match=r"image_too_large.*smaller or re-encoded"):
        read("400_image_too_large.json", 400)


def test_pictures_that_come_back_in_an_error_are_cut_out() -> None:
    with pytest.raises(ResponseError) as caught:
        read("422_fastapi.json", 422)
    assert "iVBORw0KGgo" not in str(caught.value) + str(caught.value.body)
    assert "<picture>" in str(caught.value.body)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"[1]", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"choices": [[]]}',
        b'{"choices": [{"message": null}]}', b'{"choices": [{"message": "text"}]}',
        b'{"choices": "many"}', b"{}",
    ],
)  # fmt: skip
def test_what_is_not_an_answer_is_an_error_that_says_so(body: bytes) -> None:
    with pytest.raises(ResponseError, match="expected"):
        decode(200, JSON, body)


@pytest.mark.parametrize(
    "message",
    [
        b'{"content": 7}', b'{"content": {}}', b'{"content": [null, 3, "x"]}', b"{}",
        b'{"content": "x", "refusal": ""}', b'{"content": "x", "refusal": 5}',
    ],
)  # fmt: skip
def test_odd_messages_are_read_as_far_as_they_go(message: bytes) -> None:
    body = b'{"choices": [{"finish_reason": "stop", "logprobs": [], "message": ' + message + b"}]}"
    assert decode(200, JSON, body).text in ("", "x")
