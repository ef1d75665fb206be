"""The sample data: complete, the same every time, and true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from gadet import AnomalyDetector, SpanRegion, samples
from gadet.errors import ConfigurationError
from gadet.films import RATE, SIZE
from gadet.media.pointcloud import PointCloudAdapter, PointCloudInput
from gadet.media.series import SeriesAdapter, SeriesInput
from gadet.media.video import VideoAdapter, VideoInput
from gadet.request import Normality
from gadet.solids import NOISE, bearing_block

NAMES = samples.names()
SERIES = tuple(name for name in NAMES if samples.load(name).modality == "series")
CLIPS = tuple(name for name in NAMES if samples.load(name).modality == "video")
CLOUDS = tuple(name for name in NAMES if samples.load(name).modality == "pointcloud")
PICTURES = tuple(name for name in NAMES if name not in SERIES + CLIPS + CLOUDS)


@pytest.fixture(scope="module", params=PICTURES)
def case(request: pytest.FixtureRequest) -> samples.SampleCase:
    return samples.load(request.param)


def test_names() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 10
    assert "circuit-board" in NAMES
    assert sum(name.endswith("-normal") for name in NAMES) == 7
    assert len(SERIES) == 4
    assert CLIPS == ("walkway", "road")
    assert len(CLOUDS) == 3


def test_case_is_complete(case: samples.SampleCase) -> None:
    assert case.modality == "image"
    assert isinstance(case.item, Image.Image)
    assert case.spans == ()
    assert case.item.mode == "RGB"
    assert all(256 <= side <= 512 for side in case.item.size)
    assert len(case.references) >= 2
    assert {reference.size for reference in case.references} == {case.item.size}
    assert case.mask.shape == case.item.size[::-1]
    assert case.mask.dtype == bool
    assert case.mask.any() == case.anomalous == (not case.name.endswith("-normal"))
    assert case.mask.mean() < 0.1
    assert isinstance(case.normality, Normality)
    assert case.normality.subject
    assert case.title
    assert case.domain == ("logical" if "tray" in case.name else "industrial")


@pytest.mark.parametrize(
    "case", ["parts-tray", "woven-fabric", "brushed-metal-normal"], indirect=True
)
def test_case_is_the_same_every_time(case: samples.SampleCase) -> None:
    samples._references.cache_clear()
    again = samples.load(case.name)
    np.testing.assert_array_equal(np.asarray(again.item), np.asarray(case.item))
    np.testing.assert_array_equal(again.mask, case.mask)
    for mine, theirs in zip(again.references, case.references, strict=True):
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))


def test_pictures_of_a_case_differ(case: samples.SampleCase) -> None:
    pictures = {picture.tobytes() for picture in (case.item, *case.references)}
    assert len(pictures) == 1 + len(case.references)


def test_mask_is_where_the_defect_is(case: samples.SampleCase) -> None:
    """Drawn again without its defects, the same picture differs inside of the mask only."""
    kind = samples._CASES[case.name][0]
    clean, nothing = samples._picture(samples._SCENES[kind], (), 100 + NAMES.index(case.name))
    assert not nothing.any()
    difference = np.abs(np.asarray(clean).astype(int) - np.asarray(case.item)).max(axis=2)
    near = Image.fromarray(case.mask).convert("L").filter(ImageFilter.MaxFilter(21))
    assert difference[np.asarray(near) == 0].max() <= 2
    if case.anomalous:
        assert np.median(difference[case.mask]) > 20


def test_changing_a_picture_changes_no_later_one() -> None:
    samples.load("parts-tray").references[0].paste((0, 0, 0), (0, 0, 400, 400))
    assert np.asarray(samples.load("parts-tray").references[0]).max() > 100


@pytest.mark.parametrize("name", SERIES)
def test_series_is_complete_and_read_as_it_is(name: str) -> None:
    case = samples.load(name)
    assert isinstance(case.item, SeriesInput)
    assert case.domain == "series"
    assert case.title
    assert case.normality.subject
    assert bool(case.references) == (case.item.normal_until is None)
    item, *references = (SeriesAdapter().load(one) for one in (case.item, *case.references))
    assert case.mask.shape == (len(item),)
    assert case.mask.any() == case.anomalous == bool(case.spans) == (not name.endswith("-normal"))
    assert case.mask.mean() < 0.25
    assert sum(stop - start for start, stop in case.spans) == case.mask.sum()
    assert all(case.mask[start:stop].all() for start, stop in case.spans)
    assert not case.mask[: item.normal_until or 0].any()
    assert {reference.channels for reference in references} <= {item.channels}
    assert len({sample.info.sha256 for sample in (item, *references)}) == 1 + len(references)
    again = SeriesAdapter().load(samples.load(name).item)
    np.testing.assert_array_equal(again.values, item.values)


@pytest.mark.parametrize("name", [name for name in SERIES if not name.endswith("-normal")])
def test_series_differs_from_a_normal_one_where_the_truth_says(name: str) -> None:
    """Made again without its defects, the series differs inside of its spans only."""
    kind, _, defects, _ = samples._CASES[name]
    seed = 100 + NAMES.index(name)
    assert defects
    case = samples.load(name)
    first = min(start for start, _ in case.spans)
    clean = samples._SIGNALS[kind].draw(np.random.default_rng(seed), ())
    (_, mine), (_, theirs) = (
        (next(iter(columns)), np.stack([v for n, v in columns.items() if n != "time"], axis=1))
        for columns in (case.item.item, clean.columns)
    )
    np.testing.assert_array_equal(mine[:first], theirs[:first])
    np.testing.assert_array_equal(mine[~case.mask], theirs[~case.mask])
    assert np.median(np.abs(mine - theirs)[case.mask].max(axis=1)) > 0.1


@pytest.mark.parametrize("name", SERIES)
def test_the_expert_finds_the_spans(name: str) -> None:
    case = samples.load(name)
    report = AnomalyDetector().detect(case.item, references=case.references, domain=case.domain)
    assert report.verdict == ("anomalous" if case.anomalous else "normal")
    found = [f.region.interval for f in report.findings if isinstance(f.region, SpanRegion)]
    assert len(found) == len(case.spans)
    for start, stop in case.spans:
        shared = max(min(stop, one.end) - max(start, one.start) for one in found)
        assert shared > 0.4 * (stop - start)  # a drift is seen when it has gone some way


@pytest.mark.parametrize("name", CLIPS)
def test_clip_is_complete_and_the_same_every_time(name: str) -> None:
    case = samples.load(name)
    assert isinstance(case.item, VideoInput)
    assert case.domain in ("pedestrian", "traffic")
    assert case.title
    assert case.normality.subject
    item, *references = (VideoAdapter().load(one) for one in (case.item, *case.references))
    assert {one.clip.size for one in (item, *references)} == {SIZE}
    assert len({one.info.sha256 for one in (item, *references)}) == 1 + len(references)
    assert item.clip.rate == pytest.approx(RATE)
    assert case.mask.shape == (len(item),) == (len(case.boxes),)
    assert case.anomalous
    assert [box is not None for box in case.boxes] == case.mask.tolist()
    assert len(case.spans) == 1
    assert 0.2 < case.mask.mean() < 0.7
    again = samples.load(name)
    np.testing.assert_array_equal(again.item.item, case.item.item)
    assert again.boxes == case.boxes


@pytest.mark.parametrize("name", CLIPS)
def test_what_is_unusual_in_a_clip_is_in_its_boxes(name: str) -> None:
    """Filmed again from the same place, what differs from the ground there is in the box."""
    case = samples.load(name)
    ground = np.median(case.item.item, axis=0)
    for frame, box in zip(case.item.item, case.boxes, strict=True):
        if box is None:
            continue
        x0, y0, x1, y1 = box.rounded_out()
        inside = np.abs(frame[y0:y1, x0:x1] - ground[y0:y1, x0:x1]).max(axis=2)
        assert (inside > 25).mean() > 0.1


@pytest.mark.parametrize("name", CLOUDS)
def test_cloud_is_complete_and_the_same_every_time(name: str) -> None:
    case = samples.load(name)
    assert isinstance(case.item, PointCloudInput)
    assert case.domain == "pointcloud"
    assert case.title
    assert case.normality.subject
    assert len(case.references) == 3
    assert case.spans == ()
    item, *references = (PointCloudAdapter().load(one) for one in (case.item, *case.references))
    assert case.mask.shape == (len(item),)
    assert case.mask.any() == case.anomalous == (not case.name.endswith("-normal"))
    assert case.mask.mean() < 0.05
    assert item.cloud.units == "mm"
    assert len({sample.info.sha256 for sample in (item, *references)}) == 4
    again = PointCloudAdapter().load(samples.load(name).item)
    np.testing.assert_array_equal(again.cloud.points, item.cloud.points)


@pytest.mark.parametrize("name", CLOUDS)
def test_cloud_lies_on_its_part_save_where_the_truth_says(name: str) -> None:
    """Laid down as the references are, all other points are on the part's faces, but for noise."""
    defects = samples._CASES[name][2]
    seed = 100 + NAMES.index(name)
    scan = bearing_block(np.random.default_rng(seed), defects, turned=False)
    np.testing.assert_array_equal(scan.truth, samples.load(name).mask)
    x, y, z = scan.points.T
    boss = np.hypot(x + 20, y)
    pin = np.minimum(np.hypot(x - 27, y - 17), np.hypot(x - 27, y + 17))
    faces = [z, z - 8, np.abs(y) - 30, np.abs(x) - 45, boss - 16, boss - 9, z - 20, pin - 4, z - 18]
    away = np.abs(faces).min(axis=0)
    # The rim of a dent, less than a tenth of it deep, does not count as part of it.
    assert away[~scan.truth].max() < 0.12 + 6 * NOISE
    if "dent" in defects:
        assert np.median(away[scan.truth]) > 0.3
    if "missing pin" in defects:
        assert np.hypot(x - 27, y - 17)[scan.truth].max() < 4 + 6 * NOISE
        assert not (np.hypot(x - 27, y - 17)[z > 9] < 5).any()


