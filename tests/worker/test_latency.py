"""How long a network takes to answer, and how long measuring it may take."""

import time

import pytest
import torch
from torch import nn

from core.dataset_store import MaterialisedDataset
from worker.batches import test_split_of as the_test_split_of
from worker.latency import LEAST, PATIENCE_SECONDS, WARM_UP, measure_latency


class Slow(nn.Module):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds, self.num_answers = seconds, 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.num_answers += 1
        time.sleep(self.seconds)
        return images


@pytest.mark.parametrize(("seconds", "answers"), [(PATIENCE_SECONDS, 1), (0.03, LEAST + WARM_UP)])
def test_a_slow_network_is_asked_no_more_than_a_cancel_can_wait(
    digits: MaterialisedDataset, seconds: float, answers: int
) -> None:
    model = Slow(seconds)
    figures = measure_latency(model, the_test_split_of(digits, torch.device("cpu")), "fp32")
    assert model.num_answers == 2 * answers, "of one image, and of a batch"
    assert figures["single_image_seconds"] >= seconds
