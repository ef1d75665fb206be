"""Which facts apply to a model: the rows that ship with gadet, and those of the user.

Files of models hold rows. A row applies when it names the provider, or none, and one of its
patterns fits the model, or it has none. All rows that apply are laid over each other, file by file
and from top to bottom, on top of the defaults of `Profile`: general rows stand first, and a later
row changes only the fields it names. A table that has a `kind` takes the place of one of another
kind. Every row stands for itself: its facts alone make a profile.

The files that ship lie under `models/`; every row there has a date and a source, and where the
source is not the vendor's own, it says so. The file that `GADET_MODELS` names comes after them, and
`files` after that. Prices that no row has are taken from `gadet.backends.facts.prices`.
"""

from __future__ import annotations

import logging
import os
import tomllib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files as resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from gadet.backends.facts.prices import listed_prices
from gadet.backends.facts.profile import Profile
from gadet.errors import ConfigurationError

__all__ = ["profile_for", "unknown_model_note"]

FILES = ("servers", "openai", "anthropic", "gemini", "qwen", "molmo")
ENVIRONMENT = "GADET_MODELS"
LARGEST_FILE = 1 << 20

logger = logging.getLogger("gadet")

LowerCase = Annotated[str, StringConstraints(to_lower=True)]


class _Row(BaseModel):
    """One row of a file of models.

    Attributes:
        providers: Providers it is about; empty for all of them.
        models: Patterns with `*` for the model's name in lower case, or for the part of it after
            the last `/`; empty for all models.
        facts: Fields of `Profile`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    providers: tuple[LowerCase, ...] = ()
    models: tuple[LowerCase, ...] = ()
    facts: dict[str, Any] = Field(min_length=1)

    def applies(self, provider: str, model: str) -> bool:
        names = (model, model.rpartition("/")[2])
        return (not self.providers or provider in self.providers) and (
            not self.models or any(fnmatchcase(n, p) for n in names for p in self.models)
        )


def profile_for(
    provider: str,
    model: str,
    changes: Mapping[str, Any] | None = None,
    *,
    files: Iterable[str | Path] = (),
) -> Profile:
    """The profile of a model. A model that no row is about is logged once, at INFO.

    Args:
        provider: Who serves it, for example `openai` or `ollama`.
        model: Its name there; letter case does not matter.
        changes: Fields of `Profile` that are laid over what is known, nested like the rows.
        files: Files of models of the caller's own, TOML like those under `models/`.

    Raises:
        ConfigurationError: `changes` or a file holds a field or a value that a profile does not
            have, or a file cannot be read.
    """
    provider, model = provider.lower(), model.lower()
    own = _own_rows(files)
    facts: dict[str, Any] = {}
    for row in (*_shipped_rows(), *own):
        if row.applies(provider, model):
            facts = _laid_over(facts, row.facts)
    facts = _laid_over(facts, changes or {})
    if facts.get("prices") is None:
        facts["prices"] = listed_prices(provider, model)
    if note := _note(provider, model, own):
        _say_once(note)
    try:
        return Profile.model_validate(facts)
    except ValidationError as error:
        raise ConfigurationError(
            f"the profile of {provider}:{model} needs fields that a profile has; got {error}"
        ) from error


def unknown_model_note(
    provider: str, model: str, *, files: Iterable[str | Path] = ()
) -> str | None:
    """A sentence for the reader of a report when no row is about the model, else None.

    Args:
        provider: Who serves it.
        model: Its name there.
        files: Files of models of the caller's own.

    Raises:
        ConfigurationError: A file cannot be read.
    """
    return _note(provider.lower(), model.lower(), _own_rows(files))


def _note(provider: str, model: str, own: tuple[_Row, ...]) -> str | None:
    if any(row.models and row.applies(provider, model) for row in (*_shipped_rows(), *own)):
        return None
    return (
        f"no facts are known of {provider}:{model}: safe defaults are used, and pictures are "
        f"counted at a high estimate; say what you know in a profile, or in the file that "
        f"{ENVIRONMENT} names"
    )


@cache
def _say_once(note: str) -> None:
    logger.info("%s", note)


@cache
def _shipped_rows() -> tuple[_Row, ...]:
    folder = resources("gadet.backends.facts").joinpath("models")
    return tuple(
        row
        for name in FILES
        for row in _read(f"{name}.toml", folder.joinpath(f"{name}.toml").read_bytes())
    )


def _own_rows(files: Iterable[str | Path]) -> tuple[_Row, ...]:
    """The rows of the user's files, checked row by row."""
    named = os.environ.get(ENVIRONMENT, "").strip()
    paths = [*([named] if named else []), *files]
    return tuple(row for path in paths for row in _read(str(path), _content(Path(path))))


def _content(path: Path) -> bytes:
    try:
        with path.expanduser().open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, RuntimeError, ValueError) as error:
        # No such file, no such home directory, no such name.
        raise ConfigurationError(
            f"a file of models that can be read is needed; {str(path)!r} gave: {error}"
        ) from error
    if len(content) > LARGEST_FILE:
        raise ConfigurationError(
            f"a file of models has at most {LARGEST_FILE:,} bytes; {path} is larger"
        )
    return content


def _read(name: str, content: bytes) -> tuple[_Row, ...]:
    """The rows of a file, each of which must make a profile by itself.

    Raises:
        ConfigurationError: It is not TOML, or a row has a field or a value that a row or a profile
            does not have; the message names both.
    """
    try:
        tables = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"a file of models is TOML in UTF-8; {name}: {error}") from error
    rows = tables.get("row")
    if set(tables) != {"row"} or not isinstance(rows, list):
        raise ConfigurationError(
            f"a file of models holds [[row]] tables and nothing else; {name} holds "
            f"{', '.join(sorted(tables)) or 'nothing'}"
        )
    return tuple(_row(name, number, table) for number, table in enumerate(rows, start=1))


def _row(name: str, number: int, table: Any) -> _Row:
    problems: list[str] = []
    try:
        row = _Row.model_validate(table)
        Profile.model_validate(row.facts)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, detail['loc'])) or 'the row'}: {detail['msg']}"
            for detail in error.errors(include_url=False, include_input=False)
        ]
    except ConfigurationError as error:
        problems = [str(error)]
    if problems:
        raise ConfigurationError(
            f"row {number} of {name} needs providers, models and facts that a profile has; "
            f"{'; '.join(problems)}"
        )
    return row


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of both; where both have a table, its fields; else those of `above`."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping) and _one_kind(old, value):
            merged[key] = _laid_over(old, value)
        else:
            merged[key] = value
    return merged


def _one_kind(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return "kind" not in new or old.get("kind") == new["kind"]
