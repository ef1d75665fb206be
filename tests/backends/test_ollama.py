from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.backends.codecs.base import Asking
from gadet.backends.codecs.ollama import CODEC, context_size, decode, encode
from gadet.backends.facts.profile import Profile
from gadet.backends.facts.profiles import profile_for
from gadet.backends.hosted import HttpBackend
from gadet.errors import (
    AuthenticationError,
    BackendError,
    ConfigurationError,
    RateLimitError,
    ResponseError,
    ServerError,
)
from gadet.prompts.answer import answer_schema
from gadet.prompts.prompt import Message, Prompt
from gadet.prompts.size import count_tokens
from gadet.report import Usage
from tests.backends import conftest
from tests.backends.conftest import Ask, Connect
from tests.backends.native import assert_stored
from tests.backends.prompts import SCHEMA, k_shot, re_ask, text_only, view, zero_shot
from tests.backends.servers import reply, serving

BODIES = conftest.BODIES / "ollama"
RESPONSES = conftest.RESPONSES / "ollama"
PROXY = (conftest.RESPONSES / "proxy.html").read_bytes()
KEY = "ollama-very-secret-0123456789"

JSON = {"content-type": "application/json; charset=utf-8"}
LINES = {"content-type": "application/x-ndjson"}
NATIVE = Profile(schema_mode="ollama")

