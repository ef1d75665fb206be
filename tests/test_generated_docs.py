from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("typer")

from tests.generate_docs import DOCS, pages


@pytest.mark.parametrize(
    ("path", "text"), list(pages()), ids=lambda v: v.name if isinstance(v, Path) else ""
)
def test_generated_pages_are_up_to_date(path: Path, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, f"{path.relative_to(DOCS)}: run `make docs`"
