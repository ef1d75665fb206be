"""A series as text: thinned, its extremes kept, and told only when asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet import AnomalyDetector, InputError, LoadLimits, ScriptedBackend
from gadet.media.series import SeriesAdapter, SeriesInput
from tests.doubles import answer


def words(values: object, as_text: int, **options: object) -> str | None:
    item = SeriesInput(values, as_text=as_text, **options)  # type: ignore[arg-type]
    return SeriesAdapter().load(item, LoadLimits()).words


def test_a_short_series_is_told_whole() -> None:
    assert words([1.0, 2.5, float("nan"), 4.0], 100, units="l/s", channels=("flow",)) == (
        "4 of 4 rows:\nposition,flow [l/s]\n0,1\n1,2.5\n2,\n3,4"
    )


@settings(max_examples=30, deadline=None)
@given(length=st.integers(50, 5000), spike=st.floats(0, 1), most=st.integers(8, 400))
def test_no_extreme_is_lost_and_not_much_more_is_told(length: int, spike: float, most: int) -> None:
    values = np.sin(np.arange(length) / 20)
    place = int(spike * (length - 1))
    values[place] = 9.0
    told = words(values, most)
    assert told is not None
    assert f"{place},9" in told.splitlines()
    assert len(told.splitlines()) <= max(most, 5) + 4


def test_many_channels_are_cut_and_it_is_said() -> None:
    told = words(np.zeros((30, 40)), 80, channels=tuple(f"c{n}" for n in range(40)))
    assert told is not None
    assert "10 of 40 channels" in told


def test_it_stands_in_the_prompt_only_when_asked_for() -> None:
    pytest.importorskip("matplotlib")
    values = [float(n % 7) for n in range(300)]
    for as_text in (0, 50):
        backend = ScriptedBackend([answer(findings=[])])
        AnomalyDetector(backend).detect(SeriesInput(values, as_text=as_text))
        assert ("Values of the item" in backend.prompts[0].text) == bool(as_text)


@pytest.mark.parametrize("as_text", [-1, 10_000, True])
def test_a_number_that_cannot_be_meant_is_refused(as_text: int) -> None:
    with pytest.raises(InputError, match="as_text"):
        SeriesInput([1.0], as_text=as_text)
