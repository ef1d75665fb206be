from __future__ import annotations

import asyncio
import math
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gadet import AnomalyDetector, Backend, Report
from gadet.backends.base import Completion
from gadet.backends.likelihood import likelihood_of
from gadet.backends.local import LocalBackend
from gadet.errors import BackendError, ConfigurationError, MissingDependencyError
from tests.backends.local.conftest import SCHEMA, Local, question

FAMILIES = ("llava", "qwen")
# Texts of different lengths, with different numbers of pictures: rows that need padding.
MIXED = [
    question("Is it anomalous?"),
    question("Look at both pictures, then say whether the second one departs.", pictures=2),
    question("So?", pictures=3),
    question("Is it?").followed_by("It may be.", "Say it again."),
]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_prompt_is_answered(local: Local, family: str) -> None:
    backend = local(family)
    assert isinstance(backend, Backend)
    completion = backend.complete(question())
    assert 0 < completion.usage.output_tokens <= 12
    assert completion.usage.input_tokens > 40
    assert "".join(token.token for token in completion.logprobs).strip("�")
    assert all(token.logprob <= 0 for token in completion.logprobs)
    # Greedy: what was taken is the likeliest.
    assert all(token.logprob == token.alternatives[0][1] for token in completion.logprobs)
    assert completion.model is not None
    assert completion.model.startswith(f"{family}@sha256:")
    assert backend.complete(question()) == completion


@pytest.mark.parametrize(
    ("wanted", "text", "stop", "tokens"),
    [({"a": 5.0}, "a" * 12, "truncated", 12), ({"<|im_end|>": 5.0}, "", "complete", 1)],
)
def test_why_an_answer_ends_is_told(
    local: Local, wanted: dict[str, float], text: str, stop: str, tokens: int
) -> None:
    backend = local("qwen")
    _lean(backend, wanted)
    completion = backend.complete(question())
    assert (completion.text, completion.stop) == (text, stop)
    assert completion.usage.output_tokens == tokens


def test_alternatives_are_kept_where_a_verdict_may_begin(local: Local) -> None:
    """Of twelve letters; all other tokens are less likely than one in a thousand million."""
    counts = {}
    for letter in "ax":
        backend = local()
        _lean(backend, {letter: 1.0, **dict.fromkeys("bcdefghijkl", 0.0)})
        (token,) = backend.complete(question(max_output_tokens=1)).logprobs
        counts[token.token] = len(token.alternatives)
    assert counts == {"a": 12, "x": 5}


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_in_a_batch_are_those_given_one_by_one(local: Local, family: str) -> None:
    alone = local(family, max_batch=1)
    expected = [alone.complete(prompt) for prompt in MIXED]
    together = local(family, max_batch=4, batch_window=5.0)
    sizes = _watched(together)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(together.complete, MIXED))
    assert sizes == [4]
    assert len({completion.text for completion in expected}) > 1
    for one, other in zip(expected, found, strict=True):
        _same(one, other)


def test_tasks_share_a_batch_as_threads_do(local: Local) -> None:
    backend = local(max_batch=4, batch_window=5.0)
    sizes = _watched(backend)

    async def ask() -> list[Completion]:
        return await asyncio.gather(*[backend.acomplete(prompt) for prompt in MIXED])

    found = asyncio.run(ask())
    assert sizes == [4]
    assert [one.text for one in found] == [local().complete(prompt).text for prompt in MIXED]


def test_prompts_with_and_without_pictures_are_answered_apart(local: Local) -> None:
    backend = local(max_batch=2, batch_window=0.2)
    sizes = _watched(backend)
    prompts = [question(), question("Say hello.", pictures=0), question(max_output_tokens=3)]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(backend.complete, prompts))
    assert sizes == [1, 1, 1]
    assert [one.usage.output_tokens for one in found] == [12, 12, 3]


def test_what_is_sampled_depends_on_the_prompt_and_the_seed_alone(local: Local) -> None:
    prompts = [question().vote(number) for number in range(4)]
    warm = local(temperature=1.0, max_batch=1)
    assert warm.profile.sampling
    first = [warm.complete(prompt).text for prompt in prompts]
    assert len(set(first)) == 4
    together = local(temperature=1.0, max_batch=4, batch_window=5.0)
    with ThreadPoolExecutor(4) as pool:
        assert [c.text for c in pool.map(together.complete, prompts)] == first
    assert local(temperature=1.0, seed=1).complete(prompts[0]).text != first[0]
    assert not local().profile.sampling


def test_a_control_token_in_a_text_is_only_text(local: Local) -> None:
    plain = local("qwen").complete(question("Two pictures < |image_pad|> here"))
    planted = local("qwen").complete(question("Two pictures <|image_pad|> here"))
    assert planted.text == plain.text


def test_a_picture_at_the_border_is_seen(local: Local) -> None:
    """The tiny LLaVA's processor would cut off the sides of a wide picture."""
    wide = Image.new("RGB", (112, 28), "#808080")
    marked = wide.copy()
    marked.paste("#ff0000", (0, 0, 14, 28))
    backend = local()
    assert _asked(backend, wide).logprobs != _asked(backend, marked).logprobs


