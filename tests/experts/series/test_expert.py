"""The series expert on series made with one anomaly, or none, and on what it must refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gadet.errors import InputError
from gadet.experts.series import SeriesEvidence, SeriesExpert
from tests.experts.series.made import BASES, made


def measured(values: np.ndarray, **known: object) -> SeriesEvidence:
    return SeriesExpert().measure(values[:, None], **known)  # type: ignore[arg-type]


FOUND = [
    ("daily", "spike", {"spike"}),
    ("daily", "level", {"level shift"}),
    ("daily", "flat", {"flat line"}),
    ("daily", "gone", {"missing cycle"}),
    ("daily", "louder", {"change of variance"}),
    ("daily", "quieter", {"change of variance"}),
    ("beats", "gone", {"missing cycle"}),
    ("beats", "level", {"level shift", "trend break"}),
    ("switch", "flat", {"flat line"}),
    ("noise", "flat", {"flat line"}),
    ("beats", "faster", {"unusual shape", "change of frequency", "change of variance"}),
    ("square", "faster", {"unusual shape", "change of frequency", "change of variance"}),
]


@pytest.mark.parametrize(("base", "kind", "labels"), FOUND)
def test_an_anomaly_is_found_placed_and_named(base: str, kind: str, labels: set[str]) -> None:
    values, truth = made(base, kind, seed=3, length=4000, lasts=130)
    evidence = measured(values)
    first = evidence.spans[0]
    rows = np.flatnonzero(truth)
    assert first.start < rows[-1]
    assert first.stop > rows[0]
    assert first.stop - first.start < 3 * rows.size + 60
    assert first.label in labels
    assert first.score == pytest.approx(evidence.score)
    assert evidence.scores.max() == pytest.approx(evidence.score)


@pytest.mark.parametrize("base", BASES)
def test_a_normal_series_has_no_spans(base: str) -> None:
    evidence = measured(made(base, None, seed=11, length=2500)[0])
    assert evidence.spans == ()
    assert evidence.score < 0.5
    assert evidence.facts[-1] == "No stretch departs from the rest."


def test_sentences_tell_when_in_the_clock_of_the_series() -> None:
    values, _ = made("daily", "flat", seed=3)
    start = np.datetime64("2014-04-01T00:00", "ns").astype(np.int64)
    times = start + np.arange(values.size) * 300_000_000_000
    evidence = measured(values, times=times)
    assert "from 2014-04-" in evidence.spans[0].fact
    assert "hours" in evidence.spans[0].fact
    assert evidence.period in (143, 144, 145, 288)
    assert "hours" in evidence.facts[0] or "day" in evidence.facts[0]


def test_the_guilty_channel_is_named() -> None:
    columns = [made(base, None, seed=1)[0] for base in ("daily", "noise", "waves")]
    columns[1] = made("noise", "flat", seed=1)[0]
    names = ("speed", "load", "heat")
    evidence = SeriesExpert().measure(np.stack(columns, axis=1), channels=names)
    assert evidence.spans[0].channels[0] == 1
    assert evidence.spans[0].fact.endswith("; load.")
    assert evidence.channel_scores is not None
    assert evidence.channel_scores.shape == (4000, 3)
    assert int(np.argmax(evidence.channel_scores.max(axis=0))) == 1


def test_a_broken_relation_is_found_where_each_channel_alone_is_normal() -> None:
    rng = np.random.default_rng(0)
    driver = np.convolve(rng.normal(size=4040), np.ones(41) / 41, mode="valid")
    values = np.stack([driver, driver, -driver], axis=1) + rng.normal(0, 0.005, (4000, 3))
    values[2000:2150, 1] = driver[500:650]
    evidence = SeriesExpert().measure(values)
    assert evidence.spans[0].label == "broken relation"
    assert evidence.spans[0].channels[0] == 1
    assert evidence.spans[0].start < 2150
    assert evidence.spans[0].stop > 2000


def test_what_lasts_for_half_of_the_series_needs_normal_rows_to_be_seen() -> None:
    values, _ = made("noise", None, seed=2)
    values[2000:] += 4.0
    normal = made("noise", None, seed=5)[0][:2000]
    alone = SeriesExpert(alone=True).measure(values[:, None], references=[normal[:, None]])
    assert alone.scores[2200:3800].min() > 0.5
    assert alone.scores[200:1800].max() < 0.5


@pytest.mark.parametrize("base", ["daily", "waves", "noise"])
def test_a_normal_series_stays_normal_beside_normal_rows(base: str) -> None:
    values = made(base, None, seed=21, length=3000)[0]
    assert measured(values, normal_until=1000).spans == ()
    reference = made(base, None, seed=22, length=2000)[0][37:]
    assert measured(values, references=[reference[:, None]]).spans == ()


def test_a_channel_that_never_moved_before_is_odd_when_it_does() -> None:
    values = np.zeros((2000, 1))
    values[1500:1510] = 1.0
    evidence = SeriesExpert().measure(values, normal_until=1000)
    assert evidence.spans
    assert 1400 < evidence.spans[0].start <= evidence.spans[0].stop < 1620


def test_missing_rows_are_not_judged_and_no_anomaly() -> None:
    values = made("waves", None, seed=4)[0]
    values[1000:1400] = np.nan
    values[2000] = np.inf
    evidence = measured(values)
    assert evidence.spans == ()
    assert not evidence.scores[1000:1400].any()
    assert any("missing" in note for note in evidence.notes)


@pytest.mark.parametrize("rows", [1, 2, 50, 119])
def test_a_short_series_is_not_judged(rows: int) -> None:
    values = np.zeros(rows)
    values[-1] = 1e6
    evidence = measured(values)
    assert evidence.spans == ()
    assert evidence.score == 0.49
    assert "too few to judge" in evidence.notes[-1]


def test_constants_are_not_judged_alone_and_named_beside_others() -> None:
    still = np.ones(500)
    assert measured(still).notes[-1] == "no channel ever changes: there is no usual"
    both = np.stack([still, made("noise", "flat", seed=1, length=500, lasts=60)[0]], axis=1)
    evidence = SeriesExpert().measure(both)
    assert any(note == "never changing: channel 1" for note in evidence.notes)
    assert evidence.channel_scores is not None
    assert not evidence.channel_scores[:, 0].any()


def test_few_normal_rows_are_said_to_be_too_few() -> None:
    values = made("noise", None, seed=1)[0]
    with_few, without = measured(values, normal_until=50), measured(values)
    assert (with_few.scores == without.scores).all()
    assert "too few to learn from" in with_few.notes[-1]


def test_normal_rows_must_fill_bins_of_a_long_series() -> None:
    values = np.random.default_rng(3).normal(size=45_000)
    assert "200 are needed" in measured(values, normal_until=150).notes[0]


def test_long_series_are_thinned_and_spikes_survive() -> None:
    values = np.random.default_rng(1).normal(size=90_000)
    values[77_777] = 40.0
    evidence = measured(values)
    assert evidence.scores.shape == (90_000,)
    assert (evidence.spans[0].start, evidence.spans[0].stop) == (77_777, 77_778)
    assert evidence.spans[0].label == "spike"
    assert any("bins of 3 rows" in note for note in evidence.notes)


def test_many_channels_are_bounded() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(1200, 15))
    values[900:940, 11] += 8.0
    evidence = SeriesExpert().measure(values)
    assert evidence.spans[0].channels[0] == 11


def test_the_same_input_gives_the_same_evidence() -> None:
    values = made("beats", "buzz", seed=9, length=2000)[0]
    one, two = measured(values), measured(values)
    assert (one.scores == two.scores).all()
    assert one.spans == two.spans


@settings(max_examples=25, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 300), st.integers(1, 3)),
        elements=st.sampled_from([0.0, 1.0, -3.5, 1e9, 1e-9, np.nan, np.inf]),
    ),
    st.integers(0, 300),
)
def test_any_numbers_give_scores_in_range(values: np.ndarray, until: int) -> None:
    evidence = SeriesExpert().measure(values, normal_until=min(until, len(values)))
    assert evidence.scores.shape == (len(values),)
    assert ((evidence.scores >= 0) & (evidence.scores <= 1)).all()
    assert (evidence.score >= 0.5) == bool(evidence.spans)
    for span in evidence.spans:
        assert 0 <= span.start < span.stop <= len(values)
        assert span.fact.endswith(".")


@pytest.mark.parametrize(
    ("values", "known", "message"),
    [
        (np.zeros(5), {}, r"\(T, C\)"),
        (np.zeros((0, 2)), {}, "at least one row"),
        ([["a"]], {}, "something else"),
        (np.zeros((5, 1)), {"times": np.arange(4)}, "one for each row"),
        (np.zeros((5, 1)), {"times": np.arange(5.0)}, "int64 nanoseconds"),
        (np.zeros((5, 1)), {"times": np.arange(5)[::-1]}, "must not fall"),
        (np.zeros((5, 2)), {"channels": ("a",)}, "name all 2 channels"),
        (np.zeros((5, 1)), {"normal_until": 6}, "0 to 5"),
        (np.zeros((5, 1)), {"normal_until": -1}, "0 to 5"),
        (np.zeros((5, 2)), {"references": [np.zeros((5, 1))]}, "reference 1"),
    ],
)
def test_bad_input_is_refused(values: object, known: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SeriesExpert().measure(values, **known)  # type: ignore[arg-type]
