"""Findings in the formats of other tools: anomalib's names, COCO, Label Studio, a mask as PNG, CSV.

Coordinates are pixels of the original picture after its EXIF orientation; boxes are half-open.
What a format cannot say is left out and never replaced by an empty result: an item that was not
judged does not become a picture without defects.
"""

from __future__ import annotations

import html
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.errors import LocalizationError
from gadet.export_video import label_studio_video
from gadet.exportable import Exportable, ExportedItem
from gadet.findings import Finding, ImageRegion
from gadet.geometry import Mask
from gadet.outlines import is_hole
from gadet.tables import to_csv

__all__ = [
    "Exportable",
    "ExportedItem",
    "label_studio_config",
    "mask_png",
    "to_anomalib",
    "to_coco",
    "to_csv",
    "to_label_studio",
]

_JUDGED = ("anomalous", "normal", "uncertain")
_PALETTE = ("#d55e00", "#0072b2", "#cc79a7", "#e69f00", "#009e73", "#56b4e9", "#f0e442")


def to_anomalib(
    *,
    score: float | None,
    anomalous: bool | None,
    findings: Sequence[Finding],
    anomaly_map: npt.NDArray[np.float32] | None,
    size: tuple[int, int] | None,
    source: str | None,
    explanation: str,
) -> dict[str, Any]:
    """Name a result as users of anomalib know it.

    Args:
        score: In [0, 1], or None when not judged.
        anomalous: The verdict, or None when not judged.
        findings: What is wrong.
        anomaly_map: `(H, W)` float32 in [0, 1], when there is one.
        size: `(width, height)` of the picture, when it is one.
        source: Path or URL of the picture.
        explanation: The answer in sentences.

    Returns:
        `pred_score`, `pred_label`, `anomaly_map`, `pred_mask`, `pred_boxes`, `image_path`,
        `explanation`. `pred_mask` is `(H, W)` bool, a box standing in where a finding has no
        mask; it is None when the size is unknown, when the item was not judged, and when
        something was found that could not be located: an empty mask would say "clean".
        `pred_boxes` is `(N, 4)` float64, `x0, y0, x1, y1`.
    """
    regions = _regions(findings)
    boxes = np.array([region.box.as_tuple() for region in regions], dtype=np.float64)
    unlocated = not regions and (bool(findings) or anomalous is not False)
    located = size is not None and not unlocated
    return {
        "pred_score": score,
        "pred_label": anomalous,
        "anomaly_map": anomaly_map,
        "pred_mask": _union(regions, size) if located and size is not None else None,
        "pred_boxes": boxes.reshape(-1, 4),
        "image_path": source,
        "explanation": explanation,
    }


def to_coco(reports: Iterable[Exportable], *, polygons: bool = False) -> dict[str, Any]:
    """Write findings as a COCO object-detection data set.

    A finding with a mask gets an uncompressed RLE and `iscrowd` 1, which is how COCO tells an RLE
    from a polygon; a finding with a box only gets the box as a polygon and `iscrowd` 0. The score
    of an annotation is the finding's confidence, else the score of the report. Categories are the
    labels in alphabetical order. Pictures carry `verdict` and `score` in addition.

    Items that were not judged, are no pictures, or have no known size are not listed as images,
    because a picture without annotations reads as a clean one: `info["left_out"]` names them.

    Args:
        reports: Reports, in the order in which the images are numbered from 1.
        polygons: Write masks as polygons with `iscrowd` 0, for tools that take an RLE for a crowd
            and leave it out. They run along the edges of the pixels. A mask with a hole stays an
            RLE, because the polygons of COCO have none.

    Returns:
        A data set ready for `json.dump`: `info`, `licenses`, `images`, `categories`,
        `annotations`.

    Source: COCO data format, https://cocodataset.org/#format-data
    """
    kept: list[tuple[Exportable, tuple[int, int]]] = []
    left_out: list[dict[str, str]] = []
    for report in reports:
        reason = _why_no_picture(report)
        if reason or report.item.size is None:
            left_out.append({"file_name": _file_name(report), "reason": reason})
        else:
            kept.append((report, report.item.size))
    labels = sorted(
        {finding.label for report, _ in kept for finding, _ in _located(report.findings)}
    )
    ids = {label: number for number, label in enumerate(labels, start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, (report, size) in enumerate(kept, start=1):
        images.append(
            {
                "id": image_id,
                "file_name": _file_name(report),
                "width": size[0],
                "height": size[1],
                "verdict": report.verdict,
                "score": report.score,
            }
        )
        for finding, region in _located(report.findings):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": ids[finding.label],
                    **_coco_shape(region, size, polygons=polygons),
                    "score": report.score if finding.confidence is None else finding.confidence,
                }
            )
    return {
        "info": {"description": "Findings of gadet", "version": "1.0", "left_out": left_out},
        "licenses": [],
        "images": images,
        "categories": [
            {"id": number, "name": label, "supercategory": "anomaly"}
            for label, number in ids.items()
        ],
        "annotations": annotations,
    }