@pytest.mark.parametrize("size", [(20, 20), (56, 56), (300, 200), (1000, 90), (31, 400)])
def test_a_view_is_as_large_as_the_model_sees_it(local: Local, size: tuple[int, int]) -> None:
    """Boxes in pixels are only true of a picture that the processor leaves as it is."""
    backend = local("qwen")
    assert backend.profile.boxes.frame == "pixels"
    width, height = backend.profile.views.fit(*size)
    resize = pytest.importorskip("transformers.models.qwen2_vl.image_processing_pil_qwen2_vl")
    seen = resize.smart_resize(height, width, 28, **{"min_pixels": 12544, "max_pixels": 50176})
    assert seen == (height, width)
    tokens = [
        _asked(backend, Image.new("RGB", picture)).usage.input_tokens
        for picture in ((width, height), (112, 112))
    ]
    assert tokens[0] - tokens[1] == width * height // 28**2 - 16


def test_the_verdict_alone_is_asked_for(local: Local) -> None:
    backend = local(scoring="verdict")
    _lean(backend)
    completion = backend.complete(question(schema=SCHEMA))
    assert completion.usage.output_tokens == 1
    assert completion.text == "".join(token.token for token in completion.logprobs)
    report = AnomalyDetector(backend, expert=None).detect(Image.new("RGB", (40, 30), "#304050"))
    assert report.verdict in ("anomalous", "normal", "uncertain")
    assert report.score_source == "logprob"
    assert report.provenance.backend.endswith("#verdict")
    assert report.cost is not None
    assert report.cost.amount == 0
    assert "Only the verdict was asked for" in report.explanation


def test_verdicts_in_a_batch_are_those_given_one_by_one(local: Local) -> None:
    prompts = [replace(prompt, schema=SCHEMA) for prompt in MIXED]
    alone, together = (
        local(scoring="verdict", max_batch=most, batch_window=5.0 * (most > 1)) for most in (1, 4)
    )
    _lean(alone)
    _lean(together)
    expected = [alone.complete(prompt) for prompt in prompts]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(together.complete, prompts))
    for one, other in zip(expected, found, strict=True):
        verdict: Any = one.logprobs[1].token
        p = likelihood_of(one, verdict)
        assert p is not None
        assert 0 < p < 1
        assert likelihood_of(other, verdict) == pytest.approx(p, abs=1e-4)


def test_a_model_that_has_no_verdict_in_mind_is_uncertain(local: Local) -> None:
    """Random weights put next to nothing on the three words."""
    report = AnomalyDetector(local(scoring="verdict"), expert=None).detect(
        Image.new("RGB", (40, 30))
    )
    assert (report.verdict, report.score, report.score_source) == ("uncertain", 0.5, "stated")


def test_a_question_in_words_is_answered_in_words(local: Local) -> None:
    assert local(scoring="verdict").complete(question()) == local().complete(question())


def test_a_batch_of_items_is_inspected(local: Local, tmp_path: Path) -> None:
    backend = local("qwen", scoring="verdict", batch_window=0.05)
    items = []
    for number in range(3):
        items.append(tmp_path / f"{number}.png")
        Image.new("RGB", (60 + 20 * number, 70), (40 * number, 90, 120)).save(items[-1])
    with AnomalyDetector(backend, expert=None) as detector:
        results = detector.detect_many(items, references=[items[0]], progress=False)
    assert all(isinstance(result, Report) and result.judged for result in results)


def test_a_closed_backend_frees_its_model_and_can_be_used_again(local: Local) -> None:
    backend = local()
    first = backend.complete(question())
    held = _engine(backend)
    weight = weakref.ref(next(held._model.parameters()))
    del held
    backend.close()
    backend.close()
    assert weight() is None
    assert backend.complete(question()) == first


def test_a_batch_that_does_not_fit_is_halved(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    backend = local(max_batch=4, batch_window=5.0)
    write = _loaded(backend).write
    sizes: list[int] = []

    def cramped(questions: Any, **options: Any) -> Any:
        sizes.append(len(questions))
        if len(questions) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return write(questions, **options)

    monkeypatch.setattr(_engine(backend), "write", cramped)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(backend.complete, MIXED))
    assert sizes == [4, 2, 1, 1, 2, 1, 1]
    assert all(one.text for one in found)


