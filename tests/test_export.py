"""Exports say what the report says, and never more."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from PIL import Image

from gadet.errors import LocalizationError
from gadet.export import (
    _brush_rle,
    label_studio_config,
    mask_png,
    to_coco,
    to_label_studio,
)
from gadet.findings import Finding, ImageRegion, SpanRegion
from gadet.geometry import Interval, Mask
from gadet.outlines import is_hole
from gadet.report import ItemInfo
from tests.render.reports import SIZE, ellipse, finding, report

MASKS = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))


def decode_rle(counts, size):
    """COCO's run lengths, decoded one by one."""
    flat, value = [], 0
    for length in counts:
        flat += [value] * length
        value = 1 - value
    return np.array(flat, dtype=bool).reshape((size[1], size[0])).T


def decode_brush(packed):
    """thi.ng/rle-pack, decoded bit by bit."""
    bits = "".join(f"{byte:08b}" for byte in packed)
    position = 0

    def take(number):
        nonlocal position
        position += number
        return int(bits[position - number : position], 2)

    total, word = take(32), take(5) + 1
    fields = [take(4) + 1 for _ in range(4)]
    values = []
    while len(values) < total:
        repeated, field = take(1), fields[take(2)]
        length = take(field) + 1
        values += [take(word)] * length if repeated else [take(word) for _ in range(length)]
    return values


