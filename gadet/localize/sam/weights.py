"""The published weights: their names, sizes and hashes, and how they are fetched when asked for."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from types import MappingProxyType

from gadet.errors import ConfigurationError
from gadet.localize.sam.download import download

__all__ = ["PUBLISHED", "WeightsFile", "check_hash", "fetch_weights", "hash_of"]

_META = "https://dl.fbaipublicfiles.com/segment_anything"
_MOBILE = "https://raw.githubusercontent.com/ChaoningZhang/MobileSAM"


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights that is known beforehand.

    Attributes:
        name: The file's name.
        url: Where it is published.
        size: Its bytes.
        sha256: Its hash, 64 hexadecimal digits.
    """

    name: str
    url: str
    size: int
    sha256: str


# As of 2026-11. The names of Meta's files hold the first digits of their MD5; the SHA-256 are those
# that micro-sam (https://github.com/computational-cell-analytics/micro-sam) and the SAM extension
# of 3D Slicer pin. All four are under Apache-2.0.
PUBLISHED = MappingProxyType(
    {
        "vit_b": WeightsFile(
            "sam_vit_b_01ec64.pth",
            f"{_META}/sam_vit_b_01ec64.pth",
            375_042_383,
            "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        ),
        "vit_l": WeightsFile(
            "sam_vit_l_0b3195.pth",
            f"{_META}/sam_vit_l_0b3195.pth",
            1_249_524_607,
            "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        ),
        "vit_h": WeightsFile(
            "sam_vit_h_4b8939.pth",
            f"{_META}/sam_vit_h_4b8939.pth",
            2_564_550_879,
            "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        ),
        "vit_t": WeightsFile(
            "mobile_sam.pt",
            f"{_MOBILE}/f706ad9c4eb7f219c00d9050e46328518ffb65d2/weights/mobile_sam.pt",
            40_728_226,
            "6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
        ),
    }
)
"""The weights of Segment Anything, and of MobileSAM (`vit_t`), by the name of their encoder."""


def fetch_weights(
    weights: str | WeightsFile, folder: str | Path, *, progress: bool | None = None
) -> Path:
    """Download weights, unless they lie in the folder already; nothing else here ever downloads.

    A download that broke off is continued by the next call. The file gets its name only when its
    hash is right.

    Args:
        weights: `vit_b`, `vit_l`, `vit_h`, `vit_t` (MobileSAM), or a file of your own with its
            hash.
        folder: Where it goes; made when it is not there.
        progress: Whether a bar is shown on stderr; None shows one on a terminal.

    Returns:
        The path of the file.

    Raises:
        ConfigurationError: The name is unknown, the network is not allowed or fails, the disk is
            full, or what came is not the file.
        MissingDependencyError: A bar was asked for and tqdm is not installed.
    """
    if isinstance(weights, str):
        if weights not in PUBLISHED:
            raise ConfigurationError(
                f"weights to fetch are one of {', '.join(PUBLISHED)}; got {weights!r}"
            )
        weights = PUBLISHED[weights]
    target = Path(folder).expanduser() / weights.name
    if target.is_file():
        check_hash(target, hash_of(target), weights.sha256)
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{weights.name}.part")
        _check_room(part, weights)
        download(weights.url, part, size=weights.size, progress=progress)
        came = hash_of(part)
        if came != weights.sha256:
            part.unlink()
        check_hash(part, came, weights.sha256)
        part.replace(target)
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error}") from error
    return target


def hash_of(file: Path | BufferedReader) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits."""
    if isinstance(file, Path):
        with open(file, "rb") as opened:
            return hash_of(opened)
    return hashlib.file_digest(file, "sha256").hexdigest()


def check_hash(path: Path, came: str, wanted: str) -> None:
    """Refuse a file with another hash than the one wanted.

    Raises:
        ConfigurationError: The hashes differ.
    """
    if came != wanted.lower():
        raise ConfigurationError(
            f"{path.name} should have the SHA-256 {wanted.lower()}; it has {came}: it is damaged "
            "or another file; delete it and fetch it again"
        )


def _check_room(part: Path, weights: WeightsFile) -> None:
    wanted = weights.size - (part.stat().st_size if part.is_file() else 0)
    free = shutil.disk_usage(part.parent).free
    if wanted > free:
        raise ConfigurationError(
            f"{weights.name} needs {wanted:,} more bytes in {part.parent}; {free:,} are free: "
            "make room, or name another folder"
        )
