"""Keeping keys and pictures out of messages and logs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from pydantic import SecretStr

from gadet.backends.transport.call import Answer

__all__ = ["Scrubber", "redacted", "without_pictures"]

_DATA_URL = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,[A-Za-z0-9+/=_-]*")
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{200,}={0,2}")
# A data URL, or the first bytes of a PNG or JPEG as bare base64.
_PICTURE_STARTS = ("data:", "iVBORw0KGgo", "/9j/")
_SHORTEST = 4
# Local servers are given words for a key (`EMPTY`, `ollama`), which an answer may hold as well.
_SHORTEST_IN_ANSWERS = 16


def without_pictures(text: str) -> str:
    """The text with every data URL and every long run of base64 cut out.

    Servers that validate a request like to send it back inside their error message.
    """
    return _BASE64_RUN.sub("<data>", _DATA_URL.sub("<picture>", text))


def redacted(value: Any) -> Any:
    """A request body for the log: each picture becomes its size and the start of its hash."""
    match value:
        case dict():
            return {key: redacted(item) for key, item in value.items()}
        case list() | tuple():
            return [redacted(item) for item in value]
        case str() if value.startswith(_PICTURE_STARTS):
            digest = hashlib.sha256(value.encode()).hexdigest()[:12]
            return f"<image {len(value) // 1024} KB sha256:{digest}>"
        case _:
            return value


class Scrubber:
    """Replaces the secrets it knows in any text.

    Args:
        secrets: Keys and tokens, with or without a scheme such as `Bearer` before them. Very short
            ones are left alone: they would cut up ordinary words.
    """

    def __init__(self, secrets: Iterable[SecretStr]) -> None:
        """Remember the secrets without showing them."""
        keys = [secret.get_secret_value().rpartition(" ")[2] for secret in secrets]
        self._secrets = tuple(SecretStr(key) for key in keys if len(key) >= _SHORTEST)

    def answer(self, answer: Answer) -> Answer:
        """An answer without the secrets, before anyone reads it, cuts it short or keeps it."""
        body, headers = answer.body, dict(answer.headers)
        for secret in map(SecretStr.get_secret_value, self._secrets):
            if len(secret) >= _SHORTEST_IN_ANSWERS:
                body = body.replace(secret.encode(), b"***")
                headers = {name: text.replace(secret, "***") for name, text in headers.items()}
        return Answer(answer.status, headers, body)

    def __call__(self, text: str) -> str:
        """The text without the secrets and without pictures."""
        for secret in self._secrets:
            text = text.replace(secret.get_secret_value(), "***")
        return without_pictures(text)
