"""Builds the prompt of an inspection: pictures first, then what is known, then the question.

The order serves the providers' caches and the models alike: the standing instructions and the
references come first, because they are the same for every item; the question comes last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gadet.errors import ConfigurationError
from gadet.geometry import Box, BoxFormat, Pointing
from gadet.prompts import wording
from gadet.prompts.answer import Ways, answer_schema, brief_schema
from gadet.prompts.domain import Domain
from gadet.prompts.levels import admit, tells_expertise, tells_subject
from gadet.prompts.prompt import Message, Part, Prompt
from gadet.report import CandidateSummary, EvidenceSummary, Modality
from gadet.request import Level, Normality
from gadet.view import View

__all__ = ["brief_prompt", "build_prompt", "reask_prompt"]

_KINDS = ("clean", "marked", "zoom")
_KINDS_CLOSER = ("clean", "zoom", "marked")
_KIND_WORDS = {
    "clean": "clean",
    "marked": "with numbered outlines drawn on it",
    "zoom": "an enlarged part",
}
# A caption that looks like a file would tell the model where the picture comes from, and folders
# are often named after labels.
_FILE_LIKE = re.compile(
    r"[\w)]\.(png|jpe?g|bmp|gif|tiff?|webp|dcm|nii|gz|mp4|avi|mov|mkv|csv|npy|npz|ply|pcd|xyz|obj"
    r"|stl|h5|parquet|json)\b|\w:?\\|://|/\w+/|^[./~]",
    re.IGNORECASE,
)
_TAG = re.compile(rf"<\s*/?\s*{wording.CALLER_TAG}[^>]{{0,20}}>?", re.IGNORECASE)
_MOST_QUOTED = 4000


def build_prompt(
    *,
    domain: Domain,
    normality: Normality,
    level: Level | None,
    item_views: Sequence[View],
    reference_views: Sequence[View | Sequence[View]] = (),
    evidence: EvidenceSummary | None = None,
    show_evidence: bool = False,
    boxes: BoxFormat,
    pointing: Pointing = "box",
    sample: int = 0,
    modality: Modality | None = None,
    times: str | None = None,
    words: str | None = None,
    closer: bool = False,
    stretch: str = "",
    max_output_tokens: int = 2000,
) -> Prompt:
    """Build what is sent to a model about one item. The same arguments give the same prompt.

    Args:
        domain: The domain pack.
        normality: What the caller knows; `level` decides how much of it is told.
        level: How much is told; None tells everything.
        item_views: Pictures of the item: at least one clean one; marked and enlarged ones follow
            it in the prompt, whatever their place here.
        reference_views: Pictures of normal samples: one view per reference, or a sequence of views
            for a reference that needs several.
        evidence: What an expert measured. It always travels with the prompt; it is told only when
            `show_evidence` is set, save what was counted, which is told always.
        show_evidence: Whether the text states what the expert measured.
        boxes: How the model writes boxes and points. They refer to the first clean picture of the
            item.
        pointing: How the model says where in a picture: one way is asked for.
        sample: Number of the vote; the text is the same for all votes.
        modality: What the item is, when it may differ from what the pack was written for.
        times: How moments of the item are written, to stand behind "as"; None for an item without
            time. A series is pointed at by times alone, not by boxes.
        words: What is told of the item in text, besides its pictures.
        closer: Whether the question is about the enlarged picture alone, and boxes refer to it.
        stretch: The part of a longer item that the question is about; empty for all of it.
        max_output_tokens: Most tokens the model may generate.

    Raises:
        ConfigurationError: There is no clean view of the item, a view has the wrong role, or the
            level is unknown.
    """
    known = admit(normality, level)
    if known.subject is None and tells_subject(level) and domain.subject is not None:
        known = known.model_copy(update={"subject": domain.subject})
    order = _KINDS_CLOSER if closer else _KINDS
    item = sorted(item_views, key=lambda view: order.index(view.kind))
    references = [[entry] if isinstance(entry, View) else list(entry) for entry in reference_views]
    references = [group for group in references if group]
    _check_roles(item, references)
    several = len(_pointed_in(item, closer=closer)) > 1
    by = None if modality == "series" else pointing
    ways = Ways(by=by, pictures=several, times=times is not None)
    blocks = [
        _task(domain, known, len(references)),
        _caller(known),
        *(_expertise(domain) if tells_expertise(level) else ()),
        _caveats(domain, modality),
        _rules(known),
        wording.CLOSER if closer else "",
        wording.STRETCH.format(words=stretch) if stretch else "",
        wording.WORDS.format(words=_quoted(words)) if words else "",
        _marks(item, closer=closer),
        wording.TIMES.format(form=times) if ways.times else "",
        _where(item, boxes, ways.by, closer=closer) if ways.by else "",
        _counts(evidence) if evidence else "",
        _evidence(evidence, item, boxes) if show_evidence and evidence else "",
        wording.ANSWER.format(fields=wording.fields_in_order(ways)),
    ]
    question = "\n\n".join(block for block in blocks if block)
    parts: tuple[Part, ...] = (
        *_reference_parts(references),
        *_item_parts(item, boxes if modality in (None, "image") else None, closer=closer),
        question,
    )
    role = f"{domain.role}\n\n{domain.preamble}" if domain.preamble else domain.role
    caller = wording.SYSTEM_CALLER.format(tag=wording.CALLER_TAG) if _caller(known) else ""
    return Prompt(
        system=wording.SYSTEM.format(role=role, caller=caller),
        messages=(Message("user", parts),),
        schema=answer_schema(ways),
        evidence=evidence,
        sample=sample,
        max_output_tokens=max_output_tokens,
    )


def brief_prompt(
    *,
    domain: Domain,
    normality: Normality,
    level: Level | None,
    item_views: Sequence[View],
    reference_views: Sequence[Sequence[View]] = (),
    evidence: EvidenceSummary | None = None,
    max_output_tokens: int = 500,
) -> Prompt:
    """Build the shortest prompt that gets a decision: verdict, score and a sentence, no places.

    For screening many items cheaply, before those that matter are asked about in full. The domain
    pack's task is told, the rest of it is not; arguments as in `build_prompt`.

    Raises:
        ConfigurationError: There is no clean view of the item, a view has the wrong role, or the
            level is unknown.
    """
    references = [list(group) for group in reference_views if group]
    _check_roles(item_views, references)
    parts: list[Part] = []
    for group in references:
        parts += [wording.BRIEF_REFERENCE, *group]
    parts += [wording.BRIEF_ITEM, *item_views]
    known = admit(normality, level)
    blocks = [domain.task, _caller(known), _rules(known), wording.BRIEF_ANSWER]
    parts.append("\n".join(block for block in blocks if block))
    return Prompt(
        system=wording.BRIEF_SYSTEM,
        messages=(Message("user", tuple(parts)),),
        schema=brief_schema(),
        evidence=evidence,
        max_output_tokens=max_output_tokens,
    )


def reask_prompt(
    prompt: Prompt, completion_text: str, problem: str, *, max_output_tokens: int | None = None
) -> Prompt:
    """The follow-up turn after an answer that could not be used.

    Args:
        prompt: What was asked.
        completion_text: What came; a long text is quoted only in its first part, and an empty one
            is replaced, because providers refuse empty turns.
        problem: What was wrong with it, without a full stop.
        max_output_tokens: A new ceiling, for an answer that was cut off; None keeps the old one.
    """
    text = completion_text.encode("utf-8", "replace").decode("utf-8")
    quoted = text.strip() or "(no answer)"
    if len(quoted) > _MOST_QUOTED:
        quoted = quoted[:_MOST_QUOTED] + " (…)"
    fields = ", ".join(f"`{name}`" for name in prompt.schema["properties"])
    question = wording.REASK.format(problem=problem.strip().rstrip("."), fields=fields)
    again = prompt.followed_by(quoted, question)
    if max_output_tokens is None:
        return again
    return replace(again, max_output_tokens=max_output_tokens)


def _check_roles(item: Sequence[View], references: Sequence[Sequence[View]]) -> None:
    if not any(view.kind == "clean" for view in item):
        kinds = [view.kind for view in item]
        raise ConfigurationError(
            f"a prompt needs at least one clean view of the item; got {kinds or 'none'}"
        )
    # A swapped view would present the item as normal: the one mistake that must never pass.
    wrong = sum(view.role != "item" for view in item)
    wrong += sum(view.role != "reference" for group in references for view in group)
    if wrong:
        raise ConfigurationError(
            "views of the item need role='item' and views of references role='reference'; got "
            f"{wrong} the other way round"
        )


def _reference_parts(references: Sequence[Sequence[View]]) -> Iterator[Part]:
    for number, group in enumerate(references, start=1):
        for position, view in enumerate(group, start=1):
            label = f"Reference {number} of {len(references)} (normal)"
            if len(group) > 1:
                label += f", picture {position} of {len(group)}"
            yield label + _caption(view)
            yield view


def _pointed_in(item: Sequence[View], *, closer: bool) -> list[View]:
    """The pictures that an answer points in."""
    kind = "zoom" if closer else "clean"
    return [view for view in item if view.kind == kind]


def _item_parts(item: Sequence[View], boxes: BoxFormat | None, *, closer: bool) -> Iterator[Part]:
    pointed = _pointed_in(item, closer=closer)
    first = item.index(pointed[0]) + 1
    whole = sum(view.kind == "clean" for view in item) == 1
    for number, view in enumerate(item, start=1):
        words = _KIND_WORDS[view.kind]
        if len(pointed) == 1 and view.kind == "marked":
            words = f"picture {first} {words}"
        if whole and view.kind == "zoom":
            part = item[0].frame.to_view(view.frame.source)
            place = _written(part, item[0], boxes) if boxes else None
            words = f"{words} of picture 1, the box {place}" if place else f"{words} of picture 1"
        yield f"Item to judge, picture {number} of {len(item)} ({words}){_caption(view)}"
        yield view


def _caption(view: View) -> str:
    caption = " ".join(view.caption.split())[:200]
    return f": {caption}" if caption and not _FILE_LIKE.search(caption) else ":"


def _task(domain: Domain, known: Normality, references: int) -> str:
    lines = [f"Task: {domain.task}"]
    if references:
        one = references == 1
        count = "The reference" if one else f"The {references} references"
        lines.append(
            wording.FEW_SHOT.format(
                count=count, shows="is" if one else "are", them="it" if one else "them"
            )
        )
    else:
        lines.append(wording.ZERO_SHOT)
    return "\n".join(lines)


def _caller(known: Normality) -> str:
    lines: list[str] = []
    if known.subject:
        lines.append(f"Subject: {_quoted(known.subject)}")
    if known.standards:
        lines.append(f"What a normal one looks like: {_quoted(known.standards)}")
    if known.defects:
        lines.append("Kinds of defect that are known to occur (others may occur as well):")
        lines += [f"- {_quoted(defect)}" for defect in known.defects]
    if known.rules:
        lines.append("Rules that hold for every normal item:")
        lines += [f"{n}. {_quoted(rule)}" for n, rule in enumerate(known.rules, start=1)]
    if not lines:
        return ""
    return wording.CALLER.format(tag=wording.CALLER_TAG, statements="\n".join(lines))


def _rules(known: Normality) -> str:
    number = len(known.rules)
    if number == 0:
        return ""
    return wording.RULES.format(
        rules=wording.ONE_RULE if number == 1 else wording.MANY_RULES.format(number=number),
        broken=wording.RULE_BROKEN,
        unseen=wording.RULE_UNSEEN,
    )


def _quoted(text: str) -> str:
    """The caller's text, unable to end the block it stands in."""
    # Not removed but replaced: what is left of nested tags could close up to a new one.
    return _TAG.sub("(tag)", text).strip()


