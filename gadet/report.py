"""What comes out: a `Report` for an item that was inspected, a `Failure` for one that was not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, PrivateAttr, model_validator

from gadet.errors import ConfigurationError
from gadet.export import to_anomalib, to_coco, to_csv, to_label_studio
from gadet.findings import Count, Finding, Record, Unit
from gadet.geometry import Box, Interval

__all__ = [
    "CandidateSummary",
    "Cost",
    "EvidenceSummary",
    "Failure",
    "ItemInfo",
    "Modality",
    "Provenance",
    "RawAnswer",
    "Report",
    "ScoreSource",
    "Stop",
    "Stretch",
    "Usage",
    "Verdict",
    "Writer",
]

Modality = Literal["image", "video", "pointcloud", "series"]
Verdict = Literal["anomalous", "normal", "uncertain", "refused", "unparsed"]
ScoreSource = Literal["logprob", "vote", "stated", "expert", "fused"]
Stop = Literal["complete", "truncated", "refused", "blocked", "other"]
Writer = Callable[[Path], None]


class Usage(Record):
    """Tokens and requests spent.

    Attributes:
        requests: Requests that a backend answered.
        input_tokens: All tokens sent, cached ones included.
        cached_tokens: Tokens sent that the provider had cached.
        cache_write_tokens: Tokens sent that the provider stored for later requests.
        output_tokens: Tokens generated, reasoning included.
        reasoning_tokens: Tokens generated as reasoning.
    """

    requests: Count = 0
    input_tokens: Count = 0
    cached_tokens: Count = 0
    cache_write_tokens: Count = 0
    output_tokens: Count = 0
    reasoning_tokens: Count = 0

    def __add__(self, other: Usage) -> Usage:
        """Add two counts field by field."""
        return Usage(
            **{name: getattr(self, name) + getattr(other, name) for name in Usage.model_fields}
        )


class Cost(Record):
    """Money spent.

    Attributes:
        amount: In `currency`.
        currency: ISO 4217 code.
        as_of: Date of the prices used, ISO 8601.
    """

    amount: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
    currency: str = "USD"
    as_of: str | None = None


class ItemInfo(Record):
    """What was inspected.

    Attributes:
        name: A name for people: the file's name, or `image` for data in memory.
        source: Path or URL, when the item came from one.
        modality: Which adapter read it.
        sha256: SHA-256 of the decoded data, in hexadecimal.
        size: `(width, height)` in pixels of a picture or a frame.
        notes: What was done to read it: orientation applied, 16-bit window, frame chosen.
    """

    name: str
    source: str | None = None
    modality: Modality
    sha256: str
    size: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()


class CandidateSummary(Record):
    """A region that an expert or a proposal engine found suspicious.

    Attributes:
        mark: Its number in the marked view, when it got one.
        box: The rectangle around it in native pixels; None where a rectangle says nothing.
        score: How suspicious, in [0, 1]; 0.5 is the boundary.
        label: A short noun.
        fact: What was measured, in a sentence.
    """

    mark: int | None = None
    box: Box | None = None
    score: Unit
    label: str
    fact: str


class EvidenceSummary(Record):
    """What an expert measured without a language model.

    Attributes:
        expert: Which one ran.
        score: Its score in [0, 1]; 0.5 is its decision boundary.
        facts: What it measured, a sentence each.
        candidates: The regions it proposes, most suspicious first.
        notes: What the reader should know: an engine that was missing, a picture made smaller.
        compared: Whether part of the item itself was known to be normal and compared with.
        counts: How many alike objects there are beside the references', a sentence each.
    """

    expert: str
    score: Unit
    facts: tuple[str, ...] = ()
    candidates: tuple[CandidateSummary, ...] = ()
    notes: tuple[str, ...] = ()
    compared: bool = False
    counts: tuple[str, ...] = ()


class Provenance(Record):
    """What is needed to get the same report again.

    Attributes:
        gadet_version: Version of gadet.
        backend: Name of the backend.
        model: The model as the backend reported it.
        prompt_sha256: Hashes of the prompts that were sent, in order.
        domain: Name of the domain pack.
        level: How much the prompt told: `naive`, `class` or `expert`.
        references: SHA-256 of every reference, in order.
        expert: Which expert ran.
        expert_weights_sha256: Hash of its weights, when it has any.
        views: Size and role of every picture that was sent.
    """

    gadet_version: str
    backend: str
    model: str | None = None
    prompt_sha256: tuple[str, ...] = ()
    domain: str
    level: str
    references: tuple[str, ...] = ()
    expert: str | None = None
    expert_weights_sha256: str | None = None
    views: tuple[str, ...] = ()


class RawAnswer(Record):
    """One answer as it came, with the prompt it answers.

    Attributes:
        prompt: The prompt's text; each picture stands as a line that describes it.
        text: The text of the model.
        stop: Why it stopped, in common terms.
        verdict: What was read from it.
        request_id: The provider's id, when it sent one.
        problem: Why it could not be read, when it could not.
    """

    prompt: str
    text: str
    stop: Stop
    verdict: Verdict
    request_id: str | None = None
    problem: str | None = None


class Stretch(Record):
    """What was judged of a stretch of an item that was too long for one question.

    Attributes:
        interval: From when to when.
        verdict: What was read from the answer about it.
        score: The score of that answer; None when it was refused or could not be read.
        smoothed: The score joined with those of its neighbours in time.
    """

    interval: Interval
    verdict: Verdict
    score: Unit | None = None
    smoothed: Unit | None = None


class Presenter(Protocol):
    """What turns reports into pictures and pages; `gadet.render` is the one that ships."""

    def html(self, reports: list[Report]) -> str:
        """One self-contained page."""

    def fragment(self, report: Report) -> str:
        """A piece of HTML for a notebook."""

    def overlay_png(self, report: Report) -> bytes:
        """The picture with its findings, as a PNG file."""

    def show(self, report: Report) -> None:
        """Open the picture with its findings, in the notebook or in the system's viewer."""


