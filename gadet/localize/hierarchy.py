"""Regions within regions: pieces of a picture joined two by two, the most alike first.

Source: Ward, *Hierarchical Grouping to Optimize an Objective Function*,
https://doi.org/10.1080/01621459.1963.10500845, restricted to neighbours in the picture.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gadet.experts.filters import resize
from gadet.localize.proposal import Proposal
from gadet.localize.superpixels import Pieces, cut

__all__ = ["Tree", "grow", "nested_regions"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

SIDE = 4
"""Side of a piece in pixels."""
WEIGHTS = np.array([1.0, 1.0, 1.0, 4.0])
"""L*, a*, b* and roughness; textures differ little in roughness, so it counts more."""
LEAST = 6
LARGEST_SHARE = 0.6
MOST = 120
JUST_SEEN = 4.0
"""Variation below which two regions cannot be told apart anyway."""


@dataclass(frozen=True, eq=False)
class Tree:
    """Pieces `0 … N - 1` and the nodes `N … 2N - 2` that join two each; the last is all.

    Attributes:
        pieces: What was joined.
        order: `(N,)` int, the pieces such that those of every node stand together.
        starts: `(2N - 1,)` int, where the pieces of a node start in `order`.
        ends: `(2N - 1,)` int, where they end, excluded.
        parents: `(2N - 1,)` int, the node that a node went into; the last is its own parent.
        costs: `(2N - 1,)` float64, what joining to that node cost; 0 for pieces.
    """

    pieces: Pieces = field(repr=False)
    order: IntArray = field(repr=False)
    starts: IntArray = field(repr=False)
    ends: IntArray = field(repr=False)
    parents: IntArray = field(repr=False)
    costs: FloatArray = field(repr=False)

    def members(self, node: int) -> IntArray:
        """The pieces of a node."""
        return self.order[self.starts[node] : self.ends[node]]

    def mask(self, node: int) -> npt.NDArray[np.bool_]:
        """The pixels `(H, W)` of a node."""
        chosen = np.zeros(len(self.order), dtype=bool)
        chosen[self.members(node)] = True
        return chosen[self.pieces.labels]

    def sums(self, values: FloatArray) -> FloatArray:
        """The sum of a value of each piece `(N,)` or `(N, C)` over each node."""
        running = np.concatenate((np.zeros_like(values[:1]), np.cumsum(values[self.order], axis=0)))
        return np.asarray(running[self.ends] - running[self.starts])


def grow(pieces: Pieces, weights: FloatArray | None = None) -> Tree:
    """Join neighbouring pieces until one is left.

    Args:
        pieces: What to join.
        weights: `(C,)`, how much each feature counts; None counts all alike.
    """
    count = len(pieces.sizes)
    means = pieces.means if weights is None else pieces.means * weights
    total = 2 * count - 1
    sizes, sums = [0.0] * total, [np.zeros(means.shape[1])] * total
    for i in range(count):
        sizes[i], sums[i] = float(pieces.sizes[i]), means[i]
    neighbours: list[set[int]] = [set() for _ in range(total)]
    for a, b in pieces.links.tolist():
        neighbours[a].add(b)
        neighbours[b].add(a)

    def cost(a: int, b: int) -> float:
        gap = sums[a] - sums[b]
        return float(gap @ gap) * sizes[a] * sizes[b] / (sizes[a] + sizes[b])

    heap = [(cost(a, b), a, b) for a, b in pieces.links.tolist()]
    heapq.heapify(heap)
    parents, children = np.arange(total), np.zeros((total, 2), dtype=np.intp)
    costs = np.zeros(total)
    node = count
    while node < total:
        price, a, b = heapq.heappop(heap)
        if parents[a] != a or parents[b] != b:
            continue
        sizes[node] = sizes[a] + sizes[b]
        sums[node] = (sums[a] * sizes[a] + sums[b] * sizes[b]) / sizes[node]
        parents[a] = parents[b] = node
        children[node] = a, b
        costs[node] = price
        near = (neighbours[a] | neighbours[b]) - {a, b}
        for other in near:
            neighbours[other] -= {a, b}
            neighbours[other].add(node)
            heapq.heappush(heap, (cost(other, node), other, node))
        neighbours[node] = near
        node += 1
    starts, ends = np.zeros(total, dtype=np.intp), np.zeros(total, dtype=np.intp)
    widths = np.ones(total, dtype=np.intp)
    for i in range(count, total):
        widths[i] = widths[children[i, 0]] + widths[children[i, 1]]
    ends[total - 1] = count
    for i in range(total - 1, count - 1, -1):
        a, b = children[i]
        starts[a], ends[a] = starts[i], starts[i] + widths[a]
        starts[b], ends[b] = starts[i] + widths[a], ends[i]
    order = np.zeros(count, dtype=np.intp)
    order[starts[:count]] = np.arange(count)
    return Tree(pieces, order, starts, ends, parents, costs)


def nested_regions(
    features: npt.NDArray[np.float32], score_map: npt.NDArray[np.float32]
) -> list[Proposal]:
    """The nodes of the tree of a picture that stand out most, small and large.

    Args:
        features: `(H, W, C)` float32, as `features_of` gives them.
        score_map: `(H, W)` float32 in [0, 1], what the expert makes of it.
    """
    tree = grow(cut(features, SIDE), WEIGHTS)
    pieces = tree.pieces
    sizes = tree.sums(pieces.sizes)
    share = sizes / sizes[-1]
    # What joining two nodes costs is their distance, weighed by their sizes; what it cost to build
    # a node is the variation within it.
    sibling = np.maximum(sizes[tree.parents] - sizes, 1)
    apart = np.sqrt(tree.costs[tree.parents] * (sizes + sibling) / (sizes * sibling))
    within = np.zeros(len(sizes))
    for node in range(len(pieces.sizes), len(sizes)):
        within[node] += tree.costs[node]
        if tree.parents[node] != node:
            within[tree.parents[node]] += within[node]
    evidence = tree.sums(pieces.mean_of(resize(score_map, pieces.labels.shape)) * pieces.sizes)
    evidence /= sizes * max(float(score_map.max()), 1e-6)
    strength = np.sqrt(evidence + 0.01) * apart / np.sqrt(within / sizes + JUST_SEEN)
    strength[(sizes < LEAST) | (share > LARGEST_SHARE)] = 0
    best = np.argsort(-strength, kind="stable")[:MOST]
    return [
        Proposal.of("superpixels", float(strength[node]), tree.mask(int(node)))
        for node in best
        if strength[node] > 0
    ]
