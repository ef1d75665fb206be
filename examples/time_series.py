"""Inspect a time series: print its spans, write the page and the table of spans, look at a score.

python examples/time_series.py [SERIES.csv [NORMAL.csv …]]

Without arguments it inspects the load of a server that ships as a sample.
"""

import sys

from gadet import AnomalyDetector, Report, SeriesInput, SpanRegion, samples


def detect(paths: list[str]) -> Report:
    detector = AnomalyDetector()
    if paths:
        # Say what only you know, such as SeriesInput(path, time="when", normal_until="2024-02-01").
        return detector.detect(SeriesInput(paths[0]), references=paths[1:], domain="series")
    case = samples.load("server-load")
    return detector.detect(
        case.item,
        references=case.references,
        normality=case.normality,
        domain=case.domain,
    )


def main() -> None:
    report = detect(sys.argv[1:])
    print(f"{report.verdict}, score {report.score:.2f} ({report.score_source})")
    for finding in report.findings:
        if isinstance(finding.region, SpanRegion):
            span = finding.region.interval
            start, end = span.start_label or span.start, span.end_label or span.end
            print(f"- {start} to {end}, {', '.join(finding.region.channels)}: {finding.label}")
            print(f"  {finding.description}")

    scores = report.anomaly_map  # one for each row, in [0, 1]
    if scores is not None:
        print(f"{(scores >= 0.5).sum()} of {len(scores)} rows score 0.5 or more")
    report.save("time_series.html")
    report.save("time_series.csv")


if __name__ == "__main__":
    main()
