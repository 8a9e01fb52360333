"""The difference between two groups of which only the accuracies are known: the images' noise is then a bound."""

from collections.abc import Sequence

import numpy as np

from core.statistics.crossed import Difference, combined
from core.statistics.estimates import Estimate, t_quantile, wilson


def bounded_difference(one: Sequence[float], other: Sequence[float], num_images: int, *, is_paired: bool) -> Difference:
    """Student's or Welch's variance over seeds, and for the images that of two independent proportions, each from the
    width of its Wilson interval (Newcombe 1998, Statistics in Medicine 17:873, method 10). Networks that err on the
    same images differ by less than independent ones, so it is too large, and a winner is named too seldom."""
    difference = float(np.mean(one) - np.mean(other))
    variance = image_variance(one, num_images) + image_variance(other, num_images)
    sides = [np.subtract(one, other)] if is_paired else [np.asarray(one), np.asarray(other)]
    return combined(
        Estimate(difference, variance, num_images - 1),
        [float(side.var(ddof=1)) for side in sides],
        [len(side) for side in sides],
    )


def image_variance(accuracies: Sequence[float], num_images: int) -> float:
    """Of their mean by the test images alone, at most: that of one proportion, from its Wilson interval."""
    low, high = wilson(float(np.mean(accuracies)) * num_images, num_images)
    return ((high - low) / 2 / t_quantile(0.975, np.inf)) ** 2
