"""Test code that uses gadet without a model: script what the model answers.

python examples/test_your_pipeline.py
"""

from gadet import AnomalyDetector, Completion, Report, ScriptedBackend, samples


def should_stop_the_line(report: Report) -> bool:
    """What a factory might do: anything but a clear all-clear stops the line."""
    return report.verdict != "normal"


GOOD = (
    '{"observations": ["Nothing stands out."], "findings": [], "explanation": "As it should be.",'
    ' "verdict": "normal", "score": 0.05}'
)
case = samples.load("circuit-board")

for answer, expected in [
    (GOOD, False),
    ("I'm sorry, I can't help with that.", True),
    (Completion("", stop="blocked"), True),
]:
    backend = ScriptedBackend([answer])
    report = AnomalyDetector(backend, expert=None).detect(case.item)
    assert should_stop_the_line(report) is expected
    assert len(backend.prompts) == 1
    print(f"{report.verdict:<10} stops the line: {should_stop_the_line(report)}")
