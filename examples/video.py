"""Find what is unusual in a clip: when, where, and why.

The clip here is drawn by a program; yours may be a file, a folder of frames or a list of arrays.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp

from gadet import AnomalyDetector, samples

case = samples.load("walkway")
report = AnomalyDetector().detect(
    case.item, references=case.references, normality=case.normality, domain=case.domain
)

print(f"{report.verdict} ({report.score:.2f})")
for finding in report.findings:
    interval = finding.region.interval
    print(f"{interval.start_label} to {interval.end_label}  {finding.label}: {finding.description}")
    seen = finding.region.track[len(finding.region.track) // 2]
    x0, y0, x1, y1 = seen.box.rounded_out()
    print(f"  in frame {seen.frame} at x {x0}-{x1}, y {y0}-{y1}")

page = report.save(Path(mkdtemp(), "report.html"))
print(f"key frames, scores over time and facts: {page.name}")
