"""How a model looks at a picture: the size it sees, and the tokens it counts. Rules as data.

The numbers of a rule stand in the files under `models/`, with a date and a source; what is computed
from them is here. `seen` follows the provider's own description of its resizing, step by step.
`sizing` names the sizes that this leaves alone, so that a view can be made at one of them:
`seen(*views.within(rule.sizing()).fit(w, h)) == views.within(rule.sizing()).fit(w, h)`.

Sizes are `(width, height)` in pixels. `detail` is how finely the model is asked to look, in the
provider's own word; None leaves it to the model.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Literal, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gadet.errors import ConfigurationError, InputError
from gadet.sizing import LONGEST, Sizing, patches

__all__ = [
    "Gemini2",
    "Gemini3",
    "Patch28",
    "Patch32",
    "PatchDetail",
    "Qwen",
    "Resolution",
    "Tile512",
    "TokenRule",
    "Unknown",
]

Size = tuple[int, int]
Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]


class _Rule(BaseModel):
    """What all rules have in common.

    A rule's `kind` selects it in a file of models.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def exact(self) -> bool:
        """Whether the tokens follow what the provider says, rather than a guess."""
        return True

    def sizing(self, detail: str | None = None) -> Sizing:
        """The sizes that the model leaves as they are."""
        return Sizing()

    def seen(self, width: int, height: int, detail: str | None = None) -> Size:
        """The size that the model sees of a picture, after its own resizing.

        Raises:
            InputError: The model takes no picture of this size.
        """
        return width, height


