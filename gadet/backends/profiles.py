"""The profiles that ship with gadet: which facts apply to a model.

The files under `models/` hold rows. A row applies when it names the provider, or none, and one of
its patterns fits the model, or it has none. All rows that apply are laid over each other, file by
file in the order of `FILES` and from top to bottom, on top of the defaults of `Profile`: general
rows stand first, and a later row changes only the fields it names. A model that no row knows gets
the defaults, which every server of the family accepts. Every row has a date and a source; where the
source is not the vendor's own, it says so.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gadet.backends.profile import Profile
from gadet.errors import ConfigurationError

__all__ = ["profile_for"]


FILES = ("servers", "openai", "anthropic", "gemini", "qwen")


class _Row(BaseModel):
    """One row of a file of models.

    Attributes:
        providers: Providers it is about; empty for all of them.
        models: Patterns with `*` for the model's name in lower case, or for the part of it after
            the last `/`; empty for all models.
        facts: Fields of `Profile`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    providers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    facts: dict[str, Any] = Field(min_length=1)

    def applies(self, provider: str, model: str) -> bool:
        names = (model, model.rpartition("/")[2])
        return (not self.providers or provider in self.providers) and (
            not self.models or any(fnmatchcase(n, p) for n in names for p in self.models)
        )


def profile_for(provider: str, model: str, changes: Mapping[str, Any] | None = None) -> Profile:
    """The profile of a model.

    Args:
        provider: Who serves it, for example `openai` or `ollama`.
        model: Its name there; letter case does not matter.
        changes: Fields of `Profile` that are laid over what is known, nested like the rows.

    Raises:
        ConfigurationError: `changes` holds a field or a value that a profile does not have.
    """
    facts: dict[str, Any] = {}
    for row in _rows():
        if row.applies(provider.lower(), model.lower()):
            facts = _laid_over(facts, row.facts)
    try:
        return Profile.model_validate(_laid_over(facts, changes or {}))
    except ValidationError as error:
        raise ConfigurationError(
            f"the profile of {provider}:{model} needs fields that a profile has; got {error}"
        ) from error


@cache
def _rows() -> tuple[_Row, ...]:
    folder = files("gadet.backends").joinpath("models")
    texts = (folder.joinpath(f"{name}.toml").read_text(encoding="utf-8") for name in FILES)
    return tuple(_Row.model_validate(row) for text in texts for row in tomllib.loads(text)["row"])


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of both; where both have a table, its fields; else those of `above`."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[key] = _laid_over(old, value)
        else:
            merged[key] = value
    return merged
