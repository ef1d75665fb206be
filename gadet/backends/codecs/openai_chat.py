"""The wire format of `POST {base}/chat/completions`, which most servers understand.

Pure functions: a `Prompt` becomes a JSON body, an HTTP answer becomes a `Completion`.

Source: request and response types of OpenAI's Python SDK 3.3 (2026-08); the notes of vLLM,
llama.cpp, Azure and OpenRouter on where they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, assert_never

from pydantic_core import from_json, to_json

from gadet.backends.base import Completion
from gadet.backends.codecs.base import Asking, Codec, check_pictures, schema_in_words
from gadet.backends.codecs.fields import count, mapping, string
from gadet.backends.codecs.logprobs import tokens_in
from gadet.backends.codecs.outcomes import lacking, object_or_outcome, outcome_of_error
from gadet.backends.codecs.overlay import laid_over
from gadet.backends.codecs.pictures import data_url
from gadet.backends.dialects.common import Schema, portable, schema_name
from gadet.backends.dialects.openai import openai_strict
from gadet.backends.facts.profile import Profile, SchemaMode
from gadet.backends.transport.failures import (
    read_complaint,
    request_id,
)
from gadet.prompts.prompt import Message, Part, Prompt
from gadet.report import Stop, Usage
from gadet.view import View

__all__ = ["CODEC", "decode", "encode"]

_ALTERNATIVES = 5
Dialect = Callable[[Schema], Schema]

# What the servers of this family call it, in lower case.
_STOPS: dict[str, Stop] = {
    "stop": "complete",
    "eos": "complete",
    "length": "truncated",
    "model_length": "truncated",
    "max_tokens": "truncated",
    "content_filter": "blocked",
    "safety": "blocked",
    "refusal": "refused",
}


def encode(prompt: Prompt, asking: Asking, *, strict: Dialect = openai_strict) -> dict[str, Any]:
    """The JSON body that asks the `prompt`.

    Args:
        prompt: What is asked.
        asking: How.
        strict: The dialect of `schema_mode="openai_strict"`, which not every host has in full.

    Raises:
        ConfigurationError: The prompt holds more pictures than the model takes, or a picture in a
            turn of the model.
    """
    check_pictures(prompt, asking)
    profile = asking.profile
    mode = profile.schema_mode
    system = prompt.system
    if prompt.schema and mode in ("json_object", "prompt_only"):
        system = "\n\n".join(filter(None, [system, schema_in_words(prompt.schema)]))
    messages: list[dict[str, Any]] = []
    if system:
        messages.append({"role": profile.system_role, "content": system})
    messages += [_message(message, profile) for message in prompt.messages]
    body: dict[str, Any] = {
        "model": asking.model,
        "messages": messages,
        profile.max_tokens_field: prompt.max_output_tokens + profile.thinking_tokens,
    }
    response_format = (
        _response_format(mode, strict, to_json(prompt.schema)) if prompt.schema else None
    )
    if response_format is not None:
        body["response_format"] = response_format
    if asking.effort is not None:
        body["reasoning_effort"] = asking.effort
    if profile.logprobs:
        body |= {"logprobs": True, "top_logprobs": _ALTERNATIVES}
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
        BackendError: The answer is an error, or is not what the format allows.
        InputError: The provider could not read a picture.
    """
    payload = object_or_outcome(status, headers, body)
    if isinstance(payload, Completion):
        return payload
    choices = payload.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
        raise lacking("choices[0].message", payload, status, headers, body)
    if (complaint := read_complaint(choice)) is not None:
        return outcome_of_error(status, headers, body, complaint)
    message = mapping(choice.get("message"))
    refusal = string(message.get("refusal")) or _joined(message.get("content"), "refusal")
    return Completion(
        text=_joined(message.get("content"), "text"),
        stop="refused" if refusal else _stop(choice),
        usage=_usage(mapping(payload.get("usage"))),
        model=string(payload.get("model")),
        request_id=request_id(headers) or string(payload.get("id")),
        refusal=refusal or None,
        logprobs=tokens_in(mapping(choice.get("logprobs")).get("content")),
    )


def _message(message: Message, profile: Profile) -> dict[str, Any]:
    texts = [part for part in message.parts if isinstance(part, str)]
    only_text = len(texts) == len(message.parts)
    if message.role == "assistant" or (only_text and len(texts) == 1):
        # A plain string is what every server takes; lists of parts are for turns with pictures.
        return {"role": message.role, "content": "\n".join(texts)}
    return {"role": message.role, "content": [_part(part, profile) for part in message.parts]}


def _part(part: Part, profile: Profile) -> dict[str, Any]:
    match part:
        case str():
            return {"type": "text", "text": part}
        case View():
            image = {"url": data_url(part)}
            if profile.image_detail is not None:
                image["detail"] = profile.image_detail
            return {"type": "image_url", "image_url": image}
        case _:
            assert_never(part)


# Every prompt asks for the same answer, and writing its schema in a dialect takes a while.
@lru_cache(maxsize=16)
def _response_format(mode: SchemaMode, strict: Dialect, schema: bytes) -> dict[str, Any] | None:
    # The dialect of another format means nothing here: such a model gets what every server knows.
    return _FORMATS.get(mode, _plain_format)(from_json(schema), strict)


def _strict_format(schema: Schema, strict: Dialect) -> dict[str, Any]:
    inner = {"name": schema_name(schema), "strict": True, "schema": strict(schema)}
    return {"type": "json_schema", "json_schema": inner}


def _plain_format(schema: Schema, _: Dialect) -> dict[str, Any]:
    inner = {"name": schema_name(schema), "schema": portable(schema)}
    return {"type": "json_schema", "json_schema": inner}


def _llamacpp_format(schema: Schema, strict: Dialect) -> dict[str, Any]:
    # llama.cpp documents the schema at the top level, OpenAI one level down: both are sent.
    plain = _plain_format(schema, strict)
    return {**plain, "schema": plain["json_schema"]["schema"]}


_FORMATS: dict[SchemaMode, Callable[[Schema, Dialect], dict[str, Any] | None]] = {
    "openai_strict": _strict_format,
    "json_schema": _plain_format,
    "llamacpp": _llamacpp_format,
    "json_object": lambda _, __: {"type": "json_object"},
    "prompt_only": lambda _, __: None,
}


def _joined(content: Any, field: str) -> str:
    """What a message says: a string, nothing, or a list of parts with the text in a `field`."""
    if isinstance(content, str):
        return content if field == "text" else ""
    parts = content if isinstance(content, list) else []
    texts = (
        part.get(field) if isinstance(part, dict) else part if field == "text" else None
        for part in parts
    )
    return "".join(text for text in texts if isinstance(text, str))


def _stop(choice: Mapping[str, Any]) -> Stop:
    """Why the answer ended; a gateway may tell it as its own and as the provider's."""
    own, native = (
        _STOPS.get(str(choice.get(name)).lower(), "other")
        for name in ("finish_reason", "native_finish_reason")
    )
    return native if native in ("refused", "blocked") else own


def _usage(usage: Mapping[str, Any]) -> Usage:
    sent = mapping(usage.get("prompt_tokens_details"))
    generated = mapping(usage.get("completion_tokens_details"))
    return Usage(
        requests=1,
        input_tokens=count(usage.get("prompt_tokens")),
        cached_tokens=count(sent.get("cached_tokens")),
        cache_write_tokens=count(sent.get("cache_write_tokens")),
        output_tokens=count(usage.get("completion_tokens")),
        reasoning_tokens=count(generated.get("reasoning_tokens")),
    )


CODEC = Codec("openai_chat", lambda model: "chat/completions", encode, decode)
