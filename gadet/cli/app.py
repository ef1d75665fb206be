"""The commands."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from gadet import (
    AnomalyDetector,
    DetectRequest,
    Failure,
    Normality,
    Report,
    Route,
    samples,
    spent,
)
from gadet._version import __version__
from gadet.cli.answers import answers
from gadet.cli.doctor import backend_lines, doctor_lines
from gadet.cli.inputs import expand
from gadet.cli.limits import limits_of
from gadet.cli.messages import FAILED, errors_as_messages
from gadet.cli.summary import summarise_all
from gadet.cli.watching import watch
from gadet.report import Verdict
from gadet.request import Level

__all__ = ["app"]

NOT_CLEARED = 3

app = typer.Typer(
    name="gadet",
    help="Find, locate and explain anomalies.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(answers, name="cache")
app.command()(watch)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gadet {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log calls on stderr.")] = False,
) -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )


@app.command()
def detect(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH…|-", help="Files, folders, patterns, URLs, or -.")
    ],
    reference: Annotated[
        list[str] | None,
        typer.Option(
            "--reference", "-r", help="A normal sample; may be repeated, may be a folder."
        ),
    ] = None,
    subject: Annotated[str | None, typer.Option(help="What is inspected, e.g. 'bottle'.")] = None,
    standards: Annotated[str | None, typer.Option(help="What a normal one looks like.")] = None,
    defect: Annotated[
        list[str] | None, typer.Option(help="A kind of defect that occurs; may be repeated.")
    ] = None,
    rule: Annotated[
        list[str] | None, typer.Option(help="A rule every normal item keeps; may be repeated.")
    ] = None,
    domain: Annotated[str, typer.Option(help="Domain pack: a name or a .toml file.")] = "generic",
    backend: Annotated[
        list[str] | None,
        typer.Option(
            "--backend",
            "-b",
            help="offline (default), provider:model, or URL#model; of several, the next is asked "
            "when one cannot be.",
        ),
    ] = None,
    escalate: Annotated[
        list[str] | None,
        typer.Option(help="A verdict with which the next backend is asked; may be repeated."),
    ] = None,
    level: Annotated[
        Level | None, typer.Option(help="How much the prompt tells; default: all that was given.")
    ] = None,
    votes: Annotated[int, typer.Option(min=1, max=64, help="Answers asked for per item.")] = 1,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Items at once.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write one HTML page with every result.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON Lines, also on a terminal.")] = False,
    fail_on_anomaly: Annotated[
        bool,
        typer.Option("--fail-on-anomaly", help="Exit with 3 unless every item was judged normal."),
    ] = False,
    resume: Annotated[
        Path | None, typer.Option(help="Journal: go on where an earlier run stopped.")
    ] = None,
    batch_api: Annotated[
        bool,
        typer.Option("--batch-api", help="Use the provider's batch API and wait; needs --resume."),
    ] = False,
    cache: Annotated[
        Path | None, typer.Option(help="Ask nothing twice: keep answers in this file.")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(help="Stop before more money than this is spent.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Stop before more tokens than this are used.")
    ] = None,
    max_requests: Annotated[int | None, typer.Option(help="Stop after this many requests.")] = None,
    deadline: Annotated[
        float | None, typer.Option(help="Ask nothing more after this many seconds.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what the run would take; nothing is sent."),
    ] = False,
) -> None:
    """Inspect items: a readable summary on a terminal, JSON Lines otherwise."""
    normality = Normality(
        subject=subject, standards=standards, defects=tuple(defect or ()), rules=tuple(rule or ())
    )
    with (
        errors_as_messages(),
        AnomalyDetector(
            Route(*(backend or ["offline"]), escalate=cast("list[Verdict]", escalate or [])),
            cache=cache or False,
        ) as detector,
    ):
        items = expand(paths)
        about: dict[str, Any] = {
            "references": expand(reference or ()),
            "normality": normality,
            "domain": domain,
            "level": level,
            "samples": votes,
            "concurrency": concurrency,
            "batch_api": batch_api,
        }
        if dry_run:
            typer.echo(str(detector.forecast(items, **about)))
            return
        results = detector.detect_many(
            items,
            **about,
            on_error="record",
            resume=resume,
            budget=limits_of(
                max_cost=max_cost,
                max_tokens=max_tokens,
                max_requests=max_requests,
                deadline=deadline,
            ),
        )
        _deliver(results, report, as_json=json or not sys.stdout.isatty())
        total = spent(results)
        if total.usage.input_tokens:
            typer.echo(f"spent: {total}", err=True)
    if any(isinstance(result, Failure) for result in results):
        raise typer.Exit(FAILED)
    if fail_on_anomaly and any(r.verdict != "normal" for r in results if isinstance(r, Report)):
        raise typer.Exit(NOT_CLEARED)


@app.command()
def demo(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH…]", help="Pictures, series and videos of your own, too."),
    ] = None,
    report: Annotated[Path, typer.Option(help="Where the page is written.")] = Path("demo.html"),
) -> None:
    """Inspect the samples that ship, and what is named, with the offline engine."""
    cases = [samples.load(name) for name in samples.names()]
    requests = [
        DetectRequest(
            item=case.item,
            references=case.references,
            normality=case.normality,
            domain=case.domain,
        )
        for case in cases
    ]
    with errors_as_messages(), AnomalyDetector() as detector:
        results = detector.detect_many([*requests, *expand(paths or ())], on_error="record")
        named = [
            result.model_copy(update={"item": result.item.model_copy(update={"name": case.title})})
            if isinstance(result, Report)
            else result
            for result, case in zip(results, cases, strict=False)
        ]
        _deliver([*named, *results[len(cases) :]], report, as_json=False)
    if any(isinstance(result, Failure) for result in results):
        raise typer.Exit(FAILED)


@app.command()
def doctor() -> None:
    """Tell what is installed, what works, and what to install for the rest."""
    typer.echo("\n".join(doctor_lines()))


@app.command()
def backends() -> None:
    """List the backends and whether each is ready."""
    typer.echo("\n".join(backend_lines()))


def _deliver(results: Sequence[Report | Failure], page: Path | None, *, as_json: bool) -> None:
    if as_json:
        for result in results:
            typer.echo(result.model_dump_json())
    else:
        typer.echo(summarise_all(results))
    if page is not None:
        from gadet.render import save_html

        typer.echo(f"report: {save_html(results, page)}", err=True)