CASES: dict[str, tuple[Prompt, Profile, dict[str, Any]]] = {
    "zero_shot": (
        zero_shot(schema=answer_schema()),
        profile_for("ollama", "qwen3-vl:8b"),
        {"temperature": 0.0},
    ),
    "zero_shot_cloud": (zero_shot(), profile_for("ollama", "qwen3-vl:235b-cloud"), {}),
    "zero_shot_json_object": (zero_shot(), Profile(schema_mode="json_object"), {}),
    "k_shot": (k_shot(), NATIVE, {"effort": "high"}),
    "re_ask": (re_ask(), NATIVE, {}),
    "free_text_with_extra": (
        zero_shot(schema={}).followed_by("It is scratched.", "How deep is the scratch?"),
        NATIVE,
        {"extra": {"keep_alive": "30m", "options": {"num_ctx": 4096, "seed": 3}}},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_whole_body_is_as_stored(name: str) -> None:
    prompt, profile, options = CASES[name]
    assert_stored(encode(prompt, Asking("m", profile, **options)), BODIES / f"{name}.json")


@pytest.mark.parametrize("mode", ["ollama", "json_object", "prompt_only"])
def test_without_a_schema_nothing_is_said_about_the_format(mode: Any) -> None:
    body = encode(zero_shot(schema={}), Asking("m", Profile(schema_mode=mode)))
    assert "format" not in body
    assert body["messages"][0] == {"role": "system", "content": "You inspect."}


def test_a_mode_of_another_format_is_read_as_this_ones_own() -> None:
    other, own = (encode(zero_shot(), Asking("m", p)) for p in (Profile(), NATIVE))
    assert other == own
    assert own["format"]["type"] == "object"


def test_no_instructions_make_no_message() -> None:
    body = encode(Prompt("", (Message("user", ("Hello",)),), {}), Asking("m", NATIVE))
    assert body["messages"] == [{"role": "user", "content": "Hello"}]


def test_temperature_is_sent_where_the_profile_allows_it() -> None:
    for allowed in (True, False):
        profile = NATIVE.model_copy(update={"sampling": allowed})
        body = encode(text_only(), Asking("m", profile, temperature=0.5))
        assert ("temperature" in body["options"]) is allowed


def test_what_a_prompt_cannot_hold() -> None:
    with pytest.raises(ConfigurationError, match=r"at most 3 pictures.*has 4"):
        encode(k_shot(), Asking("m", NATIVE.model_copy(update={"max_images": 3})))
    with pytest.raises(ConfigurationError, match="text only"):
        encode(Prompt("", (Message("assistant", (view(),)),), SCHEMA), Asking("m", NATIVE))


def test_pictures_are_numbered_through_the_conversation() -> None:
    turns = (
        Message("user", ("Good:", view(), "Bad:", view("#00ff00"))),
        Message("assistant", ("I see.",)),
        Message("user", ("Look closer:", view("#0000ff"))),
    )
    first, _, last = encode(Prompt("", turns, {}), Asking("m", NATIVE))["messages"]
    assert first["content"] == "Good:\n[image 1]\nBad:\n[image 2]"
    assert last["content"] == "Look closer:\n[image 3]"
    assert [len(first["images"]), len(last["images"])] == [2, 1]


def of(sizes: list[tuple[int, int]], letters: int = 0, answer: int = 1000) -> Prompt:
    parts = ("x" * letters, *(view(size=size) for size in sizes))
    return Prompt("", (Message("user", parts),), {}, max_output_tokens=answer)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 700), st.integers(1, 700)), max_size=4),
    st.integers(0, 200_000),
    st.integers(1, 40_000),
    st.integers(0, 9_000),
)
def test_the_context_holds_the_prompt_and_its_answer(
    sizes: list[tuple[int, int]], letters: int, answer: int, thoughts: int
) -> None:
    prompt = of(sizes, letters, answer)
    size = context_size(prompt, NATIVE.model_copy(update={"thinking_tokens": thoughts}))
    pictures = sum(max(768, -(-w // 28) * -(-h // 28)) for w, h in sizes)
    needed = count_tokens(prompt).text_tokens * 1.25 + pictures + answer + thoughts
    assert size >= needed
    assert size == 8192 or size / 2 < needed + 1
    assert size & (size - 1) == 0


def test_a_large_picture_needs_a_larger_context() -> None:
    # 120 x 120 patches of 28 pixels are 14,400 tokens, 105 x 105 of 32 pixels are 11,025.
    assert context_size(of([(3360, 3360)]), NATIVE) == 16384
    assert context_size(of([(3360, 3360)] * 2), NATIVE) == 32768
    assert context_size(of([(3360, 3360)] * 3), NATIVE) == 65536
    assert context_size(of([(3360, 3360)], answer=4096), NATIVE) == 32768
    known = profile_for("ollama", "qwen3-vl:8b")
    assert context_size(of([(3360, 3360)], answer=4096), known) == 16384
    assert context_size(of([]), NATIVE) == 8192


def test_what_the_shipped_rows_say() -> None:
    profile = profile_for("ollama", "qwen3-vl:8b")
    assert (profile.schema_mode, profile.logprobs) == ("ollama", True)
    assert profile.boxes.frame == "relative"
    for model in ("gpt-oss:120b-cloud", "qwen3.5:cloud"):
        assert profile_for("ollama", model).schema_mode == "prompt_only"


def read(name: str, status: int = 200, headers: dict[str, str] | None = None) -> Any:
    return decode(status, headers or JSON, (RESPONSES / name).read_bytes())


def test_a_normal_answer() -> None:
    completion = read("normal.json", headers=JSON | {"x-request-id": "req_1"})
    assert json.loads(completion.text)["score"] == 0.08
    assert "closely" not in completion.text
    assert completion.stop == "complete"
    assert completion.usage == Usage(requests=1, input_tokens=1480, output_tokens=84)
    assert completion.model == "qwen3-vl:8b"
    assert completion.request_id == "req_1"
    assert completion.refusal is None
    assert completion.logprobs == ()


@pytest.mark.parametrize(
    ("name", "stop", "text"),
    [
        ("fenced.json", "complete", "```json"),
        ("cached_prompt.json", "complete", '{"score"'),
        ("length.json", "truncated", '{"observations": ["A sur'),
        ("unload.json", "other", ""),
        ("empty_content.json", "complete", ""),
        ("unknown_reason.json", "other", '{"score"'),
        ("missing_reason.json", "other", '{"score"'),
        ("stream_without_end.ndjson", "other", '{"score": 0.08}'),
    ],
)
def test_how_an_answer_ended(name: str, stop: str, text: str) -> None:
    completion = read(name)
    assert completion.stop == stop
    assert completion.text.startswith(text)
    assert bool(completion.text) == bool(text)


def test_counts_may_be_absent() -> None:
    assert read("cached_prompt.json").usage == Usage(requests=1, output_tokens=9)
    assert read("odd_counts.json").usage == Usage(requests=1)


def test_a_server_that_streams_all_the_same_is_understood() -> None:
    completion = read("stream.ndjson", headers=LINES)
    assert json.loads(completion.text) == {
        "observations": ["Ünder line\u2028break"],
        "score": 0.08,
    }
    assert completion.stop == "complete"
    assert completion.usage == Usage(requests=1, input_tokens=1480, output_tokens=84)
    assert [token.token for token in completion.logprobs] == ["{", " "]


def test_log_probabilities() -> None:
    first, second = read("logprobs.json").logprobs
    assert (first.token, first.logprob) == ("nor", -0.25)
    assert first.alternatives == (("nor", -0.25), ("an", -1.5))
    assert (second.token, second.logprob, second.alternatives) == ("mal", -0.01, ())


@pytest.mark.parametrize(
    ("name", "status", "kind", "words"),
    [
        ("404.json", 404, ResponseError, "'qwen9' not found.*check the model's name"),
        ("401.json", 401, AuthenticationError, "unauthorized.*check the API key"),
        ("429.json", 429, RateLimitError, "too many concurrent requests"),
        ("500.json", 500, ServerError, "more system memory"),
        ("error_in_200.json", 200, ResponseError, "unexpectedly stopped"),
        ("stream_error.ndjson", 200, ResponseError, "unexpectedly stopped"),
        ("stream_cut.ndjson", 200, ResponseError, "cut off on the way"),
        ("400_no_vision.json", 400, ResponseError, "does not support multimodal requests"),
        ("400_odd.json", 400, ResponseError, "{not quite JSON"),
        ("400_too_long.json", 400, ResponseError, "exceeds the context length.*'num_ctx'"),
        ("400_too_long_behind.json", 400, ResponseError, "32768 tokens.*fewer references"),
    ],
)
def test_errors(name: str, status: int, kind: type[BackendError], words: str) -> None:
    with pytest.raises(BackendError, match=words) as caught:
        read(name, status, JSON | {"x-request-id": "req_2"})
    assert type(caught.value) is kind
    assert caught.value.request_id == "req_2"
    assert caught.value.body


@pytest.mark.parametrize(
    ("status", "words"),
    [(502, "a proxy answered"), (200, "check `base_url`"), (404, "web page.*base URL")],
)
def test_a_web_page_is_no_answer(status: int, words: str) -> None:
    with pytest.raises(BackendError, match=words):
        decode(status, {"content-type": "text/html"}, PROXY)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\n", b"null", b"[]", b"[1]", b'"text"', b"\xff\xfe", b"[" * 100_000, b"{}",
        b'{"message": "text"}', b'{"message": null, "done": true}', b'{"message": {}}\n3\n',
        b'{"model": "m", "created_at": "2026", "done": true, "done_reason": "load"}',
    ],
)  # fmt: skip
def test_what_is_not_an_answer_is_an_error_that_says_so(body: bytes) -> None:
    with pytest.raises(ResponseError, match="expected"):
        decode(200, JSON, body)


@pytest.mark.parametrize(
    "message", [b'{"content": 7}', b'{"content": null}', b'{"role": "assistant"}']
)
def test_odd_messages_are_read_as_far_as_they_go(message: bytes) -> None:
    body = b'{"done_reason": "stop", "logprobs": {"x": 1}, "message": ' + message + b"}"
    completion = decode(200, JSON, body)
    assert (completion.text, completion.stop, completion.logprobs) == ("", "complete", ())


@pytest.fixture
def asked(connect: Connect) -> Any:
    def make(url: str, **options: Any) -> HttpBackend:
        return connect(url.removesuffix("/v1"), codec=CODEC, provider="ollama", **options)

    return make


def answering(name: str, status: int = 200, **headers: str) -> Any:
    return reply(status, (RESPONSES / name).read_bytes(), **headers)


def test_it_is_asked_at_its_own_address(asked: Any, ask: Ask) -> None:
    with serving(answering("normal.json")) as server:
        assert ask(asked(server.url, api_key=KEY)).stop == "complete"
    ((path, headers, body),) = server.requests
    assert path == "/api/chat"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert KEY.encode() not in body
    assert json.loads(body)["stream"] is False


def test_no_picture_is_logged(asked: Any, ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="gadet")
    with serving(answering("normal.json")) as server:
        ask(asked(server.url))
    assert "iVBORw0KGgo" in server.requests[0][2].decode()
    assert "iVBORw0KGgo" not in caplog.text
    assert "<image 0 KB sha256:" in caplog.text


def test_a_wrong_key_is_shown_nowhere(
    asked: Any, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(reply(401, json.dumps({"error": f"unauthorized: {KEY}"}))) as server:
        backend = asked(server.url, api_key=KEY)
        with pytest.raises(AuthenticationError, match="check the API key") as caught:
            ask(backend)
    assert len(server.requests) == 1
    error = caught.value
    places = [repr(backend), repr(backend.__dict__), caplog.text]
    places += [str(error), repr(error), repr(error.__dict__), repr(error.__cause__)]
    assert not [place for place in places if KEY in place]
    assert "***" in str(error)


def test_a_busy_server_is_asked_again(asked: Any, ask: Ask) -> None:
    busy = answering("429.json", 429, retry_after="0.01")
    with serving(busy, answering("500.json", 500), answering("normal.json")) as server:
        assert ask(asked(server.url)).stop == "complete"
    assert len(server.requests) == 3


def test_an_error_behind_a_part_of_an_answer_is_an_error(asked: Any, ask: Ask) -> None:
    broken = answering("stream_error.ndjson", content_type="application/x-ndjson")
    with serving(broken) as server, pytest.raises(ResponseError, match="unexpectedly stopped"):
        ask(asked(server.url))


def test_a_proxy_that_answers_with_a_page(asked: Any, ask: Ask) -> None:
    page = reply(200, PROXY, content_type="text/html")
    with serving(page) as server, pytest.raises(ResponseError, match="check `base_url`"):
        ask(asked(server.url))
