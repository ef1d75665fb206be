"""Counting: objects that are alike, found in the item and in each reference, and compared.

Models count badly, so a program counts for them. A wrong count would be worse than none: a kind of
object is told only where its members are clearly alike and clearly unlike the rest, in as many
pieces in every reference; and a difference becomes evidence only where the place of the object
itself has changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gadet.experts.base import Candidate, Evidence, Suspect
from gadet.experts.lab import lab
from gadet.experts.places import place
from gadet.geometry import Box
from gadet.localize.fusion import shrunk, working_shape
from gadet.localize.objects import Thing, find_things
from gadet.localize.proposal import Proposal

__all__ = ["Counted", "Kind", "Tally", "counted", "distances", "tally", "with_counts"]

Pixels = npt.NDArray[np.uint8]

LONGEST = 384
"""Longest side in pixels of the copy on which objects are found."""
TOLERANCES = (0.25, 0.12, 0.1, 0.15)
"""How far alike objects may differ: logarithm of the area, short by long axis, fullness of the
ellipse of the same moments, share of holes."""
COLOUR_TOLERANCE = 12.0
"""The same for their mean colours, CIE76."""
CLEAR = 1.5
"""Nothing else may be this near to an object of a kind, in tolerances."""
WIDEST = 2.0
"""Two objects of one kind are no farther apart than this, in tolerances."""
LEAST_SEEN = 3
"""A kind is seen so often in all references together."""
NEAR = 0.5
"""Objects are in one place when their centres are nearer than this, in sizes of the object."""
CHANGED = 10.0
"""Mean difference of colour (CIE76) from which the place of an object has changed."""
FAR_MORE = 2.0
"""So many times as much as the others of its kind."""
STEP, FARTHEST, SAMPLED = 2, 24, 120
"""Pixels of the copy between two places where an object is looked for, the farthest of them, and
how many pixels of the object are compared."""
SCORE, SCORE_OF_ONE = 0.7, 0.6
"""Of a difference to several references that agree, and to a single one."""
ONE_PLACE = 0.5
"""Places that share more than this are one."""
MOST_TOLD = 6
SAID = {
    "missing object": "one is missing",
    "extra object": "one more lies",
    "other object": "something else lies in the place of one,",
}
MOST_PLACES = 12
"""Of more objects than this the places are not told."""


@dataclass(frozen=True, eq=False)
class Counted:
    """The objects of one picture.

    Attributes:
        things: Objects in pixels of a copy.
        colours: That copy in CIE L*a*b*, `(H, W, 3)` float32.
        native: `(height, width)` of the picture itself.
    """

    things: tuple[Thing, ...]
    colours: npt.NDArray[np.float32]
    native: tuple[int, int]

    @property
    def scale(self) -> float:
        """Native pixels per pixel of the copy."""
        return float(self.native[1] / self.colours.shape[1])

    def box(self, thing: Thing) -> Box:
        """The box of an object in native pixels."""
        x0, y0, x1, y1 = thing.box.as_tuple()
        across, down = self.scale, self.native[0] / self.colours.shape[0]
        return Box.of(x0 * across, y0 * down, x1 * across, y1 * down)

    def candidate(self, thing: Thing, score: float, label: str, fact: str) -> Candidate:
        """An object, or the place of one, as a region in native pixels."""
        shape = (self.colours.shape[0], self.colours.shape[1])
        lifted = Proposal("count", score, thing.left, thing.top, thing.mask, shape).on(self.native)
        height, width = lifted.mask.shape
        box = Box.of(lifted.left, lifted.top, lifted.left + width, lifted.top + height)
        return Candidate(lifted.whole(), box, score, label, fact)


@dataclass(frozen=True, eq=False)
class Kind:
    """Objects that are alike.

    Attributes:
        item: Those of the item, in reading order.
        references: Those of each reference.
    """

    item: tuple[Thing, ...]
    references: tuple[tuple[Thing, ...], ...]

    @property
    def usual(self) -> int:
        """How many each reference has."""
        return len(self.references[0])

    @property
    def differs(self) -> bool:
        """Whether the item has another number."""
        return len(self.item) != self.usual


@dataclass(frozen=True, eq=False)
class Tally:
    """What was counted.

    Attributes:
        kinds: The kinds of objects that could be counted clearly, differing ones first.
        sentences: What is told of each, in their order.
        candidates: Objects that are missing, added or replaced, where that is certain.
    """

    kinds: tuple[Kind, ...] = ()
    sentences: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()


def counted(pixels: Pixels) -> Counted:
    """Find the objects of a picture `(H, W, 3)` uint8 RGB."""
    small = shrunk(pixels, working_shape(pixels.shape, LONGEST))
    native = (pixels.shape[0], pixels.shape[1])
    return Counted(find_things(small), lab(small).astype(np.float32), native)


def tally(item: Counted, references: Sequence[Counted]) -> Tally:
    """Compare the numbers of alike objects in the item with those in each reference.

    Without a reference nothing says how many there should be, and nothing is told.
    """
    if not references:
        return Tally()
    pictures = [item, *references]
    kinds = [kind for members in _alike(pictures) if (kind := _kind(members)) is not None]
    kinds = [kind for kind in kinds if not any(_within(kind, other) for other in kinds)]
    # A compartment is another one when its content is: what is told is the content, the smaller.
    kinds.sort(key=_size)
    told: list[tuple[Kind, list[Candidate]]] = []
    for kind in kinds:
        odd = _odd(kind, item, references) if kind.differs else []
        if kind.differs and not odd and _fixed(kind):
            continue  # what is not there has its place, and nothing has changed there
        if not any(_around(one, other) for one in odd for _, known in told for other in known):
            told.append((kind, odd))
    told.sort(key=lambda entry: (not entry[0].differs, -_size(entry[0])))
    told = told[:MOST_TOLD]
    return Tally(
        tuple(kind for kind, _ in told),
        tuple(_sentence(kind, odd, item) for kind, odd in told),
        _once([one for _, odd in told for one in odd]),
    )


def with_counts(evidence: Evidence, found: Tally) -> Evidence:
    """What an expert measured, with what was counted.

    An object that is missing, added or replaced becomes a region, and takes the place of what the
    expert found there. Its score raises that of the item.
    """
    score_map = evidence.score_map.copy() if found.candidates else evidence.score_map
    suspects: list[Suspect] = list(evidence.candidates)
    for one in found.candidates:
        there = [other for other in suspects if _inside(other, one)]
        score = max(one.score, *(other.score for other in there), 0.0)
        suspects = [other for other in suspects if not any(other is known for known in there)]
        suspects.append(replace(one, score=score))
        score_map[one.mask] = np.maximum(score_map[one.mask], score)
    suspects.sort(key=lambda suspect: -suspect.score)
    return replace(
        evidence,
        score_map=score_map,
        score=max([evidence.score, *(one.score for one in found.candidates)]),
        candidates=tuple(suspects),
        counts=found.sentences,
    )


def _inside(other: Suspect, one: Candidate) -> bool:
    """Whether what an expert found lies mostly at the place of an object."""
    box = other.box
    return box is not None and box.intersection(one.box) > ONE_PLACE * box.area


def distances(things: Sequence[Thing]) -> npt.NDArray[np.float64]:
    """How unlike objects are, in tolerances, by what differs most: `(N, N)`, places left out."""
    if not things:
        return np.zeros((0, 0))
    features = np.array([(math.log(t.area), *t.form, t.holes, *t.colour) for t in things])
    features /= np.array([*TOLERANCES, *[COLOUR_TOLERANCE] * 3])
    gaps = np.abs(features[:, None] - features[None])
    colour = np.linalg.norm(gaps[..., len(TOLERANCES) :], axis=-1)
    return np.asarray(np.maximum(gaps[..., : len(TOLERANCES)].max(axis=-1), colour))


def _alike(pictures: Sequence[Counted]) -> list[list[tuple[Thing, ...]]]:
    """Objects that are alike, by picture; those that cannot be told clearly from others left out.

    Single linkage within the tolerance; what is left out is a chain of objects that drift apart,
    or has a neighbour that is only a little too far.
    """
    things = [(n, thing) for n, picture in enumerate(pictures) for thing in picture.things]
    near = distances([thing for _, thing in things])
    group = list(range(len(things)))
    for i, j in np.argwhere(np.triu(near <= 1, 1)).tolist():
        old, new = group[j], group[i]
        group = [new if name == old else name for name in group]
    found = []
    for name in sorted(set(group)):
        inside = [k for k, its in enumerate(group) if its == name]
        outside = [k for k, its in enumerate(group) if its != name]
        if near[np.ix_(inside, inside)].max() > WIDEST:
            continue
        if outside and near[np.ix_(inside, outside)].min() < CLEAR:
            continue
        members = [tuple(t for n, t in (things[k] for k in inside) if n == number)
                   for number in range(len(pictures))]  # fmt: skip
        found.append([_in_order(some) for some in members])
    return found


def _in_order(things: Sequence[Thing]) -> tuple[Thing, ...]:
    """As they are read: rows from the top, each from the left."""
    if not things:
        return ()
    row = float(np.median([thing.mask.shape[0] for thing in things]))
    return tuple(sorted(things, key=lambda one: (round(one.centre[1] / row), one.centre[0])))


def _kind(members: Sequence[tuple[Thing, ...]]) -> Kind | None:
    """The kind, when it is repeated clearly enough to be counted; else None."""
    kind = Kind(members[0], tuple(members[1:]))
    agreed = all(len(some) == kind.usual for some in kind.references)
    repeated = kind.usual >= 2 and kind.usual * len(kind.references) >= LEAST_SEEN
    # Where half is gone, or twice as many are there, the finding of objects is to blame.
    plausible = kind.usual <= 2 * len(kind.item) and len(kind.item) <= 2 * kind.usual
    return kind if agreed and repeated and plausible else None


def _within(kind: Kind, other: Kind) -> bool:
    """Whether each object lies in one of the other kind, as holes in rings do, one to one."""
    if kind is other or _size(kind) >= _size(other):
        return False
    pictures = zip((kind.item, *kind.references), (other.item, *other.references), strict=True)
    return all(
        len(inner) == len(outer) and all(any(_holds(o, i) for o in outer) for i in inner)
        for inner, outer in pictures
    )


def _holds(outer: Thing, inner: Thing) -> bool:
    box = outer.box
    x, y = inner.centre
    return box.x0 <= x < box.x1 and box.y0 <= y < box.y1


def _size(kind: Kind) -> float:
    members = [*kind.item, *(thing for some in kind.references for thing in some)]
    return float(np.median([thing.area for thing in members]))


def _odd(kind: Kind, item: Counted, references: Sequence[Counted]) -> list[Candidate]:
    """The objects that are missing or added, when all others are in the places they have there.

    What the copy of the item shows at such a place must have changed; otherwise the object is
    there, and was only not found.
    """
    if any(one.colours.shape != item.colours.shape for one in references):
        return []
    score = SCORE if len(references) > 1 else SCORE_OF_ONE
    gone = [_unmatched(there, kind.item) for there in kind.references]
    more = [_unmatched(kind.item, there) for there in kind.references]
    number = kind.usual - len(kind.item)
    if any(len(some) != max(number, 0) for some in gone):
        return []
    if any(len(some) != max(-number, 0) for some in more):
        return []
    for members, missing, added, one in zip(kind.references, gone, more, references, strict=True):
        stayed = [thing for thing in members if not any(thing is other for other in missing)]
        if missing and not _gone(missing, stayed, item, one):
            return []
        if added and not _gone(added, [], one, item):
            return []
    odd = gone[0] if number > 0 else more[0]
    label, fact = (
        "extra object",
        f"one of {len(kind.item)} alike; the references have {kind.usual}.",
    )
    if number > 0:
        label = "missing object"
        fact = f"one of {kind.usual} alike that the references have; here are {len(kind.item)}."
    return [item.candidate(thing, score, *_replaced(thing, item, label, fact)) for thing in odd]


def _replaced(thing: Thing, item: Counted, label: str, fact: str) -> tuple[str, str]:
    """Say when something else lies in the place of a missing object."""
    if label == "missing object" and any(thing.overlap(one) > NEAR for one in item.things):
        return "other object", f"{fact} Something else lies in its place."
    return label, fact


def _unmatched(things: Sequence[Thing], others: Sequence[Thing]) -> list[Thing]:
    """The objects near whose centre no other has its own."""
    return [one for one in things if not any(_same_place(one, other) for other in others)]


def _fixed(kind: Kind) -> bool:
    """Whether most objects lie where those of each reference do."""
    strays = (len(_unmatched(kind.item, there)) for there in kind.references)
    return all(2 * stray < len(kind.item) for stray in strays)


def _same_place(one: Thing, other: Thing) -> bool:
    return math.dist(one.centre, other.centre) < NEAR * math.sqrt(one.area)


def _gone(odd: Sequence[Thing], others: Sequence[Thing], here: Counted, there: Counted) -> bool:
    """Whether `here` shows nothing like the objects that `there` has, but something like others.

    Light, blur and a turn of the whole change every object: what is gone differs far more.
    """
    usual = max((_gap(thing, here, there) for thing in others), default=0.0)
    return all(_gap(thing, here, there) >= max(CHANGED, FAR_MORE * usual) for thing in odd)


def _gap(thing: Thing, here: Counted, there: Counted) -> float:
    """How unlike its own place an object of `there` is `here`, where it fits best nearby."""
    height, width = thing.mask.shape
    rows, columns = here.colours.shape[:2]
    pixels = np.argwhere(thing.mask)
    pixels = pixels[:: max(1, len(pixels) // SAMPLED)]
    wanted = there.colours[thing.top + pixels[:, 0], thing.left + pixels[:, 1]]
    reach = min(int(NEAR * math.sqrt(thing.area)), FARTHEST)
    tops = np.arange(max(thing.top - reach, 0), min(thing.top + reach, rows - height) + 1, STEP)
    lefts = np.arange(
        max(thing.left - reach, 0), min(thing.left + reach, columns - width) + 1, STEP
    )
    y = tops[:, None, None] + pixels[:, 0]
    x = lefts[None, :, None] + pixels[:, 1]
    gaps = np.linalg.norm(here.colours[y, x] - wanted, axis=-1).mean(axis=-1)
    return float(gaps.min())


def _around(one: Candidate, other: Candidate) -> bool:
    """Whether the place of one lies around the smaller place of another."""
    return one.box.area > other.box.area / ONE_PLACE and (
        one.box.intersection(other.box) > ONE_PLACE * other.box.area
    )


def _once(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Of two in one place, an object replaced by another, the one that says so."""
    ranked = sorted(candidates, key=lambda one: one.label != "other object")
    kept: list[Candidate] = []
    for one in ranked:
        if all(one.box.iou(other.box) <= ONE_PLACE for other in kept):
            kept.append(one)
    return tuple(kept)


def _sentence(kind: Kind, odd: Sequence[Candidate], item: Counted) -> str:
    boxes = [item.box(thing) for thing in kind.item]
    width = float(np.median([box.width for box in boxes]))
    height = float(np.median([box.height for box in boxes]))
    said = f"{len(boxes)} objects are alike, each about {width:.0f} × {height:.0f} px"
    if len(boxes) <= MOST_PLACES:
        said += ", at " + ", ".join(_point(box) for box in boxes)
    many = len(kind.references)
    each = "the reference" if many == 1 else f"each of the {many} references"
    if not kind.differs:
        return f"{said}; {each} has as many."
    places = [
        f"{SAID[one.label]} near {_point(one.box)}, {place(one.box, item.native)}" for one in odd
    ]
    where = ": " + "; ".join(places) if places else " (not certain: they lie elsewhere)"
    return f"{said}; {each} has {kind.usual}{where}."


def _point(box: Box) -> str:
    x, y = box.centre
    return f"({x:.0f}, {y:.0f})"