def to_label_studio(report: Exportable, *, image: str | None = None) -> dict[str, Any]:
    """Write a report as a Label Studio task, its findings as a prediction to correct.

    Every located finding becomes a rectangle (percent of the picture); one with a mask becomes a
    brush region too. One of a video becomes a rectangle that moves, see `label_studio_video`. The
    verdict of a picture becomes a choice when there is one to correct. The names of the
    controls are those of `label_studio_config`.

    Args:
        report: What to export.
        image: URL under which Label Studio finds the picture or video; the item's source, else its
            name.

    Returns:
        One task, ready for `json.dump` in a list.

    Source: Label Studio, https://labelstud.io/guide/predictions
    """
    results: list[dict[str, Any]] = []
    if report.verdict in _JUDGED:
        results.append(
            {
                "id": "verdict",
                "from_name": "verdict",
                "to_name": "image",
                "type": "choices",
                "value": {"choices": [report.verdict]},
            }
        )
    if report.item.modality == "video":
        return label_studio_video(report, image)
    if report.item.size is not None and report.item.modality == "image":
        for number, (finding, region) in enumerate(_located(report.findings), start=1):
            results.extend(_label_studio_regions(number, finding, region, report.item.size))
    prediction: dict[str, Any] = {"model_version": "gadet", "result": results}
    if report.score is not None:
        prediction["score"] = report.score
    return {
        "data": {
            "image": image or report.item.source or report.item.name,
            "name": report.item.name,
            "verdict": report.verdict,
            "score": report.score,
        },
        "predictions": [prediction],
    }


def label_studio_config(labels: Iterable[str]) -> str:
    """The labelling interface that the tasks of `to_label_studio` fit, as Label Studio's XML.

    Args:
        labels: Names of defects to offer; those of the findings must be among them.
    """
    names = sorted(set(labels))
    options = "".join(
        f'\n    <Label value="{html.escape(name)}" background="{_PALETTE[i % len(_PALETTE)]}"/>'
        for i, name in enumerate(names)
    )
    choices = "".join(f'\n    <Choice value="{verdict}"/>' for verdict in _JUDGED)
    return (
        "<View>\n"
        '  <Image name="image" value="$image" zoom="true"/>\n'
        f'  <Choices name="verdict" toName="image" showInLine="true">{choices}\n  </Choices>\n'
        f'  <RectangleLabels name="box" toName="image">{options}\n  </RectangleLabels>\n'
        f'  <BrushLabels name="brush" toName="image">{options}\n  </BrushLabels>\n'
        "</View>\n"
    )


def mask_png(report: Exportable, *, number: int | None = None) -> bytes:
    """The findings of a picture as a PNG mask: 8-bit grey, 255 inside, 0 outside, native size.

    Args:
        report: What to export.
        number: Of one finding alone, counted from 1; None puts all into one mask.

    Raises:
        LocalizationError: The item was not judged, is no picture of known size, or something was
            found in it that has no place: an empty mask would say "clean". Or there is no finding
            of that number.
    """
    findings = report.findings
    if number is not None:
        if not 1 <= number <= len(findings):
            raise LocalizationError(
                f"a finding from 1 to {len(findings)} is needed for a mask of its own; got {number}"
            )
        findings = findings[number - 1 : number]
    reason = _why_no_picture(report)
    regions = _regions(findings)
    if not reason and not regions and report.verdict != "normal":
        reason = "no finding has a region"
    if reason or report.item.size is None:
        raise LocalizationError(
            f"a mask needs a judged picture with located findings; {report.item.name!r} has none: "
            f"{reason}. Use `findings` and `verdict` of the report instead"
        )
    array = _union(regions, report.item.size)
    buffer = io.BytesIO()
    Image.fromarray(array.astype(np.uint8) * 255).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _located(findings: Sequence[Finding]) -> list[tuple[Finding, ImageRegion]]:
    return [(found, found.region) for found in findings if isinstance(found.region, ImageRegion)]


def _regions(findings: Sequence[Finding]) -> list[ImageRegion]:
    return [region for _, region in _located(findings)]


