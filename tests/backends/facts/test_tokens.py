"""Token rules against the providers' printed figures, and against slow readings of their pages."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gadet.backends.facts.profiles import _shipped_rows, profile_for
from gadet.backends.facts.tokens import (
    Gemini2,
    Gemini3,
    Patch28,
    Patch32,
    PatchDetail,
    Qwen,
    Tile512,
    TokenRule,
    Unknown,
)
from gadet.errors import ConfigurationError, InputError
from gadet.view import ViewLimits

sides = st.integers(1, 10_000)
RULES: TypeAdapter[TokenRule] = TypeAdapter(TokenRule)


def of(model: str) -> TokenRule:
    return profile_for("acme", model).token_rule


# One column per rule and level of detail; None where nothing is to be had.
OPENAI = {
    (256, 256): (77, 77, 77, 77),
    (512, 512): (308, 308, 308, 308),
    (768, 768): (692, 692, 692, 692),
    (1024, 1024): (1229, 1229, 1229, 1229),
    (1280, 720): (1104, 1104, 1104, 1104),
    (1920, 1080): (2448, 2448, 2448, 2448),
    (2560, 1440): (4320, 2931, 2765, 4320),
    (3840, 2160): (9792, 2931, 2765, 9792),
    (4032, 3024): (14364, 2942, 2942, 11868),
}
COLUMNS = (
    ("gpt-5.6-sol", "original"),
    ("gpt-6-astra", "high"),
    ("gpt-5.6-sol", "high"),
    ("gpt-5.5", "original"),
)
ANTHROPIC = {
    (200, 200): ((200, 200), 64, (200, 200), 64),
    (1000, 1000): ((1000, 1000), 1296, (1000, 1000), 1296),
    (1092, 1092): ((1092, 1092), 1521, (1092, 1092), 1521),
    (1075, 1520): ((924, 1307), 1551, (1075, 1520), 2145),
    (1920, 1080): ((1456, 819), 1560, (1920, 1080), 2691),
    (2000, 1500): ((1270, 952), 1564, (2000, 1500), 3888),
    (3024, 4032): ((952, 1270), 1564, (1659, 2212), 4740),
    (3840, 2160): ((1456, 819), 1560, (2576, 1449), 4784),
}


@pytest.mark.parametrize(("size", "tokens"), OPENAI.items())
def test_patches_of_openai(size: tuple[int, int], tokens: tuple[int, ...]) -> None:
    for (model, detail), count in zip(COLUMNS, tokens, strict=True):
        assert of(model).tokens(*size, detail) == count, (model, detail)
        assert of(model).tokens(*size[::-1], detail) == count


def test_sizes_that_the_page_of_openai_prints() -> None:
    high = of("gpt-5.6-sol")
    assert high.seen(2048, 2048, "high") == (1600, 1600)
    assert high.tokens(2048, 2048, "high") == 3000
    older = of("gpt-5-mini")
    assert older.seen(1800, 2400) == (1056, 1408)
    assert older.tokens(1800, 2400) == math.ceil(1452 * Fraction("1.2"))


@pytest.mark.parametrize(
    ("size", "detail", "tokens"),
    [((1024, 1024), None, 765), ((2048, 4096), "high", 1105), ((4096, 8192), "low", 85)],
)
def test_tiles_of_openai(size: tuple[int, int], detail: str | None, tokens: int) -> None:
    assert of("gpt-4o").tokens(*size, detail) == tokens


@pytest.mark.parametrize(
    ("model", "one_tile"),
    [("gpt-5", 210), ("gpt-5.1", 210), ("gpt-4.1", 255), ("gpt-4o-mini", 8500), ("o1", 225),
     ("o3", 225), ("computer-use-preview", 194)],
)  # fmt: skip
def test_one_tile(model: str, one_tile: int) -> None:
    assert of(model).tokens(512, 512) == one_tile


@pytest.mark.parametrize(
    ("model", "multiplier"),
    [("gpt-5.4", 1.2), ("gpt-5.4-nano", 1.2), ("gpt-5.2", 1.2), ("gpt-5-mini", 1.2),
     ("gpt-5-nano", 1.5), ("gpt-4.1-mini", 1.62), ("gpt-4.1-nano", 2.46), ("o4-mini", 1.72)],
)  # fmt: skip
def test_multipliers(model: str, multiplier: float) -> None:
    assert of(model).tokens(320, 320) == math.ceil(100 * Fraction(str(multiplier)))


@pytest.mark.parametrize(
    ("model", "detail", "same_as"),
    [("gpt-5.6-sol", "auto", "original"), ("gpt-5.5", None, "original"),
     ("gpt-5.4", "auto", "high"), ("gpt-5.2", "low", "high")],
)  # fmt: skip
def test_what_auto_is(model: str, detail: str | None, same_as: str) -> None:
    assert of(model).tokens(4000, 3000, detail) == of(model).tokens(4000, 3000, same_as)


def test_low_is_more_than_high_where_the_vendor_says_so() -> None:
    rule = of("gpt-5.4-mini")
    assert rule.tokens(2048, 2048, "low") > rule.tokens(2048, 2048, "high")
    assert of("gpt-5.5").seen(2048, 1024, "low") == (512, 256)


@pytest.mark.parametrize(("size", "expected"), ANTHROPIC.items())
def test_patches_of_anthropic(
    size: tuple[int, int], expected: tuple[tuple[int, int], int, tuple[int, int], int]
) -> None:
    standard, high = of("claude-opus-4-5"), of("claude-opus-4-7")
    found = (*(standard.seen(*size), standard.tokens(*size)), high.seen(*size), high.tokens(*size))
    assert found == expected


@pytest.mark.parametrize(
    ("model", "edge"),
    [
        ("claude-3-5-sonnet-20241022", 1568),
        ("claude-opus-4-20250514", 1568),
        ("claude-opus-4-6", 1568),
        ("claude-haiku-4.5", 1568),
        ("anthropic/claude-sonnet-4.5", 1568),
        ("claude-opus-4-7", 2576),
        ("claude-opus-4.7", 2576),
        ("anthropic/claude-sonnet-5.5", 2576),
        ("us.anthropic.claude-haiku-5-5-v1:0", 2576),
        ("claude-fable-5-1", 2576),
    ],
)
def test_tiers_by_name(model: str, edge: int) -> None:
    rule = of(model)
    assert isinstance(rule, Patch28)
    assert rule.edge == edge


@pytest.mark.parametrize(
    ("detail", "tokens"),
    [(None, 1120), ("auto", 1120), ("low", 280), ("medium", 560), ("high", 1120),
     ("ultra_high", 2240)],
)  # fmt: skip
def test_gemini_3_counts_by_resolution(detail: str | None, tokens: int) -> None:
    assert of("gemini-3-pro").tokens(17, 4000, detail) == tokens


@pytest.mark.parametrize(
    ("size", "tokens"),
    [((384, 384), 258), ((1, 1), 258), ((960, 540), 1548), ((540, 960), 1548), ((385, 384), 1032)],
)
def test_gemini_before_3_counts_tiles(size: tuple[int, int], tokens: int) -> None:
    assert of("gemini-2.5-pro").tokens(*size) == tokens


@pytest.mark.parametrize(
    ("model", "size", "seen", "tokens"),
    [
        ("qwen2.5vl:7b", (1000, 700), (1008, 700), 36 * 25),
        ("qwen2-vl-7b", (10, 10), (56, 56), 4),
        ("qwen3-vl:8b", (1000, 700), (992, 704), 31 * 22),
        ("qwen3-vl:8b", (8000, 6000), (4704, 3520), 147 * 110),
    ],
)
def test_qwen(model: str, size: tuple[int, int], seen: tuple[int, int], tokens: int) -> None:
    assert of(model).seen(*size) == seen
    assert of(model).tokens(*size) == tokens


# ---- slow oracles


def slow_patch28(width: int, height: int, edge: int, budget: int) -> tuple[int, int]:
    """The largest long side that fits, tried one after the other from above."""

    def fits(w: int, h: int) -> bool:
        padded = [-(-side // 28) * 28 for side in (w, h)]
        return max(padded) <= edge and padded[0] * padded[1] // 784 <= budget

    if fits(width, height):
        return width, height
    aspect = max(width, height) / min(width, height)
    for long in range(max(width, height), 0, -1):
        short = max(1, round(long / aspect))
        w, h = (long, short) if width >= height else (short, long)
        if fits(w, h):
            return w, h
    raise AssertionError


def slow_patch32(width: int, height: int, edge: int, budget: int) -> tuple[int, int]:
    """The page's formula as it stands, with so many digits that no rounding is left."""
    with localcontext(prec=60):

        def floor(number: Decimal) -> int:
            return math.floor(number + Decimal("1e-40"))

        shrink = min(Decimal(1), Decimal(edge) / max(width, height))
        width, height = floor(width * shrink), floor(height * shrink)
        if -(-width // 32) * -(-height // 32) <= budget:
            return width, height
        scale = (Decimal(32**2 * budget) / (width * height)).sqrt()
        columns, rows = width * scale / 32, height * scale / 32
        scale *= min(floor(columns) / columns, floor(rows) / rows)
        return floor(width * scale), floor(height * scale)


def slow_qwen(width: int, height: int, factor: int, least: int, most: int) -> tuple[int, int]:
    """The steps of smart_resize on multiples of the factor."""

    def area(size: tuple[float, ...]) -> float:
        return size[0] * size[1]

    sides = width / factor, height / factor
    near = max(1, round(sides[0])), max(1, round(sides[1]))
    if area(near) > most:
        root = math.sqrt(area((width, height)) / (most * factor * factor))
        near = tuple(max(1, math.floor(side / root / factor)) for side in (width, height))
    elif area(near) < least:
        root = math.sqrt(least * factor * factor / area((width, height)))
        near = tuple(math.ceil(side * root / factor) for side in (width, height))
    return near[0] * factor, near[1] * factor


@settings(max_examples=40, deadline=None)
@given(sides, sides, st.sampled_from([(1568, 1568), (2576, 4784), (280, 30)]))
def test_anthropic_search(width: int, height: int, tier: tuple[int, int]) -> None:
    rule = Patch28(edge=tier[0], patches=tier[1])
    assert rule.seen(width, height) == slow_patch28(width, height, *tier)


@example(1779, 1779, 2500)  # the root is whole here, and a rounded one would lose a patch
@given(st.integers(30, 10_000), st.integers(30, 10_000), st.sampled_from([1536, 2500, 6144]))
def test_openai_formula(width: int, height: int, budget: int) -> None:
    detail = PatchDetail(name="high", edge=2048, patches=budget)
    rule = Patch32(auto="high", details=(detail,))
    assert rule.seen(width, height) == slow_patch32(width, height, 2048, budget)
    assert rule.tokens(width, height) <= budget


@given(sides, sides, st.sampled_from([(28, 4, 16_384), (32, 4, 16_384), (28, 256, 1280)]))
def test_qwen_steps(width: int, height: int, rule: tuple[int, int, int]) -> None:
    factor, least, most = rule
    qwen = Qwen(factor=factor, min_tokens=least, max_tokens=most)
    if max(width, height) > 200 * min(width, height):
        with pytest.raises(InputError, match="200 times"):
            qwen.seen(width, height)
        return
    assert qwen.seen(width, height) == slow_qwen(width, height, *rule)


# ---- a view is seen as it was sent

SHIPPED = sorted(
    {pattern.replace("[5-9]", "5").replace("[7-9]", "7").replace("*", "")
     for row in _shipped_rows() for pattern in row.models}
)  # fmt: skip
CHOICES = st.fixed_dictionaries(
    {},
    optional={
        "max_side": st.integers(100, 70_000),
        "max_pixels": st.integers(10_000, 10**8),
        "max_patches": st.integers(1, 40_000),
        "multiple": st.sampled_from([1, 2, 28, 32]),
    },
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SHIPPED), sides, sides, CHOICES)
def test_every_shipped_model_sees_what_is_sent(
    model: str, width: int, height: int, views: dict[str, int]
) -> None:
    profile = profile_for("openai", model, {"views": views})
    fitted = profile.views.fit(width, height)
    assert profile.token_rule.seen(*fitted, profile.image_detail) == fitted
    assert profile.tokens_of(*fitted) > 0


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([m for m in SHIPPED if m.startswith(("gpt-5.", "gpt-6", "gpt-4o"))]),
    st.sampled_from(["low", "high", "auto"]),
    sides,
    sides,
)
def test_at_every_level_of_detail(model: str, detail: str, width: int, height: int) -> None:
    profile = profile_for("openai", model, {"image_detail": detail})
    fitted = profile.views.fit(width, height)
    assert profile.token_rule.seen(*fitted, detail) == fitted


