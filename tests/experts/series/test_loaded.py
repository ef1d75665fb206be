"""The expert on loaded samples: what it is told of names, times and references."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from gadet.errors import InputError
from gadet.experts.series import SeriesExpert, SpanCandidate
from gadet.geometry import Box
from gadet.media.image import ImageAdapter
from gadet.media.series import SeriesAdapter, SeriesInput, SeriesSample

EXPERT = SeriesExpert()


def load(values: Any, **options: Any) -> SeriesSample:
    return SeriesAdapter().load(SeriesInput(values, **options))


def spiky(channels: int = 1) -> np.ndarray[Any, Any]:
    values = np.random.default_rng(5).normal(size=(500, channels))
    values[321, -1] = 40.0
    return values


def hourly(zone: str = "", start: str = "2024-05-01T00:00") -> list[str]:
    times = np.datetime64(start) + np.arange(500) * np.timedelta64(1, "h")
    return [f"{time}{zone}" for time in times]


def test_assessing_is_measuring() -> None:
    sample, reference = load(spiky(2), normal_until=300), load(spiky(2)[:200])
    found = EXPERT.assess(sample, [reference])
    direct = EXPERT.measure(
        sample.values,
        channels=sample.channels,
        references=[reference.values],
        normal_until=300,
    )
    np.testing.assert_array_equal(found.score_map, direct.scores)
    assert found.candidates == direct.spans
    assert (found.score, found.facts, found.notes) == (direct.score, direct.facts, direct.notes)
    assert found.expert == "series:lenses"


def test_a_span_is_a_suspect() -> None:
    first = EXPERT.assess(load(spiky(3))).candidates[0]
    assert isinstance(first, SpanCandidate)
    assert first.box == Box.of(321, 2, 322, 3)
    assert first.sentence == first.fact
    assert SpanCandidate(3, 9, (4, 1, 2), 0.7, "spike", "x").box == Box.of(3, 1, 9, 5)


def test_the_only_channel_has_no_name_in_the_sentences() -> None:
    assert "channel" not in EXPERT.assess(load(spiky())).candidates[0].sentence
    assert "channel 1" in EXPERT.assess(load(spiky(2))).candidates[0].sentence


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"time": hourly()}, "at 2024-05-14 09:00"),
        ({"time": hourly("+02:00")}, "at 2024-05-14 09:00"),
        ({"time": hourly("Z")}, "at 2024-05-14 09:00"),
        ({"time": np.arange(500) * 0.5, "time_unit": "s"}, "at row 321"),
        ({}, "at row 321"),
    ],
)
def test_sentences_have_the_time_on_the_wall(options: dict[str, Any], words: str) -> None:
    assert words in EXPERT.assess(load(spiky(), **options)).candidates[0].sentence


def test_a_clock_that_is_put_forward_gives_rows() -> None:
    pandas = pytest.importorskip("pandas")
    index = pandas.date_range("2024-03-25", periods=500, freq="h", tz="Europe/Berlin")
    summer = load(pandas.Series(spiky()[:, 0], index=index))
    assert "at row 321" in EXPERT.assess(summer).candidates[0].sentence
    index = pandas.date_range("2024-05-01", periods=500, freq="h", tz="Europe/Berlin")
    assert (
        "at 2024-05-14 09:00"
        in EXPERT.assess(load(pandas.Series(spiky()[:, 0], index=index))).candidates[0].sentence
    )


def test_references_are_matched_by_the_names_of_their_channels() -> None:
    values = spiky(2)
    item = load({"a": values[:, 0], "b": values[:, 1] * 100})
    normal = np.random.default_rng(8).normal(size=(400, 2))
    straight = load({"a": normal[:, 0], "b": normal[:, 1] * 100})
    turned = load({"b": normal[:, 1] * 100, "a": normal[:, 0]})
    np.testing.assert_array_equal(
        EXPERT.assess(item, [turned]).score_map, EXPERT.assess(item, [straight]).score_map
    )


def test_other_kinds_and_other_channels_are_refused() -> None:
    picture = ImageAdapter().load(Image.new("RGB", (20, 20)))
    with pytest.raises(InputError, match=r"expected reference 2 to be a series.*'image'"):
        EXPERT.assess(load(spiky()), [load(spiky()), picture])
    with pytest.raises(InputError, match="expected the item to be a series"):
        EXPERT.assess(picture)
    with pytest.raises(InputError, match="reference 1 must have the 1 channels"):
        EXPERT.assess(load(spiky()), [load(spiky(2))])
