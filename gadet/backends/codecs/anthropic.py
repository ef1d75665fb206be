"""The wire format of Anthropic's Messages: `POST {base}/v1/messages`.

Pure functions: a `Prompt` becomes a JSON body, an HTTP answer becomes a `Completion`.

Source: types of Anthropic's Python SDK 0.121 (2026-08); its pages on vision, structured outputs and
prompt caching (2026-09).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, assert_never

from pydantic_core import from_json, to_json

from gadet.backends.base import Completion
from gadet.backends.codecs.base import Asking, Codec, check_pictures, schema_in_words
from gadet.backends.codecs.fields import count, mapping, sequence, string
from gadet.backends.codecs.outcomes import lacking, object_or_outcome
from gadet.backends.codecs.overlay import laid_over
from gadet.backends.codecs.pictures import base64_text
from gadet.backends.dialects.anthropic import anthropic_schema
from gadet.backends.transport.failures import (
    request_id,
)
from gadet.errors import ConfigurationError
from gadet.prompts.prompt import Message, Part, Prompt
from gadet.report import Stop, Usage
from gadet.view import View

__all__ = ["CODEC", "decode", "encode"]

_VERSION = "2023-06-01"
_STOPS: dict[str, Stop] = {
    "end_turn": "complete",
    "stop_sequence": "complete",
    "max_tokens": "truncated",
    "model_context_window_exceeded": "truncated",
    "refusal": "refused",
}
# What the provider refuses, or would silently make smaller, in one picture; sides in pixels.
_LONGEST_SIDE = 8000
_MANY = 20
_LONGEST_SIDE_OF_MANY = 2000
_LARGEST_BASE64 = 10 * 1024 * 1024


def encode(prompt: Prompt, asking: Asking) -> dict[str, Any]:
    """The JSON body that asks the `prompt`.

    Where the profile says that the provider caches up to a named point, that point is the last
    picture of a reference: the item comes behind it.

    Raises:
        ConfigurationError: The prompt holds more pictures than the model takes, larger ones than it
            takes of so many, or a picture in a turn of the model; or the schema of the answer
            cannot be written in the dialect.
    """
    check_pictures(prompt, asking)
    _check_sizes(prompt.views, asking.model)
    profile = asking.profile
    in_words = bool(prompt.schema) and profile.schema_mode in ("json_object", "prompt_only")
    words = schema_in_words(prompt.schema) if in_words else ""
    system = "\n\n".join(filter(None, [prompt.system, words]))
    references = [view for view in prompt.views if view.role == "reference"]
    kept_up_to = references[-1] if references and profile.cache == "explicit" else None
    messages = (_message(message, kept_up_to) for message in prompt.messages)
    body: dict[str, Any] = {
        "model": asking.model,
        "max_tokens": prompt.max_output_tokens + profile.thinking_tokens,
    }
    if system:
        body["system"] = system
    # A text may not be empty, so a turn that says nothing is left out.
    body["messages"] = [message for message in messages if message["content"]]
    output: dict[str, Any] = {}
    if prompt.schema and not in_words:
        output["format"] = _format(to_json(prompt.schema))
    if asking.effort is not None:
        output["effort"] = asking.effort
    if output:
        body["output_config"] = output
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
        What the model answered. A refusal and a truncation are outcomes too.

    Raises:
        BackendError: The answer is an error, or is not what the format allows.
        InputError: The provider could not read a picture.
    """
    payload = object_or_outcome(status, headers, body)
    if isinstance(payload, Completion):
        return payload
    if not isinstance(payload.get("content"), list):
        raise lacking("content", payload, status, headers, body)
    stop = _STOPS.get(str(payload.get("stop_reason")), "other")
    return Completion(
        text="".join(map(_text, sequence(payload.get("content")))),
        stop=stop,
        usage=_usage(mapping(payload.get("usage"))),
        model=string(payload.get("model")),
        request_id=request_id(headers) or string(payload.get("id")),
        refusal=_refusal(mapping(payload.get("stop_details"))) if stop == "refused" else None,
    )


def _check_sizes(views: tuple[View, ...], model: str) -> None:
    many = len(views) > _MANY
    longest = _LONGEST_SIDE_OF_MANY if many else _LONGEST_SIDE
    for view in views:
        width, height = view.picture.size
        if max(width, height) > longest:
            raise ConfigurationError(
                f"{model} takes pictures of at most {longest} pixels a side "
                f"{f'when there are more than {_MANY}' if many else 'each'}; the prompt has "
                f"{len(views)}, one of them {width}x{height}: use fewer references, or a profile "
                f"with a `views.max_side` of at most {longest}"
            )
        if len(base64_text(view)) > _LARGEST_BASE64:
            raise ConfigurationError(
                f"{model} takes pictures of at most {_LARGEST_BASE64 >> 20} MB as base64; one of "
                f"{width}x{height} has {len(base64_text(view)) / 2**20:.1f} MB: send JPEG with "
                'views={"encoding": "image/jpeg"} in the profile, or make it smaller'
            )


def _message(message: Message, kept_up_to: View | None) -> dict[str, Any]:
    content = [_block(part, kept_up_to) for part in message.parts if part != ""]
    return {"role": message.role, "content": content}


def _block(part: Part, kept_up_to: View | None) -> dict[str, Any]:
    match part:
        case str():
            return {"type": "text", "text": part}
        case View():
            source = {"type": "base64", "media_type": part.encoding, "data": base64_text(part)}
            block: dict[str, Any] = {"type": "image", "source": source}
            if part is kept_up_to:
                block["cache_control"] = {"type": "ephemeral"}
            return block
        case _:
            assert_never(part)


# Every prompt asks for the same answer, and writing its schema in a dialect takes a while.
@lru_cache(maxsize=16)
def _format(schema: bytes) -> dict[str, Any]:
    return {"type": "json_schema", "schema": anthropic_schema(from_json(schema))}


def _text(block: Any) -> str:
    """The text of a block; thoughts are blocks of another type."""
    text = mapping(block).get("text") if mapping(block).get("type") == "text" else None
    return text if isinstance(text, str) else ""


def _refusal(details: Mapping[str, Any]) -> str | None:
    explanation, category = string(details.get("explanation")), string(details.get("category"))
    if explanation and category:
        return f"{explanation} ({category})"
    return explanation or category


def _usage(usage: Mapping[str, Any]) -> Usage:
    """The tokens; the provider counts what it cached, stored and read anew apart."""
    cached = count(usage.get("cache_read_input_tokens"))
    stored = count(usage.get("cache_creation_input_tokens"))
    return Usage(
        requests=1,
        input_tokens=count(usage.get("input_tokens")) + cached + stored,
        cached_tokens=cached,
        cache_write_tokens=stored,
        output_tokens=count(usage.get("output_tokens")),
        reasoning_tokens=count(mapping(usage.get("output_tokens_details")).get("thinking_tokens")),
    )


CODEC = Codec(
    "anthropic",
    lambda model: "v1/messages",
    encode,
    decode,
    key_header=("x-api-key", ""),
    headers={"anthropic-version": _VERSION},
)
