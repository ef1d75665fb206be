"""Files that are no checkpoint, another's, damaged, or a trap."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest

from gadet.errors import ConfigurationError
from gadet.localize.sam import load_segmenter
from gadet.localize.sam.checkpoint import read_checkpoint
from gadet.localize.sam.layout import family_of, read_layout
from tests.localize.sam.support import TINY, random_sam, torch

NOTHING = torch.zeros(1)


def saved(tmp_path: Path, content: Any, name: str = "sam.pth", **options: Any) -> Path:
    path = tmp_path / name
    torch.save(content, path, **options)
    return path


def refused(path: Path, message: str, **options: Any) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_segmenter(path, device="cpu", **options)


def test_the_layout_is_read_from_the_weights() -> None:
    weights = random_sam().state_dict()
    assert family_of(weights) == "SAM"
    assert read_layout(weights) == TINY


@pytest.mark.parametrize("wrapper", ["model", "state_dict"])
def test_weights_under_a_name_are_found(tmp_path: Path, wrapper: str) -> None:
    weights = random_sam().state_dict()
    read = read_checkpoint(saved(tmp_path, {wrapper: weights, "epoch": 3})).weights
    assert read.keys() == weights.keys()
    assert all(torch.equal(read[name], weights[name]) for name in weights)


def test_half_precision_on_disk_is_made_whole(tmp_path: Path) -> None:
    halves = {name: value.half() for name, value in random_sam().state_dict().items()}
    read = read_checkpoint(saved(tmp_path, halves))
    assert {value.dtype for value in read.weights.values()} == {torch.float32}


def test_the_old_format_of_torch_is_read(tmp_path: Path) -> None:
    weights = random_sam().state_dict()
    path = saved(tmp_path, weights, _use_new_zipfile_serialization=False)
    assert read_checkpoint(path).weights.keys() == weights.keys()
    path.write_bytes(path.read_bytes()[:-5000])
    refused(path, "cannot be read as weights alone")


class Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.proof}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_pickle_is_never_run(tmp_path: Path, zipped: bool) -> None:
    proof = tmp_path / "it-ran"
    weights = {**random_sam().state_dict(), "trap": Trap(proof)}
    path = saved(tmp_path, weights, _use_new_zipfile_serialization=zipped)
    refused(path, "cannot be read as weights alone")
    assert not proof.exists()
    # The trap is a real one.
    torch.load(path, weights_only=False)
    assert proof.exists()


def test_a_bare_pickle_is_never_run(tmp_path: Path) -> None:
    proof, path = tmp_path / "it-ran", tmp_path / "sam.pth"
    path.write_bytes(pickle.dumps(Trap(proof)))
    refused(path, "cannot be read as weights alone")
    assert not proof.exists()


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.999])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, kept: float) -> None:
    path = saved(tmp_path, random_sam().state_dict())
    content = path.read_bytes()
    path.write_bytes(content[: int(kept if kept >= 1 else kept * len(content))])
    refused(path, "cut off or damaged|cannot be read as weights alone")


def test_a_bit_that_flipped_is_found_by_the_hash(tmp_path: Path) -> None:
    path = saved(tmp_path, random_sam().state_dict())
    right = read_checkpoint(path).sha256
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    refused(path, "should have the SHA-256 .*damaged or another file", sha256=right)


@pytest.mark.parametrize("name", ["sam_vit_b_01ec64.pth", "mobile_sam.pt"])
def test_a_published_name_must_have_the_published_hash(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, random_sam().state_dict(), name)
    refused(path, "should have the SHA-256")
    # One's own hash goes before the published one.
    assert load_segmenter(path, device="cpu", sha256=read_checkpoint_hash(path).upper())


def read_checkpoint_hash(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_path_that_is_not_there_names_the_way_to_fetch(tmp_path: Path) -> None:
    refused(tmp_path / "none.pth", r"no such file: fetch them with .*fetch_weights")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><html>not found</html>", "it is a web page"),
        (b"\n <HTML>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "git lfs pull"),
        (b"PK\x03\x04 and nothing more", "cut off or damaged"),
        (os.urandom(5000), "cannot be read as weights alone"),
    ],
    ids=["page", "shouted page", "pointer", "zip", "noise"],
)
def test_what_is_no_checkpoint_is_told_by_its_first_bytes(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "sam.pth"
    path.write_bytes(content)
    refused(path, message)


def test_an_archive_that_unpacks_to_more_than_it_is_is_refused(tmp_path: Path) -> None:
    path, content = saved(tmp_path, random_sam().state_dict()), io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, bytes(len(old.read(entry))))
    path.write_bytes(content.getvalue())
    refused(path, r"its [\d,]+ bytes unpack to [\d,]+")


def test_weights_that_claim_more_than_the_file_holds_are_refused(tmp_path: Path) -> None:
    weights = random_sam().state_dict()
    weights["image_encoder.pos_embed"] = torch.zeros(1).expand(1, 4096, 4096, 64)
    refused(saved(tmp_path, weights), r"claim [\d,]+ bytes and the file has")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2, 3], "holds list, not weights by name"),
        ({}, "holds dict, not weights by name"),
        ({"a": "text"}, "'a' is not an array"),
        ({"a": torch.zeros(3, dtype=torch.complex64)}, "'a' is not an array"),
        ({"a": torch.eye(3).to_sparse()}, "'a' is not an array"),
        ({"a": torch.zeros(0)}, "'a' is not an array"),
        ({3: torch.zeros(1)}, "'3' is not an array"),
        ({"a": torch.tensor([1.0, torch.nan])}, "'a' holds numbers that are not finite"),
    ],
    ids=["list", "empty", "text", "complex", "sparse", "no numbers", "number", "nan"],
)
def test_what_is_no_state_dict_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    refused(saved(tmp_path, content), message)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("image_encoder.trunk.blocks.0.attn.qkv.weight", "SAM 2 is run by transformers"),
        ("mask_decoder.hf_token.weight", "HQ-SAM has parts that segment-anything lacks"),
        ("image_encoder.blocks.0.attn.qkv.weight", "EfficientSAM has an encoder"),
        ("vision_encoder.layers.0.attn.qkv.weight", "give the folder that it lies in"),
        ("conv1.weight", "no checkpoint of this family: give a checkpoint of SAM"),
    ],
)
def test_another_family_is_told_what_to_do(tmp_path: Path, name: str, message: str) -> None:
    refused(saved(tmp_path, {name: NOTHING}), message)


def without(name: str) -> dict[str, Any]:
    weights = random_sam().state_dict()
    del weights[name]
    return weights


@pytest.mark.parametrize(
    "name",
    ["image_encoder.pos_embed", "mask_decoder.iou_token.weight", "image_encoder.neck.2.weight"],
)
def test_a_weight_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    refused(saved(tmp_path, without(name)), name.replace(".", r"\."))


def test_a_weight_of_another_shape_is_named(tmp_path: Path) -> None:
    weights = random_sam().state_dict()
    weights["image_encoder.blocks.1.attn.proj.weight"] = torch.zeros(32, 31)
    refused(saved(tmp_path, weights), r"blocks\.1\.attn\.proj\.weight")


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("image_encoder.pos_embed", (1, 8)),
        ("image_encoder.pos_embed", (1, 300, 300, 1)),
        ("image_encoder.neck.0.weight", (12, 32, 1, 1)),
        ("mask_decoder.transformer.layers.0.mlp.lin1.weight", (0, 32)),
        ("image_encoder.blocks.0.attn.rel_pos_h", (5, 64)),
        ("image_encoder.blocks.0.attn.rel_pos_h", (9, 16)),
        ("image_encoder.patch_embed.proj.weight", (32,)),
    ],
)
def test_impossible_measures_are_refused(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    weights = random_sam().state_dict()
    weights[name] = torch.zeros(shape)
    refused(
        saved(tmp_path, weights),
        "does not fit|not the weights of one whole network|is not an array",
    )


def test_mobile_sam_needs_its_package(tmp_path: Path) -> None:
    path = saved(tmp_path, {"image_encoder.patch_embed.seq.0.c.weight": NOTHING})
    refused(path, "needs the packages mobile_sam and timm|not the weights of one whole")
