"""What a job is called here before its provider calls it anything."""

from __future__ import annotations

import re
import time
import uuid
from typing import NamedTuple

from gadet.errors import ConfigurationError

__all__ = ["Tag", "new_tag", "read_tag"]

_FORM = re.compile(r"gadet-(\d{1,12})-(\d{1,9})-([0-9a-f]{12})")


class Tag(NamedTuple):
    """What a tag tells of its job.

    Attributes:
        moment: When it was about to be handed over, in seconds since 1970.
        questions: How many questions it holds.
        mark: What no other job has: 12 of `0-9 a-f`.
    """

    moment: int
    questions: int
    mark: str


def new_tag(questions: int) -> str:
    """A tag for a job that is about to be handed over."""
    return f"gadet-{int(time.time())}-{questions}-{uuid.uuid4().hex[:12]}"


def read_tag(text: str) -> Tag:
    """Read a tag.

    Raises:
        ConfigurationError: It is not one.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ConfigurationError(
            f"a tag like {new_tag(3)} is needed; got {text!r}: the journal names a job of another "
            "version of gadet, so resume from a new one"
        )
    return Tag(int(found[1]), int(found[2]), found[3])
