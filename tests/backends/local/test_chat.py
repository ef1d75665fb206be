from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadet.backends.local.chat import ChatForm, form_of, harmless, messages_of
from gadet.errors import ConfigurationError
from gadet.prompts.prompt import Message, Prompt
from tests.backends.prompts import re_ask, view


def spoken(content: Any) -> str:
    return "".join(part.get("text", "<picture>") for part in content)


def any_template(messages: list[dict[str, Any]]) -> str:
    return "".join(
        m["content"] if isinstance(m["content"], str) else spoken(m["content"]) for m in messages
    )


def parts_only(messages: list[dict[str, Any]]) -> str:
    return "".join(spoken(m["content"]) for m in messages)


def text_of_the_model(messages: list[dict[str, Any]]) -> str:
    """Prints what is not a text, as many a template does with a list of parts."""
    users = [spoken(m["content"]) if m["role"] == "user" else f"{m['content']}" for m in messages]
    return "".join(users)


def without_system(messages: list[dict[str, Any]]) -> str:
    if messages[0]["role"] == "system":
        raise ValueError("System role not supported")
    return parts_only(messages)


def silent_about_the_system(messages: list[dict[str, Any]]) -> str:
    return parts_only([m for m in messages if m["role"] != "system"])


@pytest.mark.parametrize(
    ("template", "form"),
    [
        (any_template, ChatForm("parts", "parts")),
        (parts_only, ChatForm("parts", "parts")),
        (text_of_the_model, ChatForm("text", "text")),
        (without_system, ChatForm("folded", "parts")),
        (silent_about_the_system, ChatForm("folded", "parts")),
    ],
)
def test_a_form_that_the_template_takes_is_found(template: Any, form: ChatForm) -> None:
    assert form_of(template) == form
    text = template(messages_of(re_ask(), "Standing instructions.", form))
    places = [text.index(said) for said in ("Standing", "<picture>" if "{" not in text else "Is it",
              "It looks fine.", "Answer again")]  # fmt: skip
    assert places == sorted(places)


@pytest.mark.parametrize("template", [str, lambda _: "", lambda _: 1 / 0])
def test_a_template_that_cannot_be_used_is_told(template: Any) -> None:
    with pytest.raises(ConfigurationError, match="instruction-tuned"):
        form_of(template)


def test_pictures_stand_in_their_places_on_lines_of_their_own() -> None:
    parts = ("First:", view(), "Second:", view(), view(), "Well?")
    prompt = Prompt("", (Message("user", parts),), {})
    (message,) = messages_of(prompt, "", ChatForm())
    assert spoken(message["content"]) == (
        "First:\n<picture>\nSecond:\n<picture><picture>\nWell?"
    )  # fmt: skip


def test_texts_are_spelt_as_asked_and_pictures_are_not_texts() -> None:
    messages = messages_of(re_ask(), "Be calm.", ChatForm(), spelt=str.upper)
    assert all(text == text.upper() for text in map(spoken, (m["content"] for m in messages[::2])))
    assert messages[1]["content"][1] == {"type": "image"}


def test_control_tokens_are_broken() -> None:
    tokens = ["<image>", "<|im_end|>", "</s>", ""]
    text = harmless("a <image> b<|im_end|></s><|im_start|>", tokens)
    assert text == "a < image> b< |im_end|>< /s><|im_start|>"
    assert harmless("a <image>", []) == "a <image>"


@given(st.lists(st.sampled_from(["<", "i", "<i>", "<<i>i>", "i>", " "]), max_size=12))
def test_no_control_token_is_left(pieces: list[str]) -> None:
    assert "<i>" not in harmless("".join(pieces), ["<i>"])
