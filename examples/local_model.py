"""Ask a model on this machine, without a server or a key.

python examples/local_model.py /models/qwen2.5-vl-3b            # a folder
python examples/local_model.py Qwen/Qwen2.5-VL-3B-Instruct      # in the hub's local cache
python examples/local_model.py                                  # what is needed for it
"""

import sys

from gadet import AnomalyDetector, Normality, samples
from gadet.backends.local import LocalBackend

if len(sys.argv) < 2:
    print(LocalBackend.missing() or "ready: give a model's folder or name", file=sys.stderr)
    print(__doc__)
    sys.exit()

case = samples.load("circuit-board")
settings = {
    "references": case.references,
    "normality": Normality(subject="printed circuit board", standards="every trace is unbroken"),
    "domain": "industrial",
}

# Only the verdict: one token, for models too small to write JSON.
with AnomalyDetector(LocalBackend(sys.argv[1], scoring="verdict")) as detector:
    items = [case.item, *case.references]
    for report in detector.detect_many(items, **settings):
        print(report.verdict, report.score, report.score_source)

# The whole answer, with findings and an explanation.
with AnomalyDetector(LocalBackend(sys.argv[1])) as detector:
    report = detector.detect(case.item, **settings)
print(report.verdict, report.score, report.score_source, report.provenance.model)
print(report.explanation)
for finding in report.findings:
    print("-", finding.label, finding.region.box if finding.region else "somewhere")
