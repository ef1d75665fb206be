"""A `Reading`: what could be made of a model's answer."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from gadet.prompts.answer import Answer
from gadet.report import Verdict

__all__ = ["Reading"]


class Reading(BaseModel):
    """The outcome of reading one answer. There is always one; reading never raises.

    Attributes:
        verdict: `refused` when the model declined, `unparsed` when nothing certain could be read,
            otherwise the verdict of `answer`.
        answer: The answer; None when `refused` or `unparsed`.
        problem: What was wrong, in words a model can act on when it is asked again; only when
            `unparsed`.
        notes: Everything that was mended, dropped or derived, one sentence each.
        likelihood: P(anomalous) by the probabilities of the answer's tokens, in [0, 1], when they
            are known; only with an answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: Verdict
    answer: Answer | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()
    likelihood: float | None = None

    @property
    def repaired(self) -> bool:
        """Whether the answer was not as it had been asked for."""
        return bool(self.notes)

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        stated = self.answer.verdict if self.answer else None
        expected = None if self.verdict in ("refused", "unparsed") else self.verdict
        if stated != expected:
            raise ValueError(
                f"the verdict of a reading is its answer's, and none without an answer; got "
                f"{self.verdict!r} with an answer that says {stated!r}"
            )
        if (self.problem is not None) != (self.verdict == "unparsed"):
            raise ValueError(
                f"an unparsed reading has a problem and no other has; got verdict="
                f"{self.verdict!r}, problem={self.problem!r}"
            )
        if self.likelihood is not None and (not 0 <= self.likelihood <= 1 or self.answer is None):
            raise ValueError(
                "the likelihood of a reading is in [0, 1] and belongs to an answer; got "
                f"{self.likelihood!r} with verdict={self.verdict!r}"
            )
        return self

    def weighed(self, likelihood: float | None) -> Self:
        """The same reading with P(anomalous) by the probabilities of the answer's tokens.

        Raises:
            ValueError: It is outside [0, 1], or there is no answer.
        """
        if likelihood is None:
            return self
        return type(self)(**{**dict(self), "likelihood": likelihood})

    @classmethod
    def unparsed(cls, problem: str, notes: tuple[str, ...] = ()) -> Self:
        """Nothing certain could be read."""
        return cls(verdict="unparsed", problem=problem, notes=notes)

    @classmethod
    def refused(cls, notes: tuple[str, ...] = ()) -> Self:
        """The model declined."""
        return cls(verdict="refused", notes=notes)

    @classmethod
    def of(cls, answer: Answer, notes: tuple[str, ...] = ()) -> Self:
        """A readable answer."""
        return cls(verdict=answer.verdict, answer=answer, notes=notes)
