"""From an HTTP answer that is not a success to an error that says what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json

from gadet.backends.transport.redaction import without_pictures
from gadet.errors import (
    AuthenticationError,
    BackendError,
    RateLimitError,
    ResponseError,
    ServerError,
    TransportError,
)

__all__ = ["Complaint", "failure", "not_json", "read_complaint", "request_id"]

_KINDS: dict[int, type[BackendError]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    408: TransportError,
    429: RateLimitError,
}
_ADVICE: dict[int, str] = {
    400: "check the model's name, its profile and the options passed on",
    401: "check the API key",
    402: "check the account's balance",
    403: "check that the key may use this model",
    404: "check the model's name and the base URL (most end in /v1)",
    408: "try again, or send fewer or smaller pictures",
    409: "try again",
    413: "send fewer or smaller pictures",
    422: "check the profile of the model and the options passed on",
    429: "wait, lower the concurrency, or check the account's quota",
}
# What an error is called says more than its status, where a provider uses one status for several.
_ADVICE_ON: dict[str, str] = {
    "billing_error": _ADVICE[402],
    "insufficient_quota": _ADVICE[402],
    "not_found_error": _ADVICE[404],
}
# The status that an error stands for when it comes inside a success.
_STATUS_OF: dict[str, int] = {
    "invalid_request_error": 400,
    "invalid_prompt": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "api_error": 500,
    "server_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_REDIRECT_ADVICE = "set `base_url` to the address that the server redirects to"
_SERVER_ADVICE = "the fault is the provider's: try again later"
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "apim-request-id")
_FILTERED = "content_filter"
_LONGEST = 500


class Complaint(NamedTuple):
    """What an error body says.

    Attributes:
        message: The provider's words.
        code: Its code or type, as a word; `content_filter` for a prompt that was held back in
            whatever words; empty when there is none.
        status: The status that the body names or its code stands for, as gateways send errors with
            HTTP 200.
    """

    message: str
    code: str
    status: int | None


def request_id(headers: Mapping[str, str]) -> str | None:
    """The provider's id of the request; header names are in lower case."""
    return next((headers[name] for name in _REQUEST_ID_HEADERS if headers.get(name)), None)


def read_complaint(payload: Any) -> Complaint | None:
    """Read an error object in any of the shapes that servers of this family send.

    `{"error": {"message", "type", "code"}}` and `{"error": "…"}`, the same inside a list (Google),
    `{"object": "error", "message"}` (older vLLM) and `{"detail"}` (FastAPI). Azure says in an
    `innererror` that its filter held a prompt back, OpenRouter in the reasons of a `metadata`.
    Returns None when the payload holds no error.

    Source: https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter,
    https://openrouter.ai/docs/api-reference/errors
    """
    if isinstance(payload, list) and payload:
        payload = payload[0]
    if not isinstance(payload, dict):
        return None
    error = payload.get("error")
    if not error and "choices" not in payload:
        error = payload if payload.get("object") == "error" else payload.get("detail")
    if not error:
        return None
    if not isinstance(error, dict):
        return Complaint(str(error), "", None)
    number, kind = error.get("code"), error.get("type") or error.get("status")
    code = number if isinstance(number, str) else str(kind or "")
    held_back = list(_held_back(error))
    details = ", ".join(held_back) or _upstream(error)
    message = str(error.get("message") or error)
    return Complaint(
        message=f"{message} ({details})" if details else message,
        code=_FILTERED if held_back else code,
        status=number
        if isinstance(number, int) and 400 <= number <= 599
        else _STATUS_OF.get(code) or _STATUS_OF.get(str(kind)),
    )


def failure(
    status: int, headers: Mapping[str, str], body: bytes, complaint: Complaint | None = None
) -> BackendError:
    """The error for an answer that is not a success.

    Args:
        status: HTTP status, or the status that the body names.
        headers: Headers, names in lower case.
        body: The body as it came.
        complaint: What the body says, when it was read already.
    """
    text = body[:20_000].decode("utf-8", "replace")
    if complaint is None:
        try:
            complaint = read_complaint(from_json(body))
        except ValueError:
            complaint = None
    words = complaint.message if complaint else _without_markup(text, headers)
    code = f" [{complaint.code}]" if complaint and complaint.code else ""
    kind = _KINDS.get(status, ServerError if status >= 500 else ResponseError)
    advice = _ADVICE_ON.get(complaint.code if complaint else "") or _advice(status)
    said = without_pictures(words).strip()[:_LONGEST] or "nothing"
    return kind(
        f"expected an answer, got status {status}{code}: {said} ({advice})",
        status=status,
        request_id=request_id(headers),
        body=without_pictures(text),
    )


def not_json(status: int, headers: Mapping[str, str], body: bytes) -> ResponseError:
    """The error for a success whose body is not a JSON object."""
    text = body[:20_000].decode("utf-8", "replace")
    kind = headers.get("content-type", "no content type")
    advice = (
        "a proxy or a wrong base URL sends web pages: check `base_url`"
        if "html" in kind or text.lstrip()[:1] == "<"
        else "the answer may have been cut off on the way: check the server's log"
    )
    return ResponseError(
        f"expected a JSON object, got {len(body)} bytes of {kind} with status {status} ({advice})",
        status=status,
        request_id=request_id(headers),
        body=without_pictures(text),
    )


def _advice(status: int) -> str:
    general = (
        _SERVER_ADVICE
        if status >= 500
        else _REDIRECT_ADVICE
        if 300 <= status < 400
        else _ADVICE[400]
    )
    return _ADVICE.get(status, general)


def _held_back(error: Mapping[str, Any]) -> Iterator[str]:
    """For what a filter held the prompt back, in its own words."""
    for name in ("innererror", "inner_error"):
        inner = error.get(name)
        if not isinstance(inner, dict) or inner.get("code") != "ResponsibleAIPolicyViolation":
            continue
        results = inner.get("content_filter_result") or inner.get("content_filter_results")
        found = [
            category
            for category, result in (results.items() if isinstance(results, dict) else ())
            if isinstance(result, dict) and result.get("filtered")
        ]
        yield from found or [str(inner["code"])]
    metadata = error.get("metadata")
    reasons = metadata.get("reasons") if isinstance(metadata, dict) else None
    yield from map(str, reasons if isinstance(reasons, list) else ())


def _upstream(error: Mapping[str, Any]) -> str:
    """What the provider behind a gateway said, when the gateway passes it on."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    return raw if isinstance(raw, str) else ""


def _without_markup(text: str, headers: Mapping[str, str]) -> str:
    is_page = "html" in headers.get("content-type", "") or text.lstrip()[:1] == "<"
    return "a web page, so a proxy answered instead of the model" if is_page else text
