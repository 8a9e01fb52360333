"""All randomness as a pure function of (seed, purpose, epoch, step): nothing is stored, any epoch can be replayed."""

import hashlib

import torch


def derived_seed(seed: int, purpose: str, epoch: int = 0, step: int = 0) -> int:
    """A 63-bit seed; BLAKE2b, so that neighbouring steps share nothing."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{epoch}/{step}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(seed: int, purpose: str, epoch: int = 0, step: int = 0) -> torch.Generator:
    """On the CPU, so that CPU and GPU see the same numbers."""
    return torch.Generator().manual_seed(derived_seed(seed, purpose, epoch, step))
