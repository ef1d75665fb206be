"""Whatever a server sends becomes a completion or an error of ours, in every wire format."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from gadet.backends.base import Completion
from gadet.errors import BackendError, InputError

FORMATS = ["anthropic", "gemini", "ollama", "openai_chat", "openai_responses"]

_KEYS = [
    "choices", "message", "content", "text", "refusal", "type", "role", "finish_reason",
    "native_finish_reason", "logprobs", "token", "logprob", "top_logprobs", "usage",
    "input_tokens", "prompt_tokens_details", "output_tokens_details", "cached_tokens", "error",
    "code", "status", "metadata", "raw", "reasons", "innererror", "content_filter_result",
    "filtered", "detail", "object", "output", "incomplete_details", "reason", "stop_reason",
    "stop_details", "category", "explanation", "model", "id", "candidates", "parts", "thought",
    "promptFeedback", "blockReason", "usageMetadata", "done_reason", "done", "details",
]  # fmt: skip
_WORDS = [
    "", "text", "output_text", "message", "refusal", "error", "stop", "completed", "failed",
    "incomplete", "end_turn", "content_filter", "ResponsibleAIPolicyViolation",
    "overloaded_error", "image_too_large", "bio_policy", "could not process image", "{}", "<html>",
]  # fmt: skip
_leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 600), st.just(10**40), st.just(float("nan")),
    st.just(1e308), st.sampled_from(_WORDS), st.text(max_size=5),
)  # fmt: skip
_values = st.recursive(
    _leaves,
    lambda inside: st.one_of(
        st.lists(inside, max_size=3),
        st.dictionaries(st.sampled_from(_KEYS), inside, max_size=5),
    ),
    max_leaves=25,
)
# Mostly what resembles an answer, so that the reading gets past its first look.
_answers = st.one_of(
    _values,
    st.fixed_dictionaries({"choices": st.lists(_values, max_size=2)}),
    st.fixed_dictionaries(
        {
            "choices": st.lists(
                st.fixed_dictionaries(
                    {"message": _values, "finish_reason": _values, "logprobs": _values}
                ),
                max_size=2,
            ),
            "usage": _values,
        }
    ),
    st.fixed_dictionaries({"error": _values}),
    st.fixed_dictionaries(
        {"content": st.lists(_values, max_size=3), "stop_reason": _values, "usage": _values}
    ),
    st.fixed_dictionaries(
        {"output": st.lists(_values, max_size=3), "status": _values, "usage": _values}
    ),
)


@pytest.mark.parametrize("name", FORMATS)
@given(
    payload=_answers,
    status=st.sampled_from([200, 200, 200, 301, 400, 403, 429, 500, 529]),
    cut=st.integers(0, 40),
)
@settings(max_examples=150, deadline=None)
def test_no_answer_is_a_foreign_error(name: str, payload: Any, status: int, cut: int) -> None:
    decode = import_module(f"gadet.backends.codecs.{name}").CODEC.decode
    body = to_json(payload, inf_nan_mode="constants")
    # One in some is cut off on the way.
    body = body[: -cut or None] if cut > 35 else body
    try:
        completion = decode(status, {"content-type": "application/json"}, body)
    except (BackendError, InputError):
        return
    assert isinstance(completion, Completion)
    assert isinstance(completion.text, str)
    assert completion.usage.requests == 1
    assert completion.stop != "complete" or 200 <= status < 300


@pytest.mark.parametrize("name", FORMATS)
@given(body=st.binary(max_size=60), status=st.integers(100, 599))
@settings(max_examples=60, deadline=None)
def test_no_bytes_are_a_foreign_error(name: str, body: bytes, status: int) -> None:
    decode = import_module(f"gadet.backends.codecs.{name}").CODEC.decode
    with pytest.raises(BackendError):
        decode(status, {}, body)
