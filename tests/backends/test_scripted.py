from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gadet.backends.base import Backend, Completion
from gadet.backends.facts.profile import Profile
from gadet.backends.scripted import ScriptedBackend
from gadet.errors import BackendError, ConfigurationError, RateLimitError
from gadet.prompts.prompt import Prompt
from tests.backends.prompts import text_only, zero_shot


def test_it_is_a_backend() -> None:
    backend = ScriptedBackend(["x"], name="me", profile=Profile(max_images=2))
    assert isinstance(backend, Backend)
    assert (backend.name, backend.profile.max_images) == ("me", 2)
    assert repr(backend) == "ScriptedBackend(name='me')"
    backend.close()


def test_answers_come_in_order_and_in_every_form() -> None:
    given = Completion(text="", stop="refused", refusal="no")
    backend = ScriptedBackend(["plain", {"score": 0.5, "é": [1]}, given, RateLimitError("slow")])
    assert backend.complete(text_only()).text == "plain"
    assert json.loads(backend.complete(text_only()).text) == {"score": 0.5, "é": [1]}
    assert asyncio.run(backend.acomplete(text_only())) is given
    with pytest.raises(RateLimitError, match="slow"):
        backend.complete(text_only())


def test_a_script_that_is_over_says_so() -> None:
    backend = ScriptedBackend(["one"])
    backend.complete(text_only())
    with pytest.raises(BackendError, match="has 1 answers and was asked for number 2: add"):
        backend.complete(text_only())


def test_prompts_are_kept() -> None:
    backend = ScriptedBackend(["one", "two"])
    first, second = zero_shot(), text_only()
    backend.complete(first)
    asyncio.run(backend.acomplete(second))
    assert backend.prompts == [first, second]


def test_a_function_of_the_prompt() -> None:
    def answer(prompt: Prompt) -> Any:
        return {"views": len(prompt.views)}

    assert ScriptedBackend(answer).complete(zero_shot()).text == '{"views": 1}'


def test_threads_share_the_script() -> None:
    backend = ScriptedBackend(str(n) for n in range(200))
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda _: backend.complete(text_only()).text, range(200)))
    assert sorted(texts, key=int) == [str(n) for n in range(200)]
    assert len(backend.prompts) == 200


@pytest.mark.parametrize("answers", ["one text", {"score": 1}])
def test_one_answer_is_not_a_script(answers: Any) -> None:
    with pytest.raises(ConfigurationError, match="put it into a list"):
        ScriptedBackend(answers)


def test_an_answer_of_another_kind() -> None:
    backend = ScriptedBackend([7])  # type: ignore[list-item]
    with pytest.raises(ConfigurationError, match="got int"):
        backend.complete(text_only())
