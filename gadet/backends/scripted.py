"""A backend that says what it was told to say: for tests, and for replaying recorded answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gadet.backends.base import Completion
from gadet.backends.facts.profile import Profile
from gadet.errors import BackendError, ConfigurationError
from gadet.prompts.prompt import Prompt

__all__ = ["ScriptedAnswer", "ScriptedBackend"]

ScriptedAnswer = str | Mapping[str, Any] | Completion | Exception


class ScriptedBackend:
    """Answers from a script instead of a model.

    Args:
        answers: The answers in the order in which they are given, or a function of the prompt. A
            text is what the model wrote, a mapping is written as JSON, an exception is raised, and
            a `Completion` is given as it is.
        name: Name for reports.
        profile: The facts that decide how prompts are made.

    Attributes:
        prompts: Every prompt it was asked, in order.

    Example:
        >>> backend = ScriptedBackend([{"verdict": "normal", "score": 0.1}, "not JSON"])
        >>> backend.prompts
        []
    """

    def __init__(
        self,
        answers: Iterable[ScriptedAnswer] | Callable[[Prompt], ScriptedAnswer],
        *,
        name: str = "scripted",
        profile: Profile | None = None,
    ) -> None:
        """Take the script."""
        if isinstance(answers, str | Mapping):
            raise ConfigurationError(
                "a script is a list of answers or a function of the prompt; got one "
                f"{type(answers).__name__}: put it into a list"
            )
        self.name = name
        self.profile = profile or Profile()
        self.prompts: list[Prompt] = []
        self._lock = threading.Lock()
        self._answers = answers if callable(answers) else list(answers)

    def __repr__(self) -> str:
        """The name."""
        return f"ScriptedBackend(name={self.name!r})"

    def complete(self, prompt: Prompt) -> Completion:
        """Give the next answer.

        Raises:
            BackendError: The script is over.
            Exception: The exception that stands in the script.
        """
        with self._lock:
            self.prompts.append(prompt)
            number = len(self.prompts)
        answer = self._answers(prompt) if callable(self._answers) else self._listed(number)
        match answer:
            case Exception():
                raise answer
            case Completion():
                return answer
            case str():
                return Completion(text=answer, model=self.name)
            case Mapping():
                text = json.dumps(dict(answer), ensure_ascii=False)
                return Completion(text=text, model=self.name)
            case _:
                raise ConfigurationError(
                    "an answer of a script is a text, a mapping, a Completion or an exception; "
                    f"got {type(answer).__name__}"
                )

    async def acomplete(self, prompt: Prompt) -> Completion:
        """Give the next answer."""
        return self.complete(prompt)

    def close(self) -> None:
        """Nothing is held open."""

    def _listed(self, number: int) -> ScriptedAnswer:
        assert isinstance(self._answers, list)
        if number > len(self._answers):
            raise BackendError(
                f"the script has {len(self._answers)} answers and was asked for number {number}: "
                "add answers, or pass a function of the prompt",
                backend=self.name,
            )
        return self._answers[number - 1]
