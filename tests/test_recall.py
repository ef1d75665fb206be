"""Answers from a cache or a recording, as a detector is asked for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gadet import AnomalyDetector, ConfigurationError, Profile, ScriptedBackend
from gadet.backends.recall.cache import AnswerCache
from tests.doubles import StubExpert, answer, picture


def detector(script: Any, **options: Any) -> AnomalyDetector:
    return AnomalyDetector(ScriptedBackend(script), expert=StubExpert(), **options)


@pytest.mark.parametrize("kind", ["path", "text", "object", "default"])
def test_nothing_is_asked_twice(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "answers.sqlite3"
    monkeypatch.setenv("GADET_CACHE", str(tmp_path))
    cache = {"path": path, "text": str(path), "object": AnswerCache(path), "default": True}[kind]
    first = detector([answer()], cache=cache).detect(picture(spot=True))
    second = detector([], cache=cache).detect(picture(spot=True))
    assert second.verdict == first.verdict
    assert second.usage.requests == 0
    assert "answered from the cache, without asking the model again" in second.notes


def test_a_recording_is_played_without_the_model(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with detector([answer()], record=path) as recording:
        recorded = recording.detect(picture(spot=True))
    playing = AnomalyDetector("openai:not-asked", replay=path, expert=StubExpert())
    played = playing.detect(picture(spot=True))
    plain = {"timings": {}}
    assert played.model_copy(update=plain) == recorded.model_copy(update=plain)


def test_a_chain_may_be_cached(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite3"
    for script in ([answer()], []):
        chain = [ScriptedBackend(script, name="a"), "offline"]
        made = AnomalyDetector(chain, expert=StubExpert(), cache=path)
        assert made.detect(picture(spot=True)).provenance.backend == "a"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"record": "a.jsonl", "cache": "b.sqlite3"}, "no cache"),
        ({"replay": "a.jsonl", "cache": True}, "takes no cache"),
        ({"replay": "a.jsonl", "record": "b.jsonl"}, "takes no cache"),
        ({"replay": "a.jsonl", "profile": Profile()}, "got profile"),
    ],
)
def test_what_does_not_go_together_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        detector([], **options)


def test_several_backends_are_not_recorded_in_one_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="one backend"):
        AnomalyDetector(["offline", "offline"], record=tmp_path / "a.jsonl")
