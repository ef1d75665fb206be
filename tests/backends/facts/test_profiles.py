from __future__ import annotations

import logging
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from gadet.backends.facts.profile import LongPrices, Prices, Profile
from gadet.backends.facts.profiles import _say_once, _shipped_rows, profile_for, unknown_model_note
from gadet.backends.facts.tokens import Patch28, Unknown
from gadet.errors import ConfigurationError
from gadet.view import ViewLimits


@pytest.fixture(autouse=True)
def _no_file_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GADET_MODELS", raising=False)


def test_an_unknown_model_gets_the_defaults() -> None:
    assert profile_for("acme", "never-heard-of") == Profile()
    assert Profile().schema_mode == "json_schema"
    assert Profile().token_rule == Unknown()
    assert Profile().views == ViewLimits()


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


# ---- what a model sees


def test_views_are_narrowed_to_what_the_model_leaves_as_it_is() -> None:
    rule = Patch28(edge=1568, patches=1568)
    profile = Profile(token_rule=rule, views=ViewLimits(max_side=5000, max_pixels=10**8))
    assert profile.views.max_side == 1568
    assert profile.views.max_patches == 1568
    assert Profile(token_rule=rule, views=ViewLimits(max_side=300)).views.max_side == 300
    assert Profile.model_validate_json(profile.model_dump_json()) == profile
    assert hash(profile) == hash(profile.model_copy())


