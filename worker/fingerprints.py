"""What weights are, in few letters: two trainings of one config are compared by them, epoch by epoch."""

from collections.abc import Mapping
from hashlib import sha256

import torch


def fingerprints(weights: Mapping[str, torch.Tensor]) -> dict[str, str]:
    """The first 64 bits of SHA-256 over each tensor's bytes, by its name and in the order of the network."""
    return {name: sha256(tensor.detach().cpu().numpy().tobytes()).hexdigest()[:16] for name, tensor in weights.items()}
