from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadet.prompts.answer import answer_schema
from gadet.prompts.prompt import Message, Prompt
from gadet.prompts.size import PromptSize, count_tokens, estimate_tokens, shared_part

from .support import prompt, view


def slow_estimate(text: str) -> int:
    """The documented rule, one character after the other."""
    tokens = quarter = 0
    for character in text:
        if ord(character) < 128:
            quarter += 1
        else:
            tokens += 1
    return tokens + math.ceil(quarter / 4)


@given(st.text(max_size=300), st.text(max_size=300))
def test_the_estimate_follows_the_documented_rule(system, question):
    built = Prompt(system=system, messages=(Message("user", (question, view())),), schema={})
    assert count_tokens(built) == PromptSize(
        text_tokens=slow_estimate(system) + slow_estimate(question) + slow_estimate("{}"),
        images=1,
        pixels=64 * 48,
    )


def test_pictures_and_schema_count():
    built = prompt(reference_views=[view("reference")] * 3)
    size = count_tokens(built)
    assert (size.images, size.pixels) == (5, 5 * 64 * 48)
    without = Prompt(system=built.system, messages=built.messages, schema={})
    assert size.text_tokens - count_tokens(without).text_tokens > len(str(answer_schema())) / 5


@given(st.text(max_size=300))
def test_a_text_alone_follows_the_same_rule(text):
    assert estimate_tokens(text) == slow_estimate(text)


def test_what_is_shared_is_the_same_for_every_item():
    references = [view("reference"), view("reference", caption="second")]
    one = prompt(reference_views=references, item_views=(view(),))
    other = prompt(reference_views=references, item_views=(view(kind="clean"), view(kind="marked")))
    shared, views = shared_part(one)
    assert shared_part(other) == (shared, views)
    assert views == tuple(references)
    assert (shared.images, shared.pixels) == (2, 2 * 64 * 48)
    assert 0 < shared.text_tokens < count_tokens(one).text_tokens


def test_without_references_nothing_is_shared():
    assert shared_part(prompt()) == (PromptSize(text_tokens=0, images=0, pixels=0), ())


def test_a_negative_size_is_refused():
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        PromptSize(text_tokens=-1, images=0, pixels=0)
