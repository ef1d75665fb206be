"""A closer look: single places shown enlarged, each in a question of its own, and judged again.

A model sees little of what is small: the whole picture is shrunk until it fits. What it reported,
and what the expert found suspicious besides, is therefore shown again at the resolution of the
input. `gadet.verdict.confirm` says how the answers join.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gadet.asking import Rounds, Scribe, ask
from gadet.case import Case
from gadet.findings import Finding, ImageRegion, Region, SpanRegion
from gadet.geometry import Box
from gadet.localize.base import Localizer, Pointer, Scene
from gadet.opening import Opening
from gadet.prompts.answer import AnswerFinding
from gadet.prompts.builder import build_prompt
from gadet.verdict import Judgement, Look, confirm, judge
from gadet.view import View

__all__ = ["Told", "look_closer"]

# Two places that share more than this, or of which one holds so much of the other, are one.
SAME_PLACE = 0.5


@dataclass(frozen=True, eq=False)
class Told:
    """A finding in the model's words, and the scene that its pointers refer to."""

    finding: AnswerFinding
    scene: Scene

    def located(self, localizer: Localizer) -> tuple[Finding, tuple[str, ...]]:
        """The finding with its region in native coordinates, and what had to be mended."""
        stated = self.finding
        pointer = Pointer(stated.mark, stated.box, stated.picture, stated.start, stated.end)
        region, notes = localizer.locate(pointer, self.scene)
        finding = Finding(
            label=stated.label,
            description=stated.description,
            severity=stated.severity,
            confidence=stated.confidence,
            region=region,
        )
        return finding, notes


@dataclass(frozen=True, eq=False)
class _Place:
    """Part of the item that is looked at, and the findings it holds, by number."""

    box: Box
    view: View
    findings: tuple[int, ...]


def look_closer(
    case: Case, opening: Opening, overview: Judgement, told: Sequence[Told], scribe: Scribe
) -> Rounds[tuple[Judgement, list[Told]]]:
    """Ask about the most important places one by one, enlarged.

    Args:
        case: The item.
        opening: How the conversation began.
        overview: What was judged from the whole item.
        told: The findings of that judgement.
        scribe: Notes what is asked and answered.

    Returns:
        The judgement of overview and looks together, and the findings that stand.
    """
    places = _places(case, opening.scene, told)
    prompts = [
        build_prompt(
            domain=case.domain,
            normality=case.request.normality,
            level=case.request.level,
            item_views=(opening.scene.views[0], place.view),
            reference_views=case.references.views(case.profile.views, case.profile.max_images - 2),
            boxes=case.profile.boxes,
            modality=case.sample.info.modality,
            times=case.sample.moments,
            closer=True,
        )
        for place in places
    ]
    answered = (yield from ask(prompts, scribe)) if prompts else []
    judged = [judge([entry.reading], case.profile.score_source) for entry in answered]
    looks = [Look(said, place.findings) for said, place in zip(judged, places, strict=True)]
    joined = confirm(overview, looks)
    found = [
        Told(finding, replace(opening.scene, views=(places[number].view,), candidates=()))
        for number in joined.seen
        for finding in judged[number].findings
    ]
    return joined.judgement, [*found, *(told[number] for number in joined.kept)]


def _places(case: Case, scene: Scene, told: Sequence[Told]) -> list[_Place]:
    """Where the model saw something, then where the expert did; as many as were asked for."""
    chosen: list[_Place] = []
    for number, entry in enumerate(told):
        finding, _ = entry.located(case.localizer)
        box = _box_of(finding.region)
        if box is None:
            continue
        same = next((place for place in chosen if _same(place.box, box)), None)
        if same is not None:
            chosen[chosen.index(same)] = replace(same, findings=(*same.findings, number))
        else:
            _add(chosen, case, box, (number,))
    suspects = scene.evidence.candidates if scene.evidence else ()
    for suspect in suspects:
        box = _native(suspect.box, case)
        if not any(_same(place.box, box) for place in chosen):
            _add(chosen, case, box, ())
    return chosen


def _add(chosen: list[_Place], case: Case, box: Box, findings: tuple[int, ...]) -> None:
    if len(chosen) == case.request.zoom:
        return
    view = case.sample.zoom(box, case.profile.views)
    if view is not None:
        chosen.append(_Place(box, view, findings))


def _native(box: Box, case: Case) -> Box:
    """The box as places are compared by: of a series only the rows count, whatever the channel."""
    if case.sample.info.modality != "series":
        return box
    return Box.of(box.x0, 0, box.x1, 1)


def _same(one: Box, other: Box) -> bool:
    shared = one.intersection(other)
    return one.iou(other) > SAME_PLACE or shared > SAME_PLACE * min(one.area, other.area)


def _box_of(region: Region | None) -> Box | None:
    """A region as a box in native coordinates; of a series `x` counts rows."""
    match region:
        case ImageRegion():
            return region.box
        case SpanRegion():
            return Box.of(region.interval.start, 0, region.interval.end, 1)
        case _:
            return None
