"""Networks of transformers: every mask against calling its models directly."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gadet.errors import ConfigurationError, MissingDependencyError
from gadet.geometry import Box
from gadet.localize.sam import Automatic, SamSegmenter, load_segmenter
from tests.localize.sam.support import picture, torch

transformers = pytest.importorskip("transformers")

DECODER = {"mlp_dim": 48, "num_attention_heads": 4, "iou_head_hidden_dim": 24, "hidden_size": 32}
PROMPTS = {"hidden_size": 32, "image_size": 128, "patch_size": 16, "mask_input_channels": 8}
VISION = {
    "hidden_size": 32,
    "output_channels": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 128,
    "window_size": 3,
    "global_attn_indexes": [2],
    "num_pos_feats": 16,
    "mlp_dim": 64,
}
HIERA = {
    "hidden_size": 8,
    "image_size": [128, 128],
    "blocks_per_stage": [1, 2, 2, 1],
    "embed_dim_per_stage": [8, 16, 32, 64],
    "num_attention_heads_per_stage": [1, 1, 2, 2],
    "window_size_per_stage": [4, 4, 4, 4],
    "global_attention_blocks": [4],
    "window_positional_embedding_background_size": [4, 4],
}
VISION2 = {
    "backbone_config": HIERA | {"model_type": "sam2_hiera_det_model"},
    "backbone_channel_list": [64, 32, 16, 8],
    "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
    "fpn_hidden_size": 32,
}


def save_hub(folder: Path, kind: str) -> Path:
    """A small seeded random model of one kind, as transformers saves it."""
    torch.manual_seed(5)
    if kind == "sam":
        config = transformers.SamConfig(
            vision_config=VISION, prompt_encoder_config=PROMPTS, mask_decoder_config=DECODER
        )
        model = transformers.SamModel(config)
    else:
        config = transformers.Sam2Config(
            vision_config=VISION2, prompt_encoder_config=PROMPTS, mask_decoder_config=DECODER
        )
        model = transformers.Sam2Model(config)
    # transformers starts near zero, where all pictures and prompts are equal.
    for weight in model.parameters():
        torch.nn.init.normal_(weight, 0, 0.3)
    path = folder / f"tiny-{kind}"
    model.save_pretrained(path)
    return path


def rename_kind(path: Path, kind: str) -> None:
    settings = json.loads((path / "config.json").read_text())
    settings["model_type"] = kind
    (path / "config.json").write_text(json.dumps(settings))


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hub")
    return {kind: save_hub(folder, kind) for kind in ("sam", "sam2")}


@pytest.fixture(scope="session")
def models(folders: dict[str, Path]) -> dict[str, Any]:
    """The same folders, read by transformers alone."""
    return {
        "sam": transformers.SamModel.from_pretrained(folders["sam"]).eval(),
        "sam2": transformers.Sam2Model.from_pretrained(folders["sam2"]).eval(),
    }


def sam_processor() -> Any:
    kind = transformers.models.sam.image_processing_pil_sam.SamImageProcessorPil
    square = {"height": 128, "width": 128}
    return transformers.SamProcessor(kind(size={"longest_edge": 128}, pad_size=square))


@pytest.mark.parametrize("size", [(128, 128), (96, 200), (57, 41)])
def test_sam_and_its_processor_give_the_same_masks(
    folders: dict[str, Path], models: dict[str, Any], size: tuple[int, int]
) -> None:
    pixels, box = picture(*size), [5, 7, 33, 29]
    processor = sam_processor()
    inputs = processor(images=pixels, input_boxes=[[box]], return_tensors="pt")
    with torch.no_grad():
        answer = models["sam"](
            pixel_values=inputs["pixel_values"],
            input_boxes=inputs["input_boxes"].float(),
            multimask_output=False,
        )
    logits = processor.image_processor.post_process_masks(
        answer.pred_masks,
        inputs["original_sizes"],
        inputs["reshaped_input_sizes"],
        binarize=False,
        pad_size={"height": 128, "width": 128},
    )
    theirs = logits[0][0, 0]
    segmenter = load_segmenter(folders["sam"], device="cpu")
    ours = segmenter.in_box(pixels, Box.of(*box))
    assert ours is not None
    # The processor normalises in another order: a logit may differ in its last digits.
    clear = theirs.abs().numpy() > 1e-4
    assert np.array_equal(ours.mask[clear], (theirs > 0).numpy()[clear])
    assert clear.mean() > 0.99
    assert ours.quality == pytest.approx(float(answer.iou_scores.clamp(0, 1)), abs=1e-5)


@pytest.mark.parametrize(
    ("points", "labels"), [([(40.0, 60.0)], [1]), ([(40.0, 60.0), (90.0, 20.0)], [1, 0])]
)
@pytest.mark.parametrize("size", [(128, 128), (200, 96)])
def test_sam_2_gives_the_models_masks(
    folders: dict[str, Path],
    models: dict[str, Any],
    points: list[tuple[float, float]],
    labels: list[int],
    size: tuple[int, int],
) -> None:
    pixels = picture(*size)
    segmenter = load_segmenter(folders["sam2"], device="cpu")
    square = segmenter._network.fit.prepare(pixels)
    scaled = torch.tensor(points) * torch.tensor([128 / size[0], 128 / size[1]])
    with torch.no_grad():
        answer = models["sam2"](
            pixel_values=square,
            input_points=scaled[None, None],
            input_labels=torch.tensor(labels)[None, None],
            multimask_output=len(points) == 1,
        )
    best = int(answer.iou_scores[0, 0].argmax())
    large = torch.nn.functional.interpolate(
        answer.pred_masks[0, :, best][:, None], size[::-1], mode="bilinear", align_corners=False
    )
    ours = segmenter.at_points(pixels, points, labels)
    assert ours is not None
    assert np.array_equal(ours.mask, (large[0, 0] > 0).numpy())
    assert ours.quality == pytest.approx(float(answer.iou_scores[0, 0, best]), abs=1e-6)


def test_the_square_of_sam_2_is_filled(folders: dict[str, Path]) -> None:
    fit = load_segmenter(folders["sam2"], device="cpu")._network.fit
    white = np.full((40, 100, 3), 255, dtype=np.uint8)
    square = fit.prepare(white)
    assert square.shape == (1, 3, 128, 128)
    means, deviations = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    for channel in range(3):
        level = (1 - means[channel]) / deviations[channel]
        assert torch.allclose(square[0, channel], torch.tensor(level, dtype=torch.float32))


@pytest.mark.parametrize("kind", ["sam", "sam2"])
def test_an_embedding_has_the_size_that_the_cache_counts_with(
    folders: dict[str, Path], kind: str
) -> None:
    network = load_segmenter(folders[kind], device="cpu")._network
    embedding = network.encode(picture())
    parts = embedding if isinstance(embedding, list) else [embedding]
    assert sum(part.nbytes for part in parts) == network.embedding_bytes


@pytest.mark.parametrize("kind", ["sam", "sam2"])
def test_every_region_is_looked_for_in_the_same_way(folders: dict[str, Path], kind: str) -> None:
    automatic = Automatic(quality=0, stability=0, largest=1, smallest=1 / 64)
    segmenter = load_segmenter(folders[kind], device="cpu", automatic=automatic)
    pixels = picture()
    masks = segmenter.propose(pixels)
    assert masks
    assert max(mask.quality for mask in masks) == masks[0].quality
    again = load_segmenter(folders[kind], device="cpu", automatic=automatic).propose(pixels)
    assert [mask.rle for mask in masks] == [mask.rle for mask in again]


def test_a_video_models_folder_is_read_as_an_image_model(
    tmp_path: Path, folders: dict[str, Path]
) -> None:
    path = tmp_path / "video"
    shutil.copytree(folders["sam2"], path)
    rename_kind(path, "sam2_video")
    box, pixels = Box.of(10, 20, 70, 90), picture()
    one, other = (
        load_segmenter(each, device="cpu").in_box(pixels, box) for each in (path, folders["sam2"])
    )
    assert one.rle == other.rle


def test_the_name_and_the_hash_tell_the_model(folders: dict[str, Path]) -> None:
    import hashlib

    segmenter = load_segmenter(folders["sam"], device="cpu")
    assert segmenter.name == "transformers:tiny-sam"
    content = (folders["sam"] / "model.safetensors").read_bytes()
    assert segmenter.weights_sha256 == hashlib.sha256(content).hexdigest()
    with pytest.raises(ConfigurationError, match="should have the SHA-256 000"):
        load_segmenter(folders["sam"], device="cpu", sha256="0" * 64)


def copied(folders: dict[str, Path], tmp_path: Path) -> Path:
    path = tmp_path / "model"
    shutil.copytree(folders["sam"], path)
    return path


def rewritten(path: Path, change: Any) -> None:
    from safetensors.torch import load_file, save_file

    file = path / "model.safetensors"
    weights = load_file(file)
    change(weights)
    save_file(weights, file, metadata={"format": "pt"})


def test_a_folder_that_lacks_weights_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    path = copied(folders, tmp_path)
    rewritten(path, lambda weights: weights.pop("mask_decoder.iou_token.weight"))
    with pytest.raises(ConfigurationError, match=r"1 are missing, such as mask_decoder\.iou_token"):
        load_segmenter(path, device="cpu")


def test_weights_that_are_not_finite_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    path = copied(folders, tmp_path)
    rewritten(path, lambda weights: weights["mask_decoder.iou_token.weight"].fill_(torch.nan))
    with pytest.raises(ConfigurationError, match=r"damaged: mask_decoder\.iou_token\.weight"):
        load_segmenter(path, device="cpu")


def test_a_weights_file_that_is_cut_off_is_refused(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    path = copied(folders, tmp_path)
    file = path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-500])
    with pytest.raises(ConfigurationError, match="could not be loaded"):
        load_segmenter(path, device="cpu")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("", "none that can be read"),
        ("[1]", "holds None"),
        ('{"model_type": "llava"}', "of the kind sam, sam2, sam2_video is needed; .* 'llava'"),
        ("[" * 100_000, "none that can be read"),
    ],
    ids=["empty", "list", "another model", "deep"],
)
def test_a_folder_of_something_else_is_refused(tmp_path: Path, settings: str, message: str) -> None:
    (tmp_path / "config.json").write_text(settings)
    with pytest.raises(ConfigurationError, match=message):
        load_segmenter(tmp_path, device="cpu")


def test_pickled_weights_are_not_read(folders: dict[str, Path], tmp_path: Path) -> None:
    path = copied(folders, tmp_path)
    (path / "model.safetensors").rename(path / "pytorch_model.bin")
    with pytest.raises(ConfigurationError, match=r"as \*\.safetensors, the one format"):
        load_segmenter(path, device="cpu")


def test_transformers_that_is_not_installed_is_named(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'gadet\[transformers\]'"):
        load_segmenter(folders["sam"], device="cpu")


def test_a_segmenter_of_a_folder_is_the_same_kind_as_any(folders: dict[str, Path]) -> None:
    assert isinstance(load_segmenter(str(folders["sam2"]), device="cpu"), SamSegmenter)
