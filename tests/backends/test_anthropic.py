from __future__ import annotations

import json
from typing import Any

import pytest
from PIL import Image

from gadet.backends.codecs.anthropic import CODEC, decode, encode
from gadet.backends.codecs.base import Asking
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
from gadet.geometry import Frame
from gadet.prompts.prompt import Message, Prompt
from gadet.report import Usage
from gadet.view import View
from tests.backends import conftest
from tests.backends.native import assert_stored
from tests.backends.prompts import SCHEMA, k_shot, re_ask, text_only, view, zero_shot

BODIES = conftest.BODIES / "anthropic"
RESPONSES = conftest.RESPONSES / "anthropic"
JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html; charset=utf-8"}
NEWEST = profile_for("anthropic", "claude-opus-5-5")
OLDER = profile_for("anthropic", "claude-haiku-4-5")
PLAIN = Profile(schema_mode="anthropic")

CASES: dict[str, tuple[Prompt, Profile, dict[str, Any]]] = {
    "zero_shot": (
        zero_shot(),
        NEWEST,
        {"temperature": 0.0, "effort": "low"},
    ),
    "k_shot_cached": (k_shot(), OLDER, {"temperature": 0.0}),
    "k_shot_uncached": (k_shot(), PLAIN, {}),
    "zero_shot_in_words": (zero_shot(), profile_for("anthropic", "claude-3-5-haiku-20241022"), {}),
    "re_ask": (re_ask(), PLAIN, {}),
    "free_text": (
        zero_shot(schema={}).followed_by("It is scratched.", "How deep is the scratch?"),
        PLAIN,
        {},
    ),
    "text_only_with_extra": (
        text_only(max_output_tokens=7),
        PLAIN,
        {"extra": {"output_config": {"effort": "max"}, "metadata": {"user_id": "u"}}},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_whole_body_is_as_stored(name: str) -> None:
    prompt, profile, options = CASES[name]
    assert_stored(encode(prompt, Asking("m", profile, **options)), BODIES / f"{name}.json")


def test_the_version_and_the_key_have_headers_of_their_own() -> None:
    assert CODEC.path("m") == "v1/messages"
    assert CODEC.key_header == ("x-api-key", "")
    assert CODEC.headers == {"anthropic-version": "2023-06-01"}


def test_the_cache_ends_behind_the_last_reference() -> None:
    asking = Asking("m", Profile(cache="explicit"))
    marked = [
        number
        for number, block in enumerate(encode(k_shot(), asking)["messages"][0]["content"])
        if "cache_control" in block
    ]
    assert marked == [3]
    assert "cache_control" not in json.dumps(encode(zero_shot(), asking))
    longer = k_shot().followed_by("It looks fine.", "Are you sure?")
    assert json.dumps(encode(longer, asking)).count("cache_control") == 1


@pytest.mark.parametrize("schema", [SCHEMA, {}])
def test_no_schema_asks_for_no_format(schema: dict[str, Any]) -> None:
    body = encode(zero_shot(schema=schema), Asking("m", PLAIN))
    assert ("output_config" in body) is bool(schema)
    in_words = encode(zero_shot(schema=schema), Asking("m", Profile(schema_mode="prompt_only")))
    assert "output_config" not in in_words
    assert ("JSON Schema" in in_words["system"]) is bool(schema)


def test_no_instructions_are_no_field() -> None:
    prompt = Prompt("", (Message("user", ("Hello",)),), {})
    body = encode(prompt, Asking("m", PLAIN))
    assert set(body) == {"model", "max_tokens", "messages"}
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]


def test_a_turn_that_says_nothing_is_left_out() -> None:
    body = encode(text_only().followed_by("", "Answer, please."), Asking("m", PLAIN))
    assert [message["role"] for message in body["messages"]] == ["user", "user"]


def pictures(count: int, size: tuple[int, int]) -> Prompt:
    one = View(Image.new("RGB", size), Frame.whole(size))
    return Prompt("", (Message("user", (*[one] * count, "Well?")),), {})


def test_a_request_of_many_pictures_takes_smaller_ones() -> None:
    asking = Asking("m", Profile(max_images=100))
    assert encode(pictures(20, (2001, 2)), asking)
    assert encode(pictures(21, (2000, 2)), asking)
    words = r"2000 pixels a side when there are more than 20; .*21, one of them 2001x2: use fewer"
    with pytest.raises(ConfigurationError, match=words):
        encode(pictures(21, (2001, 2)), asking)


def test_a_view_that_the_profile_made_is_never_too_large_for_many() -> None:
    for profile in (NEWEST, OLDER):
        assert max(profile.views.fit(9000, 7000)) <= 2000


def test_pictures_of_many_turns_count_together() -> None:
    turn = Message("user", (*[view(size=(2001, 2))] * 11, "Well?"))
    prompt = Prompt("", (turn, Message("assistant", ("Fine.",)), turn), {})
    with pytest.raises(ConfigurationError, match="the prompt has 22"):
        encode(prompt, Asking("m", Profile(max_images=100)))


def test_a_picture_of_any_request_has_limits() -> None:
    with pytest.raises(ConfigurationError, match=r"8000 pixels a side each; .*8001x1"):
        encode(pictures(1, (8001, 1)), Asking("m", PLAIN))
    large = View(Image.new("RGB", (8, 6)), Frame.whole((8, 6)), compressed=bytes(8 * 2**20))
    prompt = Prompt("", (Message("user", (large,)),), {})
    with pytest.raises(ConfigurationError, match=r"at most 10 MB as base64.*10\.7 MB: send JPEG"):
        encode(prompt, Asking("m", PLAIN))


def test_too_many_pictures_are_refused_before_they_are_sent() -> None:
    with pytest.raises(ConfigurationError, match=r"at most 3 pictures.*has 4"):
        encode(k_shot(), Asking("m", Profile(max_images=3)))


def test_a_picture_in_a_turn_of_the_model_is_refused() -> None:
    prompt = Prompt("", (Message("assistant", (view(),)),), SCHEMA)
    with pytest.raises(ConfigurationError, match="text only"):
        encode(prompt, Asking("m", PLAIN))


def read(name: str, status: int = 200, headers: dict[str, str] | None = None) -> Any:
    return decode(status, headers or JSON, (RESPONSES / name).read_bytes())


def test_a_normal_answer() -> None:
    completion = read("normal.json", headers=JSON | {"request-id": "req_7"})
    assert json.loads(completion.text)["score"] == 0.08
    assert completion.stop == "complete"
    assert completion.usage == Usage(
        requests=1,
        input_tokens=3910,
        cached_tokens=2400,
        cache_write_tokens=1200,
        output_tokens=212,
        reasoning_tokens=96,
    )
    assert completion.model == "claude-opus-5-5"
    assert completion.request_id == "req_7"
    assert completion.refusal is None
    assert read("normal.json").request_id == "msg_01"


@pytest.mark.parametrize(
    ("name", "stop", "text"),
    [
        ("thinking.json", "complete", '{"observations"'),
        ("fenced.json", "complete", "```json"),
        ("max_tokens.json", "truncated", '{"observations"'),
        ("context_window.json", "truncated", '{"observations"'),
        ("stop_sequence.json", "complete", '{"observations"'),
        ("refusal_in_part.json", "refused", '{"observations"'),
        ("pause_turn.json", "other", '{"observations"'),
        ("tool_use.json", "other", ""),
        ("empty_content.json", "complete", ""),
        ("unknown_stop.json", "other", '{"observations"'),
        ("missing_stop.json", "other", '{"observations"'),
        ("unknown_fields.json", "complete", '{"observations"'),
        ("no_usage.json", "complete", '{"observations"'),
    ],
)
def test_how_an_answer_ended(name: str, stop: str, text: str) -> None:
    completion = read(name)
    assert completion.stop == stop
    assert completion.text.startswith(text)
    assert bool(completion.text) == bool(text)


def test_blocks_of_text_are_one_answer_and_thoughts_no_part_of_it() -> None:
    assert read("thinking.json").text == read("normal.json").text
    assert "not this" not in read("unknown_fields.json").text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("refusal.json", "This request touches on dangerous material. (bio)"),
        ("refusal_in_part.json", "reasoning_extraction"),
        ("refusal_bare.json", None),
    ],
)
def test_a_refusal_says_why(name: str, words: str | None) -> None:
    completion = read(name)
    assert (completion.stop, completion.refusal) == ("refused", words)


