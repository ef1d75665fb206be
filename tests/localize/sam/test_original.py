"""Every mask, box and run length against calling `segment_anything` directly."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gadet.errors import ConfigurationError, MissingDependencyError
from gadet.geometry import Box
from gadet.localize.sam import Automatic, SamSegmenter, SegmentedMask, load_segmenter
from gadet.localize.sam.automatic import grid
from gadet.localize.sam.looks import look_at, tiles
from tests.localize.sam.support import TINY, VIT_B, package, picture, random_sam, save_sam, torch


def predictor(pixels: np.ndarray, sam: Any = None) -> Any:
    """The package's own predictor with the weights of the checkpoint."""
    made = package().SamPredictor(sam or random_sam())
    made.set_image(pixels)
    return made


def test_the_checkpoint_tells_its_network(segmenter: SamSegmenter) -> None:
    assert segmenter.name == "segment-anything:vit_32x3"
    assert len(segmenter.weights_sha256) == 64


@pytest.mark.parametrize("size", [(128, 128), (256, 128), (96, 200), (57, 41)])
def test_the_embedding_is_the_packages(segmenter: SamSegmenter, size: tuple[int, int]) -> None:
    pixels = picture(*size)
    ours = segmenter._network.encode(pixels)
    assert torch.equal(ours, predictor(pixels).features)
    assert ours.nbytes == segmenter._network.embedding_bytes


@pytest.mark.parametrize("box", [(10, 20, 70, 90), (0, 0, 128, 128), (30, 64, 33, 66)])
def test_a_box_gives_the_packages_mask(
    segmenter: SamSegmenter, box: tuple[int, int, int, int]
) -> None:
    pixels = picture()
    masks, quality, _ = predictor(pixels).predict(box=np.array(box), multimask_output=False)
    ours = segmenter.in_box(pixels, Box.of(*box))
    assert masks[0].any()
    assert_same(ours, masks[0], quality[0])


@pytest.mark.parametrize("size", [(96, 200), (256, 64), (57, 41)])
def test_pictures_of_other_shapes_give_the_packages_masks(
    segmenter: SamSegmenter, size: tuple[int, int]
) -> None:
    pixels, box = picture(*size), (5, 7, 33, 29)
    masks, quality, _ = predictor(pixels).predict(box=np.array(box), multimask_output=False)
    assert_same(segmenter.in_box(pixels, Box.of(*box)), masks[0], quality[0])


@pytest.mark.parametrize(
    ("points", "labels"),
    [([(40, 60)], [1]), ([(40, 60), (90, 20)], [1, 0]), ([(1, 1), (5, 9), (100, 70)], [0, 1, 1])],
)
def test_points_give_the_packages_mask(
    segmenter: SamSegmenter, points: list[tuple[float, float]], labels: list[int]
) -> None:
    pixels = picture()
    masks, quality, _ = predictor(pixels).predict(
        point_coords=np.array(points),
        point_labels=np.array(labels),
        multimask_output=len(points) == 1,
    )
    best = int(quality.argmax())
    assert_same(segmenter.at_points(pixels, points, labels), masks[best], quality[best])


