"""`Questioner`: what a detector can be asked besides an inspection."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gadet.dialogue import Reply, follow_up, replied
from gadet.intake import Intake
from gadet.observing import observation, observed
from gadet.prompts.domain import Domain
from gadet.report import Report
from gadet.request import Normality
from gadet.route import Route

__all__ = ["Questioner"]


class Questioner:
    """Questions about reports, and about what is usual; a part of `AnomalyDetector`."""

    route: Route
    _intake: Intake

    def ask(
        self,
        about: Report | Reply,
        question: str,
        *,
        item: Any = None,
        references: Sequence[Any] = (),
        normality: Normality | None = None,
    ) -> Reply:
        """Ask the model about its report, with the same pictures and everything said before.

        Args:
            about: A report of this detector, or a reply to go on from.
            question: What you want to know, such as "Why is this not a scratch?".
            item: The item again, for a report that was loaded from a file or came from a batch;
                None reads it from where the report says that it was.
            references: Its normal samples again, in that case.
            normality: What was known about the normal state, in that case.

        Returns:
            The reply; it changes nothing in the report.

        Raises:
            InputError: The item cannot be read again, or is another one.
            ConfigurationError: The question cannot be asked.
            BackendError: The model could not be asked.
        """
        leg, prompt = follow_up(
            self.route, self._intake, about, question, item, references, normality
        )
        return replied(question, prompt, leg.backend.complete(prompt), leg, about)

    async def aask(
        self,
        about: Report | Reply,
        question: str,
        *,
        item: Any = None,
        references: Sequence[Any] = (),
        normality: Normality | None = None,
    ) -> Reply:
        """Ask about a report without blocking the event loop; arguments as in `ask`."""
        from asyncio import to_thread

        leg, prompt = await to_thread(
            follow_up, self.route, self._intake, about, question, item, references, normality
        )
        return replied(question, prompt, await leg.backend.acomplete(prompt), leg, about)

    def observe(
        self,
        normals: Sequence[Any],
        *,
        normality: Normality | None = None,
        domain: str | Path | Domain = "generic",
    ) -> Normality:
        """Let the model say what is usual in normal samples, to be told of every item later.

        One question; its answer is a `Normality` for `detect` and all other ways of inspecting, so
        that it is asked once for a camera or a kind of part, and can be read and corrected.

        Args:
            normals: Normal samples, in any type that `detect` takes.
            normality: What is known already; what was observed is added to its `standards`.
            domain: As in `detect`.

        Returns:
            What is known, with what was observed.

        Raises:
            InputError: A sample cannot be read.
            ConfigurationError: There is no sample, or the backend looks at no pictures.
            ResponseError: The model declined, or its answer holds no statements.
            BackendError: The model could not be asked.
        """
        leg = self.route.legs[0]
        prompt = observation(self._intake, leg, normals, normality, domain)
        return observed(leg.backend.complete(prompt), leg, len(normals), normality)

    async def aobserve(
        self,
        normals: Sequence[Any],
        *,
        normality: Normality | None = None,
        domain: str | Path | Domain = "generic",
    ) -> Normality:
        """Let the model say what is usual, without blocking; arguments as in `observe`."""
        from asyncio import to_thread

        leg = self.route.legs[0]
        prompt = await to_thread(observation, self._intake, leg, normals, normality, domain)
        return observed(await leg.backend.acomplete(prompt), leg, len(normals), normality)
