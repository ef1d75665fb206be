"""The wire format of OpenAI's Responses: `POST {base}/responses`.

Pure functions: a `Prompt` becomes a JSON body, an HTTP answer becomes a `Completion`.

Source: types of OpenAI's Python SDK 3.3 (2026-08).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, assert_never

from pydantic_core import from_json, to_json

from gadet.backends.base import Completion
from gadet.backends.codecs.base import Asking, Codec, check_pictures, schema_in_words
from gadet.backends.codecs.fields import count, mapping, sequence, string
from gadet.backends.codecs.logprobs import tokens_in
from gadet.backends.codecs.outcomes import lacking, object_or_outcome, outcome_of_error
from gadet.backends.codecs.overlay import laid_over
from gadet.backends.codecs.pictures import data_url
from gadet.backends.dialects.common import Schema, portable, schema_name
from gadet.backends.dialects.openai import openai_strict
from gadet.backends.facts.profile import Profile, SchemaMode
from gadet.backends.transport.failures import (
    Complaint,
    request_id,
)
from gadet.prompts.prompt import Message, Part, Prompt
from gadet.report import Stop, Usage
from gadet.view import View

__all__ = ["CODEC", "decode", "encode"]

_ALTERNATIVES = 5
# An answer has a status; one that is `incomplete` also a reason.
_STOPS: dict[str, Stop] = {
    "completed": "complete",
    "max_output_tokens": "truncated",
    "content_filter": "blocked",
}


def encode(prompt: Prompt, asking: Asking) -> dict[str, Any]:
    """The JSON body that asks the `prompt`; the provider is asked to store nothing.

    Raises:
        ConfigurationError: The prompt holds more pictures than the model takes, or a picture in a
            turn of the model.
    """
    check_pictures(prompt, asking)
    profile = asking.profile
    mode = profile.schema_mode
    in_words = bool(prompt.schema) and mode in ("json_object", "prompt_only")
    words = schema_in_words(prompt.schema) if in_words else ""
    instructions = "\n\n".join(filter(None, [prompt.system, words]))
    body: dict[str, Any] = {"model": asking.model}
    if instructions:
        body["instructions"] = instructions
    body["input"] = [_message(message, profile) for message in prompt.messages]
    written = _format(mode, to_json(prompt.schema)) if prompt.schema else None
    if written is not None:
        body["text"] = {"format": written}
    body |= {
        "max_output_tokens": prompt.max_output_tokens + profile.thinking_tokens,
        "store": False,
    }
    if asking.effort is not None:
        body["reasoning"] = {"effort": asking.effort}
    if profile.logprobs:
        body |= {"include": ["message.output_text.logprobs"], "top_logprobs": _ALTERNATIVES}
    if asking.temperature is not None and profile.sampling:
        body["temperature"] = asking.temperature
    return laid_over(body, asking.extra)


def decode(status: int, headers: Mapping[str, str], body: bytes) -> Completion:
    """Read an HTTP answer.

    Args:
        status: HTTP status.
        headers: Headers, names in lower case.
        body: The body as it came.

    Returns:
        What the model answered. A refusal, a truncation and a safety block are outcomes too.

    Raises:
        BackendError: The answer is an error, also one inside a success, or is not what the format
            allows.
        InputError: The provider could not read a picture.
    """
    payload = object_or_outcome(status, headers, body)
    if isinstance(payload, Completion):
        return payload
    if not isinstance(payload.get("output"), list):
        raise lacking("output", payload, status, headers, body)
    if payload.get("status") == "failed":
        unexplained = Complaint("it failed and says no more", "", 500)
        return outcome_of_error(status, headers, body, unexplained)
    parts = list(_parts(payload["output"]))
    refusal = "".join(string(part.get("refusal")) or "" for part in parts)
    texts = [part for part in parts if part.get("type") == "output_text"]
    return Completion(
        text="".join(string(part.get("text")) or "" for part in texts),
        stop="refused" if refusal else _stop(payload),
        usage=_usage(mapping(payload.get("usage"))),
        model=string(payload.get("model")),
        request_id=request_id(headers) or string(payload.get("id")),
        refusal=refusal or None,
        logprobs=tokens_in([entry for part in texts for entry in sequence(part.get("logprobs"))]),
    )


def _message(message: Message, profile: Profile) -> dict[str, Any]:
    if message.role == "assistant":
        # Lists of parts are for what is put in; an earlier answer is a plain text.
        return {"role": "assistant", "content": "\n".join(map(str, message.parts))}
    return {"role": "user", "content": [_part(part, profile) for part in message.parts]}


def _part(part: Part, profile: Profile) -> dict[str, Any]:
    match part:
        case str():
            return {"type": "input_text", "text": part}
        case View():
            image = {"type": "input_image", "image_url": data_url(part)}
            if profile.image_detail is not None:
                image["detail"] = profile.image_detail
            return image
        case _:
            assert_never(part)


# Every prompt asks for the same answer, and writing its schema in a dialect takes a while.
@lru_cache(maxsize=16)
def _format(mode: SchemaMode, schema: bytes) -> dict[str, Any] | None:
    return _FORMATS.get(mode, _plain_format)(from_json(schema))


def _strict_format(schema: Schema) -> dict[str, Any]:
    named = {"type": "json_schema", "name": schema_name(schema)}
    return {**named, "strict": True, "schema": openai_strict(schema)}


def _plain_format(schema: Schema) -> dict[str, Any]:
    return {"type": "json_schema", "name": schema_name(schema), "schema": portable(schema)}


_FORMATS: dict[SchemaMode, Callable[[Schema], dict[str, Any] | None]] = {
    "openai_strict": _strict_format,
    "json_object": lambda _: {"type": "json_object"},
    "prompt_only": lambda _: None,
}


def _parts(output: list[Any]) -> Iterator[Mapping[str, Any]]:
    """The parts of every message; reasoning is an item of another type."""
    for item in output:
        if mapping(item).get("type") == "message":
            yield from map(mapping, sequence(item.get("content")))


def _stop(payload: Mapping[str, Any]) -> Stop:
    reason = payload.get("status")
    if reason == "incomplete":
        reason = mapping(payload.get("incomplete_details")).get("reason")
    return _STOPS.get(str(reason), "other")


def _usage(usage: Mapping[str, Any]) -> Usage:
    sent = mapping(usage.get("input_tokens_details"))
    generated = mapping(usage.get("output_tokens_details"))
    return Usage(
        requests=1,
        input_tokens=count(usage.get("input_tokens")),
        cached_tokens=count(sent.get("cached_tokens")),
        cache_write_tokens=count(sent.get("cache_write_tokens")),
        output_tokens=count(usage.get("output_tokens")),
        reasoning_tokens=count(generated.get("reasoning_tokens")),
    )


CODEC = Codec("openai_responses", lambda model: "responses", encode, decode)
