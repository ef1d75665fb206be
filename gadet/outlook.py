"""`forecast_run`: what a run over many items will take, from the prompts of some of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any

from gadet.backends.facts.forecast import (
    Forecast,
    PromptForecast,
    Range,
    forecast,
    forecast_prompt,
)
from gadet.edges import MOST_PROBES
from gadet.errors import ConfigurationError
from gadet.inspection import opening_prompts
from gadet.intake import Intake, LoadedReferences
from gadet.localize.base import Bisector
from gadet.request import DetectRequest
from gadet.route import Leg

__all__ = ["forecast_run"]


def forecast_run(
    requests: Sequence[DetectRequest],
    intake: Intake,
    leg: Leg,
    *,
    look_at: int,
    zoom: int = 0,
    samples: int = 1,
    **pace: Any,
) -> Forecast:
    """Forecast a run; nothing is sent.

    Args:
        requests: What would be inspected.
        intake: Loads what is looked at.
        leg: The backend that would be asked.
        look_at: How many requests are made into prompts; of more, these many are picked evenly,
            and each stands for its neighbours.
        zoom: Closer looks at each item, which there may be on the high side.
        samples: Answers asked for per item.
        **pace: As `gadet.backends.facts.forecast.forecast` takes it.

    Raises:
        InputError: An item that is looked at cannot be read.
        ConfigurationError: An argument cannot be used.
    """
    if look_at < 1:
        raise ConfigurationError(f"look_at needs a number of at least 1; got {look_at}")
    loaded = LoadedReferences(intake.references)

    looks: list[PromptForecast] = []

    def prompts() -> Iterator[PromptForecast]:
        total, looked = len(requests), min(look_at, len(requests))
        for number in range(looked):
            first, end = number * total // looked, (number + 1) * total // looked
            request = requests[(first + end) // 2]
            case = intake.case(request, leg, references=loaded.of(request))
            asked = [forecast_prompt(prompt, leg.profile) for prompt in opening_prompts(case)]
            probes = MOST_PROBES if isinstance(case.localizer, Bisector) else 0
            looks.extend(repeat(asked[0], (end - first) * zoom * (1 + probes)))
            for _ in range(end - first):
                yield from asked

    try:
        seen = list(prompts())
        foreseen = forecast(seen, leg.profile, samples=samples, **pace)
        if zoom:
            most = forecast([*seen * samples, *looks], leg.profile, **pace)
            foreseen = _between(foreseen, most, zoom)
    except TypeError as error:
        if "argument" not in str(error):
            raise
        raise ConfigurationError(f"a forecast does not take these arguments: {error}") from None
    if len(requests) <= look_at:
        return foreseen
    said = f"{look_at} of {len(requests)} items were looked at and stand for the others"
    return foreseen.model_copy(update={"assumptions": (said, *foreseen.assumptions)})


def _between(least: Forecast, most: Forecast, zoom: int) -> Forecast:
    """From the low side of one forecast to the high side of the other."""
    spans = {
        name: Range(low.low, high.high)
        for name in ("requests", "input_tokens", "output_tokens", "cost", "seconds")
        if (low := getattr(least, name)) is not None and (high := getattr(most, name)) is not None
    }
    said = f"up to {zoom} closer looks at each item, each about as large as its first question"
    return least.model_copy(update={**spans, "assumptions": (*least.assumptions, said)})
