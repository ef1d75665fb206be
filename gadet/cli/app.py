"""The commands."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from gadet import AnomalyDetector, DetectRequest, Failure, GadetError, Normality, Report, samples
from gadet._version import __version__
from gadet.cli.doctor import backend_lines, doctor_lines
from gadet.cli.inputs import expand
from gadet.cli.summary import summarise_all
from gadet.request import Level

__all__ = ["app"]

# Exit code 2 is the parser's own, for a command it does not know.
FAILED, NOT_CLEARED = 1, 3

app = typer.Typer(
    name="gadet",
    help="Find, locate and explain anomalies.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
        str, typer.Option("--backend", "-b", help="offline, provider:model, or URL#model.")
    ] = "offline",
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
) -> None:
    """Inspect items: a readable summary on a terminal, JSON Lines otherwise."""
    normality = Normality(
        subject=subject, standards=standards, defects=tuple(defect or ()), rules=tuple(rule or ())
    )
    with _errors_as_messages(), AnomalyDetector(backend) as detector:
        results = detector.detect_many(
            expand(paths),
            references=expand(reference or ()),
            normality=normality,
            domain=domain,
            level=level,
            samples=votes,
            concurrency=concurrency,
            on_error="record",
            resume=resume,
        )
        _deliver(results, report, as_json=json or not sys.stdout.isatty())
    if any(isinstance(result, Failure) for result in results):
        raise typer.Exit(FAILED)
    if fail_on_anomaly and any(r.verdict != "normal" for r in results if isinstance(r, Report)):
        raise typer.Exit(NOT_CLEARED)


@app.command()
def demo(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="[PATH…]", help="Pictures of your own, too.")
    ] = None,
    report: Annotated[Path, typer.Option(help="Where the page is written.")] = Path("demo.html"),
) -> None:
    """Inspect the samples that ship, and any picture named, with the offline engine."""
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
    with _errors_as_messages(), AnomalyDetector() as detector:
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


@contextmanager
def _errors_as_messages() -> Iterator[None]:
    """End with the message of an error, not with its traceback."""
    try:
        yield
    except GadetError as error:
        typer.echo(f"gadet: {error}", err=True)
        raise typer.Exit(FAILED) from error
