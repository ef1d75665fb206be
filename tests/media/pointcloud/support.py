"""Clouds, writers of files that are as plain as they can be, loading and refusing."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.pointcloud import PointCloudAdapter, PointCloudInput, PointCloudSample

ADAPTER = PointCloudAdapter()
NAN = float("nan")
RANDOM = np.random.default_rng(7)
NORMALS = RANDOM.normal(size=(40, 3))
NORMALS /= np.linalg.norm(NORMALS, axis=1, keepdims=True)
POINTS = np.round(NORMALS * (3.0, 2.0, 1.0) + (10.0, -5.0, 0.5), 4)
COLOURS = RANDOM.integers(0, 256, (40, 3)).astype(np.uint8)
CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
SQUARES = np.array(
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
)
TRIANGLES = np.concatenate([SQUARES[:, [0, 1, 2]], SQUARES[:, [0, 2, 3]]])


def load(item: Any, limits: LoadLimits | None = None, **options: Any) -> PointCloudSample:
    return ADAPTER.load(PointCloudInput(item, **options) if options else item, limits)


def refused(item: Any, match: str, options: Mapping[str, Any] | None = None, **limits: Any) -> str:
    with pytest.raises(InputError, match=match) as caught:
        ADAPTER.load(PointCloudInput(item, **options) if options else item, LoadLimits(**limits))
    message = str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args
    assert len(message) < 700
    return message


def notes(sample: PointCloudSample) -> str:
    return "; ".join(sample.info.notes)


def same(given: Any, expected: npt.ArrayLike) -> None:
    np.testing.assert_array_equal(given, expected)


def lines(rows: npt.ArrayLike, separator: str = " ") -> str:
    return "".join(separator.join(f"{v:.10g}" for v in row) + "\n" for row in np.asarray(rows))


def packed(colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    red, green, blue = colours.astype(np.uint32).T
    return red << 16 | green << 8 | blue


def pcd(
    columns: Mapping[str, npt.NDArray[Any]],
    storage: str = "binary",
    size: tuple[int, int] | None = None,
    viewpoint: str = "0 0 0 1 0 0 0",
) -> bytes:
    """A PCD file of columns `(N,)` or `(N, K)`, `size` being width and height."""
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    count = len(next(iter(arrays.values())))
    width, height = size or (count, 1)
    kinds = [array.dtype.kind.upper() for array in arrays.values()]
    head = "\n".join(
        (
            "# .PCD v0.7 - Point Cloud Data file format",
            "VERSION 0.7",
            f"FIELDS {' '.join(name.rstrip('0123456789') for name in arrays)}",
            f"SIZE {' '.join(str(array.dtype.itemsize) for array in arrays.values())}",
            f"TYPE {' '.join(kinds)}",
            f"COUNT {' '.join(str(array[0].size) for array in arrays.values())}",
            f"WIDTH {width}\nHEIGHT {height}\nVIEWPOINT {viewpoint}\nPOINTS {count}",
            f"DATA {storage}\n",
        )
    ).encode()
    rows = [array.reshape(count, -1) for array in arrays.values()]
    if storage == "ascii":
        text = "".join(
            " ".join(repr(value.item()) for row in rows for value in row[n]) + "\n"
            for n in range(count)
        )
        return head + text.encode()
    if storage == "binary":
        return head + b"".join(row[n].tobytes() for n in range(count) for row in rows)
    plain = b"".join(row.tobytes() for row in rows)
    squeezed = lzf(plain)
    return head + struct.pack("<II", len(squeezed), len(plain)) + squeezed


def lzf(data: bytes) -> bytes:
    """Pack greedily and slowly."""
    out, literal, at = bytearray(), bytearray(), 0

    def flush() -> None:
        if literal:
            out.append(len(literal) - 1)
            out.extend(literal)
            literal.clear()

    while at < len(data):
        start, length = -1, 2
        for back in range(1, min(at, 96) + 1):
            run = 0
            while at + run < len(data) and run < 264 and data[at + run] == data[at - back + run]:
                run += 1
            if run > length:
                start, length = back, run
        if start < 0:
            literal.append(data[at])
            at += 1
            if len(literal) == 32:
                flush()
            continue
        flush()
        high, low = divmod(start - 1, 256)
        if length - 2 < 7:
            out += bytes(((length - 2) << 5 | high, low))
        else:
            out += bytes((7 << 5 | high, length - 2 - 7, low))
        at += length
    flush()
    return bytes(out)


def ply(
    rows: npt.ArrayLike = POINTS,
    names: Sequence[str] = ("x", "y", "z"),
    faces: Sequence[Sequence[int]] = (),
) -> bytes:
    """An ascii PLY file of floats."""
    head = f"ply\nformat ascii 1.0\nelement vertex {len(np.asarray(rows))}\n"
    head += "".join(f"property double {name}\n" for name in names)
    if faces:
        head += f"element face {len(faces)}\nproperty list uchar int vertex_indices\n"
    body = lines(rows) + "".join(f"{len(f)} {' '.join(map(str, f))}\n" for f in faces)
    return (head + "end_header\n" + body).encode()


def npy(array: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def zipped(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()
