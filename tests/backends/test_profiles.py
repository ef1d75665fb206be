from __future__ import annotations

from datetime import date

import pytest

from gadet.backends.profile import Profile
from gadet.backends.profiles import _shipped_rows, profile_for
from gadet.errors import ConfigurationError


def test_an_unknown_model_gets_the_defaults() -> None:
    assert profile_for("acme", "never-heard-of") == Profile()
    assert Profile().schema_mode == "json_schema"


def test_every_row_is_dated_and_sourced_and_makes_a_profile() -> None:
    for row in _shipped_rows():
        assert date.fromisoformat(row.facts["as_of"]) <= date(2026, 11, 23)
        assert row.facts["source"]
        assert row.providers or row.models
        assert all(pattern == pattern.lower() for pattern in row.models)
        assert Profile.model_validate(row.facts)


@pytest.mark.parametrize(
    "model", ["gpt-5.6-sol", "GPT-5.6-Sol", "gpt-5.6-terra", "gpt-5.4-mini", "gpt-6-astra"]
)
def test_frontier_gpt(model: str) -> None:
    profile = profile_for("openai", model)
    assert profile.schema_mode == "openai_strict"
    assert profile.max_tokens_field == "max_completion_tokens"
    assert profile.system_role == "developer"
    assert not profile.sampling
    assert not profile.logprobs
    assert profile.image_detail == "original"
    assert (profile.boxes.order, profile.boxes.frame) == ("xyxy", "pixels")
    # Nothing may be resized on the way, or the pixels would be those of another picture.
    width, height = profile.views.fit(10_000, 7_000)
    assert -(-width // 32) * -(-height // 32) <= 2700
    assert profile.views.max_side <= 6000


@pytest.mark.parametrize("model", ["gpt-5", "gpt-5.1", "o3", "o4-mini", "gpt-9-unheard-of"])
def test_other_models_of_openai_take_relative_boxes(model: str) -> None:
    profile = profile_for("openai", model)
    assert profile.schema_mode == "openai_strict"
    assert not profile.sampling
    assert profile.boxes.frame == "relative"


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini"])
def test_models_without_reasoning_take_sampling(model: str) -> None:
    profile = profile_for("openai", model)
    assert profile.sampling
    assert profile.logprobs
    assert profile.system_role == "system"


def test_a_row_for_a_provider_says_nothing_about_others() -> None:
    assert profile_for("vllm", "gpt-oss-20b").schema_mode == "json_schema"
    assert profile_for("http", "gpt-5.6-sol").schema_mode == "json_schema"


@pytest.mark.parametrize(
    ("provider", "model", "frame"),
    [
        ("ollama", "qwen3-vl:8b", "relative"),
        ("vllm", "Qwen/Qwen3-VL-8B-Instruct", "relative"),
        ("openrouter", "qwen/qwen3-vl-235b-a22b-instruct", "relative"),
        ("vllm", "Qwen/Qwen2-VL-7B-Instruct", "relative"),
        ("ollama", "qwen2.5vl:7b", "pixels"),
        ("http", "/models/Qwen2.5-VL-3B-Instruct", "pixels"),
    ],
)
def test_qwen_goes_by_its_family_and_not_by_its_server(
    provider: str, model: str, frame: str
) -> None:
    boxes = profile_for(provider, model).boxes
    assert (boxes.order, boxes.frame) == ("xyxy", frame)


@pytest.mark.parametrize("model", ["google/gemini-3-pro", "gemini-3-flash"])
def test_gemini_writes_y_first(model: str) -> None:
    boxes = profile_for("openrouter", model).boxes
    assert (boxes.order, boxes.frame, boxes.scale) == ("yxyx", "relative", 1000)


def test_rows_of_server_and_model_are_laid_over_each_other() -> None:
    profile = profile_for("llamacpp", "qwen2.5-vl-7b")
    assert profile.schema_mode == "llamacpp"
    assert profile.logprobs
    assert profile.boxes.frame == "pixels"


def test_changes_of_the_caller_come_last() -> None:
    changes = {"views": {"encoding": "image/jpeg"}, "max_images": 3}
    profile = profile_for("openai", "gpt-5.6-sol", changes)
    assert profile.views.encoding == "image/jpeg"
    assert profile.views.max_side == profile_for("openai", "gpt-5.6-sol").views.max_side
    assert profile.max_images == 3


@pytest.mark.parametrize("changes", [{"max_image": 3}, {"max_images": 0}, {"views": {"side": 1}}])
def test_changes_that_a_profile_does_not_have(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="the profile of openai:m"):
        profile_for("openai", "m", changes)
