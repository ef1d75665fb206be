"""How a benchmark prints its table and writes its JSON."""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gadet import __version__


def arguments(description: str | None, name: str) -> argparse.Namespace:
    """Read the command line: only where the JSON goes."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks") / f"{name}.json")
    return parser.parse_args()


def write(out: Path, title: str, rows: Sequence[Mapping[str, Any]], **facts: Any) -> None:
    """Print the rows as a table and write them with the facts of the machine."""
    print(f"\n{title}\n{table(rows)}")
    for name, value in facts.items():
        print(f"{name}: {value}")
    out.parent.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    content = {"title": title, "gadet": __version__, **machine, **facts, "rows": list(rows)}
    out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(f"written to {out}")


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of equal keys as aligned columns."""
    names = list(rows[0])
    cells = [names, *([_text(row.get(name, "")) for name in names] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _text(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