class PatchDetail(BaseModel):
    """What a model of patches does at one level of detail.

    Attributes:
        name: The provider's word for the level.
        edge: Longest side in pixels; a longer one is reduced to it.
        patches: Most patches.
        rejects: Whether a picture of more patches is refused instead of made smaller.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    edge: Positive = LONGEST
    patches: Positive
    rejects: bool = False


class Patch32(_Rule):
    """OpenAI's models that count patches of 32 × 32 pixels.

    The tokens may differ by one through rounding, as the provider says.

    Attributes:
        patch: Side of a patch in pixels.
        multiplier: Tokens per patch.
        auto: The level of detail that the model takes when none is asked for.
        details: The levels of detail.

    Source: https://platform.openai.com/docs/guides/images-vision
    """

    kind: Literal["patch32"] = "patch32"
    patch: Positive = 32
    multiplier: Annotated[float, Field(gt=0, le=100)] = 1.0
    auto: str
    details: tuple[PatchDetail, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _auto_is_a_detail(self) -> Self:
        names = [detail.name for detail in self.details]
        if self.auto not in names:
            raise ValueError(f"`auto` must be one of the details {names}; got {self.auto!r}")
        return self

    def sizing(self, detail: str | None = None) -> Sizing:
        """Within the edge and the patches of the level of detail."""
        level = _chosen(self.details, detail, self.auto)
        return Sizing(max_side=level.edge, patch=self.patch, max_patches=level.patches)

    def seen(self, width: int, height: int, detail: str | None = None) -> Size:
        """Reduced to the edge, then to the patches, so that one side is whole patches."""
        level = _chosen(self.details, detail, self.auto)
        width, height = _within_edge(width, height, level.edge)
        if patches(width, height, self.patch) <= level.patches:
            return width, height
        if level.rejects:
            raise InputError(
                f"a picture of at most {level.patches:,} patches of {self.patch} pixels is needed; "
                f"got {width} x {height}: make it smaller, for example with ViewLimits(max_side=…)"
            )
        return self._reduced(width, height, level.patches)

    def tokens(self, width: int, height: int, detail: str | None = None) -> int:
        """Patches times the multiplier, rounded up."""
        count = patches(*self.seen(width, height, detail), self.patch)
        return math.ceil(count * Decimal(str(self.multiplier)))

    def _reduced(self, width: int, height: int, most: int) -> Size:
        # The area of the patches allowed, in the shape of the picture, is this many whole patches
        # wide and high. The side that loses the larger part by that sets the scale of both.
        columns = max(1, math.isqrt(most * width // height))
        rows = max(1, math.isqrt(most * height // width))
        if columns * height <= rows * width:
            whole = columns * self.patch
            return whole, max(1, height * whole // width)
        whole = rows * self.patch
        return max(1, width * whole // height), whole


class Tile512(_Rule):
    """OpenAI's models that count tiles of 512 × 512 pixels.

    Attributes:
        base: Tokens of every picture; all of them at detail `low`.
        tile: Tokens of each tile.

    Source: https://platform.openai.com/docs/guides/images-vision
    """

    kind: Literal["tile512"] = "tile512"
    base: Count
    tile: Count

    def sizing(self, detail: str | None = None) -> Sizing:
        """Within 2048 × 2048 pixels with the shorter side up to 768; at `low` within 512 × 512."""
        return (
            Sizing(max_side=512) if detail == "low" else Sizing(max_side=2048, max_short_side=768)
        )

    def seen(self, width: int, height: int, detail: str | None = None) -> Size:
        """Reduced to the long side, then to the short side."""
        if detail == "low":
            return _within_edge(width, height, 512)
        width, height = _within_edge(width, height, 2048)
        shorter = min(width, height)
        if shorter <= 768:
            return width, height
        return width * 768 // shorter, height * 768 // shorter

    def tokens(self, width: int, height: int, detail: str | None = None) -> int:
        """The base, and each tile that the picture touches."""
        if detail == "low":
            return self.base
        return self.base + self.tile * patches(*self.seen(width, height, detail), 512)


class Patch28(_Rule):
    """Anthropic's models: patches of 28 × 28 pixels, one token each.

    Attributes:
        edge: Longest side in pixels, after it was padded to whole patches.
        patches: Most patches.

    Source: https://platform.claude.com/docs/en/build-with-claude/vision
    """

    kind: Literal["patch28"] = "patch28"
    edge: Annotated[int, Field(ge=28)]
    patches: Positive

    def sizing(self, detail: str | None = None) -> Sizing:
        """Within the whole patches of the edge and of the budget."""
        return Sizing(max_side=self.edge // 28 * 28, patch=28, max_patches=self.patches)

    def seen(self, width: int, height: int, detail: str | None = None) -> Size:
        """The largest size of this shape that fits, before it is padded to whole patches."""
        longer, shorter = max(width, height), min(width, height)
        aspect = longer / shorter

        def size(side: int) -> Size:
            return side, max(1, round(side / aspect))

        def too_large(size: Size) -> bool:
            return patches(size[0], 1, 28) * 28 > self.edge or patches(*size, 28) > self.patches

        if too_large((longer, shorter)):
            fitting = bisect_left(range(1, longer), True, key=lambda side: too_large(size(side)))
            longer, shorter = size(max(fitting, 1))
        return (longer, shorter) if width >= height else (shorter, longer)

    def tokens(self, width: int, height: int, detail: str | None = None) -> int:
        """The patches that cover what is seen."""
        return patches(*self.seen(width, height, detail), 28)


class Resolution(BaseModel):
    """What a picture counts at one level of detail, whatever its size.

    Attributes:
        name: The provider's word for the level.
        tokens: Tokens of one picture.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    tokens: Positive


class Gemini3(_Rule):
    """Gemini 3: a number of tokens that depends on the asked resolution alone.

    How the model resizes is not said; it names places relative to the picture.

    Attributes:
        auto: The resolution that the model takes when none is asked for.
        details: The resolutions, by the word after `MEDIA_RESOLUTION_` in lower case.

    Source: https://ai.google.dev/gemini-api/docs/media-resolution
    """

    kind: Literal["gemini3"] = "gemini3"
    auto: str = "high"
    details: tuple[Resolution, ...] = (
        Resolution(name="low", tokens=280),
        Resolution(name="medium", tokens=560),
        Resolution(name="high", tokens=1120),
        Resolution(name="ultra_high", tokens=2240),
    )

    def sizing(self, detail: str | None = None) -> Sizing:
        """No bounds; a resolution that the model does not have is refused."""
        _chosen(self.details, detail, self.auto)
        return Sizing()

    def tokens(self, width: int, height: int, detail: str | None = None) -> int:
        """The tokens of the resolution."""
        return _chosen(self.details, detail, self.auto).tokens


