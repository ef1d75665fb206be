"""From a `Prompt` to the messages that a model's chat template takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, assert_never

from gadet.errors import ConfigurationError
from gadet.prompts.prompt import Message, Part, Prompt
from gadet.view import View

__all__ = ["ChatForm", "form_of", "harmless", "messages_of"]

ChatMessages = list[dict[str, Any]]
_PROBE = ("gadet-standing", "gadet-question", "gadet-answer", "gadet-again")


@dataclass(frozen=True)
class ChatForm:
    """How a template takes what is said; templates differ, and most fail or fall silent otherwise.

    Attributes:
        system: The standing instructions as a list of `parts`, as a plain `text`, or `folded` into
            the first turn of the user, for templates without such a role.
        answer: A turn of the model as `parts` or `text`.
    """

    system: Literal["parts", "text", "folded"] = "parts"
    answer: Literal["parts", "text"] = "parts"


def messages_of(
    prompt: Prompt, system: str, form: ChatForm, *, spelt: Callable[[str], str] = str
) -> ChatMessages:
    """The messages of a prompt, each picture as a placeholder in its place.

    Args:
        prompt: What is asked; its pictures are handed over apart, in order.
        system: The standing instructions, which may say more than the prompt's.
        form: What the template takes.
        spelt: How a text is spelt for the model.
    """
    turns = list(prompt.messages)
    messages: ChatMessages = []
    if system and form.system == "folded":
        turns[0] = Message(turns[0].role, (system, *turns[0].parts))
    elif system:
        messages.append({"role": "system", "content": _content(spelt(system), form.system)})
    for turn in turns:
        if turn.role == "assistant":
            said = "\n".join(part for part in turn.parts if isinstance(part, str))
            content = _content(spelt(said), form.answer)
        else:
            content = list(_parts(turn.parts, spelt))
        messages.append({"role": turn.role, "content": content})
    return messages


def form_of(render: Callable[[ChatMessages], str]) -> ChatForm:
    """The form that a template takes, found by trying: all that is said must come out, in order.

    Args:
        render: Turns messages into the text that a model is given; may raise anything.

    Raises:
        ConfigurationError: No form works.
    """
    standing, *said = _PROBE
    probe = Prompt("", (Message("user", (said[0],)),), {}).followed_by(*said[1:])
    problem: object = "it leaves out what is said"
    answers: Sequence[Literal["parts", "text"]] = ("parts", "text")
    systems: Sequence[Literal["parts", "text", "folded"]] = ("parts", "text", "folded")
    for system, answer in product(systems, answers):
        form = ChatForm(system, answer)
        try:
            text = render(messages_of(probe, standing, form))
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            continue
        if _tells_all(text):
            return form
    raise ConfigurationError(
        "a chat template with turns of a user and an assistant is needed; the model's own cannot "
        f"be used ({problem}): use the instruction-tuned version of the model"
    )


def harmless(text: str, tokens: Iterable[str]) -> str:
    """A text that cannot be taken for control tokens, each being broken by a space.

    What a caller states, or a model wrote before, must not begin a turn or stand for a picture.
    """
    listed = sorted(filter(None, tokens), key=len, reverse=True)
    if not listed:
        return text
    control = re.compile("|".join(map(re.escape, listed)))
    return control.sub(lambda found: f"{found.group()[0]} {found.group()[1:]}", text)


def _tells_all(text: str) -> bool:
    places = [text.find(word) for word in _PROBE]
    # A list of parts that was printed as Python or JSON would tell the model our data structure.
    printed = re.search(r"""\{["']type["']""", text)
    return -1 not in places and places == sorted(places) and not printed


def _content(text: str, form: str) -> Any:
    return text if form == "text" else [{"type": "text", "text": text}]


def _parts(parts: tuple[Part, ...], spelt: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    """Texts and placeholders; templates put nothing between parts, so line breaks are ours."""
    for number, part in enumerate(parts):
        match part:
            case View():
                yield {"type": "image"}
            case str():
                before = "\n" if number else ""
                after = (
                    "\n" if number + 1 < len(parts) and isinstance(parts[number + 1], View) else ""
                )
                yield {"type": "text", "text": f"{before}{spelt(part)}{after}"}
            case _:
                assert_never(part)
