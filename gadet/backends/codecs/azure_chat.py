"""Azure OpenAI: chat completions with the key in a header of its own and fewer words of schema.

What its filter holds back comes as status 400 with an `innererror`, or as `content_filter` where an
answer ends.

Source: https://learn.microsoft.com/azure/ai-services/openai/reference
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from gadet.backends.codecs import openai_chat
from gadet.backends.dialects.openai import azure_strict

__all__ = ["CODEC"]

CODEC = replace(
    openai_chat.CODEC,
    name="azure_chat",
    encode=partial(openai_chat.encode, strict=azure_strict),
    key_header=("api-key", ""),
)
