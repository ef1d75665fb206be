"""What a backend is: something that turns a `Prompt` into a `Completion`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from gadet.backends.facts.profile import Profile
from gadet.prompts.prompt import Prompt
from gadet.report import Stop, Usage

__all__ = ["Backend", "Completion", "Origin", "TokenLogprob"]

Origin = Literal["model", "cache", "cassette"]


@dataclass(frozen=True)
class TokenLogprob:
    """A generated token with the alternatives the model weighed.

    Attributes:
        token: The token's text.
        logprob: Its natural-log probability.
        alternatives: `(token, logprob)` of the likeliest tokens at that place.
    """

    token: str
    logprob: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Completion:
    """What a model answered, in terms that are common to all providers.

    Attributes:
        text: The text of the answer; empty when there was none.
        stop: Why it ended. A refusal, a truncation and a safety block are outcomes, not errors.
        usage: Tokens spent by this request.
        model: The model as the provider names it.
        request_id: The provider's id of the request.
        refusal: The provider's or model's own words of refusal, when they came apart from the text.
        logprobs: Log-probabilities of the answer's tokens, when the server returned them.
        origin: Where it was taken from: a model that was asked, or what an earlier run kept.
    """

    text: str
    stop: Stop = "complete"
    usage: Usage = field(default_factory=lambda: Usage(requests=1))
    model: str | None = None
    request_id: str | None = None
    refusal: str | None = None
    logprobs: tuple[TokenLogprob, ...] = ()
    origin: Origin = "model"


@runtime_checkable
class Backend(Protocol):
    """The seam between the conversation and a model.

    `complete` may be called from many threads at once, `acomplete` from many tasks. When the model
    cannot be asked, both raise `gadet.BackendError` or a child of it; `gadet.InputError` when the
    provider cannot read a picture; `gadet.ConfigurationError` when the prompt does not fit the
    profile or the network is not allowed; and nothing else.

    Attributes:
        name: `provider:model`, as it stands in reports; never holds a key.
        profile: The facts of the model that decide how views and prompts are made.
    """

    name: str
    profile: Profile

    def complete(self, prompt: Prompt) -> Completion:
        """Ask and wait for the answer."""

    async def acomplete(self, prompt: Prompt) -> Completion:
        """Ask without blocking the event loop."""

    def close(self) -> None:
        """Release connections; the backend may be used again and then opens new ones."""
