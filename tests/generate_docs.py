"""Write the pages that are made from the code: `python -m tests.generate_docs`.

`tests/test_generated_docs.py` fails when a page is not what this writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import typer
from pydantic import BaseModel
from typer.main import get_command

from gadet import Failure, Normality, Profile, Report
from gadet.cli.app import app
from gadet.prompts.answer import Answer
from gadet.prompts.domain import Domain

DOCS = Path(__file__).parents[1] / "docs"
MODELS: dict[str, type[BaseModel]] = {
    "answer": Answer,
    "domain": Domain,
    "failure": Failure,
    "normality": Normality,
    "profile": Profile,
    "report": Report,
}
HEAD = """# Command line

This page is written by `make docs`. Results go to stdout, everything else to stderr.

- On a terminal results are a readable summary; otherwise, and with `--json`, JSON Lines.
- Exit code 0: everything was inspected. 1: an item failed or an argument cannot be used.
  2: the command was called in a way it does not know. 3: with `--fail-on-anomaly`, when an item was
  judged anything but normal; a refusal and an unreadable answer count as not normal.
"""


def pages() -> Iterator[tuple[Path, str]]:
    """Every generated file with its content."""
    for name, model in MODELS.items():
        text = json.dumps(model.model_json_schema(mode="serialization"), indent=2, sort_keys=True)
        yield DOCS / "schemas" / f"{name}.json", text + "\n"
    yield DOCS / "cli.md", f"{HEAD}\n{''.join(_commands())}"


def _commands() -> Iterator[str]:
    group = get_command(app)
    root = typer.Context(group, info_name="gadet")
    assert isinstance(group, typer.core.TyperGroup)
    yield f"\n```text\n{_help(group, root)}\n```\n"
    for name in group.list_commands(root):
        command = group.get_command(root, name)
        assert command is not None
        context = typer.Context(command, info_name=name, parent=root)
        yield f"\n## gadet {name}\n\n```text\n{_help(command, context)}\n```\n"


def _help(command: object, context: typer.Context) -> str:
    lines = [command.get_usage(context), "", f"  {command.help}", ""]  # type: ignore[attr-defined]
    records = [
        record
        for parameter in command.get_params(context)  # type: ignore[attr-defined]
        if (record := parameter.get_help_record(context))
    ]
    width = max((len(left) for left, _ in records), default=0)
    lines += [f"  {left:<{width}}  {right}".rstrip() for left, right in records]
    return "\n".join(lines)


def main() -> None:
    for path, text in pages():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(DOCS.parent))


if __name__ == "__main__":
    main()
