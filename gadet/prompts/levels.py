"""Levels: how much of what the caller knows a prompt may tell.

Three levels stand beside each other so that their effect can be measured: `naive` tells the
task, `class` also what is inspected, `expert` everything. Whether normal samples are shown (k-shot)
or not (zero-shot) is independent of the level and follows from the references alone.

Source: Cao et al. 2023, https://arxiv.org/abs/2311.02782, section 3. We depart from it in one
point: the knowledge of a domain pack (what to look at, what is not an anomaly, the checklist)
counts as expertise, so only `expert`, and a prompt without a level, tell it.
"""

from __future__ import annotations

from typing import get_args

from gadet.errors import ConfigurationError
from gadet.request import Level, Normality

__all__ = ["admit", "tells_expertise", "tells_subject"]

_FIELDS: dict[Level, tuple[str, ...]] = {
    "naive": (),
    "class": ("subject",),
    "expert": ("subject", "standards", "defects", "rules"),
}


def admit(normality: Normality, level: Level | None) -> Normality:
    """The part of `normality` that `level` may tell; None lets everything through.

    Raises:
        ConfigurationError: There is no such level.
    """
    return Normality(**{name: getattr(normality, name) for name in _admitted(level)})


def tells_subject(level: Level | None) -> bool:
    """Whether the level tells what is inspected, a domain pack's default subject included."""
    return "subject" in _admitted(level)


def tells_expertise(level: Level | None) -> bool:
    """Whether the level tells what a domain pack knows beyond the task."""
    return "standards" in _admitted(level)


def _admitted(level: Level | None) -> tuple[str, ...]:
    try:
        return _FIELDS["expert" if level is None else level]
    except (KeyError, TypeError):
        raise ConfigurationError(
            f"a level is one of {', '.join(get_args(Level))}, or None for everything that was "
            f"given; got {level!r}"
        ) from None
