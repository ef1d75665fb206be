"""A key is planted in every way in, everything is run, and then it is looked for everywhere.

The providers come from the registry, so that a new one is covered without a word here. What it is
asked and answers is judged elsewhere; here only one thing counts: the key goes to the server, and
is nowhere else.
"""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
import logging
import pickle
import re
import time
import traceback
from collections.abc import Callable, Iterable
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gadet import AnomalyDetector, Failure, GadetError, Report
from gadet.backends.base import Backend, Completion
from gadet.backends.providers.presets import Preset
from gadet.backends.recall.cache import AnswerCache
from gadet.backends.recall.cached import CachedBackend
from gadet.backends.recall.cassette import RecordingBackend, ReplayBackend
from gadet.backends.registry import ProviderStatus, available, connect
from tests.backends.prompts import zero_shot
from tests.backends.servers import Act, Server, cut, reply, reset, serving
from tests.doubles import answer, picture

KEY = "sk-PlantedKey-7Qm2xV9tLr4WbZ8nYc3HdK6p"
# Half a key is a leak too. None of the pieces is part of a word that stands in messages.
PIECES = [KEY[start : start + 12] for start in range(len(KEY) - 11)]
HIDDEN = re.compile("|".join([*PIECES, base64.b64encode(KEY.encode()).decode()[:16]]))

# An answer in every wire format at once.
ANSWER = answer("normal", 0.1)
_GOOD = {
    "id": "r-1",
    "model": "m",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": ANSWER}}
    ],
    "content": [{"type": "text", "text": ANSWER}],
    "stop_reason": "end_turn",
    "candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": ANSWER}]}}],
    "status": "completed",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": ANSWER}]}],
    "message": {"role": "assistant", "content": ANSWER},
    "done": True,
    "done_reason": "stop",
}
GOOD = reply(200, json.dumps(_GOOD), x_request_id="req-1")


def takes_a_key(provider: Any) -> bool:
    return isinstance(provider, Preset) or "api_key" in inspect.signature(provider).parameters


def loaded(status: ProviderStatus) -> Any:
    module, _, attribute = status.origin.partition(":")
    return attrgetter(attribute)(import_module(module))


KNOWN = {status.name: loaded(status) for status in available()}
PROVIDERS = [name for name, provider in KNOWN.items() if takes_a_key(provider)]


def echo(status: int) -> Act:
    """A server that says back what it was sent, as some do."""
    message = f"Incorrect API key provided: {KEY}. Headers: authorization=Bearer {KEY}"
    error = {"message": message, "code": KEY, "type": f"bad {KEY}", "param": KEY}
    return reply(status, json.dumps({"error": error, "detail": message}))


FAILING: dict[str, Act] = {
    "401": echo(401),
    "403": reply(403, f"<html>{KEY}</html>", content_type="text/html"),
    "400": echo(400),
    "429": echo(429),
    "500": echo(500),
    "529": reply(529, KEY),
    "not JSON": reply(200, f"key {KEY}"),
    "error in 200": echo(200),
    "reset": reset,
    "cut": cut,
    "slow": lambda _: time.sleep(0.3),
}
WAYS = ("argument", "secret", "environment", "header")


