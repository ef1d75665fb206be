from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from gadet.backends.codecs.base import Asking
from gadet.backends.codecs.gemini import CODEC, decode, encode
from gadet.backends.facts.profile import Profile
from gadet.backends.facts.profiles import profile_for
from gadet.backends.hosted import HttpBackend
from gadet.backends.providers.presets import gemini
from gadet.backends.registry import connect as make
from gadet.backends.transport.call import Call
from gadet.errors import (
    AuthenticationError,
    BackendError,
    ConfigurationError,
    InputError,
    RateLimitError,
    ResponseError,
    ServerError,
)
from gadet.prompts.answer import answer_schema
from gadet.prompts.prompt import Message, Prompt
from gadet.report import Usage
from tests.backends import conftest
from tests.backends.conftest import Ask, Connect
from tests.backends.native import assert_stored
from tests.backends.prompts import SCHEMA, k_shot, re_ask, text_only, view, zero_shot
from tests.backends.servers import reply, serving

BODIES = conftest.BODIES / "gemini"
RESPONSES = conftest.RESPONSES / "gemini"
PROXY = (conftest.RESPONSES / "proxy.html").read_bytes()
KEY = "AIza-very-secret-0123456789"

JSON = {"content-type": "application/json; charset=UTF-8"}
HTML = {"content-type": "text/html; charset=utf-8"}
NATIVE = Profile(schema_mode="gemini")

