"""What a model says is usual becomes a statement about normality, or an error that says why not."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gadet import (
    AnomalyDetector,
    ConfigurationError,
    InputError,
    Normality,
    ResponseError,
    ScriptedBackend,
)
from gadet.backends.base import Completion
from tests.doubles import answer, picture
from tests.localize.clips import item

USUAL = ["People walk to the left.", "  Nobody runs ", ""]


def observe(said: Any, normals: Any = None, **known: Any) -> tuple[Normality, ScriptedBackend]:
    backend = ScriptedBackend([said, answer("normal", 0.1)])
    detector = AnomalyDetector(backend, expert=None)
    return detector.observe([item()] if normals is None else normals, **known), backend


def test_what_is_usual_is_told_of_every_item_later() -> None:
    known = Normality(subject="path", standards="The camera does not move.")
    normality, backend = observe(json.dumps({"usual": USUAL}), normality=known, domain="pedestrian")
    assert normality.subject == "path"
    assert normality.standards == (
        "The camera does not move. Observed in a normal sample: People walk to the left; Nobody "
        "runs."
    )
    (prompt,) = backend.prompts
    assert "normal samples of: path" in prompt.text
    assert "running, sudden dispersal" in prompt.text
    assert {view.role for view in prompt.views} == {"reference"}
    AnomalyDetector(backend, expert=None).detect(item(), normality=normality)
    assert "People walk to the left" in backend.prompts[-1].text


def test_pictures_are_observed_too_and_text_around_the_answer_is_no_harm() -> None:
    said = "Here it is:\n```json\n" + json.dumps({"usual": ["A square."]}) + "\n```"
    normality, _ = observe(said, [picture(), picture()])
    assert normality.standards == "Observed in 2 normal samples: A square."


def test_the_awaitable_twin_says_the_same() -> None:
    async def run() -> Normality:
        backend = ScriptedBackend([json.dumps({"usual": USUAL})])
        return await AnomalyDetector(backend, expert=None).aobserve([item()])

    assert asyncio.run(run()) == observe(json.dumps({"usual": USUAL}))[0]


@pytest.mark.parametrize(
    "said",
    [
        "I'm sorry, I can't help with that.",
        "{}",
        '{"usual": []}',
        '{"usual": "people walk"}',
        '{"usual": [1, 2, ""]}',
        Completion('{"usual": ["People walk."]}', stop="truncated"),
        Completion("", stop="blocked"),
    ],
)
def test_an_answer_without_statements_is_an_error(said: Any) -> None:
    with pytest.raises(ResponseError, match="expected a list of statements in the field `usual`"):
        observe(said)


def test_what_cannot_be_observed_is_said() -> None:
    with pytest.raises(ConfigurationError, match="at least one normal sample"):
        observe("{}", [])
    with pytest.raises(ConfigurationError, match="a model that looks at pictures"):
        AnomalyDetector().observe([item()])
    with pytest.raises(InputError, match="reference 1"):
        observe("{}", ["no-such-file.mp4"])


def test_a_long_answer_is_bounded() -> None:
    normality, _ = observe(json.dumps({"usual": ["x" * 900] * 50}))
    assert normality.standards is not None
    assert len(normality.standards) < 12 * 310