def planted(
    name: str, way: str, server: Server, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> Backend:
    """The backend of a provider that knows the key in one of the ways."""
    variable = getattr(KNOWN[name], "key_env", None)
    if variable:
        monkeypatch.delenv(variable, raising=False)
    match way:
        case "argument":
            options["api_key"] = KEY
        case "secret":
            options["api_key"] = SecretStr(KEY)
        case "environment" if variable:
            monkeypatch.setenv(variable, f" {KEY}\n")
        case _:
            headers = {"authorization": SecretStr(f"Bearer {KEY}"), "x-token": SecretStr(KEY)}
            options["headers"] = headers
    return connect(f"{name}:m", base_url=server.url, max_retries=0, timeout=0.2, **options)


def ask(backend: Backend, *, blocking: bool) -> Completion:
    if blocking:
        return backend.complete(zero_shot())
    return asyncio.run(backend.acomplete(zero_shot()))


def was_sent(server: Server) -> bool:
    return any(KEY in value for _, headers, _ in server.requests for value in headers.values())


def check(where: str, text: str | bytes) -> None:
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if HIDDEN.search(plain):
        raise AssertionError(f"a piece of the key is in {where}")


def check_object(thing: Any, where: str) -> None:
    """Look at everything of ours that hangs on an object, as a debugger or a log would show it."""
    waiting, seen = [(thing, where)], set()
    while waiting:
        thing, where = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        check(f"repr of {where}", repr(thing))
        check(f"str of {where}", str(thing))
        match thing:
            case dict():
                waiting += [(value, f"{where}[{key!r}]") for key, value in thing.items()]
            case list() | tuple() | set() | frozenset():
                waiting += [(value, f"{where}[{n}]") for n, value in enumerate(thing)]
            case BaseException():
                waiting += [(vars(thing), where), (thing.args, where)]
                waiting += [(thing.__cause__, f"the cause of {where}")]
                waiting += [(thing.__context__, f"the context of {where}")]
            case _ if type(thing).__module__.startswith("gadet") and hasattr(thing, "__dict__"):
                waiting += [(value, f"{where}.{name}") for name, value in vars(thing).items()]


def check_pickle(thing: Any, where: str) -> None:
    try:
        data = pickle.dumps(thing)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        check(f"the refusal to pickle {where}", str(error))
    else:
        check(f"the pickle of {where}", data)


def check_files(folder: Path) -> int:
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        check(path.name, path.read_bytes())
    return len(files)


def check_error(error: BaseException, where: str) -> None:
    check_object(error, where)
    check_pickle(error, where)
    check(f"the traceback of {where}", "".join(traceback.format_exception(error)))
    check(f"what is recorded of {where}", repr(Failure.from_error(error, name="x")))  # type: ignore[arg-type]


def check_report(report: Report, folder: Path) -> None:
    check_object(report, "the report")
    check_pickle(report, "the report")
    check("its JSON", report.model_dump_json())
    check("its HTML", report._repr_html_())
    for ending in ("html", "json"):
        report.save(folder / f"report.{ending}")


def check_failures(backend: Backend, failing: Iterable[str]) -> None:
    for number, what in enumerate(failing):
        with pytest.raises(GadetError) as caught:
            ask(backend, blocking=number % 2 == 0)
        check_error(caught.value, f"the error of {what}")


def check_run(backend: Backend, folder: Path) -> None:
    """Inspect, cache, record, resume, report and replay."""
    cached = CachedBackend(backend, AnswerCache(folder / "answers.db"))
    recording = RecordingBackend(cached, folder / "run.jsonl")
    detector = AnomalyDetector(recording, expert=None)
    items: list[Any] = [picture(), picture(shade=90)]
    for _ in range(2):
        results = detector.detect_many(items, resume=folder / "journal.jsonl")
        assert [result.verdict for result in results] == ["normal"] * 2  # type: ignore[union-attr]
    check_report(detector.detect(items[0]), folder)
    for thing in (detector, cached.cache.info()):
        check_object(thing, type(thing).__name__)
    for thing in (backend, cached, recording, detector, cached.cache):
        check_pickle(thing, type(thing).__name__)
    assert check_files(folder) >= 7, "journal, cassette, two reports, database, -wal and -shm"
    detector.close()
    replay = ReplayBackend(folder / "run.jsonl")
    assert AnomalyDetector(replay, expert=None).detect(items[0]).verdict == "normal"
    check_object(replay, "ReplayBackend")
    check_files(folder)


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_key_is_nowhere(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    for way in WAYS:
        # Everything that can go wrong is tried with one way in; the others share what follows it.
        failing = FAILING if way == "argument" else {"401": FAILING["401"]}
        with serving(*failing.values(), GOOD) as server:
            backend = planted(name, way, server, monkeypatch)
            check_failures(backend, failing)
            if way == "argument":
                check_run(backend, tmp_path)
            assert ask(backend, blocking=True).text == ANSWER
            check_object(backend, "the backend")
            backend.close()
        assert was_sent(server), "the key must have been there to be hidden"
    assert "request" in caplog.text, "the log was on"
    check("the log", caplog.text)
    out, err = capfd.readouterr()
    check("stdout", out)
    check("stderr", err)


def test_there_are_providers_to_look_at() -> None:
    assert {"openai", "openrouter", "ollama"} <= set(PROVIDERS)
    assert "offline" not in PROVIDERS


@pytest.mark.parametrize("thing", [KEY, KEY[3:20], {"a": [KEY]}, ValueError(KEY)])
def test_the_search_finds_what_is_there(thing: Any, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="a piece of the key"):
        check_object(thing, "it")
    with pytest.raises(AssertionError, match="the pickle of it"):
        check_pickle(thing, "it")
    (tmp_path / "file").write_bytes(b"\0" + KEY.encode())
    with pytest.raises(AssertionError, match="in file"):
        check_files(tmp_path)


def test_a_missing_key_is_missed_without_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROVIDERS:
        if variable := getattr(KNOWN[name], "key_env", None):
            monkeypatch.setenv(variable, KEY)
    for name in PROVIDERS:
        backend: Any = None
        try:
            backend = connect(f"{name}:m")
        except GadetError as error:
            check_error(error, name)
        check_object(backend, name)
    check("what is known of the providers", repr(available()))


def straddling(length: int) -> Act:
    """An echo in which the key stands across the place where a message is cut off."""
    return reply(401, json.dumps({"error": {"message": "x " * (length // 2) + f"y{KEY}"}}))


ECHOES: dict[str, Callable[[], Act]] = {
    "a refusal": lambda: reply(
        400, json.dumps({"error": {"message": f"no: {KEY}", "code": "content_policy_violation"}})
    ),
    "a bad picture": lambda: reply(
        400, json.dumps({"error": {"message": f"bad: {KEY}", "code": "invalid_image"}})
    ),
    "an answer": lambda: reply(200, json.dumps(_GOOD).replace("Nothing is wrong", KEY)),
    "the request's id": lambda: reply(500, "{}", x_request_id=KEY),
    **{
        f"a message cut at {length}": lambda length=length: straddling(length)
        for length in (470, 484, 1_960)
    },
}


@pytest.mark.parametrize("what", ECHOES)
def test_a_server_that_says_the_key_back_is_not_repeated(
    what: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(ECHOES[what]()) as server:
        backend = planted("openai", "argument", server, monkeypatch)
        said: Completion | GadetError
        try:
            said = backend.complete(zero_shot())
        except GadetError as error:
            said = error
        backend.close()
    assert was_sent(server)
    check_object(said, what)
    check_pickle(said, what)
    # Not the log of httpcore, which shows the headers of answers when it is turned on.
    ours = [record.getMessage() for record in caplog.records if record.name == "gadet"]
    assert ours
    check("the log", "".join(ours))