CASES: dict[str, tuple[Prompt, Profile, dict[str, Any]]] = {
    "zero_shot": (
        zero_shot(schema=answer_schema()),
        profile_for("gemini", "gemini-3.8-flash"),
        {"temperature": 0.0, "effort": "low"},
    ),
    "zero_shot_legacy": (zero_shot(), profile_for("gemini", "gemini-2.5-pro"), {}),
    "zero_shot_json_object": (zero_shot(), Profile(schema_mode="json_object"), {}),
    "zero_shot_prompt_only": (zero_shot(), Profile(schema_mode="prompt_only"), {}),
    "k_shot_in_detail": (
        k_shot(),
        NATIVE.model_copy(update={"image_detail": "high", "logprobs": True}),
        {"temperature": 0.5},
    ),
    "k_shot_in_most_detail": (
        k_shot(),
        NATIVE.model_copy(update={"image_detail": "ultra_high"}),
        {},
    ),
    "re_ask": (re_ask(), NATIVE, {}),
    "free_text_with_extra": (
        zero_shot(schema={}).followed_by("It is scratched.", "How deep is the scratch?"),
        NATIVE,
        {
            "extra": {
                "generationConfig": {"topK": 5, "maxOutputTokens": 7},
                "safetySettings": [{"category": "X", "threshold": "OFF"}],
            }
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_whole_body_is_as_stored(name: str) -> None:
    prompt, profile, options = CASES[name]
    assert_stored(encode(prompt, Asking("m", profile, **options)), BODIES / f"{name}.json")


@pytest.mark.parametrize("mode", ["gemini", "gemini_legacy", "json_object", "prompt_only"])
def test_without_a_schema_nothing_is_said_about_the_format(mode: Any) -> None:
    body = encode(zero_shot(schema={}), Asking("m", Profile(schema_mode=mode)))
    assert body["systemInstruction"] == {"parts": [{"text": "You inspect."}]}
    assert list(body["generationConfig"]) == ["maxOutputTokens"]


def test_a_mode_of_another_format_is_read_as_this_ones_own() -> None:
    other, own = (encode(zero_shot(), Asking("m", p)) for p in (Profile(), NATIVE))
    assert other["generationConfig"] == own["generationConfig"]
    assert "responseFormat" in own["generationConfig"]


def test_no_instructions_make_no_field() -> None:
    body = encode(Prompt("", (Message("user", ("Hello",)),), {}), Asking("m", NATIVE))
    assert list(body) == ["contents", "generationConfig"]


def test_the_model_thinks_within_the_bound_on_its_answer() -> None:
    profile = NATIVE.model_copy(update={"thinking_tokens": 500})
    body = encode(text_only(max_output_tokens=70), Asking("m", profile))
    assert body["generationConfig"]["maxOutputTokens"] == 570


def test_what_a_prompt_cannot_hold() -> None:
    with pytest.raises(ConfigurationError, match=r"at most 3 pictures.*has 4"):
        encode(k_shot(), Asking("m", NATIVE.model_copy(update={"max_images": 3})))
    with pytest.raises(ConfigurationError, match="text only"):
        encode(Prompt("", (Message("assistant", (view(),)),), SCHEMA), Asking("m", NATIVE))


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-3.8-flash", "models/gemini-3.8-flash"),
        ("models/gemini-3.8-flash", "models/gemini-3.8-flash"),
        ("tunedModels/my-own", "tunedModels/my-own"),
        ("odd name?x#y", "models/odd%20name%3Fx%23y"),
    ],
)
def test_where_a_model_is_asked(model: str, path: str) -> None:
    assert CODEC.path(model) == f"v1beta/{path}:generateContent"


def test_boxes_are_those_of_gemini_here_too() -> None:
    for provider in ("gemini", "openrouter"):
        boxes = profile_for(provider, "google/gemini-3.8-flash").boxes
        assert (boxes.order, boxes.frame, boxes.scale) == ("yxyx", "relative", 1000)


def test_what_the_shipped_rows_say() -> None:
    newest = profile_for("gemini", "gemini-3.8-flash")
    assert newest.schema_mode == "gemini"
    assert not newest.sampling
    assert not newest.logprobs
    assert newest.thinking_tokens > 0
    assert newest.cache == "auto"
    older = profile_for("gemini", "gemini-2.0-flash")
    assert (older.schema_mode, older.sampling, older.cache) == ("gemini_legacy", True, "none")
    assert profile_for("openrouter", "google/gemini-3.8-flash").schema_mode == "json_schema"


def read(name: str, status: int = 200, headers: dict[str, str] | None = None) -> Any:
    return decode(status, headers or JSON, (RESPONSES / name).read_bytes())


def test_a_normal_answer() -> None:
    completion = read("normal.json")
    assert json.loads(completion.text)["score"] == 0.08
    assert "closely" not in completion.text
    assert completion.stop == "complete"
    assert completion.usage == Usage(
        requests=1, input_tokens=1480, cached_tokens=1024, output_tokens=212, reasoning_tokens=128
    )
    assert completion.model == "gemini-3.8-flash"
    assert completion.request_id == "resp-1"
    assert completion.refusal is None
    assert completion.logprobs == ()


def test_the_id_in_a_header_comes_first() -> None:
    assert read("normal.json", headers=JSON | {"x-request-id": "req_1"}).request_id == "req_1"


@pytest.mark.parametrize(
    ("name", "stop", "text"),
    [
        ("fenced.json", "complete", "```json"),
        ("truncated_json.json", "truncated", '{"observations": ["A sur'),
        ("thought_only.json", "truncated", ""),
        ("empty_content.json", "complete", ""),
        ("unknown_finish.json", "other", '{"observations": []'),
        ("missing_finish.json", "other", '{"observations": []'),
    ],
)
def test_how_an_answer_ended(name: str, stop: str, text: str) -> None:
    completion = read(name)
    assert completion.stop == stop
    assert completion.text.startswith(text)
    assert bool(completion.text) == bool(text)
    assert completion.refusal is None


@pytest.mark.parametrize(
    ("reasons", "stop"),
    [
        (["STOP"], "complete"),
        (["MAX_TOKENS", "CONTINUATION"], "truncated"),
        (
            ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
             "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR", "ESCALATION"],
            "blocked",
        ),
        (
            ["LANGUAGE", "OTHER", "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "NO_IMAGE",
             "TOO_MANY_TOOL_CALLS", "IMAGE_OTHER", "FINISH_REASON_UNSPECIFIED", "stop", 3, None],
            "other",
        ),
    ],
)  # fmt: skip
def test_every_reason(reasons: list[Any], stop: str) -> None:
    for reason in reasons:
        body = json.dumps({"candidates": [{"finishReason": reason}]}).encode()
        assert decode(200, JSON, body).stop == stop, reason


