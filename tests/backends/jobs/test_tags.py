"""Tags tell when a job was made and how large it is, and are never the same."""

from __future__ import annotations

import time

import pytest

from gadet.backends.jobs.tags import new_tag, read_tag
from gadet.errors import ConfigurationError


def test_a_tag_tells_what_it_was_made_of() -> None:
    before = int(time.time())
    tag = read_tag(new_tag(1234))
    assert before <= tag.moment <= time.time()
    assert tag.questions == 1234
    assert len(tag.mark) == 12


def test_no_two_are_the_same() -> None:
    assert len({read_tag(new_tag(1)).mark for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "text",
    ["", "gadet", "gadet-1-2", "gadet-1-2-0123456789aG", "gadet--1-2-0123456789ab",
     "x-gadet-1-2-0123456789ab", "gadet-1-2-0123456789abc", f"gadet-{'9' * 13}-2-0123456789ab"],
)  # fmt: skip
def test_what_is_no_tag(text: str) -> None:
    with pytest.raises(ConfigurationError, match="resume from a new one"):
        read_tag(text)