def assert_same(ours: SegmentedMask | None, mask: np.ndarray, quality: float) -> None:
    assert ours is not None
    assert np.array_equal(ours.mask, mask)
    rows, columns = np.nonzero(mask)
    assert ours.box == Box.of(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert ours.quality == pytest.approx(min(max(quality, 0), 1), abs=1e-6)
    rle = package().utils.amg.mask_to_rle_pytorch(torch.from_numpy(mask)[None])[0]
    assert ours.rle.counts == tuple(rle["counts"])
    assert list(ours.rle.size) == rle["size"]


def as_rows(masks: tuple[SegmentedMask, ...]) -> list[tuple[Any, ...]]:
    return sorted(
        (mask.rle.counts, mask.box.as_tuple(), round(mask.stability, 6)) for mask in masks
    )


def their_rows(records: list[dict[str, Any]], least_area: float) -> list[tuple[Any, ...]]:
    """Records of the package; its boxes end with the last pixel, ours after it."""
    rows = []
    for record in records:
        x, y, width, height = record["bbox"]
        if record["area"] >= least_area:
            box = (x, y, x + width + 1, y + height + 1)
            counts = tuple(record["segmentation"]["counts"])
            rows.append((counts, box, round(record["stability_score"], 6)))
    return sorted(rows)


@pytest.mark.parametrize(
    ("quality", "stability", "overlap"),
    [(0.01, 0.0, 1.0), (0.3, 0.2, 1.0), (0.3, 0.2, 0.9), (0.2, 0.1, 0.7)],
)
def test_automatic_masks_are_the_packages(
    checkpoint: Path, quality: float, stability: float, overlap: float
) -> None:
    pixels = picture()
    generator = package().SamAutomaticMaskGenerator(
        random_sam(),
        points_per_side=16,
        pred_iou_thresh=quality,
        stability_score_thresh=stability,
        box_nms_thresh=overlap,
        output_mode="uncompressed_rle",
    )
    automatic = Automatic(
        smallest=1 / 256,
        quality=quality,
        stability=stability,
        overlap=overlap,
        largest=1,
        most=4096,
    )
    ours = load_segmenter(checkpoint, device="cpu", automatic=automatic).propose(pixels)
    theirs = their_rows(generator.generate(pixels), least_area=128 * 128 / 256 / 4)
    assert theirs
    assert as_rows(ours) == theirs
    qualities = [mask.quality for mask in ours]
    assert qualities == sorted(qualities, reverse=True)


def test_masks_of_tiles_are_the_packages(checkpoint: Path) -> None:
    pixels = picture(256, 256, seed=3)
    automatic = Automatic(
        smallest=1 / 64, quality=0.01, stability=0, overlap=1, largest=1, layers=1, most=4096
    )
    spacing, parts = 32.0, tiles((256, 256), 1)
    looks = [look_at(pixels, part) for part in parts]
    generator = package().SamAutomaticMaskGenerator(
        random_sam(),
        points_per_side=None,
        point_grids=[grid(looks[n], spacing) / looks[n].size for n in (0, 1)],
        pred_iou_thresh=0.01,
        stability_score_thresh=0,
        box_nms_thresh=1,
        crop_nms_thresh=1,
        crop_n_layers=1,
        output_mode="uncompressed_rle",
    )
    ours = load_segmenter(checkpoint, device="cpu", automatic=automatic).propose(pixels)
    records = [
        record
        for record in generator.generate(pixels)
        if record["area"] >= record["crop_box"][2] * record["crop_box"][3] / 64 / 4
    ]
    assert len({tuple(record["crop_box"]) for record in records}) > 1
    theirs = dict.fromkeys(their_rows(records, 0))
    mine = dict.fromkeys(as_rows(ours))
    # A box may end one pixel earlier by the package's reckoning, and so be cut off or not.
    assert len(mine.keys() & theirs.keys()) >= 0.97 * max(len(mine), len(theirs))


def test_half_precision_changes_the_encoder_alone(checkpoint: Path) -> None:
    exact, rough = (load_segmenter(checkpoint, device="cpu") for _ in range(2))
    # No processor is given half precision, so the switch is thrown by hand.
    object.__setattr__(rough._network._placement, "encoder", torch.bfloat16)
    pixels = picture()
    one, other = exact._network.encode(pixels), rough._network.encode(pixels)
    assert other.dtype == torch.float32
    assert not torch.equal(one, other)
    assert float((one - other).abs().mean()) < 0.05
    box = Box.of(10, 20, 70, 90)
    masks = [each.in_box(pixels, box) for each in (exact, rough)]
    assert masks[0].rle.iou(masks[1].rle) > 0.8


def test_segment_anything_that_is_not_installed_is_named(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "segment_anything", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'gadet\[sam\]'") as caught:
        load_segmenter(checkpoint, device="cpu")
    assert caught.value.package == "segment-anything"


def test_torch_that_is_not_installed_is_named(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match="needs the `torch` package"):
        load_segmenter(checkpoint)


def test_a_torchvision_for_another_torch_is_told(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "segment_anything.py"
    broken.write_text("raise RuntimeError('operator torchvision::nms does not exist')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "segment_anything", raising=False)
    with pytest.raises(ConfigurationError, match="torchvision that belongs to the installed torch"):
        load_segmenter(checkpoint, device="cpu")


@pytest.mark.skipif(
    os.environ.get("GADET_SLOW_TESTS") != "1",
    reason="writes 375 MB and takes a minute: set GADET_SLOW_TESTS=1",
)
def test_the_true_vit_b_layout(tmp_path: Path) -> None:
    path = save_sam(tmp_path, VIT_B)
    assert path.stat().st_size == pytest.approx(375_042_383, rel=1e-3)
    registry = package().sam_model_registry
    sam = registry["vit_b"](checkpoint=str(path))
    pixels = picture(640, 480)
    segmenter = load_segmenter(path, device="cpu")
    assert segmenter.name == "segment-anything:vit_b"
    theirs = predictor(pixels, sam)
    masks, quality, _ = theirs.predict(box=np.array([100, 80, 400, 300]), multimask_output=False)
    assert_same(segmenter.in_box(pixels, Box.of(100, 80, 400, 300)), masks[0], quality[0])
    masks, quality, _ = theirs.predict(
        point_coords=np.array([[320, 240]]), point_labels=np.array([1])
    )
    best = int(quality.argmax())
    assert_same(segmenter.at_points(pixels, [(320, 240)], [1]), masks[best], quality[best])


def test_the_small_layout_is_a_true_one() -> None:
    with torch.device("meta"):
        true = package().sam_model_registry["vit_b"]()
    small = random_sam(TINY).state_dict()
    blocks = {name.replace("blocks.0", "blocks.11") for name in small if "blocks.0" in name}
    names = {name for name in true.state_dict() if "blocks.11" in name}
    assert blocks == names
    assert {n for n in small if "image_encoder.blocks" not in n} == {
        n for n in true.state_dict() if "image_encoder.blocks" not in n
    }
