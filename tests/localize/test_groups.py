"""Coarse marks first: no region is lost, and the closer view leads back to native pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet import Box, Candidate, Mask, ViewLimits
from gadet.localize.groups import Group, closer_views, grouped, nested
from gadet.media.image import ImageAdapter
from tests.doubles import picture


def square(x: int, y: int, side: int, score: float = 0.5) -> Candidate:
    mask = np.zeros((100, 120), dtype=bool)
    mask[y : y + side, x : x + side] = True
    return Candidate(mask, Box.of(x, y, x + side, y + side), score, "spot", "A spot.")


def parts_of(mark: Candidate) -> tuple[Candidate, ...]:
    return mark.parts if isinstance(mark, Group) else (mark,)


corners = st.tuples(st.integers(0, 90), st.integers(0, 80), st.integers(1, 20))


@settings(max_examples=25, deadline=None)
@given(st.lists(corners, max_size=12), st.integers(1, 6))
def test_every_region_is_in_exactly_one_group_that_holds_it(
    places: list[tuple[int, int, int]], most: int
) -> None:
    regions = [square(*place, score=n / 20) for n, place in enumerate(places)]
    groups = grouped(regions, most)
    assert len(groups) == min(most, len(regions))
    parts = [id(one) for group in groups for one in parts_of(group)]
    assert sorted(parts) == sorted(map(id, regions))
    for group in groups:
        assert np.array_equal(group.mask, np.any([p.mask for p in parts_of(group)], axis=0))
        assert group.box.as_tuple() == pytest.approx(Mask.from_array(group.mask).box.as_tuple())
        assert group.score == max(one.score for one in parts_of(group))


def test_what_lies_within_another_or_near_it_is_joined_first() -> None:
    large, within = square(0, 0, 40, 0.3), square(10, 10, 5, 0.9)
    far, near = square(90, 80, 8), square(99, 80, 8)
    groups = grouped([large, far, within, near], 2)
    assert {frozenset(map(id, parts_of(group))) for group in groups} == {
        frozenset({id(large), id(within)}),
        frozenset({id(far), id(near)}),
    }
    holding = next(group for group in groups if within in parts_of(group))
    assert np.array_equal(holding.mask, large.mask)
    assert (holding.label, holding.fact) == ("spot", "A spot. It holds 1 further regions.")


def test_few_enough_stay_as_they_are() -> None:
    regions = [square(0, 0, 5, 0.2), square(50, 50, 5, 0.8)]
    groups = grouped(regions, 12)
    assert list(groups) == regions[::-1]


@pytest.mark.parametrize("max_side", [64, 700])
def test_a_closer_view_is_within_the_limits_and_numbers_the_parts(max_side: int) -> None:
    sample = ImageAdapter().load(picture(120, 100))
    (group,) = grouped([square(20, 20, 6), square(30, 24, 6)], 1)
    assert isinstance(group, Group)
    clean, marked = closer_views(sample, group, ViewLimits(max_side=max_side))
    assert max(clean.picture.size) <= max_side
    assert max(marked.picture.size) <= max_side
    assert (clean.kind, marked.kind, marked.marks) == ("zoom", "marked", (1, 2))
    native = clean.frame.to_native(Box.of(0, 0, clean.frame.width, clean.frame.height))
    assert native.as_tuple() == pytest.approx((12, 12, 44, 38))


def test_what_is_suspicious_or_wide_keeps_a_mark_of_its_own() -> None:
    suspicious, wide = square(10, 10, 5, 0.9), square(0, 0, 80, 0.1)
    others = [square(x, y, 4, 0.2) for x in (5, 30, 60) for y in (20, 50)]
    marks = nested([suspicious, wide, *others], 4)
    assert marks[:2] == (suspicious, wide)
    assert len(marks) == 4
    inside = [part for mark in marks[2:] for part in parts_of(mark)]
    assert sorted(map(id, inside)) == sorted(map(id, others))


def test_the_others_keep_half_of_the_marks() -> None:
    regions = [square(x, y, 4, 0.9) for x in (5, 30, 60, 90) for y in (20, 50)]
    marks = nested(regions, 4)
    assert sum(isinstance(mark, Group) for mark in marks) >= 1
    assert len(marks) == 4
    assert nested(regions, 8) == tuple(regions)
