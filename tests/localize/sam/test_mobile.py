"""MobileSAM against calling `mobile_sam` directly, where that package is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gadet.geometry import Box
from gadet.localize.sam import load_segmenter
from tests.localize.sam.support import picture, torch, torchvision_or_stand_in


@pytest.fixture(scope="module")
def package() -> Any:
    if not all(importlib.util.find_spec(name) for name in ("mobile_sam", "timm")):
        pytest.skip("mobile_sam and timm are not installed")
    with torchvision_or_stand_in():
        import mobile_sam
    return mobile_sam


def test_a_checkpoint_of_mobile_sam_gives_the_packages_masks(package: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    sam = package.sam_model_registry["vit_t"]()
    with torch.no_grad():
        for name, weight in sam.named_parameters():
            if "attention_biases" in name:
                weight.normal_(0, 1)
        for mlp in sam.mask_decoder.output_hypernetworks_mlps:
            mlp.layers[-1].weight.mul_(20)
    path = tmp_path / "tiny.pt"
    torch.save(sam.state_dict(), path)
    sam.eval()
    pixels = picture(320, 240)
    predictor = package.SamPredictor(sam)
    predictor.set_image(pixels)
    masks, quality, _ = predictor.predict(box=np.array([50, 40, 200, 150]), multimask_output=False)
    segmenter = load_segmenter(path, device="cpu")
    assert segmenter.name == "mobile-sam:vit_t"
    assert torch.equal(segmenter._network.encode(pixels), predictor.features)
    ours = segmenter.in_box(pixels, Box.of(50, 40, 200, 150))
    assert ours is not None
    assert np.array_equal(ours.mask, masks[0])
    assert ours.quality == pytest.approx(float(np.clip(quality[0], 0, 1)), abs=1e-6)
