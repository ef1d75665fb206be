"""What goes in: the caller's knowledge of normality, and one inspection's request."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["DetectRequest", "Fusion", "Level", "Normality"]

Level = Literal["naive", "class", "expert"]
Fusion = Literal["none", "mean"]
Text = Annotated[str, Field(max_length=20_000)]


class Normality(BaseModel):
    """What the caller knows about the normal state.

    Attributes:
        subject: What is inspected: "bottle", "chest X-ray" (class information).
        standards: What a normal one looks like, in words.
        defects: Kinds of defect that are known to occur.
        rules: Statements that hold for every normal item; each is checked on its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: Text | None = None
    standards: Text | None = None
    defects: tuple[Text, ...] = ()
    rules: tuple[Text, ...] = ()

    @field_validator("defects", "rules", mode="before")
    @classmethod
    def _one_is_a_list_of_one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class DetectRequest(BaseModel):
    """One item to inspect, with everything that belongs to it.

    Attributes:
        item: What to inspect; any type that an adapter accepts.
        references: Normal samples, in any type that an adapter accepts.
        normality: What the caller knows about the normal state.
        domain: Name of the domain pack, or a pack of the caller's own.
        level: How much the prompt tells; None takes all that the caller gave.
        evidence: Whether the prompt states what the expert measured.
        brief: Whether only the decision is asked for: verdict, score and a sentence, no places. It
            takes a fraction of the tokens, for screening; nothing is marked or told of evidence.
        marks: Whether a view with numbered regions is sent beside the clean one.
        zoom: How many places are shown again enlarged, each in a question of its own.
        samples: How many answers are asked for and counted as votes.
        fusion: `none` keeps the model's score, `mean` joins it with the expert's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    item: Any
    references: tuple[Any, ...] = ()
    normality: Normality = Normality()
    domain: Any = "generic"
    level: Level | None = None
    evidence: bool = False
    brief: bool = False
    marks: bool = True
    zoom: Annotated[int, Field(ge=0, le=32)] = 0
    samples: Annotated[int, Field(ge=1, le=64)] = 1
    fusion: Fusion = "none"
