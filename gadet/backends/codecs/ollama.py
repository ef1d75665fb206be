"""The wire format of Ollama's own API: `POST {host}/api/chat`.

Pure functions: a `Prompt` becomes a JSON body, an HTTP answer becomes a `Completion`.

Source: Ollama, docs/api.md, docs/openapi.yaml, docs/capabilities and api/types.go (2026-08).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from itertools import count as numbers
from typing import Any, assert_never

from pydantic_core import from_json, to_json

from gadet.backends.base import Completion
from gadet.backends.codecs.base import Asking, Codec, check_pictures, schema_in_words
from gadet.backends.codecs.fields import count, mapping, sequence, string
from gadet.backends.codecs.logprobs import tokens_in
from gadet.backends.codecs.outcomes import lacking, outcome_of_error
from gadet.backends.codecs.overlay import laid_over
from gadet.backends.codecs.pictures import base64_text
from gadet.backends.dialects.common import Schema
from gadet.backends.dialects.ollama import ollama_schema
from gadet.backends.facts.profile import Profile, SchemaMode
from gadet.backends.transport.failures import (
    Complaint,
    not_json,
    read_complaint,
    request_id,
)
from gadet.prompts.prompt import Message, Part, Prompt
from gadet.prompts.size import count_tokens
from gadet.report import Stop, Usage
from gadet.sizing import patches
from gadet.view import View

__all__ = ["CODEC", "context_size", "decode", "encode"]

_ALTERNATIVES = 5
_STOPS: dict[str, Stop] = {"stop": "complete", "length": "truncated"}

_SMALLEST_CONTEXT = 8192
_PATCH = 28
_SMALLEST_PICTURE = 768
_CAUTION = 1.25

_TOO_LONG = (
    "exceeds the context length",
    "exceeds the available context size",
)
_SHORTER = (
    "use fewer references or smaller pictures, a model with a larger context, or pass "
    "extra={'options': {'num_ctx': …}}"
)


def context_size(prompt: Prompt, profile: Profile) -> int:
    """The context that a prompt and its answer need, in tokens.

    What does not fit is refused, or lost without a word by old servers, so the estimate is
    generous: the text as `count_tokens` has it and a quarter more; each picture as the model is
    known to count it, else one token for every 28 × 28 pixels and at least 768, which is what
    Ollama itself counts for a model that it does not know; and the longest answer. The result is a
    power of two from 8,192 on, because Ollama loads a model anew for every other context.

    Source: https://github.com/ollama/ollama, server/prompt.go (2026-08).
    """
    text = math.ceil(_CAUTION * count_tokens(prompt).text_tokens)
    pictures = sum(_picture_tokens(view, profile) for view in prompt.views)
    needed = text + pictures + _answer_tokens(prompt, profile)
    return max(_SMALLEST_CONTEXT, 1 << (needed - 1).bit_length())


def encode(prompt: Prompt, asking: Asking) -> dict[str, Any]:
    """The JSON body that asks the `prompt`.

    A message holds its pictures apart from its text, and the model sees them before it; so the
    places where they stood are marked in the text by their numbers, counted through the
    conversation. The prompt's own words count its pictures otherwise and do not call them images.

    Raises:
        ConfigurationError: The prompt holds more pictures than the model takes, or a picture in a
            turn of the model.
    """
    check_pictures(prompt, asking)
    profile = asking.profile
    # Ollama's documentation advises to say the schema in the prompt as well.
    words = schema_in_words(prompt.schema) if prompt.schema else ""
    system = "\n\n".join(filter(None, [prompt.system, words]))
    number = numbers(1)
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    messages += [_message(message, number) for message in prompt.messages]
    options: dict[str, Any] = {
        "num_ctx": context_size(prompt, profile),
        "num_predict": _answer_tokens(prompt, profile),
    }
    if asking.temperature is not None and profile.sampling:
        options["temperature"] = asking.temperature
    body: dict[str, Any] = {
        "model": asking.model,
        "messages": messages,
        "stream": False,
        "think": asking.effort or False,
        # A prompt that does not fit becomes an error instead of an answer to a part of it.
        "truncate": False,
        "shift": False,
        "options": options,
    }
    form = _format(profile.schema_mode, to_json(prompt.schema)) if prompt.schema else None
    if form is not None:
        body["format"] = form
    if profile.logprobs:
        body |= {"logprobs": True, "top_logprobs": _ALTERNATIVES}
    return laid_over(body, asking.extra)


def decode(status: int, headers: Mapping[str, str], body: bytes) -> Completion:
    """Read an HTTP answer: one object, or one a line from a server that streams all the same.

    Args:
        status: HTTP status.
        headers: Headers, names in lower case.
        body: The body as it came.

    Returns:
        What the model answered; a truncation is an outcome too.

    Raises:
        BackendError: The answer is an error, also behind a part of an answer, or is not what the
            format allows.
    """
    pieces = _pieces(body)
    complaint = next(filter(None, map(_complaint, pieces)), None)
    if complaint is not None or not 200 <= status < 300:
        return outcome_of_error(status, headers, body, complaint)
    if not pieces or not all(isinstance(piece, dict) for piece in pieces):
        raise not_json(status, headers, body)
    messages = [mapping(piece.get("message")) for piece in pieces]
    last = pieces[-1]
    if not any(messages):
        raise lacking("message", last, status, headers, body)
    return Completion(
        text="".join(string(message.get("content")) or "" for message in messages),
        stop=_STOPS.get(str(last.get("done_reason")), "other"),
        usage=Usage(
            requests=1,
            input_tokens=count(last.get("prompt_eval_count")),
            output_tokens=count(last.get("eval_count")),
        ),
        model=string(last.get("model")),
        request_id=request_id(headers),
        logprobs=tokens_in(
            list(chain.from_iterable(sequence(piece.get("logprobs")) for piece in pieces))
        ),
    )


def _picture_tokens(view: View, profile: Profile) -> int:
    size = view.picture.size
    if profile.token_rule.exact:
        return profile.tokens_of(*size)
    return max(_SMALLEST_PICTURE, patches(*size, _PATCH))


def _answer_tokens(prompt: Prompt, profile: Profile) -> int:
    return prompt.max_output_tokens + profile.thinking_tokens


def _message(message: Message, number: Iterator[int]) -> dict[str, Any]:
    pictures = [base64_text(part) for part in message.parts if isinstance(part, View)]
    content = "\n".join(_words(part, number) for part in message.parts)
    written: dict[str, Any] = {"role": message.role, "content": content}
    return {**written, "images": pictures} if pictures else written


def _words(part: Part, number: Iterator[int]) -> str:
    match part:
        case str():
            return part
        case View():
            return f"[image {next(number)}]"
        case _:
            assert_never(part)


# Every prompt asks for the same answer, and writing its schema in a dialect takes a while.
@lru_cache(maxsize=16)
def _format(mode: SchemaMode, schema: bytes) -> Schema | str | None:
    return _FORMATS.get(mode, ollama_schema)(from_json(schema))


_FORMATS: dict[SchemaMode, Callable[[Schema], Schema | str | None]] = {
    "json_object": lambda _: "json",
    "prompt_only": lambda _: None,
}


def _pieces(body: bytes) -> list[Any]:
    """The values of a body, one or one a line; none when it is not JSON."""
    with suppress(ValueError):
        return [from_json(body)]
    with suppress(ValueError):
        return [from_json(line) for line in body.splitlines() if line.strip()]
    return []


def _complaint(piece: Any) -> Complaint | None:
    """What a piece complains of; the error of a server behind Ollama comes as JSON in a text."""
    complaint = read_complaint(piece)
    if complaint is None:
        return None
    if complaint.message.startswith("{"):
        with suppress(ValueError):
            complaint = read_complaint(from_json(complaint.message)) or complaint
    too_long = any(words in complaint.message for words in _TOO_LONG)
    return complaint._replace(message=f"{complaint.message}; {_SHORTER}") if too_long else complaint


CODEC = Codec("ollama", lambda model: "api/chat", encode, decode)
