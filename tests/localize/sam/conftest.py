"""One small checkpoint for all tests of the original package."""

from __future__ import annotations

from pathlib import Path

import pytest

from gadet.localize.sam import SamSegmenter, load_segmenter
from tests.localize.sam.support import save_sam


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sam(tmp_path_factory.mktemp("sam"))


@pytest.fixture
def segmenter(checkpoint: Path) -> SamSegmenter:
    return load_segmenter(checkpoint, device="cpu")
