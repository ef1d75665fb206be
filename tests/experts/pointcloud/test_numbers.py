"""The number routines of the point-cloud expert against slow versions of them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.experts.pointcloud.alone import AROUND, open_sides
from gadet.experts.pointcloud.candidate import oriented_box
from gadet.experts.pointcloud.cells import thinned
from gadet.experts.pointcloud.descriptors import descriptors
from gadet.experts.pointcloud.evened import FAR, MOST_UNEVEN, Doubt, Evened, evened
from gadet.experts.pointcloud.facts import number
from gadet.experts.pointcloud.gaps import FADE, RIM, ROAM, gaps
from gadet.experts.pointcloud.jets import NEIGHBOURS, STIFF, jet_normals
from gadet.experts.pointcloud.jets import WIDTH as QUADRIC
from gadet.experts.pointcloud.lenses import boundary, chi_level
from gadet.experts.pointcloud.memory import nearest_distances
from gadet.experts.pointcloud.norm import norm_of
from gadet.experts.pointcloud.regions import parts_of
from gadet.experts.pointcloud.registration import moved, rigid, step
from gadet.experts.pointcloud.sheets import LINKS, STEPS, partakers, sheets
from gadet.experts.pointcloud.surface import NEAREST, WIDTH, own_spacing, surface_of
from gadet.media.pointcloud.render.normals import relief
from tests.experts.pointcloud import naive
from tests.experts.pointcloud.made import ball, body, pose, seen

spatial = pytest.importorskip("scipy.spatial")
seeds = st.integers(0, 10_000)


def test_cells_hold_the_means_of_their_points() -> None:
    points = body(ball(3_000, 0))
    cells = thinned(points, 400)
    assert 200 <= len(cells.points) <= 400
    for row in range(0, len(cells.points), 37):
        inside = points[cells.home == row]
        assert len(inside) == cells.held[row]
        np.testing.assert_allclose(cells.points[row], inside.mean(axis=0))
    np.testing.assert_allclose(cells.mean(points), cells.points)
    assert thinned(points, 3_000).points is points


def test_descriptors_are_those_of_the_definition() -> None:
    points = body(ball(60, 1))
    normals = ball(60, 2)
    reach, near = spatial.cKDTree(points).query(points, k=9)
    fast = descriptors(points, normals, near, reach)
    slow = naive.histograms(points, normals, [list(row[1:]) for row in near])
    np.testing.assert_allclose(fast, slow, atol=1e-12)
    np.testing.assert_allclose(fast.reshape(60, 3, 11).sum(axis=2), 1.0)


def test_distances_from_the_surface_are_those_of_the_definition() -> None:
    surface = surface_of(body(ball(800, 3)))
    points = body(ball(20, 4)) * 1.02
    found = surface.offsets(points)
    for point, signed, site in zip(points, found.signed, found.site, strict=True):
        slow = naive.signed_distance(
            point, surface.sites, surface.normals, WIDTH * surface.spacing, NEAREST
        )
        assert signed == pytest.approx(slow, abs=1e-12)
        apart = np.linalg.norm(surface.sites - point, axis=1)
        assert site == apart.argmin()


def test_distances_are_better_than_those_to_planes_where_a_surface_bends() -> None:
    directions, points = ball(1_000, 3), ball(200, 4)
    surface = replace(surface_of(directions), normals=directions)
    near = directions[surface.tree.query(points, k=NEAREST)[1]]
    planes = ((points[:, None] - near) * near).sum(axis=2).mean(axis=1)
    assert np.median(np.abs(surface.offsets(points).signed)) < 0.1 * np.median(np.abs(planes))


def test_normals_are_those_of_the_best_quadric() -> None:
    points = body(ball(400, 5))
    first = ball(400, 5)
    tree = spatial.cKDTree(points)
    fast = jet_normals(points, first, 0.1, tree)
    for row in range(0, 400, 37):
        near = tree.query(points[row], k=NEIGHBOURS)[1]
        # A quadric turns with its plane, but for what holds it back from bending.
        slow = naive.quadric_normal(
            points[row], first[row], points[near], first[near], QUADRIC * 0.1, STIFF
        )
        assert fast[row] @ slow == pytest.approx(1.0, abs=1e-4)


def test_normals_of_a_quadric_are_nearer_than_those_of_a_plane() -> None:
    directions = ball(600, 6)
    flat = relief(directions).normals.astype(np.float64)
    tree = spatial.cKDTree(directions)
    bent = jet_normals(directions, flat, own_spacing(directions), tree)
    off = [np.median(np.linalg.norm(one - directions, axis=1)) for one in (flat, bent)]
    assert off[1] < off[0] / 3


def test_lone_points_keep_their_normal() -> None:
    points = np.array([[0.0, 0, 0], [100, 0, 0], [0, 100, 0], [100, 100, 3]])
    up = np.tile([0.0, 0.0, 1.0], (4, 1))
    np.testing.assert_allclose(jet_normals(points, up, 1.0, spatial.cKDTree(points)), up)


def test_points_of_the_surface_are_measured_against_the_others_alone() -> None:
    points = body(ball(400, 3))
    alone = surface_of(points)
    found = alone.offsets(points, thinned(points, 400))
    for row in range(0, 400, 41):
        left = np.arange(400) != row
        slow = naive.signed_distance(
            points[row], alone.sites[left], alone.normals[left], WIDTH * alone.spacing, NEAREST - 1
        )
        # The agreement of normals is that with the point's own one.
        assert found.signed[row] == pytest.approx(slow, abs=0.05 * alone.spacing)
    far = np.concatenate([points, [[50.0, 0, 0]]])
    lone = replace(alone, sites=far, normals=np.concatenate([alone.normals, [[1.0, 0, 0]]]),
                   tree=spatial.cKDTree(far))  # fmt: skip
    assert abs(lone.offsets(far, thinned(far, 401)).signed[-1]) > 10
    noisy = np.concatenate([seen(points, seed) for seed in range(4)])
    cells = thinned(noisy, 400)
    shared = surface_of(cells.points)
    spread = shared.offsets(noisy, cells).signed.std() / shared.offsets(noisy).signed.std()
    fresh = shared.offsets(seen(points, 9)).signed.std() / shared.offsets(noisy).signed.std()
    assert 1.0 < spread < 1.2 * fresh


def test_distances_are_positive_outside_and_grow_with_the_way() -> None:
    directions = ball(3_000, 5)
    surface = surface_of(directions)
    for way in (-0.05, 0.05, 0.2):
        off = surface.offsets(ball(50, 6) * (1 + way)).signed
        np.testing.assert_allclose(off, way, atol=0.01)


def test_averages_are_those_of_the_definition() -> None:
    points, normals = body(ball(80, 7)), ball(80, 8)
    values = np.random.default_rng(9).normal(size=80)
    fast = sheets(points, normals).spread(values, 1)
    np.testing.assert_allclose(fast, naive.neighbour_means(points, normals, values, LINKS))


@pytest.mark.parametrize("steps", STEPS)
def test_as_many_values_take_part_in_an_average_as_is_said(steps: int) -> None:
    directions = ball(20_000, 10)
    noise = np.random.default_rng(11).normal(size=(20_000, 4))
    left = sheets(directions, directions).spread(noise, steps)
    assert 1 / float(left.var()) == pytest.approx(partakers(steps), rel=0.1)


@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_a_rigid_motion_is_recovered(seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(2, 5, 3))
    motion = pose(seed)
    found = rigid(points, np.stack([moved(one, motion) for one in points]))
    np.testing.assert_allclose(found, np.stack([motion, motion]), atol=1e-8)
    np.testing.assert_allclose(np.linalg.det(found[:, :3, :3]), 1.0)


def test_a_step_takes_away_a_small_motion() -> None:
    directions = ball(2_000, 12)
    points = body(directions)
    surface = surface_of(points)
    turned = np.eye(4)
    turned[:3, :3] = np.linalg.qr(np.eye(3) + 0.01 * np.random.default_rng(1).normal(size=(3, 3)))[
        0
    ]
    turned[:3, :3] *= np.sign(np.diag(turned[:3, :3]))[:, None]
    turned[:3, 3] = [0.004, -0.003, 0.002]
    here = moved(points, turned)
    for _ in range(6):
        off = surface.offsets(here)
        here = moved(here, step(here, surface.normals[off.site], off.signed))
    assert np.linalg.norm(here - points, axis=1).max() < 0.1 * surface.spacing


def test_a_step_leaves_alone_what_nothing_holds() -> None:
    flat = np.random.default_rng(2).random((200, 3)) * [1, 1, 0]
    up = np.tile([0.0, 0.0, 1.0], (200, 1))
    found = step(flat, up, np.full(200, 0.3))
    np.testing.assert_allclose(moved(flat, found)[:, 2], -0.3, atol=1e-3)
    np.testing.assert_allclose(moved(flat, found)[:, :2], flat[:, :2], atol=1e-6)


@given(freedom=st.floats(5, 500), level=st.floats(-2.5, 4))
@settings(max_examples=50, deadline=None)
def test_squares_are_told_like_a_standard_normal_value(freedom: float, level: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    mean = stats.chi2.isf(stats.norm.sf(level), freedom) / freedom
    assert float(chi_level(np.array([mean]), freedom)[0]) == pytest.approx(level, abs=0.12)


def test_a_gap_is_told_to_the_points_around_it_alone() -> None:
    directions = ball(6_000, 13)
    surface = surface_of(directions)
    density = np.full(6_000, 6_000 / (4 * math.pi))
    points = ball(6_000, 14)
    away = np.arccos(np.clip(points[:, 2], -1, 1))
    points, away = points[away > 0.25], away[away > 0.25]
    site = surface.offsets(points).site
    found = gaps(surface, density, points, site)
    pole = int(directions[:, 2].argmax())
    nearest = np.linalg.norm(points - directions[pole], axis=1).min()
    assert nearest <= found.radius[pole] <= nearest + ROAM * surface.spacing
    assert found.radius.max() > 0.98 * 2 * math.sin(0.25 / 2)
    radius = found.radius[pole]
    nats = math.pi * density[0] * radius**2
    assert found.empty[pole] == pytest.approx(math.sqrt(2 * (nats - math.log(2 * (1 + nats)))))
    rim = away < 0.25 + RIM / math.sqrt(density[0]) / 2
    highest = found.empty.max()
    assert found.level[rim].min() > (1 - FADE) * 0.8 * highest
    assert found.level[away > 0.4].max() < 0.6 * highest


@pytest.mark.parametrize("seed", range(3))
def test_a_random_scatter_shows_no_gap_that_chance_does_not_explain(seed: int) -> None:
    surface = surface_of(ball(6_000, 20 + seed))
    points = ball(6_000, 30 + seed)
    density = np.full(6_000, 6_000 / (4 * math.pi))
    found = gaps(surface, density, points, surface.offsets(points).site)
    assert found.level.max() < boundary(6_000)
    # Two empty circles for each point, of x nats or more with chance (1 + x) exp(-x).
    for nats in (4.0, 6.0):
        circles = 2 * 6_000 * (1 + nats) * math.exp(-nats)
        holding = (math.pi * density[0] * found.radius**2 > nats).sum()
        assert 0.3 * circles < holding < 3 * circles


@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_variances_that_differ_by_chance_alone_are_told_alike(seed: int) -> None:
    rng = np.random.default_rng(seed)
    squares = rng.chisquare(20, size=2_000) / 20
    told = evened(squares, 2 / 20)
    assert told.share < 0.3
    assert told(squares).std() < 0.4 * squares.std()


@given(seed=seeds, spread=st.floats(1.0, 3.0))
@settings(max_examples=25, deadline=None)
def test_variances_that_truly_differ_are_believed(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    true = np.exp(spread * rng.normal(size=2_000))
    seen_ = true * rng.chisquare(20, size=2_000) / 20
    told = evened(seen_, 2 / 20)
    assert 0.7 < told.share <= MOST_UNEVEN
    assert np.corrcoef(np.log(told(seen_)), np.log(true))[0, 1] > 0.8


def test_a_single_high_variance_is_not_brought_down_to_the_others() -> None:
    variances = np.append(np.full(500, 1.0), 40.0)
    told = evened(variances, 0.1)(variances)
    assert told[0] == 1.0
    assert told[-1] == pytest.approx(40 / math.exp(FAR * math.sqrt(0.1)))


def test_few_variances_are_told_alike_whatever_they_are() -> None:
    variances = np.geomspace(0.5, 2.0, 8)
    assert evened(variances, 0.1).share == 0.0


def test_doubt_is_what_the_nearest_sites_disagree_by_and_the_noise() -> None:
    doubt = Doubt(scale=2.0, noise=0.5, evened=Evened(usual=2.0, share=0.5, most=4.0))
    np.testing.assert_allclose(doubt(np.array([0.0, 1.0, 100.0])), [1.25, 2.25, 101.25])
    alike = doubt._replace(evened=Evened(usual=2.0, share=0.0, most=4.0))
    np.testing.assert_allclose(alike(np.array([0.0, 1.0, 100.0])), [2.0, 2.0, 200.5 / 4])


@pytest.mark.parametrize("seed", range(3))
def test_an_evenly_noisy_plane_is_told_to_be_even(seed: int) -> None:
    rng = np.random.default_rng(seed)
    norm = norm_of([np.c_[rng.random((6_000, 2)), rng.normal(0, 0.002, 6_000)]])
    assert norm.doubt.evened.share < 0.1
    assert np.median(norm.variance) < 2 * np.quantile(norm.variance, 0.01)
    assert np.mean(np.abs(norm.variance / norm.noise - 1) < 0.01) > 0.7


def test_open_sides_are_those_of_the_definition() -> None:
    points = ball(300, 15)
    levels = open_sides(points, points)
    for row in range(0, 300, 23):
        apart = np.linalg.norm(points - points[row], axis=1)
        others = points[np.argsort(apart)[1 : AROUND + 1]]
        share = naive.widest_side(points[row], points[row], others) / (2 * math.pi)
        nats = -math.log(AROUND * (1 - share) ** (AROUND - 1))
        assert levels[row] == pytest.approx(math.sqrt(2 * max(nats, 0.0)), abs=1e-6)


def test_nearest_distances_are_those_of_all_pairs() -> None:
    rng = np.random.default_rng(16)
    rows, bank = rng.random((30, 66)), rng.random((50, 66)).astype(np.float32)
    slow = [min(math.dist(row, one) for one in bank) for row in rows]
    np.testing.assert_allclose(nearest_distances(rows, bank), slow, atol=1e-5)


def test_parts_hang_together_and_are_apart() -> None:
    grid = np.stack(np.meshgrid(np.arange(20.0), np.arange(20.0), [0.0]), axis=-1).reshape(-1, 3)
    left = (grid[:, 0] < 5) & (grid[:, 1] < 5)
    right = (grid[:, 0] > 14) & (grid[:, 1] < 3)
    alone = (grid[:, 0] == 10) & (grid[:, 1] == 15)
    found = parts_of(grid, left | right | alone, 1.0)
    assert [set(part) for part in found] == [
        set(np.flatnonzero(left)), set(np.flatnonzero(right))
    ]  # fmt: skip
    assert parts_of(grid, alone, 1.0) == []


@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_an_oriented_box_holds_its_points_whatever_their_pose(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = np.array([[x, y, z] for x in (-3, 3) for y in (-2, 2) for z in (-1, 1)], float)
    points = moved(np.concatenate([corners, corners * rng.random((8, 1))]), pose(seed))
    box = oriented_box(points)
    along = (points - box.centre) @ box.axes.T
    assert (np.abs(along) <= box.sides / 2 + 1e-9).all()
    np.testing.assert_allclose(box.axes @ box.axes.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(box.axes) == pytest.approx(1)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.2345, "1.23"), (0.004567, "0.00457"), (12345.6, "12346"), (0.0, "0"), (-2.5, "-2.5"),
     (float("nan"), "0"), (100.0, "100")],
)  # fmt: skip
def test_numbers_are_told_with_three_digits(value: float, text: str) -> None:
    assert number(value) == text