def test_unknown_name() -> None:
    with pytest.raises(ConfigurationError, match=r"expected one of circuit-board, .*; got 'board'"):
        samples.load("board")


def test_write(tmp_path: Path) -> None:
    written = samples.write(tmp_path / "new")
    assert written == sorted(set(written), key=written.index)
    found = {path.relative_to(tmp_path / "new").as_posix() for path in written}
    assert {
        "circuit-board/train/good/000.png",
        "circuit-board/test/good/000.png",
        "circuit-board/test/traces/000.png",
        "circuit-board/ground_truth/traces/000_mask.png",
    } <= found
    case = samples.load("bottle-top-chipped")
    with Image.open(tmp_path / "new/bottle-top/test/chip/000.png") as item:
        np.testing.assert_array_equal(np.asarray(item), np.asarray(case.item))
    with Image.open(tmp_path / "new/bottle-top/ground_truth/chip/000_mask.png") as mask:
        np.testing.assert_array_equal(np.asarray(mask) > 0, case.mask)
    assert (tmp_path / "new/walkway/ground_truth/cyclist/000_spans.csv").read_text()
    clip = VideoAdapter().load(VideoInput(tmp_path / "new/road/test/wrong-way/000", rate=RATE))
    np.testing.assert_array_equal(
        clip.clip.frames([7])[0].pixels, samples.load("road").item.item[7]
    )
    found = {path for path in found if not path.startswith(("walkway/", "road/"))}
    tests = sum("/test/" in path for path in found)
    truths = sum("/ground_truth/" in path for path in found)
    assert (tests, truths) == (len(NAMES) - 2, len(NAMES) - 9)
    server = samples.load("server-load")
    item = SeriesAdapter().load(tmp_path / "new/server-load/test/restless/000.csv")
    made = SeriesAdapter().load(server.item)
    np.testing.assert_allclose(item.values, made.values, atol=6e-4)
    assert (item.channels, item.units) == (made.channels, made.units)
    np.testing.assert_array_equal(item.times, made.times)
    spans = (tmp_path / "new/server-load/ground_truth/restless/000_spans.csv").read_text()
    assert spans == "start,stop\n" + "".join(f"{a},{b}\n" for a, b in server.spans)
    assert (tmp_path / "new/vibration/train/good/000.csv").exists()
    block = samples.load("bearing-block")
    assert isinstance(block.item, PointCloudInput)
    cloud = PointCloudAdapter().load(tmp_path / "new/bearing-block/test/dent/000.xyz").cloud
    np.testing.assert_allclose(cloud.points, block.item.item, atol=6e-5)
    assert cloud.units == "mm"
    rows = (tmp_path / "new/bearing-block/ground_truth/dent/000_points.csv").read_text().split()
    assert [int(row) for row in rows[1:]] == np.flatnonzero(block.mask).tolist()
