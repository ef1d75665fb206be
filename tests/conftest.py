"""What every test shares: loopback only, no keys from the machine, the place of the real data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

KEYS = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OLLAMA_HOST",
        "OLLAMA_API_KEY", "OPENROUTER_API_KEY")  # fmt: skip


@pytest.fixture(autouse=True)
def _no_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GADET_ALLOW_NETWORK", "0")
    for key in KEYS:
        monkeypatch.delenv(key, raising=False)


def data_root() -> Path | None:
    """The folder of real data sets, or None where there is none."""
    given = os.environ.get("GADET_DATA")
    root = Path(given) if given else Path(__file__).parents[2] / "shared" / "data"
    return root if root.is_dir() else None


@pytest.fixture(scope="session")
def real_data() -> Path:
    root = data_root()
    if root is None:
        pytest.skip("real data is absent: set GADET_DATA to its folder")
    return root
