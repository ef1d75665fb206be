"""What keeps a model from being loaded is told in our words, and nothing of it is run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gadet.backends.local import LocalBackend
from gadet.errors import ConfigurationError
from tests.backends.local.conftest import question

PLANTED = "raise SystemExit('the code beside the weights was run')\n"


@pytest.fixture
def copied(models: Path, tmp_path: Path) -> Path:
    return shutil.copytree(models / "llava", tmp_path / "copied")


def without_a_weight(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights[next(name for name in weights if "up_proj" in name)]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def with_code(folder: Path) -> None:
    (folder / "planted.py").write_text(PLANTED, encoding="utf-8")
    _change(
        folder,
        model_type="planted",
        architectures=["Planted"],
        auto_map={"AutoConfig": "planted.Config", "AutoModelForImageTextToText": "planted.Model"},
    )


def _change(folder: Path, **fields: Any) -> None:
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**settings, **fields}), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without_a_weight, r"lack 1 weights, such as .*up_proj"),
        (with_code, "custom code|remote code"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\xff" * 64), "copied could"),
        (lambda folder: (folder / "model.safetensors").unlink(), r"weights as \*\.safetensors"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "copied could not be loaded"),
        (lambda folder: _change(folder, model_type="bert"), "copied could not be loaded"),
        (lambda folder: (folder / "chat_template.jinja").write_text("{{ 1/0 }}"), "chat template"),
        (lambda folder: (folder / "chat_template.jinja").unlink(), "chat template"),
    ],
)
def test_a_model_that_cannot_be_loaded(
    copied: Path, damage: Callable[[Path], Any], message: str
) -> None:
    damage(copied)
    with pytest.raises(ConfigurationError, match=message) as told:
        LocalBackend(str(copied), device="cpu").complete(question())
    assert len(str(told.value)) < 700
