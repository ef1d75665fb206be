"""The image expert: which way of looking fits, and what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.errors import InputError, MissingDependencyError
from gadet.experts.backbone import Backbone, load_backbone
from gadet.experts.base import Candidate, Evidence
from gadet.experts.cache import Cache, pixel_key
from gadet.experts.cues import PATCH_CUES, TEXTURE_CUES, Cue, Described, describe_picture
from gadet.experts.details import Laid, look_closely
from gadet.experts.difference import compare
from gadet.experts.facts import describe
from gadet.experts.filters import FloatArray, luminance, resize
from gadet.experts.memory import Memory, Verdict
from gadet.experts.regions import bounding_box, regions
from gadet.experts.registration import Registration, correlation, register
from gadet.experts.selfsimilarity import assess_alone
from gadet.experts.tissue import Tissue
from gadet.geometry import Box
from gadet.media.base import Sample
from gadet.media.shrink import resized

__all__ = ["ImageExpert"]

Pixels = npt.NDArray[np.uint8]

LONGEST = 800
"""Longest side in pixels of the copy that is compared with a reference of the same scene."""
LARGE = 2 * LONGEST
"""Longest side in pixels from which such a picture is also compared part by part."""
SAME_SCENE = 0.99
"""Likeness after registration from which two pictures count as the same scene. Boards and bottles
reach 0.995 and more, two nuts photographed alike up to 0.985."""
PROMISING = 0.85
"""Likeness that small copies must reach for the registration to go on to larger ones."""
BELOW = 0.499
"""The score of what would reach the boundary but is too small to be a region."""
GLANCE = 48
"""Side of the thumbnails that decide which references are worth registering."""
GLANCE_SAME = 0.6
"""Correlation of thumbnails below which no registration is tried."""
TRIED = 3
"""Most references of the same scene that a picture is compared with, the most similar first."""
ASPECT = 1.1
"""Largest ratio of aspect ratios within which two pictures can show the same scene."""
PEAK = 0.6
"""A region on a coarse map reaches down to this share of the highest peak."""
MOST_HINTS = 3
"""Most regions below the boundary that are told, as hints, when none is above it."""
NO_TORCH = (
    "torch or the weights are not installed (pip install 'gadet[local]'): colour and texture "
    "statistics were used instead of patch features"
)


@dataclass(frozen=True, eq=False)
class _Same:
    """A reference that shows the same scene: as it came, at the working size, and registered."""

    pixels: Pixels
    small: Pixels
    motion: Registration


@dataclass(frozen=True, eq=False)
class _Toolkit:
    """What the patch features need, or what stands in for it."""

    name: str
    cues: tuple[Cue, ...]
    backbone: Backbone | None
    notes: tuple[str, ...]

    @property
    def sha256(self) -> str | None:
        """Hash of the weights, None without weights."""
        return self.backbone.sha256 if self.backbone else None


def _checked(pixels: Pixels, what: str) -> Pixels:
    """The pixels if they are what the expert takes.

    Raises:
        InputError: They are not `(H, W, 3)` uint8 with at least one pixel.
    """
    array = np.asarray(pixels)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or array.size == 0:
        raise InputError(
            f"{what} must be RGB pixels (H, W, 3) of uint8 with at least one pixel; got shape "
            f"{array.shape} of {array.dtype}. Load it with gadet's media adapters, or convert it."
        )
    return array


def _copy(pixels: Pixels, shape: tuple[int, int]) -> Pixels:
    """Resize `(H, W, 3)` to `shape = (height, width)`."""
    if pixels.shape[:2] == shape:
        return pixels
    return np.array(resized(pixels, shape[::-1], Image.Resampling.BICUBIC))


def _small_shape(pixels: Pixels, longest: int) -> tuple[int, int]:
    """The shape with the longest side at most `longest`, the aspect ratio kept."""
    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _glance(pixels: Pixels) -> FloatArray:
    """A square luminance thumbnail."""
    return luminance(_copy(pixels, (GLANCE, GLANCE)))


def _lift(mask: npt.NDArray[np.bool_], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Bring a mask of a smaller or larger copy to the native `shape`; it keeps a pixel at least.

    Only the window around it is written, and the memory of untouched pages is never claimed.
    """
    if mask.shape == shape:
        return mask
    x0, y0, x1, y1 = bounding_box(mask)
    rows = ((np.arange(shape[0]) + 0.5) * mask.shape[0] / shape[0]).astype(int)
    columns = ((np.arange(shape[1]) + 0.5) * mask.shape[1] / shape[1]).astype(int)
    top, bottom = np.searchsorted(rows, (y0, y1))
    left, right = np.searchsorted(columns, (x0, x1))
    lifted = np.zeros(shape, dtype=bool)
    lifted[top:bottom, left:right] = mask[np.ix_(rows[top:bottom], columns[left:right])]
    return lifted


