"""The overlay adds what was found, where it was found, and alarms nobody without reason."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from gadet.findings import Finding, VideoRegion
from gadet.geometry import Interval
from gadet.localize.placement import squared_distance
from gadet.render.colours import HEAT, LINES, VERDICTS, heat
from gadet.render.legend import draw_legend, missing_panel
from gadet.render.overlay import overlay, plain, thumbnail
from gadet.render.picture import find_picture, jpeg
from gadet.report import ItemInfo, Report
from tests.render.reports import SIZE, ellipse, finding, grey, png_of, report


def alarming(pixels):
    """Pixels that look red, orange or yellow."""
    red, green, blue = (pixels[..., i].astype(int) for i in range(3))
    return (red - blue > 40) & (red >= green)


def test_a_normal_report_is_shown_as_it_is():
    hot = np.full(SIZE[::-1], 0.95, dtype=np.float32)
    normal = report(verdict="normal", score=0.1, findings=(), anomaly_map=hot)
    shown = np.asarray(overlay(normal, legend=False))
    assert np.array_equal(shown, np.asarray(grey()))
    assert not alarming(np.asarray(overlay(normal))).any()


def test_findings_of_a_normal_report_are_outlined_without_alarm():
    shown = np.asarray(overlay(report(verdict="normal", score=0.1)))
    assert not alarming(shown).any()
    assert (shown[: SIZE[1]] != 120).any()


def test_scores_below_the_boundary_draw_nothing():
    cool = np.full(SIZE[::-1], 0.5, dtype=np.float32)
    cool[:240] = 0.49
    cool[0, 0] = np.nan
    shown = overlay(report(findings=(), anomaly_map=cool), legend=False)
    assert np.array_equal(np.asarray(shown), np.asarray(grey()))


def test_heat_lies_where_the_map_is_hot_and_does_not_depend_on_the_rest_of_it():
    hot = np.zeros(SIZE[::-1], dtype=np.float32)
    hot[100:200, 100:200] = 0.8
    one = np.asarray(overlay(report(findings=(), anomaly_map=hot), legend=False))
    assert alarming(one[110:190, 110:190]).all()
    assert not alarming(one[210:]).any()
    hot[300:400, 300:400] = 1.0
    other = np.asarray(overlay(report(findings=(), anomaly_map=hot), legend=False))
    assert np.array_equal(one[:250], other[:250])
    off = overlay(report(findings=(), anomaly_map=hot), heat=False, legend=False)
    assert np.array_equal(np.asarray(off), np.asarray(grey()))


def test_a_small_map_is_stretched_over_the_picture():
    small = np.zeros((48, 64), dtype=np.float32)
    small[:, 32:] = 1.0
    shown = np.asarray(overlay(report(findings=(), anomaly_map=small), legend=False))
    assert alarming(shown[:, 340:]).all()
    assert not alarming(shown[:, :300]).any()


def test_the_heat_scale_is_fixed():
    levels = heat(np.array([[0.0, 0.5, 0.500001, 1.0, np.nan]]))
    assert levels[0, :2, 3].tolist() == [0, 0]
    assert levels[0, 2, :3].tolist() == list(HEAT[0])
    assert levels[0, 3, :3].tolist() == list(HEAT[-1])
    assert levels[0, 4, 3] == 0
    alphas = heat(np.linspace(0.5, 1, 50)[None])[0, :, 3].astype(int)
    assert (np.diff(alphas) >= 0).all()
    assert 100 < alphas[-1] < 200


def test_the_contour_lies_at_the_edge_of_the_mask():
    mask = ellipse()
    shown = np.asarray(overlay(report(findings=(finding(mask),)), legend=False))
    red = (shown == np.array(LINES["anomalous"])).all(axis=2)
    away = squared_distance(mask, 12)
    assert not red[mask].any()
    assert red[(away > 1) & (away <= 2)].mean() > 0.9
    below = red[200:] & (away[200:] <= 100)  # the label lies above
    assert away[200:][below].max() <= 9


def test_a_box_is_outlined_when_there_is_no_mask():
    shown = np.asarray(overlay(report(findings=(finding(),)), legend=False))
    red = (shown == np.array(LINES["anomalous"])).all(axis=2)
    assert red[296:300, 420].any()
    assert red[351:356, 420].any()
    assert red[325, 395:400].any()
    assert not red[302:350, 402:459].any()


def test_a_box_that_fits_no_mask_is_still_drawn():
    mask = np.ones((5, 5), dtype=bool)
    other = finding(mask)
    shown = overlay(report(findings=(other,), item=report().item), legend=False)
    assert not np.array_equal(np.asarray(shown), np.asarray(grey()))


@pytest.mark.parametrize("verdict", ["anomalous", "normal", "uncertain", "refused", "unparsed"])
def test_the_legend_shows_the_verdict_in_its_colour(verdict):
    shown = overlay(report(verdict=verdict, findings=()))
    strip = np.asarray(shown)[SIZE[1] :]
    assert strip.shape[0] >= 30
    assert (strip == np.array(VERDICTS[verdict])).all(axis=2).sum() > 1000
    for other in set(VERDICTS) - {verdict}:
        assert not (strip == np.array(VERDICTS[other])).all(axis=2).any()


@pytest.mark.parametrize(
    "label", ["Kratzer, größer als erlaubt", "划痕", "a" * 500, "\x1b[31m\n", ""]
)
@pytest.mark.parametrize("width", [480, 1024])
def test_a_legend_can_be_drawn_for_any_label(label, width):
    found = tuple(finding(label=label) for _ in range(30))
    strip = draw_legend(report(findings=found), width, heat_drawn=True)
    assert strip.width == width
    assert strip.height < 260


@pytest.mark.parametrize(
    ("size", "expected"),
    [((32, 32), (512, 512)), ((640, 480), (640, 480)), ((4000, 2000), (1024, 512))],
)
def test_pictures_are_drawn_at_a_size_that_can_be_read(size, expected):
    made = report(
        picture=grey(size),
        item=ItemInfo(name="a", modality="image", sha256="", size=size),
        findings=(),
    )
    assert overlay(made, legend=False).size == expected
    assert plain(grey(size)).size == expected
    assert max(thumbnail(made, side=100).size) == 100


def test_a_narrow_picture_leaves_room_for_the_legend():
    made = report(
        picture=grey((40, 800)),
        item=ItemInfo(name="a", modality="image", sha256="", size=(40, 800)),
        findings=(finding(ellipse((40, 800), (5, 100, 30, 160))),),
    )
    assert overlay(made).width == 480


def test_findings_without_a_place_on_the_picture_are_listed_only():
    clip = Finding(
        label="falls", region=VideoRegion(interval=Interval(start=3, end=9, unit="frame"))
    )
    shown = overlay(report(findings=(clip, Finding(label="odd"))), legend=False)
    assert np.array_equal(np.asarray(shown), np.asarray(grey()))


def test_the_file_is_read_again_with_its_orientation(tmp_path):
    path = tmp_path / "turned.jpg"
    turned = Image.new("RGB", (300, 600))
    turned.paste((255, 255, 255), (0, 0, 300, 100))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(path, exif=exif, quality=95)
    item = ItemInfo(name="t", source=str(path), modality="image", sha256="", size=(600, 300))
    found = find_picture(report(item=item, preview=False))
    assert found.picture is not None
    assert found.picture.size == (600, 300)
    assert np.asarray(found.picture)[150, 590].min() > 240


@pytest.mark.parametrize(
    ("content", "size", "why"),
    [
        (None, SIZE, "not there any more"),
        (b"not a picture", SIZE, "could not be read"),
        (png_of(grey())[:200], SIZE, "could not be read"),
        (png_of(grey()), (10, 10), "changed since"),
    ],
)
def test_a_picture_that_cannot_be_had_is_said_to_be_missing(tmp_path, content, size, why):
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    item = ItemInfo(name="a", source=str(path), modality="image", sha256="", size=size)
    made = report(item=item, findings=(), preview=False)
    found = find_picture(made)
    assert found.picture is None
    assert why in found.why
    shown = np.asarray(overlay(made))
    assert not alarming(shown[:400]).any()
    assert thumbnail(made, side=64).size == (64, 48)


@pytest.mark.parametrize("modality", ["image", "series", "pointcloud", "video"])
def test_items_from_memory_have_no_file(modality):
    made = report(item=ItemInfo(name="s", modality=modality, sha256=""), preview=False)
    assert "in memory" in find_picture(made).why


def test_a_loader_and_a_given_picture_take_the_place_of_the_file():
    loaded = grey(level=10)
    made = report(preview=False, findings=())
    assert np.asarray(overlay(made, loader=lambda _: loaded, legend=False)).max() == 10
    assert np.asarray(overlay(made, grey(level=20), legend=False)).max() == 20
    assert "read again" in find_picture(made, lambda _: None).why


def test_sixteen_bits_are_windowed(tmp_path):
    path = tmp_path / "deep.png"
    values = np.linspace(1000, 1400, SIZE[0] * SIZE[1]).reshape(SIZE[::-1])
    Image.fromarray(values.astype(np.uint16)).save(path)
    item = ItemInfo(name="d", source=str(path), modality="image", sha256="", size=SIZE)
    picture = find_picture(report(item=item, preview=False)).picture
    assert picture is not None
    assert np.asarray(picture)[0, 0, 0] < 5
    assert np.asarray(picture)[-1, -1, 0] > 250


def test_a_report_survives_json_and_is_drawn_without_its_picture():
    again = Report.model_validate_json(report().model_dump_json())
    assert overlay(again).size[0] >= 480


def test_jpeg_is_bounded():
    picture = Image.open(io.BytesIO(jpeg(grey((900, 300)), max_side=100, quality=80)))
    assert picture.size == (100, 33)


def test_the_panel_takes_any_reason():
    assert missing_panel("划痕 " * 50, 64, 48).size == (64, 48)
