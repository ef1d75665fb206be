"""Count alike parts, compare them with the references, and draw both counts.

python examples/count_parts.py [PICTURE GOOD [GOOD ...]]

Without arguments it takes a sample that ships: a tray in which a nut is missing. Writes
counted-0.png (the item) and counted-1.png (the reference).
"""

import sys
from pathlib import Path

from gadet import AnomalyDetector, ViewLimits, samples
from gadet.localize.counting import counted, tally
from gadet.localize.counting_view import counting_view
from gadet.media.base import LoadLimits
from gadet.media.image import ImageAdapter


def main() -> None:
    case = samples.load("parts-tray")
    item = Path(sys.argv[1]) if len(sys.argv) > 2 else case.item
    good = [Path(name) for name in sys.argv[2:]] if len(sys.argv) > 2 else case.references

    # The logical domain counts by itself: offline, and for any model.
    report = AnomalyDetector().detect(item, references=good, domain="logical")
    print(report.verdict, report.score)
    for sentence in report.evidence.counts if report.evidence else ():
        print("-", sentence)
    for finding in report.findings:
        print(f"{finding.label}: {finding.description}")

    # The parts: what was found in each picture, the kinds, and a picture of them.
    adapter = ImageAdapter()
    pictures = [adapter.load(one, LoadLimits()) for one in (item, *good)]
    here, *there = (counted(picture.pixels) for picture in pictures)
    kinds = tally(here, there).kinds
    shown = ([kind.item for kind in kinds], [kind.references[0] for kind in kinds])
    for number, (picture, found, things) in enumerate(
        zip(pictures, (here, there[0]), shown, strict=False)
    ):
        view = picture.views(ViewLimits(max_side=1024))[0]
        counting_view(view, found, things).picture.save(f"counted-{number}.png")


if __name__ == "__main__":
    main()