def test_a_model_that_fails_is_an_error_of_ours(
    local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = local()

    def failing(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no kernel image " + "x" * 1000)

    monkeypatch.setattr(_loaded(backend)._model, "generate", failing)
    with pytest.raises(BackendError, match="RuntimeError: no kernel image") as told:
        backend.complete(question())
    assert len(str(told.value)) < 800


def test_numbers_that_overflowed_are_no_answer(local: Local) -> None:
    backend = local()
    _lean(backend, {"a": math.nan})
    with pytest.raises(BackendError, match=r"no number.*'float32'"):
        backend.complete(question())


def test_a_long_prompt_takes_no_room_from_the_others(local: Local) -> None:
    """The context is made so short that the long prompt must be cut off, and the short need not."""
    backend = local(max_batch=2, batch_window=5.0)
    prompts = [question("x" * 100, max_output_tokens=20), question(max_output_tokens=20)]
    alone = local(max_batch=1)
    expected = [alone.complete(prompt) for prompt in prompts]
    limit = expected[0].usage.input_tokens + 5
    for one in (backend, alone):
        _loaded(one)._model.config.get_text_config().max_position_embeddings = limit
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(backend.complete, prompts))
    assert [one.usage.output_tokens for one in found] == [5, 20]
    assert [one.stop for one in found] == ["truncated", "truncated"]
    assert found[1].text == expected[1].text
    assert expected[0].text.startswith(found[0].text.rstrip("�"))


def test_a_prompt_that_does_not_fit_is_told_before_the_model_is_asked(local: Local) -> None:
    with pytest.raises(ConfigurationError, match="at most 8 pictures"):
        local().complete(question(pictures=9))
    with pytest.raises(ConfigurationError, match="takes 32768 tokens"):
        local().complete(question("x" * 33_000))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1.0}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"scoring": "yes"}, "'answer' or 'verdict'"),
        ({"max_batch": 0}, "max_batch"),
        ({"batch_window": -1}, "batch_window"),
    ],
)
def test_options_that_cannot_be_used(tmp_path: Path, options: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        LocalBackend(str(tmp_path), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"dtype": "int8"}, "dtype is"), ({"dtype": "half-ish"}, "dtype is")],
)
def test_a_placement_that_torch_does_not_have(local: Local, options: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        local(**options).complete(question())


def test_a_device_that_is_not_here(models: Path) -> None:
    with pytest.raises(ConfigurationError, match="device is 'auto'"):
        LocalBackend(str(models / "llava"), device="cuda:99").complete(question())
    with pytest.raises(ConfigurationError, match="device is 'auto'"):
        LocalBackend(str(models / "llava"), device="toaster").complete(question())


def test_without_the_packages_the_pip_line_is_told(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "gadet.backends.local.backend.find_spec", lambda name: None if name != "torch" else name
    )
    assert LocalBackend.missing() == "no transformers: pip install 'gadet[transformers]'"
    with pytest.raises(MissingDependencyError, match=r"gadet\[transformers\]"):
        LocalBackend(str(models / "llava")).complete(question())


def test_settings_tell_what_decides_an_answer(local: Local) -> None:
    settings = local("qwen", temperature=0.5, seed=3).settings
    assert settings["model"].startswith("qwen@sha256:")
    assert (settings["temperature"], settings["seed"], settings["dtype"]) == (0.5, 3, "auto")
    assert local("llava").settings != local("llava", scoring="verdict").settings


def test_a_name_shows_the_model(local: Local, models: Path) -> None:
    backend = local()
    assert backend.name == f"transformers:{models / 'llava'}"
    assert repr(backend) == f"LocalBackend({backend.name!r})"


def _engine(backend: LocalBackend) -> Any:
    assert backend._engine is not None
    return backend._engine


def _loaded(backend: LocalBackend) -> Any:
    return backend._loaded()


def _watched(backend: LocalBackend) -> list[int]:
    """The sizes of the batches that a backend will answer."""
    engine, sizes, lock = _loaded(backend), [], threading.Lock()
    write = engine.write

    def watching(questions: Any, **options: Any) -> Any:
        with lock:
            sizes.append(len(questions))
        return write(questions, **options)

    engine.write = watching
    return sizes


def _lean(backend: LocalBackend, wanted: dict[str, float] | None = None) -> None:
    """Make a tiny model think of these tokens alone, by how much, and a little by what it sees."""
    import torch

    engine = _loaded(backend)
    old = engine._model.lm_head
    head = torch.nn.Linear(old.in_features, old.out_features, bias=True)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.fill_(-20.0)
        seen = torch.randn(old.in_features, generator=torch.Generator().manual_seed(0)) / 5
        for number, (token, weight) in enumerate((wanted or {"a": 0.0, "n": 0.0}).items()):
            token_id = engine._tokenizer.convert_tokens_to_ids(token)
            head.bias[token_id] = weight
            head.weight[token_id] = seen * (-1) ** number
    engine._model.lm_head = head


def _same(one: Completion, other: Completion) -> None:
    assert one.text == other.text
    assert (one.stop, one.usage) == (other.stop, other.usage)
    for a, b in zip(one.logprobs, other.logprobs, strict=True):
        assert a.logprob == pytest.approx(b.logprob, abs=1e-4)


def _asked(backend: LocalBackend, picture: Image.Image) -> Completion:
    from gadet.geometry import Frame
    from gadet.prompts.prompt import Message, Prompt
    from gadet.view import View

    parts = (View(picture, Frame.whole(picture.size)), "So?")
    return backend.complete(Prompt("", (Message("user", parts),), {}, max_output_tokens=2))
