"""`detect_many(batch_api=True)` against each provider: outcomes, rounds, trouble and restarts."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gadet import (
    AnomalyDetector,
    AuthenticationError,
    BackendError,
    ConfigurationError,
    Failure,
    Prices,
    Profile,
    Report,
    ResponseError,
    TransportError,
)
from gadet.backends.transport.http import HttpChannel
from tests.backends.conftest import FAST
from tests.backends.jobs.imitation import KEY, Imitation, Said, after, before, instead, running
from tests.backends.jobs.providers import USAGE, Anthropic, Gemini, OpenAI
from tests.doubles import StubExpert, answer, picture

AGAIN = "could not be used"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


def detector(provider: Imitation, **options: Any) -> AnomalyDetector:
    settings = {"api_key": KEY, "retry": FAST, "timeout": 5.0, "base_url": provider.base_url}
    return AnomalyDetector(f"{provider.provider}:m", expert=StubExpert(), **(settings | options))


def run(provider: Imitation, journal: Path, items: int = 2, **options: Any) -> list[Any]:
    pictures = [picture(spot=True, shade=10 * number) for number in range(items)]
    options = {"poll_seconds": 0.0, "batch_api": True, "resume": journal, **options}
    with detector(provider) as one:
        return one.detect_many(pictures, **options)


def asked_once(provider: Imitation) -> None:
    assert set(Counter(provider.asked).values()) == {1}


def in_two_rounds(text: str) -> Said:
    """Nothing that can be read at first."""
    return Said() if AGAIN in text else Said(text="??")


def test_every_item_gets_its_own_answer(any_provider: Imitation, journal: Path) -> None:
    shades: dict[str, str] = {}

    def says(text: str) -> Said:
        score = 0.6 + 0.1 * shades.setdefault(text, str(len(shades))).count("1")
        return Said(text=answer(score=score))

    any_provider.says = says
    reports = run(any_provider, journal)
    assert [report.verdict for report in reports] == ["anomalous"] * 2
    assert len({report.item.sha256 for report in reports}) == 2
    assert len(any_provider.jobs) == 1
    asked_once(any_provider)
    # Each answer is the one that was made for the item's own question.
    scores = {text: says(text).text for text in any_provider.asked}
    assert [report.score for report in reports] == [
        json.loads(scores[text])["score"] for text in any_provider.asked
    ]
    usage = reports[0].usage
    assert (usage.requests, usage.input_tokens, usage.output_tokens) == (1, *USAGE.values())


def test_a_question_is_sent_as_it_would_be_on_its_own(
    any_provider: Imitation, journal: Path
) -> None:
    run(any_provider, journal, items=1)
    with detector(any_provider) as one:
        direct = one.backend.encode(one.prompt(picture(spot=True, shade=0)))  # type: ignore[attr-defined]
    assert json.loads(any_provider.asked[0]) == json.loads(direct)


def test_what_cannot_be_read_is_asked_again_in_a_second_round(
    provider: Imitation, journal: Path
) -> None:
    provider.says = in_two_rounds
    reports = run(provider, journal)
    assert [report.verdict for report in reports] == ["anomalous"] * 2
    assert [report.usage.requests for report in reports] == [2] * 2
    assert len(provider.jobs) == 2
    asked_once(provider)


def test_outcomes_are_those_of_a_direct_request(any_provider: Imitation, journal: Path) -> None:
    outcomes = [
        Said("refused", "I would rather not."),
        Said("truncated", '{"observations": ["a'),
        Said(text=answer("normal", 0.1)),
    ]
    met: dict[str, int] = {}

    def says(text: str) -> Said:
        # An item is known by its picture; when it is asked again it gets the same.
        shown = re.findall(r"iVBORw0KGgo[A-Za-z0-9+/=]*", text)[0]
        return outcomes[met.setdefault(shown, len(met))]

    any_provider.says = says
    reports = run(any_provider, journal, items=3)
    assert sorted(report.verdict for report in reports) == ["normal", "refused", "unparsed"]
    (refused,) = (report for report in reports if report.verdict == "refused")
    assert "I would rather not." in str((refused.raw, refused.explanation))


def test_trouble_of_one_question_is_its_own(provider: Imitation, journal: Path) -> None:
    trouble: dict[str, list[Said]] = {}
    kinds = [
        [Said("error", f"no such field {KEY}", 400, "invalid_request_error")],
        [Said("error", "we are sorry", 500, "api_error"), Said()],
        [Said("error", "slow down", 429, "rate_limit_error"), Said()],
        [Said("unreached", "too late"), Said()],
        [Said("damaged"), Said()],
        [Said("absent"), Said()],
        [Said()],
    ]
    rendered: set[tuple[int, str]] = set()

    def says(text: str) -> Said:
        mine = trouble.setdefault(text, list(kinds[len(trouble) % len(kinds)]))
        # Results may be looked at several times within a round.
        key = (len(provider.jobs), text)
        if key not in rendered and any(text == seen for _, seen in rendered) and len(mine) > 1:
            mine.pop(0)
        rendered.add(key)
        return mine[0]

    provider.says = says
    results = run(provider, journal, items=len(kinds), on_error="record")
    assert Counter(type(result) for result in results) == {Report: 6, Failure: 1}
    (failure,) = (result for result in results if isinstance(result, Failure))
    assert "no such field" in failure.message
    assert KEY not in failure.message
    counts = Counter(provider.asked)
    assert sorted(counts.values()) == [1, 1, 2, 2, 2, 2, 2]


def test_an_error_of_one_question_has_its_status(any_provider: Imitation, journal: Path) -> None:
    any_provider.says = lambda _: Said("error", f"bad {KEY}", 400, "invalid_request_error")
    with pytest.raises(ResponseError) as caught:
        run(any_provider, journal, items=1)
    assert caught.value.status == 400
    assert caught.value.backend == f"{any_provider.provider}:m"
    assert str(caught.value).startswith(f"{any_provider.provider}:m: ")
    assert KEY not in str(caught.value) + str(caught.value.body)


def test_a_job_that_breaks_off_keeps_what_was_answered(provider: Imitation, journal: Path) -> None:
    first: list[str] = []

    def says(text: str) -> Said:
        first.append(text)
        return (
            Said("unreached", "it expired")
            if len(provider.jobs) < 2 and text != first[0]
            else Said()
        )

    provider.says = says
    normally = provider.states
    provider.states = provider.broken_off or normally
    accept = provider.accept

    def then_normally(*job: Any) -> Any:
        accepted = accept(*job)
        provider.states = normally
        return accepted

    provider.accept = then_normally  # type: ignore[method-assign]
    assert [report.verdict for report in run(provider, journal)] == ["anomalous"] * 2
    assert [len(job.questions) for job in provider.jobs.values()] == [2, 1]


@pytest.mark.parametrize("kind", [OpenAI, Gemini], ids=lambda kind: kind.provider)
def test_a_job_that_fails_as_a_whole_is_handed_over_three_times(
    kind: type[Imitation], journal: Path
) -> None:
    with running(kind()) as provider:
        provider.states = provider.lost or ()
        with pytest.raises(BackendError, match="bad line 1") as caught:
            run(provider, journal)
        assert caught.value.status == 409
        assert len(provider.jobs) == 3


def test_a_job_that_the_provider_forgot_is_handed_over_again(
    provider: Imitation, journal: Path
) -> None:
    provider.faults = [(r"GET .*batch.*/[^/]*\d$", instead(404))]
    assert len(run(provider, journal)) == 2
    assert len(provider.jobs) == 2


def test_answers_that_are_gone_are_asked_for_again(provider: Imitation, journal: Path) -> None:
    provider.faults = [(r"GET .*(content|results|:download)$", instead(404))]
    assert [report.verdict for report in run(provider, journal)] == ["anomalous"] * 2
    assert len(provider.jobs) == 2


def test_a_job_that_is_cancelled_by_hand(
    provider: Imitation, journal: Path, client: Callable[..., Any]
) -> None:
    provider.says = lambda _: Said() if len(provider.jobs) > 1 else Said("unreached", "cancelled")
    api = client(provider)
    with pytest.MonkeyPatch.context() as patch:
        cancelled: list[str] = []

        def sleep(seconds: float) -> None:
            if not cancelled:
                cancelled.extend(provider.jobs)
                api.cancel(cancelled[0])

        from gadet.jobs import run_jobs

        patch.setitem(run_jobs.__kwdefaults__, "sleep", sleep)
        assert [report.verdict for report in run(provider, journal)] == ["anomalous"] * 2
    assert provider.count("cancel") == 1
    assert len(provider.jobs) == 2


@pytest.mark.parametrize("status", [429, 500])
def test_trouble_while_polling_ends_no_run(provider: Imitation, journal: Path, status: int) -> None:
    passing = (r"GET .*batch.*/[^/]*\d$", instead(status))
    provider.faults = [passing] * 7
    assert len(run(provider, journal)) == 2
    asked_once(provider)


def test_an_upload_that_is_too_large(provider: Imitation, journal: Path) -> None:
    provider.faults = [(provider.upload, instead(413, "<html>too large</html>"))]  # type: ignore[attr-defined]
    with pytest.raises(ResponseError, match="fewer or smaller pictures") as caught:
        run(provider, journal)
    assert caught.value.status == 413
    assert len(run(provider, journal)) == 2
    asked_once(provider)


def test_a_wrong_key(provider: Imitation, journal: Path) -> None:
    with (
        detector(provider, api_key="wrong-key-0123456789") as one,
        pytest.raises(AuthenticationError) as caught,
    ):
        one.detect_many([picture()], batch_api=True, resume=journal, poll_seconds=0)
    assert "wrong-key" not in str(caught.value)
    assert not provider.jobs


def test_a_connection_that_breaks_after_acceptance(provider: Imitation, journal: Path) -> None:
    provider.faults = [(provider.create, after)]
    assert len(run(provider, journal)) == 2
    assert provider.count(provider.create) == 1
    assert len(provider.jobs) == 1


def test_a_connection_that_breaks_before_acceptance(provider: Imitation, journal: Path) -> None:
    provider.faults = [(provider.create, before)]
    with pytest.raises(TransportError):
        run(provider, journal)
    assert provider.count(provider.create) == 1, "what may have been accepted is not sent again"
    assert len(run(provider, journal)) == 2
    assert len(provider.jobs) == 1


def test_a_gateway_that_gives_up_on_an_accepted_job(provider: Imitation, journal: Path) -> None:
    def lost_answer(imitation: Imitation, request: Any) -> Any:
        imitation.answered(request)
        return instead(504)(imitation, request)

    provider.faults = [(provider.create, lost_answer)]
    assert len(run(provider, journal)) == 2
    assert len(provider.jobs) == 1


def test_a_network_that_goes_away_for_good_after_acceptance(
    provider: Imitation, journal: Path
) -> None:
    provider.faults = [(provider.create, after), *[(r"GET .*batches$", before)] * 3]
    with pytest.raises(TransportError):
        run(provider, journal)
    assert len(run(provider, journal)) == 2
    assert len(provider.jobs) == 1


@pytest.mark.parametrize("kind", [OpenAI, Anthropic, Gemini], ids=lambda kind: kind.provider)
def test_a_run_that_is_killed_after_any_request_goes_on(
    kind: type[Imitation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = HttpChannel.send
    left = [0]

    def killed(self: HttpChannel, *arguments: Any, **options: Any) -> Any:
        result = send(self, *arguments, **options)
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(HttpChannel, "send", killed)
    for requests in range(1, 100):
        with running(kind()) as provider:
            provider.says, provider.states = in_two_rounds, provider.states[-2:]
            journal = tmp_path / f"{requests}.jsonl"
            left[0] = requests
            try:
                reports = run(provider, journal, items=1)
            except KeyboardInterrupt:
                assert left[0] == 0
                reports = run(provider, journal, items=1)
            assert [report.verdict for report in reports] == ["anomalous"]
            assert len(provider.asked) == 2
            asked_once(provider)
        if left[0] > 0:
            break
    assert requests > 8


def test_several_jobs_of_equal_size_are_told_apart(
    provider: Imitation, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = type(detector(provider).backend.batch_api())  # type: ignore[attr-defined]
    monkeypatch.setattr(api, "max_lines", 1)
    seen = [0]

    def second(imitation: Imitation, request: Any) -> Any:
        seen[0] += 1
        if seen[0] == 2:
            return after(imitation, request)
        return imitation.answered(request)

    provider.faults = [(provider.create, second)] * 3
    assert len(run(provider, journal, items=3)) == 3
    assert len(provider.jobs) == 3
    asked_once(provider)


def test_a_job_in_the_journal_is_not_taken_for_another(
    provider: Imitation, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = type(detector(provider).backend.batch_api())  # type: ignore[attr-defined]
    monkeypatch.setattr(api, "max_lines", 1)
    provider.faults = [
        (provider.create, lambda imitation, request: imitation.answered(request)),
        (provider.create, after),
        *[(r"GET .*batches$", before)] * 3,
    ]
    with pytest.raises(TransportError):
        run(provider, journal, items=2)
    assert len(provider.jobs) == 2
    assert len(run(provider, journal, items=2)) == 2
    asked_once(provider)


def test_prices_are_those_of_the_batch_api_where_they_are_known(
    provider: Imitation, journal: Path
) -> None:
    prices = Prices(input=1000.0, output=0.0, batch=0.5, as_of="2026-11-01")
    options = {"batch_api": True, "resume": journal, "poll_seconds": 0.0}
    with detector(provider, profile=Profile(prices=prices)) as one:
        (report,) = one.detect_many([picture(spot=True)], **options)
    assert report.cost.amount == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["ollama", "vllm", "groq", "mistral"])
def test_a_provider_without_a_batch_api_that_is_known(name: str, journal: Path) -> None:
    one = AnomalyDetector(f"{name}:m", base_url="http://127.0.0.1:9", api_key=KEY)
    with pytest.raises(ConfigurationError, match=f"known.*got {name}"):
        one.detect_many([picture()], batch_api=True, resume=journal)
