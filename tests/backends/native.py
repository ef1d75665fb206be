"""What the tests of the formats share that send pictures as base64 without anything before it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.backends.prompts import readable

_BEGINNINGS = {"iVBORw0KGgo": "image/png", "/9j/": "image/jpeg"}


def assert_stored(body: dict[str, Any], path: Path) -> None:
    """Compare a whole body, with its pictures made readable, with the one in a file."""
    shown = _without_url(readable(_with_url(body)))
    if os.environ.get("GADET_UPDATE_BODIES"):
        path.write_text(json.dumps(shown, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert shown == stored
    # Models write the fields in the order of the schema, so the order counts as well.
    assert json.dumps(shown) == json.dumps(stored)


def _with_url(value: Any) -> Any:
    match value:
        case dict():
            return {key: _with_url(item) for key, item in value.items()}
        case list():
            return [_with_url(item) for item in value]
        case str():
            kinds = (kind for start, kind in _BEGINNINGS.items() if value.startswith(start))
            kind = next(kinds, None)
            return f"data:{kind};base64,{value}" if kind else value
        case _:
            return value


def _without_url(body: Any) -> Any:
    return json.loads(json.dumps(body, ensure_ascii=False).replace('"<data:', '"<base64 '))
