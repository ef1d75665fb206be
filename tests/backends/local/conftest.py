"""Tiny models on disk, made once; without transformers the tests that need one are skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gadet.backends.local import LocalBackend
from gadet.prompts.prompt import Message, Prompt
from tests.backends.local import tiny_qwen
from tests.backends.prompts import SCHEMA, view
from tests.benchmarks import tiny_vlm

Local = Callable[..., LocalBackend]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `llava` and `qwen`."""
    for package in ("torch", "transformers"):
        pytest.importorskip(package, reason=f"needs {package}: pip install 'gadet[transformers]'")
    folder = tmp_path_factory.mktemp("models")
    tiny_vlm.write(folder / "llava")
    tiny_qwen.write(folder / "qwen")
    return folder


@pytest.fixture
def local(models: Path) -> Iterator[Local]:
    """Makes backends of the tiny models, and closes them."""
    made: list[LocalBackend] = []

    def make(family: str = "llava", **options: Any) -> LocalBackend:
        made.append(LocalBackend(str(models / family), device="cpu", **options))
        return made[-1]

    yield make
    for backend in made:
        backend.close()


def question(words: str = "Is it anomalous?", pictures: int = 1, **fields: Any) -> Prompt:
    """A short question about pictures, each of another colour and size."""
    parts: list[Any] = []
    for number in range(pictures):
        parts += [
            f"Picture {number}:",
            view(f"#{number * 20 + 20:02x}80c0", (56 + 28 * number, 84)),
        ]
    fields = {"schema": {}, "max_output_tokens": 12, **fields}
    return Prompt("You inspect.", (Message("user", (*parts, words)),), **fields)


__all__ = ["SCHEMA", "Local", "question"]
