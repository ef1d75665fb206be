"""NAB, SMAP, MSL and UCR series: gadet's expert beside other training-free detectors, in one run.

    python -m tests.benchmarks.series [--out PATH] [--mode unsupervised|normals] [--only TEXT]

The data root comes from GADET_DATA, else `../shared/data` beside the repository. Peers that are not
installed are named and left out. gadet is at its own threshold; a peer's is mean + 3 sd of its
scores, over the normal part when there is one. Means are over the series of a set, then over sets.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gadet.experts.series import SeriesExpert, SeriesStream
from tests.benchmarks.results import write
from tests.benchmarks.series_data import Case, cases, window_of
from tests.benchmarks.series_metrics import affiliation, auc_pr, event_f1, volumes
from tests.benchmarks.series_peers import PEERS, Detect, absent

Floats = npt.NDArray[np.float64]
Row = dict[str, float | str]
METRICS = ("vus_pr", "vus_roc", "auc_pr", "affiliation_f1", "event_f1", "ucr_accuracy",
           "seconds_per_10k")  # fmt: skip
GADET = "gadet"
STRICT = "gadet, normals alone"


def judged(case: Case, scores: Floats, threshold: float, seconds: float) -> Row:
    """The metrics of one series."""
    window = window_of(case.values)
    labels, kept = case.labels[case.judged_from :], scores[case.judged_from :]
    told = kept >= threshold if np.isfinite(threshold) else np.zeros(kept.size, dtype=bool)
    row: Row = {
        "group": case.group,
        "series": case.name,
        "seconds_per_10k": seconds / len(case.values) * 10_000,
        "flagged": float(told.mean()),
    }
    if not labels.any():
        return row
    vus_pr, vus_roc = volumes(labels, kept, window)
    row |= {
        "vus_pr": vus_pr,
        "vus_roc": vus_roc,
        "auc_pr": auc_pr(labels, kept),
        "affiliation_f1": affiliation(labels, told)[2],
        "event_f1": event_f1(labels, told, window),
    }
    if case.group == "UCR":
        near = np.flatnonzero(labels)
        peak = int(np.argmax(kept))
        row["ucr_accuracy"] = float(near[0] - 100 <= peak <= near[-1] + 100)
    return row


def by_peer(detect: Detect, case: Case, supervised: bool) -> Row:
    """A peer on one series, with mean + 3 sd as its threshold."""
    normal = case.normal if supervised else None
    window = window_of(case.values)
    started = time.perf_counter()
    scores = np.nan_to_num(detect(case.values, window, normal))
    seconds = time.perf_counter() - started
    base = scores
    if supervised:
        base = np.nan_to_num(detect(case.normal, window, normal)) if case.apart else (
            scores[: case.normal_until])  # fmt: skip
    return judged(case, scores, float(base.mean() + 3 * base.std()), seconds)


def by_gadet(expert: SeriesExpert, case: Case, supervised: bool) -> Row:
    """The expert on one series, at its own threshold of 0.5."""
    known = {}
    if supervised and case.apart:
        known = {"references": [case.normal]}
    elif supervised:
        known = {"normal_until": case.normal_until}
    started = time.perf_counter()
    evidence = expert.measure(case.values, times=case.times, **known)
    seconds = time.perf_counter() - started
    return judged(case, evidence.scores.astype(np.float64), 0.5, seconds)


def mean_of_groups(rows: Iterable[Row], metric: str) -> float:
    """Mean over the series of a group, then over groups."""
    groups: dict[str, list[float]] = {}
    for row in rows:
        if metric in row:
            groups.setdefault(str(row["group"]), []).append(float(row[metric]))
    return float(np.mean([np.mean(values) for values in groups.values()])) if groups else 0.0


def summary(name: str, rows: list[Row]) -> Row:
    """One line of the table."""
    silent = [float(row["flagged"]) for row in rows if "vus_pr" not in row]
    line: Row = {"detector": name}
    line |= {metric: mean_of_groups(rows, metric) for metric in METRICS}
    for group in ("NAB", "SMAP", "MSL", "UCR"):
        line[f"vus_pr {group}"] = mean_of_groups(
            (row for row in rows if row["group"] == group), "vus_pr"
        )
    line["flagged where normal"] = float(np.mean(silent)) if silent else 0.0
    return line


def detectors(supervised: bool, only: str) -> Iterator[tuple[str, list[Row]]]:
    """Run every detector over every series."""
    rows = list(cases(data_root()))
    experts = {GADET: SeriesExpert()}
    if supervised:
        experts[STRICT] = SeriesExpert(alone=True)
    for name, expert in experts.items():
        if only in name:
            yield name, [by_gadet(expert, case, supervised) for case in rows]
    missing = absent()
    for name, (detect, _) in PEERS.items():
        if only in name and name not in missing:
            yield name, [by_peer(detect, case, supervised) for case in rows]


def data_root() -> Path:
    """Where the data sets lie."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("GADET_DATA", beside))


def speed() -> dict[str, float]:
    """Seconds per 100,000 points, and points per second of the stream."""
    rng = np.random.default_rng(0)
    rows = np.arange(100_000)
    values = (np.sin(2 * np.pi * rows / 288) + rng.normal(0, 0.2, rows.size))[:, None]
    started = time.perf_counter()
    SeriesExpert().measure(values)
    whole = time.perf_counter() - started
    stream = SeriesStream(channels=1)
    started = time.perf_counter()
    for value in values[:20_000]:
        stream.push(value)
    return {
        "seconds_per_100k_points": round(whole, 2),
        "stream_points_per_second": round(20_000 / (time.perf_counter() - started)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks/series.json"))
    parser.add_argument("--mode", choices=("unsupervised", "normals"))
    parser.add_argument("--only", default="", help="only detectors whose name holds this text")
    given = parser.parse_args()
    timing = speed()
    for mode in ("unsupervised", "normals") if given.mode is None else (given.mode,):
        results = dict(detectors(mode == "normals", given.only))
        write(
            given.out.with_stem(f"{given.out.stem}_{mode}"),
            f"Series, {mode}",
            [summary(name, rows) for name, rows in results.items()],
            missing_peers=absent(),
            **timing,
        )
        each = given.out.with_stem(f"{given.out.stem}_{mode}_each")
        each.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
