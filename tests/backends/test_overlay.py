from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.backends.codecs.overlay import laid_over

trees = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        st.integers() | st.none() | st.lists(st.integers(), max_size=2),
        lambda inside: st.dictionaries(st.sampled_from("abc"), inside, max_size=3),
        max_leaves=5,
    ),
    max_size=3,
)


def leaves(tree: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every path that ends, and what stands there; an empty object ends one too."""
    if not isinstance(tree, dict) or not tree:
        return {path: tree}
    found = {}
    for key, value in tree.items():
        found |= leaves(value, (*path, key))
    return found


def test_objects_are_joined_and_everything_else_is_replaced() -> None:
    below = {"options": {"num_ctx": 8192, "stop": ["a", "b"]}, "stream": False, "format": {"x": 1}}
    above = {"options": {"num_ctx": 4096, "stop": ["c"]}, "format": "json", "keep_alive": {"y": 2}}
    assert laid_over(below, above) == {
        "options": {"num_ctx": 4096, "stop": ["c"]},
        "stream": False,
        "format": "json",
        "keep_alive": {"y": 2},
    }


@settings(max_examples=60, deadline=None)
@given(trees, trees)
def test_what_is_above_stands_and_the_rest_stays(
    below: dict[str, Any], above: dict[str, Any]
) -> None:
    before = copy.deepcopy((below, above))
    merged = leaves(laid_over(below, above))
    assert (below, above) == before
    upper, lower = leaves(above), leaves(below)
    full = {path: value for path, value in upper.items() if value != {}}
    for path, value in full.items():
        assert merged[path] == value
    for path, value in merged.items():
        if path not in upper:
            assert lower[path] == value
