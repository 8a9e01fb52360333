"""The difference between two groups of runs that saw the same test images, with both sources of its noise.

Seeds and images are crossed random effects: each seed's network judges each image, and both would be others the next
time. It is the design of studies in which readers judge cases (Dorfman, Berbaum & Metz 1992, Investigative Radiology
27:723; Hillis, Berbaum & Metz 2008, Academic Radiology 15:647), with seeds for readers and images for cases. Variance
components by the method of moments (Searle, Casella & McCulloch 1992, Variance Components, chapter 4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.statistics.estimates import Estimate

Marks = NDArray[Any]  # (seeds, images), 1 where the network was right; any integer or boolean type


@dataclass(frozen=True)
class Difference:
    """One side less the other, in fractions: `seeds_only` takes the test images as given, `images_only` the trained
    networks, `both` neither."""

    both: Estimate
    seeds_only: Estimate
    images_only: Estimate
    is_paired: bool
    num_seeds: tuple[int, int]
    num_images: int
    seed_noise: tuple[float, ...]  # s² of the seeds' means, or what the residual alone makes of it: of pairs, or sides
    image_noise: float  # the variance that remains however many seeds there are


def paired_difference(one: Marks, other: Marks) -> Difference:
    """Row s of both has the same seed. With D their difference, S × N: s²(row means)/S + s²(column means)/N −
    s²(residual)/(S·N), floored at the larger of the first two, since the moments may subtract more than there is;
    degrees of freedom by Satterthwaite (1946, Biometrics Bulletin 2:110). S and N are two at least."""
    table = _table(one.astype(np.int8) - other.astype(np.int8))
    return _difference([table], table.mean, table.columns)


def unpaired_difference(one: Marks, other: Marks) -> Difference:
    """The same where the seed sets differ, as Welch (1947, Biometrika 34:28) for two means: each side brings the
    variance of its own rows and its own residual; the images, which both sides saw, stay paired."""
    sides = [_table(one), _table(other)]
    columns = sides[0].columns - sides[1].columns
    return _difference(sides, sides[0].mean - sides[1].mean, columns)


@dataclass(frozen=True)
class _Table:
    """Rows are seeds, columns images: the mean of all, how many rows, s² of their means, the columns' means, and s² of
    what neither explains."""

    mean: float
    num_rows: int
    spread: float
    columns: NDArray[np.float64]
    residual: float


def _table(values: Marks) -> _Table:
    """From sums of whole numbers, which are exact: no S × N array of floats is made, and equal shares are equal."""
    num_rows, num_columns = values.shape
    row_sums, column_sums = values.sum(1, dtype=np.int64), values.sum(0, dtype=np.int64)
    total, squares = int(row_sums.sum()), int(np.count_nonzero(values))  # all are -1, 0 or 1
    size = num_rows * num_columns
    # SS(residual) · S · N, in whole numbers: SS(total) − SS(rows) − SS(columns)
    rest = (
        squares * size + total**2 - num_rows * int((row_sums**2).sum()) - num_columns * int((column_sums**2).sum())
    )  # fmt: skip
    residual = rest / size / ((num_rows - 1) * (num_columns - 1))
    spread = float(row_sums.var(ddof=1)) / num_columns**2
    return _Table(total / size, num_rows, spread, column_sums / num_rows, residual)


def _difference(tables: Sequence[_Table], value: float, columns: NDArray[np.float64]) -> Difference:
    num_images = len(columns)
    images = Estimate(value, float(columns.var(ddof=1)) / num_images, num_images - 1)
    sizes = [table.num_rows for table in tables]
    rests = [table.residual / size / num_images for table, size in zip(tables, sizes, strict=True)]
    return combined(images, [table.spread for table in tables], sizes, rests)


def combined(
    images: Estimate, spreads: Sequence[float], sizes: Sequence[int], rests: Sequence[float] = (0.0, 0.0)
) -> Difference:
    """Out of the images' estimate; s² of the seeds' means and their number, of the pairs or of each side; and what both
    hold of the residual."""
    num_images = int(images.degrees) + 1
    seeds = [spread / size for spread, size in zip(spreads, sizes, strict=True)]
    variance = max(sum(seeds) + images.variance - sum(rests), sum(seeds), images.variance)
    from_seeds = sum(part**2 / (size - 1) for part, size in zip(seeds, sizes, strict=True))
    from_rests = sum(part**2 / ((size - 1) * (num_images - 1)) for part, size in zip(rests, sizes, strict=False))
    least = [rest * size for rest, size in zip(rests, sizes, strict=False)]  # of s² over seeds, whose images vary
    degrees = _degrees(variance, from_seeds + images.variance**2 / images.degrees + from_rests)
    return Difference(
        both=Estimate(images.value, variance, degrees),
        seeds_only=Estimate(images.value, sum(seeds), _degrees(sum(seeds), from_seeds)),
        images_only=images,
        is_paired=len(sizes) == 1,
        num_seeds=(sizes[0], sizes[-1]),
        num_images=num_images,
        seed_noise=tuple(max(both) for both in zip(spreads, least, strict=True)),
        image_noise=max(0.0, images.variance - sum(rests)),
    )


def _degrees(variance: float, parts: float) -> float:
    """Satterthwaite's; 1 where nothing varied."""
    return variance**2 / parts if parts > 0 else 1.0