@settings(max_examples=200, deadline=None)
@given(
    sides,
    sides,
    st.integers(1, 60),
    st.integers(1, 2000),
    st.integers(4, 50),
    st.integers(100, 5000),
)
def test_qwen_of_any_bounds(
    width: int, height: int, factor: int, least: int, times: int, side: int
) -> None:
    rule = Qwen(factor=factor, min_tokens=least, max_tokens=least * times)
    fitted = ViewLimits(max_side=side).within(rule.sizing()).fit(width, height)
    assert rule.seen(*fitted) == fitted


@given(sides, sides)
def test_a_view_for_anthropic_is_what_it_would_make_itself(width: int, height: int) -> None:
    rule = of("claude-opus-4-7")
    fitted, own = rule.sizing().fit(width, height), rule.seen(width, height)
    assert all(abs(a - b) <= 1 for a, b in zip(fitted, own, strict=True))


# ---- what is refused, and what is a guess


def test_too_many_patches_are_refused_where_the_vendor_refuses_them() -> None:
    with pytest.raises(InputError, match="at most 30,000 patches of 32 pixels"):
        of("gpt-5.6-sol").seen(8000, 8000, "original")
    assert of("gpt-5.5").tokens(8000, 8000, "original") <= 12_000


def test_a_detail_that_the_model_does_not_have() -> None:
    with pytest.raises(ConfigurationError, match="one of low, high, original or auto"):
        of("gpt-5.5").tokens(10, 10, "finest")
    with pytest.raises(ConfigurationError, match="image_detail must be one of low, high"):
        profile_for("openai", "gpt-5.2", {"image_detail": "original"})


