"""A closer look: single places shown enlarged, each in a question of its own, and judged again.

A model sees little of what is small: the whole picture is shrunk until it fits. What it reported,
and what the expert found suspicious besides, is therefore shown again at the resolution of the
input. `gadet.verdict.confirm` says how the answers join. Where a finding names a coarse mark, the
regions that it stands for are numbered in the enlarged picture, and the look says which it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gadet.asking import Rounds, Scribe, ask
from gadet.case import Case
from gadet.experts.base import Suspect
from gadet.findings import Finding, Region
from gadet.localize.base import Closeup, Localizer, Nester, Pointer, Scene
from gadet.localize.overlap import overlap
from gadet.opening import Opening
from gadet.prompts.answer import AnswerFinding
from gadet.prompts.builder import build_prompt
from gadet.prompts.prompt import Prompt
from gadet.verdict import Judgement, Look, confirm, judge

__all__ = ["Told", "look_closer"]

# Two places that share more than this, or of which one holds so much of the other, are one.
SAME_PLACE = 0.5


@dataclass(frozen=True, eq=False)
class Told:
    """A finding in the model's words, and the scene that its pointers refer to.

    Attributes:
        finding: The finding as it was answered.
        scene: What its pointers refer to.
        region: Where it is, when that is known better than the pointers say.
        within: The coarse mark that was looked at; its region stands when the look names none.
    """

    finding: AnswerFinding
    scene: Scene
    region: Region | None = None
    within: Region | None = None

    def located(self, localizer: Localizer) -> tuple[Finding, tuple[str, ...]]:
        """The finding with its region in native coordinates, and what had to be mended."""
        stated = self.finding
        point = stated.point
        if stated.named_point is not None:
            point = self.scene.boxes.ordered(*stated.named_point)
        pointer = Pointer(
            mark=stated.mark,
            box=stated.box,
            picture=stated.picture,
            start=stated.start,
            end=stated.end,
            point=point,
            place=stated.place,
        )
        region, notes = localizer.locate(pointer, self.scene)
        if region is None and not notes and (point is not None or stated.place is not None):
            notes = ("a point or words said where, and neither leads to a place in this item",)
        if region is None and self.within is not None:
            region, notes = self.within, (*notes, "a closer look named no region: its place stands")
        finding = Finding(
            label=stated.label,
            description=stated.description,
            severity=stated.severity,
            confidence=stated.confidence,
            region=self.region or region,
        )
        return finding, notes


@dataclass(frozen=True, eq=False)
class _Place:
    """Part of the item that is looked at, and the findings it holds, by number."""

    region: Region
    scene: Scene
    closeup: Closeup
    findings: tuple[int, ...]
    coarse: bool = False


def look_closer(
    case: Case,
    suspicious: Sequence[Opening],
    overview: Judgement,
    told: Sequence[Told],
    scribe: Scribe,
) -> Rounds[tuple[Judgement, list[Told]]]:
    """Ask about the most important places one by one, enlarged.

    Args:
        case: The item.
        suspicious: How the conversation began; of several windows the most suspicious first.
        overview: What was judged from the whole item.
        told: The findings of that judgement.
        scribe: Notes what is asked and answered.

    Returns:
        The judgement of overview and looks together, and the findings that stand.
    """
    places = _places(case, suspicious, told)
    prompts = [_prompt(case, place.closeup) for place in places]
    answered = (yield from ask(prompts, scribe)) if prompts else []
    judged = [judge([entry.reading], case.profile.score_source) for entry in answered]
    looks = [Look(said, place.findings) for said, place in zip(judged, places, strict=True)]
    joined = confirm(overview, looks)
    found = [
        Told(finding, _scene(places[number]), within=_within(places[number]))
        for number in joined.seen
        for finding in judged[number].findings
    ]
    kept = [told[number] for number in joined.kept]
    scribe.notes.extend(note for entry in kept for note in _untold(case, entry))
    return joined.judgement, [*found, *kept]


def _untold(case: Case, entry: Told) -> tuple[str, ...]:
    """Say when a finding keeps a coarse mark, because no look told its regions apart."""
    coarse = _coarse(case, entry)
    if coarse is None:
        return ()
    mark, many = entry.finding.mark, len(_parts(case, coarse))
    return (f"mark {mark} stands for {many} regions, and no closer look told them apart",)


def _prompt(case: Case, closeup: Closeup) -> Prompt:
    """The question about one place alone."""
    shown = (closeup.within, *closeup.views, *closeup.marked)
    return build_prompt(
        domain=case.domain,
        normality=case.request.normality,
        level=case.request.level,
        item_views=shown,
        reference_views=case.references.views(
            case.profile.views, case.profile.max_images - len(shown)
        ),
        boxes=case.profile.boxes,
        pointing=case.profile.pointing,
        modality=case.sample.info.modality,
        times=case.sample.moments,
        closer=True,
    )


def _within(place: _Place) -> Region | None:
    return place.region if place.coarse else None


def _coarse(case: Case, entry: Told) -> Suspect | None:
    """The coarse mark that a finding names; None when it names a single region or none."""
    suspect, _ = entry.scene.candidate_of(Pointer(mark=entry.finding.mark))
    return suspect if suspect is not None and _parts(case, suspect) else None


def _parts(case: Case, suspect: Suspect) -> tuple[Suspect, ...]:
    return case.localizer.parts_of(suspect) if isinstance(case.localizer, Nester) else ()


def _scene(place: _Place) -> Scene:
    """What the pointers of an answer about a place refer to."""
    closeup = place.closeup
    return replace(place.scene, views=closeup.views, candidates=closeup.candidates, first=2)


def _places(case: Case, suspicious: Sequence[Opening], told: Sequence[Told]) -> list[_Place]:
    """Where the model saw something, then where the expert did; as many as were asked for.

    A window that is suspicious although nothing in it has a place is one, before the expert's.
    """
    chosen: list[_Place] = []
    for number, entry in enumerate(told):
        finding, _ = entry.located(case.localizer)
        region = finding.region
        if region is None:
            continue
        same = next((place for place in chosen if _same(place.region, region)), None)
        if same is not None:
            chosen[chosen.index(same)] = replace(same, findings=(*same.findings, number))
        else:
            _add(chosen, case, entry.scene, region, (number,), _coarse(case, entry))
    for opening in suspicious:
        region = opening.window.region
        if region is not None and not any(_same(place.region, region) for place in chosen):
            _add(chosen, case, opening.scene, region, ())
    scene = suspicious[0].scene
    suspects = scene.evidence.candidates if scene.evidence else ()
    for suspect in suspects:
        if len(chosen) == case.request.zoom:
            break
        region = case.localizer.region_of(suspect, case.sample)
        if not any(_same(place.region, region) for place in chosen):
            _add(chosen, case, scene, region, ())
    return chosen


def _add(
    chosen: list[_Place],
    case: Case,
    scene: Scene,
    region: Region,
    findings: tuple[int, ...],
    coarse: Suspect | None = None,
) -> None:
    if len(chosen) == case.request.zoom:
        return
    if coarse is not None and isinstance(case.localizer, Nester):
        closeup = case.localizer.inside(coarse, scene, case.profile.views)
        chosen.append(_Place(region, scene, closeup, findings, coarse=True))
        return
    seen = case.localizer.closeup(region, scene, case.profile.views)
    if seen is not None:
        fitting = seen.within_pictures(case.profile.max_images)
        chosen.append(_Place(region, scene, fitting, findings))


def _same(one: Region, other: Region) -> bool:
    shared = overlap(one, other)
    return shared.iou > SAME_PLACE or shared.of_smaller > SAME_PLACE
