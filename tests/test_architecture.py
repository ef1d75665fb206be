"""What holds the building up: directions of imports, the public face, import cost, file size."""

from __future__ import annotations

import ast
import inspect
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

import gadet

ROOT = Path(gadet.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
ROOMS = {path.relative_to(ROOT).with_suffix("").parts[0] for path in MODULES} - {
    "__init__",
    "__main__",
}

# From the ground up; a module may import from its own row and from those before it.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("_lazy", "_version", "errors", "geometry"),
    ("sizing", "outlines"),
    ("view", "findings"),
    ("exportable",),
    ("export_video", "tables"),
    ("export",),
    ("report", "request"),
    ("media", "prompts"),
    ("experts", "backends"),
    ("localize",),
    ("verdict", "case"),
    ("asking", "opening"),
    ("closer",),
    ("sweep", "edges"),
    ("inspection",),
    ("route",),
    ("drivers", "toolkit", "budget", "progress", "recall", "watch", "spending"),
    ("intake",),
    ("dialogue", "outlook", "observing"),
    ("journal", "batch"),
    ("jobs",),
    ("many",),
    ("questioner", "watcher"),
    ("detector", "scenes", "signals", "films", "solids"),
    ("samples",),
    ("render",),
    ("cli",),
)
# What may not be imported although it stands on a lower floor (DESIGN: the rooms).
CLOSED = {
    "prompts": {"media", "experts"},
    "backends": {"media", "experts"},
    "media": {"prompts"},
    "experts": {"prompts", "backends"},
    "localize": {"prompts", "backends"},
}
LEAVES = {"render", "cli"}
HEAVY = {
    "torch", "open3d", "matplotlib", "httpx", "skimage", "scipy", "sklearn", "jinja2", "typer",
    "tqdm", "transformers", "pandas", "polars", "pyarrow", "openpyxl", "tsdownsample", "openai",
    "anthropic", "tenacity", "trimesh", "laspy", "tifffile",
    "segment_anything", "torchvision", "av",
}  # fmt: skip


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def floor(name: str) -> int:
    return next(level for level, names in enumerate(FLOORS) if name in names)


def imports(path: Path) -> set[str]:
    """Every module of ours that a file imports, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            if node.module == "gadet":
                found |= {f"gadet.{alias.name}" for alias in node.names}
            else:
                found.add(node.module)
    return {name for name in found if name.split(".")[0] == "gadet"}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    here = path.relative_to(ROOT).with_suffix("").parts[0]
    if here in ("__init__", "__main__"):
        return  # the package itself joins everything
    for name in imports(path):
        there = room(name)
        if there == here or here == "cli":
            continue  # the command line is a user of the public face
        assert there in ROOMS, f"{here} imports {name} from the package as a whole"
        assert there not in LEAVES, f"{here} imports the leaf {there}"
        assert floor(there) <= floor(here), f"{here} imports {there}, which stands above it"
        assert there not in CLOSED.get(here, set()), f"{here} may not know {there}"


def test_every_room_has_a_floor() -> None:
    assert {name for names in FLOORS for name in names} == ROOMS


@pytest.mark.parametrize(
    "path",
    [*MODULES, *sorted(Path(__file__).parent.rglob("*.py"))],
    ids=lambda p: p.name,
)
def test_no_file_over_500_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


def test_all_is_sorted_and_complete() -> None:
    helpers = {"TYPE_CHECKING", "Any", "import_module"}
    public = {
        name
        for name, value in vars(gadet).items()
        if not name.startswith("_") and not (inspect.ismodule(value) and name in ROOMS)
    }
    assert set(gadet.__all__) == (public - helpers) | set(gadet._LAZY) | {"__version__", "samples"}
    assert gadet.__all__ == sorted(gadet.__all__)
    assert dir(gadet) == gadet.__all__


def test_every_public_name_can_be_had() -> None:
    code = "from gadet import *; import gadet; print(all(n in globals() for n in gadet.__all__))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
    with pytest.raises(AttributeError, match="no attribute 'AnomalyDetektor'"):
        _ = gadet.AnomalyDetektor


def test_importing_gadet_loads_nothing_heavy() -> None:
    code = (
        "import json, sys, gadet; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(json.loads(done.stdout))


def test_nothing_is_logged_to_the_screen_unless_asked() -> None:
    kinds = [type(handler) for handler in logging.getLogger("gadet").handlers]
    assert logging.NullHandler in kinds


def test_detect_and_adetect_have_the_same_parameters() -> None:
    detect = inspect.signature(gadet.AnomalyDetector.detect)
    adetect = inspect.signature(gadet.AnomalyDetector.adetect)
    assert detect == adetect
    assert inspect.iscoroutinefunction(gadet.AnomalyDetector.adetect)


def test_detect_many_shares_the_settings_of_detect() -> None:
    single = dict(inspect.signature(gadet.AnomalyDetector.detect).parameters)
    many = dict(inspect.signature(gadet.AnomalyDetector.detect_many).parameters)
    single.pop("item")
    assert {name: many.get(name) for name in single} == single


def test_after_the_item_every_parameter_is_keyword_only() -> None:
    for method in ("detect", "adetect", "detect_many", "prompt"):
        parameters = list(
            inspect.signature(getattr(gadet.AnomalyDetector, method)).parameters.values()
        )
        assert all(p.kind is p.KEYWORD_ONLY for p in parameters[2:])
