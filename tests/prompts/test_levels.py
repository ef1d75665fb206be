from __future__ import annotations

import pytest

from gadet.errors import ConfigurationError
from gadet.prompts.levels import admit, tells_expertise, tells_subject
from gadet.request import Normality

from .support import KNOWN


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ("naive", set()),
        ("class", {"subject"}),
        ("expert", {"subject", "standards", "defects", "rules"}),
        (None, {"subject", "standards", "defects", "rules"}),
    ],
)
def test_a_level_admits_exactly_its_fields(level, told):
    admitted = admit(KNOWN, level)
    for name in Normality.model_fields:
        expected = getattr(KNOWN if name in told else Normality(), name)
        assert getattr(admitted, name) == expected


@pytest.mark.parametrize("level", ["Naive", "few-shot", "", 3, ["naive"]])
def test_an_unknown_level_is_refused_with_the_known_ones(level):
    with pytest.raises(ConfigurationError, match=r"naive, class, expert, or None.*got"):
        admit(KNOWN, level)


def test_what_a_pack_knows_is_told_from_its_level_on():
    assert [tells_subject(level) for level in ("naive", "class", "expert", None)] == [
        False,
        True,
        True,
        True,
    ]
    assert [tells_expertise(level) for level in ("naive", "class", "expert", None)] == [
        False,
        False,
        True,
        True,
    ]