@pytest.mark.parametrize("name", ["no_usage.json", "odd_usage.json"])
def test_usage_that_is_not_told_counts_one_request(name: str) -> None:
    assert read(name).usage == Usage(requests=1)


@pytest.mark.parametrize(
    ("name", "status", "kind", "words"),
    [
        ("400_schema.json", 400, ResponseError, "property 'minimum' is not supported"),
        ("400_credit.json", 400, ResponseError, "credit balance is too low"),
        ("401.json", 401, AuthenticationError, "invalid x-api-key.*check the API key"),
        ("402.json", 402, ResponseError, "billing.*check the account's balance"),
        ("402.json", 403, AuthenticationError, "billing.*check the account's balance"),
        ("403.json", 403, AuthenticationError, "permission.*may use this model"),
        ("404.json", 404, ResponseError, "claude-opus-55.*check the model's name"),
        ("413.json", 413, ResponseError, "exceeds the maximum size.*fewer or smaller pictures"),
        ("429.json", 429, RateLimitError, "rate_limit_error.*lower the concurrency"),
        ("500.json", 500, ServerError, "Internal server error.*try again later"),
        ("504.json", 504, ServerError, "timed out"),
        ("529.json", 529, ServerError, "overloaded_error"),
        ("no_content.json", 200, ResponseError, "no `content`, only id, type, model"),
        ("../proxy.html", 502, ServerError, "web page"),
        ("../proxy.html", 200, ResponseError, "expected a JSON object.*check `base_url`"),
        ("../truncated.json", 200, ResponseError, "cut off on the way"),
    ],
)
def test_errors(name: str, status: int, kind: type[BackendError], words: str) -> None:
    headers = HTML if name.endswith("html") else JSON
    with pytest.raises(BackendError, match=words) as caught:
        read(name, status, headers | {"request-id": "req_2"})
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert caught.value.request_id == "req_2"


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("401.json", AuthenticationError, 401),
        ("402.json", ResponseError, 402),
        ("429.json", RateLimitError, 429),
        ("504.json", ServerError, 504),
        ("529.json", ServerError, 529),
    ],
)
def test_an_error_inside_a_success_has_its_own_status(
    name: str, kind: type[BackendError], status: int
) -> None:
    with pytest.raises(kind) as caught:
        read(name, 200)
    assert caught.value.status == status


@pytest.mark.parametrize("name", ["400_image.json", "400_many_images.json"])
def test_a_picture_that_cannot_be_read_is_the_callers(name: str) -> None:
    with pytest.raises(InputError, match=r"image.*smaller or re-encoded"):
        read(name, 400)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"{}",
        b'{"content": "text"}',
        b'{"content": {}}',
    ],
)
def test_what_is_not_an_answer_is_an_error_that_says_so(body: bytes) -> None:
    with pytest.raises(ResponseError, match="expected"):
        decode(200, JSON, body)


@pytest.mark.parametrize(
    "block", [b"null", b"7", b'{"type": "text"}', b'{"type": "text", "text": 3}']
)
def test_odd_blocks_say_nothing(block: bytes) -> None:
    completion = decode(200, JSON, b'{"stop_reason": "end_turn", "content": [' + block + b"]}")
    assert (completion.text, completion.stop) == ("", "complete")