def test_the_level_of_detail_decides_the_size() -> None:
    finest = profile_for("openai", "gpt-5.5")
    coarse = profile_for("openai", "gpt-5.5", {"image_detail": "low"})
    assert coarse.views.fit(4000, 3000) == (512, 384)
    assert finest.views.fit(4000, 3000) == (1847, 1385)
    wide = profile_for(
        "openai", "gpt-5.5", {"views": {"max_side": 9000, "max_pixels": 10**8}}
    ).views.fit(9000, 4500)
    assert wide[0] > 4400
    assert -(-wide[0] // 32) * -(-wide[1] // 32) <= 10_000


def test_many_pictures_are_taken_by_anthropic() -> None:
    # More than 20 pictures of one request may have 2000 pixels at most.
    for model in ("claude-opus-4-5", "claude-opus-5-5", "claude-never-heard-of"):
        assert max(profile_for("anthropic", model).views.fit(10_000, 500)) <= 2000


def test_tokens_follow_the_level_of_detail() -> None:
    assert profile_for("openai", "gpt-4o").tokens_of(1024, 768) == 765
    assert profile_for("openai", "gpt-4o", {"image_detail": "low"}).tokens_of(512, 384) == 85


@pytest.mark.parametrize(
    "changes",
    [
        {"seconds_per_answer": (5, 1)},
        {"seconds_per_answer": (-1, 1)},
        {"prices": Prices(input=1, output=1, as_of="x").model_dump() | {"batch": 1.5}},
        {"prices": {"input": float("nan"), "output": 1, "as_of": "x"}},
        {"token_rule": {"kind": "none"}},
    ],
)
def test_facts_that_no_profile_has(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Profile.model_validate(changes)
    with pytest.raises(ValidationError):
        LongPrices(over=0, input=1, output=1)


# ---- rows of the user's own

MINE = """
[[row]]
models = ["My-Model*"]
[row.facts]
max_images = 3
views = { max_side = 700 }
token_rule = { kind = "qwen", factor = 28 }

[[row]]
providers = ["OpenAI"]
models = ["gpt-4o"]
[row.facts]
prices = { input = 7.0, output = 8.0, as_of = "2026-11-01" }
token_rule = { kind = "patch28", edge = 1568, patches = 1568 }
"""


def test_rows_of_a_file_come_last(tmp_path: Path) -> None:
    path = tmp_path / "models.toml"
    path.write_text(MINE)
    profile = profile_for("vllm", "org/my-model-7b", files=[path])
    assert (profile.max_images, profile.token_rule.kind) == (3, "qwen")
    assert profile.views.fit(5000, 5000) == (700, 700)
    assert profile.logprobs  # what the server's row says stays
    known = profile_for("openai", "gpt-4o", files=[str(path)])
    assert known.prices == Prices(input=7, output=8, as_of="2026-11-01")
    assert known.token_rule == Patch28(edge=1568, patches=1568)  # another kind, nothing is left
    assert known.logprobs
    assert profile_for("vllm", "my-model", {"max_images": 4}, files=[path]).max_images == 4


def test_the_environment_names_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "models.toml"
    path.write_text(MINE)
    monkeypatch.setenv("GADET_MODELS", str(path))
    assert profile_for("http", "my-model").max_images == 3
    later = tmp_path / "later.toml"
    later.write_text('[[row]]\nmodels = ["my-model"]\nfacts = { max_images = 5 }\n')
    assert profile_for("http", "my-model", files=[later]).max_images == 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[[row]]\nmodels = ['a']\n[row.facts]\nmax_image = 3", r"row 1 of .*max_image: Extra"),
        ("[[row]]\nmodels = ['a']\nfacts = {max_images = 1}\n[[row]]\nmodels = ['b']\n"
         "[row.facts.views]\nmax_side = 0", r"row 2 of .*views\.max_side: Input should be greater"),
        ("[[row]]\nmodel = ['a']\nfacts = {max_images = 1}", r"row 1 of .*model: Extra"),
        ("[[row]]\nmodels = ['a']", r"row 1 of .*facts: Field required"),
        ("[[row]]\nmodels = 'a'\nfacts = {max_images = 1}", r"row 1 of .*models: "),
        ("[[row]]\nmodels = ['a']\nfacts = {}", r"row 1 of .*facts: "),
        ("row = [3]", r"row 1 of .*the row: "),
        ("[[row]]\nmodels = ['a']\n[row.facts]\nimage_detail = 'fine'\n[row.facts.token_rule]\n"
         "kind = 'gemini3'", r"row 1 of .*image_detail must be one of low, medium"),
        ("[[rows]]\nmodels = ['a']", r"holds \[\[row\]\] tables and nothing else; .* holds rows"),
        ("", "holds nothing"),
        ("row = 3", "holds row"),
        ("[[row]", "is TOML in UTF-8"),
        ("a = " + "[" * 5000, "is TOML in UTF-8"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "models.toml"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        profile_for("openai", "anything", files=[path])


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.toml", tmp_path, "~no-such-user-here/m.toml", "a\0b"):
        with pytest.raises(ConfigurationError, match="that can be read is needed"):
            profile_for("openai", "m", files=[path])
    binary, large = tmp_path / "binary.toml", tmp_path / "large.toml"
    binary.write_bytes(b"\xff\xfe")
    large.write_text("#" * (1 << 20) + "\n")
    with pytest.raises(ConfigurationError, match="TOML in UTF-8"):
        profile_for("openai", "m", files=[binary])
    with pytest.raises(ConfigurationError, match="at most 1,048,576 bytes"):
        profile_for("openai", "m", files=[large])


# ---- models that nobody knows


def test_an_unknown_model_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    _say_once.cache_clear()
    with caplog.at_level(logging.INFO, logger="gadet"):
        for _ in range(3):
            profile_for("vllm", "home-made")
            profile_for("openai", "gpt-4o")
    (record,) = caplog.records
    assert "vllm:home-made" in record.message
    assert record.message == unknown_model_note("VLLM", "Home-Made")


def test_a_row_of_the_user_makes_a_model_known(tmp_path: Path) -> None:
    path = tmp_path / "models.toml"
    path.write_text(MINE)
    assert unknown_model_note("vllm", "my-model-7b") is not None
    assert unknown_model_note("vllm", "my-model-7b", files=[path]) is None
    assert unknown_model_note("openai", "gpt-4o") is None
