"""What an error body stands for: an outcome, a picture that cannot be read, or an error."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gadet.backends.base import Completion
from gadet.backends.transport.failures import Complaint, failure
from gadet.backends.transport.redaction import without_pictures
from gadet.errors import InputError
from gadet.report import Stop

__all__ = ["outcome_of_error"]

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
