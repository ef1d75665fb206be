"""Cassettes: recorded once, played without a network, and clear about what is not on them."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from gadet import AnomalyDetector
from gadet.backends.base import Backend, Completion, TokenLogprob
from gadet.backends.facts.profile import Prices, Profile
from gadet.backends.hosted import HttpBackend
from gadet.backends.recall.cassette import RecordingBackend, ReplayBackend
from gadet.backends.recall.tape import Asked, Take
from gadet.backends.scripted import ScriptedBackend
from gadet.errors import ConfigurationError, RateLimitError
from gadet.prompts.prompt import Message, Prompt
from gadet.report import Usage
from gadet.view import ViewLimits
from tests.backends.conftest import Connect, ok
from tests.backends.prompts import SCHEMA, k_shot, re_ask, text_only, view, zero_shot
from tests.backends.servers import serving
from tests.doubles import StubExpert, answer, picture

FULL = Completion(
    text='{"score": 0.5, "ü": "\\u0000 \u2028"}',
    usage=Usage(requests=1, input_tokens=700, output_tokens=90),
    model="a-model-2026",
    logprobs=(TokenLogprob("{", -0.25, (("{", -0.25), ("[", -1.5))),),
)


def numbered(**fields: Any) -> ScriptedBackend:
    return ScriptedBackend((str(n) for n in range(99)), **fields)


def record(path: Path, *prompts: Prompt, **fields: Any) -> None:
    recording = RecordingBackend(numbered(name="a:b"), path, **fields)
    for prompt in prompts:
        recording.complete(prompt)
    recording.close()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


def test_a_recording_is_played_without_the_backend(path: Path) -> None:
    profile = Profile(max_images=3, views=ViewLimits(max_side=100), prices=None)
    refused = Completion("", stop="refused", refusal="I would rather not.")
    inner = ScriptedBackend([FULL, refused], name="a:b", profile=profile)
    recording = RecordingBackend(inner, path)
    assert isinstance(recording, Backend)
    assert (recording.name, recording.profile) == ("a:b", profile)
    assert recording.complete(zero_shot()) == FULL
    assert asyncio.run(recording.acomplete(re_ask())) == refused
    recording.close()
    replay = ReplayBackend(path)
    assert isinstance(replay, Backend)
    assert (replay.name, replay.profile) == ("a:b", profile)
    played = asyncio.run(replay.acomplete(re_ask()))
    assert (played.stop, played.refusal, played.origin) == ("refused", refused.refusal, "cassette")
    played = replay.complete(zero_shot())
    assert (played.text, played.usage, played.model) == (FULL.text, FULL.usage, FULL.model)
    assert (played.logprobs, played.origin) == (FULL.logprobs, "cassette")
    assert repr(replay) == f"ReplayBackend({str(path)!r}, name='a:b')"
    assert repr(recording) == f"RecordingBackend(ScriptedBackend(name='a:b'), {str(path)!r})"
    replay.close()


@settings(max_examples=40, deadline=None)
@given(text=st.text(st.characters()), system=st.text(), refusal=st.none() | st.text())
def test_every_answer_survives(
    tmp_path_factory: pytest.TempPathFactory, text: str, system: str, refusal: str | None
) -> None:
    path = tmp_path_factory.mktemp("c") / "run.jsonl"
    prompt = Prompt(system, (Message("user", ("x",)),), {})
    given = Completion(text, refusal=refusal)
    recording = RecordingBackend(ScriptedBackend([given]), path)
    recording.complete(prompt)
    recording.close()
    played = ReplayBackend(path).complete(prompt)
    assert played.text == text.encode("utf-8", "replace").decode()
    assert played.refusal == refusal


def test_half_a_surrogate_pair_does_not_spoil_the_file(path: Path) -> None:
    RecordingBackend(ScriptedBackend(["a \ud800 b"]), path).complete(zero_shot())
    assert ReplayBackend(path).complete(zero_shot()).text == "a ? b"


def test_the_lines_are_for_people(path: Path) -> None:
    inner = ScriptedBackend(
        [Completion("Fine.", request_id="req-8", usage=Usage(requests=1, input_tokens=9))]
    )
    RecordingBackend(inner, path).complete(zero_shot())
    head, take = lines(path)
    assert (head["gadet_cassette"], head["backend"], head["settings"]) == (1, "scripted", None)
    assert head["profile"] == Profile().model_dump(mode="json")
    assert take["prompt"] == zero_shot().sha256
    assert take["asked"]["texts"] == ["You inspect.", "Picture of the item:", "Is it anomalous?"]
    assert take["asked"]["pictures"] == [f"item clean 8x6 sha256:{view().sha256[:16]}"]
    assert (take["answer"]["text"], take["answer"]["usage"]["input_tokens"]) == ("Fine.", 9)
    assert "request_id" not in take["answer"], "it is another one each time"
    for line in path.read_text("utf-8").splitlines():
        assert list(json.loads(line)) == sorted(json.loads(line))


def test_two_recordings_of_the_same_answers_are_the_same_file(tmp_path: Path) -> None:
    prompts = [zero_shot(sample=n % 4, max_output_tokens=100 + n) for n in range(40)]
    contents = []
    for seed in range(3):
        path = tmp_path / f"{seed}.jsonl"
        inner = ScriptedBackend(lambda prompt: f"for {prompt.max_output_tokens}")
        recording = RecordingBackend(inner, path)
        random.Random(seed).shuffle(prompts)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(recording.complete, prompts))
        assert len(lines(path)) == 41, "each answer is written when it comes"
        recording.close()
        contents.append(path.read_bytes())
    assert len(set(contents)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.jsonl", "1.jsonl", "2.jsonl"]


def test_new_asks_only_what_is_not_there(path: Path) -> None:
    record(path, zero_shot(), text_only())
    before = path.read_bytes()
    inner = numbered(name="a:b")
    recording = RecordingBackend(inner, path)
    played = recording.complete(text_only())
    assert (played.text, played.origin) == ("1", "cassette")
    recording.close()
    assert path.read_bytes() == before, "nothing new, nothing written"
    recording = RecordingBackend(inner, path)
    assert [recording.complete(k_shot()).origin for _ in range(2)] == ["model", "cassette"]
    recording.close()
    assert inner.prompts == [inner.prompts[0]]
    assert set(before.splitlines()) < set(path.read_bytes().splitlines())
    assert recording.complete(re_ask()).origin == "model", "it may be used again"
    recording.close()
    assert len(lines(path)) == 5


def test_all_asks_everything_and_replaces_at_the_first_answer(path: Path) -> None:
    record(path, zero_shot(), text_only())
    before = path.read_bytes()
    recording = RecordingBackend(ScriptedBackend([RateLimitError("slow"), "new"]), path, mode="all")
    with pytest.raises(RateLimitError):
        recording.complete(zero_shot())
    assert path.read_bytes() == before, "a run that gets no answer destroys nothing"
    recording.complete(zero_shot())
    recording.close()
    head, take = lines(path)
    assert (head["backend"], take["answer"]["text"]) == ("scripted", "new")


def test_several_answers_to_one_prompt_come_in_order_and_the_last_stays(path: Path) -> None:
    record(path, zero_shot(), text_only(), zero_shot(), zero_shot(), mode="all")
    replay = ReplayBackend(path)
    texts = [replay.complete(zero_shot()).text for _ in range(5)]
    assert texts == ["0", "2", "3", "3", "3"]
    assert [replay.complete(text_only()).text for _ in range(2)] == ["1", "1"]
    replay = ReplayBackend(path)
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda _: replay.complete(zero_shot()).text, range(50)))
    assert sorted(texts) == ["0", "2", *["3"] * 48]


def test_equal_prompts_at_the_same_time_are_asked_once(path: Path) -> None:
    inner = numbered()
    recording = RecordingBackend(inner, path)

    async def run() -> list[Completion]:
        return await asyncio.gather(*[recording.acomplete(text_only()) for _ in range(5)])

    with ThreadPoolExecutor(8) as pool:
        texts = {c.text for c in pool.map(lambda _: recording.complete(zero_shot()), range(50))}
    texts |= {completion.text for completion in asyncio.run(run())}
    assert texts == {"0", "1"}
    assert len(inner.prompts) == len(lines(path)) - 1 == 2


CHANGES: list[tuple[Callable[[], Prompt], str]] = [
    (lambda: zero_shot(sample=2), r"the vote \(recorded number 0, now 2\)\."),
    (lambda: zero_shot(max_output_tokens=5), r"the bound on the answer \(recorded 2000 tokens, n"),
    (lambda: zero_shot(schema=SCHEMA | {"title": "Other"}), r"differs in the schema of the answer"),
    (
        lambda: Prompt(
            "You inspect.",
            (Message("user", ("Picture of the item:", view("#000000"), "Is it anomalous?")),),
            SCHEMA,
        ),
        r"differs in picture 1 \(recorded '….*now '….*'\)\. Undo",
    ),
    (
        lambda: Prompt(
            "You inspect.",
            (Message("user", ("Picture of the item:", view(), "Is it all right?")),),
            SCHEMA,
        ),
        r"differs in text 3 \(recorded 'Is it anomalous\?', now 'Is it all right\?'\)\. Undo",
    ),
    (
        lambda: Prompt(
            "You inspect.",
            (Message("user", (view(), "Picture of the item:", "Is it anomalous?")),),
            SCHEMA,
        ),
        r"differs in the order of its parts",
    ),
    (re_ask, r"differs in the texts \(recorded 3, now 5\)"),
]


@pytest.mark.parametrize(("changed", "words"), CHANGES)
def test_what_is_not_recorded_is_an_error_that_names_the_difference(
    path: Path, changed: Callable[[], Prompt], words: str
) -> None:
    record(path, k_shot(), zero_shot(), text_only())
    replay = ReplayBackend(path)
    with pytest.raises(ConfigurationError, match=words) as caught:
        replay.complete(changed())
    assert f"({zero_shot().sha256[:12]})" in str(caught.value), "the closest one"
    with pytest.raises(ConfigurationError, match=r"with record='"):
        asyncio.run(replay.acomplete(changed()))


def test_the_same_prompt_differs_in_nothing() -> None:
    asked = Asked.of(zero_shot())
    assert asked.likeness(asked) == 7
    assert asked.differences(Asked.of(text_only()))[0] == "the pictures (recorded 1, now 0)"
    assert Take.of(zero_shot(), FULL).asked == asked


def test_an_empty_cassette_holds_nothing(path: Path) -> None:
    record(path)
    with pytest.raises(ConfigurationError, match="replaying needs a cassette that gadet recorded"):
        ReplayBackend(path)
    record(path, zero_shot())
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(ConfigurationError, match="it holds no answer at all"):
        ReplayBackend(path).complete(zero_shot())


def test_the_answers_of_another_backend_are_not_mixed_in(path: Path, connect: Connect) -> None:
    with serving(ok) as server:
        recording = RecordingBackend(connect(server.url, temperature=0.5), path)
        recording.complete(zero_shot())
        recording.close()
        priced = Profile(prices=Prices(input=1, output=1, as_of="2026-01-01"), source="elsewhere")
        same = {"temperature": 0.5, "api_key": "sk-1234567890", "profile": priced}
        assert RecordingBackend(connect(server.url, **same), path).complete(zero_shot()).text
        for options, words in [
            ({}, r"temperature \(recorded 0.5, now None\)"),
            ({"temperature": 0.5, "name": "x"}, r"name \(recorded 'http:a-model', now 'x'\)"),
            (
                {"temperature": 0.5, "profile": Profile(schema_mode="json_object")},
                r"profile.schema_mode \(recorded 'json_schema', now 'json_object'\)",
            ),
        ]:
            with pytest.raises(ConfigurationError, match=words) as caught:
                RecordingBackend(connect(server.url, **options), path)
            assert "mode='all'" in str(caught.value)


def test_secrets_among_the_settings_are_covered(path: Path) -> None:
    extra = {
        "api_key": "sk-1", "max_tokens": 7, "metadata": [{"auth-token": "t", "team": "sight"}],
        "password": SecretStr("p4ss"), "other": SecretStr("hidden"), "client_secret": {"a": "b"},
    }  # fmt: skip
    backend = HttpBackend("m", base_url="http://127.0.0.1:1/v1?key=sk-1", extra=extra)
    recording = RecordingBackend(ScriptedLike(backend), path)
    recording.complete(zero_shot())
    assert lines(path)[0]["settings"]["extra"] == {
        "api_key": "***", "max_tokens": 7, "metadata": [{"auth-token": "***", "team": "sight"}],
        "password": "***", "other": "**********", "client_secret": "***",
    }  # fmt: skip
    for secret in (b"sk-1", b"p4ss", b"hidden"):
        assert secret not in path.read_bytes()


class ScriptedLike(ScriptedBackend):
    """A scripted backend with the settings of another one."""

    def __init__(self, other: HttpBackend) -> None:
        super().__init__(["fine"] * 9, name=other.name, profile=other.profile)
        self.settings = other.settings


def test_a_last_line_that_was_cut_short_is_asked_again(path: Path) -> None:
    record(path, zero_shot(), text_only())
    path.write_bytes(path.read_bytes()[:-20])
    # The prompt without a picture stands first.
    kept, lost = text_only(), zero_shot()
    assert ReplayBackend(path).complete(kept)
    with pytest.raises(ConfigurationError, match="has none"):
        ReplayBackend(path).complete(lost)
    recording = RecordingBackend(numbered(name="a:b"), path)
    assert recording.complete(lost).origin == "model"
    assert len(lines(path)) == 3
    recording.close()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello\n", "is something else"),
        (b"[1]\n", "is something else"),
        (b'{"gadet_cassette": 99}\n', "is something else"),
        (b'{"gadet_journal": 1}\n', "is something else"),
        (b'{"gadet_cassette": 1, "backend": "x"}\n', "line 1 of .* cannot be read"),
        (b"[" * 100_000 + b"\n", "is something else"),
    ],
)
def test_a_file_that_is_no_cassette_is_left_alone(path: Path, content: bytes, words: str) -> None:
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=words):
        ReplayBackend(path)
    with pytest.raises(ConfigurationError, match=words):
        RecordingBackend(numbered(), path)
    if b"gadet_cassette" not in content:
        with pytest.raises(ConfigurationError, match="replaces only what gadet recorded"):
            RecordingBackend(numbered(), path, mode="all")
    assert path.read_bytes() == content


def test_a_line_that_cannot_be_read_is_named(path: Path) -> None:
    record(path, zero_shot(), text_only())
    head, first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(head + first + b"<<<<<<< HEAD\n" + second)
    with pytest.raises(ConfigurationError, match=r"line 3 of .*mend it, take it out"):
        ReplayBackend(path)


def test_a_cassette_that_is_not_there_or_too_large(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        ReplayBackend(path)
    assert not path.exists()
    record(path, zero_shot())
    monkeypatch.setattr("gadet.backends.recall.tape.LARGEST", 100)
    with pytest.raises(ConfigurationError, match="at most 100 bytes"):
        ReplayBackend(path)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file" / "run.jsonl", tmp_path):
        with pytest.raises(ConfigurationError, match="recording needs a file that can be written"):
            RecordingBackend(numbered(), place)
    with pytest.raises(ConfigurationError, match="mode is 'new' or 'all'; got 'once'"):
        RecordingBackend(numbered(), tmp_path / "run.jsonl", mode="once")  # type: ignore[arg-type]


def test_two_recordings_do_not_mix(path: Path) -> None:
    pytest.importorskip("fcntl")
    first = RecordingBackend(numbered(), path)
    second = RecordingBackend(numbered(), path)
    first.complete(zero_shot())
    with pytest.raises(ConfigurationError, match="in use by another recording"):
        second.complete(text_only())
    first.close()
    with pytest.raises(ConfigurationError, match="changed by another recording"):
        second.complete(text_only())
    third = RecordingBackend(numbered(), path)
    third.complete(text_only())
    del third
    again = RecordingBackend(numbered(), path)
    again.complete(k_shot())
    again.close()
    assert len(lines(path)) == 4, "a recording that was dropped has let go"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_leaves_the_order_to_its_parent(path: Path) -> None:
    recording = RecordingBackend(numbered(), path)
    recording.complete(zero_shot())
    child = os.fork()
    if child == 0:
        recording.close()
        os._exit(0)
    os.waitpid(child, 0)
    recording.complete(text_only())
    recording.close()
    assert len(lines(path)) == 3


def test_a_report_is_the_same_when_it_is_played(path: Path) -> None:
    profile = Profile(prices=Prices(input=1000, output=1000, as_of="2026-01-01"))
    good = Completion(answer(), usage=Usage(requests=1, input_tokens=500, output_tokens=50))
    inner = ScriptedBackend(lambda p: good if len(p.messages) > 1 else "no JSON", profile=profile)
    items = [picture(spot=True, shade=shade) for shade in (90, 100, 110)]
    recorded, played = (
        AnomalyDetector(make(), expert=StubExpert()).detect_many(items, samples=2)
        for make in (lambda: RecordingBackend(inner, path), lambda: ReplayBackend(path))
    )
    for first, second in zip(recorded, played, strict=True):
        plain = [r.model_dump(mode="json", exclude={"timings", "notes"}) for r in (first, second)]
        assert plain[0] == plain[1]
    assert len(inner.prompts) == len(lines(path)) - 1 == 12
