"""What every test shares: loopback only, no keys from the machine, the place of the real data."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

KEYS = (
    "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT",
    "FIREWORKS_API_KEY", "GADET_CACHE", "GADET_MODELS", "GEMINI_API_KEY", "GOOGLE_API_KEY",
    "GOOGLE_GEMINI_BASE_URL", "GROQ_API_KEY", "HF_TOKEN", "LLAMA_API_KEY", "MISTRAL_API_KEY",
    "NVIDIA_API_KEY", "OLLAMA_API_KEY", "OLLAMA_HOST", "OPENAI_API_KEY", "OPENAI_API_VERSION",
    "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENROUTER_API_KEY",
    "TOGETHER_API_KEY", "VLLM_API_KEY", "XAI_API_KEY",
)  # fmt: skip


# A shell that runs the suite in the background has it ignore Ctrl-C, which some tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)


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
