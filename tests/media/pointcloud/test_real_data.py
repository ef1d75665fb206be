"""The real shapes and scans that the rest of the project is measured on."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.media.pointcloud.support import ADAPTER, load, notes, same

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def folder(real_data: Path) -> Path:
    found = real_data / "pointcloud"
    if not found.is_dir():
        pytest.skip("real point clouds are absent: set GADET_DATA to their folder")
    return found


def test_every_mesh_keeps_its_vertices(folder: Path) -> None:
    paths = sorted((folder / "meshes").glob("*.obj"))
    assert paths
    for path in paths:
        text = path.read_text()
        rows = [line.split()[1:4] for line in text.splitlines() if line.startswith("v ")]
        cloud = load(path).cloud
        same(cloud.points, np.array(rows, float))
        assert cloud.faces is not None
        assert len(cloud.faces) == len(re.findall(r"(?m)^f ", text))
        assert ADAPTER.accepts(path)


def test_every_scan_has_the_points_that_it_says(folder: Path) -> None:
    paths = sorted((folder / "pcl").glob("*.pcd"))
    assert paths
    for path in paths:
        points = int(re.search(rb"\nPOINTS (\d+)", path.read_bytes()).group(1))  # type: ignore[union-attr]
        cloud = load(path).cloud
        assert len(cloud) == points
        assert cloud.index is None
        assert 0.1 < cloud.diagonal < 1000


def test_an_ascii_scan_number_by_number(folder: Path) -> None:
    path = folder / "pcl" / "object_template_0.pcd"
    rows = np.loadtxt(path, skiprows=11)[:, :3]
    same(load(path).cloud.points, rows)


def test_a_scene_of_a_camera(folder: Path) -> None:
    sample = load(folder / "mosd" / "learn0.pcd")
    cloud = sample.cloud
    assert cloud.grid is not None
    assert cloud.grid.shape == (480, 640)
    assert "124,908 pixels of 307,200 are holes" in notes(sample)
    # A pinhole camera: straight along a column of pixels, x / z is the same.
    column = cloud.grid[:, 320]
    seen = cloud.points[column[column >= 0]]
    assert np.ptp(seen[:, 0] / seen[:, 2]) < 0.01
    assert cloud.colours is not None
    assert cloud.colours.std() > 10
