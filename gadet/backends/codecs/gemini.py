"""The wire format of Gemini: `POST {base}/v1beta/models/{model}:generateContent`.

Pure functions: a `Prompt` becomes a JSON body, an HTTP answer becomes a `Completion`.

Source: types and converters of Google's Gen AI SDK for Python 2.19 (2026-08) and 3.4 (2026-11);
Gemini API, pages on structured output and image understanding (2026).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, assert_never
from urllib.parse import quote

from pydantic_core import from_json, to_json

from gadet.backends.base import Completion, TokenLogprob
from gadet.backends.codecs.base import Asking, Codec, check_pictures, schema_in_words
from gadet.backends.codecs.fields import count, mapping, sequence, string
from gadet.backends.codecs.logprobs import token_in
from gadet.backends.codecs.outcomes import lacking, outcome_of_error
from gadet.backends.codecs.overlay import laid_over
from gadet.backends.codecs.pictures import base64_text
from gadet.backends.dialects.common import Schema
from gadet.backends.dialects.gemini import gemini_schema
from gadet.backends.facts.profile import Profile, SchemaMode
from gadet.backends.transport.failures import (
    Complaint,
    not_json,
    read_complaint,
    request_id,
)
from gadet.prompts.prompt import Message, Part, Prompt
from gadet.report import Stop, Usage
from gadet.view import View

__all__ = ["CODEC", "decode", "encode"]

_ALTERNATIVES = 5
_JSON = "application/json"
# The finest resolution is set for each picture; the others hold for the request.
_PER_PICTURE = "ultra_high"

_STOPS: dict[str, Stop] = {
    "STOP": "complete",
    "MAX_TOKENS": "truncated",
    "CONTINUATION": "truncated",
    "BLOCKLIST": "blocked",
    "ESCALATION": "blocked",
    "IMAGE_PROHIBITED_CONTENT": "blocked",
    "IMAGE_RECITATION": "blocked",
    "IMAGE_SAFETY": "blocked",
    "MODEL_ARMOR": "blocked",
    "PROHIBITED_CONTENT": "blocked",
    "RECITATION": "blocked",
    "SAFETY": "blocked",
    "SPII": "blocked",
}
# Google answers a wrong key with 400, which is read as the 401 that it means, and has only words
# for a picture that it cannot decode.
_WRONG_KEY = b"API_KEY_INVALID"
_BAD_PICTURE = ("unable to process input image", "provided image is not valid")


def encode(prompt: Prompt, asking: Asking) -> dict[str, Any]:
    """The JSON body that asks the `prompt`.

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
    body: dict[str, Any] = {"systemInstruction": {"parts": [{"text": system}]}} if system else {}
    body["contents"] = [_content(message, profile) for message in prompt.messages]
    config: dict[str, Any] = {"maxOutputTokens": prompt.max_output_tokens + profile.thinking_tokens}
    if prompt.schema:
        config |= _format(mode, to_json(prompt.schema))
    if asking.effort is not None:
        config["thinkingConfig"] = {"thinkingLevel": asking.effort}
    if profile.image_detail not in (None, _PER_PICTURE):
        config["mediaResolution"] = _resolution(profile)
    if profile.logprobs:
        config |= {"responseLogprobs": True, "logprobs": _ALTERNATIVES}
    if asking.temperature is not None and profile.sampling:
        config["temperature"] = asking.temperature
    body["generationConfig"] = config
    return laid_over(body, asking.extra)


def decode(status: int, headers: Mapping[str, str], body: bytes) -> Completion:
    """Read an HTTP answer.

    Args:
        status: HTTP status.
        headers: Headers, names in lower case.
        body: The body as it came.

    Returns:
        What the model answered. A truncation and a safety block, of the prompt or of the answer,
        are outcomes too.

    Raises:
        BackendError: The answer is an error, or is not what the format allows.
        InputError: The provider could not read a picture.
    """
    try:
        payload: Any = from_json(body)
    except ValueError:
        payload = None
    complaint = read_complaint(payload)
    if complaint is not None or not 200 <= status < 300:
        if _WRONG_KEY in body:
            status = 401
        return outcome_of_error(status, headers, body, complaint and _understood(complaint))
    if not isinstance(payload, dict):
        raise not_json(status, headers, body)
    candidate = next(iter(sequence(payload.get("candidates"))), None)
    feedback = mapping(payload.get("promptFeedback"))
    if not isinstance(candidate, dict) and "blockReason" not in feedback:
        raise lacking("candidates[0]", payload, status, headers, body)
    answer = mapping(candidate)
    stop = _STOPS.get(str(answer.get("finishReason")), "other") if answer else "blocked"
    return Completion(
        text=_text(mapping(answer.get("content"))),
        stop=stop,
        usage=_usage(mapping(payload.get("usageMetadata"))),
        model=string(payload.get("modelVersion")),
        request_id=request_id(headers) or string(payload.get("responseId")),
        refusal=_in_words(answer or feedback) if stop == "blocked" else None,
        logprobs=_logprobs(mapping(answer.get("logprobsResult"))),
    )


