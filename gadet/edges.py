"""The edges of a finding in time: when it begins and ends, found by halving.

A model that is shown every few frames of a clip can say when something happens only that exactly.
Between the last moment at which it was not seen and the first at which it was, the moment in the
middle is shown beside the finding, and one half is left. All edges are halved in the same round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gadet.asking import Rounds, Scribe, ask
from gadet.case import Case
from gadet.closer import Told
from gadet.findings import Finding
from gadet.localize.base import Bisector, Bracket
from gadet.prompts.probe import probe_prompt
from gadet.prompts.prompt import Prompt

__all__ = ["MOST_PROBES", "find_edges"]

# Four halvings leave a sixteenth of the distance between two frames that were shown.
MOST_ROUNDS = 4
MOST_PROBES = 2 * MOST_ROUNDS
"""Questions about the two edges of one finding, at most."""


@dataclass
class _Edge:
    """One end of a finding that is looked for."""

    number: int
    finding: Finding
    bracket: Bracket
    open: bool = True


def find_edges(case: Case, told: Sequence[Told], scribe: Scribe) -> Rounds[list[Told]]:
    """Find when the most important findings begin and end.

    Args:
        case: The item; as many findings are looked at as it asks for closer looks.
        told: The findings.
        scribe: Notes what is asked and answered.

    Returns:
        The findings, with regions whose ends are those that were found.
    """
    localizer = case.localizer
    if not isinstance(localizer, Bisector):
        return list(told)
    edges = _edges(case, localizer, told)
    for _ in range(MOST_ROUNDS):
        asked = [edge for edge in edges if edge.open and not edge.bracket.closed]
        if not asked:
            break
        prompts = [_prompt(case, localizer, told[edge.number], edge) for edge in asked]
        answered = yield from ask(prompts, scribe)
        for edge, entry in zip(asked, answered, strict=True):
            verdict = entry.reading.verdict
            edge.open = verdict in ("anomalous", "normal")
            if edge.open:
                edge.bracket = edge.bracket.with_middle(inside=verdict == "anomalous")
    return _trimmed(localizer, told, edges)


def _edges(case: Case, localizer: Bisector, told: Sequence[Told]) -> list[_Edge]:
    edges: list[_Edge] = []
    for number, entry in enumerate(told[: case.request.zoom]):
        finding, _ = entry.located(case.localizer)
        brackets = finding.region and localizer.brackets(finding.region, entry.scene)
        if brackets:
            edges += [_Edge(number, finding, bracket) for bracket in brackets]
    return edges


def _prompt(case: Case, localizer: Bisector, entry: Told, edge: _Edge) -> Prompt:
    region = edge.finding.region
    assert region is not None
    found, asked = localizer.probe(edge.bracket.middle, region, entry.scene, case.profile.views)
    return probe_prompt(
        domain=case.domain,
        label=edge.finding.label,
        description=edge.finding.description,
        found=found,
        asked=asked,
    )


def _trimmed(localizer: Bisector, told: Sequence[Told], edges: Sequence[_Edge]) -> list[Told]:
    found = list(told)
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        entry, region = told[start.number], start.finding.region
        assert region is not None
        exact = localizer.trimmed(region, start.bracket, end.bracket, entry.scene)
        found[start.number] = replace(entry, region=exact)
    return found
