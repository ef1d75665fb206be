"""Who may ask, what is kept, and what is refused."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from gadet.errors import ConfigurationError, InputError
from gadet.geometry import Box
from gadet.localize.sam import Automatic, SamSegmenter, Segmenter
from gadet.localize.sam.looks import LONGEST_LOOK
from tests.localize.sam.fake import ColourNetwork, torch
from tests.localize.sam.support import picture
from tests.localize.sam.test_automatic import spots

BOX = Box.of(10, 20, 70, 90)


def test_a_picture_is_encoded_once_whatever_is_asked() -> None:
    network = ColourNetwork()
    segmenter: Segmenter = SamSegmenter(network)
    pixels = picture()
    segmenter.in_box(pixels, BOX)
    segmenter.at_points(pixels.copy(), [(5, 5)], [1])
    segmenter.propose(pixels)
    assert network.encoded == 1
    segmenter.in_box(picture(seed=1), BOX)
    assert network.encoded == 2


def test_embeddings_are_kept_within_the_bound_the_oldest_goes() -> None:
    network = ColourNetwork()
    segmenter = SamSegmenter(network, cache_bytes=2 * network.embedding_bytes + 1)
    for seed in (0, 1, 0, 2, 0):
        segmenter.in_box(picture(seed=seed), BOX)
    assert network.encoded == 3
    segmenter.in_box(picture(seed=1), BOX)
    assert network.encoded == 4
    assert len(segmenter._embeddings) == 2


def test_without_a_cache_a_picture_is_still_encoded_once_a_call() -> None:
    network = ColourNetwork()
    segmenter = SamSegmenter(network, cache_bytes=0)
    segmenter.propose(spots((128, 128), (10, 10, 40, 40)))
    assert network.encoded == 1
    assert network.decoded > 1


def test_threads_take_turns_and_get_what_one_alone_gets(segmenter: SamSegmenter) -> None:
    pictures = [picture(seed=seed) for seed in range(4)]
    asked: list[Callable[[Any], Any]] = [
        lambda pixels: segmenter.in_box(pixels, BOX),
        lambda pixels: segmenter.at_points(pixels, [(40, 60)], [1]),
        lambda pixels: segmenter.at_points(pixels, [(40, 60), (90, 20)], [1, 0]),
    ]
    jobs = [(ask, pixels) for pixels in pictures for ask in asked] * 3
    alone = [ask(pixels).rle for ask, pixels in jobs]
    segmenter._embeddings._values.clear()
    start = threading.Barrier(8)

    def work(job: tuple[Callable[[Any], Any], np.ndarray]) -> Any:
        return job[0](job[1]).rle

    with ThreadPoolExecutor(8, initializer=start.wait) as pool:
        together = list(pool.map(work, jobs))
    assert together == alone


def test_the_network_is_never_used_by_two_at_once() -> None:
    network = ColourNetwork()
    segmenter = SamSegmenter(network)
    pixels = spots((128, 128), (10, 10, 60, 60))
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(6) as pool:
            done = list(pool.map(lambda _: len(segmenter.propose(pixels)), range(6)))
    finally:
        sys.setswitchinterval(before)
    assert done == [1] * 6
    assert network.encoded == 1
    assert network.crowd == 0


def test_an_encoder_that_fails_fails_again_and_harms_no_other() -> None:
    network = ColourNetwork()
    segmenter = SamSegmenter(network)
    encode = network.encode

    def broken(pixels: np.ndarray) -> Any:
        raise RuntimeError("out of memory")

    network.encode = broken  # type: ignore[method-assign]
    for _ in range(2):
        with pytest.raises(RuntimeError, match="out of memory"):
            segmenter.in_box(picture(), BOX)
    network.encode = encode  # type: ignore[method-assign]
    assert segmenter.in_box(picture(), BOX) is not None


def test_a_small_region_of_a_large_picture_is_seen_from_near() -> None:
    pixels = spots((5000, 3000), (4003, 1001, 4043, 1031))
    segmenter = SamSegmenter(ColourNetwork(1024))
    wanted = Box.of(4003, 1001, 4043, 1031)
    for found in (
        segmenter.in_box(pixels, wanted.padded(4)),
        segmenter.at_points(pixels, [(4023, 1016)], [1]),
    ):
        assert found is not None
        assert found.box.iou(wanted) > 0.6
        assert found.mask.shape == (3000, 5000)
        # Kept as its window, not as the picture.
        assert found.nbytes < 1000


def test_a_large_box_of_a_large_picture_is_seen_whole() -> None:
    pixels = spots((5000, 3000), (500, 300, 3500, 2000))
    found = SamSegmenter(ColourNetwork(1024)).in_box(pixels, Box.of(480, 280, 3510, 2010))
    assert found is not None
    assert found.box.iou(Box.of(500, 300, 3500, 2000)) > 0.95
    assert found.nbytes <= LONGEST_LOOK**2 // 8


@pytest.mark.parametrize("box", [(-50, -50, -1, -1), (200, 3, 300, 9), (0, 128, 9, 140)])
def test_a_box_outside_the_picture_means_nothing(box: tuple[int, int, int, int]) -> None:
    assert SamSegmenter(ColourNetwork()).in_box(picture(), Box.of(*box)) is None


def test_a_box_that_reaches_outside_is_cut() -> None:
    pixels = spots((128, 128), (90, 90, 128, 128))
    segmenter = SamSegmenter(ColourNetwork())
    reaching = segmenter.in_box(pixels, Box.of(90, 90, 500, 700))
    assert reaching.rle == segmenter.in_box(pixels, Box.of(90, 90, 128, 128)).rle


def test_a_region_that_the_network_does_not_see_is_none() -> None:
    network = ColourNetwork()
    decode = network.decode

    def blind(*args: Any, **options: Any) -> Any:
        logits, quality = decode(*args, **options)
        return torch.full_like(logits, -1.0), quality

    network.decode = blind  # type: ignore[method-assign]
    segmenter = SamSegmenter(network)
    assert segmenter.in_box(picture(), BOX) is None
    assert segmenter.at_points(picture(), [(4, 4)], [1]) is None
    assert segmenter.propose(picture()) == ()


def test_numbers_that_overflowed_are_no_region() -> None:
    network = ColourNetwork()
    decode = network.decode

    def overflown(*args: Any, **options: Any) -> Any:
        return tuple(part * torch.nan for part in decode(*args, **options))

    network.decode = overflown  # type: ignore[method-assign]
    segmenter = SamSegmenter(network)
    assert segmenter.in_box(picture(), BOX) is None
    assert segmenter.propose(picture()) == ()


@pytest.mark.parametrize(
    ("points", "labels", "message"),
    [
        ([], [], "1 to 64 points"),
        ([(1, 2)], [1, 1], "1 to 64 points"),
        ([(1, 2)] * 65, [1] * 65, "1 to 64 points"),
        ([(1, 2, 3)], [1], "1 to 64 points"),
        ([(1, 2)], 1, "1 to 64 points"),
        ([(1, 2), (3,)], [1, 1], "got others"),
        ([("a", "b")], [1], "got others"),
        ([(1, 2)], [2], "labels are 1"),
        ([(1, 2)], [0], "at least one of them 1"),
        ([(1, 2)], [float("nan")], "labels are 1"),
        ([(128.1, 2)], [1], "inside the picture of 128 × 128"),
        ([(-0.1, 2)], [1], "inside the picture"),
        ([(float("nan"), 2)], [1], "inside the picture"),
        ([(float("inf"), 2)], [1], "inside the picture"),
    ],
)
def test_points_that_mean_nothing_are_refused(points: Any, labels: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SamSegmenter(ColourNetwork()).at_points(picture(), points, labels)


@pytest.mark.parametrize("size", [(128, 128), (3000, 2500)])
def test_a_point_on_the_far_corner_is_in_the_picture(size: tuple[int, int]) -> None:
    network = ColourNetwork()
    whole = (float(size[0]), float(size[1]))
    found = SamSegmenter(network).at_points(spots(size), [whole, (9.0, 9.0)], [0, 1])
    assert found is not None


def test_what_is_no_picture_is_refused_by_every_verb() -> None:
    segmenter, grey = SamSegmenter(ColourNetwork()), np.zeros((4, 4), dtype=np.uint8)
    for ask in (
        lambda: segmenter.propose(grey),
        lambda: segmenter.in_box(grey, BOX),
        lambda: segmenter.at_points(grey, [(1, 1)], [1]),
    ):
        with pytest.raises(InputError, match="needs pixels"):
            ask()


def test_a_cache_of_less_than_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="cache_bytes must be zero or more; got -1"):
        SamSegmenter(ColourNetwork(), cache_bytes=-1)


def test_what_is_looked_for_can_be_read_and_set() -> None:
    automatic = Automatic(most=7)
    assert SamSegmenter(ColourNetwork(), automatic=automatic).automatic is automatic
    assert SamSegmenter(ColourNetwork()).automatic == Automatic()
