"""The answer a model is asked for: its fields, their order, and their JSON Schema.

The order of the fields is the order in which a model generates them, so what is seen comes before
what is concluded. The first field is called `observations`, because providers may refuse a field
that asks for the model's own reasoning.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from gadet.geometry import Pointing

__all__ = ["BRIEF_FIELDS", "Answer", "AnswerFinding", "Ways", "answer_schema", "brief_schema"]

# What is asked for when the decision alone is wanted.
BRIEF_FIELDS = ("explanation", "verdict", "score")

Unit = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


class AnswerPart(BaseModel):
    """Frozen; unknown fields of a chatty model are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class AnswerFinding(AnswerPart):
    """One anomaly as the model reports it.

    Which of `box`, `point` and `place` is asked for follows how the model points; whichever comes
    is read. `named_point` is never asked for: it holds a point whose numbers came with their names,
    x before y whatever the model's own order.
    """

    mark: int | None = Field(description="Number drawn on the region, or null.")
    start: str | None = Field(default=None, description="Where in time it begins, or null.")
    end: str | None = Field(default=None, description="Where in time it ends, or null.")
    picture: int | None = Field(
        default=None, description="Number of the item's picture that `box` is measured in, or null."
    )
    box: tuple[float, float, float, float] | None = Field(
        description="Box around the anomaly in the first clean picture of the item, or null."
    )
    point: tuple[float, float] | None = Field(
        default=None, description="Point on the anomaly in the clean picture of the item, or null."
    )
    place: str | None = Field(
        default=None, description="Where in the item's picture it is, in a few words, or null."
    )
    named_point: tuple[float, float] | None = Field(default=None, exclude=True)
    label: str = Field(description="Short noun phrase that names the anomaly.")
    description: str = Field(description="What is seen there and how it departs from normal.")
    severity: Literal["low", "medium", "high", "critical"] | None = Field(
        description="How serious it is, or null."
    )
    confidence: Unit | None = Field(description="How sure you are, 0 to 1, or null.")


@dataclass(frozen=True)
class Ways:
    """How an answer may point at a place of the item.

    Attributes:
        by: By boxes, points or words about a picture; None where places in pictures say nothing.
        pictures: Whether it has to say which picture a box or a point is measured in.
        times: By a start and an end.
    """

    by: Pointing | None = "box"
    pictures: bool = False
    times: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of a finding that are asked for, in order."""
        left_out = {
            **{way: way != self.by for way in get_args(Pointing)},
            "named_point": True,
            "picture": not (self.by in ("box", "point") and self.pictures),
            "start": not self.times,
            "end": not self.times,
        }
        return tuple(name for name in AnswerFinding.model_fields if not left_out.get(name))


class Answer(AnswerPart):
    """The whole answer of a model."""

    observations: tuple[str, ...] = Field(
        description="What is visible that matters for the question, one sentence each."
    )
    findings: tuple[AnswerFinding, ...] = Field(
        description="Every anomaly, most important first; empty when there is none."
    )
    explanation: str = Field(description="The conclusion in one to three sentences.")
    verdict: Literal["anomalous", "normal", "uncertain"] = Field(
        description="Your decision about the item."
    )
    score: Unit = Field(
        description="How anomalous the item is, 0 to 1; 0.5 is the boundary between the verdicts."
    )


@cache
def answer_schema(ways: Ways = Ways()) -> dict[str, Any]:
    """The JSON Schema of `Answer`, before any provider's dialect; shared, so never changed.

    Args:
        ways: The ways of pointing that make sense for the item; the fields of the others are left
            out.
    """
    schema = Answer.model_json_schema()
    finding = schema["$defs"]["AnswerFinding"]
    names = ways.fields
    finding["properties"] = {name: finding["properties"][name] for name in names}
    for part in finding["properties"].values():
        part.pop("default", None)
    finding["required"] = list(names)
    return _bare(schema)


@cache
def brief_schema() -> dict[str, Any]:
    """The JSON Schema of an answer that is the decision alone; shared, so never changed."""
    verdicts = Answer.model_json_schema()["properties"]["verdict"]["enum"]
    kinds = {
        "explanation": {"type": "string"},
        "verdict": {"enum": verdicts},
        "score": {"type": "number"},
    }
    fields = {name: kinds[name] for name in BRIEF_FIELDS}
    return {"type": "object", "properties": fields, "required": list(BRIEF_FIELDS)}


def _bare(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without descriptions: the prompt says in words what the fields mean, once."""
    schema.pop("description", None)
    for part in (schema, *schema["$defs"].values()):
        part.pop("description", None)
        for field in part["properties"].values():
            field.pop("description", None)
            field.pop("title", None)
    return schema
