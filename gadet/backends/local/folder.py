"""Where a model lies on this machine, and what its files say about it; nothing is run to know."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gadet.errors import BackendError, ConfigurationError, MissingDependencyError
from gadet.view import ViewLimits

__all__ = ["ModelFolder", "find_model"]

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96}")
_LARGEST_SETTINGS = 4_000_000
# What is fetched: weights in the one format that cannot hold code, and text.
_FETCHED = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model")
# The names that `model_type` has in a configuration, as the profiles' patterns spell them.
_FAMILIES = {"qwen2_vl": "qwen2-vl", "qwen2_5_vl": "qwen2.5-vl", "qwen3_vl": "qwen3-vl"}


@dataclass(frozen=True)
class ModelFolder:
    """A folder with a model.

    Attributes:
        path: The folder.
        name: The model as it is shown: the hub's name of it, or the folder's.
        revision: The commit on the hub, when it was fetched from there.
    """

    path: Path
    name: str
    revision: str | None = None

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """What `config.json` holds."""
        return self._settings("config.json")

    @property
    def family(self) -> str:
        """The name that profiles know the model's family by."""
        kind = str(self.configuration.get("model_type", ""))
        return _FAMILIES.get(kind, self.name)

    @property
    def facts(self) -> dict[str, Any]:
        """Fields of a `Profile`, as far as the settings of the processor tell them."""
        settings = self._settings("preprocessor_config.json")
        nested = self._settings("processor_config.json").get("image_processor")
        return _facts({**settings, **(nested if isinstance(nested, dict) else {})})

    @cached_property
    def identity(self) -> str:
        """What tells these weights from others: `@` and a commit, or a hash of the weights.

        Every byte is read once for the hash, which takes some seconds for a large model.
        """
        if self.revision:
            return f"@{self.revision[:12]}"
        digest = hashlib.sha256()
        for file in self.weights:
            with open(file, "rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
        return f"@sha256:{digest.hexdigest()[:12]}"

    @property
    def weights(self) -> list[Path]:
        """The files with weights.

        Raises:
            ConfigurationError: There is none in the format of safetensors.
        """
        found = sorted(self.path.glob("*.safetensors"))
        if not found:
            raise ConfigurationError(
                f"{self.name} needs its weights as *.safetensors, the one format that cannot hold "
                f"code; {self.path} has none: fetch the whole model, or convert its weights"
            )
        return found

    def _settings(self, name: str) -> dict[str, Any]:
        file = self.path / name
        if not file.is_file():
            return {}
        if file.stat().st_size > _LARGEST_SETTINGS:
            raise ConfigurationError(f"{file} should hold settings, but it is larger than 4 MB")
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(f"{file} should hold JSON: {error}") from error
        if not isinstance(content, dict):
            raise ConfigurationError(f"{file} should hold a JSON object")
        return content


def find_model(model: str, *, revision: str | None = None, download: bool = False) -> ModelFolder:
    """Find a model: a folder, or a name on the Hugging Face Hub that was fetched before.

    Args:
        model: Path of a folder, or `organisation/name`.
        revision: Branch, tag or commit on the hub.
        download: Whether a model that is not here may be fetched from the hub.

    Raises:
        ConfigurationError: It is not here and may not be fetched, or it is no model.
        BackendError: Fetching it failed.
    """
    if not model:
        raise ConfigurationError(
            "transformers needs a model: write transformers:/path/to/folder or "
            "transformers:organisation/name"
        )
    folder = Path(model).expanduser()
    if folder.is_dir():
        if revision:
            raise ConfigurationError(f"a folder has no revisions; got revision={revision!r}")
        found = ModelFolder(folder, folder.resolve().name, _commit_of(folder))
    elif _HUB_ID.fullmatch(model):
        snapshot = _snapshot(model, revision, download)
        found = ModelFolder(snapshot, model, _commit_of(snapshot))
    else:
        raise ConfigurationError(
            f"transformers needs a folder or organisation/name; there is no folder {model}"
        )
    if not found.configuration:
        raise ConfigurationError(
            f"a model's folder holds config.json; {found.path} does not: name the folder into "
            "which the model was saved"
        )
    return found


def _snapshot(model: str, revision: str | None, download: bool) -> Path:
    """The folder of a hub's model in the local cache."""
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError as error:
        raise MissingDependencyError(
            "A model of the Hugging Face Hub", package="huggingface-hub", extra="transformers"
        ) from error
    if download and os.environ.get("GADET_ALLOW_NETWORK") == "0":
        raise ConfigurationError(
            "expected no network, as GADET_ALLOW_NETWORK=0 says; download=True needs it: unset the "
            "variable, or leave download out"
        )
    try:
        return Path(
            snapshot_download(
                model,
                revision=revision,
                local_files_only=not download,
                allow_patterns=list(_FETCHED),
            )
        )
    except LocalEntryNotFoundError as error:
        if download:
            raise BackendError(f"{model} could not be fetched: {error}") from error
        version = f" --revision {revision}" if revision else ""
        raise ConfigurationError(
            f"{model} is neither a folder nor in the local cache, and nothing is fetched unasked: "
            f"run `hf download {model}{version}`, or pass download=True"
        ) from None
    except Exception as error:
        raise BackendError(f"{model} could not be fetched: {error}") from error


def _commit_of(folder: Path) -> str | None:
    """The commit that a folder of the hub's cache is named after."""
    return folder.name if folder.parent.name == "snapshots" else None


def _facts(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a `Profile` by the settings of a picture processor.

    A processor that merges patches (Qwen's) rounds both sides to a multiple and keeps the area
    within bounds. One that cuts a picture into tiles lists the sizes that it may make; every other
    one has a longest side or one fixed size. Pictures are then made no larger than the model sees
    them, so that the numbers drawn on them stay legible.
    """
    listed = settings.get("size")
    size = listed if isinstance(listed, Mapping) else {}
    patch, merge = _count(settings, "patch_size"), _count(settings, "merge_size")
    if patch and merge:
        square = (patch * merge) ** 2
        least = _count(settings, "min_pixels") or _count(size, "shortest_edge")
        most = _count(settings, "max_pixels") or _count(size, "longest_edge")
        rule = {
            "kind": "qwen",
            "factor": patch * merge,
            **({"min_tokens": math.ceil(least / square)} if least else {}),
            **({"max_tokens": most // square} if most else {}),
        }
        return {"token_rule": rule}
    tiles = settings.get("image_grid_pinpoints")
    if isinstance(tiles, list):
        sides = [side for tile in tiles if isinstance(tile, list) for side in tile]
    else:
        fixed = (_count(size, name) for name in ("height", "width", "shortest_edge"))
        sides = [_count(size, "longest_edge") or max(fixed)]
    side = max((side for side in sides if isinstance(side, int)), default=0)
    return {"views": {"max_side": min(side, ViewLimits().max_side)}} if side > 0 else {}


def _count(settings: Mapping[str, Any], name: str) -> int:
    """A whole number above zero, or 0 when there is none."""
    value = settings.get(name)
    return value if isinstance(value, int) and value > 0 else 0
