"""What a localizer is: regions proposed, numbered for a model, and found again from its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from gadet.experts.base import Evidence, Suspect
from gadet.findings import Finding, Region
from gadet.geometry import BoxFormat, Interval
from gadet.media.base import Sample
from gadet.report import Writer
from gadet.view import View, ViewLimits

__all__ = [
    "Bisector",
    "Bracket",
    "Closeup",
    "Counter",
    "Exporter",
    "Illustrator",
    "Localizer",
    "Nester",
    "Pointer",
    "Poser",
    "Scene",
    "Window",
    "Windowed",
]


@dataclass(frozen=True)
class Pointer:
    """How an answer points at a place.

    Attributes:
        mark: A number drawn in the marked view.
        box: Four numbers in the model's own format.
        picture: The clean view that the box or the point is measured in, counted from 1; None means
            the first.
        start: The moment it begins at, in the words of the answer.
        end: The moment it ends at.
        point: Two numbers in the model's own format, in the order of the corners of its boxes.
        place: Coarse words: "upper left", "centre".
    """

    mark: int | None = None
    box: tuple[float, float, float, float] | None = None
    picture: int | None = None
    start: str | None = None
    end: str | None = None
    point: tuple[float, float] | None = None
    place: str | None = None


@dataclass(frozen=True, eq=False)
class Scene:
    """What an answer's pointers refer to.

    Attributes:
        sample: The item.
        views: The clean views that boxes refer to, in the order of the prompt.
        boxes: How the model writes boxes.
        candidates: The numbered regions; mark `n` is `candidates[n - 1]`.
        evidence: What the expert measured, when one ran.
        first: The number that the prompt gives the first of `views`.
    """

    sample: Sample
    views: tuple[View, ...]
    boxes: BoxFormat
    candidates: tuple[Suspect, ...] = ()
    evidence: Evidence | None = None
    first: int = 1

    def view_of(self, pointer: Pointer) -> tuple[View, tuple[str, ...]]:
        """The view that a box or point is measured in, and a note when it named another one."""
        number = self.first if pointer.picture is None else pointer.picture
        last = self.first + len(self.views) - 1
        if self.first <= number <= last:
            return self.views[number - self.first], ()
        there = f"{self.first} to {last}"
        return self.views[0], (f"picture {number} was named, but those to point in are {there}",)

    def candidate_of(self, pointer: Pointer) -> tuple[Suspect | None, tuple[str, ...]]:
        """The region with the mark that a pointer names, and a note when there is no such mark."""
        if pointer.mark is None:
            return None, ()
        if 1 <= pointer.mark <= len(self.candidates):
            return self.candidates[pointer.mark - 1], ()
        drawn = f"1 to {len(self.candidates)}" if self.candidates else "none"
        return None, (f"mark {pointer.mark} was named, but the marks drawn are {drawn}",)


@dataclass(frozen=True, eq=False)
class Closeup:
    """Part of an item shown again, enlarged, for a question of its own.

    Attributes:
        within: A clean view of the whole item, for orientation.
        views: The enlarged pictures; answers point in them.
        marked: Those pictures again, with numbered regions.
        candidates: The numbered regions; mark `n` is `candidates[n - 1]`.
    """

    within: View
    views: tuple[View, ...]
    marked: tuple[View, ...] = ()
    candidates: tuple[Suspect, ...] = ()

    def within_pictures(self, most: int) -> Closeup:
        """The same in at most `most` pictures: without numbers, then with the last views alone."""
        if 1 + len(self.views) + len(self.marked) <= most:
            return self
        kept = self.views[-max(most - 1, 1) :]
        return replace(self, views=kept, marked=(), candidates=())


@dataclass(frozen=True, eq=False)
class Window:
    """A stretch of an item, shown in a question of its own.

    Attributes:
        views: Its clean views.
        interval: From when to when; None for the whole item.
        region: The stretch as a place of the item; None for the whole item.
        words: The stretch for people and models: "0:08.0 to 0:16.0".
    """

    views: tuple[View, ...]
    interval: Interval | None = None
    region: Region | None = None
    words: str = ""


@dataclass(frozen=True)
class Bracket:
    """Two positions between which a finding begins or ends.

    Attributes:
        outside: A position at which the finding is not going on.
        inside: A position at which it is.
    """

    outside: int
    inside: int

    @property
    def closed(self) -> bool:
        """Whether nothing lies between the two."""
        return abs(self.outside - self.inside) <= 1

    @property
    def middle(self) -> int:
        """The position half way."""
        return (self.outside + self.inside) // 2

    def with_middle(self, *, inside: bool) -> Bracket:
        """The half that is left once it is known what the middle is."""
        if inside:
            return Bracket(self.outside, self.middle)
        return Bracket(self.middle, self.inside)


class Localizer(Protocol):
    """Finds regions of one modality, before and after the model was asked."""

    def propose(
        self, sample: Sample, evidence: Evidence | None, *, most: int
    ) -> tuple[Suspect, ...]:
        """At most `most` regions worth a number, the most suspicious first."""

    def mark(
        self,
        sample: Sample,
        views: Sequence[View],
        candidates: Sequence[Suspect],
        limits: ViewLimits,
    ) -> tuple[View, ...]:
        """Views with the regions numbered from 1, each still within what the model takes.

        Args:
            sample: The item.
            views: Its clean views.
            candidates: The regions; the same one has the same number in every view.
            limits: What the model takes.
        """

    def locate(self, pointer: Pointer, scene: Scene) -> tuple[Region | None, tuple[str, ...]]:
        """The region that a pointer means, in native coordinates, and what had to be mended.

        A pointer that leads nowhere gives None and a note; it is never dropped in silence.
        """

    def region_of(self, suspect: Suspect, sample: Sample) -> Region:
        """The region of something that an expert or a proposal found suspicious."""

    def closeup(self, region: Region, scene: Scene, limits: ViewLimits) -> Closeup | None:
        """A region shown again, enlarged with its surroundings.

        None when that would show nothing that the views of the scene do not.
        """


@runtime_checkable
class Illustrator(Protocol):
    """A localizer that draws the picture of a report, for items that have none of their own."""

    def illustrate(
        self, sample: Sample, findings: Sequence[Finding], evidence: Evidence | None
    ) -> bytes:
        """A picture file with the findings in it, numbered from 1 in their order.

        Args:
            sample: The item.
            findings: What was found; those without a region keep their number and are not drawn.
            evidence: What the expert measured, when one ran.
        """


@runtime_checkable
class Poser(Protocol):
    """A localizer whose items are shown from where their references are."""

    def posed(self, sample: Sample, like: Sample) -> Sample:
        """The sample, shown from the same directions as another one.

        Args:
            sample: The item, or a further reference.
            like: The first reference, which stays as it is.
        """


@runtime_checkable
class Exporter(Protocol):
    """A localizer that can write files of its modality with the findings in them."""

    def exports(
        self, sample: Sample, findings: Sequence[Finding], evidence: Evidence | None
    ) -> Mapping[str, Writer]:
        """What writes a file, by the ending of its name, such as `.ply`.

        Args:
            sample: The item.
            findings: What was found.
            evidence: What the expert measured, when one ran.
        """


@runtime_checkable
class Counter(Protocol):
    """A localizer that can count alike objects and compare their number with the references'."""

    def count(self, sample: Sample, references: Sequence[Sample], evidence: Evidence) -> Evidence:
        """The evidence with what was counted: sentences, and objects missing or added."""

    def counting_views(
        self, sample: Sample, references: Sequence[Sample], limits: ViewLimits
    ) -> tuple[View, ...]:
        """The item and its first reference with the kinds numbered whose numbers differ.

        None when no number differs.
        """


