"""Rank tests over seeds: shown beside a verdict and never deciding it, since with few seeds they cannot reach 5 %."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy import special

MOST_EXACT = 50  # seeds of all: of 200 the sums of ranks would take a minute and hundreds of MiB


@dataclass(frozen=True)
class RankTest:
    """`floor` is the least p that so many seeds can give, all of one side above all of the other."""

    name: str
    p: float
    floor: float


def signed_ranks(differences: Sequence[float]) -> RankTest:
    """Wilcoxon's (1945, Biometrics Bulletin 1:80) over pairs of the same seed, exact: over all signs of the ranks
    at hand, ties sharing their mean rank, zero differences left out. Of more than MOST_EXACT by their normal limit."""
    present = np.array([difference for difference in differences if difference])
    ranks, floor = _doubled_ranks(np.abs(present)), 0.5 ** (len(differences) - 1)
    seen = int(ranks[present > 0].sum())
    if len(present) > MOST_EXACT:
        return RankTest("Wilcoxon signed-rank, normal", _normal(seen, ranks.sum() / 2, (ranks**2).sum() / 4), floor)
    return RankTest("Wilcoxon signed-rank, exact", _two_sided(_sums(ranks, None), seen), floor)


def rank_sums(one: Sequence[float], other: Sequence[float]) -> RankTest:
    """Mann and Whitney's (1947, Annals of Mathematical Statistics 18:50) over two sets of seeds, exact: over all
    choices of as many of the pooled ranks, ties sharing their mean rank. Of more than MOST_EXACT by their normal
    limit."""
    ranks, size = _doubled_ranks(np.array([*one, *other])), len(one)
    seen, floor = int(ranks[:size].sum()), min(1.0, 2 / comb(len(ranks), size))
    if len(ranks) > MOST_EXACT:
        variance = size * len(other) / len(ranks) * ranks.var(ddof=1)  # of a sum drawn without putting back
        return RankTest("Mann-Whitney, normal", _normal(seen, size * ranks.mean(), variance), floor)
    return RankTest("Mann-Whitney, exact", _two_sided(_sums(ranks, size), seen), floor)


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


def _normal(seen: int, mean: float, variance: float) -> float:
    return float(2 * special.ndtr(-abs(seen - mean) / variance**0.5)) if variance else 1.0


def _two_sided(shares: NDArray[np.float64], seen: int) -> float:
    return float(min(1.0, 2 * min(shares[: seen + 1].sum(), shares[seen:].sum())))