@given(MASKS)
def test_coco_rle_is_the_mask(array):
    if not array.any():
        array[0, 0] = True
    size = (array.shape[1], array.shape[0])
    item = ItemInfo(name="a.png", modality="image", sha256="", size=size)
    data = to_coco([report(item=item, findings=(finding(array),), preview=False)])
    annotation = data["annotations"][0]
    decoded = decode_rle(annotation["segmentation"]["counts"], annotation["segmentation"]["size"])
    assert np.array_equal(decoded, array)
    assert annotation["area"] == array.sum()
    assert annotation["iscrowd"] == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_coco_agrees_with_pycocotools():
    tools = pytest.importorskip("pycocotools.mask")
    annotation = to_coco([report()])["annotations"][0]
    encoded = tools.frPyObjects(annotation["segmentation"], SIZE[1], SIZE[0])
    assert np.array_equal(tools.decode(encoded).astype(bool), ellipse())
    assert tools.area(encoded) == annotation["area"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@settings(deadline=None, max_examples=60)
@given(MASKS)
def test_polygons_of_coco_are_the_mask_for_pycocotools(array):
    tools = pytest.importorskip("pycocotools.mask")
    mask = Mask.from_array(array)
    if mask.box is None:
        return
    height, width = array.shape
    finding = Finding(label="a", region=ImageRegion(box=mask.box, mask=mask))
    item = ItemInfo(name="a.png", modality="image", sha256="", size=(width, height))
    one = report(findings=(finding,), item=item)
    (annotation,) = one.to_coco(polygons=True)["annotations"]
    shape = annotation["segmentation"]
    crowd = isinstance(shape, dict)
    assert annotation["iscrowd"] == crowd == any(map(is_hole, finding.region.polygons))
    encoded = tools.frPyObjects(shape, height, width)
    decoded = tools.decode(encoded if crowd else tools.merge(encoded))
    assert np.array_equal(decoded.astype(bool), array.astype(bool))
    assert annotation["area"] == mask.area == finding.region.area


def test_a_mask_of_one_finding():
    whole = np.asarray(Image.open(io.BytesIO(mask_png(report()))))
    first, second = (
        np.asarray(Image.open(io.BytesIO(mask_png(report(), number=n)))) for n in (1, 2)
    )
    assert np.array_equal(first > 0, ellipse())
    assert np.array_equal(np.maximum(first, second), whole)
    for number in (0, 9):
        with pytest.raises(LocalizationError, match=f"got {number}"):
            mask_png(report(), number=number)


def test_coco_has_what_readers_need():
    data = json.loads(json.dumps(to_coco([report(), report(findings=(), verdict="normal")])))
    assert [image["id"] for image in data["images"]] == [1, 2]
    assert (data["images"][0]["width"], data["images"][0]["height"]) == SIZE
    assert data["categories"] == [{"id": 1, "name": "scratch", "supercategory": "anomaly"}]
    assert [a["id"] for a in data["annotations"]] == [1, 2]
    box = data["annotations"][1]
    assert box["bbox"] == [400.5, 300, 59.5, 50.25]
    assert box["segmentation"] == [[400.5, 300, 460, 300, 460, 350.25, 400.5, 350.25]]
    assert (box["iscrowd"], box["area"], box["score"]) == (0, 59.5 * 50.25, 0.9)
    assert data["annotations"][0]["score"] == 0.8


def test_coco_does_not_list_what_was_not_judged():
    refused = report(verdict="refused", findings=())
    series = report(item=ItemInfo(name="s.csv", modality="series", sha256=""), findings=())
    data = to_coco([refused, series, report()])
    assert len(data["images"]) == 1
    assert [entry["reason"] for entry in data["info"]["left_out"]] == [
        "its verdict is refused",
        "it is a series, not a picture",
    ]


@given(MASKS)
def test_brush_rle_is_the_mask(array):
    values = np.array(decode_brush(_brush_rle(array))).reshape(*array.shape, 4)
    assert np.array_equal(values > 0, np.repeat(array[..., None], 4, axis=2))


def test_brush_rle_splits_long_runs():
    array = np.zeros((200, 300), dtype=bool)
    array[100:] = True
    values = np.array(decode_brush(_brush_rle(array))).reshape(200, 300, 4)
    assert np.array_equal(values[..., 3] == 255, array)


def test_label_studio_task_is_in_percent_and_named_as_configured():
    task = json.loads(json.dumps(to_label_studio(report(), image="https://x/part.png")))
    results = task["predictions"][0]["result"]
    assert task["data"]["image"] == "https://x/part.png"
    assert task["predictions"][0]["score"] == 0.9
    assert [r["type"] for r in results] == [
        "choices",
        "rectanglelabels",
        "brushlabels",
        "rectanglelabels",
    ]
    box = results[-1]["value"]
    assert (box["x"], box["y"]) == pytest.approx((100 * 400.5 / 640, 62.5))
    assert (box["width"], box["height"]) == pytest.approx((100 * 59.5 / 640, 100 * 50.25 / 480))
    config = label_studio_config(["scratch"])
    assert all(f'name="{result["from_name"]}"' in config for result in results)
    assert len({result["id"] for result in results}) == len(results)


def test_label_studio_offers_no_verdict_that_was_not_given():
    task = to_label_studio(report(verdict="refused", findings=()))
    assert task["predictions"] == [{"model_version": "gadet", "result": []}]
    assert task["data"]["verdict"] == "refused"


def test_label_studio_config_is_escaped():
    assert '<Label value="&quot;/&gt;&lt;script&gt;"' in label_studio_config(['"/><script>'])


def test_anomalib_names():
    result = report().to_dict()
    assert set(result) == {
        "pred_score",
        "pred_label",
        "anomaly_map",
        "pred_mask",
        "pred_boxes",
        "image_path",
        "explanation",
    }
    expected = ellipse()
    expected[300:351, 400:460] = True
    assert np.array_equal(result["pred_mask"], expected)
    assert result["pred_boxes"].shape == (2, 4)
    assert result["pred_boxes"].dtype == np.float64


@pytest.mark.parametrize(
    ("changes", "empty"),
    [
        ({"verdict": "normal", "findings": ()}, True),
        ({"verdict": "anomalous", "findings": ()}, False),
        ({"verdict": "anomalous", "findings": (Finding(label="odd"),)}, False),
        ({"verdict": "normal", "findings": (Finding(label="odd"),)}, False),
        ({"verdict": "refused", "findings": ()}, False),
    ],
)
def test_an_empty_mask_means_normal_and_nothing_else(changes, empty):
    result = report(**changes).to_dict()
    assert result["pred_boxes"].shape == (0, 4)
    if empty:
        assert result["pred_mask"].shape == (SIZE[1], SIZE[0])
        assert not result["pred_mask"].any()
    else:
        assert result["pred_mask"] is None


def test_mask_png_is_the_union():
    picture = Image.open(io.BytesIO(mask_png(report())))
    assert picture.mode == "L"
    assert np.array_equal(np.asarray(picture) == 255, report().to_dict()["pred_mask"])
    clean = np.asarray(Image.open(io.BytesIO(mask_png(report(verdict="normal", findings=())))))
    assert not clean.any()


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "refused", "findings": ()},
        {"verdict": "anomalous", "findings": ()},
        {"item": ItemInfo(name="a", modality="image", sha256="")},
        {"item": ItemInfo(name="a", modality="video", sha256="", size=SIZE)},
        {
            "findings": (
                Finding(
                    label="drop",
                    region=SpanRegion(interval=Interval(start=0, end=2, unit="step")),
                ),
            )
        },
    ],
)
def test_mask_png_refuses_to_say_clean(changes):
    with pytest.raises(LocalizationError, match="a mask needs a judged picture"):
        mask_png(report(preview=False, **changes))


def test_a_mask_of_another_size_is_refused():
    small = Mask.from_array(np.ones((2, 2), dtype=bool))
    wrong = finding().model_copy(
        update={"region": finding().region.model_copy(update={"mask": small})}
    )
    with pytest.raises(LocalizationError, match="mask_to_native"):
        to_coco([report(findings=(wrong,))])
