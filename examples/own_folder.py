"""Inspect a folder against normal samples, so that it can be stopped and started again.

python examples/own_folder.py [PARTS [GOOD]]

Without arguments it writes the samples that ship into a folder first and inspects those.
"""

import sys
import tempfile
from pathlib import Path

from gadet import AnomalyDetector, Failure, samples
from gadet.render import save_html


def pictures(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".png", ".jpg", ".jpeg"})


def main() -> None:
    if len(sys.argv) > 1:
        parts = pictures(Path(sys.argv[1]))
        good = pictures(Path(sys.argv[2])) if len(sys.argv) > 2 else []
    else:
        folder = Path(tempfile.mkdtemp())
        samples.write(folder)
        board = folder / "circuit-board"
        parts, good = pictures(board / "test"), pictures(board / "train")

    results = AnomalyDetector().detect_many(
        parts,
        references=good,
        on_error="record",  # a file that cannot be read gets a record of its own
        resume="own_folder.jsonl",  # start the script again, and it goes on where it was
    )
    for result in results:
        if isinstance(result, Failure):
            print(f"could not inspect {result.name}: {result.message}")
        else:
            print(f"{result.verdict:<10} {result.score:.2f}  {result.item.name}")
    print(f"report: {save_html(results, 'own_folder.html')}")


if __name__ == "__main__":
    main()