def _expertise(domain: Domain) -> Iterator[str]:
    yield _listed("Look at:", domain.look_at)
    yield _listed("Do not report as anomalies:", domain.not_anomalies)
    yield _listed("Before you judge, work through these steps:", domain.checklist, numbered=True)


def _caveats(domain: Domain, modality: Modality | None) -> str:
    caveats = list(domain.caveats)
    if modality is not None and modality != domain.modality:
        caveats.append(wording.PRESENTATION[modality])
    return _listed("About the pictures:", caveats)


def _listed(title: str, lines: Sequence[str], *, numbered: bool = False) -> str:
    if not lines:
        return ""
    bullets = (f"{n}." if numbered else "-" for n in range(1, len(lines) + 1))
    return "\n".join([title, *(f"{b} {line}" for b, line in zip(bullets, lines, strict=True))])


def _marks(item: Sequence[View], *, closer: bool) -> str:
    numbers = sorted({mark for view in item for mark in view.marks})
    if not numbers:
        return "Marks: `mark` is null."
    return wording.MARKS.format(
        shown="the enlarged part" if closer else "the item's picture",
        numbers=", ".join(map(str, numbers)),
    )


def _where(item: Sequence[View], boxes: BoxFormat, by: Pointing, *, closer: bool) -> str:
    """How a place is to be written, in the one way that the model points."""
    pointed = _pointed_in(item, closer=closer)
    picture = f"the {'enlarged' if closer else 'clean'} picture of the item"
    if by == "place":
        return wording.PLACES.format(picture=picture)
    if len(pointed) > 1:
        picture += " whose number you give in `picture`"
    sizes = {(view.frame.width, view.frame.height) for view in pointed}
    size = sizes.pop() if len(sizes) == 1 else (None, None)
    if by == "point":
        return wording.POINTS.format(form=boxes.describe_point(*size), picture=picture)
    return wording.BOXES.format(form=boxes.describe(*size), picture=picture)


