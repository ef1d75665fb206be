"""What is sent and what comes back: one request of HTTP, and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Answer", "Call"]


@dataclass(frozen=True)
class Call:
    """One request to a channel's server.

    Attributes:
        method: The HTTP method.
        url: A path below the channel's address, or a whole address at the same server, as one that
            the server named; empty for the channel's own address.
        body: What is sent.
        content_type: What the body is; None when there is none.
        headers: More headers for this request; nothing secret.
        repeatable: Whether it may be sent again when an earlier try may have been accepted. A
            question may: at worst it is answered twice. What creates something at the server, as
            the submission of a batch, may not; it is tried again only when it is certain that
            nothing came of the last try.
        tokens: What it will cost of the tokens per minute, estimated; None takes the average of
            what the channel's requests used so far.
        max_response_bytes: Largest answer that is read, when it is not the channel's.
    """

    method: str
    url: str = ""
    body: bytes = field(default=b"", repr=False)
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    tokens: int | None = None
    max_response_bytes: int | None = None

    @classmethod
    def upload(
        cls,
        url: str,
        content: bytes,
        *,
        filename: str,
        content_type: str = "application/octet-stream",
        fields: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Call:
        """A file sent as a form sends it: a `multipart/form-data` body by POST.

        Args:
            url: As `Call.url`.
            content: The file's bytes, sent under the field name `file`.
            filename: Its name for the server.
            content_type: What the file is.
            fields: The form's other fields, which come before the file.
            repeatable: As `Call.repeatable`: a server that got it twice keeps two files.

        Source: RFC 7578.
        """
        # httpx brings the encoder; its import is paid only by who uploads.
        from httpx import Request

        file = (filename, content, content_type)
        form = Request("POST", "http://form", data=dict(fields or {}), files={"file": file})
        return cls(
            "POST",
            url,
            body=form.read(),
            content_type=form.headers["content-type"],
            repeatable=repeatable,
        )


class Answer(NamedTuple):
    """What a server answered.

    Attributes:
        status: HTTP status.
        headers: Names in lower case; values of a name that came more than once are joined by `, `.
        body: The whole body, without its content encoding.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
