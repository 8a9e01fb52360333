"""One trained network against one other, on the same test images. It speaks of these two networks and not of what
they were trained by: seeds, which are the other half of the noise, do not occur in it."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from core.statistics.crossed import Marks
from core.statistics.estimates import Estimate


@dataclass(frozen=True)
class Disagreement:
    """Images that one of two networks reads right and the other does not."""

    only_one: int
    only_other: int
    num_images: int

    @property
    def difference(self) -> Estimate:
        """Of the accuracies, with a paired proportion's variance (Agresti 2013, Categorical Data Analysis, 11.1)."""
        share = (self.only_one - self.only_other) / self.num_images
        variance = ((self.only_one + self.only_other) / self.num_images - share**2) / self.num_images
        return Estimate(share, variance, self.num_images - 1)

    @property
    def p(self) -> float:
        """McNemar's mid-p, two-sided: the chance of a split further from even, and half that of one as far (Fagerland,
        Lydersen & Laake 2013, BMC Medical Research Methodology 13:91)."""
        total, fewer = self.only_one + self.only_other, min(self.only_one, self.only_other)
        if total == 0:
            return 1.0
        as_far = float(special.bdtr(fewer, total, 0.5) - (special.bdtr(fewer - 1, total, 0.5) if fewer else 0.0))
        return 1 - as_far / 2 if 2 * fewer == total else 2 * float(special.bdtr(fewer, total, 0.5)) - as_far


def disagreement(one: Marks, other: Marks) -> Disagreement:
    """Of two rows, 1 where the network was right."""
    right, other_right = one.astype(bool), other.astype(bool)
    return Disagreement(int(np.sum(right & ~other_right)), int(np.sum(other_right & ~right)), len(right))
