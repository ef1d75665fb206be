"""Inspect one sample with the offline engine and write what it found.

python examples/quickstart.py [FOLDER]
"""

import sys
from pathlib import Path

from gadet import AnomalyDetector, samples

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
case = samples.load("circuit-board")

with AnomalyDetector() as detector:
    report = detector.detect(
        case.item,
        references=case.references,
        normality=case.normality,
        domain=case.domain,
    )

print(f"{report.verdict}, score {report.score:.2f} ({report.score_source})")
for finding in report.findings:
    print(f"- {finding.label}: {finding.description}")

report.save(folder / "quickstart.html")
report.save(folder / "quickstart.png")
report.save(folder / "quickstart.json")
