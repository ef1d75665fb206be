"""Propose regions, number them, and point at one in every way a model can.

python examples/find_regions.py [PICTURE [GOOD ...]]

Without arguments it takes a sample that ships. Writes marked.png and region.png.
"""

import sys
from pathlib import Path

from PIL import Image

from gadet import BoxFormat, ViewLimits, samples
from gadet.experts.image import ImageExpert
from gadet.localize.base import Pointer, Scene
from gadet.localize.image import ImageLocalizer
from gadet.media.base import LoadLimits
from gadet.media.image import ImageAdapter
from gadet.outlines import outlines


def main() -> None:
    case = samples.load("circuit-board")
    item = Path(sys.argv[1]) if len(sys.argv) > 1 else case.item
    good = [Path(name) for name in sys.argv[2:]] if len(sys.argv) > 1 else case.references

    adapter, limits = ImageAdapter(), ViewLimits(max_side=1024)
    sample = adapter.load(item, LoadLimits())
    evidence = ImageExpert().assess(sample, [adapter.load(one, LoadLimits()) for one in good])

    localizer = ImageLocalizer()  # ImageLocalizer(load_segmenter(…)) adds Segment Anything
    regions = localizer.propose(sample, evidence, most=12)
    for number, region in enumerate(regions, start=1):
        print(f"{number:>3}  {region.score:.2f}  {region.label}: {region.sentence}")
    # With closer looks (zoom=…) more regions are proposed, under coarse marks where need be.
    for mark in localizer.propose_nested(sample, evidence, most=12):
        if parts := localizer.parts_of(mark):
            print(f"coarse mark: {mark.label}, {len(parts)} regions inside")

    views = sample.views(limits)
    (marked,) = localizer.mark(sample, views, regions, limits)
    marked.picture.save("marked.png")

    # An answer points by a mark, a box, a point or words; all end in native pixels.
    scene = Scene(sample, views, BoxFormat(), regions, evidence)
    ways = (
        Pointer(mark=1),
        Pointer(mark=99, box=(100, 100, 400, 400)),  # no such mark: noted, and the box is used
        Pointer(point=(500, 500)),
        Pointer(place="upper left"),
    )
    for way in ways:
        region, notes = localizer.locate(way, scene)
        rings = outlines(region.mask) if region and region.mask else ()
        print(way, region and region.box, f"{len(rings)} outlines", *notes, sep="\n    ")

    first, _ = localizer.locate(Pointer(mark=1), scene)
    if first and first.mask:
        Image.fromarray(first.mask.to_array()).save("region.png")


if __name__ == "__main__":
    main()