def _file_name(report: Exportable) -> str:
    return report.item.source or report.item.name


def _why_no_picture(report: Exportable) -> str:
    """Why a report has no place in a set of judged pictures; empty when it has one."""
    if report.verdict not in _JUDGED:
        return f"its verdict is {report.verdict}"
    if report.item.modality != "image":
        return f"it is a {report.item.modality}, not a picture"
    if report.item.size is None:
        return "its size in pixels is not known"
    return ""


def _mask_of(region: ImageRegion, size: tuple[int, int]) -> Mask:
    """The pixels of a region in a picture of `size = (width, height)`."""
    shape = (size[1], size[0])
    if region.mask is None:
        return Mask.from_box(region.box, shape)
    if region.mask.size != shape:
        raise LocalizationError(
            f"a mask of the picture's size (height, width) = {shape} is needed; the finding's "
            f"mask has {region.mask.size}: lift it to native pixels with `Frame.mask_to_native`"
        )
    return region.mask


def _union(regions: Sequence[ImageRegion], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    whole = np.zeros((size[1], size[0]), dtype=bool)
    for region in regions:
        whole |= _mask_of(region, size).to_array()
    return whole


def _coco_shape(region: ImageRegion, size: tuple[int, int], *, polygons: bool) -> dict[str, Any]:
    box = region.box
    shape: dict[str, Any] = {"bbox": [box.x0, box.y0, box.width, box.height]}
    mask = _mask_of(region, size)
    rings = region.polygons if polygons or region.mask is None else ()
    if rings and not any(map(is_hole, rings)):
        corners = [[number for corner in ring for number in corner] for ring in rings]
        return shape | {"area": region.area, "segmentation": corners, "iscrowd": 0}
    encoded = {"size": list(mask.size), "counts": list(mask.counts)}
    return shape | {"area": mask.area, "segmentation": encoded, "iscrowd": 1}


def _label_studio_regions(
    number: int, finding: Finding, region: ImageRegion, size: tuple[int, int]
) -> list[dict[str, Any]]:
    """The rectangle of a finding, and its brush region when it has a mask."""
    common: dict[str, Any] = {
        "to_name": "image",
        "original_width": size[0],
        "original_height": size[1],
        "image_rotation": 0,
    }
    if finding.confidence is not None:
        common["score"] = finding.confidence
    box = region.box
    rectangle = common | {
        "id": f"finding-{number}-box",
        "from_name": "box",
        "type": "rectanglelabels",
        "value": {
            "x": 100 * box.x0 / size[0],
            "y": 100 * box.y0 / size[1],
            "width": 100 * box.width / size[0],
            "height": 100 * box.height / size[1],
            "rotation": 0,
            "rectanglelabels": [finding.label],
        },
    }
    if region.mask is None:
        return [rectangle]
    brush = common | {
        "id": f"finding-{number}-brush",
        "from_name": "brush",
        "type": "brushlabels",
        "value": {
            "format": "rle",
            "rle": _brush_rle(_mask_of(region, size).to_array()),
            "brushlabels": [finding.label],
        },
    }
    return [rectangle, brush]


def _brush_rle(mask: npt.NDArray[np.bool_]) -> list[int]:
    """Pack a mask `(H, W)` the way Label Studio stores brush strokes, as bytes.

    The packed values are the RGBA bytes of the mask in rows, 255 inside and 0 outside. After a
    header (32 bits count of values, 5 bits word size, four times 4 bits length of a run field) each
    run is a 1, two bits that choose the run field, the length, and the value; lengths and sizes
    are stored less one.

    Source: thi.ng/rle-pack, https://github.com/thi-ng/umbrella/tree/develop/packages/rle-pack
    """
    fields = (3, 4, 8, 16)
    flat = mask.ravel()
    starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))
    lengths = np.diff(np.concatenate((starts, [flat.size]))) * 4
    bits = [f"{flat.size * 4:032b}{8 - 1:05b}", *(f"{field - 1:04b}" for field in fields)]
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        value = "1" * 8 if flat[start] else "0" * 8
        left = length
        while left:
            run = min(left, 1 << fields[-1])
            index = next(i for i, field in enumerate(fields) if run <= 1 << field)
            bits.append(f"1{index:02b}{run - 1:0{fields[index]}b}{value}")
            left -= run
    packed = "".join(bits)
    packed += "0" * (-len(packed) % 8)
    return [int(packed[i : i + 8], 2) for i in range(0, len(packed), 8)]
