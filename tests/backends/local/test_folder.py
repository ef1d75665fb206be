from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gadet.backends.facts.profile import Profile
from gadet.backends.local import LocalBackend
from gadet.backends.local.folder import ModelFolder, find_model
from gadet.errors import BackendError, ConfigurationError


def write(folder: Path, **files: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {"config": {"model_type": "llava"}, **files}.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_a_folder_is_a_model(tmp_path: Path) -> None:
    found = find_model(str(write(tmp_path / "tiny")))
    assert (found.name, found.family, found.revision) == ("tiny", "tiny", None)


def test_a_folder_of_the_hubs_cache_is_known_by_its_commit(tmp_path: Path) -> None:
    commit = "0123456789abcdef"
    found = find_model(str(write(tmp_path / "snapshots" / commit)))
    assert found.identity == "@0123456789ab"


@pytest.mark.parametrize(
    ("kind", "frame"),
    [("qwen2_5_vl", "pixels"), ("qwen3_vl", "relative"), ("llava", "relative")],
)
def test_the_configuration_tells_the_family(tmp_path: Path, kind: str, frame: str) -> None:
    backend = LocalBackend(str(write(tmp_path / "x", config={"model_type": kind})))
    profile = backend.profile
    assert profile.boxes.frame == frame
    assert (profile.schema_mode, profile.logprobs, profile.max_images) == ("prompt_only", True, 8)


def side(most: int) -> dict[str, Any]:
    return {"views": {"max_side": most}}


def merged(factor: int, **bounds: int) -> dict[str, Any]:
    return {"token_rule": {"kind": "qwen", "factor": factor, **bounds}}


QWEN = {"patch_size": 14, "merge_size": 2}


@pytest.mark.parametrize(
    ("settings", "facts"),
    [
        ({}, {}),
        ({"size": {"height": 336, "width": 224}}, side(336)),
        ({"size": {"shortest_edge": 28}}, side(28)),
        ({"size": {"longest_edge": 9000}}, side(1568)),
        ({"size": {"shortest_edge": 9, "longest_edge": 512}}, side(512)),
        ({"image_grid_pinpoints": [[336, 672], [1008, 336]]}, side(1008)),
        ({"patch_size": 16, "merge_size": 2}, merged(32)),
        (
            {**QWEN, "min_pixels": 3136, "max_pixels": 50176},
            merged(28, min_tokens=4, max_tokens=64),
        ),
        ({**QWEN, "size": {"longest_edge": 12_845_056}}, merged(28, max_tokens=16_384)),
        ({"size": 224, "image_grid_pinpoints": "odd"}, {}),
        ({"size": {"height": "tall"}, "image_grid_pinpoints": [7, ["a"]]}, {}),
    ],
)
def test_pictures_are_limited_as_the_processor_says(
    tmp_path: Path, settings: dict[str, Any], facts: dict[str, Any]
) -> None:
    for name, content in (
        ("preprocessor_config", settings),
        ("processor_config", {"image_processor": settings}),
    ):
        folder = ModelFolder(write(tmp_path / name, **{name: content}), "x")
        assert folder.facts == facts
        Profile(**folder.facts)


def test_the_weights_are_told_apart_by_their_bytes(tmp_path: Path) -> None:
    folder = write(tmp_path / "a")
    (folder / "model-1.safetensors").write_bytes(b"one")
    (folder / "model-2.safetensors").write_bytes(b"two")
    both = hashlib.sha256(hashlib.sha256(b"one").digest() + hashlib.sha256(b"two").digest())
    assert find_model(str(folder)).identity == f"@sha256:{both.hexdigest()[:12]}"


def test_weights_that_could_hold_code_are_not_loaded(tmp_path: Path) -> None:
    folder = write(tmp_path / "a")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ConfigurationError, match="safetensors"):
        _ = find_model(str(folder)).weights


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("", "write transformers:/path"),
        ("/no/such/folder", "there is no folder"),
        ("https://host/x", "there is no folder"),
    ],
)
def test_a_model_that_is_not_there(model: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        find_model(model)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"holds config\.json"):
        find_model(str(tmp_path))
    with pytest.raises(ConfigurationError, match="no revisions"):
        find_model(str(write(tmp_path / "x")), revision="main")


@pytest.mark.parametrize("text", ["{", "[1]", "[" * 100_000, "\xff"])
def test_settings_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"config\.json should hold"):
        find_model(str(tmp_path))


def test_settings_that_are_too_large(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b" " * 4_000_001)
    with pytest.raises(ConfigurationError, match="larger than 4 MB"):
        find_model(str(tmp_path))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    hub = pytest.importorskip("huggingface_hub", reason="needs huggingface-hub")
    cache = tmp_path / "cache"
    monkeypatch.setattr(
        hub, "snapshot_download", _from_cache(hub.snapshot_download, str(cache))
    )  # fmt: skip
    return cache


def _from_cache(download: Any, cache: str) -> Any:
    return lambda *given, **options: download(*given, cache_dir=cache, **options)


def test_nothing_is_fetched_unasked(hub: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"`hf download org/name --revision v1`"):
        find_model("org/name", revision="v1")


def test_fetching_needs_a_network(hub: Path) -> None:
    with pytest.raises(ConfigurationError, match="GADET_ALLOW_NETWORK=0"):
        find_model("org/name", download=True)


def test_a_model_that_was_fetched_before_is_found(hub: Path) -> None:
    repository = hub / "models--org--name"
    commit = "89abcdef0123456789abcdef0123456789abcdef"
    write(repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit, encoding="utf-8")
    found = find_model("org/name")
    assert (found.name, found.revision, found.identity) == ("org/name", commit, "@89abcdef0123")
    assert LocalBackend("org/name").name == "transformers:org/name"


def test_a_download_that_fails_is_an_error_of_ours(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    def failing(*_: Any, **__: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", failing)
    monkeypatch.setenv("GADET_ALLOW_NETWORK", "1")
    with pytest.raises(BackendError, match="no route"):
        find_model("org/name", download=True)
