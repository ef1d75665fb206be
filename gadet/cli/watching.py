"""The command that watches a source."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from gadet import AnomalyDetector, Event, Normality, Route, VideoWatch
from gadet.cli.limits import limits_of
from gadet.cli.messages import FAILED, errors_as_messages

__all__ = ["watch"]

INTERRUPTED = 130


def watch(
    source: Annotated[
        str,
        typer.Argument(help="A video file, the address of a stream, or - for numbers on stdin."),
    ],
    domain: Annotated[
        str | None, typer.Option(help="Domain pack for inspections: a name or a .toml file.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="What is watched.")] = None,
    standards: Annotated[str | None, typer.Option(help="What is normal there.")] = None,
    backend: Annotated[
        list[str] | None,
        typer.Option("--backend", "-b", help="What inspects events, as for detect."),
    ] = None,
    judge: Annotated[
        bool, typer.Option(help="Inspect events, or only tell when they begin and end.")
    ] = True,
    zoom: Annotated[int, typer.Option(min=0, max=32, help="Closer looks at each event.")] = 0,
    rate: Annotated[float, typer.Option(help="Frames per second measured at most.")] = 10.0,
    quiet: Annotated[float, typer.Option(help="Usual seconds after which an event is over.")] = 2.0,
    max_cost: Annotated[
        float | None, typer.Option(help="Money that inspections may cost within any hour.")
    ] = None,
    max_requests: Annotated[
        int | None, typer.Option(min=1, help="Requests of inspections within any hour.")
    ] = None,
) -> None:
    """Watch a video, a stream or numbers while they come: a JSON line for whatever happens."""
    broken = False
    with errors_as_messages(), AnomalyDetector(Route(*(backend or ["offline"]))) as detector:
        about: dict[str, Any] = {
            "judge": judge,
            "domain": domain,
            "zoom": zoom,
            "normality": Normality(subject=subject, standards=standards),
            "budget": limits_of(hourly=True, max_cost=max_cost, max_requests=max_requests),
        }
        if source == "-":
            events = detector.watch(_numbers(), **about)
        else:
            events = detector.watch(source, VideoWatch(rate=rate, quiet=quiet), **about)
        try:
            for event in events:
                typer.echo(_line(event))
                broken = broken or event.kind == "broken"
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
    if broken:
        raise typer.Exit(FAILED)


def _line(event: Event) -> str:
    """An event as JSON; what was sent and answered word for word is left out."""
    return event.model_dump_json(exclude={"report": {"raw"}}, exclude_none=True)


def _numbers() -> Iterator[list[float]]:
    """Rows of numbers from stdin, with commas or blanks between them."""
    for line in sys.stdin:
        parts = line.replace(",", " ").split()
        if parts:
            yield [float(part) if _is_number(part) else float("nan") for part in parts]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