class ImageExpert:
    """Measures pictures without a language model and without training.

    With references of the same scene it lays them under the picture and takes a tolerant
    difference; with other references it compares patches with theirs; without references it
    compares the picture with itself. Without torch, colour and texture statistics stand in for the
    patch features, and the evidence says so.

    Safe to use from several threads; the same input gives the same evidence.

    Args:
        cache_size: How many pictures' descriptors are kept (about 1 MB each).
    """

    name = "image"

    def __init__(self, cache_size: int = 128) -> None:
        """Start with empty caches; weights are read on first use."""
        self._described: Cache[Described] = Cache(cache_size)
        self._memories: Cache[Memory] = Cache(4)
        self._glances: Cache[FloatArray] = Cache(4 * cache_size)

    def assess(self, sample: Sample, references: Sequence[Sample] = ()) -> Evidence:
        """Measure an item against normal samples; see `measure`."""
        return self.measure(sample.pixels, [reference.pixels for reference in references])

    def measure(self, pixels: Pixels, references: Sequence[Pixels] = ()) -> Evidence:
        """Measure a picture against normal pictures.

        Args:
            pixels: `(H, W, 3)` uint8 RGB.
            references: Normal pictures of the same kind, of any size.

        Returns:
            Score, map and regions in native pixels, facts, and which expert ran.

        Raises:
            InputError: The picture or a reference is not `(H, W, 3)` uint8.
        """
        pixels = _checked(pixels, "the picture")
        references = [
            _checked(one, f"reference {number}") for number, one in enumerate(references, start=1)
        ]
        keys = [pixel_key(one) for one in references]
        same = self._same_scene(pixels, references, keys) if references else []
        if same:
            return self._difference(pixels, same)
        return self._patches(pixels, references, keys)

    # -- the same scene -------------------------------------------------------------------------

    def _same_scene(
        self, pixels: Pixels, references: Sequence[Pixels], keys: Sequence[str]
    ) -> list[_Same]:
        """The references that show the same scene, registered at the working size."""
        shape = _small_shape(pixels, LONGEST)
        key, here = pixel_key(pixels), _glance(pixels)
        aspect = pixels.shape[1] / pixels.shape[0]
        similar = []
        for index, (one, its_key) in enumerate(zip(references, keys, strict=True)):
            # Equal pictures are the same scene even where nothing correlates: on constant ground.
            if its_key == key:
                return [_Same(one, _copy(one, shape), Registration(np.eye(2, 3), 1.0, False))]
            ratio = aspect * one.shape[0] / one.shape[1]
            if 1 / ASPECT <= ratio <= ASPECT:
                there = self._glances.get(its_key, partial(_glance, one))
                alike = correlation(here, there)
                if alike >= GLANCE_SAME:
                    similar.append((-alike, index))
        found = []
        work = luminance(_copy(pixels, shape))
        for _, index in sorted(similar)[:TRIED]:
            small = _copy(references[index], shape)
            registration = register(work, luminance(small), PROMISING)
            if registration.similarity >= SAME_SCENE:
                found.append(_Same(references[index], small, registration))
        return found

    def _difference(self, pixels: Pixels, same: list[_Same]) -> Evidence:
        """Evidence from the tolerant difference."""
        native = (pixels.shape[0], pixels.shape[1])
        shape = _small_shape(pixels, LONGEST)
        work = _copy(pixels, shape)
        result = compare(
            work.astype(np.float32), [(one.small.astype(np.float32), one.motion) for one in same]
        )
        score_map = result.score_map
        found = regions(score_map, 0.5, join=result.radius, least=result.radius)
        # Specks of fewer pixels than the edge tolerance are no region, and make no picture odd.
        kept = np.any([mask for mask, _, _ in found], axis=0) if found else np.False_
        score_map = np.where(kept, score_map, np.minimum(score_map, BELOW)).astype(np.float32)
        # Below a level of noise a difference in sigma is a large number that says nothing.
        sigma = result.noise if result.noise >= 1 else None
        candidates = self._candidates(
            pixels, work, found, sigma, baseline=result.baseline, core=result.ratio >= 1
        )
        notes: tuple[str, ...] = ()
        if laid := _laid(pixels, same):
            beyond = result.ratio >= 1
            cores = [mask & beyond if (mask & beyond).any() else mask for mask, _, _ in found]
            cores = [_lift(core, native) for core in cores]
            close = look_closely(pixels, laid, candidates, cores, score_map)
            score_map, candidates, notes = close.score_map, close.candidates, close.notes
        score = float(score_map.max())
        motion = same[0].motion
        facts = [
            f"{len(same)} reference(s) of the same scene; likeness after registration "
            f"{motion.similarity:.3f}."
        ]
        if motion.moved:
            centre = np.array([shape[1] / 2, shape[0] / 2, 1.0])
            dx, dy = (centre[:2] - motion.matrix @ centre) * (pixels.shape[1] / shape[1])
            facts.append(f"The picture is shifted by ({dx:+.1f}, {dy:+.1f}) px to the reference.")
        if abs(result.gain - 1) >= 0.02:
            facts.append(
                f"Its contrast is {result.gain:.2f} times that of the reference; the comparison "
                "allows for it."
            )
        facts.append(_count(len(candidates), "the reference"))
        return Evidence(
            score_map=resize(score_map, native),
            score=score,
            candidates=candidates,
            facts=tuple(facts),
            expert="image:difference",
            notes=notes,
        )

    # -- patches --------------------------------------------------------------------------------

    def _toolkit(self) -> _Toolkit:
        """Patch features when they can be had, else colour and texture."""
        try:
            backbone = load_backbone()
        except MissingDependencyError:
            return _Toolkit("colour", TEXTURE_CUES, None, (NO_TORCH,))
        return _Toolkit("patch-nn", PATCH_CUES, backbone, ())

    def _remember(
        self, references: Sequence[Pixels], keys: Sequence[str], tools: _Toolkit
    ) -> Memory:
        """The memory of the references, their descriptors computed once each."""

        def described(pixels: Pixels, key: str) -> Described:
            return self._described.get(
                (tools.name, key), lambda: describe_picture(pixels, tools.cues, tools.backbone)
            )

        def build() -> Memory:
            pairs = zip(references, keys, strict=True)
            return Memory(tools.cues, [described(one, key) for one, key in pairs])

        return self._memories.get((tools.name, *keys), build)

    def _patches(
        self, pixels: Pixels, references: Sequence[Pixels], keys: Sequence[str]
    ) -> Evidence:
        """Evidence from patches, against references or against the picture itself."""
        tools = self._toolkit()
        facts = []
        sigma: float | None = None
        if references:
            memory = self._remember(references, keys, tools)
            described = describe_picture(pixels, tools.cues, tools.backbone)
            verdict = memory.assess(described)
            sigma = memory.spread or None
            gap = described.brightness - memory.brightness
            facts.append(
                f"Mean brightness {described.brightness:.0f} levels; the {len(references)} "
                f"reference(s) have {memory.brightness:.0f} ({gap:+.0f})."
            )
            against = "the references"
            name = f"image:{tools.name}"
        else:
            described = describe_picture(pixels, tools.cues, tools.backbone)
            verdict = assess_alone(tools.cues, described)
            tissue = Tissue.of(pixels)
            if tissue.likely >= 0.5:
                # Patches are unlike each other where light is reflected; swellings are redder.
                verdict = replace(verdict, grid=verdict.score * tissue.redness())
                facts.append("The picture shows red tissue: its map is where it is redder.")
            against = "the rest of the picture"
            name = "image:self-similarity" if tools.backbone else "image:colour-self-similarity"
        cue, most = max(verdict.sigmas.items(), key=lambda item: item[1])
        facts.append(f"The strongest cue ({cue}) is {most:+.1f} sigma from normal.")
        return self._evidence(pixels, verdict, tools, name, facts, against, sigma)

    def _evidence(
        self,
        pixels: Pixels,
        verdict: Verdict,
        tools: _Toolkit,
        name: str,
        facts: list[str],
        against: str,
        sigma: float | None,
    ) -> Evidence:
        """Regions, facts and the native map of a verdict on patches."""
        work = _copy(pixels, _small_shape(pixels, LONGEST))
        small = np.clip(resize(verdict.grid, work.shape[:2]), 0, 1)
        # Descriptors see farther than a patch, so the top of a peak is off its middle: a region is
        # the peak down to a share of its height, also where that is below the boundary.
        found = regions(small, min(0.5, PEAK * float(small.max()))) if small.max() > 0.1 else []
        anomalous = sum(score >= 0.5 for _, _, score in found)
        found = found[: anomalous or MOST_HINTS]
        candidates = self._candidates(pixels, work, found, sigma, against=against)
        facts.append(_count(anomalous, against))
        native = pixels.shape[:2]
        return Evidence(
            score_map=resize(small, native),
            score=verdict.score,
            candidates=candidates,
            facts=tuple(facts),
            expert=name,
            weights_sha256=tools.sha256,
            notes=tools.notes,
        )

    # -- regions --------------------------------------------------------------------------------

    @staticmethod
    def _candidates(
        pixels: Pixels,
        work: Pixels,
        found: list[tuple[npt.NDArray[np.bool_], Box, float]],
        sigma: float | None,
        *,
        baseline: FloatArray | None = None,
        core: npt.NDArray[np.bool_] | None = None,
        against: str = "the reference",
    ) -> tuple[Candidate, ...]:
        """Describe regions of the working copy and lift them to native pixels."""
        native = (pixels.shape[0], pixels.shape[1])
        candidates = []
        for mask, box, score in found:
            lifted = _lift(mask, native)
            if not lifted.any():
                continue
            tight = Box.of(*bounding_box(lifted))
            # What is measured is the part beyond the boundary, without the soft rim around it.
            measured = mask if core is None or not (mask & core).any() else mask & core
            told = describe(work, measured, box, baseline=baseline, sigma=sigma, against=against)
            candidates.append(Candidate(lifted, tight, score, told.label, told.fact, told.measures))
        return tuple(candidates)


def _laid(pixels: Pixels, same: Sequence[_Same]) -> list[Laid]:
    """The references as they lie under a large picture; none under one that is shown whole."""
    if max(pixels.shape[:2]) < LARGE:
        return []
    laid = [Laid.of(one.pixels, one.motion, pixels.shape, one.small.shape) for one in same]
    return [one for one in laid if one.fits]


def _count(number: int, against: str) -> str:
    """How many regions depart, in words."""
    if number == 0:
        return f"No region departs from {against} beyond the decision boundary."
    regions_word = "region departs" if number == 1 else "regions depart"
    return f"{number} {regions_word} from {against} beyond the decision boundary."
