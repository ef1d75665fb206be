"""A `Domain`: what is known about a field of inspection, as data.

The packs that ship are TOML files in `gadet/prompts/domains`; users add their own as a file or as
an object.
"""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from gadet.errors import ConfigurationError
from gadet.report import Modality

__all__ = ["Domain", "domain_names", "load_domain"]

# A pack is a page of text; anything larger is some other file.
_MOST_BYTES = 256 * 1024

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Lines = Annotated[tuple[Line, ...], Field(max_length=40)]


class Domain(BaseModel):
    """A domain pack.

    `task`, `preamble` and `caveats` are told at every level: they concern the question and the
    pictures. `subject` is told from `class` on; `look_at`, `not_anomalies` and `checklist` are
    expertise, told at `expert` and when no level is set.

    Attributes:
        name: Name in lower case, as it stands in reports.
        summary: One line for people who choose a pack.
        modality: The kind of data the pack was written for; None when it fits any.
        role: Who the model is asked to be, as a sentence.
        task: The question, as a sentence.
        preamble: What the request is and is not for, so that a legitimate one is not refused.
        subject: What is inspected when the caller does not say; None leaves it open.
        look_at: What deserves attention, a sentence each.
        not_anomalies: What must not be reported, a sentence each.
        checklist: Steps to work through before judging, in order.
        caveats: What the way the data is shown does to the pictures.
        count: Whether alike objects are counted and compared with the references, and the numbers
            told at every level.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    summary: str = ""
    modality: Modality | None = None
    role: Line
    task: Line
    preamble: Line | None = None
    subject: Line | None = None
    look_at: Lines = ()
    not_anomalies: Lines = ()
    checklist: Lines = ()
    caveats: Lines = ()
    count: bool = False


def domain_names() -> tuple[str, ...]:
    """The names of the packs that ship, sorted."""
    return tuple(sorted(_shipped()))


def load_domain(domain: str | Path | Domain) -> Domain:
    """The pack of that name, from that TOML file, or the pack itself.

    Args:
        domain: A shipped pack's name, the path of a `.toml` file, or a `Domain`.

    Raises:
        ConfigurationError: There is no such pack, or the file cannot be read as one.
    """
    if isinstance(domain, Domain):
        return domain
    if isinstance(domain, Path) or (isinstance(domain, str) and domain.endswith(".toml")):
        return _read(Path(domain), str(domain))
    if isinstance(domain, str) and domain in _shipped():
        return _load_shipped(domain)
    raise ConfigurationError(
        f"a domain is one of {', '.join(domain_names())}, the path of a .toml file, or a "
        f"gadet.Domain; got {_shown(domain)}{_guess(domain)}"
    )


@cache
def _shipped() -> dict[str, Traversable]:
    folder = resources.files(__package__) / "domains"
    files = (file for file in folder.iterdir() if file.name.endswith(".toml"))
    return {file.name.removesuffix(".toml"): file for file in files}


@cache
def _load_shipped(name: str) -> Domain:
    return _read(_shipped()[name], f"domain pack {name!r}")


def _read(file: Traversable, source: str) -> Domain:
    try:
        with file.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(
            f"a domain pack is a readable .toml file; {source} cannot be read: "
            f"{error.strerror or error}"
        ) from error
    if len(content) > _MOST_BYTES:
        raise ConfigurationError(
            f"a domain pack has at most {_MOST_BYTES} bytes; {source} is larger: is it some "
            "other file?"
        )
    try:
        fields = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(
            f"a domain pack is TOML in UTF-8; {source} is not: {error}"
        ) from error
    try:
        return Domain.model_validate(fields)
    except ValidationError as error:
        raise ConfigurationError(
            f"{source} is not a domain pack: {_problems(error)}. "
            f"The fields are {', '.join(Domain.model_fields)}"
        ) from error


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"`{'.'.join(map(str, problem['loc']))}`: {problem['msg']}" for problem in error.errors()
    )


def _shown(domain: Any) -> str:
    return repr(domain[:80]) if isinstance(domain, str) else f"an object of {type(domain)}"


def _guess(domain: Any) -> str:
    if not isinstance(domain, str):
        return ""
    close = difflib.get_close_matches(domain.strip().lower()[:80], domain_names(), n=1)
    return f". Did you mean {close[0]!r}?" if close else ""
