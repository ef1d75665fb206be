"""Ask a model on any OpenAI-compatible server: vLLM, llama.cpp, LM Studio, Ollama, a gateway.

python examples/any_model.py http://localhost:8000/v1#qwen3-vl
python examples/any_model.py ollama:qwen3-vl:8b
python examples/any_model.py                          # a scripted stand-in, to see the flow
"""

import sys

from gadet import AnomalyDetector, Normality, ScriptedBackend, samples

STAND_IN = {
    "observations": ["The region with mark 1 differs from the reference."],
    "findings": [
        {
            "mark": 1,
            "box": None,
            "label": "defect",
            "description": "The marked region is not as in the reference.",
            "severity": "medium",
            "confidence": 0.8,
        }
    ],
    "explanation": "One marked region departs from the normal sample.",
    "verdict": "anomalous",
    "score": 0.85,
}

backend = sys.argv[1] if len(sys.argv) > 1 else ScriptedBackend([STAND_IN])
case = samples.load("circuit-board")
detector = AnomalyDetector(backend)
settings = {
    "references": case.references,
    "normality": Normality(subject="printed circuit board", standards="every trace is unbroken"),
    "domain": "industrial",
}

prompt = detector.prompt(case.item, **settings)
print(prompt.text)  # what would be sent, before anything is
print(f"prompt {prompt.sha256[:12]}, {len(prompt.views)} pictures")

report = detector.detect(case.item, **settings)
print(report.verdict, report.score, report.score_source)
for finding in report.findings:
    print("-", finding.label, finding.region.box if finding.region else "somewhere")
print("tokens:", report.usage.input_tokens, "in,", report.usage.output_tokens, "out")
print("cost:", report.cost or "no prices are known for this model")
