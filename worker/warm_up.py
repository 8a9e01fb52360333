"""A step of training before the first run, so that no run pays for what torch makes ready at its first one."""

import torch

from core.run_config import parse_run_config, resolve_run
from worker.batches import Split, Splits
from worker.train import Training

NUM_IMAGES = 128  # two batches, and two of an evaluation


def warm_up() -> None:
    """Trains nothing for an epoch, on the CPU. What it leaves in the process is no run's: see worker/footprint.py."""
    run = resolve_run(parse_run_config({"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 1}))
    black = Split(torch.zeros(NUM_IMAGES, 1, 28, 28, dtype=torch.uint8), torch.zeros(NUM_IMAGES, dtype=torch.int64))
    for _ in Training(run.config, run.layers, Splits(black, None, black, mean=0.0, std=1.0)).epochs(lambda _: None):
        pass
