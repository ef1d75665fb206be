"""Record a run once, and play it back without a model, a key or a network.

python examples/replay.py ollama:qwen3-vl:8b   # records what this model answers
python examples/replay.py                      # records a scripted stand-in, to see the flow
"""

import sys
from pathlib import Path

from gadet import AnomalyDetector, ConfigurationError, ScriptedBackend, samples
from gadet.backends.registry import connect

STAND_IN = {
    "observations": ["A trace is interrupted."],
    "findings": [],
    "explanation": "The board departs from the normal sample.",
    "verdict": "anomalous",
    "score": 0.9,
}

cassette = Path("run.jsonl")
case = samples.load("circuit-board")
model = connect(sys.argv[1]) if len(sys.argv) > 1 else ScriptedBackend([STAND_IN])

# Record. Run again, and only what is not on the cassette yet is asked.
with AnomalyDetector(model, expert=None, record=cassette) as detector:
    recorded = detector.detect(case.item, references=case.references)
print(f"{len(cassette.read_text(encoding='utf-8').splitlines()) - 1} answer on {cassette}")

# Play: this is what stands in the notebook or the test that others run.
with AnomalyDetector(replay=cassette, expert=None) as detector:
    played = detector.detect(case.item, references=case.references)
    print(played.verdict, played.score, "by", played.provenance.backend)
    assert (played.verdict, played.score) == (recorded.verdict, recorded.score)

    # A question that was not recorded is an error that says what differs.
    try:
        detector.detect(case.item, references=case.references, domain="industrial")
    except ConfigurationError as error:
        print(error)