def test_an_answer_that_was_blocked_says_why() -> None:
    completion = read("safety.json")
    assert (completion.stop, completion.text) == ("blocked", '{"observations": [')
    assert completion.refusal == (
        "the answer was blocked: SAFETY (HARM_CATEGORY_DANGEROUS_CONTENT)"
    )


def test_a_prompt_that_was_blocked_is_an_outcome() -> None:
    completion = read("blocked_prompt.json")
    assert (completion.stop, completion.text) == ("blocked", "")
    assert completion.refusal == "the prompt was blocked: PROHIBITED_CONTENT"
    assert completion.usage == Usage(requests=1, input_tokens=300)
    assert completion.request_id == "resp-3"
    assert read("blocked_prompt_in_words.json").refusal == (
        "the prompt was blocked: SAFETY (The prompt could not be submitted., "
        "HARM_CATEGORY_SEXUALLY_EXPLICIT)"
    )


def test_usage_that_is_not_told_counts_one_request() -> None:
    assert read("odd_usage.json").usage == Usage(requests=1)
    assert read("fenced.json").usage == Usage(requests=1)


def test_log_probabilities() -> None:
    first, second = read("logprobs.json").logprobs
    assert (first.token, first.logprob) == ("nor", -0.25)
    assert first.alternatives == (("nor", -0.25), ("an", -1.5))
    assert (second.token, second.logprob, second.alternatives) == ("mal", -0.01, ())


@pytest.mark.parametrize(
    ("name", "status", "kind", "words"),
    [
        ("400_key.json", 400, AuthenticationError, "API key not valid.*check the API key"),
        ("403_no_key.json", 403, AuthenticationError, "PERMISSION_DENIED.*unregistered callers"),
        ("400_schema.json", 400, ResponseError, "INVALID_ARGUMENT.*response_format"),
        ("400_too_large.json", 400, ResponseError, "payload size exceeds the limit"),
        ("404.json", 404, ResponseError, "gemini-9 is not found.*check the model's name"),
        ("429.json", 429, RateLimitError, "RESOURCE_EXHAUSTED.*quota"),
        ("429.json", 200, RateLimitError, "RESOURCE_EXHAUSTED"),
        ("503.json", 503, ServerError, "UNAVAILABLE.*overloaded.*try again later"),
        ("no_candidates.json", 200, ResponseError, "no `candidates.*only promptFeedback, usage"),
    ],
)
def test_errors(name: str, status: int, kind: type[BackendError], words: str) -> None:
    with pytest.raises(BackendError, match=words) as caught:
        read(name, status)
    assert type(caught.value) is kind
    assert caught.value.body


def test_an_error_inside_a_list_is_read_as_well() -> None:
    body = b"[" + (RESPONSES / "400_key.json").read_bytes() + b"]"
    with pytest.raises(AuthenticationError, match="API key not valid"):
        decode(400, JSON, body)


@pytest.mark.parametrize(
    ("status", "words"),
    [(502, "a proxy answered"), (200, "check `base_url`"), (302, "redirects")],
)
def test_a_web_page_is_no_answer(status: int, words: str) -> None:
    with pytest.raises(BackendError, match=words):
        decode(status, HTML, PROXY)


@pytest.mark.parametrize("name", ["400_picture.json", "400_picture_in_a_list.json"])
def test_a_picture_that_cannot_be_read_is_the_callers(name: str) -> None:
    with pytest.raises(InputError, match=r"image.*smaller or re-encoded"):
        read(name, 400)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"[1]", b'"text"', b"\xff\xfe", b"[" * 100_000, b"{}",
        b'{"candidates": [[]]}', b'{"candidates": "many"}', b'{"candidates": [null]}',
        b'{"promptFeedback": []}', (RESPONSES / "normal.json").read_bytes()[:300],
    ],
)  # fmt: skip
def test_what_is_not_an_answer_is_an_error_that_says_so(body: bytes) -> None:
    with pytest.raises(ResponseError, match="expected"):
        decode(200, JSON, body)


