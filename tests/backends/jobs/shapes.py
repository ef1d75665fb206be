"""Lines of results as hypothesis imagines them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_KEYS = [
    "response", "error", "status_code", "request_id", "body", "code", "message", "type", "result",
    "key", "metadata", "candidates", "promptFeedback", "blockReason", "choices", "content", "text",
    "status", "details", "usage", "stop_reason", "finishReason", "parts", "custom_id",
]  # fmt: skip
_leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 600), st.just(10**40), st.just(float("nan")),
    st.sampled_from(["", "succeeded", "errored", "expired", "error", "overloaded_error", "stop"]),
    st.text(max_size=4),
)  # fmt: skip
_values: st.SearchStrategy[Any] = st.recursive(
    _leaves,
    lambda inside: st.one_of(
        st.lists(inside, max_size=3),
        st.dictionaries(st.sampled_from(_KEYS), inside, max_size=5),
    ),
    max_leaves=15,
)
anything: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(_KEYS), _values, max_size=6
)
