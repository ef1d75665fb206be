"""From the options of a command to limits on spending."""

from __future__ import annotations

from pydantic import ValidationError

from gadet import ConfigurationError, Limits

__all__ = ["limits_of"]


def limits_of(*, hourly: bool = False, **limits: float | None) -> Limits | None:
    """The limits that were given, or None when there are none."""
    given = {name: value for name, value in limits.items() if value is not None}
    if not given:
        return None
    try:
        return Limits.model_validate({**given, "hourly": hourly})
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise ConfigurationError(f"--{option} cannot be used: {first['msg']}") from None
