"""The mean accuracy of one group of runs with both sources of its noise, seeds and test images; and how far it lies
from a published figure, of which there is one number."""

from collections.abc import Sequence

import numpy as np

from core.spreads import Interval
from core.statistics.bounded import image_variance
from core.statistics.crossed import Marks, combined, paired_difference
from core.statistics.estimates import Estimate


def mean_accuracy(marks: Marks) -> Estimate:
    """Crossed random effects, as between two groups of which the other is right nowhere. (seeds, images), two at least
    of each."""
    return paired_difference(marks, np.zeros_like(marks)).both


def bounded_mean(accuracies: Sequence[float], num_images: int) -> Estimate:
    """The same where only the accuracies are known: the images' noise is an upper bound."""
    images = Estimate(float(np.mean(accuracies)), image_variance(accuracies, num_images), num_images - 1)
    return combined(images, [float(np.var(accuracies, ddof=1))], [len(accuracies)]).both


def apart(one: float, own: Interval, other: float, theirs: Interval) -> Interval:
    """Of one figure less another, each with its own interval: from each side's distance to its limits, squared and
    added (Newcombe 1998, Statistics in Medicine 17:873, method 10; Zou & Donner 2008, same journal 27:1693). It takes
    the two as independent; on the same test images they are not, and it is too wide."""
    low = ((one - own.low) ** 2 + (theirs.high - other) ** 2) ** 0.5
    high = ((own.high - one) ** 2 + (other - theirs.low) ** 2) ** 0.5
    return Interval(one - other - low, one - other + high)
