"""Rank tests over seeds: shown beside a verdict and never deciding it, since with few seeds they cannot reach 5 %."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RankTest:
    """`floor` is the least p that so many seeds can give, all of one side above all of the other."""

    name: str
    p: float
    floor: float


def signed_ranks(differences: Sequence[float]) -> RankTest:
    """Wilcoxon's (1945, Biometrics Bulletin 1:80) over pairs of the same seed, exact: over all signs of the ranks
    at hand, ties sharing their mean rank, zero differences left out."""
    present = np.array([difference for difference in differences if difference])
    ranks = _doubled_ranks(np.abs(present))
    ways = _sums(ranks, None)
    p = _two_sided(ways, int(ranks[present > 0].sum())) if len(present) else 1.0
    return RankTest("Wilcoxon signed-rank, exact", p, 0.5 ** (len(differences) - 1))


def rank_sums(one: Sequence[float], other: Sequence[float]) -> RankTest:
    """Mann and Whitney's (1947, Annals of Mathematical Statistics 18:50) over two sets of seeds, exact: over all
    choices of as many of the pooled ranks, ties sharing their mean rank."""
    ranks = _doubled_ranks(np.array([*one, *other]))
    p = _two_sided(_sums(ranks, len(one)), int(ranks[: len(one)].sum()))
    return RankTest("Mann-Whitney, exact", p, min(1.0, 2 / comb(len(ranks), len(one))))


def _doubled_ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Twice the mean rank of each, from 1: whole numbers."""
    below = (values[:, None] > values[None, :]).sum(1)
    same = (values[:, None] == values[None, :]).sum(1)
    return np.asarray(2 * below + same + 1, np.int64)


def _sums(ranks: NDArray[np.int64], size: int | None) -> NDArray[np.float64]:
    """How many subsets, all of them or those of `size`, have each sum, as a share of them all."""
    ways = np.zeros((1 if size is None else size + 1, int(ranks.sum()) + 1))
    ways[0, 0] = 1.0
    for rank in map(int, ranks):
        with_it = np.zeros_like(ways)
        if size is None:
            with_it[:, rank:] = ways[:, : ways.shape[1] - rank]
        else:
            with_it[1:, rank:] = ways[:-1, : ways.shape[1] - rank]
        ways = ways + with_it
    return np.asarray(ways[-1] / ways[-1].sum())


def _two_sided(shares: NDArray[np.float64], seen: int) -> float:
    return float(min(1.0, 2 * min(shares[: seen + 1].sum(), shares[seen:].sum())))
