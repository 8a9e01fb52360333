"""Whatever spec is sent: it is built as predicted, or refused with a reason. `make specs` tries 100,000."""

import torch

from tests.spec_fuzz import fuzz

COUNT = 2_000


def test_every_random_spec_is_built_as_predicted_or_refused_with_a_reason() -> None:
    torch.set_num_threads(1)
    outcomes = fuzz(COUNT, seed=1)
    assert outcomes.total() == COUNT
    assert outcomes["built"] > COUNT / 8, outcomes
    assert len(outcomes) > 8, "the refusals are of many kinds"
