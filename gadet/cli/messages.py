"""Errors as messages for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from gadet.errors import GadetError

__all__ = ["FAILED", "errors_as_messages"]

# Exit code 2 is the parser's own, for a command it does not know.
FAILED = 1


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """End with the message of an error, not with its traceback."""
    try:
        yield
    except GadetError as error:
        typer.echo(f"gadet: {error}", err=True)
        raise typer.Exit(FAILED) from error
