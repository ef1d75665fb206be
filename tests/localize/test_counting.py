"""Counting: objects against a slow count, kinds told apart, no difference without proof."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from gadet import AnomalyDetector, Evidence, Profile, ScriptedBackend, samples
from gadet.experts.regions import label_components
from gadet.localize.counting import Tally, counted, distances, tally, with_counts
from gadet.localize.image import ImageLocalizer
from gadet.localize.objects import Thing, find_things
from gadet.media.image import ImageAdapter
from gadet.prompts.domain import load_domain
from tests.doubles import StubExpert, answer

GROUND = (70, 80, 95)
WHITE, RED = (235, 235, 235), (200, 40, 30)
Spot = tuple[int, int, tuple[int, int, int]]
ROW = [(x, 60, WHITE) for x in (50, 110, 170, 230)]
BELOW = [(x, 140, RED) for x in (50, 110, 170, 230)]


def tray(
    spots: Sequence[Spot], size: tuple[int, int] = (300, 200), radius: int = 14
) -> Image.Image:
    image = Image.new("RGB", size, GROUND)
    draw = ImageDraw.Draw(image)
    for x, y, colour in spots:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return image


def compared(item: Image.Image, *references: Image.Image) -> Tally:
    return tally(counted(np.asarray(item)), [counted(np.asarray(one)) for one in references])


FULL = tray([*ROW, *BELOW])


def test_every_object_is_found_once() -> None:
    things = find_things(np.asarray(FULL))
    truth = label_components(np.any(np.asarray(FULL) != GROUND, axis=2))
    assert len(things) == truth.max() == 8
    for thing in things:
        x, y = thing.centre
        whole = truth == truth[int(y), int(x)]
        mask = np.zeros(whole.shape, dtype=bool)
        mask[thing.top :, thing.left :][: thing.mask.shape[0], : thing.mask.shape[1]] = thing.mask
        assert np.count_nonzero(mask & whole) / np.count_nonzero(mask | whole) > 0.8


def test_holes_belong_to_a_thing_and_are_measured() -> None:
    image = tray([(100, 100, WHITE)], radius=30)
    ImageDraw.Draw(image).ellipse((85, 85, 115, 115), fill=GROUND)
    ring = max(find_things(np.asarray(image)), key=lambda thing: thing.area)
    assert ring.area == pytest.approx(np.pi * 30**2, rel=0.08)
    assert ring.holes == pytest.approx(0.25, abs=0.06)
    assert ring.form == pytest.approx((1, 1), abs=0.05)


def test_what_is_cut_by_the_border_and_flat_pictures_hold_no_object() -> None:
    assert find_things(np.asarray(tray([(0, 60, WHITE)]))) == ()
    assert find_things(np.full((60, 80, 3), 128, dtype=np.uint8)) == ()
    assert find_things(np.zeros((3, 3, 3), dtype=np.uint8)) == ()


def apart(one: Thing, other: Thing) -> float:
    """How unlike two objects are, one quantity after the other."""
    return max(
        abs(math.log(one.area / other.area)) / 0.25,
        math.dist(one.colour, other.colour) / 12,
        abs(one.form[0] - other.form[0]) / 0.12,
        abs(one.form[1] - other.form[1]) / 0.1,
        abs(one.holes - other.holes) / 0.15,
    )


def test_alike_is_about_size_colour_and_form_and_not_about_the_place() -> None:
    one, other = find_things(np.asarray(tray([(60, 60, WHITE), (200, 130, WHITE)])))
    (red,) = find_things(np.asarray(tray([(60, 60, RED)])))
    (large,) = find_things(np.asarray(tray([(60, 60, WHITE)], radius=20)))
    things = [one, other, red, large]
    near = distances(things)
    assert near == pytest.approx(np.array([[apart(a, b) for b in things] for a in things]))
    assert near[0, 1] < 0.5
    assert min(near[0, 2], near[0, 3], near[2, 3]) > 1.5
    assert distances([]).shape == (0, 0)


def test_as_many_as_the_references_is_no_evidence() -> None:
    found = compared(FULL, FULL, FULL)
    assert [len(kind.item) for kind in found.kinds] == [4, 4]
    assert all("each of the 2 references has as many" in said for said in found.sentences)
    assert found.candidates == ()


@pytest.mark.parametrize(("references", "score"), [(1, 0.6), (2, 0.7)])
def test_a_missing_object_is_told_with_its_place(references: int, score: float) -> None:
    found = compared(tray([*ROW[:2], ROW[3], *BELOW]), *[FULL] * references)
    (one,) = found.candidates
    assert (one.label, one.score) == ("missing object", score)
    assert one.box.as_tuple() == pytest.approx((156, 46, 185, 75), abs=2)
    assert found.sentences[0].startswith("3 objects are alike")
    assert "one is missing near (170, 60), upper middle" in found.sentences[0]
    assert found.kinds[0].differs
    assert not found.kinds[1].differs


def test_an_object_too_many_is_told_with_its_place() -> None:
    found = compared(tray([*ROW, (110, 100, WHITE), *BELOW]), FULL)
    (one,) = found.candidates
    assert one.label == "extra object"
    assert one.box.centre == pytest.approx((110.5, 100.5), abs=1.5)


def test_an_object_of_another_kind_is_told_once() -> None:
    found = compared(tray([*ROW[:2], (170, 60, RED), ROW[3], *BELOW]), FULL)
    (one,) = found.candidates
    assert one.label == "other object"
    assert "Something else lies in its place" in one.fact
    assert sorted(len(kind.item) for kind in found.kinds) == [3, 5]
    assert len(found.sentences) == 2


# --- what is not certain is not told --------------------------------------------------------------


def test_without_references_nothing_is_compared() -> None:
    assert compared(FULL).kinds == ()


def test_references_that_do_not_agree_tell_nothing() -> None:
    found = compared(FULL, FULL, tray([*ROW[:3], *BELOW]))
    assert [kind.item[0].centre[1] > 100 for kind in found.kinds] == [True]


def test_two_of_a_kind_in_one_reference_are_too_few() -> None:
    pair = tray([(60, 60, WHITE), (200, 130, WHITE)])
    assert compared(pair, pair).kinds == ()
    assert len(compared(pair, pair, pair).kinds) == 1


def test_a_difference_too_large_is_the_fault_of_the_finding() -> None:
    assert compared(tray([ROW[0], *BELOW]), FULL, FULL).candidates == ()


def test_sizes_that_run_into_each_other_are_not_counted() -> None:
    image = tray([])
    draw = ImageDraw.Draw(image)
    for x, radius in ((40, 10), (90, 11.5), (150, 13.5), (215, 15.5)):
        draw.ellipse((x - radius, 80 - radius, x + radius, 80 + radius), fill=WHITE)
    assert compared(image, image, image).kinds == ()


def test_an_object_that_was_only_not_found_is_not_missing() -> None:
    item = FULL.copy()
    # A thread to the border: the object is there, but no longer apart from everything else.
    ImageDraw.Draw(item).line((170, 60, 170, 0), fill=WHITE, width=3)
    found = compared(item, FULL, FULL)
    assert [kind.differs for kind in found.kinds] == [False]
    assert found.candidates == ()


def test_objects_that_lie_elsewhere_are_told_without_a_place() -> None:
    moved = tray([(40, 30, WHITE), (90, 95, WHITE), (260, 100, WHITE), *BELOW])
    found = compared(moved, FULL, FULL)
    assert found.candidates == ()
    assert "each of the 2 references has 4 (not certain" in found.sentences[0]


def worse(image: Image.Image, how: str) -> Image.Image:
    rng = np.random.default_rng(0)
    match how:
        case "darker":
            return ImageEnhance.Brightness(image).enhance(0.9)
        case "blurred":
            return image.filter(ImageFilter.GaussianBlur(1.0))
        case "noisy":
            noise = rng.normal(0, 6, (*image.size[::-1], 3))
            return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))
        case "shifted":
            return image.transform(image.size, Image.Transform.AFFINE, (1, 0, 3, 0, 1, 2))
        case _:
            return image.transform(image.size, Image.Transform.AFFINE, (1, 0.03, 0, -0.03, 1, 0))


@pytest.mark.parametrize("how", ["darker", "blurred", "noisy", "shifted", "turned"])
def test_light_noise_and_position_make_no_false_alarm(how: str) -> None:
    case = samples.load("parts-tray-normal")
    references = [one.convert("RGB") for one in case.references[:2]]
    assert compared(worse(case.item.convert("RGB"), how), *references).candidates == ()


# --- in the whole ---------------------------------------------------------------------------------


def test_what_was_counted_joins_what_the_expert_found() -> None:
    found = compared(tray([*ROW[:2], ROW[3], *BELOW]), FULL)
    expert = found.candidates[0]
    score_map = np.zeros((200, 300), dtype=np.float32)
    known = Evidence(
        score_map, 0.9, (type(expert)(expert.mask, expert.box, 0.9, "spot", "A spot."),)
    )
    joined = with_counts(known, found)
    assert [(one.label, one.score) for one in joined.candidates] == [("missing object", 0.9)]
    assert joined.counts == found.sentences
    alone = with_counts(Evidence(score_map, 0.1), found)
    assert (alone.score, alone.candidates[0].score) == (0.6, 0.6)
    assert alone.score_map.max() == pytest.approx(0.6)
    assert score_map.max() == 0
    assert with_counts(known, Tally()).candidates == known.candidates


@pytest.mark.parametrize(
    ("name", "label", "said"),
    [
        ("parts-tray", "missing object", "2 objects are alike"),
        ("parts-tray-swapped", "other object", "4 objects are alike"),
    ],
)
def test_the_logical_domain_counts_offline(name: str, label: str, said: str) -> None:
    case = samples.load(name)
    report = AnomalyDetector(expert=Still()).detect(
        case.item, references=case.references, domain="logical"
    )
    assert report.verdict == "anomalous"
    assert [found.label for found in report.findings] == [label]
    assert report.evidence is not None
    assert report.evidence.counts[0].startswith(said)
    assert any(said in line for line in report.observations)
    plain = AnomalyDetector(expert=Still()).detect(case.item, references=case.references)
    assert plain.verdict == "normal"
    assert plain.evidence is not None
    assert plain.evidence.counts == ()


class Still:
    """An expert that finds nothing at all."""

    modality = "image"

    def assess(self, sample: Any, references: Any = ()) -> Evidence:
        return Evidence(np.zeros(sample.pixels.shape[:2], dtype=np.float32), 0.1, expert="still")


def test_a_model_is_told_the_numbers_whatever_else_it_is_told() -> None:
    case = samples.load("parts-tray")
    backend = ScriptedBackend([answer()] * 3)
    detector = AnomalyDetector(backend, expert=Still())
    about: dict[str, Any] = {"references": case.references[:2], "domain": "logical"}
    for told in (False, True):
        detector.detect(case.item, evidence=told, level="naive", **about)
        text = backend.prompts[-1].text
        assert text.count("2 objects are alike, each about 65 × 73 px") == 1
        assert "count again where a number matters" in text
    detector.detect(case.item, references=case.references[:2])
    assert "objects are alike" not in backend.prompts[-1].text


def test_a_pack_of_ones_own_may_count() -> None:
    assert load_domain("logical").count
    assert not load_domain("industrial").count


def test_references_are_searched_once_for_many_items() -> None:
    localizer, adapter = ImageLocalizer(), ImageAdapter()
    sample, reference = adapter.load(FULL), adapter.load(tray([*ROW, *BELOW[:3]]))
    evidence = StubExpert().assess(sample)
    assert localizer.count(sample, (), evidence) is evidence
    first = localizer.count(sample, [reference], evidence)
    assert localizer.count(sample, [reference], evidence).counts == first.counts
    assert (localizer._counted.hits, localizer._counted.misses) == (2, 2)


def test_the_real_logical_cases_are_not_miscounted(real_data: Any) -> None:
    folder = real_data / "image" / "logical" / "paper_cases"
    for case in ("case1", "case4"):
        item, reference = (
            Image.open(folder / f"{case}_{kind}.jpg").convert("RGB")
            for kind in ("abnormal", "normal")
        )
        # Both hold as many fruits, screws, nuts and washers as they should.
        assert compared(item, reference).candidates == ()


def test_a_model_that_sees_is_shown_both_counts() -> None:
    item = tray([*ROW[:2], ROW[3], *BELOW])
    backend = ScriptedBackend([answer()] * 3)
    detector = AnomalyDetector(backend, expert=Still())
    detector.detect(item, references=[FULL, FULL], domain="logical")
    (prompt,) = backend.prompts
    roles = [(view.role, view.kind) for view in prompt.views]
    assert roles == [
        *[("reference", "clean"), ("reference", "marked"), ("reference", "clean")],
        *[("item", "clean"), ("item", "marked"), ("item", "marked")],
    ]
    here, there = (view for view in prompt.views if view.kind == "marked" and not view.marks)
    assert prompt.text.count("these numbers are no marks") == 2
    # Three objects are outlined in one, four in the other: nothing else has changed.
    changed = [np.any(np.asarray(drawn.picture) != np.asarray(clean), axis=2)
               for drawn, clean in ((here, FULL), (there, item))]  # fmt: skip
    assert all(part[:, 100:].any() for part in changed)
    assert not any(part[100:].any() for part in changed)
    detector.detect(FULL, references=[FULL, FULL], domain="logical")
    detector.detect(item, references=[FULL, FULL], domain="logical", marks=False)
    for prompt in backend.prompts[1:]:
        assert "these numbers are no marks" not in prompt.text


def test_a_model_of_few_pictures_is_shown_none_more() -> None:
    item = tray([*ROW[:2], ROW[3], *BELOW])
    backend = ScriptedBackend([answer()], profile=Profile(max_images=3))
    detector = AnomalyDetector(backend, expert=Still())
    detector.detect(item, references=[FULL, FULL], domain="logical")
    assert len(backend.prompts[0].views) <= 3
    assert "objects are alike" in backend.prompts[0].text
