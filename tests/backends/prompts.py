"""Small prompts with pictures that every machine draws alike."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

from gadet.geometry import Frame
from gadet.prompts.prompt import Message, Prompt
from gadet.view import View

SCHEMA: dict[str, Any] = {
    "title": "Small Answer",
    "type": "object",
    "$defs": {
        "Finding": {
            "title": "Finding",
            "type": "object",
            "properties": {
                "label": {"title": "Label", "type": "string"},
                "box": {
                    "anyOf": [
                        {
                            "type": "array",
                            "prefixItems": [{"type": "number"}] * 4,
                            "minItems": 4,
                            "maxItems": 4,
                        },
                        {"type": "null"},
                    ],
                    "description": "Where it is, or null.",
                },
            },
            "required": ["label", "box"],
        }
    },
    "properties": {
        "observations": {"type": "array", "items": {"type": "string"}},
        "findings": {"type": "array", "items": {"$ref": "#/$defs/Finding"}},
        "score": {"type": "number", "minimum": 0.0, "maximum": 1.0},
    },
    "required": ["observations", "findings", "score"],
}


def view(colour: str = "#c81e1e", size: tuple[int, int] = (8, 6), **fields: Any) -> View:
    return View(Image.new("RGB", size, colour), Frame.whole(size), **fields)


def zero_shot(**fields: Any) -> Prompt:
    parts = ("Picture of the item:", view(), "Is it anomalous?")
    return Prompt("You inspect.", (Message("user", parts),), fields.pop("schema", SCHEMA), **fields)


def k_shot() -> Prompt:
    parts = (
        "Normal sample 1:",
        view("#00ff00", role="reference"),
        "Normal sample 2:",
        view("#00aa00", (4, 4), role="reference", encoding="image/jpeg"),
        "The item:",
        view("#0000ff"),
        "The item with numbered regions:",
        view("#000088", kind="marked", marks=(1, 2)),
        "Is it anomalous?",
    )
    return Prompt("You inspect.", (Message("user", parts),), SCHEMA, max_output_tokens=900)


def re_ask() -> Prompt:
    return zero_shot().followed_by("It looks fine.", "Answer again, as JSON only.")


def text_only(**fields: Any) -> Prompt:
    return Prompt("You inspect.", (Message("user", ("Say hello.",)),), SCHEMA, **fields)


def readable(value: Any) -> Any:
    """A body with each picture replaced by its type, size and colour.

    The bytes of a PNG differ between versions of zlib; what they show does not.
    """
    match value:
        case dict():
            return {key: readable(item) for key, item in value.items()}
        case list():
            return [readable(item) for item in value]
        case str() if value.startswith("data:"):
            head, _, text = value.partition(";base64,")
            picture = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
            assert Image.MIME[picture.format or ""] == head.removeprefix("data:")
            width, height = picture.size
            colour = "#" + bytes(round(c / 17) * 17 for c in picture.getpixel((0, 0))).hex()
            return f"<{head} {width}x{height} {colour}>"
        case _:
            return value
