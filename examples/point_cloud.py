"""Inspect a scan: print what was found and where, write the page, the table and the scored cloud.

python examples/point_cloud.py [SCAN.ply [GOOD.ply …]]

Without arguments it inspects a part with a dent that ships as a sample.
"""

import sys

from gadet import AnomalyDetector, PointsRegion, Report, samples


def detect(paths: list[str]) -> Report:
    detector = AnomalyDetector()
    if paths:
        # Say what only you know: PointCloudInput(path, units="mm"), or sample=40_000 for a mesh.
        return detector.detect(paths[0], references=paths[1:], domain="pointcloud")
    case = samples.load("bearing-block")
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
        print(f"- {finding.label}: {finding.description}")
        region = finding.region
        if isinstance(region, PointsRegion) and region.box is not None:
            length, width, height = region.box.sides
            print(f"  {len(region.indices)} points, {length:.1f} × {width:.1f} × {height:.1f}")

    report.save("point_cloud.html")
    report.save("point_cloud.csv")
    report.save("point_cloud.ply")  # every point of the input with its score and its finding


if __name__ == "__main__":
    main()