@runtime_checkable
class Nester(Protocol):
    """A localizer that can number more regions than can be read in one picture.

    Some of its marks then are coarse: they stand for several regions, which get numbers of their
    own where the mark is shown again.
    """

    def propose_nested(
        self, sample: Sample, evidence: Evidence | None, *, most: int
    ) -> tuple[Suspect, ...]:
        """At most `most` marks, coarse ones where there are more regions than that."""

    def parts_of(self, suspect: Suspect) -> tuple[Suspect, ...]:
        """The regions that a coarse mark stands for; none when it is no coarse one."""

    def inside(self, suspect: Suspect, scene: Scene, limits: ViewLimits) -> Closeup:
        """A coarse mark shown again, enlarged, clean and with its regions numbered from 1."""


@runtime_checkable
class Windowed(Protocol):
    """A localizer of items that may be too long to be shown in one question."""

    def windows(self, sample: Sample, limits: ViewLimits, *, most: int) -> tuple[Window, ...]:
        """The item cut into stretches that overlap, in order; one alone when it can be shown whole.

        Args:
            sample: The item.
            limits: What the model takes as one picture.
            most: Pictures that one question may show of the item; 0 where nobody looks at them and
                one window with one picture is enough.
        """


@runtime_checkable
class Bisector(Protocol):
    """A localizer that can show single moments, to find out when something begins and ends."""

    def brackets(self, region: Region, scene: Scene) -> tuple[Bracket, Bracket] | None:
        """Between which positions a finding begins, and between which it ends.

        None when that cannot be told, or is known exactly.
        """

    def probe(
        self, position: int, region: Region, scene: Scene, limits: ViewLimits
    ) -> tuple[View, View]:
        """The finding where it is seen best, outlined; and the moment in question."""

    def trimmed(self, region: Region, start: Bracket, end: Bracket, scene: Scene) -> Region:
        """The region with the ends that were found."""