_presenter: Callable[[], Presenter] | None = None


def present_with(factory: Callable[[], Presenter]) -> None:
    """Set what draws reports, as a factory that is called when a report is first shown.

    The drawing code stands above the report, so the report does not import it: `gadet/__init__.py`
    joins the two.
    """
    global _presenter  # noqa: PLW0603  (the one seam between results and their drawing)
    _presenter = factory


def _present() -> Presenter:
    if _presenter is None:
        raise ConfigurationError(
            "showing a report needs a presenter: import gadet, or call gadet.report.present_with"
        )
    return _presenter()


class Report(Record):
    """The result of inspecting one item.

    Attributes:
        verdict: `anomalous`, `normal` or `uncertain` when an answer could be read; `refused` when
            the model declined or was blocked; `unparsed` when its answer could not be read.
        score: In [0, 1], higher is more anomalous, 0.5 is the boundary; None when refused or
            unparsed.
        score_source: Where the score comes from; None when there is none.
        findings: What is wrong, most important first.
        explanation: The answer in sentences.
        observations: What was seen before the verdict was given.
        stretches: What was judged of each stretch, of an item that was too long for one question.
        item: What was inspected.
        evidence: What the expert measured, when one ran.
        usage: Tokens and requests spent.
        cost: Money spent, when the prices of the model are known.
        timings: Seconds by stage, and `total`.
        provenance: What is needed to get the same report again.
        raw: Every answer as it came.
        notes: What was repaired or could not be used while reading the answer.
    """

    verdict: Verdict
    score: Unit | None
    score_source: ScoreSource | None
    findings: tuple[Finding, ...] = ()
    explanation: str = ""
    observations: tuple[str, ...] = ()
    stretches: tuple[Stretch, ...] = ()
    item: ItemInfo
    evidence: EvidenceSummary | None = None
    usage: Usage = Usage()
    cost: Cost | None = None
    timings: dict[str, float] = Field(default_factory=dict)
    provenance: Provenance
    raw: tuple[RawAnswer, ...] = ()
    notes: tuple[str, ...] = ()

    _preview: bytes | None = PrivateAttr(default=None)
    _anomaly_map: npt.NDArray[np.float32] | None = PrivateAttr(default=None)
    _turn: object = PrivateAttr(default=None)
    _exports: Mapping[str, Writer] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _score_goes_with_verdict(self) -> Self:
        judged = self.verdict in ("anomalous", "normal", "uncertain")
        if judged != (self.score is not None) or judged != (self.score_source is not None):
            raise ValueError(
                "a judged report has a score and a score_source, a refused or unparsed one has "
                f"neither; got verdict={self.verdict!r}, score={self.score!r}, "
                f"score_source={self.score_source!r}"
            )
        return self

    def __eq__(self, other: object) -> bool:
        """Compare what is serialised; the pictures that live with the object do not count."""
        return isinstance(other, Report) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # it holds a dict of timings

    @property
    def judged(self) -> bool:
        """Whether a readable answer was given; False for `refused` and `unparsed`."""
        return self.score is not None

    @property
    def preview(self) -> bytes | None:
        """The picture to show as an image file, at most 1024 px; lives with this object only.

        Of an image it is the image as inspected, of a series its plot and of a cloud its
        renderings with what was found.
        """
        return self._preview

    @property
    def anomaly_map(self) -> npt.NDArray[np.float32] | None:
        """The expert's map in [0, 1]; lives with this object only.

        `(H, W)` of an image in native pixels, `(T,)` of a series, a score for each row, `(N,)` of
        a cloud, a score for each point that was kept when it was read.
        """
        return self._anomaly_map

    def with_pictures(
        self, preview: bytes | None, anomaly_map: npt.NDArray[np.float32] | None = None
    ) -> Self:
        """Attach what is not serialised: the picture and the map."""
        copy = self.model_copy()
        copy._preview = preview
        copy._anomaly_map = anomaly_map
        return copy

    @property
    def turn(self) -> object:
        """The prompt and the answer the report came from; lives with this object only."""
        return self._turn

    def with_turn(self, turn: object) -> Self:
        """Attach what a question about the report goes on from."""
        copy = self.model_copy()
        copy._turn = turn
        return copy

    def with_exports(self, exports: Mapping[str, Writer]) -> Self:
        """Attach what writes files of the item's own kind, by their ending; see `save`."""
        copy = self.model_copy()
        copy._exports = exports
        return copy

    def to_dict(self) -> dict[str, Any]:
        """The result under the names that users of anomalib know.

        Returns:
            `pred_score` (float or None), `pred_label` (bool, or None when not judged),
            `anomaly_map` (float32 `(H, W)`, of a series `(T,)`, or None), `pred_mask` (bool
            `(H, W)` or None), `pred_boxes` (float `(N, 4)`, `x0, y0, x1, y1`), `image_path`,
            `explanation`.
        """
        return to_anomalib(
            score=self.score,
            anomalous={"anomalous": True, "normal": False}.get(self.verdict),
            findings=self.findings,
            anomaly_map=self.anomaly_map,
            size=self.item.size,
            source=self.item.source,
            explanation=self.explanation,
        )

    def to_coco(self, *, polygons: bool = False) -> dict[str, Any]:
        """The findings as a COCO data set with one image; `gadet.export.to_coco` takes many.

        Args:
            polygons: Write masks as polygons instead of RLE, where they have no holes.
        """
        return to_coco([self], polygons=polygons)

    def to_label_studio(self) -> dict[str, Any]:
        """The findings as a Label Studio task with one prediction."""
        return to_label_studio(self)

    def show(self) -> None:
        """Open the picture with its findings in the system's viewer, or show it in a notebook."""
        _present().show(self)

    def save(self, path: str | Path) -> Path:
        """Write the report; its ending says how: `.html`, `.json`, `.png`, or `.csv` as a table.

        A report that has just been made also writes files of the item's own kind: `.ply` of a cloud
        with its scores, `.mp4` of a video with what was found drawn in.

        Raises:
            ConfigurationError: The ending is another one.
        """
        target = Path(path)
        match target.suffix.lower():
            case ".html" | ".htm":
                target.write_text(_present().html([self]), encoding="utf-8")
            case ".json":
                target.write_text(self.model_dump_json(indent=2), encoding="utf-8")
            case ".png":
                target.write_bytes(_present().overlay_png(self))
            case ".csv":
                target.write_text(to_csv([self]), encoding="utf-8", newline="")
            case ending if ending in self._exports:
                self._exports[ending](target)
            case ending:
                endings = ", ".join((".html", ".json", ".png", *self._exports))
                raise ConfigurationError(
                    f"a report is saved as {endings} or .csv; got {ending or 'no ending'!r}"
                )
        return target

    def _repr_html_(self) -> str:
        return _present().fragment(self)

    def _repr_png_(self) -> bytes:
        return _present().overlay_png(self)


class Failure(Record):
    """An item of a batch that could not be inspected; never to be read as a verdict.

    Attributes:
        name: A name for people.
        source: Path or URL, when the item came from one.
        error: Name of the error's class.
        message: The error's message.
    """

    name: str
    source: str | None = None
    error: str
    message: str

    @classmethod
    def from_error(cls, error: Exception, *, name: str, source: str | None = None) -> Self:
        """Record an error in the place of a report."""
        return cls(name=name, source=source, error=type(error).__name__, message=str(error))

    @property
    def judged(self) -> bool:
        """Always False: a failure says nothing about the item."""
        return False
