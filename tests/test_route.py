"""Several backends for one item: fallback, escalation, and what stands in the report."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gadet import (
    AnomalyDetector,
    AuthenticationError,
    BackendError,
    Completion,
    ConfigurationError,
    InputError,
    Prices,
    Profile,
    Report,
    Route,
    ScriptedBackend,
    ServerError,
    Usage,
    ViewLimits,
)
from tests.doubles import StubExpert, answer, picture

REFUSAL = "I'm sorry, I can't help with that."


def backend(name: str, script: Any, **facts: Any) -> ScriptedBackend:
    return ScriptedBackend(script, name=name, profile=Profile(**facts))


def detect(*backends: ScriptedBackend, expert: Any = None, **rule: Any) -> Report:
    route = Route(*backends, **rule)
    return AnomalyDetector(route, expert=expert or StubExpert()).detect(picture(spot=True))


def test_a_backend_that_answers_is_the_only_one_asked() -> None:
    first, second = backend("a", [answer()]), backend("b", [])
    report = detect(first, second)
    assert (report.verdict, report.provenance.backend) == ("anomalous", "a")
    assert not second.prompts
    assert not any("asked" in note for note in report.notes)


@pytest.mark.parametrize(
    "error", [ServerError("down"), AuthenticationError("no key"), InputError("too large")]
)
def test_the_next_is_asked_when_one_cannot_be(error: Exception) -> None:
    report = detect(backend("a", [error]), backend("b", [answer()]))
    assert (report.verdict, report.provenance.backend) == ("anomalous", "b")
    assert report.notes[0] == f"a could not be asked: {error}"


def test_a_list_is_a_fallback_chain() -> None:
    chain = [backend("a", [ServerError("down")]), "offline"]
    made = AnomalyDetector(chain, expert=StubExpert())
    assert repr(made) == "AnomalyDetector('a > offline')"
    assert made.detect(picture(spot=True)).provenance.backend == "offline"


def test_awaiting_travels_the_same_way() -> None:
    def made() -> AnomalyDetector:
        chain = [backend("a", ["??", ServerError("down")]), backend("b", [answer()])]
        return AnomalyDetector(chain, expert=StubExpert())

    def plain(report: Report) -> Report:
        return report.model_copy(update={"timings": {}})

    awaited = asyncio.run(made().adetect(picture(spot=True)))
    assert plain(awaited) == plain(made().detect(picture(spot=True)))


def test_the_last_error_is_raised_when_nobody_answers() -> None:
    with pytest.raises(BackendError, match="second"):
        detect(backend("a", [ServerError("first")]), backend("b", [ServerError("second")]))


def test_the_expert_measures_once() -> None:
    expert = StubExpert()
    detect(backend("a", [ServerError("down")]), backend("b", [answer()]), expert=expert)
    assert expert.calls == 1


def test_each_leg_gets_views_of_its_own_profile() -> None:
    small = backend("a", [ServerError("down")], views=ViewLimits(max_side=32))
    large = backend("b", [answer()])
    detect(small, large)
    assert small.prompts[0].views[0].frame.width == 32
    assert large.prompts[0].views[0].frame.width == 64


def test_verdicts_that_were_named_are_not_final() -> None:
    first, second = backend("a", [REFUSAL]), backend("b", [answer("normal", 0.1)])
    report = detect(first, second, escalate=("refused",))
    assert (report.verdict, report.provenance.backend) == ("normal", "b")
    assert report.notes[0] == "a said refused; the next was asked"
    assert [raw.verdict for raw in report.raw] == ["refused", "normal"]


def test_a_refusal_is_final_unless_named() -> None:
    second = backend("b", [answer()])
    assert detect(backend("a", [REFUSAL]), second).verdict == "refused"
    assert not second.prompts


@pytest.mark.parametrize(("score", "asked"), [(0.39, 0), (0.4, 1), (0.6, 1), (0.61, 0)])
def test_scores_in_doubt_are_not_final(score: float, asked: int) -> None:
    verdict = "anomalous" if score > 0.5 else "normal"
    second = backend("b", [answer()])
    detect(backend("a", [answer(verdict, score)]), second, doubt=(0.4, 0.6))
    assert len(second.prompts) == asked


def test_a_readable_report_stands_when_the_better_model_fails() -> None:
    unsure = answer("uncertain", 0.5)
    for script in ([ServerError("down")], [REFUSAL]):
        report = detect(backend("a", [unsure]), backend("b", script), escalate=("uncertain",))
        assert (report.verdict, report.provenance.backend) == ("uncertain", "a")


def test_what_all_legs_cost_is_added_up() -> None:
    prices = Prices(input=1.0, output=2.0, as_of="2026-01-01")

    def spent(text: str, tokens: int) -> Completion:
        return Completion(text, usage=Usage(requests=1, input_tokens=tokens, output_tokens=tokens))

    # The first leg answers once, unreadably, and then fails: its tokens were billed all the same.
    first = backend("a", [spent("??", 1000), ServerError("down")], prices=prices)
    second = backend("b", [spent(answer(), 500)], prices=prices)
    report = detect(first, second)
    assert report.usage == Usage(requests=2, input_tokens=1500, output_tokens=1500)
    assert report.cost is not None
    assert report.cost.amount == pytest.approx(1500 * 3 / 1e6)
    unknown = backend("b", [spent(answer(), 500)])
    first = backend("a", [spent("??", 1000), ServerError("down")], prices=prices)
    assert detect(first, unknown).cost is None


def test_a_journal_keeps_what_each_leg_answered(tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"

    def made(first: list[Any], second: list[Any]) -> AnomalyDetector:
        route = Route(backend("a", first), backend("b", second), escalate=("uncertain",))
        return AnomalyDetector(route, expert=StubExpert())

    unsure = answer("uncertain", 0.5)
    with pytest.raises(RuntimeError):
        made([unsure], [RuntimeError("killed")]).detect_many([picture()], resume=journal)
    (report,) = made([], [answer()]).detect_many([picture()], resume=journal)
    assert isinstance(report, Report)
    assert report.provenance.backend == "b"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Route(), "at least one backend"),
        (lambda: Route("offline", escalate=("bad",)), "verdicts among"),
        (lambda: Route("offline", escalate="normal"), "as a list"),
        (lambda: Route("offline", doubt=(0.6, 0.4)), "low <= high"),
        (lambda: Route("offline", doubt=(0.6, 1.4)), "low <= high"),
        (lambda: AnomalyDetector([]), "at least one backend"),
        (lambda: AnomalyDetector(["offline", "offline"], api_key="k"), "belong to one backend"),
        (lambda: AnomalyDetector(Route("offline"), profile=Profile()), "belong to one backend"),
    ],
)
def test_what_is_not_a_route_is_refused(make: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        make()
