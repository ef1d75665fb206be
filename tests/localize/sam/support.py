"""Segment Anything without its weights: seeded random checkpoints of the true layout.

`segment_anything` imports torchvision. Where that is absent, a stand-in with the five functions
that it uses is there while the package is imported, and only then.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gadet.localize.sam.layout import Layout

torch = pytest.importorskip("torch")

TINY = Layout(
    side=128,
    patch=16,
    width=32,
    depth=3,
    heads=2,
    hidden=64,
    window=3,
    whole=(2,),
    channels=32,
    mask_channels=8,
    decoder_depth=2,
    decoder_hidden=48,
    masks=3,
    quality_depth=3,
    quality_hidden=24,
)
VIT_B = Layout(
    side=1024,
    patch=16,
    width=768,
    depth=12,
    heads=12,
    hidden=3072,
    window=14,
    whole=(2, 5, 8, 11),
    channels=256,
    mask_channels=16,
    decoder_depth=2,
    decoder_hidden=2048,
    masks=3,
    quality_depth=3,
    quality_hidden=256,
)


def picture(width: int = 128, height: int = 128, seed: int = 0) -> np.ndarray:
    """Blocks of colour, so that a random encoder has something to tell apart."""
    rng = np.random.default_rng(seed)
    rows, columns = -(-height // 16), -(-width // 16)
    blocks = rng.integers(0, 256, (rows, columns, 3), dtype=np.uint8)
    return np.repeat(np.repeat(blocks, 16, axis=0), 16, axis=1)[:height, :width].copy()


@cache
def package() -> Any:
    """The package `segment_anything`; skips where it is not installed."""
    if importlib.util.find_spec("segment_anything") is None:
        pytest.skip("segment-anything is not installed: pip install --no-deps segment-anything")
    with torchvision_or_stand_in():
        import segment_anything
    return segment_anything


@contextmanager
def torchvision_or_stand_in() -> Iterator[None]:
    """Let `import torchvision` succeed while the block runs."""
    if importlib.util.find_spec("torchvision") is not None:
        yield
        return
    names = ("torchvision", "torchvision.ops", "torchvision.transforms")
    parts = {name: ModuleType(name) for name in names}
    boxes, functional = (
        ModuleType("torchvision.ops.boxes"),
        ModuleType("torchvision.transforms.functional"),
    )
    vars(boxes).update(batched_nms=_batched_nms, box_area=_box_area)
    vars(functional).update(resize=_resize, to_pil_image=_to_pil_image)
    parts |= {module.__name__: module for module in (boxes, functional)}
    for name, module in parts.items():
        module.__spec__ = ModuleSpec(name, None)
    sys.modules.update(parts)
    try:
        yield
    finally:
        for name in parts:
            del sys.modules[name]


def _box_area(boxes: Any) -> Any:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _batched_nms(boxes: Any, scores: Any, idxs: Any, iou_threshold: float) -> Any:
    """All are of one category here: a box stays unless a kept one overlaps it by more."""
    assert not idxs.any()
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(dim=2)
    areas = _box_area(boxes)
    close = shared / (areas[:, None] + areas[None] - shared) > iou_threshold
    kept: list[int] = []
    for i in torch.argsort(scores, descending=True, stable=True).tolist():
        if not close[i, kept].any():
            kept.append(i)
    return torch.tensor(kept, dtype=torch.long)


def _to_pil_image(array: np.ndarray) -> Any:
    from PIL import Image

    return Image.fromarray(array)


def _resize(image: Any, size: tuple[int, int]) -> Any:
    from PIL import Image

    return image.resize((size[1], size[0]), Image.Resampling.BILINEAR)


@cache
def random_sam(layout: Layout = TINY, seed: int = 0) -> Any:
    """The package's own SAM with random weights, whose masks and qualities are spread out."""
    modeling, cells = package().modeling, layout.side // layout.patch
    torch.manual_seed(seed)
    sam = modeling.Sam(
        image_encoder=modeling.ImageEncoderViT(
            img_size=layout.side,
            patch_size=layout.patch,
            embed_dim=layout.width,
            depth=layout.depth,
            num_heads=layout.heads,
            mlp_ratio=layout.hidden / layout.width,
            out_chans=layout.channels,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=layout.window,
            global_attn_indexes=layout.whole,
        ),
        prompt_encoder=modeling.PromptEncoder(
            embed_dim=layout.channels,
            image_embedding_size=(cells, cells),
            input_image_size=(layout.side, layout.side),
            mask_in_chans=layout.mask_channels,
        ),
        mask_decoder=modeling.MaskDecoder(
            num_multimask_outputs=layout.masks,
            transformer=modeling.TwoWayTransformer(
                depth=layout.decoder_depth,
                embedding_dim=layout.channels,
                mlp_dim=layout.decoder_hidden,
                num_heads=8,
            ),
            transformer_dim=layout.channels,
            iou_head_depth=layout.quality_depth,
            iou_head_hidden_dim=layout.quality_hidden,
        ),
    )
    with torch.no_grad():
        for name, weight in sam.named_parameters():
            if "rel_pos" in name or name.endswith("pos_embed"):
                weight.normal_(0, 0.5)
    _spread(sam.eval())
    return sam


def _spread(sam: Any) -> None:
    """Make masks of some spots, each prompt's a little different, and qualities around 0.5."""
    side = sam.image_encoder.img_size
    places = (torch.arange(4) + 0.5) * side / 4
    points = torch.cartesian_prod(places, places)[:, None]
    decoder = sam.mask_decoder
    last = decoder.iou_prediction_head.layers[-1]
    with torch.no_grad():
        for mlp in decoder.output_hypernetworks_mlps:
            mlp.layers[-1].weight.mul_(60)
            # The first channel becomes nearly constant, to shift the logits by.
            mlp.layers[-1].weight[0] = 0
            mlp.layers[-1].bias[0] = 0
        decoder.output_upscaling[-2].bias[0] = 10
        last.weight.mul_(40)
    predictor = package().SamPredictor(sam)
    predictor.set_image(picture(side, side))
    labels = torch.ones(len(points), 1, dtype=torch.int)
    _, quality, logits = predictor.predict_torch(points, labels, return_logits=True)
    with torch.no_grad():
        for token, mlp in enumerate(decoder.output_hypernetworks_mlps[1:]):
            its = logits[:, token]
            mlp.layers[-1].bias[0] = -(its.mean() + 1.5 * its.std()) / 10
        last.bias[1:] += 0.5 - quality.mean(dim=0)


def save_sam(folder: Path, layout: Layout = TINY, seed: int = 0, name: str = "sam.pth") -> Path:
    """A checkpoint on disk, as the authors' files are: a state dict."""
    path = folder / name
    torch.save(random_sam(layout, seed).state_dict(), path)
    return path
