from __future__ import annotations

import pickle

import pytest

import gadet
from gadet import errors

KINDS = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_survives_pickling(kind: type[gadet.GadetError]) -> None:
    if kind is gadet.MissingDependencyError:
        error = kind("Reading video", package="av", extra="video")  # type: ignore[call-arg]
    elif issubclass(kind, gadet.BackendError):
        error = kind(
            "expected a, got b", backend="x:y", status=429, request_id="r", retry_after=3.0
        )
    else:
        error = kind("expected a, got b")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_the_tree_is_as_documented() -> None:
    for name in (
        "AuthenticationError",
        "RateLimitError",
        "TransportError",
        "ServerError",
        "ResponseError",
    ):
        assert issubclass(getattr(gadet, name), gadet.BackendError)
    assert issubclass(gadet.MissingDependencyError, gadet.ConfigurationError)
    assert all(issubclass(kind, gadet.GadetError) for kind in KINDS)


def test_a_missing_package_names_the_line_to_install_it() -> None:
    error = gadet.MissingDependencyError("Reading video", package="av", extra="video")
    assert "pip install 'gadet[video]'" in str(error)


def test_the_body_of_an_answer_is_cut() -> None:
    error = gadet.BackendError("x", body="y" * 10_000)
    assert error.body is not None
    assert len(error.body) == 2000