@given(st.integers(1, 4000), st.integers(1, 4000), st.sampled_from(SHIPPED))
def test_the_guess_is_above_every_rule_but_the_dearest(width: int, height: int, model: str) -> None:
    profile = profile_for("acme", model)
    fitted = profile.views.fit(width, height)
    if isinstance(profile.token_rule, Tile512) and profile.token_rule.tile > 1000:
        return  # gpt-4o-mini counts pictures 33 times, so that they cost what they cost elsewhere
    if isinstance(profile.token_rule, Gemini2) and max(fitted) > 4 * min(fitted):
        return  # tiles of a strip are tiny
    assert Unknown().tokens(*fitted) >= profile.tokens_of(*fitted)


def test_only_the_guess_is_not_exact() -> None:
    known = (Patch28(edge=28, patches=1), Tile512(base=1, tile=1), Gemini2(), Gemini3())
    assert all(rule.exact for rule in known)
    assert not Unknown().exact
    assert Unknown().seen(7, 9) == (7, 9)
    assert Unknown().tokens(1000, 1000) == 72 * 72


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "patch64"},
        {"kind": "patch32", "auto": "high", "details": []},
        {"kind": "patch32", "auto": "low", "details": [{"name": "high", "patches": 3}]},
        {"kind": "patch32", "auto": "high", "details": [{"name": "high", "patches": 0}]},
        {"kind": "patch32", "multiplier": 0, "auto": "h", "details": [{"name": "h", "patches": 3}]},
        {"kind": "tile512", "base": 85},
        {"kind": "tile512", "base": -1, "tile": 3},
        {"kind": "patch28", "edge": 27, "patches": 10},
        {"kind": "gemini3", "details": [{"name": "high", "tokens": 0}]},
        {"kind": "gemini2", "tile": 258},
        {"kind": "qwen", "factor": 28, "min_tokens": 10, "max_tokens": 39},
        {"kind": "unknown", "patch": 0},
    ],
)
def test_rules_reject(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RULES.validate_python(rule)
