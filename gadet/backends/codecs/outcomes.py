"""What a body is: the object of a success, an outcome, an unreadable picture, or an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from gadet.backends.base import Completion
from gadet.backends.transport.failures import Complaint, failure, not_json, read_complaint
from gadet.backends.transport.redaction import without_pictures
from gadet.errors import BackendError, InputError
from gadet.report import Stop

__all__ = ["lacking", "object_or_outcome", "outcome_of_error"]

# Errors that say something about the picture or about the model's policy, not about the request.
_BAD_PICTURE = frozenset(
    {
        "invalid_image", "invalid_image_format", "invalid_base64_image", "invalid_image_url",
        "invalid_image_mode", "image_too_large", "image_too_small", "image_parse_error",
        "image_file_too_large", "unsupported_image_media_type", "empty_image_file",
    }
)  # fmt: skip
# Anthropic has no code for it.
_BAD_PICTURE_IN_WORDS = re.compile(
    r"could not process image|image exceeds|image dimensions exceed", re.IGNORECASE
)
_OUTCOMES: dict[str, Stop] = {
    "image_content_policy_violation": "refused",
    "content_policy_violation": "refused",
    "misalignment_policy_violation": "refused",
    "bio_policy": "refused",
    "content_filter": "blocked",
}


def object_or_outcome(
    status: int, headers: Mapping[str, str], body: bytes
) -> dict[str, Any] | Completion:
    """The object that a success holds, or the outcome that an error about a policy tells of.

    Raises:
        InputError: The provider could not read a picture.
        BackendError: The answer is another error, or no object.
    """
    try:
        payload: Any = from_json(body)
    except ValueError:
        payload = None
    complaint = read_complaint(payload)
    if complaint is not None or not 200 <= status < 300:
        return outcome_of_error(status, headers, body, complaint)
    if not isinstance(payload, dict):
        raise not_json(status, headers, body)
    return payload


def lacking(
    what: str, payload: Mapping[str, Any], status: int, headers: Mapping[str, str], body: bytes
) -> BackendError:
    """The error for a success whose object lacks what holds the answer."""
    keys = ", ".join(map(str, payload)) or "no field"
    return failure(status, headers, body, Complaint(f"no `{what}`, only {keys}", "", None))


def outcome_of_error(
    status: int, headers: Mapping[str, str], body: bytes, complaint: Complaint | None
) -> Completion:
    """The outcome that an error body tells of, when it is about a policy.

    Args:
        status: HTTP status.
        headers: Headers, names in lower case.
        body: The body as it came.
        complaint: What the body says, when it says anything.

    Raises:
        InputError: It is about a picture that the provider could not read.
        BackendError: It is about anything else.
    """
    inside_success = complaint is not None and 200 <= status < 300
    error = failure(
        (complaint.status if complaint and inside_success else None) or status,
        headers,
        body,
        complaint,
    )
    if complaint is None:
        raise error
    if complaint.code in _BAD_PICTURE or (
        error.status == 400 and _BAD_PICTURE_IN_WORDS.search(complaint.message)
    ):
        raise InputError(
            f"a picture that the provider can read is needed; it answered {complaint.code}: "
            f"{error} (send a smaller or re-encoded picture)"
        )
    if complaint.code not in _OUTCOMES:
        raise error
    return Completion(
        text="",
        stop=_OUTCOMES[complaint.code],
        request_id=error.request_id,
        refusal=without_pictures(complaint.message),
    )