def _path(model: str) -> str:
    """Where a model is asked; a name with a slash says itself what kind of model it is."""
    return f"v1beta/{quote(model if '/' in model else f'models/{model}')}:generateContent"


def _content(message: Message, profile: Profile) -> dict[str, Any]:
    role = "model" if message.role == "assistant" else "user"
    return {"role": role, "parts": [_part(part, profile) for part in message.parts]}


def _part(part: Part, profile: Profile) -> dict[str, Any]:
    match part:
        case str():
            return {"text": part}
        case View():
            picture = {"inlineData": {"mimeType": part.encoding, "data": base64_text(part)}}
            if profile.image_detail == _PER_PICTURE:
                return {**picture, "mediaResolution": {"level": _resolution(profile)}}
            return picture
        case _:
            assert_never(part)


def _resolution(profile: Profile) -> str:
    return f"MEDIA_RESOLUTION_{profile.image_detail}".upper()


# Every prompt asks for the same answer, and writing its schema in a dialect takes a while.
@lru_cache(maxsize=16)
def _format(mode: SchemaMode, schema: bytes) -> dict[str, Any]:
    return _FORMATS.get(mode, _current_format)(from_json(schema))


def _current_format(schema: Schema) -> dict[str, Any]:
    # The type is a word of the API here; it answers 400 to a MIME type.
    return {
        "responseFormat": {
            "text": {"mimeType": "APPLICATION_JSON", "schema": gemini_schema(schema)}
        }
    }


def _legacy_format(schema: Schema) -> dict[str, Any]:
    return {"responseMimeType": _JSON, "responseJsonSchema": gemini_schema(schema)}


_FORMATS: dict[SchemaMode, Callable[[Schema], dict[str, Any]]] = {
    "gemini_legacy": _legacy_format,
    "json_object": lambda _: {"responseMimeType": _JSON},
    "prompt_only": lambda _: {},
}


def _understood(complaint: Complaint) -> Complaint:
    """The complaint, under the code that others have for it when it is about a picture."""
    about_a_picture = any(words in complaint.message.lower() for words in _BAD_PICTURE)
    return complaint._replace(code="invalid_image") if about_a_picture else complaint


def _text(content: Mapping[str, Any]) -> str:
    """The text of an answer, without the model's thoughts."""
    parts = [mapping(part) for part in sequence(content.get("parts"))]
    return "".join(string(part.get("text")) or "" for part in parts if not part.get("thought"))


def _in_words(block: Mapping[str, Any]) -> str:
    """Why a prompt or an answer was blocked: the reason, the provider's words, the categories."""
    reason = block.get("blockReason") or block.get("finishReason")
    message = string(block.get("blockReasonMessage") or block.get("finishMessage"))
    ratings = [mapping(rating) for rating in sequence(block.get("safetyRatings"))]
    categories = [string(rating.get("category")) for rating in ratings if rating.get("blocked")]
    what = "prompt" if "blockReason" in block else "answer"
    more = ", ".join(filter(None, [message, *categories]))
    return f"the {what} was blocked: {reason}" + (f" ({more})" if more else "")


def _usage(usage: Mapping[str, Any]) -> Usage:
    thoughts = count(usage.get("thoughtsTokenCount"))
    return Usage(
        requests=1,
        input_tokens=count(usage.get("promptTokenCount")),
        cached_tokens=count(usage.get("cachedContentTokenCount")),
        output_tokens=count(usage.get("candidatesTokenCount")) + thoughts,
        reasoning_tokens=thoughts,
    )


def _logprobs(result: Mapping[str, Any]) -> tuple[TokenLogprob, ...]:
    chosen = [_token(entry) for entry in sequence(result.get("chosenCandidates"))]
    places = [
        tuple(filter(None, map(_token, sequence(mapping(place).get("candidates")))))
        for place in sequence(result.get("topCandidates"))
    ]
    places += [()] * (len(chosen) - len(places))
    return tuple(
        TokenLogprob(*token, others)
        for token, others in zip(chosen, places, strict=False)
        if token is not None
    )


def _token(entry: Any) -> tuple[str, float] | None:
    return token_in(entry, "logProbability")


CODEC = Codec("gemini", _path, encode, decode, key_header=("x-goog-api-key", ""))