def _counts(evidence: EvidenceSummary) -> str:
    if not evidence.counts:
        return ""
    return wording.COUNTS.format(lines="\n".join(f"- {line}" for line in evidence.counts))


def _evidence(evidence: EvidenceSummary, item: Sequence[View], boxes: BoxFormat) -> str:
    lines = [f"- Score: {evidence.score:.2f} (0 to 1, 0.5 is its boundary)"]
    lines += [f"- {fact}" for fact in evidence.facts]
    lines += [_candidate(candidate, item, boxes) for candidate in evidence.candidates]
    return wording.EVIDENCE.format(lines="\n".join(lines))


def _candidate(candidate: CandidateSummary, item: Sequence[View], boxes: BoxFormat) -> str:
    drawn = {mark for view in item for mark in view.marks}
    if candidate.mark is not None and candidate.mark in drawn:
        place = f"Number {candidate.mark}: "
    elif candidate.box is None:
        place = ""
    else:
        box = _written(item[0].frame.to_view(candidate.box), item[0], boxes)
        place = f"Box {box}: " if box else "A region outside the picture: "
    return f"- {place}{candidate.label}, score {candidate.score:.2f}. {candidate.fact}"


def _written(box: Box, view: View, boxes: BoxFormat) -> str | None:
    """A box of view pixels as the model writes it, or None when it lies outside the picture."""
    width, height = view.frame.width, view.frame.height
    inside = box.clipped(width, height)
    if inside is None:
        return None
    sx, sy = (1.0, 1.0) if boxes.frame == "pixels" else (boxes.scale / width, boxes.scale / height)
    x0, y0, x1, y1 = inside.x0 * sx, inside.y0 * sy, inside.x1 * sx, inside.y1 * sy
    values = (x0, y0, x1, y1) if boxes.order == "xyxy" else (y0, x0, y1, x1)
    digits = 3 if boxes.frame == "relative" and boxes.scale <= 10 else 0
    return "[" + ", ".join(f"{value:.{digits}f}" for value in values) + "]"