class Gemini2(_Rule):
    """Gemini before 3: 258 tokens for a small picture, and for each tile of a larger one.

    Source: https://ai.google.dev/gemini-api/docs/image-understanding
    """

    kind: Literal["gemini2"] = "gemini2"

    def tokens(self, width: int, height: int, detail: str | None = None) -> int:
        """One tile when both sides are at most 384 pixels; else tiles of 2/3 of the short side."""
        if max(width, height) <= 384:
            return 258
        return 258 * patches(width, height, max(1, min(width, height) * 2 // 3))


class Qwen(_Rule):
    """Qwen-VL: both sides become multiples of a factor, the area stays within bounds.

    Attributes:
        factor: What both sides become multiples of; a square of it is one token.
        min_tokens: Fewest tokens; a smaller picture is enlarged.
        max_tokens: Most tokens; at least four times the fewest, so that every shape has a size
            between them.

    Source: https://github.com/QwenLM/Qwen3-VL, `smart_resize` of qwen-vl-utils
    """

    kind: Literal["qwen"] = "qwen"
    factor: Positive
    min_tokens: Positive = 4
    max_tokens: Positive = 16_384

    @model_validator(mode="after")
    def _room_for_every_shape(self) -> Self:
        if self.max_tokens < 4 * self.min_tokens:
            raise ValueError(
                f"`max_tokens` must be at least four times `min_tokens`; got {self.max_tokens} "
                f"and {self.min_tokens}"
            )
        return self

    def sizing(self, detail: str | None = None) -> Sizing:
        """Multiples of the factor within the area."""
        square = self.factor**2
        # The model refuses strips of more than 200 to 1; rounding may make one twice as narrow.
        return Sizing(
            multiple=self.factor,
            min_pixels=self.min_tokens * square,
            max_pixels=self.max_tokens * square,
            max_aspect=100,
        )

    def seen(self, width: int, height: int, detail: str | None = None) -> Size:
        """Rounded to the factor, and scaled where the area is then out of bounds."""
        if max(width, height) > 200 * min(width, height):
            raise InputError(
                "a picture is needed whose longer side is at most 200 times the shorter one; got "
                f"{width} x {height}: cut it into pieces"
            )
        factor, square = self.factor, self.factor**2
        rounded = max(1, round(width / factor)), max(1, round(height / factor))
        area = math.prod(rounded)
        if area > self.max_tokens:
            scale = math.sqrt(width * height / (self.max_tokens * square))
            rounded = (
                max(1, math.floor(width / scale / factor)),
                max(1, math.floor(height / scale / factor)),
            )
        elif area < self.min_tokens:
            scale = math.sqrt(self.min_tokens * square / (width * height))
            rounded = math.ceil(width * scale / factor), math.ceil(height * scale / factor)
        return rounded[0] * factor, rounded[1] * factor

    def tokens(self, width: int, height: int, detail: str | None = None) -> int:
        """One for each square of the factor."""
        return patches(*self.seen(width, height, detail), self.factor)


class Unknown(_Rule):
    """A model of which no rule is known: a guess that errs to the high side.

    Attributes:
        patch: Side in pixels of what is counted as one token: vision transformers with patches of
            14 pixels that are not merged are the densest in wide use.
        least: Tokens of a picture however small it is, for models that enlarge every picture:
            four tiles of 24 × 24 patches and an overview.
    """

    kind: Literal["unknown"] = "unknown"
    patch: Positive = 14
    least: Count = 2880

    @property
    def exact(self) -> bool:
        """Never: this is a guess."""
        return False

    def tokens(self, width: int, height: int, detail: str | None = None) -> int:
        """The patches that cover the picture, or the least."""
        return max(self.least, patches(width, height, self.patch))


TokenRule = Annotated[
    Patch32 | Tile512 | Patch28 | Gemini3 | Gemini2 | Qwen | Unknown, Field(discriminator="kind")
]


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Level = TypeVar("Level", bound=_Named)


def _chosen(details: Iterable[Level], asked: str | None, auto: str) -> Level:
    """The level of detail that is asked for, or the model's own choice.

    Raises:
        ConfigurationError: The model does not have it, as far as the rule knows.
    """
    levels = {level.name: level for level in details}
    name = auto if asked is None or asked == "auto" else asked
    if name not in levels:
        raise ConfigurationError(
            f"image_detail must be one of {', '.join(levels)} or auto for this model; got {asked!r}"
            ": change it, or change the model's token_rule as well"
        )
    return levels[name]


def _within_edge(width: int, height: int, edge: int) -> Size:
    """Reduced to a longest side, whole pixels downwards."""
    longest = max(width, height)
    if longest <= edge:
        return width, height
    return max(1, width * edge // longest), max(1, height * edge // longest)