@pytest.mark.parametrize(
    "candidate",
    [
        b'{"content": null}', b'{"content": {"parts": "x"}}', b'{"content": {"parts": [3, null]}}',
        b'{"content": {"parts": [{"text": 7}]}}', b'{"logprobsResult": {"chosenCandidates": 3}}',
        b'{"logprobsResult": {"topCandidates": [{"candidates": [{"token": "x"}]}]}}',
        b'{"safetyRatings": [null, {"blocked": true}], "finishReason": "SAFETY"}',
    ],
)  # fmt: skip
def test_odd_answers_are_read_as_far_as_they_go(candidate: bytes) -> None:
    completion = decode(200, JSON, b'{"candidates": [' + candidate + b"]}")
    assert completion.text == ""
    assert completion.logprobs == ()


def test_keys_and_addresses_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(AuthenticationError, match="GEMINI_API_KEY"):
        make("gemini:gemini-3.8-flash")
    assert "GEMINI_API_KEY" in (gemini.missing() or "")
    monkeypatch.setenv("GEMINI_API_KEY", "one")
    assert sent_to(make("gemini:gemini-3.8-flash")) == (
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-3.8-flash:generateContent",
        "one",
    )
    assert gemini.missing() is None
    monkeypatch.setenv("GOOGLE_API_KEY", "two")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "https://gateway.example/")
    assert sent_to(make("gemini/m")) == (
        "https://gateway.example/v1beta/models/m:generateContent",
        "two",
    )
    assert sent_to(make("gemini:m", api_key="three"))[1] == "three"


def sent_to(backend: Any) -> tuple[str, str]:
    request = backend._channel._request(Call("POST"))
    return str(request.url), request.headers["x-goog-api-key"]


@pytest.fixture
def asked(connect: Connect) -> Any:
    def at(url: str, **options: Any) -> HttpBackend:
        return connect(url.removesuffix("/v1"), codec=CODEC, provider="gemini", **options)

    return at


def answering(name: str, status: int = 200) -> Any:
    return reply(status, (RESPONSES / name).read_bytes())


def test_a_key_goes_into_its_header_alone(asked: Any, ask: Ask) -> None:
    with serving(answering("normal.json")) as server:
        completion = ask(asked(server.url, api_key=KEY))
    ((path, headers, body),) = server.requests
    assert completion.stop == "complete"
    assert path == "/v1beta/models/a-model:generateContent"
    assert headers["x-goog-api-key"] == KEY
    assert "authorization" not in headers
    assert KEY.encode() not in body


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
    echo = (RESPONSES / "400_key.json").read_text().replace("API key not", f"API key {KEY} not")
    with serving(reply(400, echo)) as server:
        backend = asked(server.url, api_key=KEY)
        with pytest.raises(AuthenticationError, match="check the API key") as caught:
            ask(backend)
    assert len(server.requests) == 1
    error = caught.value
    places = [repr(backend), repr(backend.__dict__), caplog.text]
    places += [str(error), repr(error), repr(error.__dict__), repr(error.__cause__)]
    assert not [place for place in places if KEY in place]
    assert "***" in str(error)


def test_the_wait_that_google_names_is_kept(asked: Any, ask: Ask) -> None:
    with serving(answering("429.json", 429), answering("normal.json")) as server:
        assert ask(asked(server.url)).stop == "complete"
    assert len(server.requests) == 2
    with serving(answering("429.json", 429)) as server, pytest.raises(RateLimitError) as caught:
        ask(asked(server.url))
    assert caught.value.retry_after == 0.02
    assert caught.value.attempts == 3


def test_a_blocked_prompt_is_asked_once(asked: Any, ask: Ask) -> None:
    with serving(answering("blocked_prompt.json")) as server:
        assert ask(asked(server.url)).stop == "blocked"
    assert len(server.requests) == 1


def test_a_proxy_that_answers_with_a_page(asked: Any, ask: Ask) -> None:
    page = reply(200, PROXY, content_type="text/html")
    with serving(page) as server, pytest.raises(ResponseError, match="check `base_url`"):
        ask(asked(server.url))
