"""`gadet cache`: what the cache of answers holds, and making room in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gadet.backends.recall.cache import AnswerCache
from gadet.cli.messages import errors_as_messages

__all__ = ["answers"]

answers = typer.Typer(help="The cache of answers.", no_args_is_help=True)

File = Annotated[Path | None, typer.Option("--file", help="The cache; default: the user's own.")]


@answers.command()
def info(file: File = None) -> None:
    """Tell what the cache holds."""
    with errors_as_messages():
        held = AnswerCache(file).info()
    typer.echo(f"{held.path}: {held.entries} answers, {held.bytes / 1e6:.1f} MB")
    for backend, count in held.backends.items():
        typer.echo(f"  {backend}: {count}")
    if held.oldest and held.newest:
        typer.echo(f"  given from {held.oldest:%Y-%m-%d} to {held.newest:%Y-%m-%d}")


@answers.command()
def prune(file: File = None) -> None:
    """Remove what is too old or too much."""
    with errors_as_messages():
        typer.echo(f"removed {AnswerCache(file).prune()} answers")


@answers.command()
def clear(file: File = None) -> None:
    """Remove every answer."""
    with errors_as_messages():
        typer.echo(f"removed {AnswerCache(file).clear()} answers")
