"""A checkpoint of torch on disk: bounded, hashed, and read as weights alone."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from gadet.errors import ConfigurationError
from gadet.localize.sam.weights import PUBLISHED, check_hash, hash_of

if TYPE_CHECKING:
    import torch

__all__ = ["Checkpoint", "read_checkpoint"]

_LARGEST = 8 << 30
_WRAPPERS = ("model", "state_dict")
_LONGEST_PROBLEM = 300


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Weights that were read.

    Attributes:
        path: Where they came from.
        sha256: Hash of the file's bytes.
        weights: Tensors by name, float32 (counters int64), on the processor.
    """

    path: Path
    sha256: str
    weights: Mapping[str, torch.Tensor] = field(repr=False)


def read_checkpoint(path: Path, *, sha256: str | None = None) -> Checkpoint:
    """Read a checkpoint without running anything that it holds.

    Args:
        path: A file of torch with a state dict, or with one under `model` or `state_dict`.
        sha256: The hash that it must have. A file with the name of published weights must have
            theirs when none is given.

    Raises:
        ConfigurationError: There is no such file, its hash is another, it is damaged, or it holds
            something else than weights.
    """
    import torch

    if not path.is_file():
        raise ConfigurationError(
            f"weights of Segment Anything are expected at {path}; there is no such file: fetch "
            "them with gadet.localize.sam.fetch_weights, or give the right path"
        )
    with open(path, "rb") as file:
        size = path.stat().st_size
        if size > _LARGEST:
            raise _refusal(path, f"it has {size:,} bytes, more than any checkpoint of this family")
        came = hash_of(file)
        known = {weights.name: weights.sha256 for weights in PUBLISHED.values()}
        if wanted := sha256 or known.get(path.name):
            check_hash(path, came, wanted)
        file.seek(0)
        _check_stored(path, file, size)
        try:
            content = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged file can break the reader in any way
            problem = " ".join(str(error).split())[:_LONGEST_PROBLEM]
            raise _refusal(path, f"it cannot be read as weights alone ({problem})") from error
    return Checkpoint(path, came, _tensors(path, content, size))


def _check_stored(path: Path, file: BufferedReader, size: int) -> None:
    """Refuse what is no checkpoint, and an archive that would unpack to more than it is."""
    start = file.read(64).lstrip().lower()
    file.seek(0)
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise _refusal(path, "it is a web page, so the download went wrong")
    if start.startswith(b"version https://git-lfs"):
        raise _refusal(path, "it is a pointer of Git LFS: run `git lfs pull`")
    if not start.startswith(b"pk"):
        return
    try:
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise _refusal(path, f"it is cut off or damaged ({error})") from error
    if unpacked > size:
        raise _refusal(path, f"its {size:,} bytes unpack to {unpacked:,}")
    file.seek(0)


def _tensors(path: Path, content: Any, size: int) -> dict[str, torch.Tensor]:
    """The state dict of a checkpoint, in float32.

    Raises:
        ConfigurationError: It is none, its tensors are larger than the file, or hold no numbers.
    """
    import torch

    for name in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping) or not content:
        raise _refusal(path, f"it holds {type(content).__name__}, not weights by name")
    if odd := [name for name, value in content.items() if not _is_weight(name, value)]:
        raise _refusal(path, f"{str(odd[0])[:80]!r} is not an array of numbers")
    weights = cast("Mapping[str, torch.Tensor]", content)
    # A tensor may claim a shape that its few stored numbers are repeated to.
    claimed = sum(value.numel() * value.element_size() for value in weights.values())
    if claimed > size:
        raise _refusal(path, f"its weights claim {claimed:,} bytes and the file has {size:,}")
    for name, value in weights.items():
        if not bool(torch.isfinite(value).all()):
            raise _refusal(path, f"{name[:80]!r} holds numbers that are not finite")
    return {
        name: value.detach().float() if value.is_floating_point() else value
        for name, value in weights.items()
    }


def _is_weight(name: object, value: object) -> bool:
    import torch

    return (
        isinstance(name, str)
        and isinstance(value, torch.Tensor)
        and value.layout == torch.strided
        # Batch normalisation counts its batches in whole numbers.
        and value.dtype
        in (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64)
        and value.numel() > 0
        and value.device.type == "cpu"
    )


def _refusal(path: Path, problem: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path.name} should be a checkpoint of Segment Anything; {problem}. Fetch it again with "
        "gadet.localize.sam.fetch_weights, or give another file"
    )
