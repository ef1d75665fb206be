from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gadet.sizing import LONGEST, Sizing, patches

sides = st.integers(1, 10_000)
small = st.integers(1, 120)
counted = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"patch": st.sampled_from([7, 28]), "max_patches": st.integers(1, 200)}),
)
sizings = st.builds(
    lambda patches, **bounds: Sizing(**bounds, **patches),
    counted,
    max_side=st.integers(1, 150),
    max_short_side=st.integers(1, 150),
    max_pixels=st.integers(1, 10_000),
    multiple=st.sampled_from([1, 1, 8]),
    max_aspect=st.sampled_from([float(LONGEST), 20.0]),
)


def slow_patches(width: int, height: int, side: int) -> int:
    """One for every corner of a patch that lies in the picture."""
    return sum(1 for _ in range(0, width, side) for _ in range(0, height, side))


def candidates(sizing: Sizing, width: int, height: int) -> list[tuple[int, int]]:
    """Every size that the picture may get, smallest first, without any search."""
    longer, shorter = max(width, height), min(width, height)
    shorter_or_squeezed = max(shorter, longer / sizing.max_aspect)

    def rounded(side: float) -> int:
        return max(1, round(side / sizing.multiple)) * sizing.multiple

    return [
        (rounded(side), rounded(side * shorter_or_squeezed / longer))
        for side in range(1, longer + 1)
    ]


def allowed(sizing: Sizing, longer: int, shorter: int) -> bool:
    return (
        longer <= sizing.max_side
        and shorter <= sizing.max_short_side
        and longer * shorter <= sizing.max_pixels
        and slow_patches(longer, shorter, sizing.patch) <= sizing.max_patches
    )


@given(small, small, st.integers(1, 40))
def test_patches_are_counted_whole(width: int, height: int, side: int) -> None:
    assert patches(width, height, side) == slow_patches(width, height, side)


@settings(max_examples=60)
@given(sizings, small, small)
def test_the_fit_is_the_largest_allowed_size(sizing: Sizing, width: int, height: int) -> None:
    every = candidates(sizing, width, height)
    best = max((size for size in every if allowed(sizing, *size)), default=every[0])
    fitted = sizing.fit(width, height)
    assert (max(fitted), min(fitted)) == best
    assert (fitted[0] >= fitted[1]) == (width >= height) or fitted[0] == fitted[1]


@given(sides, sides, st.integers(1, 3000))
def test_turning_the_picture_turns_the_fit(width: int, height: int, side: int) -> None:
    sizing = Sizing(max_side=side, patch=32, max_patches=2500)
    assert sizing.fit(width, height) == sizing.fit(height, width)[::-1]


@given(sides, sides)
def test_without_bounds_nothing_changes(width: int, height: int) -> None:
    assert Sizing().fit(width, height) == (width, height)


@given(sides, sides, st.integers(1, 70_000), st.sampled_from([1, 28]))
@example(10_000, 1, 65_536, 28)
@example(1, 1, 65_536, 28)
def test_a_small_picture_is_enlarged_no_more_than_needed(
    width: int, height: int, least: int, multiple: int
) -> None:
    sizing = Sizing(min_pixels=least, multiple=multiple, max_aspect=100)
    fitted = sizing.fit(width, height)
    assert math.prod(fitted) >= least
    plain = Sizing(multiple=multiple, max_aspect=100).fit(width, height)
    if math.prod(plain) >= least:
        assert fitted == plain
    else:  # one step of either side less would be too small
        assert (fitted[0] - multiple) * (fitted[1] - multiple) < least


@given(sides, sides, st.integers(1, 300))
def test_a_strip_is_squeezed_to_the_aspect(width: int, height: int, aspect: int) -> None:
    fitted = Sizing(max_aspect=aspect).fit(width, height)
    assert max(fitted) <= aspect * min(fitted) * 1.5
    assert max(fitted) == max(width, height)


def test_the_smallest_size_there_is_when_nothing_is_allowed() -> None:
    assert Sizing(max_side=10, multiple=28).fit(500, 300) == (28, 28)
    assert Sizing(max_pixels=1).fit(500, 300) == (1, 1)


@settings(max_examples=60)
@given(sizings, sizings, small, small)
def test_what_lies_within_both_fits_both(
    one: Sizing, other: Sizing, width: int, height: int
) -> None:
    both = one.within(other)
    assert both.within(other) == both
    fitted = both.fit(width, height)
    longer, shorter = max(fitted), min(fitted)
    if fitted == both.fit(1, 1):
        return  # nothing smaller exists
    assert longer % one.multiple == longer % other.multiple == 0
    assert allowed(other, longer, shorter)
    replaced = other.patch not in (1, one.patch)
    mine = one.model_copy(update={"patch": 1, "max_patches": LONGEST**2}) if replaced else one
    assert longer * shorter <= mine.max_pixels
    assert allowed(mine, longer, shorter)


def test_patches_of_one_size_are_compared_and_others_replaced() -> None:
    mine = Sizing(patch=32, max_patches=100)
    assert mine.within(Sizing(patch=32, max_patches=50)).max_patches == 50
    assert mine.within(Sizing(patch=32, max_patches=500)).max_patches == 100
    assert mine.within(Sizing(patch=28, max_patches=500)).patch == 28
    assert mine.within(Sizing()) == mine


@pytest.mark.parametrize(
    "changes",
    [
        {"max_side": 0},
        {"max_short_side": 0},
        {"max_pixels": 0},
        {"min_pixels": 0},
        {"patch": 0},
        {"max_patches": 0},
        {"multiple": 0},
        {"max_aspect": 0.5},
        {"max_aspect": float("nan")},
        {"min_side": 3},
    ],
)
def test_bounds_reject(changes: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Sizing.model_validate(changes)
